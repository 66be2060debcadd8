"""The health port on a real event loop, and what the watchdog makes of its figures."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from actors.watchdog import HealthLimits, Watchdog
from engine.actor import Actor
from engine.clock import LiveClock
from engine.effects import Effects, Ref
from engine.host import Host
from engine.kernel import Kernel
from engine.message import Message, Told
from engine.supervise import Branch, Child
from model.decisions import Halt, ReduceOnly
from model.execution import ActorPulse, Alarm, HealthSeen
from ports.health import HealthPort
from state.journal import MemoryJournal

NS = 1_000_000_000
BUSY = (ActorPulse("orders", 3, 1),)


class Heard:
    """Takes what the port tells, and says when."""

    def __init__(self) -> None:
        self.told: list[HealthSeen] = []
        self.came = asyncio.Event()

    def tell(self, to: str, message: Message, cause: int = 0) -> Told:
        assert to == "watchdog"
        assert isinstance(message, HealthSeen)
        self.told.append(message)
        self.came.set()
        return Told.OK

    async def next(self) -> HealthSeen:
        self.came.clear()
        async with asyncio.timeout(20):
            await self.came.wait()
        return self.told[-1]


class System(Actor):
    """Stands for the actor that changes modes."""

    def __init__(self) -> None:
        self.heard: list[Halt | ReduceOnly] = []
        self.halted = asyncio.Event()

    def on_word(self, word: Halt | ReduceOnly) -> Effects:
        self.heard.append(word)
        self.halted.set()
        return None


@contextlib.asynccontextmanager
async def telling(engine: Heard, age_ns: int = 0) -> AsyncIterator[None]:
    """A health port of a runtime at engine time 5 s."""
    task = asyncio.create_task(HealthPort(lambda: (5 * NS, age_ns, BUSY)).run(engine))
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_the_figures_of_the_runtime_are_told_as_they_are() -> None:
    engine = Heard()
    async with telling(engine, age_ns=4 * NS):
        seen = await engine.next()
    assert (seen.source, seen.journal_age_ns, seen.actors, seen.at_ns) == ("host", 4 * NS, BUSY, 5 * NS)
    assert seen.loop_lag_ns >= 0


async def test_a_loop_that_one_handler_holds_is_as_late_as_it_was_held() -> None:
    engine = Heard()
    async with telling(engine):
        await engine.next()
        time.sleep(1.2)  # noqa: ASYNC251  # the stall itself; the next figures were due after half a second
        seen = await engine.next()
    assert seen.loop_lag_ns >= 0.6 * NS


async def test_a_held_loop_halts_the_engine_within_the_next_figures() -> None:
    journal, system = MemoryJournal(), System()
    kernel = Kernel(clock=LiveClock(), journal=journal)
    limits = HealthLimits(loop_lag_ns=NS, journal_age_ns=0, waiting_ns=0, silence_ns=0, feed_down_ns=0)
    kernel.host(
        Branch(
            "root",
            (
                Child("system", lambda: system),
                Child("watchdog", lambda: Watchdog(system=Ref("system"), limits=limits)),
            ),
        )
    )
    host = Host(kernel, ports=[HealthPort(lambda: (kernel.clock.now_ns, 0, ()))])
    running = asyncio.create_task(host.run())
    await host.running.wait()
    time.sleep(2.5)  # noqa: ASYNC251  # at most half a second of it is the port's own
    async with asyncio.timeout(20):
        await system.halted.wait()
    host.request_stop()
    await running
    halt = system.heard[0]
    assert isinstance(halt, Halt)
    assert halt.by == "watchdog"
    assert halt.reason.startswith("the loop is ")
    alarms = [row.event for row in journal.rows if isinstance(row.event, Alarm)]
    assert [(alarm.code, alarm.subject) for alarm in alarms] == [("STALLED", "the loop")]
