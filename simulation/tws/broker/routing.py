"""An order as the exchange understands it."""

from __future__ import annotations

from model.market import Quote
from model.orders import OrderSpec, OrderType, Side, TimeInForce
from model.units import Px, Qty
from simulation.exchange import Exchange
from simulation.exchange.matching import displayed
from simulation.tws.broker.listing import Line
from simulation.tws.broker.ticket import Ticket

TYPES: dict[str, OrderType] = {
    "MKT": OrderType.MARKET,
    "LMT": OrderType.LIMIT,
    "STP": OrderType.MARKET,
    "STP LMT": OrderType.LIMIT,
    "TRAIL": OrderType.MARKET,
    "MOC": OrderType.MOC,
    "LOC": OrderType.LOC,
    "MOO": OrderType.MOO,
    "LOO": OrderType.LOO,
    "MTL": OrderType.MARKET,
}
TIFS: dict[str, TimeInForce] = {
    "GTC": TimeInForce.GTC,
    "IOC": TimeInForce.IOC,
    "FOK": TimeInForce.IOC,
    "GTD": TimeInForce.GTD,
}
AT_OPEN = {OrderType.MARKET: OrderType.MOO, OrderType.LIMIT: OrderType.LOO}
CHANGEABLE = (OrderType.LIMIT, OrderType.LOC, OrderType.LOO)
AUCTIONS = (OrderType.MOO, OrderType.LOO, OrderType.MOC, OrderType.LOC)
NEEDS_OPEN = frozenset({"IOC", "FOK"})


def route(ticket: Ticket, name: str, *, is_open: bool, good_till_ns: int, rest_at: Px | None) -> OrderSpec:
    """What to submit for what remains of an order. rest_at: the price at which an algorithm waits, if it does."""
    order = ticket.order
    tif = order.tif or "DAY"
    kind, limit = TYPES[order.order_type], ticket.limit
    how = TIFS.get(tif, TimeInForce.DAY)
    if tif == "OPG":
        kind = AT_OPEN.get(kind, kind)
    elif tif == "AUC":
        kind = OrderType.MOC if is_open else OrderType.MOO
    elif order.order_type == "MTL":
        kind, how = (OrderType.MARKET, TimeInForce.IOC) if limit is None else (OrderType.LIMIT, how)
    elif order.all_or_none:
        how = TimeInForce.IOC
    if rest_at is not None:
        kind, limit = OrderType.LIMIT, rest_at
    return OrderSpec(
        client_id=name,
        instrument="",
        side=Side(ticket.side),
        quantity=ticket.remaining,
        type=kind,
        tif=how,
        limit=limit or 0 if kind in CHANGEABLE else 0,
        expires_ns=good_till_ns if how is TimeInForce.GTD else 0,
    )


def needs_open(ticket: Ticket) -> bool:
    """Whether an order can only be sent while its market is open."""
    order = ticket.order
    immediate = (order.tif in NEEDS_OPEN) or order.all_or_none or ticket.combo
    return immediate or (order.order_type == "MTL" and order.tif != "AUC") or order.algo_strategy != ""


def at_auction(ticket: Ticket) -> bool:
    """Whether an order trades in an opening or closing print only."""
    return ticket.order.tif in ("OPG", "AUC") or TYPES[ticket.order.order_type] in AUCTIONS


def room(exchange: Exchange, line: Line, quote: Quote | None, side: int, limit: Px | None, now_ns: int) -> Qty:
    """How much of an order would trade at once against a quote of the session that runs."""
    listing = exchange.listings.get(line.name)
    session = None if listing is None else listing.sessions.open_at(now_ns)
    if quote is None or listing is None or session is None or quote.at_ns < session.opens_ns:
        return 0
    market = exchange.desk.market(listing)
    price = quote.ask if side > 0 else quote.bid
    if limit is not None and (limit - price) * side < 0:
        return 0
    market.taken_from(quote)
    return displayed(market, quote, side, exchange.rules)
