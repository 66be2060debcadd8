"""Where a process can die: every boundary between what it knows, what is on disk and what the world has been told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, Protocol

from engine.clock import Clock
from engine.message import Event, Message, Told
from engine.ports import Outside, Row
from model.orders import VenueFact
from ports.simulated import SimulatedVenue
from state.journal import Recovered

Snapshots = Mapping[str, tuple[int, Event]]


class CrashError(BaseException):
    """The process died here. Not an Exception: nothing in the engine may take it for a crash of an actor."""

    def __init__(self, number: int, where: str) -> None:
        super().__init__(f"cut {number}, {where}")
        self.number = number
        self.where = where


class Cuts:
    """Numbers the boundaries as they are passed, from 1, and kills the process at those it was given."""

    def __init__(self, *at: int) -> None:
        self._at = frozenset(at)
        self.passed: list[str] = []

    def __call__(self, where: str) -> None:
        passed = self.passed
        passed.append(where)
        if len(passed) in self._at:
            raise CrashError(len(passed), where)


class Store(Protocol):
    """What outlives the process of its journal: rows, actors' states, and what of them is durable.

    rows: all that were staged, of which the first `committed` are known to be durable.
    """

    rows: list[Row]

    @property
    def last_seq(self) -> int: ...

    @property
    def committed(self) -> int: ...

    @property
    def durable_seq(self) -> int: ...

    def stage(self, rows: Iterable[Row]) -> None: ...

    def write_snapshots(self, seq: int, snapshots: Iterable[tuple[str, Event]]) -> None: ...

    def recover(self) -> Recovered: ...

    def crash(self) -> None: ...


class CommittingStore(Store, Protocol):
    """One whose commits return when they are done."""

    def commit(self) -> None: ...


class AwaitedStore(Store, Protocol):
    """One whose commits are awaited."""

    async def commit_async(self) -> None: ...


class _CutJournal:
    """A journal with a cut on each side of everything it does; it keeps actors' states every so many rows."""

    def __init__(self, inner: Store, cut: Callable[[str], None], snapshot_every_rows: int) -> None:
        self._inner = inner
        self._cut = cut
        self._every = snapshot_every_rows
        self._kept_at = self.last_seq = inner.last_seq
        self.snapshots: Callable[[], Snapshots] = dict

    def stage(self, rows: Iterable[Row]) -> None:
        self._cut("before append")
        self._inner.stage(rows)
        self.last_seq = self._inner.last_seq
        self._cut("appended, not durable")

    def _keep_if_due(self) -> None:
        if self.last_seq - self._kept_at < self._every:
            return
        given = self.snapshots()
        if given and max(seq for seq, _ in given.values()) <= self.last_seq:
            self._cut("before a snapshot")
            self._inner.write_snapshots(self.last_seq, [(name, event) for name, (_, event) in given.items()])
            self._kept_at = self.last_seq
            self._cut("snapshot staged, not durable")


class CutJournal(_CutJournal):
    """For the kernel alone."""

    def __init__(self, inner: CommittingStore, cut: Callable[[str], None], snapshot_every_rows: int) -> None:
        super().__init__(inner, cut, snapshot_every_rows)
        self._commit = inner.commit

    def commit(self) -> None:
        self._keep_if_due()
        self._commit()
        self._cut("durable, not sent")


class CutAsyncJournal(_CutJournal):
    """For a whole process, where everything else goes on while the disk works."""

    def __init__(self, inner: AwaitedStore, cut: Callable[[str], None], snapshot_every_rows: int) -> None:
        super().__init__(inner, cut, snapshot_every_rows)
        self._commit = inner.commit_async

    async def commit_async(self) -> None:
        self._keep_if_due()
        await self._commit()
        self._cut("durable, not sent")


class Request(NamedTuple):
    """A message that left the engine for the venue: when, what, and the last row that was durable then.

    taken: whether the link was there to carry it.
    """

    at_ns: int
    message: Message
    durable_seq: int
    taken: bool


class Ear:
    """The engine as the venue's port sees it; facts: every fact that it was told, and when. It outlives the process."""

    def __init__(self, outside: Outside, clock: Clock, facts: list[tuple[int, VenueFact]]) -> None:
        self._outside = outside
        self._clock = clock
        self._facts = facts

    def tell(self, to: str, message: Message, cause: int = 0) -> Told:
        told = self._outside.tell(to, message, cause)
        if isinstance(message, VenueFact) and told is not Told.FULL:
            self._facts.append((self._clock.now_ns, message))
        return told


class CutPort:
    """The venue's port between cuts: around each request, and after the venue's facts are told.

    wire: every request that leaves is noted there; it outlives the process.
    """

    name = "venue"

    def __init__(
        self, inner: SimulatedVenue, cut: Callable[[str], None], journal: Store, clock: Clock, wire: list[Request]
    ) -> None:
        self._inner = inner
        self._cut = cut
        self._journal = journal
        self._clock = clock
        self._wire = wire
        self.due = inner.due

    def deliver(self, message: Message, cause: int) -> Told:
        self._cut(f"before {type(message).__name__} is sent")
        told = self._inner.deliver(message, cause)
        taken = told is not Told.FULL
        self._wire.append(Request(self._clock.now_ns, message, self._journal.durable_seq, taken))
        self._cut(f"{type(message).__name__} sent, not answered")
        return told

    def next_ns(self) -> int | None:
        return self._inner.next_ns()

    def fire(self, now_ns: int) -> None:
        self._inner.fire(now_ns)
        self._cut("answered, not recorded")
