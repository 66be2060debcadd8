"""A journal that is watched: what must be on disk before it is written first, who hears of rows when they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

from engine.message import Event
from engine.ports import Row
from state.journal import AsyncSqliteJournal, SqliteJournal

Snapshots = Callable[[], Mapping[str, tuple[int, Event]]]
J = TypeVar("J", AsyncSqliteJournal, SqliteJournal)


class _Watched(Generic[J]):
    """Stands between kernel and journal. Listeners hear a row only when it is on disk, and cannot hold it back.

    Actors' states are kept every `snapshot_every_rows`.
    """

    def __init__(self, journal: J, listeners: Sequence[Callable[[Row], None]], snapshot_every_rows: int) -> None:
        self._journal: J = journal
        self._listeners = tuple(listeners)
        self._every = snapshot_every_rows
        self.last_seq = journal.last_seq
        self._kept_at = journal.last_seq
        self._rows: list[Row] = []
        self._snapshots: Snapshots = dict
        self._before: Callable[[], None] = lambda: None

    def snapshots_from(self, source: Snapshots) -> None:
        """Where actors' states come from; empty while a message is on its way, for then they belong to no one row."""
        self._snapshots = source
        self._journal.snapshots_from(lambda: dict(source()))

    def write_first(self, before: Callable[[], None]) -> None:
        """What has to be done before rows are given to the journal: others' facts in them must be durable there."""
        self._before = before

    def stage(self, rows: Iterable[Row]) -> None:
        self._before()
        rows = list(rows)
        self._rows += rows
        self._journal.stage(rows)
        self.last_seq = self._journal.last_seq

    def _keep_if_due(self) -> None:
        if self._journal.last_seq - self._kept_at >= self._every:
            self.keep()

    def keep(self) -> None:
        """Stage every actor's state; durable with the next commit."""
        given = self._snapshots()
        if given:
            seq = max(seq for seq, _ in given.values())
            if seq <= self._journal.last_seq:
                self._journal.write_snapshots(seq, [(name, event) for name, (_, event) in given.items()])
                self._kept_at = seq

    def _show(self, durable_seq: int) -> None:
        shown = 0
        for row in self._rows:
            if row.seq > durable_seq:
                break
            for listener in self._listeners:
                listener(row)
            shown += 1
        del self._rows[:shown]


class WatchedJournal(_Watched[AsyncSqliteJournal]):
    """For a host: the disk works beside the event loop."""

    async def commit_async(self) -> None:
        self._keep_if_due()
        await self._journal.commit_async()
        self._show(self._journal.durable_seq)


class WatchedSyncJournal(_Watched[SqliteJournal]):
    """For a driver without an event loop: `commit` returns when everything staged is on disk."""

    def commit(self) -> None:
        self._keep_if_due()
        self._journal.commit()
        self._show(self._journal.durable_seq)
