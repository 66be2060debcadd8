"""Drive a kernel on virtual time, without an event loop: simulation, backtests, tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from engine.clock import VirtualClock
from engine.errors import EngineError, WiringError
from engine.kernel import Kernel

MOST_ROUNDS_AT_ONE_TIME = 1_000_000


class Source(Protocol):
    """Something that happens at known times: a history of quotes, a simulated venue, a fault plan."""

    def next_ns(self) -> int | None:
        """When it happens next; None for never again. May change whenever actors or ports did something."""
        ...

    def fire(self, now_ns: int) -> None:
        """It is `now_ns`: tell actors what happens."""
        ...


class VirtualDriver:
    """Runs until nothing is ready and all is durable, then moves time to whatever comes first.

    At one time sources fire in the order given, then timers in the order in which they were set; what each of them
    caused is settled, committed and released before the next one fires.
    """

    def __init__(self, kernel: Kernel, sources: Sequence[Source] = ()) -> None:
        if not isinstance(kernel.clock, VirtualClock):
            raise WiringError("a virtual driver needs a kernel on a VirtualClock")
        self._kernel = kernel
        self._clock = kernel.clock
        self._sources = tuple(sources)
        self._rounds = 0

    def settle(self) -> None:
        """Run, commit and release until all is quiet. Raises what made the engine stop."""
        kernel = self._kernel
        for _ in range(MOST_ROUNDS_AT_ONE_TIME):
            kernel.settle()
            if kernel.fatal is not None:
                raise kernel.fatal
            if kernel.quiet:
                return
            kernel.commit()
        raise EngineError(f"actors and ports keep each other busy without end at {self._clock.now_ns}")

    def next_ns(self) -> int | None:
        """When something happens next; None for never."""
        earliest = self._kernel.next_timer_ns()
        for source in self._sources:
            at_ns = source.next_ns()
            if at_ns is not None and (earliest is None or at_ns < earliest):
                earliest = at_ns
        return earliest

    def step(self, until_ns: int | None = None) -> bool:
        """Settle, then let the next thing happen. False when there is none, or none by `until_ns`."""
        self.settle()
        at_ns = self.next_ns()
        if at_ns is None or (until_ns is not None and at_ns > until_ns):
            return False
        self._move(at_ns)
        for source in self._sources:
            due = source.next_ns()
            if due is not None and due <= at_ns:
                source.fire(self._clock.now_ns)
                return True
        self._kernel.fire_timers()
        return True

    def _move(self, at_ns: int) -> None:
        if at_ns > self._clock.now_ns:
            self._clock.now_ns = at_ns
            self._rounds = 0
            return
        self._rounds += 1
        if self._rounds > MOST_ROUNDS_AT_ONE_TIME:
            raise EngineError(f"time stands still at {self._clock.now_ns}: something is always due at once")

    def run(self, until_ns: int | None = None, *, stop: Callable[[], bool] | None = None) -> None:
        """Let everything happen up to and at `until_ns`, then stand there; None: until nothing will happen any more.

        `stop` is asked after each step, when all is quiet; True ends the run with the clock where it is.
        """
        while self.step(until_ns):
            if stop is not None:
                self.settle()
                if stop():
                    return
        if until_ns is not None and until_ns > self._clock.now_ns:
            self._clock.advance(until_ns)
