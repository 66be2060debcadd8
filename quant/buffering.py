"""Position inertia: trade only when the held position leaves a band around the optimal one, and then to its edge.

Source: Carver, Systematic Trading (2015), chapter 11; Leveraged Trading (2019), chapter 10.
"""

from __future__ import annotations

import msgspec


class Buffered(msgspec.Struct, frozen=True, gc=False):
    """position: what to hold. low, high: the band's edges before rounding. traded: the band was left."""

    position: float
    low: float
    high: float
    traded: bool


def average_position(capital: float, risk: float, share: float, volatility: float, days_root: float = 16.0) -> float:
    """Units held at a forecast of ten.

    capital in base currency; risk: annual volatility target as a fraction; share: weight x diversification multiplier;
    volatility: of one unit, per day, in base currency. NaN when the volatility is not a positive number.
    """
    return capital * risk * share / days_root / volatility if volatility > 0.0 else float("nan")


def buffered(held: float, optimal: float, average: float, buffer: float = 0.10, lot: float = 1.0) -> Buffered:
    """The position to hold: `held` inside optimal +- buffer x |average|, else the nearer edge in whole lots.

    Lots are rounded half to even. Raises ValueError when a number is not finite: a caller holds instead.
    """
    width = buffer * abs(average)
    low, high = optimal - width, optimal + width
    if not (low - high <= 0.0 and low - low == 0.0 and high - high == 0.0):
        raise ValueError(f"no position follows from optimal {optimal} and average {average}; hold what there is")
    if held < low:
        return Buffered(round(low / lot) * lot, low, high, True)
    if held > high:
        return Buffered(round(high / lot) * lot, low, high, True)
    return Buffered(held, low, high, False)
