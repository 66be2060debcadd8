"""Time is injected. `now_ns` is a plain attribute, so reading it costs nothing and a replay can set it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

NS = 1_000_000_000


class Clock:
    """UTC nanoseconds since 1970. The kernel refreshes `now_ns` before each message it dispatches.

    pace: how many seconds of this clock pass in one of the world's. What waits for a disk, a wire or a person waits in
    the world's seconds; `after`, `seconds_until` and `real_ns` are the only places where the two meet.
    """

    __slots__ = ("now_ns",)
    pace: float = 1.0

    def __init__(self, now_ns: int = 0) -> None:
        self.now_ns = now_ns

    def refresh(self) -> None:
        """Bring `now_ns` up to date. Virtual clocks move only in `advance`."""

    def advance(self, to_ns: int) -> None:
        """Move time forward. Raises ValueError when asked to go back."""
        if to_ns < self.now_ns:
            raise ValueError(f"time cannot go back: {self.now_ns} to {to_ns}")
        self.now_ns = to_ns

    def after(self, seconds: float) -> int:
        """The moment of this clock in so many of the world's seconds, from the last refresh."""
        return self.now_ns + int(seconds * NS * self.pace)

    def seconds_until(self, at_ns: int) -> float:
        """The world's seconds from the last refresh until a moment; 0 when it has come."""
        return max(0, at_ns - self.now_ns) / NS / self.pace

    def real_ns(self, span_ns: int) -> int:
        """How long a stretch of this clock lasts in the world, nanoseconds."""
        return int(span_ns / self.pace)


class VirtualClock(Clock):
    """Moves only when told to: simulation, replay and tests."""

    __slots__ = ()


class RunningClock(Clock):
    """Moves by itself: `refresh` looks what time it is."""

    __slots__ = ()

    def advance(self, to_ns: int) -> None:
        """Raises ValueError."""
        raise ValueError("a clock that runs by itself cannot be moved")


class LiveClock(RunningClock):
    """UTC that never goes back: the wall clock at the start plus the monotonic clock since.

    `now_ns` is `offset_ns + monotonic_ns()` at the last refresh; simulations and tests give clocks of their own.
    """

    __slots__ = ("monotonic_ns", "offset_ns")

    def __init__(
        self, monotonic_ns: Callable[[], int] = time.monotonic_ns, wall_ns: Callable[[], int] = time.time_ns
    ) -> None:
        self.monotonic_ns = monotonic_ns
        self.offset_ns = wall_ns() - monotonic_ns()
        super().__init__()
        self.refresh()

    def refresh(self) -> None:
        self.now_ns = self.offset_ns + self.monotonic_ns()


class PacedClock(RunningClock):
    """Another time than the world's: `at_ns` when the monotonic clock read `read_ns`, `pace` times as fast since.

    For rehearsals before a simulated gateway that plays history. It never goes back; before `read_ns` it stands at
    `at_ns`. Raises ValueError for a pace that is no finite number above 0.
    """

    __slots__ = ("_at_ns", "_read_ns", "monotonic_ns", "pace")

    def __init__(
        self, at_ns: int, read_ns: int, pace: float, monotonic_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        if not (pace > 0 and math.isfinite(pace)):
            raise ValueError(f"a clock cannot run at a pace of {pace}")
        self._at_ns, self._read_ns, self.pace, self.monotonic_ns = at_ns, read_ns, pace, monotonic_ns
        super().__init__(at_ns)
        self.refresh()

    def refresh(self) -> None:
        self.now_ns = max(self.now_ns, self._at_ns + round((self.monotonic_ns() - self._read_ns) * self.pace))
