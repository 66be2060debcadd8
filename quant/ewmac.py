"""EWMAC: the crossover of two exponential means in units of daily volatility, scaled to a mean size of ten.

Source: Carver, Systematic Trading (2015), appendix B, and Advanced Futures Trading Strategies (2023), strategy seven.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from quant.volatility import span_alpha

CAP: Final = 20.0
SCALARS: Final[dict[int, float]] = {2: 10.6, 4: 7.5, 8: 5.3, 16: 3.75, 32: 2.65, 64: 1.87}


def root_scalar(fast: float) -> float:
    """15 / sqrt(fast): within one percent of the table of the source, and defined for every speed."""
    return 15.0 / math.sqrt(fast)


def clip(x: float, cap: float = CAP) -> float:
    """x within [-cap, cap]; NaN stays NaN."""
    return cap if x > cap else -cap if x < -cap else x


class Ewma(msgspec.Struct):
    """Exponential mean that starts at the first value: pandas `ewm(span, adjust=False).mean()`."""

    span: float
    seen: int = 0
    value: float = 0.0

    def update(self, x: float) -> float:
        self.value = self.value + span_alpha(self.span) * (x - self.value) if self.seen else x
        self.seen += 1
        return self.value


def forecast(fast: float, slow: float, volatility: float, scalar: float, cap: float = CAP) -> float:
    """Scaled and capped crossover. volatility: daily, in price points. NaN when it is not a positive number."""
    if not volatility > 0.0:
        return float("nan")
    return clip((fast - slow) / volatility * scalar, cap)


def combine(forecasts: Iterable[float], weights: Sequence[float], diversification: float, cap: float = CAP) -> float:
    """Weighted mean x forecast diversification multiplier, capped again. The weights are taken as given."""
    total = 0.0
    for one, weight in zip(forecasts, weights, strict=True):
        total += one * weight
    return clip(total * diversification, cap)
