"""The journal of a whole process: real files, which outlive it, on a disk that can fail or take its time."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from engine.errors import JournalError
from engine.message import Event
from engine.ports import Row
from state.journal import AsyncSqliteJournal, Events, Recovered, Rotation, journal_rows, recover, verify

IN_MEMORY = Path("/dev/shm")
"""Where Linux keeps files in memory. A sync costs nothing there, and nothing else is different."""


def temporary_folder() -> TemporaryDirectory[str]:
    """A folder for one play, in memory where that can be had."""
    there = IN_MEMORY if os.access(IN_MEMORY, os.W_OK) else None
    return TemporaryDirectory(prefix="hedgerow-", dir=there)


class FolderJournal:
    """One journal over many lives of a process, in folders under `place`, a new one for each life.

    A death leaves the folder as it is on disk at that moment; the next life finds a copy of that.

    place: None for a temporary one, which is removed when the stage is left.  rows: all that were staged, of which the
    first `committed` are known to be durable.  slow_ns: how much longer each call to the disk takes.  full: every call
    fails.
    """

    def __init__(self, place: Path | None = None, rotation: Rotation = Rotation.DAY) -> None:
        self._own = temporary_folder() if place is None else None
        self.place = place or Path(self._own.name if self._own else "")
        self.rotation = rotation
        self.rows: list[Row] = []
        self.slow_ns = 0
        self.full = False
        self._fails_in = 0
        self._kept = False
        self._lives = 1
        self.writer: AsyncSqliteJournal | None = None

    @property
    def folder(self) -> Path:
        """Where the present life writes, or the next one will."""
        return self.place / f"life-{self._lives:03d}"

    # -- while the process lives

    def open(self) -> AsyncSqliteJournal:
        """The production journal in the folder of the life that begins."""
        self.writer = AsyncSqliteJournal(self.folder, rotation=self.rotation)
        return self.writer

    @property
    def _open(self) -> AsyncSqliteJournal:
        assert self.writer is not None, "no process lives that could write"
        return self.writer

    @property
    def last_seq(self) -> int:
        return self._open.last_seq

    @property
    def durable_seq(self) -> int:
        return self._open.durable_seq

    @property
    def committed(self) -> int:
        return len(self.rows) if self.writer is None else self.writer.durable_seq

    def stage(self, rows: Iterable[Row]) -> None:
        rows = list(rows)
        self._open.stage(rows)
        self.rows += rows

    def write_snapshots(self, seq: int, snapshots: Iterable[tuple[str, Event]]) -> None:
        self._open.write_snapshots(seq, snapshots)

    async def commit_async(self) -> None:
        await self._open.commit_async()

    def recover(self) -> Recovered:
        """What a restart, of the process or of one actor, finds now."""
        return recover(self.folder, _events())

    # -- its end

    def crash(self) -> None:
        """The process is dead. Raises JournalError when what was durable is not there, or the journal is not whole."""
        durable = self.rows[: self.committed]
        self.writer = None
        left = self.folder
        self._lives += 1
        shutil.copytree(left, self.folder)
        self.rows = list(journal_rows(self.folder, events=_events(), check=True))
        if self.rows[: len(durable)] != durable:
            raise JournalError(f"{len(durable)} rows were durable, and not all of them are in {self.folder}")

    def broken(self) -> str:
        """What is wrong with the files: damage, a broken chain, a durable row that is missing. Empty if nothing is."""
        report = verify(self.folder, _events())
        if not report.ok:
            return str(report)
        there = list(journal_rows(self.folder, last_seq=self.committed, events=_events()))
        return "" if there == self.rows[: self.committed] else f"{self.folder} holds other rows than were committed"

    def discard(self) -> None:
        """Remove the files, if nobody said where they were to be."""
        if self._own is not None:
            self._own.cleanup()

    # -- its disk

    def fail(self, calls: int, *, kept: bool) -> None:
        """The so-manieth call to the disk from now raises; `kept`: it was done all the same."""
        self._fails_in, self._kept = calls, kept

    def heal(self) -> None:
        self.slow_ns, self.full, self._fails_in = 0, False, 0

    def carry_out(self, work: Callable[[], Any]) -> Any:
        """One call to the disk. Raises sqlite3.OperationalError as SQLite would."""
        if self.full:
            raise sqlite3.OperationalError("database or disk is full")
        if self._fails_in:
            self._fails_in -= 1
            if not self._fails_in:
                if self._kept:
                    work()
                raise sqlite3.OperationalError("disk I/O error")
        return work()


@lru_cache(maxsize=1)
def _events() -> Events:
    return Events.discover()
