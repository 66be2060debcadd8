"""An event loop on virtual time: any coroutine runs on it unmodified, in an order that is drawn from a seed."""

from __future__ import annotations

import asyncio
import random
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import Context
from functools import partial
from heapq import heappop, heappush
from itertools import count
from math import ceil
from typing import Any, TypeVar

import aiosqlite.core

from simulation.stage.wire_end import End
from simulation.stage.wires import Factory, P, Server, Wires

T = TypeVar("T")
Base: Any = asyncio.AbstractEventLoop  # processes and the like stay what it makes of them: NotImplementedError
Policy: Any = getattr(events, "_AbstractEventLoopPolicy", None) or events.AbstractEventLoopPolicy
running: Any = events  # where asyncio notes which loop runs; documented for those who write one
get_policy: Callable[[], Any] = getattr(events, "_get_event_loop_policy", None) or events.get_event_loop_policy
set_policy: Callable[[Any], None] = getattr(events, "_set_event_loop_policy", None) or events.set_event_loop_policy
sqlite_thread: Any = aiosqlite.core

NS = 10**9
MOST_TURNS_AT_ONE_TIME = 1_000_000
WORK_NS = (100_000, 300_000, 1_000_000, 3_000_000)
"""How long a call beside the loop takes, most of the time: what disks need for a sync."""
LONG_WORK_NS = 40_000_000


class Turn(asyncio.TimerHandle):
    """One callback that waits for its turn."""

    def take(self) -> None:
        """Let it happen. What it raises goes to whoever runs the loop."""
        if not self.cancelled():
            self._context.run(self._callback, *self._args)  # type: ignore[attr-defined]  # typeshed hides the three


class VirtualLoop(Base):  # type: ignore[misc]
    """Time stands until nothing is ready, then jumps to the next timer. No threads; wires instead of sockets.

    Which task goes on next, and how long each call beside the loop takes, is drawn from the seed. Callbacks that are no
    tasks' keep their order, which asyncio promises.

    now_ns: the time, UTC nanoseconds.  beside: carries out what production code gives to a thread; a fault stands here.
    slow_ns: how much longer that takes.  ended: raised after the present turn, whoever caught it in there.
    complaints: what asyncio would have logged.  wires: what is connected, for whoever harms it.
    """

    def __init__(self, now_ns: int = 0, seed: int = 0) -> None:
        self.now_ns = now_ns
        self.beside: Callable[[Callable[[], Any]], Any] = lambda work: work()
        self.slow_ns: Callable[[], int] = lambda: 0
        self.ended: BaseException | None = None
        self._began_ns = now_ns
        self._chance = random.Random(f"turns of {seed}")
        self._steps: list[Turn] = []
        self._plain: deque[Turn] = deque()
        self._timers: list[tuple[int, int, Turn]] = []
        self._numbers = count()
        self._busy_until_ns = now_ns
        self._heard: dict[int, Callable[[], object]] = {}
        self._closed = False
        self.complaints: list[str] = []
        self.wires = Wires(self, seed)
        self.policy = _Policy(self)

    # -- time

    def time(self) -> float:
        """Seconds since the loop was made."""
        return (self.now_ns - self._began_ns) / NS

    def next_ns(self) -> int | None:
        """When the next timer is due; None when none is set."""
        timers = self._timers
        while timers and timers[0][2].cancelled():
            heappop(timers)
        return timers[0][0] if timers else None

    def ring(self) -> None:
        """Make ready what is due by now."""
        while (due_ns := self.next_ns()) is not None and due_ns <= self.now_ns:
            self._ready(heappop(self._timers)[2])

    # -- turns

    def exhaust(self) -> None:
        """Let everything happen that is ready, and what that makes ready. Raises what a callback raises."""
        with _running(self):
            self._exhaust()

    def _exhaust(self) -> None:
        if self._closed:
            raise RuntimeError("Event loop is closed")
        for _ in range(MOST_TURNS_AT_ONE_TIME):
            turn = self._pick()
            if turn is None:
                return
            turn.take()
            if self.ended is not None:
                raise self.ended
        raise RuntimeError(f"callbacks keep each other busy without end at {self.now_ns}")

    def _pick(self) -> Turn | None:
        steps, plain = self._steps, self._plain
        choices = len(steps) + bool(plain)
        if not choices:
            return None
        place = self._chance.randrange(choices) if choices > 1 else 0
        return steps.pop(place) if place < len(steps) else plain.popleft()

    def _ready(self, turn: Turn) -> None:
        owner = getattr(turn._callback, "__self__", None)  # type: ignore[attr-defined]
        (self._steps if isinstance(owner, asyncio.Task) else self._plain).append(turn)

    # -- what coroutines and asyncio ask of a loop

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> Turn:
        turn = Turn(self.time(), callback, args, self, context)
        self._ready(turn)
        return turn

    def call_at(self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None) -> Turn:
        return self._at_ns(self._began_ns + ceil(when * NS), Turn(when, callback, args, self, context))

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Turn:
        turn = Turn(self.time() + delay, callback, args, self, context)
        return self._at_ns(self.now_ns + ceil(delay * NS), turn)

    def call_at_ns(self, at_ns: int, callback: Callable[..., object], *args: Any) -> Turn:
        return self._at_ns(at_ns, Turn(0.0, callback, args, self))

    def _at_ns(self, at_ns: int, turn: Turn) -> Turn:
        heappush(self._timers, (at_ns, next(self._numbers), turn))
        return turn

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """A handle tells its loop that it was cancelled; the heap finds out by itself."""

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Coroutine[Any, Any, T], **options: Any) -> asyncio.Task[T]:
        return asyncio.Task(coro, loop=self, **options)

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        """What a thread would do happens here, a moment later; its answer comes a moment after that."""
        future = self.create_future()
        self.work(future, lambda: func(*args))
        return future

    def work(self, future: asyncio.Future[Any], work: Callable[[], Any]) -> None:
        """One call beside the loop, after those that were asked for before it."""
        takes_ns = LONG_WORK_NS if self._chance.random() < 0.01 else self._chance.choice(WORK_NS)
        at_ns = max(self.now_ns, self._busy_until_ns) + takes_ns + self.slow_ns()
        self._busy_until_ns = at_ns + takes_ns // 2

        def carry_out() -> None:
            try:
                answer, told = self.beside(work), future.set_result
            except Exception as error:
                answer, told = error, future.set_exception
            except BaseException as death:
                _tell(future, future.set_exception, death)
                raise
            self.call_at_ns(max(self._busy_until_ns, self.now_ns), _tell, future, told, answer)

        self.call_at_ns(at_ns, carry_out)

    async def create_server(
        self, protocol_factory: Factory, host: str | None = None, port: int | None = None, *, backlog: int = 100
    ) -> Server:
        """Listen for connections of this loop's own. Raises OSError where the port is in use."""
        return self.wires.listen(protocol_factory, host, port)

    async def create_connection(
        self, protocol_factory: Callable[[], P], host: str | None = None, port: int | None = None
    ) -> tuple[End, P]:
        """Raises ConnectionRefusedError where nobody listens."""
        return await self.wires.connect(protocol_factory, host, port or 0)

    def add_signal_handler(self, sig: int, callback: Callable[..., object], *args: Any) -> None:
        self._heard[sig] = partial(callback, *args)

    def remove_signal_handler(self, sig: int) -> bool:
        return self._heard.pop(sig, None) is not None

    def signal(self, sig: int) -> None:
        """A signal reaches the process. Raises LookupError where it has no handler: it would have died."""
        self.call_soon(self._heard[sig])

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """What asyncio only complains about."""
        self.complaints.append(f"{context.get('message')}: {context.get('exception')!r}")

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return running._get_running_loop() is self

    def is_closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        self._closed = True

    def run_until_complete(self, main: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end, however long that takes; raises RuntimeError when nothing will ever wake it."""
        task = self.create_task(main)
        with _running(self):
            self._exhaust()
            while not task.done():
                self._skip()
        return task.result()

    def skip(self) -> None:
        """Jump to the next timer, and let everything happen. Raises RuntimeError when none is set."""
        with _running(self):
            self._skip()

    def _skip(self) -> None:
        at_ns = self.next_ns()
        if at_ns is None:
            raise RuntimeError("everything waits and no timer is set: this would wait for ever")
        self.now_ns = max(self.now_ns, at_ns)
        self.ring()
        self._exhaust()


def _tell(future: asyncio.Future[Any], told: Callable[[Any], None], answer: Any) -> None:
    if not future.done():
        told(answer)


class _Queue:
    """Where aiosqlite puts what its thread is to do: it goes to the loop on which the connection was made.

    A connection that nobody closed closes itself when the collector finds it. No loop that runs by then hears of that.
    """

    def __init__(self) -> None:
        self._loop: VirtualLoop | None = running._get_running_loop()

    def put_nowait(self, item: tuple[asyncio.Future[Any] | None, Callable[[], Any]]) -> None:
        future, work = item
        if future is None or self._loop is None or self._loop.is_closed():
            work()
        else:
            self._loop.work(future, work)


class _Thread:
    """Does not run: the loop does its work."""

    def __init__(self, **options: Any) -> None:
        """Whatever it is for."""

    def start(self) -> None:
        """Nothing to begin with."""


class _Policy(Policy):  # type: ignore[misc]
    """Says which loop is this thread's to libraries that ask a policy for it."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def get_event_loop(self) -> VirtualLoop:
        return self._loop


@contextmanager
def _running(loop: VirtualLoop) -> Iterator[None]:
    """The loop of this thread; meanwhile aiosqlite's queue and thread, and nothing else of it, are the loop's."""
    outer, queue, thread = running._get_running_loop(), sqlite_thread.SimpleQueue, sqlite_thread.Thread
    policy = get_policy()
    running._set_running_loop(loop)
    set_policy(loop.policy)
    sqlite_thread.SimpleQueue, sqlite_thread.Thread = _Queue, _Thread
    try:
        yield
    finally:
        running._set_running_loop(outer)
        set_policy(policy)
        sqlite_thread.SimpleQueue, sqlite_thread.Thread = queue, thread
