"""Small actors, ports and messages that the tests of the runtime share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

from engine.actor import Actor
from engine.clock import VirtualClock
from engine.effects import Effects
from engine.kernel import Kernel
from engine.message import Control, Event, Lane, Message, Request, Told, WhenFull
from engine.ports import Row
from engine.schedule import Named
from engine.supervise import Branch, Child


class Note(Message, frozen=True, gc=False):
    n: int
    sender: str = ""


class Small(Message, frozen=True, gc=False):
    bound: ClassVar[int] = 3

    n: int


class Patient(Message, frozen=True, gc=False):
    bound: ClassVar[int] = 2
    when_full: ClassVar[WhenFull] = WhenFull.WAIT

    n: int


class Price(Message, frozen=True, gc=False):
    slot_field: ClassVar[str | None] = "symbol"

    symbol: str
    value: int


class Fact(Message, frozen=True, gc=False):
    lane: ClassVar[Lane] = Lane.TRUTH
    bound: ClassVar[int] = 4
    when_full: ClassVar[WhenFull] = WhenFull.KEEP

    n: int


class Stop(Control, frozen=True, gc=False):
    bound: ClassVar[int] = 2

    n: int = 0


class Boom(Message, frozen=True, gc=False):
    n: int = 0


class Counted(Event, frozen=True, gc=False):
    n: int


class Question(Request, frozen=True, gc=False, kw_only=True):
    n: int


class Answer(Message, frozen=True, gc=False):
    n: int


class Heard(Actor):
    """Remembers everything, in order."""

    def __init__(self) -> None:
        self.heard: list[Message] = []

    def on_any(self, message: Note | Small | Patient | Price | Fact | Stop) -> Effects:
        self.heard.append(message)
        return None


class Acting(Actor):
    """Does for each message what a function given by the test says."""

    def __init__(self, act: Callable[[Acting, Message], Effects]) -> None:
        self.act = act
        self.heard: list[Message] = []

    def on_any(self, message: Note | Small | Price | Fact | Stop | Boom) -> Effects:
        self.heard.append(message)
        return self.act(self, message)


class Box:
    """A port that keeps what it was given."""

    def __init__(self, name: str = "box", told: Told = Told.OK) -> None:
        self.name = name
        self.told = told
        self.got: list[tuple[Message, int]] = []

    def deliver(self, message: Message, cause: int) -> Told:
        self.got.append((message, cause))
        return self.told


class NeverCommits:
    """A journal on a disk that does not answer: rows go in, no commit ever ends."""

    def __init__(self) -> None:
        self.last_seq = 0
        self.rows: list[Row] = []

    def stage(self, rows: Iterable[Row]) -> None:
        self.rows.extend(rows)
        self.last_seq = self.rows[-1].seq

    async def commit_async(self) -> None:
        raise AssertionError("not asked for in these tests")


def kernel_of(*children: Child | Branch, start: bool = True, **options: Any) -> Kernel:
    """A kernel on a virtual clock with these children under the root."""
    kernel = Kernel(clock=options.pop("clock", None) or VirtualClock(), **options)
    kernel.host(Branch("root", children))
    if start:
        kernel.start()
    return kernel


def heard_by(kernel: Kernel, name: str) -> list[Message]:
    """What an actor of this kit has handled since it was built."""
    heard: list[Message] = kernel.actor(name).heard
    return heard


class OneAtATime:
    """A fair scheduler that lets an actor take one message; `after` is called after each."""

    def __init__(self, after: Callable[[], None]) -> None:
        self._after = after

    def pick(self, ready: Sequence[Named]) -> tuple[int, int]:
        return 0, 1

    def picked(self, actor: str, messages: int) -> None:
        self._after()


def numbers(box: Box) -> list[tuple[int, int]]:
    """(n, cause) of the notes that a port got."""
    return [(message.n, cause) for message, cause in box.got if isinstance(message, Note)]
