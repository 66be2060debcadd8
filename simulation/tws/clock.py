"""Two times of a simulated gateway: the market's, which may run faster than life, and its clients', which may not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Protocol

from model.units import NS_PER_SECOND
from simulation.tws.catalogue import Pace

Deed = Callable[[], None]
UNSET = -1


class Timer(Protocol):
    def cancel(self) -> None: ...


class Clock(Protocol):
    """The market's time is UTC in nanoseconds; the clients' is in seconds since some beginning.

    Both stand still while one thing happens: `begin` reads them. A timer that rings begins by itself, and before it
    does what it was set for, `rang` is told its number: timers are numbered from 1 in the order in which they are set.
    """

    rang: Callable[[int], None]

    def begin(self) -> None: ...

    def market_ns(self) -> int: ...

    def seconds(self) -> float: ...

    def at_market(self, at_ns: int, do: Deed) -> Timer:
        """Do something once the market has come to a moment."""
        ...

    def later(self, seconds: float, do: Deed) -> Timer:
        """Do something when so many of the clients' seconds have gone by."""
        ...


class LoopClock:
    """The time of an event loop, real or virtual. The market goes on from `begins_ns`, `pace` times as fast.

    began_s: the loop's time when the market began.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, begins_ns: int, pace: float = 1.0) -> None:
        self.rang: Callable[[int], None] = lambda number: None
        self._loop = loop
        self.began_s = loop.time()
        self._pace = Pace(begins_ns, 0, pace)
        self._set = 0
        self._now = (begins_ns, 0.0)

    def catch_up(self, at_ns: int, loop_ns: int) -> None:
        """The market went on while nobody looked: it was `at_ns` when the loop's time was `loop_ns`, nanoseconds.

        It stands where it did until the next `begin`, and never goes back.
        """
        self._pace = Pace(at_ns, loop_ns - round(self.began_s * NS_PER_SECOND), self._pace.factor)

    def begin(self) -> None:
        seconds = self._loop.time() - self.began_s
        self._now = (max(self._now[0], self._pace.virtual_ns(round(seconds * NS_PER_SECOND))), seconds)

    def market_ns(self) -> int:
        return self._now[0]

    def seconds(self) -> float:
        return self._now[1]

    def at_market(self, at_ns: int, do: Deed) -> Timer:
        self._set += 1
        number = self._set
        return self._loop.call_at(
            self.began_s + self._pace.real_ns(at_ns) / NS_PER_SECOND, lambda: self._ring(number, do, at_ns)
        )

    def later(self, seconds: float, do: Deed) -> Timer:
        self._set += 1
        number = self._set
        return self._loop.call_at(self.began_s + self._now[1] + seconds, lambda: self._ring(number, do, UNSET))

    def _ring(self, number: int, do: Deed, due_ns: int) -> None:
        self.begin()
        self._now = (max(self._now[0], due_ns), self._now[1])
        self.rang(number)
        do()


class Due:
    """A timer of a clock that is moved by hand."""

    __slots__ = ("do",)

    def __init__(self, do: Deed | None) -> None:
        self.do = do

    def cancel(self) -> None:
        self.do = None


class HandClock:
    """Both times stand still until they are moved by hand."""

    def __init__(self, begins_ns: int) -> None:
        self.rang: Callable[[int], None] = lambda number: None
        self._market_ns = begins_ns
        self._seconds = 0.0
        self._by_market: list[tuple[float, int, Due]] = []
        self._by_seconds: list[tuple[float, int, Due]] = []
        self._set = 0

    def begin(self) -> None:
        """Nothing moves by itself."""

    def market_ns(self) -> int:
        return self._market_ns

    def seconds(self) -> float:
        return self._seconds

    def at_market(self, at_ns: int, do: Deed) -> Timer:
        return self._keep(self._by_market, at_ns, do)

    def later(self, seconds: float, do: Deed) -> Timer:
        return self._keep(self._by_seconds, self._seconds + seconds, do)

    def move_market(self, to_ns: int) -> None:
        """Let the market go on to a moment, through everything that is due until then."""
        while self._by_market and self._by_market[0][0] <= to_ns:
            at_ns, number, due = heappop(self._by_market)
            self._market_ns = max(self._market_ns, int(at_ns))
            self._ring(number, due)
        self._market_ns = max(self._market_ns, to_ns)

    def move(self, seconds: float) -> None:
        """Let the clients' time go on, through everything that is due until then."""
        to = self._seconds + seconds
        while self._by_seconds and self._by_seconds[0][0] <= to:
            at, number, due = heappop(self._by_seconds)
            self._seconds = max(self._seconds, at)
            self._ring(number, due)
        self._seconds = to

    def _keep(self, heap: list[tuple[float, int, Due]], at: float, do: Deed) -> Timer:
        due = Due(do)
        self._set += 1
        heappush(heap, (at, self._set, due))
        return due

    def _ring(self, number: int, due: Due) -> None:
        do, due.do = due.do, None
        if do is not None:
            self.rang(number)
            do()


class ToldClock:
    """A clock that is told every reading and every ring of a clock before it, so that the same happens again."""

    def __init__(self) -> None:
        self.rang: Callable[[int], None] = lambda number: None
        self._now = (0, 0.0)
        self._timers: dict[int, Due] = {}
        self._set = 0

    def tell(self, market_ns: int, seconds: float) -> None:
        self._now = (market_ns, seconds)

    def ring(self, number: int) -> None:
        """Do what the timer of this number was set for. Raises LookupError when none was set."""
        due = self._timers.pop(number)
        if due.do is not None:
            due.do()

    def begin(self) -> None:
        """It is told what time it is."""

    def market_ns(self) -> int:
        return self._now[0]

    def seconds(self) -> float:
        return self._now[1]

    def at_market(self, at_ns: int, do: Deed) -> Timer:
        return self._keep(do)

    def later(self, seconds: float, do: Deed) -> Timer:
        return self._keep(do)

    def _keep(self, do: Deed) -> Timer:
        self._set += 1
        self._timers[self._set] = due = Due(do)
        return due
