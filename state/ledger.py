"""The ledger: what the journal says of runs, orders and fills, in tables that can be asked.

It is a projection in a file of its own, never a source: missing, damaged, behind or of another shape, it is rebuilt
from the journal. The engine does not write it. Whoever asks first brings it up to date (`open` does), so an order's
way to the venue pays nothing for it, and a reader pays a few microseconds per new row.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from engine.errors import JournalError
from model.units import NS_PER_DAY, Cash, Px, Qty
from state.journal.chain import GENESIS
from state.journal.database import open_reader, translated
from state.journal.events import Events
from state.journal.folder import Tail, ordered, tail_of
from state.journal.reader import journal_rows
from state.journal.verify import LEDGER
from state.order_law import TERMINAL
from state.projection import OF_A_RUN, PROJECTIONS, TABLES, VERSION

KEEP_RUNS_DAYS = 90

Line = TypeVar("Line", bound=msgspec.Struct)


class RunLine(msgspec.Struct, frozen=True, gc=False):
    run_id: str
    program: str
    session: int
    number: int
    inputs_hash: str
    intents_hash: str
    status: str
    reason: str
    planned_ns: int
    moved_ns: int


class OrderLine(msgspec.Struct, frozen=True, gc=False):
    """One order. `side` is 1 to buy, -1 to sell; `limit_px` is the last one decided."""

    client_id: str
    run_id: str
    instrument: str
    side: int
    quantity: Qty
    type: str
    tif: str
    limit_px: Px
    purpose: str
    pair: str
    leg: int
    attempt: int
    approval: str
    arrival: Px
    planned_ns: int
    state: str
    filled: Qty
    average_px: Px
    venue_id: str
    evidence: str
    reprices: int
    moved_ns: int


class FillLine(msgspec.Struct, frozen=True, gc=False):
    """One execution; `corrected_by` is empty while it stands."""

    exec_id: str
    client_id: str
    run_id: str
    instrument: str
    side: int
    quantity: Qty
    price: Px
    fee: Cash
    fee_currency: str
    at_ns: int
    corrects: str
    corrected_by: str


class DenialLine(msgspec.Struct, frozen=True, gc=False):
    """Why something was not sent. stage: `basket` (bands, cost gate) or `risk`."""

    seq: int
    place: int
    run_id: str
    stage: str
    code: str
    instrument: str
    text: str
    intent_id: str
    at_ns: int


class TargetLine(msgspec.Struct, frozen=True, gc=False):
    run_id: str
    sleeve: str
    product: str
    quantity: Qty
    hold: int
    reason: str


class DayLine(msgspec.Struct, frozen=True, gc=False):
    session: int
    nav: Cash
    cash_base: Cash
    open_value: Cash
    fees_total: Cash
    gross: Cash
    net: Cash
    traded_notional: Cash
    at_ns: int


class ModeLine(msgspec.Struct, frozen=True, gc=False):
    seq: int
    mode: str
    was: str
    reason: str
    by: str
    at_ns: int


class LockLine(msgspec.Struct, frozen=True, gc=False):
    """A lock; `released_ns` is 0 while it holds."""

    seq: int
    instrument: str
    reason: str
    locked_ns: int
    released_by: str
    released_reason: str
    released_ns: int


class Ledger:
    """The tables of one journal folder. Use it with `with`; several programs may at once.

    Raises JournalError when the journal cannot be read, or another program holds the ledger for more than five seconds.
    """

    def __init__(self, folder: Path | str, events: Events | None = None) -> None:
        self.folder = Path(folder)
        self.path = self.folder / LEDGER
        self._events = events or Events.discover()
        ordered(self.folder)  # a folder that is no journal's is refused before a ledger is made in it
        self._db = self._open()
        try:
            self.catch_up()
        except BaseException:
            self._db.close()
            raise

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        self._db.close()

    # -- keeping up with the journal

    @property
    def applied_seq(self) -> int:
        """The last row of the journal that the tables know."""
        return self._applied()[0]

    def catch_up(self) -> int:
        """Apply the journal's newer rows, all or none; returns how many rows the journal has grown by."""
        tail = tail_of(self.folder)
        with translated(self.path), self._transaction():
            seq, digest = self._applied()
            if not self._is_of(tail, seq, digest):
                self._clear()
                seq = 0
            if tail is None or tail.last_seq == seq:
                return 0
            rows = journal_rows(
                self.folder, first_seq=seq + 1, last_seq=tail.last_seq, kinds=PROJECTIONS, events=self._events
            )
            for row in rows:
                PROJECTIONS[type(row.event).__name__](self._db, row)
            self._db.execute("UPDATE applied SET applied_seq = ?, applied_hash = ?", (tail.last_seq, tail.last_hash))
        return tail.last_seq - seq

    def forget_runs(self, now_ns: int, keep_days: int = KEEP_RUNS_DAYS) -> int:
        """Take runs that ended more than `keep_days` before `now_ns` out of the tables; returns how many.

        The journal keeps them for ever; a rebuilt ledger shows them again until this is called again.
        """
        before_ns = now_ns - keep_days * NS_PER_DAY
        old = "SELECT run_id FROM runs WHERE status IN ('DONE', 'ABORTED') AND moved_ns < ?"
        with translated(self.path), self._transaction():
            count: int = self._db.execute(f"SELECT count(*) FROM ({old})", (before_ns,)).fetchone()[0]
            for table in OF_A_RUN:
                self._db.execute(f"DELETE FROM {table} WHERE run_id IN ({old})", (before_ns,))
        return count

    # -- asking

    def runs(self, *, session: int | None = None, status: str = "") -> list[RunLine]:
        """Runs, oldest first."""
        where = "(?1 IS NULL OR session = ?1) AND (?2 = '' OR status = ?2) ORDER BY planned_ns, run_id"
        return self._lines(RunLine, "runs", where, session, status)

    def run(self, run_id: str) -> RunLine | None:
        return self._one(RunLine, "runs", "run_id = ?", run_id)

    def orders(self, *, run_id: str = "", open_only: bool = False) -> list[OrderLine]:
        """Orders in the order in which they were planned. open_only: those that have not ended."""
        ends = ", ".join(f"'{state}'" for state in TERMINAL)
        where = f"(?1 = '' OR run_id = ?1) AND (?2 = 0 OR state NOT IN ({ends})) ORDER BY planned_ns, client_id"
        return self._lines(OrderLine, "orders", where, run_id, int(open_only))

    def order(self, client_id: str) -> OrderLine | None:
        return self._one(OrderLine, "orders", "client_id = ?", client_id)

    def fills(self, *, client_id: str = "", run_id: str = "") -> list[FillLine]:
        """Executions, corrected ones included, by the venue's time."""
        where = "(?1 = '' OR client_id = ?1) AND (?2 = '' OR run_id = ?2) ORDER BY at_ns, exec_id"
        return self._lines(FillLine, "fills", where, client_id, run_id)

    def denials(self, *, run_id: str = "") -> list[DenialLine]:
        return self._lines(DenialLine, "denials", "?1 = '' OR run_id = ?1 ORDER BY seq, place", run_id)

    def targets(self, run_id: str) -> list[TargetLine]:
        return self._lines(TargetLine, "targets", "run_id = ? ORDER BY sleeve, product", run_id)

    def day_marks(self) -> list[DayLine]:
        return self._lines(DayLine, "day_marks", "true ORDER BY session")

    def modes(self) -> list[ModeLine]:
        return self._lines(ModeLine, "modes", "true ORDER BY seq")

    def locks(self, *, held_only: bool = True) -> list[LockLine]:
        return self._lines(LockLine, "locks", "?1 = 0 OR released_ns = 0 ORDER BY seq", int(held_only))

    def _lines(self, line: type[Line], table: str, where: str, *values: object) -> list[Line]:
        columns = ", ".join(line.__struct_fields__)
        with translated(self.path):
            return [line(*row) for row in self._db.execute(f"SELECT {columns} FROM {table} WHERE {where}", values)]

    def _one(self, line: type[Line], table: str, where: str, *values: object) -> Line | None:
        found = self._lines(line, table, where, *values)
        return found[0] if found else None

    # -- the file

    def _open(self) -> sqlite3.Connection:
        try:
            return self._connect()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise JournalError(f"{self.path}: {error}: check the folder's rights and free space") from error
        for end in ("", "-wal", "-shm"):  # damaged: it is only a copy
            self.path.with_name(self.path.name + end).unlink(missing_ok=True)
        return self._connect()

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, isolation_level=None, timeout=5.0)
        try:
            for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
                db.execute(f"PRAGMA {pragma}")
            self._db = db
            with self._transaction():
                if db.execute("PRAGMA user_version").fetchone()[0] != VERSION:
                    self._clear()
        except BaseException:
            db.close()
            raise
        return db

    def _clear(self) -> None:
        """Empty tables of today's shape."""
        db = self._db
        names = [row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
        for name in names:
            db.execute(f'DROP TABLE "{name}"')
        for statement in TABLES:
            db.execute(statement)
        db.execute("INSERT INTO applied VALUES (1, 0, ?)", (GENESIS,))
        db.execute(f"PRAGMA user_version = {VERSION}")

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise

    def _applied(self) -> tuple[int, bytes]:
        seq, digest = self._db.execute("SELECT applied_seq, applied_hash FROM applied").fetchone()
        return seq, digest

    def _is_of(self, tail: Tail | None, seq: int, digest: bytes) -> bool:
        """Was the ledger made from this journal? Not when its last row is not there, or is another."""
        if seq == 0:
            return True
        if tail is None or tail.last_seq < seq:
            return False
        for path, header in reversed(ordered(self.folder)):
            if header.first_seq - 1 == seq:
                return header.prev_hash == digest
            if header.first_seq <= seq:
                with contextlib.closing(open_reader(path)) as db, translated(path):
                    row = db.execute("SELECT hash FROM journal WHERE seq = ?", (seq,)).fetchone()
                return row is not None and row[0] == digest
        return False
