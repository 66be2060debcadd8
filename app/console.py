"""The console: positions, orders, books, regime and log of a running engine, drawn from its status."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

BANDS = {"PAPER": "black on bright_cyan", "REPLAY": "black on bright_yellow", "LIVE": "white on red"}
ROWS = 14


def screen(status: dict[str, Any], headline: str) -> RenderableType:
    """One frame. `status` is what the control port answers; `headline` says what is going on around the engine."""
    layout = Layout()
    layout.split_column(Layout(name="top", size=6), Layout(name="middle", ratio=2), Layout(name="log", ratio=1))
    layout["middle"].split_row(Layout(_positions(status)), Layout(_orders(status)))
    layout["top"].update(Group(_band(status, headline), _books(status)))
    lines = "\n".join(status["log"][-12:]) or "nothing has happened yet"
    layout["log"].update(Panel(Text(lines, no_wrap=True, overflow="ellipsis"), title="log", title_align="left"))
    return layout


def _band(status: dict[str, Any], headline: str) -> Text:
    text = (
        f" {status['band']} · account {status['account'][-8:]} · {status['program']} · {status['mode']} · {headline} "
    )
    return Text(text, style=BANDS.get(status["band"], "reverse"), no_wrap=True, overflow="ellipsis")


def _books(status: dict[str, Any]) -> Table:
    table = Table.grid(expand=True, padding=(0, 2))
    for _ in range(4):
        table.add_column(justify="left")
    currency = status["currency"]
    table.add_row(
        f"time {status['now'] or '–'}",
        f"NAV {money(status['nav'])} {currency}",
        f"profit {money(status['profit'], sign=True)} {currency}",
        f"drawdown {status['drawdown']:.2%}",
    )
    table.add_row(
        f"regime {status['regime'] or '–'}, scale {status['scale']:.2f}",
        f"gross {money(status['gross'])}",
        f"net {money(status['net'], sign=True)}",
        f"fees {money(status['fees'])}",
    )
    counts = status["counts"]
    table.add_row(
        f"run {status['run'].get('status', '–')}",
        f"orders {counts['orders']:,}, fills {counts['fills']:,}",
        f"denied {counts['denials']:,}",
        f"journal row {status['journal_seq']:,}",
    )
    sleeves = "   ".join(f"{name} {money(value, sign=True)}" for name, value in status["sleeves"].items())
    table.add_row(Text(sleeves or "no sleeve has traded yet", no_wrap=True, overflow="ellipsis"))
    return table


def _positions(status: dict[str, Any]) -> Panel:
    table = Table(expand=True, box=None, pad_edge=False)
    table.add_column("instrument", no_wrap=True)
    table.add_column("quantity", justify="right", no_wrap=True)
    held = status["positions"]
    for name in sorted(held, key=lambda n: -abs(held[n]))[:ROWS]:
        table.add_row(name, f"{held[name]:+,.10g}".replace("-", "−"))
    if len(held) > ROWS:
        table.add_row(f"… and {len(held) - ROWS} more", "")
    return Panel(table, title=f"positions ({len(held)})", title_align="left")


def _orders(status: dict[str, Any]) -> Panel:
    table = Table(expand=True, box=None, pad_edge=False)
    for name in ("order", "instrument", "side", "quantity", "type", "state"):
        table.add_column(name, no_wrap=True, justify="right" if name == "quantity" else "left")
    working = status["working"]
    for order in working[:ROWS]:
        table.add_row(
            order["id"][-8:], order["instrument"], order["side"], f"{order['quantity']:,.10g}", order["type"],
            order["state"],
        )  # fmt: skip
    return Panel(table, title=f"orders at work ({len(working)})", title_align="left")


def money(value: float, *, sign: bool = False) -> str:
    """Thousands separated, no decimals, a true minus sign."""
    return (f"{value:+,.0f}" if sign else f"{value:,.0f}").replace("-", "−")
