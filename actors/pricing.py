"""How an intent becomes an order: type, limit, collar and the ladder of reprices. Plain integers, no state.

A collar is the worst price an order may ever show, frozen when it is planned. Prices may be negative, so a share of a
price is taken of its size.
"""

from __future__ import annotations

import enum

import msgspec

from actors.contracts import Contract
from model.combos import legs_of, worth
from model.instruments import Kind
from model.market import Quote
from model.orders import Intent, OrderSpec, OrderType, Side, TimeInForce, Urgency
from model.units import NS_PER_SECOND, Px, div_half_even

BPS = 10_000


class Style(enum.Enum):
    """Where an order without a limit of its own trades."""

    MARKETABLE_LIMIT = "marketable_limit"
    CLOSE_AUCTION = "close_auction"
    OPEN_AUCTION = "open_auction"


class ExecutionPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How orders are priced and how long they live.

    collar_bps: worst slippage by kind of instrument, for marketable limits; auction_collar_bps: for LOO and LOC.
    crisis_marketable: an intent of CRISIS urgency does not wait for an auction.  sanity_bps: a mid further than this
    from the price of the decision is not believed.  resend_lost: an order proven absent is sent again under its id.
    halt_cancels: HALTED cancels what works.  keep_sessions: sessions whose finished orders are remembered one by one.
    timer_ns, good_for_ns: see order_lease.OrderLease; 0 for none.
    """

    style: Style = Style.MARKETABLE_LIMIT
    market_orders: bool = False
    crisis_marketable: bool = True
    collar_bps: dict[Kind, int] = msgspec.field(
        default_factory=lambda: {
            Kind.ETF: 25, Kind.STOCK: 30, Kind.FUTURE: 5, Kind.FX_SPOT: 3, Kind.OPTION: 500, Kind.PERPETUAL: 10,
        }
    )  # fmt: skip
    default_collar_bps: int = 25
    auction_collar_bps: int = 200
    sanity_bps: int = 500
    quote_fresh_ns: int = 5 * NS_PER_SECOND
    quote_wait_ns: int = 10 * NS_PER_SECOND
    ttl_ns: dict[Urgency, int] = msgspec.field(
        default_factory=lambda: {
            Urgency.LOW: 120 * NS_PER_SECOND, Urgency.NORMAL: 120 * NS_PER_SECOND,
            Urgency.HIGH: 60 * NS_PER_SECOND, Urgency.CRISIS: 30 * NS_PER_SECOND,
        }
    )  # fmt: skip
    reprice_every_ns: int = 15 * NS_PER_SECOND
    most_reprices: int = 6
    ack_within_ns: int = 30 * NS_PER_SECOND
    resend_lost: bool = True
    resend_within_ns: int = 12 * 3600 * NS_PER_SECOND
    halt_cancels: bool = True
    keep_sessions: int = 5
    timer_ns: int = 0
    good_for_ns: int = 0


def shifted(price: Px, bps: int, side: Side, size: Px = 0) -> Px:
    """A price made worse for `side` by a share of its size, or of `size`: higher for a buy, lower for a sell."""
    return price + side * div_half_even((size or abs(price)) * bps, BPS)


def collar_of(contract: Contract, side: Side, reference: Px, bps: int, size: Px = 0) -> Px:
    """The worst allowed price: the valid price at or inside reference +/- bps of its own size, or of `size`."""
    return contract.to_tick(shifted(reference, bps, side, size), up=side is Side.SELL)


def measure(intent: Intent) -> Px:
    """What a combo's collar is a share of, so that it allows what its legs' collars would; 0 for the price itself."""
    return worth(intent) if intent.leg_references else 0


def within(contract: Contract, side: Side, price: Px, collar: Px) -> Px:
    """A valid price as eager as `price`, but never beyond the collar."""
    if side is Side.BUY:
        return min(contract.to_tick(price, up=True), collar)
    return max(contract.to_tick(price, up=False), collar)


def marketable(contract: Contract, side: Side, quote: Quote, collar: Px) -> Px:
    """A limit a quarter of the spread through the other side's price, inside the collar."""
    quarter = div_half_even(quote.ask - quote.bid, 4)
    price = quote.ask + quarter if side is Side.BUY else quote.bid - quarter
    return within(contract, side, price, collar)


def rung(contract: Contract, side: Side, base: Px, collar: Px, step: int) -> Px:
    """The limit of reprice `step` (0..5): from half way between base and collar up to the collar."""
    price = base + div_half_even((collar - base) * min(10, 5 + step), 10)
    return within(contract, side, price, collar)


def two_sided(quote: Quote | None, now_ns: int, fresh_ns: int) -> bool:
    """A quote that may price an order: both sides, not crossed, and young enough."""
    return (
        quote is not None
        and quote.bid_size > 0
        and quote.ask_size > 0
        and quote.bid <= quote.ask
        and now_ns - quote.at_ns <= fresh_ns
    )


def mid(quote: Quote) -> Px:
    return div_half_even(quote.bid + quote.ask, 2)


def sane(price: Px, reference: Px, bps: int) -> bool:
    """Within `bps` of the price of the decision; a decision without a price accepts any."""
    return reference == 0 or abs(price - reference) * BPS <= abs(reference) * bps


def needs_quote(policy: ExecutionPolicy, intent: Intent) -> bool:
    """Whether this intent is priced from quotes: no limit of its own, and not meant for an auction."""
    if intent.limit:
        return False
    crisis = intent.urgency is Urgency.CRISIS and policy.crisis_marketable
    return crisis or policy.style is Style.MARKETABLE_LIMIT


def quoted(spec: OrderSpec, intent: Intent) -> bool:
    """Whether an order's limit was chosen from quotes. A combo taken over with a net limit of nothing has its own."""
    priced = bool(intent.leg_references) or not legs_of(spec.instrument)
    return spec.type is OrderType.LIMIT and not intent.limit and priced


def collar_bps(policy: ExecutionPolicy, contract: Contract) -> int:
    return policy.collar_bps.get(contract.kind, policy.default_collar_bps)


def plain_spec(policy: ExecutionPolicy, contract: Contract, intent: Intent) -> OrderSpec:
    """The order of an intent that needs no quote: its own limit, or an auction."""
    limit = intent.limit
    if limit:
        kind = OrderType.LIMIT
        limit = contract.to_tick(limit, up=intent.side is Side.SELL)
    else:
        closing = policy.style is Style.CLOSE_AUCTION
        if policy.market_orders:
            kind = OrderType.MOC if closing else OrderType.MOO
        else:
            kind = OrderType.LOC if closing else OrderType.LOO
            limit = collar_of(contract, intent.side, intent.reference, policy.auction_collar_bps, measure(intent))
    return OrderSpec(
        client_id=intent.id, instrument=intent.instrument, side=intent.side, quantity=intent.quantity, type=kind,
        tif=TimeInForce.DAY, limit=limit,
    )  # fmt: skip


def quoted_spec(policy: ExecutionPolicy, contract: Contract, intent: Intent, quote: Quote) -> OrderSpec:
    """The marketable limit of an intent under a fresh two-sided quote; its collar hangs on the quote's mid."""
    collar = collar_of(contract, intent.side, mid(quote), collar_bps(policy, contract), measure(intent))
    return OrderSpec(
        client_id=intent.id, instrument=intent.instrument, side=intent.side, quantity=intent.quantity,
        type=OrderType.LIMIT, tif=TimeInForce.DAY, limit=marketable(contract, intent.side, quote, collar),
    )  # fmt: skip
