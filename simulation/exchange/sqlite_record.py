"""The venue's record as one SQLite file: it survives the death of the process, not a power cut."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from model.market import Quote
from model.orders import CashMoved, ClosedOrder, Fill, Settlement
from simulation.exchange.book import OPEN, ORDER_COLUMNS, SIDES
from simulation.exchange.record import BookRow, DoorRow, History, Parcel, Print, RecordError, Resumed, Saved, Step

FORMAT = 2
TEXT_COLUMNS = ("client_id", "venue_id", "instrument", "type", "tif", "raw", "state", "code")

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS orders ("
    + ", ".join(f"{name} {'TEXT' if name in TEXT_COLUMNS else 'INTEGER'} NOT NULL" for name in ORDER_COLUMNS)
    + ", PRIMARY KEY (number))",
    "CREATE TABLE IF NOT EXISTS executions (seq INTEGER PRIMARY KEY, exec_id TEXT NOT NULL,"
    " client_id TEXT NOT NULL, venue_id TEXT NOT NULL, instrument TEXT NOT NULL, side INTEGER NOT NULL,"
    " quantity INTEGER NOT NULL,"
    " price INTEGER NOT NULL, fee INTEGER NOT NULL, fee_currency TEXT NOT NULL, at_ns INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS settlements (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, at_ns INTEGER NOT NULL,"
    " body BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS moves (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,"
    " currency TEXT NOT NULL, amount INTEGER NOT NULL, instrument TEXT NOT NULL, at_ns INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS duplicates (seq INTEGER PRIMARY KEY, client_id TEXT NOT NULL, at_ns INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS prints (instrument TEXT PRIMARY KEY, session INTEGER NOT NULL, close INTEGER NOT NULL,"
    " at_ns INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS time (id INTEGER PRIMARY KEY, at_ns INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS parts (name TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID",
)

PUT_ORDER = f"INSERT OR REPLACE INTO orders VALUES ({', '.join('?' * len(ORDER_COLUMNS))})"
PUT_FILL = (
    "INSERT INTO executions"
    " (seq, exec_id, client_id, venue_id, instrument, side, quantity, price, fee, fee_currency, at_ns)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
PUT_SETTLEMENT = "INSERT INTO settlements (id, at_ns, body) VALUES (?, ?, ?)"
PUT_MOVE = "INSERT INTO moves (id, kind, currency, amount, instrument, at_ns) VALUES (?, ?, ?, ?, ?, ?)"
PUT_DUPLICATE = "INSERT INTO duplicates (client_id, at_ns) VALUES (?, ?)"
PUT_PRINT = "INSERT OR REPLACE INTO prints VALUES (?, ?, ?, ?)"
PUT_TIME = "INSERT OR REPLACE INTO time VALUES (1, ?)"
PUT_PART = "INSERT OR REPLACE INTO parts (name, body) VALUES (?, ?)"

ENDED = (
    "SELECT client_id, venue_id, state, filled FROM orders WHERE closed_ns >= ? AND closing BETWEEN 1 AND ?"
    " ORDER BY closing"
)
FILLS = (
    "SELECT exec_id, client_id, venue_id, instrument, side, quantity, price, fee, fee_currency, at_ns FROM executions"
    " WHERE at_ns >= ? AND seq <= ? ORDER BY seq"
)
MOVES = "SELECT id, kind, currency, amount, instrument, at_ns FROM moves WHERE at_ns >= ? AND seq <= ? ORDER BY seq"
SETTLEMENTS = "SELECT body FROM settlements WHERE at_ns >= ? AND seq <= ? ORDER BY seq"
LAST_ORDER = "SELECT ifnull(max(number), 0), ifnull(max(priority), 0), ifnull(max(closing), 0) FROM orders"
LAST_ROWS = (
    "SELECT (SELECT count(*) FROM executions), (SELECT ifnull(max(seq), 0) FROM executions),"
    " (SELECT ifnull(max(seq), 0) FROM moves), (SELECT ifnull(max(seq), 0) FROM settlements)"
)
FOREVER = 2**63 - 1

encode = msgspec.msgpack.Encoder().encode


class _Now(NamedTuple):
    """The present state. rest: duplicates, prints, book, quotes, inbox."""

    at_ns: int
    rest: tuple[list[tuple[str, int]], list[Print], BookRow, list[Quote], list[Parcel]]
    door: DoorRow


class SqliteRecord:
    """One transaction per step, in WAL mode with synchronous=OFF: what is committed is in the kernel's hands."""

    def __init__(self, path: str | Path) -> None:
        """Open or begin a record. Raises RecordError for a file that is not one, or is damaged."""
        self._path = Path(path)
        try:
            self._open()
        except sqlite3.Error as error:
            raise RecordError(f"{self._path} is not the record of a venue, or is damaged ({error})") from error

    def _open(self) -> None:
        self._db = sqlite3.connect(self._path, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=OFF", "temp_store=MEMORY", "cache_size=-20000"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.execute("BEGIN IMMEDIATE")
        (written,) = self._db.execute("PRAGMA user_version").fetchone()
        if written != FORMAT and self._db.execute("SELECT 1 FROM sqlite_master").fetchone():
            raise RecordError(
                f"{self._path} is in format {written} of the venue's record, this program writes {FORMAT}"
            )
        for table in SCHEMA:
            self._db.execute(table)
        self._db.execute(f"PRAGMA user_version={FORMAT}")
        self._db.execute("COMMIT")

    def commit(self, step: Step) -> None:
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        try:
            db.execute(PUT_TIME, (step.at_ns,))
            self._put(step)
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")

    def _put(self, step: Step) -> None:
        db = self._db
        if step.orders:
            db.executemany(PUT_ORDER, step.orders)
        if step.fills:
            db.executemany(
                PUT_FILL,
                [
                    (seq, f.exec_id, f.client_id, f.venue_id, f.instrument, f.side._value_, f.quantity, f.price, f.fee,
                     f.fee_currency, f.at_ns)
                    for seq, f in enumerate(step.fills, step.fills_before + 1)
                ],
            )  # fmt: skip
        for settled in step.settlements:
            db.execute(PUT_SETTLEMENT, (settled.id, settled.at_ns, encode(settled)))
        if step.moves:
            rows = [(m.id, m.kind, m.currency, m.amount, m.instrument, m.at_ns) for m in step.moves]
            db.executemany(PUT_MOVE, rows)
        if step.prints:
            db.executemany(PUT_PRINT, [(p.instrument, p.session, p.close, p.at_ns) for p in step.prints])
        if step.duplicates:
            db.executemany(PUT_DUPLICATE, step.duplicates)
        for name, part in (("book", step.book), ("quotes", step.quotes), ("inbox", step.inbox), ("door", step.door)):
            if part is not None:
                db.execute(PUT_PART, (name, encode(part)))

    def load(self) -> Saved | None:
        """Everything up to the last step. Raises RecordError when it is damaged."""
        with self._trusted():
            now = self._now()
            if now is None:
                return None
            orders = list(self._db.execute("SELECT * FROM orders ORDER BY number"))
            past = self._since(0, FOREVER, FOREVER, FOREVER, FOREVER)
            return Saved(now.at_ns, orders, past.fills, past.settlements, past.moves, *now.rest, now.door)

    def resume(self) -> Resumed | None:
        """What the venue needs to go on. Raises RecordError when it is damaged, or an order or a fill is missing."""
        with self._trusted():
            now = self._now()
            if now is None:
                return None
            db = self._db
            ended = [name for (name,) in db.execute("SELECT client_id FROM orders WHERE state <> ?", (OPEN,))]
            orders = list(db.execute("SELECT * FROM orders WHERE state = ? ORDER BY number", (OPEN,)))
            last, priority, closing = db.execute(LAST_ORDER).fetchone()
            fills, last_fill, move, settlement = db.execute(LAST_ROWS).fetchone()
            if (len(ended) + len(orders), len(ended), fills) != (last, closing, last_fill):
                raise RecordError(f"{self._path} has lost some of its {last} orders or {last_fill} fills")
            booked = {name for (name,) in db.execute("SELECT id FROM moves UNION ALL SELECT id FROM settlements")}

            def history(since_ns: int) -> History:
                with self._trusted():
                    return self._since(since_ns, closing, fills, move, settlement)

            return Resumed(
                now.at_ns, orders, set(ended), len(ended), booked, fills, priority, *now.rest, history, now.door
            )

    @contextmanager
    def _trusted(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, msgspec.MsgspecError, KeyError) as error:
            raise RecordError(f"{self._path} is damaged ({error})") from error

    def _now(self) -> _Now | None:
        """The present state; None before the first step."""
        db = self._db
        last = db.execute("SELECT at_ns FROM time").fetchone()
        parts: dict[str, bytes] = dict(db.execute("SELECT name, body FROM parts"))
        if last is None or "book" not in parts:
            return None
        decode = msgspec.msgpack.decode
        return _Now(
            last[0],
            (
                list(db.execute("SELECT client_id, at_ns FROM duplicates ORDER BY seq")),
                [Print(*row) for row in db.execute("SELECT * FROM prints ORDER BY instrument")],
                decode(parts["book"], type=BookRow),
                decode(parts["quotes"], type=list[Quote]) if "quotes" in parts else [],
                decode(parts["inbox"], type=list[Parcel]) if "inbox" in parts else [],
            ),
            decode(parts["door"], type=DoorRow) if "door" in parts else DoorRow(),
        )

    def _since(self, since_ns: int, closing: int, fill: int, move: int, settlement: int) -> History:
        """What ended or happened from a moment on, up to the ends, fills, moves and settlements with these numbers."""
        db = self._db
        fills = db.execute(FILLS, (since_ns, fill))
        settlements = db.execute(SETTLEMENTS, (since_ns, settlement))
        return History(
            [ClosedOrder(*row) for row in db.execute(ENDED, (since_ns, closing))],
            [Fill(row[0], row[1], row[2], row[3], SIDES[row[4]], *row[5:]) for row in fills],
            [CashMoved(*row) for row in db.execute(MOVES, (since_ns, move))],
            [msgspec.msgpack.decode(body, type=Settlement) for (body,) in settlements],
        )

    def close(self) -> None:
        """Let go of the file. Everything committed is already in it."""
        self._db.close()
