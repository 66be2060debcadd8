"""What makes a kernel run on an event loop: on the real clock by being woken, on a virtual one by moving time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from engine.drive import Source, VirtualDriver, tells_again
from engine.errors import EngineError, JournalError
from engine.kernel import Kernel
from engine.ports import Port
from engine.timers import NEVER

NS = 1_000_000_000
ROUNDS_BETWEEN_BREATHS = 64
MOST_PUT_OFF = 1_000
IDLE_POLLS = 50


class Pulse(Protocol):
    """Runs a kernel until cancelled, best while nobody holds `committing`."""

    committing: asyncio.Lock

    async def run(self) -> None: ...

    async def seal(self) -> None:
        """Make every row durable and deliver what waited for it."""
        ...

    def hold(self, held: bool) -> None:
        """Let time stand, where it can: while the engine comes up and while it goes down."""
        ...


async def commit(kernel: Kernel) -> None:
    """One group commit: what is staged now becomes durable, what waited for it is delivered."""
    seq = kernel.hand_over()
    journal: Any = kernel.outbox.journal
    try:
        if hasattr(journal, "commit_async"):
            await journal.commit_async()
        else:
            journal.commit()
    except EngineError:
        raise
    except Exception as error:
        raise JournalError(f"a commit failed: {error!r}") from error
    kernel.release(seq)


class LivePulse:
    """Turns follow messages and timers; commits run beside them, one at a time, each for all that was staged."""

    def __init__(self, kernel: Kernel, moved: Callable[[], None], failed: Callable[[Exception], None]) -> None:
        self._kernel = kernel
        self._moved = moved
        self._failed = failed
        self._loop = asyncio.get_running_loop()
        self._due = False  # a turn is on its way
        self._armed_ns = NEVER
        self._alarm: asyncio.TimerHandle | None = None
        self._staged = asyncio.Event()
        self.committing = asyncio.Lock()
        kernel.waker = self.wake

    def wake(self) -> None:
        if not self._due:
            self._due = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        kernel = self._kernel
        try:
            more = kernel.turn()
        except Exception as error:
            self._failed(error)
            return
        finally:
            self._due = False
        if kernel.staged:
            self._staged.set()
        if kernel.timers.soonest_ns != self._armed_ns:
            self._arm()
        self._moved()
        if more:
            self.wake()

    def _arm(self) -> None:
        """One alarm of the loop for the soonest timer of the kernel."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        self._armed_ns = at_ns = self._kernel.timers.soonest_ns
        if at_ns != NEVER:
            clock = self._kernel.clock
            clock.refresh()
            self._alarm = self._loop.call_later(clock.seconds_until(at_ns), self._ring)

    def _ring(self) -> None:
        self._kernel.clock.refresh()
        self._kernel.fire_timers()
        self._arm()

    async def run(self) -> None:
        """Commit whenever there is something to commit."""
        self.wake()
        try:
            while True:
                await self._staged.wait()
                self._staged.clear()
                await self.seal()
        finally:
            self._kernel.waker = None
            if self._alarm is not None:
                self._alarm.cancel()

    def hold(self, held: bool) -> None:
        """The real world cannot be held."""

    async def seal(self) -> None:
        async with self.committing:
            while self._kernel.staged or self._kernel.outbox.handed:
                await commit(self._kernel)
        self._moved()


class VirtualPulse:
    """Time moves only when it is not held, no actor is ready, nothing waits for a commit and every port is idle.

    pace: seconds of real time to wait until a virtual moment; what a port tells meanwhile comes first.

    Without a pace a commit is put off while nothing waits for it and all that is not durable comes from sources that
    tell it again after a crash (a venue with a record of its own): one commit then holds the rows of many moments.
    """

    def __init__(
        self, kernel: Kernel, sources: Sequence[Source], ports: Sequence[Port], pace: Callable[[int], float] | None,
        moved: Callable[[], None], done: Callable[[], None],
    ) -> None:  # fmt: skip
        self._kernel = kernel
        self._driver = VirtualDriver(kernel, sources)
        self._ports = tuple(ports)
        self._pace = pace
        self._moved = moved
        self._done = done
        self._woken = asyncio.Event()
        self._held = True
        self._put_off_seq = 0  # rows up to here may become durable later
        self.committing = asyncio.Lock()
        kernel.waker = self._woken.set

    async def run(self) -> None:
        kernel, rounds, polls = self._kernel, 0, 0
        try:
            while True:
                quiet = kernel.settle()
                self._woken.clear()  # what comes from here on has not been looked at
                if not quiet and self._may_be_put_off():
                    quiet = True
                elif not quiet:
                    await self._commit()
                self._driver.fired = None  # rows of what a port tells from here on are nobody's to tell again
                self._moved()
                rounds += 1
                if rounds % ROUNDS_BETWEEN_BREATHS == 0:
                    await asyncio.sleep(0)
                if quiet and not self._idle():
                    polls += 1
                    await asyncio.sleep(0 if polls < IDLE_POLLS else 0.001)
                elif quiet:
                    polls = 0
                    if not kernel.ready and await self._time_has_come():
                        self._driver.happen()
        finally:
            kernel.waker = None

    async def _commit(self) -> None:
        async with self.committing:
            await commit(self._kernel)

    def _may_be_put_off(self) -> bool:
        """Whether the rows of what just happened may become durable later."""
        outbox = self._kernel.outbox
        if self._pace is not None or self._held or outbox.waiting or outbox.handed:
            return False
        if len(outbox.staged) >= MOST_PUT_OFF:
            return False
        if outbox.last_seq > self._put_off_seq and not tells_again(self._driver.fired):
            return False
        self._put_off_seq = outbox.last_seq
        return True

    def _idle(self) -> bool:
        return all(getattr(port, "idle", True) for port in self._ports)

    async def _time_has_come(self) -> bool:
        """Wait for the next moment, as the pace says. False when a port told something first."""
        at_ns = None if self._held else self._driver.next_ns()
        wait_s = None
        if at_ns is None:
            if self._kernel.staged:
                await self._commit()
                return False
            self._done()
        else:
            wait_s = 0.0 if self._pace is None else self._pace(at_ns)
            if wait_s <= 0:
                return True
        try:
            async with asyncio.timeout(wait_s):
                await self._woken.wait()
        except TimeoutError:
            return True
        return False

    def hold(self, held: bool) -> None:
        self._held = held
        self._woken.set()

    async def seal(self) -> None:
        while not self._kernel.settle():
            await self._commit()


class Pace:
    """Real time for virtual time: `speed` virtual seconds a second, from the first moment asked about."""

    def __init__(self, speed: float, seconds: Callable[[], float]) -> None:
        self._speed = speed
        self._seconds = seconds
        self._origin: tuple[int, float] | None = None

    def __call__(self, at_ns: int) -> float:
        """Seconds to wait until `at_ns`."""
        now_s = self._seconds()
        if self._origin is None:
            self._origin = (at_ns, now_s)
        first_ns, first_s = self._origin
        return (at_ns - first_ns) / NS / self._speed - (now_s - first_s)
