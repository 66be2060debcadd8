"""The two directions between a client and the venue: first in first out, a fixed latency, and planned faults."""

from __future__ import annotations

from heapq import heappop, heappush

import msgspec

from engine.message import Message
from engine.timers import NEVER
from model.orders import VenueSnapshot
from simulation.exchange.faults import Fault, FaultPlan, Harm

Parcel = tuple[int, int, Message]
"""(due_ns, sequence, message)."""


class Wire:
    """One direction. Messages come out in order of their due time, then of sending."""

    __slots__ = ("_faults", "_latency_ns", "_queue", "_sent", "_swapped", "changed")

    def __init__(self, latency_ns: int, faults: FaultPlan | None) -> None:
        self._latency_ns = latency_ns
        self._faults = faults
        self._queue: list[Parcel] = []
        self._swapped: Message | None = None
        self._sent = 0
        self.changed = False

    def send(self, message: Message, now_ns: int) -> None:
        """Put a message on the wire."""
        due = now_ns + self._latency_ns
        if self._faults is None:
            self._sent += 1
            heappush(self._queue, (due, self._sent, message))
            self.changed = True
            return
        fault = self._faults.harm(type(message).__name__)
        if fault is None:
            self._push(due, message)
        elif fault.harm is not Harm.DROP:
            self._harmed(fault, due, message)

    def due(self, now_ns: int) -> bool:
        return bool(self._queue) and self._queue[0][0] <= now_ns

    def next_ns(self) -> int:
        """When the next message arrives; far away when nothing is under way."""
        return self._queue[0][0] if self._queue else NEVER

    def take(self) -> tuple[int, Message]:
        """The next message and when it arrives. Raises IndexError when nothing is under way."""
        due, _, message = heappop(self._queue)
        self.changed = True
        return due, message

    def lose(self) -> None:
        """The link broke: what was under way is gone."""
        self._queue.clear()
        self._swapped = None
        self.changed = True

    def let_go(self, now_ns: int) -> None:
        """Send a message that waits for another to overtake it."""
        if self._swapped is not None:
            held, self._swapped = self._swapped, None
            self._push(now_ns, held)

    def under_way(self) -> list[tuple[int, Message]]:
        """Everything on the wire, in the order in which it will arrive."""
        return [(due, message) for due, _, message in sorted(self._queue, key=lambda parcel: parcel[:2])]

    def put_back(self, due_ns: int, message: Message) -> None:
        """Restore a message that was under way."""
        self._push(due_ns, message)

    def _push(self, due: int, message: Message) -> None:
        self._sent += 1
        heappush(self._queue, (due, self._sent, message))
        self.changed = True
        if self._swapped is not None:
            held, self._swapped = self._swapped, None
            self._push(due, held)

    def _harmed(self, fault: Fault, due: int, message: Message) -> None:
        if fault.harm is Harm.SWAP:
            self._swapped = message
        elif fault.harm is Harm.DELAY:
            self._push(due + fault.delay_ns, message)
        elif fault.harm is Harm.TRUNCATE:
            self._push(due, truncated(message))
        else:
            self._push(due, message)
            self._push(due + fault.delay_ns, message)


def truncated(message: Message) -> Message:
    """A snapshot of which only the beginning arrived; any other message unharmed."""
    if not isinstance(message, VenueSnapshot):
        return message
    return msgspec.structs.replace(
        message, complete=False, orders=(), closed=(), fills=(), positions=(), cash=(), moves=(), settlements=()
    )
