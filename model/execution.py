"""What executors, books and the reconciler tell each other besides orders: evidence, breaks, locks and alarms."""

from __future__ import annotations

import enum
from typing import ClassVar

import msgspec

from engine.message import Event, Lane, Message, Request, WhenFull
from model.decisions import Control
from model.orders import OpenOrder, Share, Side, VenueFact, VenueSnapshot
from model.units import Cash, Px, Qty


class Severity(enum.IntEnum):
    """How bad a break is: NOTE is kept, the others move the system's mode."""

    NOTE = 0
    LOCK = 1
    REDUCE_ONLY = 2
    HALT = 3


class Break(msgspec.Struct, frozen=True, gc=False):
    """One difference between our book and the venue's. Amounts are quantities, cash or prices as `kind` says."""

    kind: str
    subject: str
    ours: int
    theirs: int
    severity: Severity
    text: str


class Alarm(Event, frozen=True, gc=False):
    """Something a person should look at. `code` is stable; `subject` names the order, contract or currency."""

    code: str
    subject: str
    text: str
    at_ns: int


class LockInstrument(Control, frozen=True, gc=False):
    """To system: nothing that increases risk in this instrument until an operator releases it."""

    instrument: str
    reason: str
    by: str


class ReleaseInstrument(Control, frozen=True, gc=False):
    """To system: an operator looked at a locked instrument and releases it."""

    instrument: str
    reason: str
    by: str


class DeclareAbsent(Control, frozen=True, gc=False):
    """To orders: a person asked the venue, which has nothing of this order, and never will. Ends a doubt only."""

    client_id: str
    reason: str
    by: str


class AdjustBooks(Control, frozen=True, gc=False):
    """To portfolio: a person repairs the books, by an amount of cash or a quantity of one instrument.

    price and sleeve belong to a quantity.  by, reason: who, and what was found at the venue.
    """

    id: str
    reason: str
    by: str
    currency: str = ""
    amount: Cash = 0
    instrument: str = ""
    quantity: Qty = 0
    price: Px = 0
    sleeve: str = ""


class AdjustmentRefused(Event, frozen=True, gc=False):
    """portfolio: a person's repair was not taken into the books, and why."""

    id: str
    text: str
    by: str
    at_ns: int


class OrderDenied(Event, frozen=True, gc=False):
    """orders: this approved intent did not become an order. Final: the same intent asked again is denied again."""

    client_id: str
    run_id: str
    instrument: str
    code: str
    text: str
    at_ns: int


class SeenAtVenue(VenueFact, frozen=True, gc=False):
    """reconciler -> orders: the venue has this order of ours.

    state: WORKING, FILLED, CANCELLED, REJECTED or EXPIRED.  filled: the venue's cumulative figure.  limit: what works
    there, where that is news; 0 otherwise.  change_id: the change that was not answered, and is by this.
    """

    client_id: str
    state: str
    venue_id: str
    filled: Qty
    snapshot_id: str
    at_ns: int
    limit: Px = 0
    change_id: str = ""


class ProvenAbsent(VenueFact, frozen=True, gc=False):
    """reconciler -> orders: a complete snapshot covers the time of sending, and the venue never had this order."""

    client_id: str
    snapshot_id: str
    at_ns: int


class DayOver(VenueFact, frozen=True, gc=False):
    """reconciler -> orders: acknowledged on a day of which the venue tells nothing any more, and it is not open now.

    proved: a second look agreed, and every position that it could have moved is equal.
    """

    client_id: str
    proved: bool
    snapshot_id: str
    at_ns: int


class AdoptOrder(VenueFact, frozen=True, gc=False):
    """reconciler -> orders: the venue works an order with our prefix that our book does not know."""

    order: OpenOrder
    snapshot_id: str
    at_ns: int


class QueryOrders(Message, frozen=True, gc=False):
    """orders -> reconciler: these orders are UNKNOWN; ask the venue."""

    lane: ClassVar[Lane] = Lane.TRUTH
    when_full: ClassVar[WhenFull] = WhenFull.KEEP

    client_ids: tuple[str, ...]


class KnownOrder(msgspec.Struct, frozen=True, gc=False):
    """One order that is not terminal, as the book has it.

    planned_ns: when it may first have left us.  resent_ns: when it may have left us again, 0 for never.  limit: what
    works by the venue's last word.  change_id, asked: a change that was not answered, and its limit.  limit_ns: when a
    change was last asked or answered, 0 for never.  lapses: the venue has acknowledged it, once it left, and it ends by
    itself.
    """

    client_id: str
    instrument: str
    state: str
    filled: Qty
    planned_ns: int
    resent_ns: int = 0
    limit: Px = 0
    change_id: str = ""
    asked: Px = 0
    limit_ns: int = 0
    side: Side = Side.BUY
    lapses: bool = False


class AskOrders(Request, frozen=True, gc=False, kw_only=True):
    """reconciler -> orders: what is open in your book, and which of these ids do you know?"""

    lane: ClassVar[Lane] = Lane.TRUTH

    ids: tuple[str, ...] = ()


class OrdersKnown(Message, frozen=True, gc=False):
    """orders' answer. `unknown` are those of the asked ids that the book never had."""

    open: tuple[KnownOrder, ...]
    unknown: tuple[str, ...]


class AskBooks(Request, frozen=True, gc=False, kw_only=True):
    """reconciler -> portfolio: take what you missed from this snapshot, then compare positions and cash with it.

    flat: contracts to compare also where neither side holds any.
    """

    lane: ClassVar[Lane] = Lane.TRUTH

    snapshot: VenueSnapshot
    flat: tuple[str, ...] = ()


class BooksCompared(Message, frozen=True, gc=False):
    """portfolio's answer. `skipped` are instruments and currencies that moved after the snapshot was taken."""

    compared: tuple[str, ...]
    skipped: tuple[str, ...]
    breaks: tuple[Break, ...]


class BooksBroke(Message, frozen=True, gc=False):
    """portfolio -> reconciler: the venue's own computation differs from ours, found outside a reconciliation."""

    lane: ClassVar[Lane] = Lane.TRUTH

    breaks: tuple[Break, ...]


class Reconciled(Event, frozen=True, gc=False):
    """One reconciliation: what was compared, whether the snapshot was complete, what differed, what was skipped."""

    id: str
    why: str
    complete: bool
    compared: tuple[str, ...]
    skipped: tuple[str, ...]
    breaks: tuple[Break, ...]
    foreign: int
    at_ns: int

    @property
    def passed(self) -> bool:
        """Complete, and nothing worse than a note."""
        return self.complete and all(each.severity is Severity.NOTE for each in self.breaks)


class ReconcileNow(Message, frozen=True, gc=False):
    """To reconciler: compare now; `why` is kept in the row."""

    why: str


class PairMoved(Event, frozen=True, gc=False):
    """pair: what happened to legs that belong together.

    status: RELEASED, SKIPPED, LEGGED, HEALED, CANCELLING, UNWINDING, COMPLETED, BROKEN.
    """

    lane: ClassVar[Lane] = Lane.WORK

    run_id: str
    pair: str
    status: str
    reason: str
    at_ns: int


class SleevesCrossed(Event, frozen=True, gc=False):
    """basket -> portfolio: sleeves traded with each other inside the net, without an order.

    shares sum to zero; the price is the last trusted one.
    """

    id: str
    run_id: str
    instrument: str
    price: Px
    shares: tuple[Share, ...]
    at_ns: int


class BooksAdjusted(Event, frozen=True, gc=False):
    """An operator's repair of the books, with reason and signature; only so does a position move without a fill."""

    id: str
    instrument: str
    quantity: Qty
    price: Px
    currency: str
    amount: Cash
    sleeve: str
    reason: str
    by: str
    at_ns: int


class ActorPulse(msgspec.Struct, frozen=True, gc=False):
    """One actor as the runtime sees it: how long its oldest unread message waits, and how often it was rebuilt."""

    actor: str
    waiting_ns: int
    restarts: int


class HealthSeen(Message, frozen=True, gc=False):
    """A port's figures on the runtime, a few times a second.

    loop_lag_ns: how late the last turn was.  journal_age_ns: age of the oldest row that is not durable.
    """

    lane: ClassVar[Lane] = Lane.CONTROL
    slot_field: ClassVar[str | None] = "source"

    source: str
    loop_lag_ns: int
    journal_age_ns: int
    actors: tuple[ActorPulse, ...]
    at_ns: int
