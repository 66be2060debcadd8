"""What a replay came to: a summary of counts and books, and the report with its chart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app import facts
from app.process import JOURNAL, VENUE
from config.loader import Configuration
from model.decisions import DayMarked
from model.units import cash_float
from research.report import write_report
from state.content import content_hash
from state.journal import journal_rows
from state.ledger import Ledger

ATTRIBUTION = "price data: pysystemtrade (R. Carver), GPL-3.0"


def days(state: Path) -> list[DayMarked]:
    """The books at the end of every session, from the journal; the last word on a session counts."""
    marked: dict[int, DayMarked] = {}
    for row in journal_rows(state / JOURNAL, kinds=("DayMarked",), events=facts.events()):
        assert isinstance(row.event, DayMarked)
        marked[row.event.session] = row.event
    return [marked[session] for session in sorted(marked)]


def summary(configuration: Configuration, state: Path) -> dict[str, Any]:
    """Counts, books and the content hash, as plain values."""
    books = days(state)
    events = facts.events()
    with Ledger(state / JOURNAL, events) as ledger:
        ledger.catch_up()
        orders = ledger.orders()
        states: dict[str, int] = {}
        for order in orders:
            states[order.state] = states.get(order.state, 0) + 1
        fills, denials, runs = len(ledger.fills()), len(ledger.denials()), len(ledger.runs())
    out_of_balance = sum(day.cash_base + day.open_value != day.nav for day in books)
    return {
        "program": configuration.program.id,
        "sessions": len(books),
        "runs": runs,
        "orders": len(orders),
        **{f"orders {name.lower()}": count for name, count in sorted(states.items())},
        "fills": fills,
        "left out": denials,
        "first nav": cash_float(books[0].nav) if books else 0.0,
        "last nav": cash_float(books[-1].nav) if books else 0.0,
        "unbalanced days": out_of_balance,
        "duplicate ids": _duplicates(state),
        "content hash": content_hash(state / JOURNAL, events),
    }


def write(configuration: Configuration, state: Path) -> tuple[Path, Path]:
    """Write the report next to the journal."""
    from app.honesty import notes, wanted
    from research.scrutiny import KINDS, scrutinise
    from research.scrutiny_page import scrutiny_page

    rows = journal_rows(state / JOURNAL, kinds=KINDS, events=facts.events())
    found = scrutinise((row.event for row in rows), configuration.instruments)
    more = scrutiny_page(found, wanted(configuration))
    title = configuration.program.title
    return write_report(state / "report", found.days, title, notes(configuration, state), more)


def _duplicates(state: Path) -> int:
    """How often the venue saw a client id again, from its own record."""
    from simulation.exchange import SqliteRecord

    record = SqliteRecord(state / VENUE)
    resumed = record.resume()
    record.close()
    return len(resumed.duplicates) if resumed is not None else 0
