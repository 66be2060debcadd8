"""Many deadlines, one timer: the earliest is armed, the rest wait in a heap."""

from __future__ import annotations

import heapq
from typing import ClassVar

from engine.effects import Effect, SetTimer
from engine.message import Lane, Message, WhenFull


class DeadlinesDue(Message, frozen=True, gc=False):
    """The earliest deadline of an actor has come."""

    lane: ClassVar[Lane] = Lane.TRUTH
    when_full: ClassVar[WhenFull] = WhenFull.KEEP


class Deadlines:
    """Named deadlines in time order. A deadline that no longer matters is not removed: it is ignored when it is due."""

    __slots__ = ("_armed_ns", "_count", "_heap", "_timer_id")

    def __init__(self, timer_id: str) -> None:
        self._timer_id = timer_id
        self._heap: list[tuple[int, int, str, str]] = []
        self._armed_ns = 0
        self._count = 0

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, at_ns: int, what: str, subject: str) -> None:
        self._count += 1
        heapq.heappush(self._heap, (at_ns, self._count, what, subject))

    def arm(self) -> list[Effect]:
        """The timer to set, when none is set or the earliest deadline moved forward."""
        if not self._heap:
            return []
        at_ns = self._heap[0][0]
        if self._armed_ns and self._armed_ns <= at_ns:
            return []
        self._armed_ns = at_ns
        return [SetTimer(self._timer_id, at_ns, DeadlinesDue())]

    def due(self, now_ns: int) -> list[tuple[str, str]]:
        """(what, subject) of all that is due, earliest first; the timer is spent."""
        self._armed_ns = 0
        found = []
        while self._heap and self._heap[0][0] <= now_ns:
            _, _, what, subject = heapq.heappop(self._heap)
            found.append((what, subject))
        return found
