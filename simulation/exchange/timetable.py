"""When things happen at the venue: the session each contract is in, and the moments at which orders lapse."""

from __future__ import annotations

import enum
from collections.abc import Callable
from heapq import heappop, heappush

from engine.timers import NEVER
from model.combos import contracts_of
from model.orders import TimeInForce
from model.sessions import Session
from simulation.exchange.book import AT_OPEN, WorkingOrder
from simulation.exchange.listing import Listing

GTD = TimeInForce.GTD
LASTS_A_SESSION = (TimeInForce.DAY, TimeInForce.IOC)


class Alarm(enum.IntEnum):
    """What a moment is for; at one moment they go off in this order."""

    LAPSE = 0  # a GTD order
    CLOSE = 1  # a session of one instrument ended; its close bar may not have come
    EXPIRY = 2  # a contract's last session ended
    TIMER = 3  # nobody renewed the cancel timer


Moment = tuple[int, int, str, int]
"""(due_ns, alarm, an order's name or instrument, session date)."""


class Timetable:
    """Sessions of every calendar at the present time, and a heap of moments to come."""

    def __init__(self, grace_ns: int) -> None:
        self._grace_ns = grace_ns
        self._dated: dict[str, Session | None] = {}
        self._current: dict[str, tuple[int, Session]] = {}
        self._moments: list[Moment] = []
        self._set: set[Moment] = set()

    # -- sessions

    def dated(self, listing: Listing, session: int) -> Session | None:
        """The session of an exchange date, or None on a holiday."""
        known = self._dated.get(listing.calendar)
        if known is None or known.date != session:
            known = self._dated[listing.calendar] = listing.sessions.on(session)
        return known

    def closing(self, listing: Listing, now_ns: int) -> Session | None:
        """The session that runs now, or the next one. Time may not go back between calls."""
        cached = self._current.get(listing.calendar)
        if cached is not None and cached[0] <= now_ns < cached[1].closes_ns:
            return cached[1]
        session = listing.sessions.closing_after(now_ns)
        if session is not None:
            self._current[listing.calendar] = (now_ns, session)
        return session

    def lasts_until(self, order: WorkingOrder, listing: Listing, now_ns: int) -> Session | None:
        """The session in which an order arriving now can last trade if it lives for one session."""
        session = self.closing(listing, now_ns)
        if session is not None and order.spec.type in AT_OPEN and session.opens_ns < now_ns:
            return listing.sessions.opening_after(now_ns - 1)
        return session

    # -- moments

    def watch(self, order: WorkingOrder, session: Session | None) -> None:
        """Remember when an order lapses: `session` is its only one, or None when it may outlive sessions."""
        if session is not None:
            order.session = session.date
            for name in contracts_of(order.spec.instrument):
                self.at(session.closes_ns + self._grace_ns, Alarm.CLOSE, name, session.date)
        elif order.spec.tif is GTD:
            self.at(order.expires_ns, Alarm.LAPSE, order.name, 0)

    def watch_expiry(self, listing: Listing) -> None:
        """Remember when a dated contract that we hold or trade settles for the last time."""
        last = listing.last
        if last is not None:
            self.at(last.closes_ns + self._grace_ns, Alarm.EXPIRY, listing.id, last.date)

    def at(self, due_ns: int, alarm: Alarm, name: str, session: int) -> None:
        moment = (due_ns, int(alarm), name, session)
        if moment not in self._set:
            self._set.add(moment)
            heappush(self._moments, moment)

    def first_ns(self) -> int:
        """The next moment, dead or alive; far away when there is none."""
        return self._moments[0][0] if self._moments else NEVER

    def next_ns(self, alive: Callable[[Moment], bool]) -> int:
        """The next moment at which something still has to happen, or far away; dead ones are forgotten."""
        while self._moments:
            if alive(self._moments[0]):
                return self._moments[0][0]
            self._set.discard(heappop(self._moments))
        return NEVER

    def pop_due(self, now_ns: int) -> Moment | None:
        if not self._moments or self._moments[0][0] > now_ns:
            return None
        moment = heappop(self._moments)
        self._set.discard(moment)
        return moment


def lives_one_session(order: WorkingOrder) -> bool:
    """Whether an order ends with a session: DAY and IOC."""
    return order.spec.tif in LASTS_A_SESSION
