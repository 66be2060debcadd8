"""Who fills, how much and at what price. Pure: nothing here changes an order.

Within a side orders stand by price, then by arrival. The two sides of our own book never meet each other.

*Bars.* A bar is walked open, nearer extreme, other extreme, close; a bar with one price is a single print. An order
takes part in the whole walk when it arrived no later than the bar began; one that came while the bar was made takes
part in its close only; one that came at or after `at_ns` not at all. At a print (the open, the close) an order pays
the print and half the spread, a limit at most its limit; between prints a limit fills at its own price when touched.

*Quotes.* A market order, and the marketable part of a limit when it arrives, takes the other side's price up to the
displayed size. A limit that rests fills at its own price when the other side touches it. A crossed quote fills nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from model.market import BarClosed, Quote
from model.units import Px, Qty
from simulation.exchange.book import Market, WorkingOrder
from simulation.exchange.listing import Listing
from simulation.exchange.rules import VenueRules

Match = tuple[WorkingOrder, Qty, Px]
UNLIMITED = 2**63


def match_bar(
    market: Market,
    bar: BarClosed,
    rules: VenueRules,
    *,
    began_ns: int,
    ended_ns: int,
    first: bool,
    last: bool,
    continuous: bool,
) -> list[Match]:
    """Every fill of one bar, each order at most once, in the order in which they happen.

    began_ns, ended_ns: when the bar began, and the moment before which an order must have come.
    first, last: it holds its session's open print, its close print.
    continuous: false when quotes already match this instrument's continuous orders, and bars serve its auctions only.
    """
    walk = _Walk(market.listing, bar, rules)
    open_before = min(began_ns + 1, ended_ns)
    if first and market.at_open:
        walk.print(market.at_open, bar.open, 0, open_before)
    if continuous and (market.buys or market.sells):
        walk.print(market.buys, bar.open, 0, open_before)
        walk.print(market.sells, bar.open, 0, open_before)
        if bar.high != bar.low:
            walk.extremes(market, open_before)
        walk.print(market.buys, bar.close, open_before, ended_ns)
        walk.print(market.sells, bar.close, open_before, ended_ns)
    if last and market.at_close:
        walk.print(market.at_close, bar.close, 0, ended_ns)
    return walk.matches


class _Walk:
    """One bar's walk: what each side may still take, and what has matched."""

    __slots__ = ("_bar", "_done", "_listing", "_room", "_touch", "matches")

    def __init__(self, listing: Listing, bar: BarClosed, rules: VenueRules) -> None:
        self.matches: list[Match] = []
        self._done: set[str] = set()
        self._listing = listing
        self._bar = bar
        self._touch = 0 if rules.touch_fills else 1
        room = UNLIMITED
        if rules.bar_share_bps:
            room = whole_lots(bar.volume * rules.bar_share_bps // 10_000, listing)
            if bar.volume == 0 and rules.unknown_size_fills:
                room = UNLIMITED
        self._room = {1: room, -1: room}

    def print(self, orders: Iterable[WorkingOrder], at: Px, since_ns: int, before_ns: int) -> None:
        """Match orders that arrived in [since_ns, before_ns) at one print."""
        for order in orders:
            if since_ns <= order.arrived_ns < before_ns and (
                order.market or (order.limit - at) * order.side >= self._touch
            ):
                price = self._listing.worse(at, order.side)
                if not order.market and (price - order.limit) * order.side > 0:
                    price = order.limit
                self._take(order, price)

    def extremes(self, market: Market, before_ns: int) -> None:
        """Match resting limits that the walk between open and close touches."""
        bar = self._bar
        down = (market.buys, bar.low)
        up = (market.sells, bar.high)
        for orders, extreme in (up, down) if bar.high - bar.open < bar.open - bar.low else (down, up):
            for order in orders:
                if (
                    not order.market
                    and order.arrived_ns < before_ns
                    and (order.limit - extreme) * order.side >= self._touch
                ):
                    self._take(order, order.limit)

    def _take(self, order: WorkingOrder, price: Px) -> None:
        name = order.name
        quantity = min(order.quantity - order.filled, self._room[order.side])
        if quantity > 0 and name not in self._done:
            self._room[order.side] -= quantity
            self._done.add(name)
            self.matches.append((order, quantity, price))


def match_quote(market: Market, quote: Quote, rules: VenueRules) -> list[Match]:
    """Fills of resting orders by a new quote."""
    market.taken_from(quote)
    touch = 0 if rules.touch_fills else 1
    matches: list[Match] = []
    for orders, side, price in ((market.buys, 1, quote.ask), (market.sells, -1, quote.bid)):
        room = displayed(market, quote, side, rules) if orders else 0
        for order in orders:
            if room <= 0 or not (order.market or (order.limit - price) * side >= touch):
                break
            quantity = min(order.quantity - order.filled, room)
            room -= quantity
            matches.append((order, quantity, price if order.market else order.limit))
    return matches


def match_arrival(market: Market, order: WorkingOrder, quote: Quote, rules: VenueRules) -> Match | None:
    """What an arriving order takes from the quote in force, behind our own orders that already rest there."""
    market.taken_from(quote)
    side = order.side
    price = quote.ask if side > 0 else quote.bid
    if not order.market and (order.limit - price) * side < 0:
        return None
    quantity = min(order.quantity - order.filled, displayed(market, quote, side, rules))
    return (order, quantity, price) if quantity > 0 else None


def displayed(market: Market, quote: Quote, side: int, rules: VenueRules) -> Qty:
    """How much an order of `side` may still take from the quote, in whole lots."""
    unknown = rules.unknown_size_fills
    has_bid = quote.bid_size > 0 or (unknown and quote.bid != 0)
    has_ask = quote.ask_size > 0 or (unknown and quote.ask != 0)
    if has_bid and has_ask and quote.bid > quote.ask:
        return 0
    if not (has_ask if side > 0 else has_bid):
        return 0
    size, taken = (quote.ask_size, market.ask_taken) if side > 0 else (quote.bid_size, market.bid_taken)
    return whole_lots(size * rules.quote_share_bps // 10_000 - taken, market.listing) if size else UNLIMITED


def whole_lots(quantity: Qty, listing: Listing) -> Qty:
    """The part of a quantity that can be traded in whole lots."""
    return quantity - quantity % listing.lot
