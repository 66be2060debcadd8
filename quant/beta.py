"""Beta of one market to another from their levels; overlapping periods make different closing times matter less."""

from __future__ import annotations

from collections.abc import Sequence


def rolling_beta(
    market: Sequence[float], other: Sequence[float], window: int = 252, period: int = 5, minimum: int = 120
) -> float | None:
    """Slope of `other`'s returns on `market`'s over the last `window` overlapping `period`-day returns.

    Both are levels of the same days, oldest first, all positive. None with under `minimum` returns or a flat market.
    """
    n = min(len(market), len(other)) - period
    n = min(n, window)
    if n < max(minimum, 2):
        return None
    m, o = market[-n - period :], other[-n - period :]
    x = [m[i + period] / m[i] - 1.0 for i in range(n)]
    y = [o[i + period] / o[i] - 1.0 for i in range(n)]
    mean_x, mean_y = sum(x) / n, sum(y) / n
    variance = sum((a - mean_x) ** 2 for a in x)
    if variance <= 0.0:
        return None
    return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / variance


def beta_neutral_legs(gross: float, beta: float) -> tuple[float, float]:
    """Money long in the market and short in the other so that beta cancels: legs sum to `gross`, long = beta x short.

    Raises ValueError unless beta is positive: such a pair does not offset.
    """
    if not beta > 0.0:
        raise ValueError(f"a beta of {beta} offers no offsetting leg; hold and check the series")
    short = gross / (1.0 + beta)
    return beta * short, short
