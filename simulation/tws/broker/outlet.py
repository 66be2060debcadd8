"""Everything the broker says, in order, to whom it is said."""

from __future__ import annotations

from heapq import heappop, heappush

from engine.timers import NEVER
from simulation.tws.replies import ServerMessage


class Outlet:
    """Messages for clients that are connected; nobody else hears anything, then or later."""

    def __init__(self) -> None:
        self.clients: set[int] = set()
        self._queue: list[tuple[int, int, int, ServerMessage]] = []
        self._said = 0

    def say(self, client_id: int, message: ServerMessage, due_ns: int) -> None:
        """Say a message to a client at a moment; those of one moment keep their order."""
        if client_id in self.clients:
            self._said += 1
            heappush(self._queue, (due_ns, self._said, client_id, message))

    def take(self, now_ns: int) -> list[tuple[int, ServerMessage]]:
        """What is due by now, in order."""
        due = []
        while self._queue and self._queue[0][0] <= now_ns:
            _, _, client_id, message = heappop(self._queue)
            due.append((client_id, message))
        return due

    def next_ns(self) -> int:
        return self._queue[0][0] if self._queue else NEVER

    def forget(self, client_id: int) -> None:
        """A client has gone: what was not handed out yet is lost."""
        self.clients.discard(client_id)
        self._queue = [each for each in self._queue if each[2] != client_id]
        self._queue.sort(key=lambda each: each[:2])
