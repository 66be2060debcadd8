"""What the broker itself does at a later moment."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

from engine.timers import NEVER
from simulation.tws.broker.ticket import Ticket

Deed = Callable[[Ticket], None]


class Alarms:
    """Moments at which something happens to an order, in order; those of one moment as they were set."""

    def __init__(self) -> None:
        self._queue: list[tuple[int, int, Deed, Ticket]] = []
        self._set = 0

    def at(self, due_ns: int, deed: Deed, ticket: Ticket) -> None:
        self._set += 1
        heappush(self._queue, (due_ns, self._set, deed, ticket))

    def next_ns(self) -> int:
        return self._queue[0][0] if self._queue else NEVER

    def fire(self) -> None:
        """Do what is first. Raises IndexError when nothing waits."""
        _, _, deed, ticket = heappop(self._queue)
        deed(ticket)
