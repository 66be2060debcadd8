"""What the broker remembers: rows that are written before anything they tell of is said, and a gateway that was killed
goes on from them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from model.units import Cash
from simulation.tws.broker.cost import Booked


class Row(msgspec.Struct, frozen=True):
    """One thing and its newest state, as JSON."""

    kind: str
    key: str
    body: bytes


class Marks(msgspec.Struct):
    """Of one account: what is accrued, and each position's value and realised profit at midnight, by con_id."""

    accrued: dict[str, Cash] = {}
    since_ns: int = 0
    opened: dict[int, tuple[Cash, Cash]] = {}


class Meta(msgspec.Struct):
    """What belongs to no order and no execution."""

    now_ns: int
    midnight_ns: int
    next_ids: dict[int, int]
    manual_ids: int
    binds: bool
    changes: int
    accounts: dict[str, Marks]


class BookedRow(msgspec.Struct):
    """A change of a position, in its account."""

    account: str
    con_id: int
    change: Booked


class BrokerRecord(Protocol):
    """Where the broker writes."""

    def write(self, rows: Sequence[Row]) -> None:
        """All of them or none; a row takes the place of the one with its kind and key."""
        ...

    def read(self) -> list[Row]:
        """Every row, in the order in which their kinds and keys first came."""
        ...


class MemoryBrokerRecord:
    """A record that lives as long as this object."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], Row] = {}

    def write(self, rows: Sequence[Row]) -> None:
        for row in rows:
            self._rows[row.kind, row.key] = row

    def read(self) -> list[Row]:
        return list(self._rows.values())


class SqliteBrokerRecord:
    """A record in one file. Like the exchange's it survives SIGKILL of the process, not a power cut."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS rows (number INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL, "
            "body BLOB NOT NULL, UNIQUE (kind, key))"
        )

    def write(self, rows: Sequence[Row]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany(
            "INSERT INTO rows (kind, key, body) VALUES (?, ?, ?)"
            " ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body",
            [(row.kind, row.key, row.body) for row in rows],
        )
        self._db.execute("COMMIT")

    def read(self) -> list[Row]:
        return [Row(*row) for row in self._db.execute("SELECT kind, key, body FROM rows ORDER BY number")]

    def close(self) -> None:
        self._db.close()
