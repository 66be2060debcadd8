"""Drive a kernel on virtual time, without an event loop: simulation, backtests, tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from engine.clock import VirtualClock
from engine.collector import seldom
from engine.errors import EngineError, WiringError
from engine.kernel import Kernel
from engine.runloop import MANY
from engine.timers import NEVER

MOST_ROUNDS_AT_ONE_TIME = 1_000_000


ASK = -1


class Due:
    """Where a source that wants to be asked less often notes when it happens next; ASK after anything changed it."""

    __slots__ = ("at_ns",)

    def __init__(self, at_ns: int = ASK) -> None:
        self.at_ns = at_ns


class Source(Protocol):
    """Something that happens at known times: a history of quotes, a simulated venue, a fault plan.

    One with an attribute `due` of type Due is asked for `next_ns` only while that says ASK.
    """

    def next_ns(self) -> int | None:
        """When it happens next; None for never again. May change whenever actors or ports did something."""
        ...

    def fire(self, now_ns: int) -> None:
        """It is `now_ns`: tell actors what happens."""
        ...


def tells_again(source: Source | None) -> bool:
    """Whether a source has a durable record of its own from which all that it told is told again after a crash."""
    return bool(getattr(source, "tells_again", False))


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
        self._timers = kernel.timers
        self._backwards = tuple(reversed(sources))
        self._rounds = 0
        self.fired: Source | None = None

    def settle(self) -> None:
        """Run, commit and release until all is quiet. Raises what made the engine stop."""
        kernel = self._kernel
        for _ in range(MOST_ROUNDS_AT_ONE_TIME):
            if kernel.settle():
                return
            if kernel.fatal is not None:
                raise kernel.fatal
            kernel.commit()
        raise EngineError(f"actors and ports keep each other busy without end at {self._clock.now_ns}")

    def next_ns(self) -> int | None:
        """When something happens next; None for never."""
        moments = [at_ns for source in self._backwards if (at_ns := source.next_ns()) is not None]
        soonest_ns = min(self._timers.soonest_ns, *moments, NEVER)
        return None if soonest_ns == NEVER else soonest_ns

    def step(self, until_ns: int = NEVER - 1) -> bool:
        """Let the next thing happen, and settle. False when there is none, or none by `until_ns`."""
        return self._go(until_ns, lambda: True)

    def run(self, until_ns: int | None = None, *, stop: Callable[[], bool] | None = None) -> None:
        """Let everything happen up to and at `until_ns`, then stand there; None: until nothing will happen any more.

        `stop` is asked after each step, when all is quiet; True ends the run with the clock where it is.
        """
        with seldom():
            stopped = self._go(NEVER - 1 if until_ns is None else until_ns, stop)
        if until_ns is not None and not stopped and until_ns > self._clock.now_ns:
            self._clock.advance(until_ns)

    def _go(self, until_ns: int, stop: Callable[[], bool] | None) -> bool:
        """Step until `stop` says so (True), or nothing happens by `until_ns` (False)."""
        self.settle()
        kernel, clock, timers = self._kernel, self._clock, self._timers
        run, ready, outbox = kernel.run, kernel.ready, kernel.outbox
        sources = [(getattr(source, "due", None) or Due(), source.next_ns, source) for source in self._backwards]
        while True:
            soonest_ns, first = timers.soonest_ns, None
            for due, ask, source in sources:  # backwards, so that of equals the first given wins, and timers come last
                at_ns = due.at_ns if due.at_ns >= 0 else ask()
                if at_ns is not None and at_ns <= soonest_ns:
                    soonest_ns, first = at_ns, source
            if soonest_ns > until_ns:
                return False
            if soonest_ns > clock.now_ns:
                clock.now_ns = soonest_ns
                self._rounds = 0
            else:
                self._linger()
            if first is None:
                timers.fire(clock.now_ns)
            else:
                first.fire(clock.now_ns)
            if ready:
                run(MANY, NEVER)
            if outbox.busy or ready:
                self.settle()
            if stop is not None and stop():
                return True

    def _linger(self) -> None:
        self._rounds += 1
        if self._rounds > MOST_ROUNDS_AT_ONE_TIME:
            raise EngineError(f"time stands still at {self._clock.now_ns}: something is always due at once")

    def happen(self) -> bool:
        """Move to what is next and let it happen, without settling; for hosts that commit on an event loop.

        `fired` is the source that it came from, None for timers.
        """
        at_ns = self.next_ns()
        self.fired = None
        if at_ns is None:
            return False
        clock = self._clock
        clock.now_ns = max(at_ns, clock.now_ns)
        for source in reversed(self._backwards):
            due_ns = source.next_ns()
            if due_ns is not None and due_ns <= clock.now_ns:
                self.fired = source
                source.fire(clock.now_ns)
                return True
        self._timers.fire(clock.now_ns)
        return True
