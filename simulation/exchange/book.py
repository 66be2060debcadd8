"""Orders that rest at the venue, and everything the venue knows of one contract."""

from __future__ import annotations

import hashlib
from bisect import insort
from collections.abc import Iterator

from model.market import Quote
from model.orders import OrderSpec, OrderType, Side, TimeInForce
from model.units import Px, Qty
from simulation.exchange.listing import Listing

OPEN = "OPEN"
FILLED = "FILLED"
CANCELLED = "CANCELLED"
REJECTED = "REJECTED"
EXPIRED = "EXPIRED"

AT_OPEN = (OrderType.MOO, OrderType.LOO)
AT_CLOSE = (OrderType.MOC, OrderType.LOC)
FAR = 1 << 63
WITH_LIMIT = (OrderType.LIMIT, OrderType.LOO, OrderType.LOC)

SIDES = {each.value: each for each in Side}
TYPES = {each.value: each for each in OrderType}
TIFS = {each.value: each for each in TimeInForce}

OrderRow = tuple[
    int, str, str, str, int, int, str, str, int, int, int, int, int, int, str, int, int, str, str, int, int
]  # in the order of ORDER_COLUMNS
ORDER_COLUMNS = (
    "number", "client_id", "venue_id", "instrument", "side", "quantity", "type", "tif", "limit_px", "expires_ns",
    "arrived_ns", "priority", "session", "filled", "raw", "fee", "fills", "state", "code", "closed_ns", "closing",
)  # fmt: skip


def venue_id(client_id: str) -> str:
    """The venue's own name of an order: the same client id always gets the same one."""
    return "v-" + hashlib.sha256(client_id.encode()).hexdigest()[:20]


def exec_id(client_id: str, number: int) -> str:
    """The name of an order's n-th fill: a killed and resumed venue gives the same names."""
    return "x-" + hashlib.sha256(f"{client_id}|{number}".encode()).hexdigest()[:20]


def second_name(client_id: str, number: int) -> str:
    """What the venue calls an order that is not the first under its client's id."""
    return f"{client_id}/{number}"


class WorkingOrder:
    """One order at the venue, from arrival to its end.

    number: its place among all orders that ever came, from 1.  name: what the venue knows it by: the client id, and the
    number too if it is not the first under that id.  priority: as orders arrive; a new price takes a new one.
    session: the exchange date after which a DAY order expires, 0 for none.  raw and fee: sums over its fills (see
    listing.RAW_SCALE).  closing: order in which orders ended.  legs: of a combo, each as an order of its own; `filled`
    then counts whole combos.
    """

    __slots__ = (
        "arrived_ns",
        "closed_ns",
        "closing",
        "code",
        "expires_ns",
        "fee",
        "filled",
        "fills",
        "legs",
        "limit",
        "market",
        "name",
        "number",
        "priority",
        "quantity",
        "raw",
        "session",
        "side",
        "spec",
        "state",
        "venue_id",
    )

    def __init__(self, spec: OrderSpec, arrived_ns: int, priority: int, number: int) -> None:
        self.spec = spec
        self.name = spec.client_id
        self.number = number
        self.venue_id = ""
        self.side = int(spec.side)
        self.quantity = spec.quantity
        self.limit = spec.limit
        self.market = spec.type not in WITH_LIMIT
        self.expires_ns = spec.expires_ns
        self.arrived_ns = arrived_ns
        self.priority = priority
        self.session = 0
        self.filled = 0
        self.raw = 0
        self.fee = 0
        self.fills = 0
        self.state = OPEN
        self.code = ""
        self.closed_ns = 0
        self.closing = 0
        self.legs: tuple[WorkingOrder, ...] = ()

    @property
    def remaining(self) -> Qty:
        return self.quantity - self.filled

    def row(self) -> OrderRow:
        """The order as the record keeps it; `raw` is text because it can need more than 64 bits."""
        spec = self.spec
        return (
            self.number, spec.client_id, self.venue_id, spec.instrument, self.side, self.quantity, spec.type._value_,
            spec.tif._value_, self.limit, self.expires_ns, self.arrived_ns, self.priority, self.session, self.filled,
            str(self.raw), self.fee, self.fills, self.state, self.code, self.closed_ns, self.closing,
        )  # fmt: skip

    @classmethod
    def from_row(cls, row: OrderRow) -> WorkingOrder:
        spec = OrderSpec(
            client_id=row[1], instrument=row[3], side=SIDES[row[4]], quantity=row[5], type=TYPES[row[6]],
            tif=TIFS[row[7]], limit=row[8], expires_ns=row[9],
        )  # fmt: skip
        order = cls(spec, row[10], row[11], row[0])
        order.venue_id, order.session, order.filled, order.raw = row[2], row[12], row[13], int(row[14])
        again = second_name(row[1], row[0])
        if order.venue_id == venue_id(again):
            order.name = again
        order.fee, order.fills, order.state, order.code = row[15], row[16], row[17], row[18]
        order.closed_ns, order.closing = row[19], row[20]
        return order


def _best_buy(order: WorkingOrder) -> tuple[int, Px, int]:
    return (0, 0, order.priority) if order.market else (1, -order.limit, order.priority)


def _best_sell(order: WorkingOrder) -> tuple[int, Px, int]:
    return (0, 0, order.priority) if order.market else (1, order.limit, order.priority)


def _first(order: WorkingOrder) -> int:
    return order.priority


class Market:
    """One contract at the venue: resting orders by price and time, auction orders by time, and our position.

    basis: raw amount of the position's trades since the last settlement (futures).  accrued: session up to which a
    borrow fee has been charged.  buys_to, sells_from: an ask up to one, or a bid from the other, meets a resting order.
    quote, bid_taken, ask_taken: how much of the latest quote our orders have used.
    """

    __slots__ = (
        "accrued",
        "ask_taken",
        "at_close",
        "at_open",
        "basis",
        "bid_taken",
        "buys",
        "buys_to",
        "listing",
        "open_buy",
        "open_sell",
        "quantity",
        "quote",
        "sells",
        "sells_from",
    )

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self.buys: list[WorkingOrder] = []
        self.sells: list[WorkingOrder] = []
        self.buys_to: Px = -FAR
        self.sells_from: Px = FAR
        self.at_open: list[WorkingOrder] = []
        self.at_close: list[WorkingOrder] = []
        self.open_buy: Qty = 0
        self.open_sell: Qty = 0
        self.quantity: Qty = 0
        self.basis = 0
        self.accrued = 0
        self.quote: Quote | None = None
        self.bid_taken: Qty = 0
        self.ask_taken: Qty = 0

    def rests(self) -> bool:
        """Whether any order of ours is open here."""
        return self.open_buy > 0 or self.open_sell > 0

    def idle(self) -> bool:
        return not (self.quantity or self.basis or self.open_buy or self.open_sell)

    def add(self, order: WorkingOrder) -> None:
        kind = order.spec.type
        if kind in AT_OPEN:
            insort(self.at_open, order, key=_first)
        elif kind in AT_CLOSE:
            insort(self.at_close, order, key=_first)
        elif order.side > 0:
            insort(self.buys, order, key=_best_buy)
        else:
            insort(self.sells, order, key=_best_sell)
        self._reach()
        self.leave(order, order.remaining)

    def remove(self, order: WorkingOrder) -> None:
        """Take an order out of its queue; what remained of it no longer counts as open."""
        kind = order.spec.type
        if kind in AT_CLOSE:
            self.at_close.remove(order)
        elif kind in AT_OPEN:
            self.at_open.remove(order)
        elif order.side > 0:
            self.buys.remove(order)
        else:
            self.sells.remove(order)
        self._reach()
        self.leave(order, -order.remaining)

    def leave(self, order: WorkingOrder, quantity: Qty) -> None:
        """Count `quantity` more (or fewer) as open on the order's side."""
        if order.side > 0:
            self.open_buy += quantity
        else:
            self.open_sell += quantity

    def orders(self) -> Iterator[WorkingOrder]:
        """Every open order here, by arrival within each queue."""
        yield from self.at_open
        yield from self.at_close
        yield from self.buys
        yield from self.sells

    def worst(self, side: int = 0, quantity: Qty = 0) -> Qty:
        """The largest position that open orders, and one more of `quantity`, can lead to."""
        most = self.quantity + self.open_buy
        least = self.open_sell - self.quantity
        if side > 0:
            most += quantity
        elif side < 0:
            least += quantity
        return most if most > least else least

    def _reach(self) -> None:
        """Look up what the best resting orders would trade at: most quotes only have to be compared with it."""
        buys, sells = self.buys, self.sells
        self.buys_to = (FAR if buys[0].market else buys[0].limit) if buys else -FAR
        self.sells_from = (-FAR if sells[0].market else sells[0].limit) if sells else FAR

    def taken_from(self, quote: Quote) -> None:
        """Start counting what is taken from this quote, unless it is the one already counted."""
        if self.quote is not quote:
            self.quote = quote
            self.bid_taken = self.ask_taken = 0
