"""One life of the whole process: the production host and journal on a virtual event loop, with files of its own."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from engine.clock import LiveClock
from engine.drive import Source
from engine.host import Host
from engine.port_supervisor import PortCare
from engine.stages import StopPlan
from engine.timers import NEVER
from simulation.stage.cuts import CrashError, CutAsyncJournal
from simulation.stage.engine import Around, Life
from simulation.stage.folder import FolderJournal
from simulation.stage.loop import VirtualLoop

NS = 10**9
STOPS_WITHIN_S = 60.0
MOST_LAST_TURNS = 1_000


class ProcessLife(Life):
    """A host on a live clock, as a broker's program has it: turns are woken, commits run beside them.

    What happens outside of it, the market and the venue, is fired between two turns of the loop.
    """

    def __init__(self, around: Around, store: FolderJournal, now_ns: int, number: int) -> None:
        self._loop = loop = VirtualLoop(now_ns, seed=around.seed * 1_000 + number)
        self._cut = around.cut
        self._over: CrashError | None = None
        self._sources: tuple[Source, ...] = ()
        self._folder = store
        loop.beside, loop.slow_ns = self._at_the_disk, lambda: store.slow_ns
        writer = store.open()
        self._clock = LiveClock(lambda: loop.now_ns, lambda: loop.now_ns)
        journal = CutAsyncJournal(store, self._passed, around.snapshot_every_rows)
        venue = self._build(around._replace(cut=self._passed), self._clock, store, journal)
        writer.snapshots_from(lambda: dict(journal.snapshots()))
        self._venue, self._writer = venue, writer
        self._host = Host(
            self.kernel, ports=[venue], care={"venue": PortCare(essential=True)},
            stop=StopPlan(stop_timeout_s=STOPS_WITHIN_S), signals=True,
        )  # fmt: skip

    def _passed(self, where: str) -> None:
        """A boundary. Where the process dies nothing runs any more, and the dead pass none."""
        if self._over is not None:
            raise self._over
        try:
            self._cut(where)
        except CrashError as death:
            self._over = self._loop.ended = death
            raise

    def _at_the_disk(self, work: Callable[[], Any]) -> Any:
        if self._over is not None:
            return work()
        self._passed("before the disk works")
        answer = self._folder.carry_out(work)
        self._passed("on disk, not known")
        return answer

    async def _live(self) -> None:
        async with self._writer:
            await self._host.run()

    def begin(self, sources: Sequence[Source]) -> None:
        self._sources = (*sources, self._venue)
        self._main = self._loop.create_task(self._live())
        self.port.connect()
        self._exhaust()

    @property
    def now_ns(self) -> int:
        return self._loop.now_ns

    def run(self, until_ns: int, stop: Callable[[], bool] | None = None) -> None:
        self._exhaust()
        loop = self._loop
        while True:
            at_ns, source = self._soonest()
            if at_ns > until_ns:
                break
            loop.now_ns = max(loop.now_ns, at_ns)
            if source is not None:
                self._clock.refresh()
                source.fire(loop.now_ns)
            else:
                loop.ring()
            self._exhaust()
            if stop is not None and stop():
                return
        loop.now_ns = max(loop.now_ns, until_ns)

    def _soonest(self) -> tuple[int, Source | None]:
        """When something happens next, and outside of the process where; of equals the outside comes first."""
        soonest_ns, first = NEVER, None
        for source in self._sources:
            at_ns = source.next_ns()
            if at_ns is not None and at_ns < soonest_ns:
                soonest_ns, first = at_ns, source
        alarm_ns = self._loop.next_ns()
        return (soonest_ns, first) if alarm_ns is None or soonest_ns <= alarm_ns else (alarm_ns, None)

    def _exhaust(self) -> None:
        """Let the loop do what is ready. Raises what ended the process."""
        self._loop.exhaust()
        if self._loop.complaints:
            raise RuntimeError("; ".join(self._loop.complaints))
        if self._main.done():
            self._main.result()

    def jump(self, to_ns: int) -> None:
        self._loop.now_ns = max(self._loop.now_ns, to_ns)

    def go_down(self) -> None:
        self._loop.signal(signal.SIGTERM)
        self.run(self.now_ns + int(STOPS_WITHIN_S) * NS, stop=self._main.done)

    def bury(self) -> None:
        """What still waits is cancelled; the folder that it may write to is nobody's any more."""
        self._over = self._over or CrashError(0, "the process has ended")
        self._sources = ()
        loop = self._loop
        loop.ended = None
        self._main.cancel()
        for _ in range(MOST_LAST_TURNS):
            with suppress(CrashError):
                loop.exhaust()
                if loop.next_ns() is None:
                    break
                loop.skip()
        loop.close()
        self.kernel.dismantle()
