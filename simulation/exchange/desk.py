"""The order desk: every order from its arrival to its end, and the fills that quotes and bars bring."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

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
    SubmitOrder,
    TimeInForce,
    VenueFact,
)
from model.sessions import Session
from model.units import Px, Qty
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
        self._say = say

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
                self._refuse(name, Reject.DUPLICATE_ID)
                return
        self.priority += 1
        order = WorkingOrder(spec, now, self.priority, self.ended_before + len(self.orders) + 1)
        if again:
            order.name = second_name(name, order.number)
        self.orders[order.name] = self.changed[order.name] = order
        listing = self._listings.get(spec.instrument)
        reason = self.refusing.pop(0) if self.refusing else unfit(spec, listing, now)
        if reason is None and listing is not None:
            session = self._session(order, listing)
            reason = untimely(spec, listing, session, now)
            if reason is None and session is not None:
                market = self.market(listing)
                reason = unfunded(market, order.side, order.quantity, order.limit, self._account, self._rules, now)
                if reason is None:
                    self._accept(order, market, session)
                    return
        assert reason is not None
        order.code = reason.name
        self._end(order, REJECTED)
        self._refuse(name, reason)

    def _session(self, order: WorkingOrder, listing: Listing) -> Session | None:
        """The session in which an order can last trade if it lives for one: not one whose last bar has been told."""
        session = self._timetable.lasts_until(order, listing, self.now_ns)
        told = self._bars.get(order.spec.instrument) if self._rules.daily_bars else None
        if told is not None and session is not None and session.date <= told.session:
            return listing.sessions.closing_after(session.closes_ns)
        return session

    def _accept(self, order: WorkingOrder, market: Market, session: Session) -> None:
        spec, now = order.spec, self.now_ns
        order.venue_id = self.named(order.name)
        market.add(order)
        self._account.touch(market)
        self._timetable.watch(order, session if lives_one_session(order) else None)
        if market.listing.last is not None:
            self._timetable.watch_expiry(market.listing)
        self._say(OrderAcked(spec.client_id, order.venue_id, now))
        if spec.type in CONTINUOUS:
            self._meet_quote(order, market, session)

    def _meet_quote(self, order: WorkingOrder, market: Market, session: Session) -> None:
        """Let an order that has just come, or changed its price, take what the quote in force offers."""
        quote = self._quotes.get(order.spec.instrument)
        if quote is None or not session.opens_ns <= self.now_ns or quote.at_ns < session.opens_ns:
            return
        match = match_arrival(market, order, quote, self._rules)
        if match is not None:
            self._take_quote(market, match)
        if order.spec.tif is IOC and order.state == OPEN:
            self._cancel(order, "immediate or cancel")

    def modify(self, change: ModifyOrder) -> None:
        """Change limit and total quantity. Only a new price costs the order its place in the queue."""
        order = self.orders.get(change.client_id)
        listing = self._listings.get(order.spec.instrument) if order is not None else None
        ended = change.client_id in self.ended
        reason = Reject.ORDER_DONE if ended else unchangeable(change, order, listing, self.now_ns)
        if reason is None and order is not None and listing is not None:
            market = self.market(listing)
            more = (change.quantity or order.quantity) - order.quantity
            if more > 0:
                reason = unfunded(market, order.side, more, change.limit, self._account, self._rules, self.now_ns)
            if reason is None:
                self._change(order, market, change)
                return
        assert reason is not None
        self._say(ModifyRejected(change.client_id, change.change_id, reason.name, reason.value, self.now_ns))

    def _change(self, order: WorkingOrder, market: Market, change: ModifyOrder) -> None:
        market.remove(order)
        moved = order.limit != change.limit
        if moved:
            self.priority += 1
            order.priority = self.priority
        order.limit = change.limit
        order.quantity = change.quantity or order.quantity
        if change.expires_ns:
            order.expires_ns = change.expires_ns
            self._timetable.watch(order, None)
        market.add(order)
        self._account.touch(market)
        self._account.release()
        self.changed[order.name] = order
        self._say(OrderModified(change.client_id, change.change_id, change.limit, self.now_ns))
        session = self._timetable.closing(market.listing, self.now_ns)
        if moved and session is not None and order.spec.type in CONTINUOUS:
            self._meet_quote(order, market, session)

    def cancel(self, message: CancelAtVenue) -> None:
        """End an open order; one that filled first stays filled."""
        order = self.orders.get(message.client_id)
        if order is not None and order.state == OPEN:
            self._cancel(order, "asked")
            return
        known = order is not None or message.client_id in self.ended
        reason = Reject.ORDER_DONE if known else Reject.UNKNOWN_ORDER
        self._say(CancelRejected(message.client_id, reason.name, reason.value, self.now_ns))

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
                        self._cancel(order, "immediate or cancel")

    # -- ends

    def expire(self, order: WorkingOrder) -> None:
        """End an order whose time is over."""
        self._leave(order, EXPIRED)
        self._say(OrderExpired(order.spec.client_id, order.filled, self.now_ns))

    def expire_in(self, market: Market, *, before: int = END_OF_TIME) -> None:
        """End every order that lives for one session and whose session is over before a date; or just every order."""
        for order in list(market.orders()):
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
                self._cancel(order, "the cancel timer was not renewed")

    def awaits(self, moment: Moment) -> bool:
        """Whether anything would still happen at a moment of the timetable."""
        _, alarm, name, session = moment
        if alarm == Alarm.LAPSE:
            return self.orders[name].state == OPEN and self.orders[name].expires_ns == moment[0]
        market = self._markets[name]
        if alarm == Alarm.EXPIRY:
            return not market.idle()
        return market.rests() and any(0 < order.session <= session for order in market.orders())

    def market(self, listing: Listing) -> Market:
        market = self._markets.get(listing.id)
        if market is None:
            market = self._markets[listing.id] = Market(listing)
        return market

    def _cancel(self, order: WorkingOrder, reason: str) -> None:
        self._leave(order, CANCELLED)
        self._say(OrderCancelled(order.spec.client_id, order.filled, reason, self.now_ns))

    def _refuse(self, client_id: str, reason: Reject) -> None:
        self._say(OrderRejected(client_id, reason.name, reason.value, self.now_ns))

    def _leave(self, order: WorkingOrder, state: str) -> None:
        self._markets[order.spec.instrument].remove(order)
        self._account.release()
        self._end(order, state)

    def _end(self, order: WorkingOrder, state: str) -> None:
        order.state = state
        order.closed_ns = self.now_ns
        self.closed.append(order)
        order.closing = self.ended_before + len(self.closed)
        self.changed[order.name] = order

    # -- fills

    def acknowledge_again(self, client_id: str) -> None:
        """Say once more that an order was taken; nothing of one that never was."""
        order = self.orders.get(client_id)
        if order is not None and order.venue_id:
            self._say(OrderAcked(client_id, order.venue_id, self.now_ns))

    def refuse_late(self, client_id: str, reason: Reject) -> bool:
        """End an open order, acknowledged before, as refused after all; False when it is not open any more."""
        order = self.orders.get(client_id)
        if order is None or order.state != OPEN:
            return False
        order.code = reason.name
        self._leave(order, REJECTED)
        self._refuse(client_id, reason)
        return True

    def correct(self, execution: str, quantity: Qty, price: Px) -> None:
        """Put another execution in the place of one: no quantity is a bust. An ended order is not opened again by it.

        Raises LookupError when there is no such execution, ValueError when it was corrected before, or for another
        quantity of an order that is open. Only a record in memory knows of corrections.
        """
        corrected = next((fill for fill in self.fills if fill.exec_id == execution), None)
        if corrected is None:
            raise LookupError(f"there is no execution {execution!r}")
        order = self._of(corrected)
        if order.state == OPEN and quantity != corrected.quantity:
            raise ValueError(f"{corrected.client_id} is open: only the price of its executions can be corrected")
        if any(fill.corrects == corrected.exec_id for fill in self.fills):
            raise ValueError(f"{corrected.exec_id} was corrected before; correct its correction")
        market = self._markets[corrected.instrument]
        fee = self._account.correct(market, order, corrected, quantity, price, self._date(market))
        order.fills += 1
        fill = replace(
            corrected, exec_id=exec_id(order.name, order.fills), quantity=quantity, price=price, fee=fee,
            at_ns=self.now_ns, corrects=corrected.exec_id,
        )  # fmt: skip
        self.fills.append(fill)
        self.changed[order.name] = order
        self._say(fill)

    def _of(self, fill: Fill) -> WorkingOrder:
        """The order of an execution: the venue's name of it tells apart those under one client's id."""
        order = self.orders[fill.client_id]
        if order.venue_id == fill.venue_id:
            return order
        same = (each for each in self.orders.values() if each.spec.client_id == fill.client_id)
        return next((each for each in same if each.venue_id == fill.venue_id), order)

    def transfer(self, listing: Listing, quantity: Qty, price: Px) -> None:
        """Move a position in or out without a trade."""
        market = self.market(listing)
        self._account.transfer(market, quantity, price, self._date(market))

    def _date(self, market: Market) -> int:
        session = self._timetable.closing(market.listing, self.now_ns)
        return session.date if session is not None else 0

    def _take_quote(self, market: Market, match: Match) -> None:
        order, quantity, price = match
        if order.side > 0:
            market.ask_taken += quantity
        else:
            market.bid_taken += quantity
        self._fill(market, order, quantity, price, self._date(market))

    def _fill(self, market: Market, order: WorkingOrder, quantity: Qty, price: Px, session: int) -> None:
        spec = order.spec
        fee = self._account.trade(market, order, quantity, price, session)
        order.fills += 1
        market.leave(order, -quantity)
        fill = Fill(
            exec_id(order.name, order.fills), spec.client_id, order.venue_id, spec.instrument, spec.side, quantity,
            price, fee, market.listing.currency, self.now_ns,
        )  # fmt: skip
        self.fills.append(fill)
        self.changed[order.name] = order
        self._say(fill)
        if order.filled == order.quantity:
            market.remove(order)
            self._end(order, FILLED)
