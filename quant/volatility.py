"""Volatility of a series as it grows: every estimator takes one value at a time and equals its pandas form.

Values are daily changes or returns; results are per day in the same unit unless a name says annual. An estimator that
has not seen enough answers NaN, and NaN never passes a comparison, so what depends on it does nothing.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from typing import Final

import msgspec

NAN: Final = math.nan


def span_alpha(span: float) -> float:
    """The decay of an exponential mean of `span`: 2 / (span + 1). Raises ValueError for a span under 1."""
    if not span >= 1.0:
        raise ValueError(f"span {span} is under 1; give the number of days over which to average")
    return 2.0 / (span + 1.0)


class EwmaMean(msgspec.Struct):
    """Exponential mean whose weights are normalised by their sum: pandas `ewm(span, adjust=True).mean()`."""

    span: float
    weight: float = 0.0
    value: float = NAN

    def update(self, x: float) -> float:
        self.weight = 1.0 + (1.0 - span_alpha(self.span)) * self.weight
        self.value = x if self.weight == 1.0 else self.value + (x - self.value) / self.weight
        return self.value


class EwmaDeviation(msgspec.Struct, tag=True):
    """Exponential standard deviation about its own mean, corrected for bias: pandas `ewm(span).std()`.

    `value` is NaN until `min_periods` (at least 2) values were seen.
    """

    span: float
    min_periods: int = 2
    seen: int = 0
    weight: float = 0.0
    weight_squares: float = 0.0
    mean: float = 0.0
    squares: float = 0.0
    alpha: float = 0.0

    def __post_init__(self) -> None:
        self.alpha = span_alpha(self.span)

    def update(self, x: float) -> float:
        keep = 1.0 - self.alpha
        self.seen += 1
        self.weight = 1.0 + keep * self.weight
        self.weight_squares = 1.0 + keep * keep * self.weight_squares
        delta = x - self.mean
        self.mean += delta / self.weight
        self.squares = keep * self.squares + delta * (x - self.mean)
        return self.value

    @property
    def value(self) -> float:
        if self.seen < self.min_periods or self.seen < 2:
            return NAN
        return math.sqrt(self.squares / (self.weight - self.weight_squares / self.weight))


class RootMeanSquare(msgspec.Struct, tag=True):
    """Root of an exponential mean of squares, started at the first value: `(x**2).ewm(span, adjust=False).mean()`."""

    span: float
    min_periods: int = 1
    seen: int = 0
    mean_square: float = 0.0
    alpha: float = 0.0

    def __post_init__(self) -> None:
        self.alpha = span_alpha(self.span)

    def update(self, x: float) -> float:
        square = x * x
        self.mean_square += (self.alpha if self.seen else 1.0) * (square - self.mean_square)
        self.seen += 1
        return math.sqrt(self.mean_square) if self.seen >= self.min_periods else NAN

    @property
    def value(self) -> float:
        return math.sqrt(self.mean_square) if self.seen >= self.min_periods else NAN


class RollingDeviation(msgspec.Struct):
    """Sample standard deviation of the last `window` values, or of all of them while there are fewer: ddof 1."""

    window: int
    values: list[float] = msgspec.field(default_factory=list)

    def add(self, x: float) -> None:
        self.values.append(x)
        if len(self.values) > self.window:
            del self.values[0]

    def update(self, x: float) -> float:
        self.add(x)
        return self.value

    @property
    def value(self) -> float:
        n = len(self.values)
        if n < 2:
            return NAN
        mean = math.fsum(self.values) / n
        return math.sqrt(math.fsum([(x - mean) ** 2 for x in self.values]) / (n - 1))


class RollingQuantile(msgspec.Struct):
    """Quantile of the last `window` values, interpolated: pandas `rolling(window, min_periods).quantile(share)`."""

    share: float
    window: int
    min_periods: int
    recent: list[float] = msgspec.field(default_factory=list)
    ordered: list[float] = msgspec.field(default_factory=list)

    def update(self, x: float) -> float:
        self.recent.append(x)
        insort(self.ordered, x)
        if len(self.recent) > self.window:
            del self.ordered[bisect_left(self.ordered, self.recent.pop(0))]
        return self.value

    @property
    def value(self) -> float:
        n = len(self.ordered)
        if n < self.min_periods:
            return NAN
        at = self.share * (n - 1)
        low = int(at)
        here = self.ordered[low]
        return here if low + 1 >= n else here + (self.ordered[low + 1] - here) * (at - low)


class RobustVolatility(msgspec.Struct, tag=True):
    """EWMA deviation that a quiet spell cannot pull under its own low quantile, optionally leaning on the long run.

    Floor: the `floor_share` quantile of the last `floor_window` estimates. Blend: (1 - long_share) x now +
    long_share x exponential mean of the estimates over `long_span`. Source: Carver, pysystemtrade `robust_vol_calc`
    and Advanced Futures Trading Strategies (2023), strategy three.
    """

    now: EwmaDeviation
    floor: RollingQuantile
    long_run: EwmaMean
    long_share: float = 0.0
    value: float = NAN

    def update(self, x: float) -> float:
        estimate = self.now.update(x)
        if estimate != estimate:
            return self.value
        estimate = max(estimate, 1e-10)
        floor = self.floor.update(estimate)
        if floor == floor:
            estimate = max(estimate, floor)
        if self.long_share:
            estimate = (1.0 - self.long_share) * estimate + self.long_share * self.long_run.update(estimate)
        self.value = estimate
        return estimate


def robust_volatility(
    span: float = 35,
    min_periods: int = 10,
    floor_share: float = 0.05,
    floor_window: int = 500,
    floor_min_periods: int = 100,
    long_span: float = 2560,
    long_share: float = 0.0,
) -> RobustVolatility:
    """A fresh estimator with the parameters of the source as defaults (no blend)."""
    return RobustVolatility(
        EwmaDeviation(float(span), min_periods),
        RollingQuantile(floor_share, floor_window, floor_min_periods),
        EwmaMean(float(long_span)),
        long_share,
    )


def blend(ewma: float, rolling: float, ewma_share: float = 0.7, floor: float = 0.0) -> float:
    """ewma_share x EWMA + the rest x rolling, never under `floor`; an unknown rolling figure counts as the EWMA one."""
    if rolling != rolling or rolling == 0.0:
        rolling = ewma
    return max(floor, ewma_share * ewma + (1.0 - ewma_share) * rolling) if ewma == ewma else NAN
