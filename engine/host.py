"""The host: a kernel, its ports and its journal on one event loop, from the first stage of start to the last."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import signal
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from engine.clock import VirtualClock
from engine.collector import at_rest
from engine.drive import Source
from engine.errors import EngineError, Fatal, JournalError, WiringError
from engine.kernel import Kernel
from engine.message import Expired, Message, Replied, Request, Told
from engine.notices import Happened, Listener, Notice
from engine.port_supervisor import Outdoors, PortCare, supervise
from engine.ports import Port
from engine.pulse import LivePulse, Pulse, VirtualPulse
from engine.stages import StartStage, StopPlan, StopStage
from engine.timers import NEVER

T = TypeVar("T")

POLL_S = 0.05
LAST_COMMIT_S = 1.0
NS = 1_000_000_000


class Host:
    """Runs a kernel until somebody asks it to stop or it fails.

    ports: attached to the kernel here.  care: how each port is kept, by name.  start: stages; ports and actors in none
    of them follow in a last one.  stop: see StopPlan.  sources, pace: only on a virtual clock, see VirtualPulse.
    stop_when_done: on a virtual clock, stop when nothing will happen any more.  signals: SIGTERM and SIGINT stop it.
    """

    def __init__(
        self, kernel: Kernel, *, ports: Sequence[Port] = (), care: Mapping[str, PortCare] | None = None,
        start: Sequence[StartStage] = (), stop: StopPlan | None = None, sources: Sequence[Source] = (),
        pace: Callable[[int], float] | None = None, stop_when_done: bool = False, signals: bool = False,
    ) -> None:  # fmt: skip
        self.kernel = kernel
        self._virtual = isinstance(kernel.clock, VirtualClock)
        if (sources or pace or stop_when_done) and not self._virtual:
            raise WiringError("sources and a pace need a kernel on a VirtualClock")
        self._ports = {port.name: port for port in ports}
        for port in ports:
            kernel.attach(port)
        self._care = dict(care or {})
        self._start = tuple(start)
        self._stop = StopPlan() if stop is None else stop
        self._sources = sources
        self._pace = pace
        self._stop_when_done = stop_when_done
        self._signals = signals
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stop_requests = 0
        self._staging = False  # a stage waits for something that a turn may bring
        self._change = asyncio.Event()
        self._pulse: Pulse
        self.running = asyncio.Event()  # set when every stage of the start is done

    # -- for ports, commands and tests

    def tell(self, to: str, message: Message, cause: int = 0) -> Told:
        return self.kernel.tell(to, message, cause)

    async def ask(self, to: str, request: Request, timeout_s: float) -> Message:
        """The answer of an actor. Raises TimeoutError, or EngineError when the request is not taken."""
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()

        def heard(message: Message) -> None:
            if not answer.done():
                answer.set_result(message)

        clock = self.kernel.clock
        clock.refresh()
        deadline_ns = NEVER if self._virtual else clock.after(timeout_s)
        forget = self.kernel.ask(to, request, deadline_ns, heard)
        try:
            async with asyncio.timeout(timeout_s if self._virtual else None):
                reply = await answer
        finally:
            forget()
        if isinstance(reply, Expired):
            raise TimeoutError(f"{to} did not answer {type(request).__name__} within {timeout_s:g} s")
        assert isinstance(reply, Replied)
        return reply.answer

    def request_stop(self) -> None:
        """Go down in stages; asked a second time, jump to sealing the journal."""
        self._stop_requests += 1
        if self.running.is_set():
            self._pulse.hold(True)  # a replay that has come to its end must not go on meanwhile
        self._change.set()

    # -- the run

    async def run(self) -> None:
        """Start in stages, run, stop in stages. Raises what made the engine stop, if anything did."""
        self.kernel.start(())  # wrong wiring is refused before anything runs
        self._pulse = self._make_pulse()
        listener, self.kernel.notify = self.kernel.notify, self._noticed(self.kernel.notify)
        try:
            with self._signals_handled():
                async with asyncio.TaskGroup() as group:
                    beat = group.create_task(self._beat(), name="kernel")
                    await self._go_up(group)
                    with at_rest():
                        await self._until(lambda: self.kernel.fatal is not None, None, stop_requests=0)
                    await self._go_down()
                    await self._end(beat)
        finally:
            self.kernel.notify = listener
        if self.kernel.fatal is not None:
            raise self.kernel.fatal

    def _noticed(self, listener: Listener) -> Listener:
        def heard(notice: Notice) -> None:
            listener(notice)
            if notice.happened is Happened.SAFE_STOP:
                self._change.set()

        return heard

    async def _beat(self) -> None:
        try:
            await self._pulse.run()
        except Exception as error:
            self._failed(error)

    def _make_pulse(self) -> Pulse:
        if not self._virtual:
            return LivePulse(self.kernel, self._moved, self._failed)
        ports = tuple(self._ports.values())
        return VirtualPulse(self.kernel, self._sources, ports, self._pace, self._moved, self._nothing_left)

    def _moved(self) -> None:
        if self._staging:
            self._change.set()

    def _nothing_left(self) -> None:
        if self._stop_when_done and self.running.is_set() and not self._stop_requests:
            self.request_stop()

    def _failed(self, error: Exception) -> None:
        """The kernel itself or the journal raised: nothing can be trusted but the way down."""
        if not isinstance(error, EngineError):
            wrapped = EngineError(f"the kernel raised {error!r}")
            wrapped.__cause__ = error
            error = wrapped
        self.kernel.fail(error)
        self._change.set()

    async def _until(self, done: Callable[[], bool], budget_s: float | None, *, stop_requests: int) -> bool:
        """Wait for `done`. False when the budget is over, or more than `stop_requests` have come."""
        time_s = asyncio.get_running_loop().time
        end_s = None if budget_s is None else time_s() + budget_s
        self._staging = end_s is not None
        while not done():
            left_s = POLL_S if end_s is None else min(POLL_S, end_s - time_s())
            if left_s <= 0 or self._stop_requests > stop_requests:
                return False
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if end_s is None else left_s):
                    await self._change.wait()
            self._change.clear()
        return True

    # -- up

    async def _go_up(self, group: asyncio.TaskGroup) -> None:
        kernel = self.kernel
        for stage in self._start_stages():
            kernel.notify(Notice(Happened.STAGE, stage.name))
            for name in stage.ports:
                self._tasks[name] = group.create_task(self._keep(self._ports[name]), name=f"port {name}")
            kernel.start(stage.actors)
            ready = await self._until(functools.partial(_is_ready, stage, kernel), stage.within_s, stop_requests=0)
            if kernel.fatal is not None or self._stop_requests:
                return
            if not ready:
                kernel.fail(EngineError(f"stage {stage.name!r} was not ready within {stage.within_s:g} s"))
                return
        self._pulse.hold(False)
        self.running.set()

    def _start_stages(self) -> list[StartStage]:
        ports = [name for name in self._ports if all(name not in stage.ports for stage in self._start)]
        named = {name for stage in self._start for name in stage.actors}
        actors = [cell.actor for cell in self.kernel.status().cells if cell.actor not in named]
        return [*self._start, StartStage("the rest", tuple(ports), tuple(actors))]

    async def _keep(self, port: Port) -> None:
        outdoors = Outdoors(port.name, self.kernel.tell, lambda: self.kernel.intake_paused)
        care = self._care.get(port.name, PortCare())
        time_s = asyncio.get_running_loop().time
        try:
            await supervise(port, outdoors, care, self.kernel.notify, now_ns=lambda: int(time_s() * NS))
        except Fatal as fatal:
            self._failed(fatal)

    # -- down

    async def _go_down(self) -> None:
        self._pulse.hold(True)
        first = max(self._stop_requests, 1)
        sealed = False
        for stage in self._stop.stages:
            sealed = sealed or stage.seals
            if not sealed and (self._stop_requests > first or isinstance(self.kernel.fatal, JournalError)):
                continue  # in a hurry, or without a journal: nothing more may be decided
            self.kernel.notify(Notice(Happened.STAGE, stage.name))
            if not await self._stage_down(stage, first):
                self.kernel.notify(Notice(Happened.STAGE_LATE, stage.name))

    async def _stage_down(self, stage: StopStage, first: int) -> bool:
        """One stage of the stop. False when its budget ran out or it was cut short."""
        everyone = tuple(cell.actor for cell in self.kernel.status().cells)
        drained = everyone if "*" in stage.drain else stage.drain
        for to, message in stage.tell:
            self.kernel.tell(to, message)
        self.kernel.drain(drained)
        if stage.seals:
            done = await self._seal(stage.budget_s)
        else:
            done = await self._until(stage.until or self._quiet, stage.budget_s, stop_requests=first)
        self.kernel.stop(drained)
        closed = [self._tasks[name] for name in stage.close if name in self._tasks]
        for task in closed:
            task.cancel()
        await asyncio.gather(*closed, return_exceptions=True)
        return done

    async def _end(self, beat: asyncio.Task[None]) -> None:
        """Cancel the ports, and the kernel when no commit is on its way, or none that ends."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_COMMIT_S), self._pulse.committing:
                beat.cancel()
        for task in (beat, *self._tasks.values()):
            task.cancel()

    def _quiet(self) -> bool:
        return self.kernel.quiet and all(getattr(port, "idle", True) for port in self._ports.values())

    async def _seal(self, budget_s: float) -> bool:
        try:
            async with asyncio.timeout(budget_s):
                await self._pulse.seal()
        except TimeoutError:
            self.kernel.fail(EngineError(f"the journal was not sealed within {budget_s:g} s"))
            return False
        except EngineError as error:
            self.kernel.fail(error)
            return False
        return True

    @contextlib.contextmanager
    def _signals_handled(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        chosen = (signal.SIGTERM, signal.SIGINT) if self._signals else ()
        for number in chosen:
            loop.add_signal_handler(number, self.request_stop)
        try:
            yield
        finally:
            for number in chosen:
                loop.remove_signal_handler(number)


def _is_ready(stage: StartStage, kernel: Kernel) -> bool:
    return kernel.fatal is not None or stage.ready is None or stage.ready()


def run_live(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on uvloop when it is installed, else on asyncio's own loop."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)
