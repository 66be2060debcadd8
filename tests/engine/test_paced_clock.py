"""A clock that is not the world's: what waits for the market waits in its time, what waits for the world in ours."""

from __future__ import annotations

import asyncio
import math

import pytest

from engine.actor import Actor
from engine.clock import PacedClock
from engine.effects import Effects, SetTimer
from engine.host import Host
from engine.kernel import Kernel
from engine.notices import Happened, Notice
from engine.supervise import Branch, Child
from simulation.stage import VirtualLoop
from tests.engine.kit import Acting, Note, Question, kernel_of

S = 10**9
NOON = 1_560_340_800 * S
"""2019-06-12 12:00 UTC."""


class Reading:
    """A monotonic clock that a test sets, nanoseconds."""

    def __init__(self, ns: int) -> None:
        self.ns = ns

    def __call__(self) -> int:
        return self.ns


def test_a_minute_of_the_market_passes_in_a_second() -> None:
    reading = Reading(500 * S)
    clock = PacedClock(NOON, 490 * S, 60.0, reading)
    assert clock.now_ns == NOON + 600 * S
    reading.ns += 2_500_000_000
    assert clock.now_ns == NOON + 600 * S
    clock.refresh()
    assert clock.now_ns == NOON + 750 * S


def test_both_directions_of_the_pace() -> None:
    clock = PacedClock(NOON, 0, 60.0, Reading(0))
    assert clock.seconds_until(NOON + 90 * S) == 1.5
    assert clock.seconds_until(NOON - S) == 0.0
    assert clock.after(0.5) == NOON + 30 * S
    assert clock.real_ns(30 * S) == S // 2
    slow = PacedClock(NOON, 0, 0.25, Reading(8 * S))
    assert slow.now_ns == NOON + 2 * S
    assert slow.seconds_until(NOON + 3 * S) == 4.0


def test_it_never_goes_back() -> None:
    reading = Reading(100 * S)
    clock = PacedClock(NOON, 90 * S, 2.0, reading)
    reading.ns = 95 * S
    clock.refresh()
    assert clock.now_ns == NOON + 20 * S
    early = PacedClock(NOON, 90 * S, 2.0, Reading(0))
    assert early.now_ns == NOON
    with pytest.raises(ValueError, match="cannot be moved"):
        clock.advance(NOON)


@pytest.mark.parametrize("pace", [0.0, -1.0, math.inf, math.nan])
def test_a_pace_that_is_none_is_refused(pace: float) -> None:
    with pytest.raises(ValueError, match="cannot run at a pace"):
        PacedClock(NOON, 0, pace)


class Sleeper(Actor):
    """Wakes ten minutes after it began, and never answers."""

    def __init__(self, woke: asyncio.Future[int]) -> None:
        self.woke = woke

    def on_start(self) -> Effects:
        return [SetTimer("wake", self.clock.now_ns + 600 * S, Note(1))]

    def on_note(self, note: Note) -> Effects:
        self.woke.set_result(self.clock.now_ns)
        return None

    def on_question(self, question: Question) -> Effects:
        return None


def test_a_timer_of_ten_minutes_rings_after_ten_seconds_and_a_caller_waits_in_his_own() -> None:
    loop = VirtualLoop()
    rang: list[float] = []

    async def main() -> None:
        kernel = Kernel(clock=PacedClock(NOON, 0, 60.0, lambda: loop.now_ns))
        woke: asyncio.Future[int] = loop.create_future()
        kernel.host(Branch("root", (Child("sleeper", lambda: Sleeper(woke)),)))
        host = Host(kernel)
        running = asyncio.ensure_future(host.run())
        await host.running.wait()
        with pytest.raises(TimeoutError, match="within 2 s"):
            await host.ask("sleeper", Question(n=1, ask_id="q"), timeout_s=2.0)
        rang.append(loop.time())
        assert NOON + 600 * S <= await woke < NOON + 601 * S
        rang.append(loop.time())
        host.request_stop()
        await running

    loop.run_until_complete(main())
    assert rang == [pytest.approx(2.0, abs=0.01), pytest.approx(10.0, abs=0.01)]


@pytest.mark.parametrize(("took_ms", "slow"), [(40, []), (60, ["Note took 60 ms"])])
def test_how_long_a_handler_takes_is_measured_in_the_world(took_ms: int, slow: list[str]) -> None:
    reading = Reading(0)

    def act(actor: Acting, message: object) -> Effects:
        reading.ns += took_ms * 1_000_000
        return None

    heard: list[Notice] = []
    clock = PacedClock(NOON, 0, 60.0, reading)
    kernel = kernel_of(Child("a", lambda: Acting(act)), clock=clock, on_event=heard.append)
    kernel.tell("a", Note(1))
    kernel.turn()
    assert [notice.text for notice in heard if notice.happened is Happened.SLOW] == slow


def test_a_turn_has_its_two_milliseconds_at_any_pace() -> None:
    """At a millisecond a message the third is left for the next turn, as on the world's clock."""
    reading = Reading(0)
    handled: list[object] = []

    def act(actor: Acting, message: object) -> Effects:
        reading.ns += 1_000_000
        handled.append(message)
        return None

    for pace in (1.0, 60.0):
        handled.clear()
        kernel = kernel_of(Child("a", lambda: Acting(act)), clock=PacedClock(NOON, reading.ns, pace, reading))
        for n in range(10):
            kernel.tell("a", Note(n))
        assert kernel.turn()
        assert 2 <= len(handled) <= 3
