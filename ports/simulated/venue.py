"""The port to a venue that lives in virtual time: requests in, facts out, in the venue's own order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from engine.clock import Clock
from engine.drive import Due
from engine.message import Message, Told
from engine.ports import Outside
from model.margin import MarginTold
from model.market import BarClosed, Quote
from model.orders import (
    CashMoved,
    OrderAcked,
    OrderRejected,
    OrderSent,
    Settlement,
    SubmitOrder,
    VenueDown,
    VenueFact,
    VenueSnapshot,
    VenueUp,
)

ORDERS, PORTFOLIO, RECONCILER, SYSTEM, RISK = "orders", "portfolio", "reconciler", "system", "risk"

TOLD_TO: dict[type[VenueFact], tuple[str, ...]] = {
    Settlement: (PORTFOLIO,),
    CashMoved: (PORTFOLIO,),
    VenueSnapshot: (RECONCILER,),
    VenueUp: (ORDERS, RECONCILER, SYSTEM),
    VenueDown: (ORDERS, RECONCILER, SYSTEM),
    MarginTold: (RISK,),
}
"""Who hears which fact; everything about an order goes to `orders`."""

TO_ORDERS = (ORDERS,)
ANSWERS = (OrderAcked, OrderRejected)


class VirtualVenue(Protocol):
    """A venue that is stepped by hand. The simulated exchange is one.

    receive: a request, at a time, under a fencing token (0 for none); False when the link is down or a higher token was
    seen.  next_ns: when it wants a turn, None for never again.
    due: what `next_ns` last answered, as long as it holds.  take: everything it says by a time, already committed.
    """

    due: Due

    def on_bar(self, bar: BarClosed) -> None: ...

    def on_quote(self, quote: Quote) -> None: ...

    def receive(self, message: Message, at_ns: int, token: int = 0) -> bool: ...

    def next_ns(self) -> int | None: ...

    def take(self, now_ns: int) -> Sequence[VenueFact]: ...

    def connect(self, at_ns: int) -> None: ...


def unfenced() -> int | None:
    """The token of an engine whose account nobody else can reach."""
    return 0


class SimulatedVenue:
    """Port and source in one: the kernel delivers requests, the driver fires it when the venue has something to say.

    The hand-over of an order is told as `OrderSent`, unless the venue's answer to it, which says more, comes with it.
    direct: the venue's answer to a request is told as soon as it is delivered, with a commit of its own for each;
    otherwise it comes when the driver next fires this source, at the same moment if the venue has no latency.
    token: asked before each request leaves; None when this engine may not speak any more.
    """

    tells_again = True  # it commits before it speaks, and a snapshot brings all that it said

    def __init__(
        self, venue: VirtualVenue, *, outside: Outside, clock: Clock, name: str = "venue", direct: bool = False,
        token: Callable[[], int | None] = unfenced,
    ) -> None:  # fmt: skip
        self.name = name
        self._venue = venue
        self._next_ns, self.due = venue.next_ns, venue.due
        self._clock = clock
        self._tell = outside.tell
        self._direct = direct
        self._token = token
        self._sent: dict[str, int] = {}  # when each order was handed over of which that has not been told

    def deliver(self, message: Message, cause: int) -> Told:
        """Hand a request to the venue; FULL when it may not leave or the link is down: its sender hears of that."""
        now, token = self._clock.now_ns, self._token()
        if token is None or not self._venue.receive(message, now, token):
            return Told.FULL
        if type(message) is SubmitOrder:
            self._sent[message.order.client_id] = now
        if self._direct:
            self.fire(now)
        return Told.OK

    def connect(self) -> None:
        """Open the session with the venue: `VenueUp` goes to everyone concerned."""
        self._venue.connect(self._clock.now_ns)

    def on_price(self, message: Message) -> None:
        """Let the venue see a price before the engine does; anything but bars and quotes is none of its business."""
        if type(message) is BarClosed:
            self._venue.on_bar(message)
        elif type(message) is Quote:
            self._venue.on_quote(message)

    def next_ns(self) -> int | None:
        """When the venue wants a turn; now, while hand-overs wait to be told."""
        return self._clock.now_ns if self._sent else self._next_ns()

    def fire(self, now_ns: int) -> None:
        """Tell what was handed over and has no answer yet, then everything the venue says by now."""
        tell = self._tell
        facts = self._venue.take(now_ns)
        if self._sent:
            sent, self._sent = self._sent, {}
            for fact in facts:
                if isinstance(fact, ANSWERS):
                    sent.pop(fact.client_id, 0)
            for client_id, at_ns in sent.items():
                tell(ORDERS, OrderSent(client_id, at_ns))
        for fact in facts:
            for actor in TOLD_TO.get(type(fact), TO_ORDERS):
                tell(actor, fact)
