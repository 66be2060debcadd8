"""Nothing leaves before it is durable, and a handler does all it wanted or nothing."""

from __future__ import annotations

from engine.clock import VirtualClock
from engine.deadletters import Reason
from engine.drive import VirtualDriver
from engine.effects import Journal, Ref, Tell, ToPort, Yields
from engine.kernel import Kernel
from engine.memory import MemoryJournal
from engine.message import Message, Told
from engine.supervise import Child
from tests.engine.kit import (
    Acting,
    Boom,
    Box,
    Counted,
    Heard,
    NeverCommits,
    Note,
    kernel_of,
    numbers,
)


def _plans_then_sends(actor: Acting, message: Message) -> Yields:
    assert isinstance(message, Note)
    yield ToPort("box", Note(-message.n))
    yield Journal(Counted(message.n))
    yield ToPort("box", message)
    yield Tell(Ref("heard"), message)


def _house(journal: NeverCommits | None = None) -> tuple[Kernel, Box]:
    kernel = kernel_of(Child("a", lambda: Acting(_plans_then_sends)), Child("heard", Heard), journal=journal)
    box = Box()
    kernel.attach(box)
    return kernel, box


def test_a_port_sees_nothing_that_follows_a_row_until_the_commit() -> None:
    kernel, box = _house(journal=NeverCommits())
    kernel.tell("a", Note(1))
    kernel.tell("a", Note(2))
    kernel.settle()
    assert [message for message, _ in box.got] == [Note(-1)]  # nothing was staged before it
    assert kernel.actor("heard").heard == [Note(1), Note(2)]  # inside, all goes on
    assert [row.event for row in kernel.staged] == [Counted(1), Counted(2)]


def test_a_commit_releases_in_order_only_what_it_covers() -> None:
    kernel, box = _house(journal=NeverCommits())
    kernel.tell("a", Note(1))
    kernel.settle()
    assert kernel.hand_over() == 1
    kernel.tell("a", Note(2))  # while the commit is on its way
    kernel.settle()
    assert kernel.release() == 2
    assert numbers(box) == [(-1, 0), (1, 1), (-2, 0)]
    assert kernel.hand_over() == 2
    kernel.release(2)
    assert numbers(box) == [(-1, 0), (1, 1), (-2, 0), (2, 2)]
    assert kernel.quiet


def test_a_row_is_the_cause_of_what_follows_it_here_and_in_other_actors() -> None:
    journal = MemoryJournal()

    def onward(actor: Acting, message: Message) -> Yields:
        yield Journal(Counted(10))
        yield Journal(Counted(11))

    kernel = kernel_of(
        Child("a", lambda: Acting(lambda a, m: [Journal(Counted(1)), Tell(Ref("b"), Note(1))])),
        Child("b", lambda: Acting(onward)),
        journal=journal,
        clock=VirtualClock(5),
    )
    kernel.tell("a", Note(0))
    VirtualDriver(kernel).settle()
    assert [(row.seq, row.at_ns, row.actor, row.cause) for row in journal.rows] == [
        (1, 5, "a", 0),
        (2, 5, "b", 1),
        (3, 5, "b", 2),
    ]
    assert journal.committed == 3


def test_a_handler_that_raises_midway_does_nothing_at_all() -> None:
    def midway(actor: Acting, message: Message) -> Yields:
        yield Journal(Counted(1))
        yield ToPort("box", Note(1))
        yield Tell(Ref("heard"), Note(1))
        raise RuntimeError("midway")

    journal, box = MemoryJournal(), Box()
    kernel = kernel_of(Child("a", lambda: Acting(midway)), Child("heard", Heard), journal=journal)
    kernel.attach(box)
    kernel.tell("a", Boom())
    VirtualDriver(kernel).settle()
    assert (journal.rows, box.got, kernel.actor("heard").heard) == ([], [], [])
    (letter,) = kernel.dead_letters
    assert (letter.reason, letter.to, letter.message) == (Reason.CRASH, "a", Boom())
    assert "midway" in letter.traceback


def test_what_is_not_an_effect_is_a_crash_that_does_nothing() -> None:
    kernel = kernel_of(Child("a", lambda: Acting(lambda a, m: [Tell(Ref("heard"), m), "tell"])), Child("heard", Heard))  # type: ignore[list-item]
    kernel.tell("a", Note(1))
    kernel.settle()
    assert kernel.actor("heard").heard == []
    assert "not an effect" in next(iter(kernel.dead_letters)).traceback


def test_tell_answers_ok() -> None:
    kernel, _ = _house()
    assert kernel.tell("a", Note(1)) is Told.OK
