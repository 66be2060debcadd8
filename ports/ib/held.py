"""What the port knows of one order of ours: what was asked, what was heard, and what waits for an answer."""

from __future__ import annotations

import msgspec

from model.orders import OrderSpec
from model.units import Px, Qty


class Change(msgspec.Struct, frozen=True):
    """A modify that the gateway has not answered. limit: as sent, on the tick.  error: what was said against it."""

    change_id: str
    limit: Px
    quantity: Qty
    expires_ns: int
    before: OrderSpec | None
    error: tuple[int, str] | None = None


class Held(msgspec.Struct, gc=False, kw_only=True):
    """One order by its reference.

    spec: as it was last asked for; None for an order of an earlier life.  order_id: 0 until one was given or shown.
    perm_ids: the broker's names of it; more than one live means that one intent has two orders.  sent_ns: when it last
    left for the socket, 0 for never in this life.  cancel_ns: when its cancel did.  shown: the gateway said anything
    of it.  error: the last objection, kept until the order's end explains it.  absent: a snapshot proved that it never
    arrived.
    """

    ref: str
    instrument: str = ""
    spec: OrderSpec | None = None
    order_id: int = 0
    client: int = 0
    perm_ids: list[int] = []
    sent_ns: int = 0
    shown: bool = False
    acked: bool = False
    over: bool = False
    filled: Qty = 0
    change: Change | None = None
    cancelling: bool = False
    cancel_ns: int = 0
    error: tuple[int, str] | None = None
    absent: bool = False

    @property
    def unresolved(self) -> bool:
        """It left, and nobody has said anything of it."""
        return bool(self.sent_ns) and not self.shown and not self.over and not self.absent
