"""The console: positions, orders, books, regime and log of a running engine, drawn from its status."""

from __future__ import annotations

from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

BANDS = {"PAPER": "black on bright_cyan", "REPLAY": "black on bright_yellow", "LIVE": "white on red"}
ROWS = 14
WIDE = 120
"""Columns from which books stand four in a row and orders show their id and side."""


class Screen:
    """One frame, arranged by the width that it is given. Names are shortened where room is short, numbers never."""

    def __init__(self, status: dict[str, Any], headline: str) -> None:
        self._status = status
        self._headline = headline

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        status, wide = self._status, options.max_width >= WIDE
        books = _books(status, 4 if wide else 2)
        layout = Layout()
        layout.split_column(
            Layout(Group(_band(status, self._headline), books, _sleeves(status)), name="top", size=books.row_count + 3),
            Layout(name="middle", ratio=2),
            Layout(_log(status), name="log", ratio=1),
        )
        orders = _orders(status) if wide else _orders_in_brief(status)
        layout["middle"].split_row(Layout(_positions(status), ratio=2), Layout(orders, ratio=3))
        yield layout


def screen(status: dict[str, Any], headline: str) -> Screen:
    """One frame. `status` is what the control port answers; `headline` says what is going on around the engine."""
    return Screen(status, headline)


def _band(status: dict[str, Any], headline: str) -> Text:
    text = (
        f" {status['band']} · account {status['account'][-8:]} · {status['program']} · {status['mode']} · {headline} "
    )
    return Text(text, style=BANDS.get(status["band"], "reverse"), no_wrap=True, overflow="ellipsis")


def _books(status: dict[str, Any], columns: int) -> Table:
    currency, counts = status["currency"], status["counts"]
    cells = (
        f"time {status['now'] or '–'}",
        f"NAV {money(status['nav'])} {currency}",
        f"profit {money(status['profit'], sign=True)} {currency}",
        "drawdown " + minus(f"{status['drawdown']:.2%}"),
        f"regime {status['regime'] or '–'}, scale {status['scale']:.2f}",
        f"gross {money(status['gross'])}",
        f"net {money(status['net'], sign=True)}",
        f"fees {money(status['fees'])}",
        f"run {status['run'].get('status', '–')}",
        f"orders {counts['orders']:,}, fills {counts['fills']:,}",
        f"denied {counts['denials']:,}",
        f"journal row {status['journal_seq']:,}",
    )
    table = Table.grid(expand=True, padding=(0, 2))
    for _ in range(columns):
        table.add_column(no_wrap=True, ratio=1)
    for place in range(0, len(cells), columns):
        table.add_row(*cells[place : place + columns])
    return table


def _sleeves(status: dict[str, Any]) -> Text:
    text = "   ".join(f"{name} {money(value, sign=True)}" for name, value in status["sleeves"].items())
    return Text(text or "no sleeve has traded yet", no_wrap=True, overflow="ellipsis")


def _log(status: dict[str, Any]) -> Panel:
    lines = "\n".join(status["log"][-12:]) or "nothing has happened yet"
    return Panel(Text(lines, no_wrap=True, overflow="ellipsis"), title="log", title_align="left")


def _table(*columns: str) -> Table:
    """Numbers keep their width; what else there is gives way."""
    table = Table(expand=True, box=None, pad_edge=False)
    for name in columns:
        number = name == "quantity"
        table.add_column(name, justify="right" if number else "left", no_wrap=number, overflow="ellipsis")
    return table


def _positions(status: dict[str, Any]) -> Panel:
    table = _table("instrument", "quantity")
    held = status["positions"]
    for name in sorted(held, key=lambda n: -abs(held[n]))[:ROWS]:
        table.add_row(name, minus(f"{held[name]:+,.10g}"))
    if len(held) > ROWS:
        table.add_row(f"… and {len(held) - ROWS} more", "")
    return Panel(table, title=f"positions ({len(held)})", title_align="left")


def _orders(status: dict[str, Any]) -> Panel:
    table = _table("order", "instrument", "side", "quantity", "type", "state")
    for order in status["working"][:ROWS]:
        table.add_row(
            order["id"][-8:], order["instrument"], order["side"], f"{order['quantity']:,.10g}", order["type"],
            order["state"],
        )  # fmt: skip
    return _order_panel(table, len(status["working"]))


def _orders_in_brief(status: dict[str, Any]) -> Panel:
    """Without ids; the sign of the quantity is the side."""
    table = _table("instrument", "quantity", "type", "state")
    for order in status["working"][:ROWS]:
        signed = order["quantity"] if order["side"] == "BUY" else -order["quantity"]
        table.add_row(order["instrument"], minus(f"{signed:+,.10g}"), order["type"], order["state"])
    return _order_panel(table, len(status["working"]))


def _order_panel(table: Table, count: int) -> Panel:
    if count > ROWS:
        table.add_row(f"… and {count - ROWS} more")
    return Panel(table, title=f"orders at work ({count})", title_align="left")


def money(value: float, *, sign: bool = False) -> str:
    """Thousands separated, no decimals, a true minus sign and none before nothing."""
    whole = round(value)
    return minus(f"{whole:+,}" if sign else f"{whole:,}")


def minus(text: str) -> str:
    """With true minus signs."""
    return text.replace("-", "−")
