"""The order desk: every order from its arrival to its end, and the fills that quotes and bars bring."""

from __future__ import annotations

from collections.abc import Callable

from model.combos import contracts_of, legs_of
from model.market import BarClosed, Quote
from model.orders import (
    CancelAtVenue,
    CancelRejected,
    Fill,
    ModifyOrder,
    ModifyRejected,
    OrderAcked,
    OrderCancelled,
    OrderExpired,
    OrderModified,
    OrderRejected,
    Side,
    SubmitOrder,
    TimeInForce,
    VenueFact,
)
from model.sessions import Session
from model.units import Cash, Px, Qty
from simulation.exchange.account import Account
from simulation.exchange.book import (
    CANCELLED,
    EXPIRED,
    FILLED,
    OPEN,
    REJECTED,
    Market,
    WorkingOrder,
    exec_id,
    second_name,
    venue_id,
)
from simulation.exchange.clearing import Clearing
from simulation.exchange.combos import Combos
from simulation.exchange.intake import CONTINUOUS, unchangeable, unfit, unfunded, untimely
from simulation.exchange.listing import Listing, Listings
from simulation.exchange.matching import Match, match_arrival, match_bar, match_quote
from simulation.exchange.prices import Prices
from simulation.exchange.record import History
from simulation.exchange.rules import Reject, VenueRules
from simulation.exchange.timetable import Alarm, Moment, Timetable, lives_one_session

IOC = TimeInForce.IOC
END_OF_TIME = 100_000_000
"""Later than every exchange date (yyyymmdd)."""


class Desk:
    """Every order the venue was ever sent, and every fill. `changed` holds what the next commit has to write.

    Of a venue that was resumed at `resumed_ns` what had ended by then is in its record alone: `ended` has the client
    ids of those `ended_before` orders, `history` finds the rest, and there were `fills_before` fills.
    orders: by their names; one that is not the first under its client's id has the number in it too.

    named: the venue's own name of a client's order.  refusing: why the next orders are refused, whatever they are.
    """

    def __init__(
        self,
        rules: VenueRules,
        listings: Listings,
        timetable: Timetable,
        account: Account,
        prices: Prices,
        say: Callable[[VenueFact], None],
        clearing: Clearing,
    ) -> None:
        self.now_ns = 0
        self.orders: dict[str, WorkingOrder] = {}
        self.closed: list[WorkingOrder] = []
        self.fills: list[Fill] = []
        self.duplicates: list[tuple[str, int]] = []
        self.changed: dict[str, WorkingOrder] = {}
        self.priority = 0
        self.ended: set[str] = set()
        self.ended_before = 0
        self.history: Callable[[int], History] = lambda since_ns: History([], [], [], [])
        self.resumed_ns = -1
        self.fills_before = 0
        self.named: Callable[[str], str] = venue_id
        self.refusing: list[Reject] = []
        self._rules = rules
        self._listings = listings
        self._timetable = timetable
        self._account = account
        self._markets = account.markets
        self._bars = prices.bars
        self._quotes = prices.quotes
        self.say = say
        self.combos = Combos(self, rules, listings, timetable, account, prices, clearing)

    # -- requests

    def submit(self, message: SubmitOrder) -> None:
        """Take an order or refuse it. An id that was ever used is refused, whatever became of that order.

        Where the rules enforce no ids it is one more order under that id.
        """
        spec, now = message.order, self.now_ns
        name = spec.client_id
        again = name in self.orders or name in self.ended
        if again:
            self.duplicates.append((name, now))
            if self._rules.ids_enforced:
                self.refuse(name, Reject.DUPLICATE_ID)
                return
        self.priority += 1
        order = WorkingOrder(spec, now, self.priority, self.ended_before + len(self.orders) + 1)
        if again:
            order.name = second_name(name, order.number)
        self.orders[order.name] = self.changed[order.name] = order
        listing = self._listings.get(contracts_of(spec.instrument)[0])
        reason = self.refusing.pop(0) if self.refusing else None
        if legs_of(spec.instrument):
            reason = reason or self.combos.begin(order)
            session = self.combos.session(order) if reason is None else None
            if session is not None:
                self._accept(order, session)
                return
        reason = reason or unfit(spec, listing, now)
        if reason is None and listing is not None:
            session = self.session_of(order, listing)
            reason = untimely(spec, listing, session, now)
            if reason is None and session is not None:
                market = self.market(listing)
                reason = unfunded(market, order.side, order.quantity, order.limit, self._account, self._rules, now)
                if reason is None:
                    self._accept(order, session)
                    return
        assert reason is not None
        order.code = reason.name
        self._end(order, REJECTED)
        self.refuse(name, reason)

    def session_of(self, order: WorkingOrder, listing: Listing) -> Session | None:
        """The session in which an order can last trade if it lives for one: not one whose last bar has been told."""
        session = self._timetable.lasts_until(order, listing, self.now_ns)
        told = self._bars.get(order.spec.instrument) if self._rules.daily_bars else None
        if told is not None and session is not None and session.date <= told.session:
            return listing.sessions.closing_after(session.closes_ns)
        return session

    def _accept(self, order: WorkingOrder, session: Session) -> None:
        spec, now = order.spec, self.now_ns
        order.venue_id = self.named(order.name)
        self._add(order)
        self._timetable.watch(order, session if lives_one_session(order) else None)
        for name in contracts_of(spec.instrument):
            if self._markets[name].listing.last is not None:
                self._timetable.watch_expiry(self._markets[name].listing)
        self.say(OrderAcked(spec.client_id, order.venue_id, now))
        if spec.type in CONTINUOUS:
            self._meet_quote(order, session)

    def _add(self, order: WorkingOrder) -> None:
        """Let an order work where it belongs."""
        if order.legs:
            self.combos.add(order)
            return
        market = self._markets[order.spec.instrument]
        market.add(order)
        self._account.touch(market)

    def _remove(self, order: WorkingOrder) -> None:
        if order.legs:
            self.combos.remove(order)
        else:
            self._markets[order.spec.instrument].remove(order)

    def _meet_quote(self, order: WorkingOrder, session: Session) -> None:
        """Let an order that has just come, or changed its price, take what the quote in force offers."""
        if order.legs:
            self.combos.meet_quotes(order)
            if order.spec.tif is IOC and order.state == OPEN:
                self.cancel_for(order, "immediate or cancel")
            return
        market = self._markets[order.spec.instrument]
        quote = self._quotes.get(order.spec.instrument)
        if quote is None or not session.opens_ns <= self.now_ns or quote.at_ns < session.opens_ns:
            return
        match = match_arrival(market, order, quote, self._rules)
        if match is not None:
            self._take_quote(market, match)
        if order.spec.tif is IOC and order.state == OPEN:
            self.cancel_for(order, "immediate or cancel")

    def modify(self, change: ModifyOrder) -> None:
        """Change limit and total quantity. Only a new price costs the order its place in the queue."""
        order = self.orders.get(change.client_id)
        listing = self._listings.get(contracts_of(order.spec.instrument)[0]) if order is not None else None
        ended = change.client_id in self.ended
        reason = Reject.ORDER_DONE if ended else unchangeable(change, order, listing, self.now_ns)
        if reason is None and order is not None and listing is not None:
            more = (change.quantity or order.quantity) - order.quantity
            if more > 0 and order.legs:
                reason = self.combos.unfunded(order, more)
            elif more > 0:
                market = self.market(listing)
                reason = unfunded(market, order.side, more, change.limit, self._account, self._rules, self.now_ns)
            if reason is None:
                self._change(order, listing, change)
                return
        assert reason is not None
        self.say(ModifyRejected(change.client_id, change.change_id, reason.name, reason.value, self.now_ns))

    def _change(self, order: WorkingOrder, listing: Listing, change: ModifyOrder) -> None:
        self._remove(order)
        moved = order.limit != change.limit
        if moved:
            self.priority += 1
            order.priority = self.priority
        order.limit = change.limit
        order.quantity = change.quantity or order.quantity
        if change.expires_ns:
            order.expires_ns = change.expires_ns
            self._timetable.watch(order, None)
        self._add(order)
        self._account.release()
        self.changed[order.name] = order
        self.say(OrderModified(change.client_id, change.change_id, change.limit, self.now_ns))
        session = self._timetable.closing(listing, self.now_ns)
        if moved and session is not None and order.spec.type in CONTINUOUS:
            self._meet_quote(order, session)

    def cancel(self, message: CancelAtVenue) -> None:
        """End an open order; one that filled first stays filled."""
        order = self.orders.get(message.client_id)
        if order is not None and order.state == OPEN:
            self.cancel_for(order, "asked")
            return
        known = order is not None or message.client_id in self.ended
        reason = Reject.ORDER_DONE if known else Reject.UNKNOWN_ORDER
        self.say(CancelRejected(message.client_id, reason.name, reason.value, self.now_ns))

    # -- prices

    def match_quote(self, market: Market, quote: Quote) -> None:
        """Fill what rests at a new quote; outside the session a quote fills nothing."""
        session = self._timetable.closing(market.listing, self.now_ns)
        if session is not None and session.opens_ns <= self.now_ns:
            for match in match_quote(market, quote, self._rules):
                self._take_quote(market, match)

    def match_bar(
        self, market: Market, bar: BarClosed, session: Session, began_ns: int, *, first: bool, last: bool
    ) -> None:
        """Fill what a bar reaches; then IOC orders end, and with the session's last bar DAY orders."""
        self.expire_in(market, before=session.date)
        quote = self._quotes.get(bar.instrument)
        ended = min(bar.at_ns, session.closes_ns)
        continuous = quote is None or quote.at_ns < session.opens_ns
        for order, quantity, price in match_bar(
            market, bar, self._rules, began_ns=began_ns, ended_ns=ended, first=first, last=last, continuous=continuous
        ):
            self._fill(market, order, quantity, price, session.date)
        if market.rests():
            for order in list(market.orders()):
                if order.arrived_ns < ended:
                    if last and 0 < order.session <= session.date:
                        self.expire(order)
                    elif order.spec.tif is IOC and continuous and order.spec.type in CONTINUOUS:
                        self.cancel_for(order, "immediate or cancel")
            if self.combos.open:
                self.combos.on_bar(bar, session, ended, first=first, last=last)

    # -- ends

    def expire(self, order: WorkingOrder) -> None:
        """End an order whose time is over."""
        self.leave(order, EXPIRED)
        self.say(OrderExpired(order.spec.client_id, order.filled, self.now_ns))

    def expire_in(self, market: Market, *, before: int = END_OF_TIME) -> None:
        """End every order that lives for one session and whose session is over before a date; or just every order."""
        for order in self.resting(market):
            if before == END_OF_TIME or 0 < order.session < before:
                self.expire(order)

    def lapse(self, name: str) -> None:
        """A GTD order's time has come, if it is still open."""
        order = self.orders[name]
        if order.state == OPEN and order.expires_ns <= self.now_ns:
            self.expire(order)

    def cancel_leased(self) -> None:
        """Nobody renewed the cancel timer: end every open order but those that were meant to outlive their sender."""
        for order in [order for order in self.orders.values() if order.state == OPEN]:
            if order.spec.tif is not TimeInForce.GTC:
                self.cancel_for(order, "the cancel timer was not renewed")

    def awaits(self, moment: Moment) -> bool:
        """Whether anything would still happen at a moment of the timetable."""
        _, alarm, name, session = moment
        if alarm == Alarm.LAPSE:
            return self.orders[name].state == OPEN and self.orders[name].expires_ns == moment[0]
        market = self._markets[name]
        if alarm == Alarm.EXPIRY:
            return not market.idle()
        return market.rests() and any(0 < order.session <= session for order in self.resting(market))

    def resting(self, market: Market) -> list[WorkingOrder]:
        """Every open order that can move a market's position."""
        return [*market.orders(), *self.combos.resting_in(market.listing.id)]

    def working(self) -> list[WorkingOrder]:
        """Every open order, as they came."""
        mine = (order for market in self._account.live.values() for order in market.orders())
        return sorted((*mine, *self.combos.open.values()), key=lambda order: order.priority)

    def market(self, listing: Listing) -> Market:
        market = self._markets.get(listing.id)
        if market is None:
            market = self._markets[listing.id] = Market(listing)
        return market

    def cancel_for(self, order: WorkingOrder, reason: str) -> None:
        self.leave(order, CANCELLED)
        self.say(OrderCancelled(order.spec.client_id, order.filled, reason, self.now_ns))

    def refuse(self, client_id: str, reason: Reject) -> None:
        self.say(OrderRejected(client_id, reason.name, reason.value, self.now_ns))

    def leave(self, order: WorkingOrder, state: str) -> None:
        self._remove(order)
        self._account.release()
        self._end(order, state)

    def _end(self, order: WorkingOrder, state: str) -> None:
        order.state = state
        order.closed_ns = self.now_ns
        self.closed.append(order)
        order.closing = self.ended_before + len(self.closed)
        self.changed[order.name] = order

    # -- fills

    def date_of(self, market: Market) -> int:
        session = self._timetable.closing(market.listing, self.now_ns)
        return session.date if session is not None else 0

    def _take_quote(self, market: Market, match: Match) -> None:
        order, quantity, price = match
        if order.side > 0:
            market.ask_taken += quantity
        else:
            market.bid_taken += quantity
        self._fill(market, order, quantity, price, self.date_of(market))

    def _fill(self, market: Market, order: WorkingOrder, quantity: Qty, price: Px, session: int) -> None:
        fee = self._account.trade(market, order, quantity, price, session)
        market.leave(order, -quantity)
        self.executed(order, market, order.spec.side, quantity, price, fee)
        self.done(order)

    def executed(self, order: WorkingOrder, market: Market, side: Side, quantity: Qty, price: Px, fee: Cash) -> None:
        """Say an execution that the account has booked."""
        order.fills += 1
        fill = Fill(
            exec_id(order.name, order.fills), order.spec.client_id, order.venue_id, market.listing.id, side, quantity,
            price, fee, market.listing.currency, self.now_ns,
        )  # fmt: skip
        self.fills.append(fill)
        self.changed[order.name] = order
        self.say(fill)

    def done(self, order: WorkingOrder) -> None:
        """End an order of which nothing is left."""
        if order.filled == order.quantity:
            self._remove(order)
            self._end(order, FILLED)
