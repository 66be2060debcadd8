"""The watchdog sees a kernel that stands still, on a clock of its own, and says it once."""

from __future__ import annotations

import threading

from engine.message import Message
from engine.supervise import Child
from engine.watch import Stall, Watchdog, stack_of_thread
from tests.engine.kit import Acting, Note, kernel_of

S = 1_000_000_000


def test_a_handler_that_does_not_end_is_reported_once_and_trips() -> None:
    now = [0]
    reported: list[Stall] = []
    tripped: list[Stall] = []
    seen: list[Stall | None] = []

    def act(actor: Acting, message: Message) -> None:
        for s in (0, 1, 2, 3):  # the watchdog looks while this handler is busy
            now[0] = s * S
            seen.append(watchdog.look())

    kernel = kernel_of(Child("stuck", lambda: Acting(act)))
    watchdog = Watchdog(
        kernel, limit_s=1.5, report=reported.append, trip=tripped.append, now_ns=lambda: now[0],
        stack_of=lambda thread: f"thread {thread == threading.get_ident()}",
    )  # fmt: skip
    assert watchdog.look() is None  # idle
    kernel.tell("stuck", Note(1))
    kernel.turn()
    stall = Stall("stuck", 2 * S, "thread True")
    assert seen == [None, None, stall, None]
    assert reported == tripped == [stall]
    assert watchdog.look() is None
    seen.clear()
    kernel.tell("stuck", Note(2))  # another turn is another stall
    kernel.turn()
    assert [each is not None for each in seen] == [False, False, True, False]


def test_turns_that_end_are_no_stall_however_many() -> None:
    now = [0]

    def act(actor: Acting, message: Message) -> None:
        now[0] += S
        assert watchdog.look() is None

    kernel = kernel_of(Child("busy", lambda: Acting(act)))
    watchdog = Watchdog(kernel, limit_s=1.5, report=lambda s: None, trip=lambda s: None, now_ns=lambda: now[0])
    for n in range(5):
        kernel.tell("busy", Note(n))
        kernel.turn()


def test_the_thread_looks_by_itself_and_shows_where_the_handler_is() -> None:
    tripped = threading.Event()
    stalls: list[Stall] = []

    def wait_for_the_watchdog(actor: Acting, message: Message) -> None:
        assert tripped.wait(30)

    kernel = kernel_of(Child("stuck", lambda: Acting(wait_for_the_watchdog)))
    watchdog = Watchdog(kernel, limit_s=0.001, report=stalls.append, trip=lambda stall: tripped.set())
    watchdog.start()
    kernel.tell("stuck", Note(1))
    kernel.turn()
    watchdog.stop()
    assert "wait_for_the_watchdog" in stalls[0].stack
    assert stack_of_thread(-1) == "that thread has ended\n"


def test_a_watchdog_that_never_started_can_be_stopped() -> None:
    kernel = kernel_of(Child("a", lambda: Acting(lambda a, m: None)))
    Watchdog(kernel, limit_s=1, report=lambda s: None, trip=lambda s: None).stop()
