"""What the next run would send: the same actors on copies of the books, a frozen clock, and nobody to send it to."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

import msgspec

from actors.run_ledger import number_of
from app.process import JOURNAL, VENUE, EngineProcess, Wanted
from engine.kernel import Kernel
from engine.ports import Row
from model.decisions import Approved, Denial, Mode, Resume, RiskDecision, RunPlanned, Targets
from model.market import SessionClosed
from model.order_events import OrderPlanned
from model.orders import Intent, VenueUp
from model.units import NS_PER_SECOND
from state.journal import MemoryJournal, recover

SETTLE_NS = 10 * NS_PER_SECOND


class Planned(msgspec.Struct, frozen=True):
    """The next run as it would be. mode: what the engine's mode is now; orders leave only in TRADING.

    unpriced: approved intents that would wait for a quote, which is what prices them; there is none here.
    """

    session: int
    mode: str
    risk: RiskDecision | None
    targets: tuple[Targets, ...]
    orders: tuple[OrderPlanned, ...]
    not_sent: tuple[Denial, ...]
    unpriced: tuple[Intent, ...] = ()


def plan(wanted: Wanted) -> Planned:
    """Decide once more on the last known prices. The state folder, of a running engine or not, is only read."""
    with _copy_of(wanted.state_dir / VENUE) as venue_record:
        process = EngineProcess(wanted)
        journal = MemoryJournal()
        driver = process.rehearse(journal, recover(wanted.state_dir / JOURNAL, process.events), venue_record)
        kernel, session = process.kernel, process.feed.last_close
        mode: Mode = kernel.actor("system").mode
        if mode is not Mode.TRADING:
            kernel.tell("system", Resume("only to plan", "plan"))
            driver.settle()
        kernel.tell("risk", VenueUp("plan", "", True, kernel.clock.now_ns))  # a broker cannot be asked for margin here
        driver.settle()
        before = journal.last_seq
        if session:
            close = SessionClosed(session, kernel.clock.now_ns, False, _next_number(kernel, session))
            kernel.tell("market_data", close)
        driver.run(kernel.clock.now_ns + SETTLE_NS)
    return _gathered(session, mode, [row for row in journal.rows if row.seq > before])


def _next_number(kernel: Kernel, session: int) -> int:
    """The number that the session's next run would have."""
    newest = kernel.actor("basket").ledger.newest
    if newest is None or newest.planned.session != session:
        return 1
    return number_of(newest.planned.run_id) + 1


def _gathered(session: int, mode: Mode, rows: list[Row]) -> Planned:
    said = [row.event for row in rows]
    denials = [d for e in said if isinstance(e, RunPlanned) for d in e.left_out]
    denials += [d for e in said if isinstance(e, Approved) for d in e.denials]
    orders = tuple(e for e in said if isinstance(e, OrderPlanned))
    priced = {each.intent.id for each in orders}
    approved = [intent for e in said if isinstance(e, Approved) for intent in e.intents]
    return Planned(
        session=session,
        mode=mode.value,
        risk=next((e for e in said if isinstance(e, RiskDecision)), None),
        targets=tuple(e for e in said if isinstance(e, Targets)),
        orders=orders,
        not_sent=tuple(denials),
        unpriced=tuple(intent for intent in approved if intent.id not in priced),
    )


@contextmanager
def _copy_of(record: Path) -> Iterator[Path]:
    """A copy of the simulated venue's record, thrown away afterwards; a new one where there is none."""
    with tempfile.TemporaryDirectory(prefix="hedgerow-plan-") as folder:
        copy = Path(folder) / record.name
        if record.is_file():
            with (
                closing(sqlite3.connect(_read_only(record), uri=True)) as old,
                closing(sqlite3.connect(copy)) as new,
            ):
                old.backup(new)
        yield copy


def _read_only(record: Path) -> str:
    """How to open the record so that nothing appears beside it: without a write-ahead file nobody writes to it."""
    quiet = "" if record.with_name(f"{record.name}-wal").exists() else "&immutable=1"
    return f"file:{quote(str(record.resolve()))}?mode=ro{quiet}"
