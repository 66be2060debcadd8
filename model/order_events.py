"""What the order manager journals. A fold of these rows alone rebuilds every order.

`event`, `was` and `now` are names of the order table (`state/order_law.py`); fills are journalled as `Filled`.
"""

from __future__ import annotations

from engine.message import Event
from model.orders import Intent, OrderSpec
from model.units import Px


class OrderPlanned(Event, frozen=True, gc=False):
    """The order as the venue will see it, and the intent and approval behind it. Its commit is the permission to send.

    arrival: mid price when the order manager took the intent, 0 where no quote was known; slippage is measured from it.
    """

    spec: OrderSpec
    intent: Intent
    approval: str
    arrival: Px
    at_ns: int


class OrderMoved(Event, frozen=True, gc=False):
    """One step of one order: what happened, from which state to which, and what proves it.

    venue_id: the venue's own name of the order, empty until it is known.  evidence: id of the snapshot, ack or proof,
    or the venue's words.
    """

    client_id: str
    event: str
    was: str
    now: str
    venue_id: str
    evidence: str
    at_ns: int


class OrderRenewed(Event, frozen=True, gc=False):
    """A later good-till time was decided. Its commit is the permission to ask for it."""

    client_id: str
    change_id: str
    expires_ns: int
    at_ns: int


class OrderStands(Event, frozen=True, gc=False):
    """What of an order works at the venue: by its answer to a change, or by a look at its open orders.

    limit: what works now, whatever was asked for.  change_id: the change that this settles, empty for none.
    evidence: the venue's words, or the id of the snapshot.
    """

    client_id: str
    change_id: str
    limit: Px
    evidence: str
    at_ns: int


class OrderRepriced(Event, frozen=True, gc=False):
    """A modify was decided: the remaining quantity is to rest at `limit`. Its commit is the permission to send it."""

    client_id: str
    change_id: str
    limit: Px
    at_ns: int
