"""How often a client may ask for history. Pure: it is told the time and keeps what it was asked.

Limits as published for this protocol: sixty requests in ten minutes, no identical request within fifteen seconds,
fewer than six in two seconds for one contract, exchange and type, fifty open at once. BID_ASK counts twice among the
sixty.
"""

from __future__ import annotations

from collections import deque

import msgspec

from model.units import NS_PER_SECOND
from simulation.tws.catalogue.refused import PACING, Refused

WINDOW_NS = 600 * NS_PER_SECOND
MOST_IN_WINDOW = 60
IDENTICAL_NS = 15 * NS_PER_SECOND
BURST_NS = 2 * NS_PER_SECOND
MOST_IN_BURST = 5
MOST_OPEN = 50
STRICT_UP_TO_S = 30
"""Bars of at most this many seconds are refused beyond the limit of the window; for longer ones the client waits."""


class Asked(msgspec.Struct, frozen=True):
    """What a request was for. bar_s: seconds of a bar."""

    con_id: int
    exchange: str
    what: str
    bar_s: int
    end: str
    duration: str
    use_rth: bool = True
    continuous: bool = False

    @property
    def weight(self) -> int:
        return 2 if self.what == "BID_ASK" else 1


class Pacing:
    """One client's requests. `ask` before answering, `done` when the answer has gone or the request was cancelled."""

    def __init__(self) -> None:
        self._asked: deque[tuple[int, Asked]] = deque()
        self._open: set[int] = set()

    def ask(self, now_ns: int, asked: Asked, req_id: int) -> int:
        """Nanoseconds to wait before answering, mostly 0. What is refused counts for nothing afterwards.

        Raises Refused: 322 when fifty are open, 162 for a pacing violation.
        """
        while self._asked and self._asked[0][0] <= now_ns - WINDOW_NS:
            self._asked.popleft()
        if len(self._open) >= MOST_OPEN:
            raise Refused(322, f"Only {MOST_OPEN} simultaneous API historical data requests allowed")
        if any(one == asked and at_ns > now_ns - IDENTICAL_NS for at_ns, one in self._asked):
            raise Refused(162, PACING)
        near = [one for at_ns, one in self._asked if at_ns > now_ns - BURST_NS and _same_market(one, asked)]
        if len(near) >= MOST_IN_BURST:
            raise Refused(162, PACING)
        wait_ns = self._until_free(now_ns, asked.weight)
        if wait_ns and asked.bar_s <= STRICT_UP_TO_S:
            raise Refused(162, PACING)
        self._asked.append((now_ns + wait_ns, asked))
        self._open.add(req_id)
        return wait_ns

    def done(self, req_id: int) -> bool:
        """Whether the request was open; it no longer is."""
        known = req_id in self._open
        self._open.discard(req_id)
        return known

    def _until_free(self, now_ns: int, weight: int) -> int:
        """How long until `weight` more fit in the window."""
        over = sum(one.weight for _, one in self._asked) + weight - MOST_IN_WINDOW
        for at_ns, one in self._asked:
            if over <= 0:
                return 0
            over -= one.weight
            if over <= 0:
                return at_ns + WINDOW_NS - now_ns
        return 0


def _same_market(one: Asked, other: Asked) -> bool:
    return (one.con_id, one.exchange, one.what) == (other.con_id, other.exchange, other.what)
