"""The journal's writers: facts are chained when staged and durable after the commit, or nothing of them is.

A commit that fails leaves the staged rows staged: it may be tried again, and a folder opened anew holds exactly the
rows of the commits that returned (or of one that was cut off after the disk had it).
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Protocol

import aiosqlite

from engine.errors import JournalError
from engine.message import Event
from engine.ports import Row
from engine.recovery import Snapshots
from state.journal.chain import Chain, RowParams, SnapshotParams, snapshot_params
from state.journal.database import AtomicConnection, Statement, open_writer, translated
from state.journal.folder import FolderLock, Rotation, Tail, begin_file, carried, prepare, seal
from state.journal.schema import INSERT_ROW, INSERT_SNAPSHOT

CLOSE_TIMEOUT_S = 10.0
CLOSED = "is closed"
TORN = "was cancelled in the middle of a commit, and only the disk knows how it ended"
BEGUN = "could not go over to its next file, and only the disk knows whether that was begun"

SnapshotSource = Callable[[], Snapshots]


class Batch:
    """What one commit writes, and what a file that begins after it begins with (None: no file begins)."""

    __slots__ = ("begins_with", "rows", "snapshots")

    def __init__(self, rows: list[RowParams], snapshots: list[SnapshotParams]) -> None:
        self.rows = rows
        self.snapshots = snapshots
        self.begins_with: list[SnapshotParams] | None = None

    @property
    def statements(self) -> tuple[Statement, ...]:
        if not self.snapshots:
            return ((INSERT_ROW, self.rows),)
        return ((INSERT_ROW, self.rows), (INSERT_SNAPSHOT, self.snapshots))


class Staging:
    """Rows and snapshots on their way to disk, and the folder that they go to. Shared by both writers."""

    def __init__(self, folder: Path | str, *, rotation: Rotation = Rotation.DAY) -> None:
        self.folder = Path(folder)
        self.rotation = rotation
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = FolderLock(self.folder)
        try:
            self._tail = prepare(self.folder)
        except BaseException:
            self._lock.release()
            raise
        self._chain = Chain(self._tail.last_seq, self._tail.last_hash) if self._tail else Chain()
        self.last_seq = self._chain.last_seq  # the last row staged
        self._ends_ns = rotation.ends_ns(self._tail.header.began_ns) if self._tail else 0
        self._rows: list[RowParams] = []
        self._snapshots: list[SnapshotParams] = []
        self._source: SnapshotSource | None = None
        self._over = ""  # why nothing more can be written

    @property
    def durable_seq(self) -> int:
        """The last row known to be on disk."""
        return self._tail.last_seq if self._tail else 0

    def snapshots_from(self, source: SnapshotSource) -> None:
        """Where a new file gets every actor's state from. Asked in a commit; it may answer "not now" (empty)."""
        self._source = source

    def stage(self, rows: Iterable[Row]) -> None:
        """Encode and chain rows; cheap, no disk. Raises JournalError for a gap or a fact that cannot be encoded."""
        self._rows += self._chain.add(rows)
        self.last_seq = self._chain.last_seq

    def write_snapshots(self, seq: int, snapshots: Iterable[tuple[str, Event]]) -> None:
        """Stage the state of actors as of row `seq`; durable with the next commit, never before that row."""
        if seq > self.last_seq:
            raise JournalError(f"a snapshot of row {seq} was given before the row; the last one is {self.last_seq}")
        self._snapshots += [snapshot_params(actor, seq, event) for actor, event in snapshots]

    def _take(self) -> Batch:
        """Everything staged so far, and, when the file's period is over, what the next file begins with."""
        batch = Batch(self._rows, self._snapshots)
        if self._rows and self._tail and self._rows[-1][1] >= self._ends_ns:
            batch.begins_with = self._state_now(self._rows[-1][1])
        self._rows, self._snapshots = [], []
        return batch

    def _refuse_if_over(self) -> None:
        if self._over:
            raise JournalError(f"the journal in {self.folder} {self._over}: open the folder again")

    def _put_back(self, batch: Batch) -> None:
        self._rows = batch.rows + self._rows
        self._snapshots = batch.snapshots + self._snapshots

    def _state_now(self, at_ns: int) -> list[SnapshotParams] | None:
        """The state of every actor after the last staged row; None when there is none to be had yet.

        Actors may be ahead of the rows, or between two messages. The file then goes on, for one more period at most:
        after that the next one begins with the states that were written last.
        """
        given = self._source() if self._source else {}
        if any(seq > self.last_seq for seq, _ in given.values()):
            return None
        if self._source and not given and at_ns < self.rotation.ends_ns(self._ends_ns):
            return None
        return [snapshot_params(actor, seq, event) for actor, (seq, event) in given.items()]

    def _first_file(self, batch: Batch) -> Tail:
        """Begin the folder's first file at the time of its first row."""
        tail = begin_file(self.folder, None, batch.rows[0][1] if batch.rows else 0, [])
        self._ends_ns = self.rotation.ends_ns(tail.header.began_ns)
        return tail

    def _written(self, tail: Tail, batch: Batch) -> Tail:
        """The end of the journal after `batch` is durable."""
        if not batch.rows:
            return tail
        seq, at_ns, *_, digest = batch.rows[-1]
        return tail._replace(last_seq=seq, last_hash=digest, last_at_ns=at_ns)

    def _next_file(self, tail: Tail, snapshots: list[SnapshotParams]) -> Tail:
        """The file after `tail`, with `snapshots` and the older ones of actors that gave none."""
        older = carried(tail.path, frozenset(params[0] for params in snapshots))
        begun = begin_file(self.folder, tail, tail.last_at_ns, snapshots + older)
        self._ends_ns = self.rotation.ends_ns(begun.header.began_ns)
        return begun


class SqliteJournal(Staging):
    """The journal for hosts without an event loop: simulation, replay, benchmarks, tests.

    rotation: how long one file lasts in engine time.  Raises JournalError when another engine holds the folder, or a
    file in it is damaged or newer than this program.
    """

    def __init__(self, folder: Path | str, *, rotation: Rotation = Rotation.DAY) -> None:
        super().__init__(folder, rotation=rotation)
        self._db: AtomicConnection | None = None

    def commit(self) -> None:
        """Return when everything staged is on disk. Raises JournalError, and then nothing of it is."""
        self._refuse_if_over()
        if not (self._rows or self._snapshots):
            return
        batch = self._take()
        try:
            self._write(batch)
        except sqlite3.Error as error:
            self._put_back(batch)
            with translated(self._tail.path if self._tail else self.folder):
                raise error
        except BaseException:
            self._put_back(batch)
            raise
        if batch.begins_with is not None:
            self._rotate(batch.begins_with)

    def _write(self, batch: Batch) -> None:
        tail = self._tail
        if tail is None:
            tail = self._tail = self._first_file(batch)
        db = self._db
        if db is None:
            db = self._db = open_writer(tail.path)
        db.give(*batch.statements)
        db.commit()
        self._tail = self._written(tail, batch)

    def _rotate(self, snapshots: list[SnapshotParams]) -> None:
        assert self._tail is not None
        try:
            begun = self._next_file(self._tail, snapshots)
            self._disconnect()
        except BaseException:
            self._over = BEGUN  # a row more in the old file would be one that the new one has, too
            raise
        seal(self._tail.path)
        self._tail = begun

    def _disconnect(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    def close(self) -> None:
        """Commit what is staged and let go of the folder."""
        if self._over == CLOSED:
            return
        try:
            if not self._over:
                self.commit()
        finally:
            self._over = CLOSED
            self._disconnect()
            self._lock.release()

    def __enter__(self) -> SqliteJournal:
        return self

    def __exit__(self, kind: type[BaseException] | None, *raised: object) -> None:
        with _first(kind):
            self.close()


class AsyncSqliteJournal(Staging):
    """The journal of a live host: `commit_async` waits for the disk in aiosqlite's thread while the loop goes on.

    Rows staged during a commit form the next group. A cancelled commit still ends as a whole. Open with `async with`,
    or call `close` in a `finally`: aiosqlite's thread keeps the process alive until then.
    """

    def __init__(self, folder: Path | str, *, rotation: Rotation = Rotation.DAY) -> None:
        super().__init__(folder, rotation=rotation)
        self._db: _Live | None = None
        self._flush: asyncio.Task[None] | None = None

    async def commit_async(self) -> None:
        """Return when everything staged at the time of the call is on disk. Raises JournalError if it is not."""
        target = self.last_seq
        self._refuse_if_over()
        while self._rows or self._snapshots or self._flush is not None:
            flush = self._flush
            if flush is None or flush.done():  # ended in this turn of the loop: waiting for it again would not yield
                flush = self._flush = asyncio.ensure_future(self._flush_once())
                flush.add_done_callback(self._flushed)
            await asyncio.shield(flush)
            if self.durable_seq >= target and not self._snapshots:
                return

    def _flushed(self, flush: asyncio.Task[None]) -> None:
        if self._flush is flush:
            self._flush = None
        if not flush.cancelled():
            flush.exception()  # whoever waits hears of it; when all were cancelled the next commit tries again

    async def _flush_once(self) -> None:
        batch = self._take()
        try:
            await self._write(batch)
        except sqlite3.Error as error:
            self._put_back(batch)
            with translated(self._tail.path if self._tail else self.folder):
                raise error
        except asyncio.CancelledError:
            self._over = TORN
            raise
        except BaseException:
            self._put_back(batch)
            raise
        if batch.begins_with is not None:
            await self._rotate(batch.begins_with)

    async def _write(self, batch: Batch) -> None:
        tail = self._tail
        if tail is None:
            tail = self._tail = await asyncio.to_thread(self._first_file, batch)
        db = self._db
        if db is None:
            db = self._db = await _Live.open(tail.path)
        await db.write(batch.statements)
        self._tail = self._written(tail, batch)

    async def _rotate(self, snapshots: list[SnapshotParams]) -> None:
        assert self._tail is not None
        try:
            begun = await asyncio.to_thread(self._next_file, self._tail, snapshots)
            await self._disconnect()
            await asyncio.to_thread(seal, self._tail.path)
        except BaseException:
            self._over = BEGUN  # a row more in the old file would be one that the new one has, too
            raise
        self._tail = begun

    async def _disconnect(self) -> None:
        if self._db is not None:
            db, self._db = self._db, None
            await db.close()

    async def close(self) -> None:
        """Commit what is staged and let go of the folder."""
        if self._over == CLOSED:
            return
        try:
            if not self._over:
                await self.commit_async()
        finally:
            self._over = CLOSED
            try:
                await self._disconnect()
            finally:
                self._lock.release()

    async def __aenter__(self) -> AsyncSqliteJournal:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *raised: object) -> None:
        with _first(kind):
            await self.close()


def _first(kind: type[BaseException] | None) -> AbstractContextManager[None]:
    """What was raised before says why; that the journal cannot be closed for the same reason says less."""
    return nullcontext() if kind is None else suppress(JournalError)


class _Rows(Protocol):
    """The part of aiosqlite that the journal uses."""

    async def commit(self) -> None: ...

    async def close(self) -> None: ...


class _Live:
    """An aiosqlite connection that knows its sqlite3 connection, so that a whole commit is one call in its thread."""

    def __init__(self, path: Path, proxy: _Rows, inner: AtomicConnection) -> None:
        self._path = path
        self._proxy = proxy
        self._inner = inner

    @classmethod
    async def open(cls, path: Path) -> _Live:
        made: list[AtomicConnection] = []

        def connect() -> AtomicConnection:
            made.append(open_writer(path))
            return made[0]

        proxy = await aiosqlite.Connection(connect, iter_chunk_size=64)
        return cls(path, proxy, made[0])

    async def write(self, statements: tuple[Statement, ...]) -> None:
        self._inner.give(*statements)
        await self._proxy.commit()

    async def close(self) -> None:
        """Raises JournalError when the disk hangs: then only `os._exit` ends the process, aiosqlite's thread stays."""
        closing = asyncio.ensure_future(self._proxy.close())
        done, _ = await asyncio.wait({closing}, timeout=CLOSE_TIMEOUT_S)
        if not done:
            raise JournalError(
                f"{self._path.name} did not close in {CLOSE_TIMEOUT_S:g} s, the disk hangs: end the process, check it"
            )
        with translated(self._path):
            closing.result()
