"""What a handler may want: effects are yielded as values, never performed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar, final

import msgspec

from engine.message import Event, Message, Request

M_contra = TypeVar("M_contra", bound=Message, contravariant=True)


@final
class Ref(Generic[M_contra]):
    """A typed address: a type checker refuses a message that its actor does not handle.

    Made by name before the engine runs (`Ref[Place]("orders")`); the kernel binds it to the actor's cell at start-up
    and refuses to start when no actor of that name lives in the tree.
    """

    __slots__ = ("cell", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.cell: Any = None

    def __repr__(self) -> str:
        return f"Ref({self.name!r})"


class Tell(msgspec.Struct, frozen=True, gc=False):
    """Put a message into an actor's mailbox, in memory, at once."""

    to: Ref[Any]
    message: Message


class ToPort(msgspec.Struct, frozen=True, gc=False):
    """Hand a message to a port, after every journal row staged before it is durable."""

    port: str
    message: Message


class Journal(msgspec.Struct, frozen=True, gc=False):
    """Append a fact to the journal."""

    event: Event


class SetTimer(msgspec.Struct, frozen=True, gc=False):
    """Deliver `message` to this actor at `at_ns`; the same `id` again replaces the earlier timer."""

    id: str
    at_ns: int
    message: Message


class CancelTimer(msgspec.Struct, frozen=True, gc=False):
    """Forget a timer; unknown ids are ignored."""

    id: str


class Ask(msgspec.Struct, frozen=True, gc=False):
    """Send a request that must be answered by `deadline_ns`: `Replied` or `Expired` comes back as a message."""

    to: Ref[Any]
    request: Request
    deadline_ns: int


class Reply(msgspec.Struct, frozen=True, gc=False):
    """Answer a request."""

    request: Request
    answer: Message


Effect = Tell | ToPort | Journal | SetTimer | CancelTimer | Ask | Reply
Effects = Iterable[Effect] | None
Yields = Iterator[Effect]  # for handlers that yield: mypy asks those for one type, not for a choice
