"""Cross rates. A rate is money of one currency for one unit of another."""

from __future__ import annotations


def scaled_cross(numerator: int, denominator: int, scale: int) -> int:
    """numerator / denominator of two scaled rates, in the same scale, rounded half to even. Both must be positive."""
    quotient, remainder = divmod(numerator * scale, denominator)
    twice = 2 * remainder
    return quotient + (twice > denominator or (twice == denominator and quotient & 1 == 1))
