"""One heap of deadlines: the timers of actors, and the asks that wait for an answer."""

from __future__ import annotations

import heapq
from typing import Any, Protocol

from engine.message import Message

NEVER = 1 << 63


class Owner(Protocol):
    """Whoever is told when a deadline passes: an actor's cell, or a caller outside."""

    name: str

    def put_timer(self, timer_id: str, message: Message, cause: int) -> Any: ...


class _Alarm:
    """`message` None: cancelled, replaced or fired."""

    __slots__ = ("cause", "id", "message", "owner")

    def __init__(self, owner: Owner, timer_id: str, message: Message, cause: int) -> None:
        self.owner = owner
        self.id = timer_id
        self.message: Message | None = message
        self.cause = cause


class Timers:
    """At most one pending timer for each owner and id. Equal times fire in the order in which they were set.

    `soonest_ns` is when the next one is due, NEVER when none is set.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, _Alarm]] = []
        self._by_key: dict[tuple[str, str], _Alarm] = {}
        self._count = 0
        self.soonest_ns = NEVER

    def set(self, owner: Owner, timer_id: str, at_ns: int, message: Message, cause: int) -> None:
        """Forget the earlier timer of this id, if any, and set this one."""
        self.cancel(owner.name, timer_id)
        alarm = self._by_key[owner.name, timer_id] = _Alarm(owner, timer_id, message, cause)
        self._count += 1
        heapq.heappush(self._heap, (at_ns, self._count, alarm))
        if at_ns < self.soonest_ns:
            self.soonest_ns = at_ns

    def cancel(self, owner: str, timer_id: str) -> bool:
        """True when there was such a timer."""
        alarm = self._by_key.pop((owner, timer_id), None)
        if alarm is None:
            return False
        alarm.message = None
        if len(self._heap) > 64 and len(self._heap) > 4 * len(self._by_key):
            self._heap = [entry for entry in self._heap if entry[2].message is not None]
            heapq.heapify(self._heap)
        self._look()
        return True

    def cancel_all(self, owner: str) -> None:
        for name, timer_id in [key for key in self._by_key if key[0] == owner]:
            self.cancel(name, timer_id)

    def _look(self) -> None:
        """Drop what was cancelled from the top of the heap."""
        heap = self._heap
        while heap and heap[0][2].message is None:
            heapq.heappop(heap)
        self.soonest_ns = heap[0][0] if heap else NEVER

    def fire(self, now_ns: int) -> int:
        """Tell the owners of all timers due by `now_ns`; returns how many."""
        fired = 0
        while self.soonest_ns <= now_ns:
            alarm = heapq.heappop(self._heap)[2]
            del self._by_key[alarm.owner.name, alarm.id]
            message, alarm.message = alarm.message, None
            self._look()
            if message is not None:
                alarm.owner.put_timer(alarm.id, message, alarm.cause)
                fired += 1
        return fired

    def __len__(self) -> int:
        return len(self._by_key)
