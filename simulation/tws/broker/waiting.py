"""Why an order is not at the exchange yet, and what prices do to stops."""

from __future__ import annotations

from collections import defaultdict

from model.market import BarClosed, Quote
from model.sessions import Session
from model.units import Px, px
from simulation.tws.broker.blotter import Blotter
from simulation.tws.broker.board import Board
from simulation.tws.broker.hours import RegularHours, Window
from simulation.tws.broker.listing import Line, Lines, decimal
from simulation.tws.broker.money import AccountBook
from simulation.tws.broker.routing import at_auction, needs_open, room
from simulation.tws.broker.ticket import FILLED, Ticket

CHILD, TIME, HOURS, TRIGGER, PRICE, LOCATE = "child", "time", "hours", "trigger", "price", "locate"
STOPS = ("STP", "STP LMT", "TRAIL")

LAST, BID_ASK, EITHER, MIDDLE = 2, 4, 7, 8
"""Trigger methods; 0 is the last price where one was seen, else bid and ask."""


class Waiting:
    """Orders that wait for their parent, their time, the open, a price or shares."""

    def __init__(
        self, blotter: Blotter, lines: Lines, hours: RegularHours, board: Board, books: dict[str, AccountBook]
    ) -> None:
        self._blotter, self._lines, self._hours = blotter, lines, hours
        self._board, self._books = board, books
        self._watch: dict[int, set[int]] = defaultdict(set)

    def reasons(self, ticket: Ticket, now_ns: int, good_after_ns: int) -> tuple[str, ...]:
        """Everything that keeps an order from the exchange now."""
        parent = self._blotter.tickets.get(ticket.parent)
        found = (
            (CHILD, parent is not None and parent.status != FILLED),
            (TIME, good_after_ns > now_ns),
            (HOURS, not self.may_trade(ticket, now_ns)),
            (TRIGGER, ticket.order.order_type in STOPS and not ticket.triggered),
            (PRICE, ticket.combo or (ticket.order.all_or_none and not self._whole(ticket, now_ns))),
            (LOCATE, ticket.locating),
        )
        return tuple(reason for reason, holds in found if holds)

    def lines_of(self, ticket: Ticket) -> list[Line]:
        con_ids = [leg.con_id for leg in ticket.contract.legs] if ticket.combo else [ticket.con_id]
        found = (self._lines.get(con_id) for con_id in con_ids)
        return [line for line in found if line is not None]

    def session(self, ticket: Ticket, now_ns: int) -> Session | None:
        """The session that runs for an order's contract; of a combo the first leg's that is not open decides."""
        running = None
        for line in self.lines_of(ticket):
            listing = self._books[ticket.account].exchange.listings.get(line.name)
            running = None if listing is None else listing.sessions.open_at(now_ns)
            if running is None:
                return None
        return running

    def is_open(self, ticket: Ticket, now_ns: int) -> bool:
        """Whether an order can trade now: its session runs, and regular hours do or need not."""
        window = self.regular(ticket, now_ns)
        return self.session(ticket, now_ns) is not None and (window is None or window[0] <= now_ns)

    def may_trade(self, ticket: Ticket, now_ns: int) -> bool:
        """Whether the exchange may have an order now: outside the session it waits there for the open."""
        if needs_open(ticket) or self.regular(ticket, now_ns) is not None:
            return self.is_open(ticket, now_ns)
        return True

    def regular(self, ticket: Ticket, now_ns: int) -> Window | None:
        """Regular hours that an order keeps to, running or next; None when its session's hours are enough."""
        if ticket.order.outside_rth or ticket.combo or at_auction(ticket):
            return None
        return self._hours.window(ticket.con_id, now_ns)

    def opens_next(self, ticket: Ticket, now_ns: int) -> int | None:
        """When an order that cannot trade now can; of a combo the last contract decides. None at the calendar's end."""
        window = self.regular(ticket, now_ns)
        if window is not None:
            return window[0] if window[0] > now_ns else None
        moments = []
        for line in self.lines_of(ticket):
            listing = self._books[ticket.account].exchange.listings.get(line.name)
            session = None if listing is None else listing.sessions.opening_after(now_ns)
            if session is None:
                return None
            moments.append(session.opens_ns)
        return max(moments, default=None)

    def closes_next(self, ticket: Ticket, now_ns: int) -> int | None:
        """When the session that runs, or the next one, closes for the first of an order's contracts."""
        moments = []
        for line in self.lines_of(ticket):
            listing = self._books[ticket.account].exchange.listings.get(line.name)
            session = None if listing is None else listing.sessions.closing_after(now_ns)
            if session is not None:
                moments.append(session.closes_ns)
        return min(moments, default=None)

    def contract_ends(self, ticket: Ticket) -> int:
        """When the first of an order's contracts trades for the last time; 0 where none has such a day."""
        listed = (self._books[ticket.account].exchange.listings.get(line.name) for line in self.lines_of(ticket))
        return min((each.last.closes_ns for each in listed if each is not None and each.last is not None), default=0)

    def watch(self, ticket: Ticket) -> None:
        """Look at this order whenever a price of its contracts changes."""
        for line in self.lines_of(ticket):
            self._watch[line.con_id].add(ticket.perm_id)

    def unwatch(self, ticket: Ticket) -> None:
        for line in self.lines_of(ticket):
            self._watch[line.con_id].discard(ticket.perm_id)

    def watching(self, con_id: int) -> list[Ticket]:
        """Orders that wait for a price of this contract, oldest first."""
        return [self._blotter.tickets[perm] for perm in sorted(self._watch.get(con_id, ()))]

    # -- stops

    def glance(self, ticket: Ticket, now_ns: int) -> None:
        """Look at the prices that are there already: a stop that they touch need not wait for the next ones.

        A last trade outside the quote says nothing of the present.
        """
        session, quote = self.session(ticket, now_ns), self._board.quotes.get(ticket.con_id)
        if ticket.order.order_type not in STOPS or session is None or quote is None or quote.at_ns < session.opens_ns:
            return
        self.on_quote(ticket, quote, now_ns)
        last = self._board.trades.get(ticket.con_id)
        if last is not None and quote.bid <= last <= quote.ask:
            self.on_trade(ticket, last, now_ns)

    def on_quote(self, ticket: Ticket, quote: Quote, now_ns: int) -> None:
        """Move a trailing stop, and trigger what the quote touches."""
        if not quote.bid_size or not quote.ask_size or quote.bid > quote.ask:
            return
        method = ticket.order.trigger_method
        method = (LAST if ticket.con_id in self._board.trades else BID_ASK) if method == 0 else method
        if method in (BID_ASK, EITHER):
            self.reach(ticket, quote.ask if ticket.side > 0 else quote.bid, now_ns)
        elif method == MIDDLE:
            self.reach(ticket, (quote.bid + quote.ask) // 2, now_ns)

    def on_trade(self, ticket: Ticket, price: Px, now_ns: int) -> None:
        if ticket.order.trigger_method in (0, LAST, EITHER):
            self.reach(ticket, price, now_ns)

    def on_bar(self, ticket: Ticket, bar: BarClosed, now_ns: int) -> None:
        """A bar is walked open, nearer extreme, other extreme, close, as the exchange walks it."""
        nearer_low = bar.high - bar.open >= bar.open - bar.low
        extremes = (bar.low, bar.high) if nearer_low else (bar.high, bar.low)
        for price in (bar.open, *extremes, bar.close):
            self.reach(ticket, price, now_ns, in_session=True)

    def reach(self, ticket: Ticket, price: Px, now_ns: int, *, in_session: bool = False) -> None:
        """A price that counts for a stop was seen."""
        if ticket.triggered or CHILD in ticket.held or TIME in ticket.held:
            return
        far = ticket.order.order_type != "TRAIL" and ticket.stop is not None and (price - ticket.stop) * ticket.side < 0
        if far or (not in_session and not self.is_open(ticket, now_ns)):
            return
        if ticket.order.order_type == "TRAIL":
            self._trail(ticket, price)
        stop = ticket.stop
        if stop is not None and (price - stop) * ticket.side >= 0:
            ticket.triggered = True

    def _trail(self, ticket: Ticket, price: Px) -> None:
        """Let a trailing stop follow the price, never back."""
        line = self._lines.get(ticket.con_id)
        if line is None:
            return
        order = ticket.order
        if order.trail_percent:
            gap = abs(price) * px(decimal(order.trail_percent)) // (100 * 10**9)
        else:
            gap = line.price_in(order.aux or 0.0)
        stop = line.instrument.to_tick(price + ticket.side * gap, up=ticket.side > 0)
        if ticket.stop is None or (ticket.stop - stop) * ticket.side > 0:
            ticket.stop = stop

    def _whole(self, ticket: Ticket, now_ns: int) -> bool:
        """Whether all that remains would trade at once."""
        line = self._lines.get(ticket.con_id)
        if line is None:
            return False
        exchange, quote = self._books[ticket.account].exchange, self._board.quotes.get(ticket.con_id)
        return room(exchange, line, quote, ticket.side, ticket.limit, now_ns) >= ticket.remaining
