"""Cross rates. A rate is money of one currency for one unit of another; an unknown rate is None, never 1."""

from __future__ import annotations

from collections.abc import Mapping


def cross_rate(rates: Mapping[str, float], currency: str, base: str, quoted_in: str) -> float | None:
    """Base money for one unit of `currency`.

    rates: money of `quoted_in` for one unit of each key. None when a rate that is needed is missing or not positive.
    """
    if currency == base:
        return 1.0
    numerator = 1.0 if currency == quoted_in else rates.get(currency)
    denominator = 1.0 if base == quoted_in else rates.get(base)
    if numerator is None or denominator is None or not (numerator > 0.0 and denominator > 0.0):
        return None
    return numerator / denominator


def scaled_cross(numerator: int, denominator: int, scale: int) -> int:
    """numerator / denominator of two scaled rates, in the same scale, rounded half to even. Both must be positive."""
    quotient, remainder = divmod(numerator * scale, denominator)
    twice = 2 * remainder
    return quotient + (twice > denominator or (twice == denominator and quotient & 1 == 1))
