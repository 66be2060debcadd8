"""Order ids that no earlier life of this engine has used, whatever the gateway says its next one is."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from model.units import Cash

BLOCK = 2_000
"""Ids that are reserved with one write to the disk; those of a block that a crash leaves unused are never used."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS order_ids (client INTEGER PRIMARY KEY, reserved INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS costs_told (
  execution TEXT PRIMARY KEY, told INTEGER NOT NULL, currency TEXT NOT NULL, at_ns INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS orders_left (ref TEXT PRIMARY KEY, at_ns INTEGER NOT NULL) WITHOUT ROWID;
"""


class Durable:
    """What the port must not forget: the highest order id that may have been used, and executions that were told
    before their commission was known. Every write is on disk when its method returns. Raises sqlite3.Error.

    The file is open only while it is written: that is seldom, and nothing has to be closed.
    """

    def __init__(self, folder: Path, client: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"ib-{client}.sqlite"
        self._client = client
        with self._open() as db:
            db.executescript(SCHEMA)
            row = db.execute("SELECT reserved FROM order_ids WHERE client = ?", (client,)).fetchone()
            owed = db.execute("SELECT execution, told, currency, at_ns FROM costs_told").fetchall()
        self._reserved: int = row[0] if row else 0
        self._next = self._reserved + 1
        self._owed: dict[str, tuple[Cash, str, int]] = {each[0]: (each[1], each[2], each[3]) for each in owed}

    def at_least(self, valid_id: int) -> None:
        """A session begins, and the gateway names its next valid id. One that rolled back changes nothing.

        A whole block is free afterwards: no order has to wait for the disk before that is used up.
        """
        self._next = max(self._next, valid_id)
        self._reserve(self._next + BLOCK - 1)

    def next_id(self) -> int:
        """An id above every one that was ever handed out here; the reservation is durable before it is."""
        given = self._next
        if given > self._reserved:
            self._reserve(given + BLOCK - 1)
        self._next = given + 1
        return given

    def _reserve(self, last: int) -> None:
        if last > self._reserved:
            with self._open() as db:
                db.execute("INSERT OR REPLACE INTO order_ids VALUES (?, ?)", (self._client, last))
            self._reserved = last

    def leaves(self, ref: str, at_ns: int) -> None:
        """An order that nobody else remembers is about to leave for the socket."""
        with self._open() as db:
            db.execute("INSERT OR REPLACE INTO orders_left VALUES (?, ?)", (ref, at_ns))

    def left_ns(self, ref: str) -> int:
        """When it may last have left; 0 for never."""
        with self._open() as db:
            row = db.execute("SELECT at_ns FROM orders_left WHERE ref = ?", (ref,)).fetchone()
        return row[0] if row else 0

    def told_without_cost(self, execution: str, told: Cash, currency: str, at_ns: int) -> None:
        """An execution is about to be told with a commission that is not the broker's."""
        if execution not in self._owed:
            with self._open() as db:
                db.execute("INSERT OR IGNORE INTO costs_told VALUES (?, ?, ?, ?)", (execution, told, currency, at_ns))
            self._owed[execution] = (told, currency, at_ns)

    def cost_told(self, execution: str) -> tuple[Cash, str, int] | None:
        """(commission that was told, its currency, when the execution happened) of one that waits for the broker's."""
        return self._owed.get(execution)

    def forget_costs(self, before_ns: int) -> None:
        """Executions of days that the gateway does not tell any more."""
        kept = {each: owed for each, owed in self._owed.items() if owed[2] >= before_ns}
        if len(kept) < len(self._owed):
            with self._open() as db:
                db.execute("DELETE FROM costs_told WHERE at_ns < ?", (before_ns,))
            self._owed = kept

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path)) as db:
            db.execute("PRAGMA synchronous=FULL")
            with db:
                yield db
