"""A journal in memory: for tests, backtests and examples. It promises nothing after the process ends."""

from __future__ import annotations

from collections.abc import Iterable

from engine.ports import Row


class MemoryJournal:
    """Keeps rows in a list; `committed` of them count as durable."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.committed = 0
        self.last_seq = 0

    def stage(self, rows: Iterable[Row]) -> None:
        self.rows.extend(rows)
        self.last_seq = self.rows[-1].seq if self.rows else 0

    def commit(self) -> None:
        self.committed = len(self.rows)
