"""Our own sender in front of the socket: so many messages a second, and a cancel never waits behind a question."""

from __future__ import annotations

import asyncio
import enum
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec


class Lane(enum.IntEnum):
    """In the order in which they leave. TRUTH: what became of orders, whether the gateway lives. QUERY: the rest."""

    CANCEL = 0
    ORDER = 1
    TRUTH = 2
    QUERY = 3


SHARE: dict[Lane, float] = {Lane.CANCEL: 1.0, Lane.ORDER: 0.9, Lane.TRUTH: 0.8, Lane.QUERY: 0.6}
"""How much of a second's messages may be used when one of a lane leaves: the rest is kept free for the lanes above."""

WINDOW_S = 1.05
"""What leaves within a second may arrive within less: the other end counts as it reads, and may read one burst late."""
COMPLAINED_S = 2.0
"""For so long the complaints of a gateway are about one burst: each message too many has one of its own."""


class Later(Protocol):
    def call_later(self, delay: float, callback: Callable[[], None]) -> asyncio.TimerHandle: ...

    def time(self) -> float: ...


class Paced(msgspec.Struct, frozen=True):
    """One message. write: hands it to the socket; what it raises means that it did not leave.  unsent: told when it
    never left, with the reason."""

    lane: Lane
    write: Callable[[], None]
    unsent: Callable[[str], None]


class Pacer:
    """At most `limit` messages in any `WINDOW_S`, by lanes, first in first out in each. Writes at once when it may.

    What is still here when `drop` is called was never handed to the socket, and each one's sender is told so.
    """

    def __init__(self, limit: int, loop: Later) -> None:
        self.limit = limit
        self._loop = loop
        self._lanes: dict[Lane, deque[Paced]] = {lane: deque() for lane in Lane}
        self._times: deque[float] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._halved_s = -COMPLAINED_S
        self._truth_s = -WINDOW_S

    def put(self, paced: Paced) -> None:
        """Send when its turn comes: at once, if the second allows it and nothing of its lane or above waits."""
        self._lanes[paced.lane].append(paced)
        self._drain()

    @property
    def waiting(self) -> int:
        return sum(len(lane) for lane in self._lanes.values())

    def halve(self) -> None:
        """The gateway says that we are too fast: be slower for the rest of the session, once for each burst."""
        now_s = self._loop.time()
        if now_s - self._halved_s >= COMPLAINED_S:
            self._halved_s = now_s
            self.limit = max(2, self.limit // 2)

    def drop(self, reason: str, lanes: Iterable[Lane] = Lane) -> None:
        """Forget what waits in these lanes; each was never sent."""
        for lane in lanes:
            waiting = self._lanes[lane]
            while waiting:
                waiting.popleft().unsent(reason)
        if self._timer is not None and not self.waiting:
            self._timer.cancel()
            self._timer = None

    def _drain(self) -> None:
        now_s = self._loop.time()
        while self._times and now_s - self._times[0] >= WINDOW_S:
            self._times.popleft()
        for lane in Lane:
            waiting = self._lanes[lane]
            while waiting and len(self._times) < self._most(lane, now_s):
                paced = waiting.popleft()
                self._times.append(now_s)
                if lane is Lane.TRUTH:
                    self._truth_s = now_s
                try:
                    paced.write()
                except (ConnectionError, OSError) as error:
                    paced.unsent(str(error))
        if self.waiting and self._timer is None and self._times:
            self._timer = self._loop.call_later(max(0.001, self._times[0] + WINDOW_S - now_s), self._again)

    def _most(self, lane: Lane, now_s: float) -> int:
        """Of the truth one leaves in every window, or a backlog of orders would let the gateway seem dead."""
        if lane is Lane.TRUTH and now_s - self._truth_s >= WINDOW_S:
            return self.limit
        return max(1, int(self.limit * SHARE[lane]))

    def _again(self) -> None:
        self._timer = None
        self._drain()
