"""What became of an order that was in flight when the engine died: the answers that a venue can have for it."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from heapq import heappop, heappush
from typing import NamedTuple

from model.market import Quote
from model.orders import CancelAtVenue, ModifyOrder, SubmitOrder
from model.units import QTY_SCALE, Px, Qty
from simulation.exchange import Exchange
from simulation.exchange.book import OPEN, WorkingOrder
from simulation.stage.hand import VenueHand
from simulation.stage.world import TICK

MS = 10**6
SOON_NS = 10 * MS
"""When the venue fills what the engine left behind: after everything under way has arrived."""
RACE_NS = 3 * MS
"""When a venue ends an order after the engine came back: between the question what it has and its answer."""
ASKED_AT_ONCE = 2
"""How often an engine that comes up asks for the account: at its start, and when the link is there."""


class Fate(enum.StrEnum):
    """A word in the name of a case."""

    NEVER = "never"  # no request that was under way arrived
    SILENT = "silent"  # all arrived; their answers, and whatever else the venue said, are lost
    FILLED = "filled"  # arrived, and filled to the last unit while the engine was down
    PARTIAL = "partial"  # arrived, and filled by half
    TWICE = "twice"  # acknowledged twice more when the engine comes back
    SHORT = "short"  # arrived, and the venue's first accounts of it break off before they say anything
    REJECTED = "rejected"  # arrived and acknowledged, and ended by the venue when the engine comes back


class InFlight(NamedTuple):
    """What a crash leaves to the venue: orders that it has open or is about to get, and whether requests are under way.

    Answers are always lost with the process that they were for.
    """

    orders: tuple[str, ...]
    requests: bool

    def fates(self) -> tuple[Fate, ...]:
        """Those that differ here. With nothing in flight they are all one."""
        possible = [Fate.SILENT]
        if self.requests:
            possible.append(Fate.NEVER)
        if self.orders:
            possible += [Fate.FILLED, Fate.PARTIAL, Fate.TWICE, Fate.SHORT, Fate.REJECTED]
        return tuple(possible)


NOTHING = InFlight((), False)


def in_flight(exchange: Exchange) -> InFlight:
    """What would be left to the venue if the engine died now."""
    requests = [each for each in exchange.under_way() if isinstance(each, SubmitOrder | ModifyOrder | CancelAtVenue)]
    coming = [each.order.client_id for each in requests if isinstance(each, SubmitOrder)]
    resting = [order.spec.client_id for order in exchange.desk.working()]
    return InFlight((*resting, *coming), bool(requests))


class Doom:
    """Carries out one fate after every crash. A source of the stage: it acts at moments of its own.

    mids: the market's own prices.
    """

    def __init__(self, fate: Fate) -> None:
        self.fate = fate
        self.venue: VenueHand
        self.mids: Mapping[str, Px]
        self._acts: list[tuple[int, int, Callable[[int], None]]] = []
        self._count = 0

    def befall(self, venue: VenueHand, mids: Mapping[str, Px], died_ns: int, up_ns: int) -> None:
        """The engine died, and comes up again at `up_ns`."""
        self.venue, self.mids = venue, mids
        left = in_flight(venue.exchange)
        fate = self.fate
        if fate is Fate.NEVER:
            venue.exchange.lose_requests()
        elif not left.orders:
            return
        elif fate is Fate.TWICE:
            for times in (1, 2):
                self._at(up_ns + times * MS, lambda now_ns: self._acknowledge(left, now_ns))
        else:
            self._withdraw(died_ns)
            if fate is Fate.SHORT:
                for _ in range(ASKED_AT_ONCE):
                    venue.truncate_next_snapshot()
            elif fate is Fate.REJECTED:
                self._at(up_ns + RACE_NS, lambda now_ns: self._end(left, now_ns))
            elif fate is not Fate.SILENT:
                self._at(died_ns + SOON_NS, lambda now_ns: self._fill(left, now_ns))

    def next_ns(self) -> int | None:
        return self._acts[0][0] if self._acts else None

    def fire(self, now_ns: int) -> None:
        while self._acts and self._acts[0][0] <= now_ns:
            _, _, act = heappop(self._acts)
            act(now_ns)

    def _at(self, at_ns: int, act: Callable[[int], None]) -> None:
        self._count += 1
        heappush(self._acts, (at_ns, self._count, act))

    # -- what a venue does

    def _withdraw(self, now_ns: int) -> None:
        """Nobody offers anything until the next quote: what arrives now rests."""
        for name, mid in self.mids.items():
            self.venue.exchange.on_quote(Quote(name, mid - TICK, mid + TICK, 0, 0, now_ns))

    def _open(self, left: InFlight) -> list[WorkingOrder]:
        orders = self.venue.exchange.desk.orders
        return [orders[name] for name in left.orders if name in orders and orders[name].state == OPEN]

    def _fill(self, left: InFlight, now_ns: int) -> None:
        self.venue.exchange.advance(now_ns)
        for order in self._open(left):
            size = order.remaining if self.fate is Fate.FILLED else _half(order.remaining)
            name, limit = order.spec.instrument, order.limit
            buys = order.side > 0
            bid, ask = (limit - 2 * TICK, limit) if buys else (limit, limit + 2 * TICK)
            self.venue.exchange.on_quote(Quote(name, bid, ask, 0 if buys else size, size if buys else 0, now_ns))
        self._withdraw(now_ns)

    def _acknowledge(self, left: InFlight, now_ns: int) -> None:
        for name in left.orders:
            self.venue.exchange.acknowledge_again(name, now_ns)

    def _end(self, left: InFlight, now_ns: int) -> None:
        """What has not traded is refused after all; of what has, the rest expires."""
        self.venue.exchange.advance(now_ns)
        for order in self._open(left):
            if order.filled:
                self.venue.exchange.desk.expire(order)
            else:
                self.venue.refuse_late(order.spec.client_id)


def _half(quantity: Qty) -> Qty:
    return max(QTY_SCALE, quantity // 2 // QTY_SCALE * QTY_SCALE)
