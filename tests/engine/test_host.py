"""The host: ports, group commits, stages, signals, on the real loop and without a single sleep."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from engine.actor import Actor
from engine.clock import LiveClock, VirtualClock
from engine.effects import Effects, Journal, Reply, SetTimer, ToPort, Yields
from engine.errors import EngineError, Exhausted, Fatal, JournalError, WiringError
from engine.host import Host, run_live
from engine.kernel import Kernel
from engine.memory import MemoryJournal
from engine.message import Message, Told
from engine.notices import Happened, Notice
from engine.port_supervisor import Outdoors, PortCare, supervise
from engine.ports import Outside, Row
from engine.pulse import Pace
from engine.schedule import Recorded
from engine.stages import StartStage, StopPlan, StopStage
from engine.supervise import Branch, Child, Intensity
from tests.engine.kit import Acting, Answer, Boom, Box, Counted, Heard, Note, Question, Stop, heard_by, kernel_of

QUICK = StopPlan(
    stages=(StopStage("drain", 5.0, drain=("*",)), StopStage("seal", 5.0, seals=True)), stop_timeout_s=60.0
)


class SlowDisk:
    """A journal whose commits end when the test says so."""

    def __init__(self) -> None:
        self.last_seq = 0
        self.rows: list[Row] = []
        self.durable: list[int] = []
        self.asked = asyncio.Event()
        self.gate = asyncio.Event()

    def stage(self, rows: Iterable[Row]) -> None:
        self.rows.extend(rows)
        self.last_seq = self.rows[-1].seq

    async def commit_async(self) -> None:
        upto = self.last_seq
        self.asked.set()
        await self.gate.wait()
        self.durable.append(upto)


class Venue(Box):
    """A port with a task: echoes what it is given once, and says when it got something."""

    def __init__(self, name: str = "venue") -> None:
        super().__init__(name)
        self.moved = asyncio.Event()
        self.outside: Outside | None = None
        self.cancelled = False

    def deliver(self, message: Message, cause: int) -> Told:
        self.moved.set()
        return super().deliver(message, cause)

    async def run(self, outside: Outside) -> None:
        self.outside = outside
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled = True


class Desk(Actor):
    """Journals and sends each note; answers questions with the number of notes; has a timer and last words."""

    def __init__(self) -> None:
        self.notes = 0

    def on_start(self) -> Effects:
        return [ToPort("venue", Note(-1))]

    def on_note(self, note: Note) -> Yields:
        self.notes += 1
        yield Journal(Counted(note.n))
        yield ToPort("venue", note)

    def on_question(self, question: Question) -> Yields:
        if question.n >= 0:
            yield Reply(question, Answer(self.notes))

    def on_stop(self) -> Effects:
        return [Journal(Counted(-99)), ToPort("venue", Note(-99))]


def live(journal: Any = None, **options: Any) -> tuple[Kernel, Venue]:
    return kernel_of(Child("desk", Desk), clock=LiveClock(), journal=journal, start=False, **options), Venue()


async def up(host: Host) -> asyncio.Task[None]:
    task = asyncio.create_task(host.run())
    await until(host.running, task)
    return task


async def until(event: asyncio.Event, *tasks: asyncio.Task[None]) -> None:
    """Wait for an event, or raise what a task raised instead."""
    waiting = asyncio.create_task(event.wait())
    async with asyncio.timeout(20):
        await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
    if not waiting.done():
        waiting.cancel()
        for task in tasks:
            await task


async def test_effects_leave_after_their_commit_and_the_kernel_goes_on_meanwhile() -> None:
    disk = SlowDisk()
    kernel, venue = live(disk)
    host = Host(kernel, ports=[venue], stop=QUICK)
    task = await up(host)
    assert venue.got == [(Note(-1), 0)]  # nothing was staged before it
    assert venue.outside is not None
    venue.outside.tell("desk", Note(1))
    await until(disk.asked, task)
    venue.outside.tell("desk", Note(2))
    venue.outside.tell("desk", Note(3))
    assert await host.ask("desk", Question(n=0), 20) == Answer(3)  # three handled, none durable
    assert len(venue.got) == 1
    venue.moved.clear()
    disk.gate.set()
    await until(venue.moved, task)
    host.request_stop()
    await task
    assert [message for message, _ in venue.got] == [Note(-1), Note(1), Note(2), Note(3), Note(-99)]
    assert disk.durable[0] == 1  # the group that was on its way
    assert disk.durable[1] == 3  # all that came meanwhile, in one commit
    assert venue.cancelled


async def test_timers_fire_on_the_live_clock() -> None:
    class Timed(Heard):
        def on_start(self) -> Effects:
            return [SetTimer("soon", self.clock.now_ns + 1_000_000, Note(1)), SetTimer("never", 1 << 62, Note(2))]

    kernel = kernel_of(Child("a", Timed), clock=LiveClock(), start=False)
    host = Host(
        kernel, stop=StopPlan((StopStage("heard", 20, until=lambda: bool(heard_by(kernel, "a"))), *QUICK.stages))
    )
    task = await up(host)
    host.request_stop()
    await task
    assert heard_by(kernel, "a") == [Note(1)]


async def test_an_ask_from_outside_times_out() -> None:
    kernel, venue = live()
    host = Host(kernel, ports=[venue], stop=QUICK)
    task = await up(host)
    with pytest.raises(TimeoutError, match="desk did not answer"):
        await host.ask("desk", Question(n=-1), 0.001)
    assert host.tell("desk", Note(1)) is Told.OK
    host.request_stop()
    await task


async def test_a_journal_that_fails_ends_the_engine_and_nothing_leaves() -> None:
    class Broken(SlowDisk):
        async def commit_async(self) -> None:
            raise OSError("disk full")

    kernel, venue = live(Broken())
    host = Host(kernel, ports=[venue], stop=QUICK)
    task = await up(host)
    host.tell("desk", Note(1))
    with pytest.raises(JournalError, match="disk full"):
        await task
    assert venue.got == [(Note(-1), 0)]


async def test_a_journal_error_of_the_journal_itself_is_passed_on() -> None:
    class Broken(MemoryJournal):
        def commit(self) -> None:
            raise JournalError("sealed")

    kernel, venue = live(Broken())
    host = Host(kernel, ports=[venue], stop=QUICK)
    task = await up(host)
    host.tell("desk", Note(1))
    with pytest.raises(JournalError, match="sealed"):
        await task


async def test_a_journal_that_does_not_end_is_given_up_after_its_budget() -> None:
    kernel, venue = live(SlowDisk())
    said: list[Notice] = []
    kernel.notify = said.append
    plan = StopPlan((StopStage("drain", 0.01, drain=("*",)), StopStage("seal", 0.01, seals=True)))
    host = Host(kernel, ports=[venue], stop=plan)
    task = await up(host)
    host.tell("desk", Note(1))
    host.request_stop()
    with pytest.raises(EngineError, match="not sealed"):
        await task
    assert [notice.who for notice in said if notice.happened is Happened.STAGE_LATE] == ["drain", "seal"]


async def test_an_engine_that_must_stop_stops_in_stages_and_raises_why() -> None:
    def act(actor: Acting, message: Message) -> Effects:
        if isinstance(message, Boom):
            raise RuntimeError("boom")
        return None

    root = Branch("fragile", (Child("a", lambda: Acting(act)),), intensity=Intensity(restarts=0))
    kernel = Kernel(clock=LiveClock())
    kernel.host(Branch("root", (root,), intensity=Intensity(restarts=0)))
    host = Host(kernel, stop=QUICK)
    task = await up(host)
    host.tell("a", Boom())
    with pytest.raises(Exhausted):
        await task


async def test_a_kernel_that_raises_stops_the_engine() -> None:
    kernel = kernel_of(Child("a", Heard), clock=LiveClock(), scheduler=Recorded([]), start=False)
    host = Host(kernel, stop=StopPlan((StopStage("seal", 1, seals=True),)))
    task = await up(host)
    host.tell("a", Note(1))
    with pytest.raises(EngineError, match="recording ends"):
        await task


async def test_a_listener_that_raises_stops_the_engine() -> None:
    def listen(notice: Notice) -> None:
        if notice.happened is Happened.CRASHED:
            raise ValueError("listener")

    def act(actor: Acting, message: Message) -> Effects:
        raise RuntimeError("boom")

    kernel = kernel_of(Child("a", lambda: Acting(act)), clock=LiveClock(), start=False, on_event=listen)
    host = Host(kernel, stop=StopPlan((StopStage("seal", 1, seals=True),)))
    task = await up(host)
    host.tell("a", Note(1))
    with pytest.raises(EngineError, match="listener"):
        await task


async def test_start_goes_through_its_stages_and_the_rest_follows() -> None:
    log: list[str] = []

    def build(name: str) -> Child:
        class Logged(Heard):
            def on_start(self) -> Effects:
                log.append(name)
                return None

        return Child(name, Logged)

    class LoggedPort(Venue):
        async def run(self, outside: Outside) -> None:
            log.append(f"port {self.name}")
            await super().run(outside)

    kernel = kernel_of(build("late"), build("early"), clock=LiveClock(), start=False)
    host = Host(
        kernel,
        ports=[LoggedPort("ops"), LoggedPort("broker"), Box()],
        start=[StartStage("broker", ports=("broker",), actors=("early",), ready=lambda: "port broker" in log)],
        stop=StopPlan((StopStage("close", 1.0, close=("ops", "box")), *QUICK.stages)),
    )
    task = await up(host)
    host.request_stop()
    await task
    assert log == ["early", "port broker", "late", "port ops"]


async def test_a_stage_that_is_not_ready_in_time_ends_the_start() -> None:
    kernel, venue = live()
    host = Host(kernel, ports=[venue], start=[StartStage("slow", ready=lambda: False, within_s=0.01)], stop=QUICK)
    with pytest.raises(EngineError, match="'slow' was not ready"):
        await host.run()
    assert not host.running.is_set()


async def test_a_stop_during_the_start_ends_it() -> None:
    kernel, venue = live()
    host: Host

    def asked() -> bool:
        host.request_stop()
        return False

    host = Host(kernel, ports=[venue], start=[StartStage("stopped", ready=asked)], stop=QUICK)
    await host.run()
    assert not host.running.is_set()


async def test_wrong_wiring_is_raised_before_anything_runs() -> None:
    kernel = kernel_of(Child("a", Heard), clock=LiveClock(), start=False)
    kernel.ref("ghost")
    with pytest.raises(WiringError, match="ghost"):
        await Host(kernel).run()


async def test_a_second_request_to_stop_jumps_to_sealing() -> None:
    kernel, venue = live()
    said: list[Notice] = []
    host: Host

    def hear(notice: Notice) -> None:
        said.append(notice)
        if notice == Notice(Happened.STAGE, "wait"):
            host.request_stop()

    kernel.notify = hear
    plan = StopPlan(
        (
            StopStage("tell", 1.0, tell=(("desk", Note(5)),), until=lambda: kernel.actor("desk").notes == 1),
            StopStage("wait", 20.0, until=lambda: False),
            StopStage("skipped", 20.0),
            StopStage("seal", 5.0, seals=True),
            StopStage("after", 1.0),
        )
    )
    host = Host(kernel, ports=[venue], stop=plan)
    task = await up(host)
    host.request_stop()
    await task
    stages = [notice.who for notice in said if notice.happened is Happened.STAGE]
    assert stages == ["the rest", "tell", "wait", "seal", "after"]
    assert kernel.outbox.durable_seq == 1


def test_stop_budgets_stay_under_the_time_that_the_process_has() -> None:
    StopPlan((StopStage("seal", 50.0, seals=True),), stop_timeout_s=60.0)
    with pytest.raises(WiringError, match=r"up to 50\.5 s"):
        StopPlan((StopStage("seal", 50.5, seals=True),), stop_timeout_s=60.0)
    with pytest.raises(WiringError, match="exactly one"):
        StopPlan((StopStage("drain", 1.0),))


async def test_a_signal_stops_it() -> None:
    kernel, venue = live()
    host = Host(kernel, ports=[venue], stop=QUICK, signals=True)
    task = await up(host)
    os.kill(os.getpid(), signal.SIGTERM)
    await task
    assert (Note(-99), 1) in venue.got


def test_uvloop_is_used_when_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    async def loop_name() -> str:
        return type(asyncio.get_running_loop()).__module__

    pytest.importorskip("uvloop")
    assert run_live(loop_name()) == "uvloop"
    monkeypatch.setitem(__import__("sys").modules, "uvloop", None)
    assert run_live(loop_name()).startswith("asyncio")


# -- ports


class Flaky(Box):
    def __init__(self, *outcomes: Exception | None, takes_s: float = 0.0) -> None:
        super().__init__("flaky")
        self.outcomes = list(outcomes)
        self.paused: list[bool] = []

    async def run(self, outside: Outside) -> None:
        assert isinstance(outside, Outdoors)
        self.paused.append(outside.intake_paused)
        outside.tell("a", Note(len(self.paused)))
        outcome = self.outcomes.pop(0)
        if outcome is not None:
            raise outcome


async def kept(port: Box, care: PortCare, clock: Callable[[], int]) -> tuple[list[float], list[Notice], Kernel]:
    waits: list[float] = []
    said: list[Notice] = []
    kernel = kernel_of(Child("a", Heard))

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    outdoors = Outdoors("flaky", kernel.tell, lambda: kernel.intake_paused)
    await supervise(port, outdoors, care, said.append, now_ns=clock, sleep=sleep)
    return waits, said, kernel


async def test_an_ops_port_is_tried_for_ever_with_growing_waits() -> None:
    port = Flaky(*[OSError("down")] * 8, None)
    waits, said, kernel = await kept(port, PortCare(), lambda: 0)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    assert [notice.happened for notice in said] == [Happened.PORT_FAILED, Happened.PORT_RESTARTED] * 8
    kernel.settle()
    assert heard_by(kernel, "a") == [Note(n) for n in range(1, 10)]
    assert port.paused == [False] * 9


async def test_the_wait_starts_anew_after_a_long_good_run() -> None:
    times = iter((0, 0, 0, 400_000_000_000, 0, 0, 0))
    waits, _, _ = await kept(Flaky(OSError(), OSError(), OSError(), None), PortCare(), lambda: next(times))
    assert waits == [1, 1, 2]


async def test_an_essential_port_ends_the_engine_when_its_restarts_are_spent() -> None:
    care = PortCare(essential=True, intensity=Intensity(restarts=2, window_s=60.0))
    with pytest.raises(Fatal, match="flaky"):
        await kept(Flaky(*[OSError("down")] * 3), care, lambda: 0)


async def test_a_fatal_port_stops_the_host() -> None:
    care = {"flaky": PortCare(essential=True, intensity=Intensity(restarts=0))}
    kernel = kernel_of(Child("a", Heard), clock=LiveClock(), start=False)
    with pytest.raises(Fatal):
        await Host(kernel, ports=[Flaky(OSError("down"))], care=care, stop=QUICK).run()


# -- a virtual clock on an event loop


class Feed:
    def __init__(self, kernel: Kernel, *moments: int) -> None:
        self._kernel = kernel
        self.moments = list(moments)

    def next_ns(self) -> int | None:
        return self.moments[0] if self.moments else None

    def fire(self, now_ns: int) -> None:
        self._kernel.tell("desk", Note(self.moments.pop(0)))


class Lazy(Venue):
    """Not idle until it has worked off what it was given, in its own task."""

    def __init__(self, kernel: Kernel) -> None:
        super().__init__()
        self.kernel = kernel
        self.at: list[tuple[int, int]] = []
        self.worked = 0

    @property
    def idle(self) -> bool:
        return self.worked == len(self.got)

    async def run(self, outside: Outside) -> None:
        while True:
            await self.moved.wait()
            self.moved.clear()
            for _ in range(60):  # many rounds of the loop: time must stand meanwhile
                await asyncio.sleep(0)
            while not self.idle:
                message = self.got[self.worked][0]
                assert isinstance(message, Note)
                self.at.append((self.kernel.clock.now_ns, message.n))
                self.worked += 1


@pytest.mark.parametrize("disk", [None, "slow"])
async def test_virtual_time_waits_for_actors_commits_and_ports(disk: str | None) -> None:
    journal = None
    if disk:
        journal = SlowDisk()
        journal.gate.set()
    kernel = kernel_of(Child("desk", Desk), clock=VirtualClock(), journal=journal, start=False)
    venue = Lazy(kernel)
    moments = range(10, 3_000, 10)
    host = Host(kernel, ports=[venue], sources=[Feed(kernel, *moments)], stop_when_done=True, stop=QUICK)
    await host.run()
    assert venue.at == [(0, -1), *((n, n) for n in moments), (2_990, -99)]


async def test_time_stands_from_the_request_to_stop() -> None:
    kernel = kernel_of(Child("desk", Desk), clock=VirtualClock(), start=False)
    feed = Feed(kernel, *range(10, 1_000_000, 10))
    host = Host(kernel, ports=[Venue()], sources=[feed], stop=QUICK)
    task = await up(host)
    host.request_stop()
    await task
    assert len(feed.moments) > 1_000
    assert kernel.outbox.durable_seq == kernel.actor("desk").notes + 1


async def test_a_pace_waits_for_the_wall_and_what_is_told_meanwhile_comes_first() -> None:
    kernel = kernel_of(Child("desk", Desk), clock=VirtualClock(), start=False)
    venue = Venue()
    asked: list[int] = []

    def pace(at_ns: int) -> float:
        asked.append(at_ns)
        if len(asked) == 1:
            assert venue.outside is not None
            asyncio.get_running_loop().call_soon(venue.outside.tell, "desk", Note(1))
            return 30.0
        return 0.0001 if len(asked) == 2 else 0.0

    feed = Feed(kernel, 10, 20)
    start = [StartStage("venue", ports=("venue",), ready=lambda: venue.outside is not None)]
    host = Host(kernel, ports=[venue], start=start, sources=[feed], pace=pace, stop_when_done=True, stop=QUICK)
    await host.run()
    assert asked == [10, 10, 20]
    assert [message.n for message, _ in venue.got if isinstance(message, Note)] == [-1, 1, 10, 20, -99]


async def test_an_ask_on_a_virtual_clock_times_out_by_the_wall() -> None:
    kernel = kernel_of(Child("desk", Desk), clock=VirtualClock(), start=False)
    host = Host(kernel, ports=[Venue()], stop=QUICK)
    task = await up(host)
    assert await host.ask("desk", Question(n=1), 20) == Answer(0)
    with pytest.raises(TimeoutError):
        await host.ask("desk", Question(n=-1), 0.001)
    assert kernel.clock.now_ns == 0
    host.request_stop()
    await task


async def test_a_virtual_engine_that_must_stop_raises_why() -> None:
    kernel = kernel_of(Child("a", Heard), clock=VirtualClock(), start=False)
    host = Host(kernel, stop=QUICK)
    task = await up(host)
    for n in range(3):
        host.tell("a", Stop(n))
    with pytest.raises(EngineError, match="holds 2 unread Stop"):
        await task


def test_sources_and_a_pace_need_a_virtual_clock() -> None:
    kernel = kernel_of(Child("desk", Desk), clock=LiveClock(), start=False)
    with pytest.raises(WiringError, match="VirtualClock"):
        Host(kernel, pace=lambda at_ns: 0.0)


def test_a_pace_maps_virtual_time_to_the_wall() -> None:
    wall = iter((100.0, 100.5, 103.0))
    pace = Pace(10.0, lambda: next(wall))
    assert [pace(s * 1_000_000_000) for s in (50, 70, 80)] == [0.0, 1.5, 0.0]
