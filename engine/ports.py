"""What the kernel knows of the outside: ports that take messages, and the journal that makes facts durable."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, runtime_checkable

import msgspec

from engine.message import Event, Message, Told


class Row(msgspec.Struct, frozen=True, gc=False):
    """One journalled fact.

    seq: position in the journal, from 1, without gaps.  at_ns: engine time, UTC.  actor: who said it.
    cause: seq of the row that led to this one, 0 for none.
    """

    seq: int
    at_ns: int
    actor: str
    cause: int
    event: Event


class Outside(Protocol):
    """What a port may do to the engine: tell an actor by name. Never blocks."""

    def tell(self, to: str, message: Message, cause: int = 0) -> Told: ...


@runtime_checkable
class Port(Protocol):
    """Owner of one outside thing. `deliver` must not block: an asynchronous port queues and works in `run`.

    FULL is a promise: nothing of the message left, and nothing will. A port that is not sure of that raises.
    """

    name: str

    def deliver(self, message: Message, cause: int) -> Told: ...


@runtime_checkable
class RunningPort(Port, Protocol):
    """A port with a task of its own, started inside the host's root TaskGroup."""

    async def run(self, outside: Outside) -> None: ...


class JournalWriter(Protocol):
    """Where rows become durable. `stage` is cheap; `commit` returns when every staged row is on disk."""

    last_seq: int

    def stage(self, rows: Iterable[Row]) -> None: ...

    def commit(self) -> None: ...


class AsyncJournalWriter(Protocol):
    """The same for a live host: the commit is awaited and other work goes on meanwhile."""

    last_seq: int

    def stage(self, rows: Iterable[Row]) -> None: ...

    async def commit_async(self) -> None: ...
