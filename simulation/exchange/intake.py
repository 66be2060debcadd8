"""What the venue checks before it takes an order or a change: the first reason in this order is the one it gives."""

from __future__ import annotations

from model.orders import ModifyOrder, OrderSpec, OrderType, TimeInForce
from model.sessions import Session
from model.units import Px, Qty
from simulation.exchange.account import Account
from simulation.exchange.book import OPEN, WITH_LIMIT, Market, WorkingOrder
from simulation.exchange.listing import Listing
from simulation.exchange.rules import Reject, VenueRules

IOC = TimeInForce.IOC
GTD = TimeInForce.GTD
CONTINUOUS = (OrderType.LIMIT, OrderType.MARKET)


def unfit(order: OrderSpec, listing: Listing | None, now_ns: int) -> Reject | None:
    """What is wrong with the order itself."""
    if listing is None:
        return Reject.UNKNOWN_INSTRUMENT
    reason = without_contract(order, listing, now_ns)
    if reason is not None and reason is not Reject.BAD_EXPIRY:
        return reason
    if order.type in WITH_LIMIT:
        if order.limit == 0 or (order.limit < 0 and listing.borrowed):
            return Reject.BAD_PRICE
        if not listing.on_tick(order.limit):
            return Reject.BAD_TICK
    elif order.limit:
        return Reject.BAD_PRICE
    return reason


def without_contract(order: OrderSpec, listing: Listing, now_ns: int) -> Reject | None:
    """What is wrong whatever the price, for a contract or a leg of a combo."""
    if not listing.instrument.tradeable:
        return Reject.NOT_TRADEABLE
    if order.quantity <= 0:
        return Reject.BAD_QUANTITY
    if order.quantity % listing.lot:
        return Reject.BAD_LOT
    if order.tif is GTD and order.expires_ns <= now_ns:
        return Reject.BAD_EXPIRY
    return None


def untimely(order: OrderSpec, listing: Listing, session: Session | None, now_ns: int) -> Reject | None:
    """Why the order cannot trade any more, or not now. `session` is the one it would trade in."""
    last = listing.last
    if last is not None and (now_ns >= last.closes_ns or (session is not None and session.date > last.date)):
        return Reject.CONTRACT_EXPIRED
    if session is None:
        return Reject.NO_SESSION
    if order.tif is IOC and order.type in CONTINUOUS and session.opens_ns > now_ns:
        return Reject.SESSION_CLOSED
    return None


def unfunded(
    market: Market, side: int, quantity: Qty, limit: Px, account: Account, rules: VenueRules, now_ns: int
) -> Reject | None:
    """Whether the shares of one more order of this size can be borrowed, and its margin is there."""
    if side < 0 and rules.locates is not None and market.listing.borrowed:
        short = quantity + market.open_sell - market.quantity
        if short > 0 and short > rules.locates.get(market.listing.id, 0):
            return Reject.NO_LOCATE
    return account.refusal(market, side, quantity, limit, now_ns) if rules.margin else None


def unchangeable(
    change: ModifyOrder, order: WorkingOrder | None, listing: Listing | None, now_ns: int
) -> Reject | None:
    """Why an order cannot be changed as asked."""
    if order is None:
        return Reject.UNKNOWN_ORDER
    if order.state != OPEN or listing is None:
        return Reject.ORDER_DONE
    if order.market:
        return Reject.NOT_MODIFIABLE
    if not order.legs and (change.limit == 0 or (change.limit < 0 and listing.borrowed)):
        return Reject.BAD_PRICE
    if not listing.on_tick(change.limit):
        return Reject.BAD_TICK
    if change.expires_ns and (order.spec.tif is not GTD or change.expires_ns <= now_ns):
        return Reject.BAD_EXPIRY
    if change.quantity and change.quantity % listing.lot:
        return Reject.BAD_LOT
    if change.quantity < 0 or 0 < change.quantity <= order.filled:
        return Reject.BELOW_FILLED
    return None
