"""The broker behind the simulated gateway: accounts, orders and what is said of them. Stepped, without I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from engine.timers import NEVER
from model.market import BarClosed, Quote
from model.units import Cash, Px, Qty
from simulation.exchange import Exchange
from simulation.tws.broker.alarms import Alarms
from simulation.tws.broker.answers import Answers
from simulation.tws.broker.blotter import Blotter
from simulation.tws.broker.board import Board
from simulation.tws.broker.booking import Booking
from simulation.tws.broker.codes import Refusal
from simulation.tws.broker.combos import Combos
from simulation.tws.broker.cost import Booked
from simulation.tws.broker.desk import Desk
from simulation.tws.broker.entry import Entry
from simulation.tws.broker.hearing import Hearing
from simulation.tws.broker.hours import RegularHours
from simulation.tws.broker.intake import Intake
from simulation.tws.broker.keeper import Keeper
from simulation.tws.broker.linked import Linked
from simulation.tws.broker.listing import Catalogue, Line, Lines
from simulation.tws.broker.money import AccountBook, Rates
from simulation.tws.broker.outlet import Outlet
from simulation.tws.broker.record import BrokerRecord, Meta
from simulation.tws.broker.resume import Resuming
from simulation.tws.broker.rules import BrokerRules, Permissions, Stories, Story, always
from simulation.tws.broker.teller import Teller
from simulation.tws.broker.ticket import Ticket
from simulation.tws.broker.trades import Trades
from simulation.tws.broker.waiting import STOPS, Waiting
from simulation.tws.broker.zone import Zone
from simulation.tws.replies import ServerMessage
from simulation.tws.requests import PlaceOrder
from simulation.tws.terms import Contract, Order


class ClientView(msgspec.Struct, frozen=True):
    """What a client is told when it comes. accounts: as managedAccounts says them."""

    client_id: int
    accounts: str
    next_order_id: int


class Broker:
    """Accounts at simulated exchanges, as clients of one gateway see them.

    Tell it prices (`on_quote`, `on_trade`, `on_bar`), requests and the time (`advance`), in time order; ask `next_ns`
    when it wants a turn; `take` what it says. Requests happen at the time that it was last told.

    accounts: an exchange each, that neither checks margin nor has latency or faults: those are the broker's here.
    changes: grows with everything that may have changed orders or accounts; prices alone do not count.
    rates: money of `base_currency` for one unit of a currency, in 1e-9; looked up at the moment of use.
    stories: in which order callbacks of each order's fills come.
    record: where the broker writes; one that holds something is resumed, and the exchanges must be too. What was not
    taken before is not said again: clients ask.
    """

    def __init__(
        self,
        accounts: Mapping[str, Exchange],
        catalogue: Catalogue,
        *,
        now_ns: int,
        base_currency: str = "USD",
        rates: Rates | None = None,
        permissions: Permissions | None = None,
        rules: BrokerRules | None = None,
        stories: Stories | None = None,
        record: BrokerRecord | None = None,
    ) -> None:
        if not accounts:
            raise ValueError("a broker needs at least one account")
        for exchange in accounts.values():
            if exchange.rules.margin or exchange.rules.latency_ns:
                raise ValueError("the broker checks margin and has the latency: the exchange's rules must have neither")
        self.rules = rules or BrokerRules()
        self.zone = Zone(self.rules.zone)
        self._outlet, self._board, self._alarms = Outlet(), Board(), Alarms()
        self._lines = Lines(catalogue)
        self._blotter = Blotter()
        known = rates if rates is not None else {}
        self.books = {
            name: AccountBook(name, exchange, base_currency, known, self.rules) for name, exchange in accounts.items()
        }
        self._teller = Teller(self._outlet, self.rules, self._price_out)
        hours = RegularHours(catalogue)
        self._waiting = Waiting(self._blotter, self._lines, hours, self._board, self.books)
        self._desk = Desk(
            self.books, self._blotter, self._board, self._waiting, self._teller, self._alarms, self.rules, self.zone
        )
        self._trades = Trades(self.zone)
        self.now_ns = self._midnight_ns = -1
        self.changes = 0
        self._uncommitted = False
        self._keeper = None if record is None else Keeper(record, self.books, self._blotter, self._trades, self._lines)
        resuming = self._wire_up(permissions or Permissions(), stories or always(Story.PLAIN))
        self._begin(now_ns, resuming)

    def _wire_up(self, permissions: Permissions, stories: Stories) -> Resuming:
        desk, teller, blotter = self._desk, self._teller, self._blotter
        booking = Booking(self.books, self._lines, self._trades, desk, teller, self.zone)
        self._hearing = hearing = Hearing(self.books, blotter, self._waiting, desk, teller)
        combos = Combos(self.books, blotter, self._board, self._waiting, desk, hearing, booking, teller)
        linked = Linked(blotter, desk)
        hearing.on_fill, hearing.on_money, desk.on_combo = booking.on_fill, booking.on_money, combos.try_to_fill
        desk.on_filled, desk.on_ended, desk.may_be_exposed = linked.on_filled, linked.on_ended, linked.may_be_exposed
        intake = Intake(self._lines, self._mark, self.rules, permissions, self.zone, set(self.books))
        self._entry = Entry(self.books, blotter, intake, self._waiting, desk, linked, teller, self.rules, stories)
        self.answers = Answers(self.books, blotter, self._trades, teller, self.zone, self._changed)
        desk.before_send = self._commit
        return Resuming(self.books, blotter, self._trades, desk, hearing, booking, combos)

    def _begin(self, now_ns: int, resuming: Resuming) -> None:
        """Start at a moment, or go on from the record."""
        meta = self._keeper.load() if self._keeper is not None else None
        if meta is not None:
            self.now_ns, self._midnight_ns = meta.now_ns, meta.midnight_ns
            self._teller.bound, self._entry.changes = meta.binds, meta.changes
            self._make_present(now_ns)
            self._desk.now_ns = self._teller.now_ns = self.now_ns
            resuming.run()
            self._commit()
        self._at(now_ns)

    def _commit(self) -> None:
        """Write what changed, before anything of it is said or sent."""
        if self._keeper is not None:
            ids = self._blotter.ids()
            self._keeper.commit(
                Meta(
                    self.now_ns, self._midnight_ns, ids, self._blotter.manual_ids, self._teller.bound,
                    self._entry.changes, self._keeper.marks(),
                )
            )  # fmt: skip

    # -- clients

    def connect(self, client_id: int) -> ClientView:
        """A client comes. Raises ValueError when its id is in use (326 is the session's to say)."""
        if client_id in self._outlet.clients:
            raise ValueError(f"client id {client_id} is in use")
        self._outlet.clients.add(client_id)
        return ClientView(client_id, ",".join(self.books), self._blotter.next_id(client_id))

    def disconnect(self, client_id: int) -> None:
        """A client has gone. Its orders go on; what was not taken yet is lost."""
        self._outlet.forget(client_id)
        self.answers.forget(client_id)

    def next_order_id(self, client_id: int) -> int:
        return self._blotter.next_id(client_id)

    def roll_back_ids(self, client_id: int, next_id: int) -> None:
        """Forget that order ids from `next_id` on were used, as after a restart with lost settings."""
        self._blotter.roll_back(client_id, next_id)
        self._changed()

    # -- orders

    def place(self, client_id: int, request: PlaceOrder) -> None:
        """A new order, a change of a live one under its id, or a what-if."""
        self._entry.place(client_id, request)
        self._settle()

    def cancel(self, client_id: int, order_id: int) -> None:
        self._entry.cancel(client_id, order_id, lambda ticket: self.answers.has_seen(client_id, ticket))
        self._settle()

    def global_cancel(self, client_id: int) -> None:
        self._entry.global_cancel(client_id)
        self._settle()

    def harm_next_change(self, *, double: bool) -> None:
        """Refuse the next change of a live order (201), or make a second order of it and let the first live on."""
        if double:
            self._entry.double_next = True
        else:
            self._entry.refuse_next = True

    def enter_by_hand(self, contract: Contract, order: Order) -> Ticket | Refusal:
        """An order that a person types into the gateway."""
        made = self._entry.enter_by_hand(contract, order)
        self._settle()
        return made

    def correct(self, exec_id: str, quantity: Qty, price: Px) -> None:
        """The exchange corrects an execution, price in the currency's main unit; no quantity is a bust.

        Raises LookupError when there is no such execution, ValueError when it was corrected before.
        """
        trade = self._trades.called(exec_id)
        if trade is None or not trade.source:
            raise LookupError(f"there is no execution {exec_id!r} of a contract")
        self.books[trade.execution.account].exchange.back_office.correct(trade.source, quantity, price)
        self._settle()

    def locate(self, con_id: int) -> None:
        """Shares for short sales of a contract have been found: orders that wait for them go on."""
        for ticket in list(self._blotter.live.values()):
            if ticket.con_id == con_id and ticket.locating:
                ticket.locating = False
                self._desk.pursue(ticket)
        self._settle()

    # -- the account

    def transfer(self, account: str, con_id: int, quantity: Qty, price: Px) -> None:
        """Bring a position in (or out, below zero) at this price. Raises LookupError for an unknown contract."""
        line, book = self._line(con_id), self.books[account]
        listing = book.exchange.listings.get(line.name)
        if listing is None:
            raise LookupError(f"the exchange does not list {line.name}")
        book.exchange.back_office.transfer(listing, quantity, price)
        holding = book.costs.holding(line)
        stem = f"transfer-{len(book.exchange.account.transfers)}"
        holding.book(Booked(stem, quantity, price, 0, self.now_ns))
        self._settle()

    def move_cash(self, account: str, id: str, kind: str, currency: str, amount: Cash) -> None:
        """Pay money in or out: a deposit, interest, a dividend. A known id is ignored."""
        self.books[account].exchange.move_cash(id, kind, currency, amount, "", self.now_ns)
        self._settle()

    def accrue(self, account: str, currency: str, amount: Cash) -> None:
        """Let interest or a dividend accrue that is not paid yet; below zero when it is paid."""
        accrued = self.books[account].accrued
        accrued[currency] = accrued.get(currency, 0) + amount
        self._changed()

    # -- prices

    def on_quote(self, con_id: int, bid: Px, ask: Px, bid_size: Qty, ask_size: Qty, at_ns: int) -> None:
        """The best bid and ask of a contract changed; prices in the currency's main unit, size 0 for no side."""
        line = self._line(con_id)
        self._at(at_ns)
        quote = Quote(line.name, bid, ask, bid_size, ask_size, at_ns)
        self._board.quotes[con_id] = quote
        for book in self.books.values():
            book.exchange.on_quote(quote)
        waiting = self._waiting.watching(con_id)
        if waiting:
            self._settle_if_due(at_ns)
            for ticket in waiting:
                before = ticket.stop
                self._waiting.on_quote(ticket, quote, at_ns)
                self._after_price(ticket, before)
        self._settle_if_due(at_ns)

    def prices_from(self, come: Callable[[int], bool]) -> None:
        """Ask there whether any prices of a contract are still to come."""
        self._desk.prices_come = come

    def on_end_of_prices(self, con_id: int) -> None:
        """No more will come of a contract: orders that outlive the session hear of it."""
        for ticket in list(self._blotter.live.values()):
            if ticket.order.tif in ("GTC", "GTD") and any(
                line.con_id == con_id for line in self._waiting.lines_of(ticket)
            ):
                self._desk.warn_of_silence(ticket)
        self._settle()

    def on_trade(self, con_id: int, price: Px, at_ns: int) -> None:
        """A contract traded. It moves stops and nothing else: orders match against quotes and bars."""
        self._at(at_ns)
        self._board.trades[con_id] = price
        waiting = self._waiting.watching(con_id)
        for ticket in waiting:
            before = ticket.stop
            self._waiting.on_trade(ticket, price, at_ns)
            self._after_price(ticket, before)
        if waiting:
            self._settle_if_due(at_ns)

    def on_bar(self, con_id: int, bar: BarClosed) -> None:
        """A bar of a contract closed. A stop that it touches trades at what comes next."""
        self._line(con_id)
        self._at(bar.at_ns)
        for book in self.books.values():
            book.exchange.on_bar(bar)
        self._hearing.settle()
        for ticket in self._waiting.watching(con_id):
            before = ticket.stop
            self._waiting.on_bar(ticket, bar, bar.at_ns)
            self._after_price(ticket, before)
        self._settle()

    def _after_price(self, ticket: Ticket, stop: Px | None) -> None:
        if ticket.triggered or ticket.order.order_type not in STOPS:
            self._desk.pursue(ticket)
        elif ticket.stop != stop and ticket.told:
            self._teller.spread(ticket, self._teller.open_order(ticket))

    # -- time

    def next_ns(self) -> int | None:
        """When the broker wants to be asked again; None for never."""
        due = min(self._next_event(), self._outlet.next_ns())
        return None if due == NEVER else due

    def advance(self, now_ns: int) -> None:
        """Let everything happen that is due by now."""
        self._at(now_ns)
        if self._hearing.settle() or self._uncommitted:
            self._changed()

    def take(self, now_ns: int) -> list[tuple[int, ServerMessage]]:
        """What is to be said by now, in order: client and message."""
        self.advance(now_ns)
        return self._outlet.take(now_ns)

    def _at(self, now_ns: int) -> None:
        """Let everything happen that is due before a moment or at it, and make it the present. Time never goes back."""
        while (due := self._next_event()) <= now_ns:
            self._uncommitted = True
            self._make_present(due)
            self._hearing.settle()
            if self._alarms.next_ns() <= self.now_ns:
                self._alarms.fire()
                self._hearing.settle()
        self._make_present(now_ns)

    def _next_event(self) -> int:
        due = self._alarms.next_ns()
        for book in self.books.values():
            wanted = book.exchange.next_ns()
            due = due if wanted is None else min(due, wanted)
        return due

    def _make_present(self, at_ns: int) -> None:
        if at_ns <= self.now_ns:
            return
        if at_ns >= self._midnight_ns:
            for book in self.books.values():
                book.mark_day(self.zone.midnight(at_ns))
            self._midnight_ns = self.zone.next_midnight(at_ns)
        self.now_ns = self._desk.now_ns = self._teller.now_ns = at_ns

    def _settle(self) -> None:
        self._hearing.settle()
        self._changed()

    def _changed(self) -> None:
        """Something may have: let it be written before it is said."""
        self.changes += 1
        self._uncommitted = False
        self._commit()

    def _settle_if_due(self, at_ns: int) -> None:
        for book in self.books.values():
            if self._desk.todo or book.exchange.due.at_ns <= at_ns:
                self._settle()
                return

    def _line(self, con_id: int) -> Line:
        line = self._lines.get(con_id)
        if line is None:
            raise LookupError(f"the catalogue has no contract {con_id}")
        return line

    def _mark(self, line: Line) -> Px | None:
        return next(iter(self.books.values())).exchange.last_price(line.name)

    def _price_out(self, ticket: Ticket, price: Px) -> float:
        line = self._lines.get(ticket.con_id)
        return price / 10**9 if line is None or ticket.combo else line.price_out(price)
