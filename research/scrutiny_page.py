"""The sceptical half of a report in Markdown: years, sleeves, costs, products, and what looks odd."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from model.decisions import DayMarked
from model.units import cash_float
from research.oddities import oddities
from research.performance import DAYS_PER_YEAR, drawdowns, growth
from research.scrutiny import Scrutiny


def scrutiny_page(s: Scrutiny, wanted: tuple[str, ...] = ()) -> list[str]:
    """Lines of Markdown. wanted: products that a sleeve was told to trade. Needs two days or more."""
    odd = oddities(s, wanted) or ["Nothing that this program looks for."]
    return [
        "## Years", "", *years(s), "",
        "## Sleeves", "", *sleeves(s.days), "",
        "## Costs", "", *costs(s), "",
        "## Products", "", *products(s), "",
        "## What looks odd, and why", "", *(f"- {line}" for line in odd),
    ]  # fmt: skip


def years(s: Scrutiny) -> list[str]:
    """A row a year."""
    lines = [
        "| year | return | volatility | deepest drawdown | scale | orders | not filled | left out | denied | rolls "
        "| degraded days |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name in sorted({day.session // 10_000 for day in s.days}):
        nav = _growth_of(s.days, name)
        year = s.years[name]
        returns = nav[1:] / nav[:-1] - 1.0
        decided = max(1, sum(year.regimes.values()))
        unfilled = year.orders.total() - year.orders["sent"]
        lines.append(
            f"| {name} | {nav[-1] / nav[0] - 1:+.1%} | {_vol(returns):.1%} | {drawdowns(nav).min():.1%} "
            f"| {year.scale / decided:.2f} | {year.orders['sent']:,} | {unfilled:,} | {year.left_out:,} "
            f"| {year.denied:,} | {year.rolls:,} | {year.degraded_days:,} |"
        )
    return lines


def sleeves(days: Sequence[DayMarked]) -> list[str]:
    """A row a sleeve; shares are of the whole book's net asset value, since sleeves share it."""
    nav = np.array([cash_float(day.nav) for day in days])
    years = (len(days) - 1) / DAYS_PER_YEAR
    lines = [
        "| sleeve | profit | return a year | volatility | Sharpe ratio | deepest drawdown |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name in sorted(days[-1].sleeve_pnl):
        profit = np.array([cash_float(day.sleeve_pnl.get(name, 0)) for day in days])
        returns = np.diff(profit) / nav[:-1]
        vol = _vol(returns)
        sharpe = f"{returns.mean() * DAYS_PER_YEAR / vol:.2f}" if vol else ""
        wealth = np.concatenate(([1.0], 1.0 + np.cumsum(returns)))
        deepest = float((wealth - np.maximum.accumulate(wealth)).min())
        mean = returns.sum() / years
        lines.append(f"| {name} | {profit[-1]:,.0f} | {mean:+.2%} | {vol:.2%} | {sharpe} | {deepest:.1%} |")
    return lines


def costs(s: Scrutiny) -> list[str]:
    """Commission and spread, in money and a year of net asset value."""
    average = float(np.mean([cash_float(day.nav) for day in s.days]))
    years = (len(s.days) - 1) / DAYS_PER_YEAR
    rows = (("commission", s.commission), ("half spread", s.spread), ("both", s.commission + s.spread))
    return [
        "| cost | paid | a year, of net asset value |",
        "|---|---:|---:|",
        *(f"| {name} | {paid:,.0f} | {paid / years / average:.3%} |" for name, paid in rows),
        "",
        f"{s.rolls:,} legs of positions were rolled into the next contract; their costs are in these.",
    ]


def products(s: Scrutiny) -> list[str]:
    """The three products that made most, the three that lost most, and whether all of them add up to the books."""
    order = sorted(s.profit.items(), key=lambda item: -item[1])
    chosen = order if len(order) <= 6 else [*order[:3], *order[-3:]]
    revalued = cash_float(s.days[-1].fx_total)
    made = sum(s.profit.values()) + revalued
    books = cash_float(s.days[-1].nav - s.days[0].nav)
    return [
        "| product | profit after commission | lots traded |",
        "|---|---:|---:|",
        *(f"| {name} | {profit:,.0f} | {s.lots_traded[name]:,} |" for name, profit in chosen),
        "",
        f"All {len(order)} products and {revalued:+,.0f} from rates of exchange make {made:,.0f}; "
        f"the books gained {books:,.0f}.",
    ]


def _growth_of(days: Sequence[DayMarked], year: int) -> np.ndarray:
    """Growth of 1.0 over a year, from the last day of the year before."""
    mine = [place for place, day in enumerate(days) if day.session // 10_000 == year]
    return growth(days[max(0, mine[0] - 1) : mine[-1] + 1])


def _vol(returns: np.ndarray) -> float:
    return float(returns.std(ddof=1)) * math.sqrt(DAYS_PER_YEAR) if len(returns) > 1 else 0.0
