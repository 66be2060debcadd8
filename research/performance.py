"""Figures of a track record from its daily books."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from model.decisions import DayMarked
from model.units import cash_float

DAYS_PER_YEAR = 256
"""Business days used to annualise, the convention of the trend literature (Carver)."""


class Performance(msgspec.Struct, frozen=True, kw_only=True):
    """A record in figures. Rates are fractions a year of net asset value, drawdowns negative fractions.

    Money paid in or taken out is neither profit nor loss; costs and turnover are those of the days after the first.
    sharpe_error: standard error of the Sharpe ratio if daily returns were independent, sqrt((1 + SR^2 / 2) / years).
    turnover: traded notional a year over average net asset value.
    """

    first_session: int
    last_session: int
    days: int
    start_nav: float
    end_nav: float
    annual_return: float
    annual_vol: float
    sharpe: float
    sharpe_error: float
    max_drawdown: float
    max_drawdown_session: int
    longest_drawdown_days: int
    worst_day: float
    worst_day_session: int
    best_day: float
    best_day_session: int
    skew: float
    costs: float
    annual_cost: float
    turnover: float
    average_gross: float
    sleeve_pnl: dict[str, float]


def drawdowns(worth: np.ndarray) -> np.ndarray:
    """(days,) fractions below the highest value so far, 0 at a new high."""
    result: np.ndarray = worth / np.maximum.accumulate(worth) - 1.0
    return result


def growth(days: Sequence[DayMarked]) -> np.ndarray:
    """(days,) what one unit of money became, time-weighted: flows count as made after the day's profit."""
    nav = np.array([cash_float(day.nav) for day in days])
    flows = np.diff([cash_float(day.flows_total) for day in days])
    result: np.ndarray = nav / nav[0] * np.concatenate(([1.0], np.cumprod((nav[1:] - flows) / nav[1:])))
    return result


def performance(days: Sequence[DayMarked]) -> Performance:
    """Figures of two days or more, in time order.

    Raises ValueError for fewer, or when net asset value is not positive.
    """
    nav = _checked(days)
    worth = growth(days)
    returns = worth[1:] / worth[:-1] - 1.0
    years = len(returns) / DAYS_PER_YEAR
    vol = float(returns.std(ddof=1)) * math.sqrt(DAYS_PER_YEAR) if len(returns) > 1 else 0.0
    sharpe = float(returns.mean()) * DAYS_PER_YEAR / vol if vol > 0 else 0.0
    below = drawdowns(worth)
    deepest, worst, best = int(below.argmin()), int(returns.argmin()), int(returns.argmax())
    fees = cash_float(days[-1].fees_total - days[0].fees_total)
    return Performance(
        first_session=days[0].session,
        last_session=days[-1].session,
        days=len(days),
        start_nav=float(nav[0]),
        end_nav=float(nav[-1]),
        annual_return=float(worth[-1] ** (1.0 / years) - 1.0),
        annual_vol=vol,
        sharpe=sharpe,
        sharpe_error=math.sqrt((1.0 + sharpe**2 / 2.0) / years),
        max_drawdown=float(below[deepest]),
        max_drawdown_session=days[deepest].session,
        longest_drawdown_days=_longest_below(below),
        worst_day=float(returns[worst]),
        worst_day_session=days[worst + 1].session,
        best_day=float(returns[best]),
        best_day_session=days[best + 1].session,
        skew=_skew(returns),
        costs=fees,
        annual_cost=fees / years / float(nav.mean()),
        turnover=sum(cash_float(day.traded_notional) for day in days[1:]) / years / float(nav.mean()),
        average_gross=float(np.mean([cash_float(day.gross) / cash_float(day.nav) for day in days])),
        sleeve_pnl={name: cash_float(value) for name, value in sorted(days[-1].sleeve_pnl.items())},
    )


def _skew(returns: np.ndarray) -> float:
    centred = returns - returns.mean()
    spread = float(np.sqrt((centred**2).mean()))
    return float((centred**3).mean() / spread**3) if spread > 0 else 0.0


def _checked(days: Sequence[DayMarked]) -> np.ndarray:
    """(days,) net asset values of a record that has figures."""
    if len(days) < 2:
        raise ValueError(f"a record needs at least two days, this one has {len(days)}")
    nav = np.array([cash_float(day.nav) for day in days])
    if (nav <= 0).any():
        first = days[int(np.argmax(nav <= 0))].session
        raise ValueError(f"net asset value is not positive on {first}: percentages mean nothing from there on")
    return nav


def _longest_below(below: np.ndarray) -> int:
    longest = run = 0
    for value in below.tolist():
        run = run + 1 if value < 0 else 0
        longest = max(longest, run)
    return longest
