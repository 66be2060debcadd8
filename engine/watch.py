"""A thread that notices when the kernel stands still inside one handler."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable

import msgspec

from engine.kernel import Kernel

NS = 1_000_000_000


class Stall(msgspec.Struct, frozen=True):
    """The kernel has been inside one turn for `stalled_ns`; `stack` is what its thread does now."""

    actor: str
    stalled_ns: int
    stack: str


class Watchdog:
    """Reads the kernel's turn counter; a turn longer than `limit_s` is reported once, then `trip` is called.

    report: hears the Stall.  trip: ends the process or asks for help; called after `report`, once for each stall.
    now_ns: a monotonic clock.  stack_of: the stack of a thread as text.
    `look` does one check and may be called by anybody; `start` calls it from a thread of its own.
    """

    def __init__(
        self, kernel: Kernel, *, limit_s: float, report: Callable[[Stall], None], trip: Callable[[Stall], None],
        now_ns: Callable[[], int] = time.monotonic_ns, stack_of: Callable[[int], str] | None = None,
        thread_id: int | None = None,
    ) -> None:  # fmt: skip
        self._kernel = kernel
        self._limit_ns = int(limit_s * NS)
        self._report = report
        self._trip = trip
        self._now_ns = now_ns
        self._stack_of = stack_of or stack_of_thread
        self._thread_id = threading.get_ident() if thread_id is None else thread_id
        self._turn = -1
        self._since_ns = 0
        self._reported = False
        self._end = threading.Event()
        self._thread: threading.Thread | None = None

    def look(self) -> Stall | None:
        """Compare with the last look. Returns the stall that was reported now, if any."""
        now_ns, turn, cell = self._now_ns(), self._kernel.turns, self._kernel.current
        if cell is None or turn != self._turn:
            self._turn, self._since_ns, self._reported = turn, now_ns, False
            return None
        stalled_ns = now_ns - self._since_ns
        if stalled_ns <= self._limit_ns or self._reported:
            return None
        self._reported = True
        stall = Stall(cell.name, stalled_ns, self._stack_of(self._thread_id))
        self._report(stall)
        self._trip(stall)
        return stall

    def start(self, every_s: float | None = None) -> None:
        """Look four times per limit, or every `every_s`, until `stop`."""
        wait_s = self._limit_ns / NS / 4 if every_s is None else every_s
        self._thread = threading.Thread(target=self._watch, args=(wait_s,), name="watchdog", daemon=True)
        self._thread.start()

    def _watch(self, wait_s: float) -> None:
        while not self._end.wait(wait_s):
            self.look()

    def stop(self) -> None:
        """End the thread, if there is one, and wait for it."""
        self._end.set()
        if self._thread is not None:
            self._thread.join()


def stack_of_thread(thread_id: int) -> str:
    """What a thread is doing now, or a line that says it has ended."""
    frame = sys._current_frames().get(thread_id)
    return "that thread has ended\n" if frame is None else "".join(traceback.format_stack(frame))
