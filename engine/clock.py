"""Time is injected. `now_ns` is a plain attribute, so reading it costs nothing and a replay can set it."""

from __future__ import annotations

import time
from collections.abc import Callable


class Clock:
    """UTC nanoseconds since 1970. The kernel refreshes `now_ns` before each message it dispatches."""

    __slots__ = ("now_ns",)

    def __init__(self, now_ns: int = 0) -> None:
        self.now_ns = now_ns

    def refresh(self) -> None:
        """Bring `now_ns` up to date. Virtual clocks move only in `advance`."""

    def advance(self, to_ns: int) -> None:
        """Move time forward. Raises ValueError when asked to go back."""
        if to_ns < self.now_ns:
            raise ValueError(f"time cannot go back: {self.now_ns} to {to_ns}")
        self.now_ns = to_ns


class VirtualClock(Clock):
    """Moves only when told to: simulation, replay and tests."""

    __slots__ = ()


class LiveClock(Clock):
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

    def advance(self, to_ns: int) -> None:
        """A live clock moves by itself."""
        raise ValueError("a live clock cannot be moved")
