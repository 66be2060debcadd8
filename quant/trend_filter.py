"""Relative momentum of two markets, and how much of a spread position it permits."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

Shape = tuple[tuple[float, float], ...]

SHAPE: Shape = ((-0.05, 0.25), (0.02, 1.0))


class Permission(NamedTuple):
    """multiplier in [0, 1]; options_only: the spread has turned so far that only hedges may stay."""

    multiplier: float
    options_only: bool


def relative_momentum(us: Sequence[float], eu: Sequence[float], lookback: int) -> float | None:
    """us[-1]/us[-lookback] - eu[-1]/eu[-lookback], or None while either series is shorter: unknown is not zero."""
    if len(us) < lookback or len(eu) < lookback:
        return None
    return us[-1] / us[-lookback] - eu[-1] / eu[-lookback]


def blended_momentum(
    us: Sequence[float], eu: Sequence[float], short: int = 60, long: int = 252, short_share: float = 0.6
) -> float | None:
    """short_share x short momentum + the rest x long momentum, or None while one of them is unknown."""
    near, far = relative_momentum(us, eu, short), relative_momentum(us, eu, long)
    if near is None or far is None:
        return None
    return short_share * near + (1.0 - short_share) * far


def permitted(momentum: float, shape: Shape = SHAPE, exit_below: float = -0.10) -> Permission:
    """What share of the full position a momentum permits: linear between the points of `shape`, flat outside.

    At or under `exit_below` nothing but options. Raises ValueError for NaN: a caller holds instead.
    """
    if momentum != momentum:
        raise ValueError("momentum is not a number; hold the position and find the missing price")
    if momentum <= exit_below:
        return Permission(0.0, True)
    if momentum <= shape[0][0]:
        return Permission(shape[0][1], False)
    for (x0, y0), (x1, y1) in pairwise(shape):
        if momentum < x1:
            return Permission(y0 + (y1 - y0) * (momentum - x0) / (x1 - x0), False)
    return Permission(shape[-1][1], False)


def ratio_momentum(ratio: Sequence[float], fast: int = 50, slow: int = 200, slope_days: int = 20) -> float | None:
    """Direction of a ratio series in {-1, -0.5, +0.5, +1}, or None while it is shorter than `slow`.

    Above its slow mean +1 when the fast mean rises over `slope_days`, else +0.5; below -1 when it falls, else -0.5.
    """
    if len(ratio) < max(slow, fast + slope_days):
        return None
    mean_fast = sum(ratio[-fast:]) / fast
    mean_slow = sum(ratio[-slow:]) / slow
    before = sum(ratio[-fast - slope_days : -slope_days]) / fast
    slope = mean_fast - before
    if mean_fast > mean_slow:
        return 1.0 if slope > 0.0 else 0.5
    return -1.0 if slope < 0.0 else -0.5
