"""Virtual time: what comes when, in which order, and when it ends."""

from __future__ import annotations

import pytest

from engine.actor import Actor
from engine.clock import LiveClock, VirtualClock
from engine.drive import VirtualDriver
from engine.effects import CancelTimer, Effects, Journal, Ref, SetTimer, Tell, ToPort, Yields
from engine.errors import EngineError, JournalError, WiringError
from engine.kernel import Kernel
from engine.message import Message, Refused, Told
from engine.supervise import Branch, Child
from engine.timers import NEVER
from tests.engine.kit import (
    Acting,
    Boom,
    Box,
    Counted,
    Fact,
    Heard,
    NeverCommits,
    Note,
    Patient,
    Price,
    Small,
    Stop,
    heard_by,
    kernel_of,
)


class Script:
    """A source: notes for one actor at given times."""

    def __init__(self, kernel: Kernel, to: str, *moments: tuple[int, int]) -> None:
        self._kernel = kernel
        self._to = to
        self._moments = list(moments)

    def next_ns(self) -> int | None:
        return self._moments[0][0] if self._moments else None

    def fire(self, now_ns: int) -> None:
        at_ns, n = self._moments.pop(0)
        assert at_ns <= now_ns
        self._kernel.tell(self._to, Note(n))


class Stamped(Heard):
    """Remembers when."""

    def __init__(self) -> None:
        super().__init__()
        self.at: list[tuple[int, int]] = []

    def on_any(self, message: Note | Small | Patient | Price | Fact | Stop) -> Effects:
        assert isinstance(message, Note)
        self.at.append((self.clock.now_ns, message.n))
        return None


def test_time_moves_to_the_next_source_or_timer_and_equals_have_an_order() -> None:
    class Timed(Stamped):
        def on_start(self) -> Effects:
            return [SetTimer("late", 30, Note(-2)), SetTimer("first", 20, Note(-1)), SetTimer("second", 20, Note(-3))]

    kernel = kernel_of(Child("a", Timed))
    one, two = Script(kernel, "a", (20, 1), (20, 2), (40, 3)), Script(kernel, "a", (10, 11), (20, 12))
    driver = VirtualDriver(kernel, [one, two])
    assert driver.next_ns() == 10
    driver.run()
    assert kernel.actor("a").at == [
        (10, 11), (20, 1), (20, 2), (20, 12), (20, -1), (20, -3), (30, -2), (40, 3),
    ]  # fmt: skip
    assert driver.next_ns() is None
    assert kernel.timers.soonest_ns == NEVER


def test_a_run_ends_at_its_time_or_when_told_to() -> None:
    kernel = kernel_of(Child("a", Stamped))
    driver = VirtualDriver(kernel, [Script(kernel, "a", (10, 1), (20, 2), (30, 3))])
    driver.run(20)
    assert (kernel.clock.now_ns, len(kernel.actor("a").at)) == (20, 2)
    driver.run(25)
    assert kernel.clock.now_ns == 25
    driver.run(100, stop=lambda: len(kernel.actor("a").at) == 3)
    assert kernel.clock.now_ns == 30
    driver.run(100, stop=lambda: False)
    assert kernel.clock.now_ns == 100
    assert not driver.step()


def test_a_step_is_one_thing_and_what_follows_from_it() -> None:
    kernel = kernel_of(Child("a", lambda: Acting(lambda a, m: [Tell(Ref("b"), m)])), Child("b", Heard))
    driver = VirtualDriver(kernel, [Script(kernel, "a", (10, 1), (20, 2))])
    assert driver.step()
    assert heard_by(kernel, "b") == [Note(1)]
    assert not driver.step(15)
    assert driver.happen()
    assert heard_by(kernel, "b") == [Note(1)]  # it happened, nobody was given a turn
    driver.settle()
    assert heard_by(kernel, "b") == [Note(1), Note(2)]
    assert not driver.happen()


def test_happen_takes_sources_before_timers() -> None:
    kernel = kernel_of(Child("a", lambda: Acting(lambda a, m: [SetTimer("t", 10, Note(9))] if m == Note(0) else None)))
    kernel.tell("a", Note(0))
    driver = VirtualDriver(kernel, [Script(kernel, "a", (10, 1), (20, 2))])
    driver.settle()
    for _ in range(3):
        assert driver.happen()
    driver.settle()
    assert heard_by(kernel, "a") == [Note(0), Note(1), Note(9), Note(2)]


def test_each_thing_is_committed_and_released_before_time_moves() -> None:
    class Venue(Box):
        def deliver(self, message: Message, cause: int) -> Told:
            kernel.tell("a", Note(100), cause)
            return super().deliver(message, cause)

    def act(actor: Acting, message: Message) -> Yields:
        if message == Note(100):
            return
        yield Journal(Counted(1))
        yield ToPort("venue", message)

    kernel = kernel_of(Child("a", lambda: Acting(act)))
    venue = Venue("venue")
    kernel.attach(venue)
    VirtualDriver(kernel, [Script(kernel, "a", (10, 1), (20, 2))]).run()
    assert heard_by(kernel, "a") == [Note(1), Note(100), Note(2), Note(100)]
    assert venue.got == [(Note(1), 1), (Note(2), 2)]


def test_timers_can_be_replaced_and_cancelled() -> None:
    class Timed(Stamped):
        def on_start(self) -> Yields:
            yield SetTimer("x", 10, Note(1))
            yield SetTimer("y", 10, Note(2))
            yield SetTimer("x", 20, Note(3))
            yield CancelTimer("y")
            yield CancelTimer("unknown")

    kernel = kernel_of(Child("a", Timed))
    VirtualDriver(kernel).run()
    assert kernel.actor("a").at == [(20, 3)]


class Early(Heard):
    def on_start(self) -> Effects:
        return [SetTimer("early", 1, Note(0))]


def test_a_thousand_cancelled_timers_leave_nothing_behind() -> None:
    def act(actor: Acting, message: Message) -> Effects:
        assert isinstance(message, Note)
        return [SetTimer("deadline", 1_000_000 - message.n, Note(-1))] if message.n >= 0 else None

    kernel = kernel_of(Child("a", lambda: Acting(act)), Child("early", Early))
    for n in range(1_000):
        kernel.tell("a", Note(n % 200 if n < 999 else 500))
        kernel.settle()
    assert len(kernel.timers) == 2
    VirtualDriver(kernel).run()
    assert kernel.clock.now_ns == 999_500


def test_many_one_off_timer_ids_do_not_pile_up() -> None:
    class Ids(Stamped):
        def on_start(self) -> Effects:
            return [SetTimer(f"t{n}", n, Note(n)) for n in range(1, 201)]

    kernel = kernel_of(Child("a", Ids))
    VirtualDriver(kernel).run()
    assert [n for _, n in kernel.actor("a").at] == list(range(1, 201))


def test_a_timer_for_a_message_without_handler_is_a_dead_letter() -> None:
    kernel = kernel_of(Child("a", lambda: Acting(lambda a, m: [SetTimer("t", 1, Counted(1))])))
    kernel.tell("a", Note(1))
    VirtualDriver(kernel).run()
    assert [letter.message for letter in kernel.dead_letters] == [Counted(1)]


def test_an_actor_that_wakes_itself_for_ever_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.drive.MOST_ROUNDS_AT_ONE_TIME", 100)
    kernel = kernel_of(Child("a", lambda: Acting(lambda a, m: [SetTimer("t", 0, Note(1))])))
    kernel.tell("a", Note(1))
    with pytest.raises(EngineError, match="time stands still"):
        VirtualDriver(kernel).run()


def test_an_actor_and_a_port_that_never_rest_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    class Echo(Box):
        def deliver(self, message: Message, cause: int) -> Told:
            return kernel.tell("a", message, cause)

    monkeypatch.setattr("engine.drive.MOST_ROUNDS_AT_ONE_TIME", 100)
    kernel = kernel_of(Child("a", lambda: Acting(lambda a, m: [Journal(Counted(1)), ToPort("echo", m)])))
    kernel.attach(Echo("echo"))
    kernel.tell("a", Note(1))
    with pytest.raises(EngineError, match="busy without end"):
        VirtualDriver(kernel).run()


def test_a_driver_wants_a_virtual_clock_and_a_journal_that_commits_at_once() -> None:
    with pytest.raises(WiringError):
        VirtualDriver(kernel_of(Child("a", Heard), clock=LiveClock()))
    kernel = kernel_of(Child("a", lambda: Acting(lambda a, m: [Journal(Counted(1))])), journal=NeverCommits())
    kernel.tell("a", Note(1))
    with pytest.raises(JournalError, match="async host"):
        VirtualDriver(kernel).run()


def test_a_sender_can_tell_a_port_that_took_nothing_from_one_that_failed() -> None:
    class Broken(Box):
        def deliver(self, message: Message, cause: int) -> Told:
            raise OSError("unplugged in the middle of it")

    heard: list[Message] = []

    class Sender(Actor):
        def on_boom(self, boom: Boom) -> Effects:
            return [ToPort(port, boom) for port in ("broken", "full", "nowhere")]

        def on_refused(self, refused: Refused) -> Effects:
            heard.append(refused)
            return None

    kernel = kernel_of(Child("a", Sender))
    kernel.attach(Broken("broken"))
    kernel.attach(Box("full", Told.FULL))
    kernel.tell("a", Boom())
    VirtualDriver(kernel).run()
    assert {(each.to, each.raised) for each in heard if isinstance(each, Refused)} == {
        ("broken", True), ("full", False), ("nowhere", False),
    }  # fmt: skip


def test_a_port_that_raises_or_refuses_says_so_to_the_sender() -> None:
    class Broken(Box):
        def deliver(self, message: Message, cause: int) -> Told:
            raise OSError("unplugged")

    kernel = kernel_of(Child("a", lambda: Acting(lambda a, m: [ToPort(p, m) for p in ("broken", "full", "no")])))
    kernel.attach(Broken("broken"))
    kernel.attach(Box("full", Told.FULL))
    with pytest.raises(WiringError, match="two ports"):
        kernel.attach(Box("full"))
    kernel.tell("a", Boom())
    VirtualDriver(kernel).run()
    assert {(letter.to, letter.reason.value, letter.sender) for letter in kernel.dead_letters} == {
        ("no", "nobody", "a"),
        ("broken", "port", "a"),
        ("a", "no handler", "no"),
        ("a", "no handler", "broken"),
        ("a", "no handler", "full"),
    }
    assert "unplugged" in next(letter for letter in kernel.dead_letters if letter.to == "broken").traceback


def test_clocks() -> None:
    clock = VirtualClock(5)
    clock.refresh()
    assert clock.now_ns == 5
    with pytest.raises(ValueError, match="go back"):
        clock.advance(4)
    ticks = iter((100, 100, 107))
    live = LiveClock(lambda: next(ticks))
    first = live.now_ns
    live.refresh()
    assert live.now_ns - first == 7
    with pytest.raises(ValueError, match="cannot be moved"):
        live.advance(1)


def test_a_kernel_hosts_one_tree_and_starts_by_itself() -> None:
    kernel = kernel_of(Child("a", Heard), start=False)
    kernel.tell("a", Note(1))
    assert not kernel.turn()
    assert heard_by(kernel, "a") == [Note(1)]
    with pytest.raises(WiringError, match="one tree"):
        kernel.host(Branch("again", ()))
    lazy = kernel_of(Child("a", Heard), start=False)
    lazy.tell("a", Note(1))
    assert lazy.settle()
    with pytest.raises(WiringError, match="host a tree"):
        Kernel(clock=VirtualClock()).start()


def test_a_turn_is_64_messages() -> None:
    kernel = kernel_of(Child("a", Heard), Child("b", Heard))
    for n in range(60):
        kernel.tell("a", Note(n))
        kernel.tell("b", Note(n))
    assert kernel.turn()
    assert (len(heard_by(kernel, "a")), len(heard_by(kernel, "b"))) == (60, 4)
    assert not kernel.turn()
    assert kernel.status().messages == 120


def test_a_turn_on_a_live_clock_ends_after_two_milliseconds_and_counts_slow_handlers() -> None:
    now = [0]

    def act(actor: Acting, message: Message) -> Effects:
        assert isinstance(message, Note)
        now[0] += message.n * 1_000_000
        return None

    kernel = kernel_of(Child("a", lambda: Acting(act)), clock=LiveClock(lambda: now[0]))
    for milliseconds in (1, 1, 1, 70, 1):
        kernel.tell("a", Note(milliseconds))
    assert kernel.turn()
    assert len(heard_by(kernel, "a")) == 2
    assert kernel.turn()
    assert len(heard_by(kernel, "a")) == 4
    assert kernel.status().slow_handlers == 1
    assert not kernel.turn()


def test_lives_end_in_order() -> None:
    class Last(Heard):
        def on_stop(self) -> Effects:
            return [Tell(Ref("b"), Note(99))]

    class Unwilling(Heard):
        def on_stop(self) -> Effects:
            raise RuntimeError("no")

    kernel = kernel_of(Child("a", Last), Child("b", Heard), Child("c", Unwilling))
    kernel.set_degraded("b", True)
    kernel.set_degraded("b", True)
    assert kernel.status().cells[1].state.value == "degraded"
    kernel.tell("b", Note(1))
    kernel.settle()
    kernel.set_degraded("b", False)
    kernel.drain(["a", "c"])
    kernel.tell("a", Note(2))
    kernel.settle()
    assert heard_by(kernel, "a") == [Note(2)]  # draining actors still take messages
    assert heard_by(kernel, "b") == [Note(1), Note(99)]
    kernel.tell("a", Note(3))
    kernel.stop(["a", "b"])
    assert kernel.tell("a", Note(4)) is Told.FULL
    assert kernel.tell("b", Note(4)) is Told.OK  # not drained, so not stopped
    assert [(letter.reason.value, letter.message) for letter in kernel.dead_letters] == [
        ("stopped", Note(3)),
        ("stopped", Note(4)),
    ]
    kernel.drain(["a"])
    assert kernel.snapshots() == {}
