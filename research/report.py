"""A page about a track record: figures, the books' balance, and a chart, from the journal alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np

from model.decisions import DayMarked
from model.units import cash_decimal, cash_float
from research.performance import Performance, drawdowns, growth, performance


def write_report(
    folder: Path, days: Sequence[DayMarked], title: str, notes: Sequence[str], more: Sequence[str] = ()
) -> tuple[Path, Path]:
    """Write `report.md` and `report.png` into a folder and return their paths. Needs two days or more.

    more: further lines of Markdown, before the books.
    """
    figures = performance(days)
    folder.mkdir(parents=True, exist_ok=True)
    page, chart = folder / "report.md", folder / "report.png"
    page.write_text(render(figures, days, title, notes, more), encoding="utf-8")
    draw(chart, days, title)
    return page, chart


def render(
    figures: Performance, days: Sequence[DayMarked], title: str, notes: Sequence[str], more: Sequence[str] = ()
) -> str:
    """The page in Markdown."""
    f = figures
    lines = [f"# {title}", "", f"{_day(f.first_session)} to {_day(f.last_session)}, {f.days:,} sessions.", ""]
    lines += [f"- {note}" for note in notes]
    lines += ["", "| figure | value |", "|---|---:|"]
    lines += [f"| {name} | {value} |" for name, value in _figures(f)]
    lines += ["", "| sleeve | profit | share of total |", "|---|---:|---:|"]
    total = sum(f.sleeve_pnl.values())
    for name, value in f.sleeve_pnl.items():
        lines.append(f"| {name} | {value:,.2f} | {value / total:.0%} |" if total else f"| {name} | {value:,.2f} | |")
    lines += ["", *more, "", "## Books", "", *balance(days), "", "![equity, drawdown and sleeves](report.png)", ""]
    return "\n".join(lines)


def _figures(f: Performance) -> list[tuple[str, str]]:
    return [
        ("net asset value, first", f"{f.start_nav:,.2f}"),
        ("net asset value, last", f"{f.end_nav:,.2f}"),
        ("return a year, compounded", f"{f.annual_return:+.2%}"),
        ("volatility a year", f"{f.annual_vol:.2%}"),
        ("Sharpe ratio (256 days, no risk-free rate)", f"{f.sharpe:.2f} ± {f.sharpe_error:.2f}"),
        ("deepest drawdown", f"{f.max_drawdown:.2%} on {_day(f.max_drawdown_session)}"),
        ("longest drawdown", f"{f.longest_drawdown_days:,} sessions"),
        ("worst day", f"{f.worst_day:+.2%} on {_day(f.worst_day_session)}"),
        ("best day", f"{f.best_day:+.2%} on {_day(f.best_day_session)}"),
        ("skew of daily returns", f"{f.skew:+.2f}"),
        ("commissions paid", f"{f.costs:,.2f}"),
        ("commissions a year", f"{f.annual_cost:.3%} of net asset value"),
        ("turnover a year", f"{f.turnover:.1f} × net asset value"),
        ("gross exposure, average", f"{f.average_gross:.2f} × net asset value"),
    ]


def balance(days: Sequence[DayMarked]) -> list[str]:
    """The identity of the books on the last day, and on how many days it held exactly."""
    wrong = [day.session for day in days if day.cash_base + day.open_value != day.nav]
    last = days[-1]
    lines = [
        f"Cash {cash_decimal(last.cash_base):,f} + open value {cash_decimal(last.open_value):,f} "
        f"= net asset value {cash_decimal(last.nav):,f}.",
        f"The identity held exactly on {len(days) - len(wrong):,} of {len(days):,} days.",
    ]
    if wrong:
        lines.append("It did not hold on " + ", ".join(_day(session) for session in wrong[:10]) + ".")
    return lines


def draw(path: Path, days: Sequence[DayMarked], title: str) -> None:
    """Equity, drawdown and each sleeve's profit as a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    when = [_date(day.session) for day in days]
    nav = np.array([cash_float(day.nav) for day in days])
    figure = Figure(figsize=(11, 9), layout="constrained")
    FigureCanvasAgg(figure)
    top, middle, bottom = figure.subplots(3, 1, sharex=True, height_ratios=(3, 1, 2))
    top.plot(when, nav / 1e6, lw=1, color="#1f4e79")
    top.set_title(title, loc="left", fontsize=11)
    top.set_ylabel("net asset value, millions")
    middle.fill_between(when, drawdowns(growth(days)) * 100, 0, color="#a33", alpha=0.6, lw=0)
    middle.set_ylabel("drawdown, %")
    for name in sorted(days[-1].sleeve_pnl):
        profit = np.array([cash_float(day.sleeve_pnl.get(name, 0)) for day in days])
        bottom.plot(when, profit / 1e6, lw=1, label=name)
    bottom.set_ylabel("profit by sleeve, millions")
    if days[-1].sleeve_pnl:
        bottom.legend(loc="upper left", frameon=False)
    for axis in (top, middle, bottom):
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)


def _date(session: int) -> date:
    return date(session // 10_000, session // 100 % 100, session % 100)


def _day(session: int) -> str:
    return _date(session).isoformat()
