"""Orders for several contracts at once: they trade against the quotes or the prints of their legs, all legs or none.

Nothing of a combo stands in a leg's queue, but what its legs may come to counts as open there. Against quotes it takes
the other side's price of every leg, as many whole combos as the smallest of them shows. On bars it trades when the
bars of all its legs are there: at their opens or closes, each with half its spread. Its net price is never beyond its
limit; what is better than the limit is ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from model.combos import legs_of, whole
from model.market import BarClosed
from model.orders import Fill, OrderSpec
from model.sessions import Session
from model.units import Px, Qty
from simulation.exchange.account import Account
from simulation.exchange.book import AT_CLOSE, AT_OPEN, OPEN, WITH_LIMIT, Market, WorkingOrder
from simulation.exchange.clearing import Clearing
from simulation.exchange.intake import CONTINUOUS, unfunded, untimely, without_contract
from simulation.exchange.listing import Listing, Listings
from simulation.exchange.matching import UNLIMITED, displayed, whole_lots
from simulation.exchange.prices import Prices
from simulation.exchange.rules import Reject, VenueRules
from simulation.exchange.timetable import Timetable

if TYPE_CHECKING:
    from simulation.exchange.desk import Desk


class Combos:
    """open: by name, as they came; one that changes its price comes last."""

    def __init__(
        self, desk: Desk, rules: VenueRules, listings: Listings, timetable: Timetable, account: Account,
        prices: Prices, clearing: Clearing,
    ) -> None:  # fmt: skip
        self.open: dict[str, WorkingOrder] = {}
        self._desk, self._rules, self._listings, self._clearing = desk, rules, listings, clearing
        self._timetable, self._account, self._prices = timetable, account, prices

    def begin(self, order: WorkingOrder) -> Reject | None:
        """Give an order that came its legs, or say why it cannot be taken."""
        listed = [self._listings.get(leg.instrument) for leg in legs_of(order.spec.instrument)]
        known = [each for each in listed if each is not None]
        reason = Reject.UNKNOWN_INSTRUMENT if len(known) < len(listed) else _unfit(order.spec, known, self._desk.now_ns)
        if reason is not None:
            return reason
        order.legs = legs_for(order)
        for leg, listing in zip(order.legs, known, strict=True):
            session = self._desk.session_of(leg, listing)
            reason = untimely(leg.spec, listing, session, self._desk.now_ns)
            if reason is not None:
                return reason
        return self.unfunded(order, order.quantity)

    def unfunded(self, order: WorkingOrder, quantity: Qty) -> Reject | None:
        """Why so much more of a combo is not margined, leg by leg as two orders would be."""
        for leg, size, market in self._lines(order):
            reason = unfunded(market, leg.side, quantity * size, 0, self._account, self._rules, self._desk.now_ns)
            if reason is not None:
                self._account.release()
                return reason
        return None

    def session(self, order: WorkingOrder) -> Session | None:
        """The session with which an order ends that lives for one: the first leg that closes decides; where every bar
        is a whole session's, the leg whose bar is still to come."""
        found = [self._desk.session_of(leg, market.listing) for leg, _, market in self._lines(order)]
        sessions = [each for each in found if each is not None]
        pick = max if self._rules.daily_bars else min
        return pick(sessions, key=lambda each: each.closes_ns) if sessions else None

    def add(self, order: WorkingOrder) -> None:
        """Let an order work; what its legs may come to counts as open."""
        self.open[order.name] = order
        for leg, size, market in self._lines(order):
            leg.quantity = order.quantity * size
            market.leave(leg, leg.remaining)
            self._account.touch(market)

    def remove(self, order: WorkingOrder) -> None:
        del self.open[order.name]
        for leg, _, market in self._lines(order):
            market.leave(leg, -leg.remaining)

    def restore(self, order: WorkingOrder, fills: Sequence[Fill]) -> None:
        """Take back an open order of a venue that is resumed; of its fills each leg knows its own again."""
        order.legs = legs_for(order)
        for fill in fills:
            if fill.venue_id == order.venue_id:
                leg = next(leg for leg in order.legs if leg.spec.instrument == fill.instrument)
                leg.filled += fill.quantity
                leg.raw += abs(fill.price) * fill.quantity
                leg.fee += fill.fee
        self.add(order)

    def resting_in(self, instrument: str) -> list[WorkingOrder]:
        """Open combos with a leg in this contract."""
        return [order for order in self.open.values() if any(leg.spec.instrument == instrument for leg in order.legs)]

    # -- prices

    def on_quote(self, instrument: str) -> None:
        """A leg's quote changed."""
        for order in self.resting_in(instrument):
            self.meet_quotes(order, 0 if self._rules.touch_fills else 1)

    def meet_quotes(self, order: WorkingOrder, inside: Px = 0) -> None:
        """Trade what the quotes of all legs show, at a net price at least so far inside the limit."""
        units, at = order.remaining, []
        for leg, size, market in self._lines(order):
            quote = self._prices.quotes.get(leg.spec.instrument)
            session = self._timetable.closing(market.listing, self._desk.now_ns)
            if quote is None or session is None or not session.opens_ns <= min(quote.at_ns, self._desk.now_ns):
                return
            market.taken_from(quote)
            units = min(units, displayed(market, quote, leg.side, self._rules) // size)
            at.append(quote.ask if leg.side > 0 else quote.bid)
        if units <= 0 or not _good(order, at, inside):
            return
        for leg, size, market in self._lines(order):
            if leg.side > 0:
                market.ask_taken += units * size
            else:
                market.bid_taken += units * size
        self._trade(order, units, at)

    def on_bar(self, bar: BarClosed, session: Session, ended_ns: int, *, first: bool, last: bool) -> None:
        """A leg's bar closed: trade where the other legs' are there too, and end what ends with it."""
        for order in self.resting_in(bar.instrument):
            bars = [self._prices.bars.get(leg.spec.instrument) for leg in order.legs]
            told = [each for each in bars if each is not None and self._together(each, bar)]
            known_ns = min((each.at_ns for each in told), default=0)
            if len(told) < len(bars) or order.arrived_ns >= min(known_ns, ended_ns):
                continue
            if self._print(order, told, session, first=first, last=last) and last:
                self._settle_again(order, told, bar.instrument, session)
            if order.state == OPEN and last and 0 < order.session <= session.date:
                self._desk.expire(order)

    def _together(self, one: BarClosed, other: BarClosed) -> bool:
        return one.session == other.session and (self._rules.daily_bars or one.at_ns == other.at_ns)

    def _print(
        self, order: WorkingOrder, bars: Sequence[BarClosed], session: Session, *, first: bool, last: bool
    ) -> bool:
        """Whether an order traded at the bars of its legs."""
        kind, at_open = order.spec.type, order.spec.type in AT_OPEN
        if at_open and not (first and order.session == session.date):
            return False
        if (kind in AT_CLOSE and not last) or (kind in CONTINUOUS and self._quoted(order, session)):
            return False
        units, at = order.remaining, []
        for (leg, size, market), bar in zip(self._lines(order), bars, strict=True):
            units = min(units, self._room(market, leg, bar) // size)
            at.append(market.listing.worse(bar.open if at_open else bar.close, leg.side))
        if units <= 0 or not _good(order, at, 0 if self._rules.touch_fills else 1):
            return False
        self._trade(order, units, at)
        return True

    def _settle_again(self, order: WorkingOrder, bars: Sequence[BarClosed], came: str, session: Session) -> None:
        """Legs whose last bar was there before `came`'s were settled without this trade: settle what they have left."""
        for (_, _, market), bar in zip(self._lines(order), bars, strict=True):
            if bar.instrument != came and market.listing.variation:
                self._clearing.settle(market, bar.close, session.date, final=False)

    def _quoted(self, order: WorkingOrder, session: Session) -> bool:
        """Whether quotes of this session match the order's legs, so that bars do not."""
        quotes = (self._prices.quotes.get(leg.spec.instrument) for leg in order.legs)
        return any(quote is not None and quote.at_ns >= session.opens_ns for quote in quotes)

    def _room(self, market: Market, leg: WorkingOrder, bar: BarClosed) -> Qty:
        """How much of a bar this side of our orders may still take."""
        rules, now_ns = self._rules, self._desk.now_ns
        if not rules.bar_share_bps or (bar.volume == 0 and rules.unknown_size_fills):
            return UNLIMITED
        taken = 0
        for fill in reversed(self._desk.fills):
            if fill.at_ns < now_ns:
                break
            taken += fill.quantity if (fill.instrument, fill.side) == (bar.instrument, leg.side) else 0
        return max(0, whole_lots(bar.volume * rules.bar_share_bps // 10_000, market.listing) - taken)

    def _trade(self, order: WorkingOrder, units: Qty, at: Sequence[Px]) -> None:
        self._clearing.settle_up(self._desk.now_ns)  # a leg whose session has ended was settled before it trades here
        for (leg, size, market), price in zip(list(self._lines(order)), at, strict=True):
            fee = self._account.trade(market, leg, units * size, price, self._desk.date_of(market))
            market.leave(leg, -units * size)
            self._desk.executed(order, market, leg.spec.side, units * size, price, fee)
        sum_up(order)
        self._desk.done(order)

    def _lines(self, order: WorkingOrder) -> Iterator[tuple[WorkingOrder, int, Market]]:
        """Each leg, how many of it one combo has, and where it trades."""
        for leg, part in zip(order.legs, legs_of(order.spec.instrument), strict=True):
            listing = self._listings.get(leg.spec.instrument)
            assert listing is not None
            yield leg, part.size, self._desk.market(listing)


def legs_for(order: WorkingOrder) -> tuple[WorkingOrder, ...]:
    """Each leg as an order of its own, which adds up what it fills and pays for."""
    spec = order.spec
    return tuple(
        WorkingOrder(
            OrderSpec(
                client_id=spec.client_id, instrument=leg.instrument, side=leg.side(order.side),
                quantity=order.quantity * leg.size, type=spec.type, tif=spec.tif,
            ),
            order.arrived_ns, order.priority, order.number,
        )
        for leg in legs_of(spec.instrument)
    )  # fmt: skip


def sum_up(order: WorkingOrder) -> None:
    """What a combo has filled and paid, from its legs."""
    order.filled = whole(legs_of(order.spec.instrument), {leg.spec.instrument: leg.filled for leg in order.legs})
    order.raw, order.fee = sum(leg.raw for leg in order.legs), sum(leg.fee for leg in order.legs)


def _unfit(order: OrderSpec, listed: Sequence[Listing], now_ns: int) -> Reject | None:
    """What is wrong with a combo itself. Its net limit may be zero or negative, and is on the tick of every leg."""
    for listing in listed:
        reason = without_contract(order, listing, now_ns)
        if reason is not None:
            return reason
        if order.type in WITH_LIMIT and not listing.on_tick(order.limit):
            return Reject.BAD_TICK
    return Reject.BAD_PRICE if order.limit and order.type not in WITH_LIMIT else None


def _good(order: WorkingOrder, at: Sequence[Px], inside: Px) -> bool:
    """Whether a combo may trade at these prices of its legs."""
    net = sum(leg.ratio * price for leg, price in zip(legs_of(order.spec.instrument), at, strict=True))
    return order.market or (order.limit - net) * order.side >= inside
