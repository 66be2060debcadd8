"""Orders: what is wanted (Intent), how (OrderSpec), and what the venue said of it."""

from __future__ import annotations

import enum
import hashlib
from typing import ClassVar

import msgspec

from engine.message import Event, Lane, Message, WhenFull
from model.accruals import VenueAccrual
from model.units import Cash, Px, Qty


class Side(enum.IntEnum):
    BUY = 1
    SELL = -1


class OrderType(enum.Enum):
    LIMIT = "LMT"
    MARKET = "MKT"
    LOO = "LOO"
    LOC = "LOC"
    MOO = "MOO"
    MOC = "MOC"


class TimeInForce(enum.Enum):
    DAY = "DAY"
    IOC = "IOC"
    GTC = "GTC"
    GTD = "GTD"


class Urgency(enum.IntEnum):
    LOW = 0
    NORMAL = 1
    HIGH = 2
    CRISIS = 3


class Purpose(enum.Enum):
    REBALANCE = "rebalance"
    ROLL = "roll"
    HEDGE = "hedge"
    REDUCE = "reduce"
    FLATTEN = "flatten"
    PROTECT = "protect"  # an order that is to outlive the engine


class Share(msgspec.Struct, frozen=True, gc=False):
    """The signed part of an intent's quantity that belongs to one sleeve. Shares sum to the signed quantity."""

    sleeve: str
    quantity: Qty


class Intent(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What should be traded and why: one leg of one decision.

    quantity is positive; pair names legs that belong together (empty for a single); reference is the price the
    decision was made at; limit is 0 when the order manager's pricing policy decides; legs is how many intents carry
    the same pair name, so that an executor sees when one of them was denied.  Of a combo (see model/combos.py) the
    reference is net, shares are of combos, and leg_references has the price of each of its legs.
    """

    id: str
    run_id: str
    instrument: str
    side: Side
    quantity: Qty
    purpose: Purpose
    shares: tuple[Share, ...]
    reference: Px
    limit: Px = 0
    leg: int = 0
    attempt: int = 0
    pair: str = ""
    legs: int = 1
    urgency: Urgency = Urgency.NORMAL
    reduces: bool = False
    reason: str = ""
    leg_references: tuple[Px, ...] = ()


def intent_id(run_id: str, instrument: str, side: Side, quantity: Qty, sleeve: str, leg: int, attempt: int) -> str:
    """The deterministic name of a decision's order: the same decision always gives the same id.

    27 characters, `hr-` and 24 hex digits of SHA-256, short enough for every venue's reference field."""
    text = f"{run_id}|{instrument}|{side.value}|{quantity}|{sleeve}|{leg}|{attempt}"
    return ORDER_PREFIX + hashlib.sha256(text.encode()).hexdigest()[:24]


ORDER_PREFIX = "hr-"


class OrderSpec(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """An order as the venue will see it. `limit` is 0 for market types; `expires_ns` only for GTD."""

    client_id: str
    instrument: str
    side: Side
    quantity: Qty
    type: OrderType
    tif: TimeInForce
    limit: Px = 0
    expires_ns: int = 0


class Place(Message, frozen=True, gc=False):
    """Carry this approved intent to a terminal state. `approval` names the durable risk approval."""

    intent: Intent
    approval: str


class CancelOrder(Message, frozen=True, gc=False):
    """Ask for an order of ours to be cancelled. It rides behind its own submit."""

    client_id: str
    reason: str


class Reprice(Message, frozen=True, gc=False):
    """Ask for the remaining quantity of a working order to be modified to a new limit."""

    client_id: str
    limit: Px
    reason: str


class SubmitOrder(Message, frozen=True, gc=False):
    """Send this order. It leaves only after the row that planned it is durable."""

    order: OrderSpec
    resend: bool = False


class ModifyOrder(Message, frozen=True, gc=False):
    """Change a working order in place: limit, total quantity and good-till time are new; 0 keeps the last two."""

    client_id: str
    change_id: str
    limit: Px
    quantity: Qty = 0
    expires_ns: int = 0


class CancelAtVenue(Message, frozen=True, gc=False):
    """Ask the venue to cancel what remains of an order."""

    client_id: str


class RequestSnapshot(Message, frozen=True, gc=False):
    """Ask the venue for everything since a moment; answered to the reconciler with a VenueSnapshot of that id."""

    id: str
    since_ns: int


class VenueFact(Message, frozen=True, gc=False):
    lane: ClassVar[Lane] = Lane.TRUTH
    bound: ClassVar[int] = 10_000
    when_full: ClassVar[WhenFull] = WhenFull.KEEP


class OrderSent(VenueFact, frozen=True, gc=False):
    """The port handed the bytes to the venue's socket."""

    client_id: str
    at_ns: int


class OrderAcked(VenueFact, frozen=True, gc=False):
    """The venue has the order and gave it an id of its own."""

    client_id: str
    venue_id: str
    at_ns: int


class OrderRejected(VenueFact, frozen=True, gc=False):
    """The venue refused the order; nothing of it is there."""

    client_id: str
    code: str
    text: str
    at_ns: int


class OrderCancelled(VenueFact, frozen=True, gc=False):
    """The venue proved that nothing of the order remains; `filled` is the venue's own cumulative figure."""

    client_id: str
    filled: Qty
    reason: str
    at_ns: int


class OrderExpired(VenueFact, frozen=True, gc=False):
    """The venue ended the order by its own clock; `filled` is its cumulative figure."""

    client_id: str
    filled: Qty
    at_ns: int


class OrderModified(VenueFact, frozen=True, gc=False):
    """The venue took the new price or quantity."""

    client_id: str
    change_id: str
    limit: Px
    at_ns: int


class ModifyRejected(VenueFact, frozen=True, gc=False):
    """A failed modify never ends its order."""

    client_id: str
    change_id: str
    code: str
    text: str
    at_ns: int


class CancelRejected(VenueFact, frozen=True, gc=False):
    """A failed cancel never ends its order."""

    client_id: str
    code: str
    text: str
    at_ns: int


class Fill(VenueFact, frozen=True, gc=False):
    """One execution. Keyed by `exec_id`; a correction has a new exec_id and names the one it replaces."""

    exec_id: str
    client_id: str
    venue_id: str
    instrument: str
    side: Side
    quantity: Qty
    price: Px
    fee: Cash
    fee_currency: str
    at_ns: int
    corrects: str = ""


class OpenOrder(msgspec.Struct, frozen=True, gc=False):
    client_id: str
    venue_id: str
    instrument: str
    side: Side
    quantity: Qty
    filled: Qty
    limit: Px


class ClosedOrder(msgspec.Struct, frozen=True, gc=False):
    """An order of ours that is no longer open; `state` is FILLED, CANCELLED, REJECTED or EXPIRED."""

    client_id: str
    venue_id: str
    state: str
    filled: Qty


class VenuePosition(msgspec.Struct, frozen=True, gc=False):
    instrument: str
    quantity: Qty


class VenueCash(msgspec.Struct, frozen=True, gc=False):
    currency: str
    amount: Cash


class CashMoved(VenueFact, frozen=True, gc=False):
    """The venue moved cash of its own accord: dividend, borrow fee, interest, deposit, withdrawal."""

    id: str
    kind: str
    currency: str
    amount: Cash
    instrument: str
    at_ns: int


class SettledLine(msgspec.Struct, frozen=True, gc=False):
    """One future's daily variation: cash of (settle - previous reference) x quantity x multiplier.

    What was traded since has its trade price for reference.  final: the contract expired, and nothing remains of it.
    """

    instrument: str
    currency: str
    settle: Px
    quantity: Qty
    amount: Cash
    final: bool = False


class Settlement(VenueFact, frozen=True, gc=False):
    """The venue marked futures to market and moved the variation in cash. Keyed by `id`."""

    id: str
    session: int
    lines: tuple[SettledLine, ...]
    at_ns: int


class VenueSnapshot(VenueFact, frozen=True, gc=False):
    """The venue's own account of everything, taken at one moment.

    complete: end markers of every part were seen. An incomplete snapshot proves nothing by absence.
    ids_enforced: absence from orders and closed within [since_ns, at_ns] proves the venue never had the order.
    """

    id: str
    venue: str
    since_ns: int
    at_ns: int
    complete: bool
    ids_enforced: bool
    orders: tuple[OpenOrder, ...]
    closed: tuple[ClosedOrder, ...]
    fills: tuple[Fill, ...]
    positions: tuple[VenuePosition, ...]
    cash: tuple[VenueCash, ...]
    moves: tuple[CashMoved, ...] = ()
    settlements: tuple[Settlement, ...] = ()
    accrued: tuple[VenueAccrual, ...] = ()


class VenueUp(VenueFact, frozen=True, gc=False):
    """The link to the venue stands: the reconciler asks.  cancel_timer, margin: takes `CancelAfter`, `AskMargin`."""

    venue: str
    account: str
    paper: bool
    at_ns: int
    cancel_timer: bool = False
    margin: bool = False


class VenueDown(VenueFact, frozen=True, gc=False):
    """The link is gone or degraded: nothing may be placed or modified until VenueUp."""

    venue: str
    reason: str
    at_ns: int


class VenueSettled(Event, frozen=True, gc=False):
    """The journalled form of a settlement, as the book took it."""

    settlement: Settlement


class VenueCashMoved(Event, frozen=True, gc=False):
    """The journalled form of a cash movement, as the book took it."""

    move: CashMoved


class OrderUpdate(Message, frozen=True, gc=False):
    """The book's word on one order after something changed. `state` is a name of the order table."""

    lane: ClassVar[Lane] = Lane.TRUTH
    bound: ClassVar[int] = 10_000
    when_full: ClassVar[WhenFull] = WhenFull.KEEP

    client_id: str
    run_id: str
    instrument: str
    side: Side
    state: str
    quantity: Qty
    filled: Qty
    terminal: bool
    at_ns: int
    reason: str = ""


class Filled(Event, frozen=True, gc=False):
    """An execution as it entered the book, and its sleeves. `voids` was replaced by it unheard, and never counts."""

    fill: Fill
    run_id: str
    shares: tuple[Share, ...]
    voids: str = ""
