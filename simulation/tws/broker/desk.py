"""The order desk: an order from the moment it is transmitted to its end."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from msgspec.structs import replace

from model.orders import (
    CancelAtVenue,
    ModifyOrder,
    SubmitOrder,
)
from model.units import Px, Qty, qty
from simulation.tws.broker.alarms import Alarms
from simulation.tws.broker.blotter import Blotter
from simulation.tws.broker.board import Board
from simulation.tws.broker.codes import Code, text_of
from simulation.tws.broker.margin import unaffordable
from simulation.tws.broker.money import AccountBook
from simulation.tws.broker.routing import TYPES, at_auction, room, route
from simulation.tws.broker.rules import BrokerRules, Story
from simulation.tws.broker.teller import SAID, Teller
from simulation.tws.broker.ticket import (
    API_CANCELLED,
    CANCELLED,
    FILLED,
    INACTIVE,
    PENDING_CANCEL,
    PENDING_SUBMIT,
    PRE_SUBMITTED,
    SUBMITTED,
    Ticket,
)
from simulation.tws.broker.waiting import PRICE, TIME, TRIGGER, Waiting
from simulation.tws.broker.zone import Zone

Deed = Callable[[], None]

SILENT = "no more prices are recorded of this contract; the order rests until it is cancelled or its time is over"
CLOSE_GRACE_NS = 2
"""After a close, when what the broker itself holds for the day ends: later than the exchange ends its own."""


class Desk:
    """Carries orders to the exchange and takes what comes back. Nothing here is called by clients.

    todo: what follows from what is being heard, to be done after it.
    on_filled, on_ended: what a fill or an end does to other orders.  on_combo: tries to fill a combo.
    may_be_exposed: whether nothing in its group keeps an order from the exchange.
    before_send: called before an order leaves for the exchange.  prices_come: whether any of a contract still will.
    """

    def __init__(
        self,
        books: dict[str, AccountBook],
        blotter: Blotter,
        board: Board,
        waiting: Waiting,
        teller: Teller,
        alarms: Alarms,
        rules: BrokerRules,
        zone: Zone,
    ) -> None:
        self.now_ns = 0
        self.todo: deque[Deed] = deque()
        self.on_filled: Callable[[Ticket, Qty], None] = lambda ticket, quantity: None
        self.on_ended: Callable[[Ticket], None] = lambda ticket: None
        self.may_be_exposed: Callable[[Ticket], bool] = lambda ticket: True
        self.before_send: Callable[[], None] = lambda: None
        self.on_combo: Callable[[Ticket], None] = lambda ticket: None
        self.prices_come: Callable[[int], bool] = lambda con_id: True
        self._books, self._blotter, self._board = books, blotter, board
        self._waiting, self._teller, self._alarms = waiting, teller, alarms
        self._rules, self._zone = rules, zone

    # -- on the way to the exchange

    def launch(self, ticket: Ticket) -> None:
        """A transmitted order is checked against the account, said, and sent on its way."""
        reason = self._refused(ticket)
        if reason is not None:
            self.reject(ticket, reason)
            return
        ticket.held = self.reasons(ticket)
        ticket.move(PENDING_SUBMIT if self._rules.route_ns else PRE_SUBMITTED)
        if self._rules.route_ns:
            self._teller.accepted(ticket)
            self._alarms.at(self.now_ns + self._rules.route_ns, self._arrive, ticket)
        else:
            self._arrive(ticket)

    def _arrive(self, ticket: Ticket) -> None:
        if ticket.status not in (PENDING_SUBMIT, PRE_SUBMITTED):
            return
        ticket.move(PRE_SUBMITTED)
        self._waiting.glance(ticket, self.now_ns)
        ticket.held = self.reasons(ticket)
        if ticket.story is not Story.EXECUTION_FIRST or self.reasons(ticket):
            self._teller.accepted(ticket)
        self._warn_of_hours(ticket)
        self.warn_of_silence(ticket)
        self.limit_time(ticket)
        self.pursue(ticket)

    def pursue(self, ticket: Ticket) -> None:
        """Send an order to the exchange as soon as nothing keeps it any more."""
        if not ticket.working or ticket.child or ticket.status == PENDING_CANCEL:
            return
        before, ticket.held = ticket.held, self.reasons(ticket)
        self._waiting.glance(ticket, self.now_ns)
        held = self.reasons(ticket)
        changed = [each for each in held if each in SAID] != [each for each in before if each in SAID]
        ticket.held = held
        if changed and ticket.told and held:
            self._teller.spread(ticket, self._teller.status(ticket))
        if {TRIGGER, PRICE} & set(held):
            self._waiting.watch(ticket)
        if held == (PRICE,) and ticket.combo:
            self.on_combo(ticket)
        elif not held:
            self._waiting.unwatch(ticket)
            if self.may_be_exposed(ticket):
                self._send(ticket)
            elif ticket.status == PRE_SUBMITTED and self._waiting.is_open(ticket, self.now_ns):
                ticket.move(SUBMITTED)  # the client is not told which order of a group is exposed
                self._teller.accepted(ticket)

    def _send(self, ticket: Ticket) -> None:
        book = self._books[ticket.account]
        line = self._waiting.lines_of(ticket)[0]
        quote = self._board.quotes.get(ticket.con_id)
        there = room(book.exchange, line, quote, ticket.side, ticket.limit, self.now_ns)
        if ticket.order.tif == "FOK" and there < ticket.remaining:
            ticket.reason = "it could not be filled whole at once"
            self.todo.append(lambda: self.end(ticket, INACTIVE))
            return
        rest_at = self._resting_price(ticket)
        name = self._blotter.name(ticket)
        is_open = self._waiting.is_open(ticket, self.now_ns)
        till = self._zone.parse(ticket.order.good_till) if ticket.order.tif == "GTD" else 0
        spec = replace(route(ticket, name, is_open=is_open, good_till_ns=till, rest_at=rest_at), instrument=line.name)
        ticket.child_base, ticket.child_quantity = ticket.filled, spec.quantity
        self.before_send()
        book.exchange.receive(SubmitOrder(spec), self.now_ns, book.exchange.door.token)

    def _resting_price(self, ticket: Ticket) -> Px | None:
        """Where an Adaptive order waits for better than the other side, None when it does not wait (any more)."""
        order, quote = ticket.order, self._board.quotes.get(ticket.con_id)
        if order.algo_strategy != "Adaptive" or ticket.impatient or quote is None or not quote.bid or not quote.ask:
            return None
        patience = self._rules.patience_ns.get(dict(order.algo_params).get("adaptivePriority", "Normal"), 0)
        if patience == 0:
            return None
        line = self._waiting.lines_of(ticket)[0]
        middle = line.instrument.to_tick((quote.bid + quote.ask) // 2, up=ticket.side < 0)
        self._alarms.at(self.now_ns + patience, self._lose_patience, ticket)
        return middle if ticket.limit is None else ticket.side * min(ticket.side * middle, ticket.side * ticket.limit)

    def _lose_patience(self, ticket: Ticket) -> None:
        if ticket.working and not ticket.impatient:
            ticket.impatient = True
            if ticket.status != PENDING_CANCEL:
                self.withdraw(ticket)
                self.pursue(ticket)

    def resume(self, ticket: Ticket) -> None:
        """Go on with an order that came back from the record."""
        if ticket.kept or ticket.ended:
            return
        if ticket.status in (PENDING_SUBMIT, PENDING_CANCEL):
            deed = self._arrive if ticket.status == PENDING_SUBMIT else self._cancel_arrives
            self._alarms.at(self.now_ns, deed, ticket)
            return
        if 0 < ticket.expires_ns <= self.now_ns and not ticket.child:
            self._expire(ticket)
            return
        self._set_alarms(ticket)
        opens = None if self._waiting.is_open(ticket, self.now_ns) else self._waiting.opens_next(ticket, self.now_ns)
        if opens is not None:
            self._alarms.at(opens, self.opened, ticket)
        self._watch_regular_hours(ticket)
        if ticket.child and ticket.order.algo_strategy and not ticket.impatient:
            self._alarms.at(self.now_ns, self._lose_patience, ticket)
        self.pursue(ticket)

    def withdraw(self, ticket: Ticket) -> None:
        """Take an order back from the exchange, unheard by anyone."""
        if ticket.child:
            book, name = self._books[ticket.account], ticket.child
            ticket.child = ""
            book.exchange.receive(CancelAtVenue(name), self.now_ns, book.exchange.door.token)

    def reasons(self, ticket: Ticket) -> tuple[str, ...]:
        """What keeps an order from the exchange now."""
        after = self._good_after(ticket) if ticket.order.good_after else 0
        return self._waiting.reasons(ticket, self.now_ns, after)

    def _good_after(self, ticket: Ticket) -> int:
        return self._zone.parse(ticket.order.good_after)

    def _refused(self, ticket: Ticket) -> str | None:
        if self._blotter.working(ticket) >= self._rules.most_working:
            return f"at most {self._rules.most_working} orders of one contract may work on one side"
        return unaffordable(self._books[ticket.account], ticket, self._waiting.lines_of(ticket), self.now_ns)

    def _warn_of_hours(self, ticket: Ticket) -> None:
        """Say that an order is held until the market opens, and look again then."""
        self._watch_regular_hours(ticket)
        if self._waiting.is_open(ticket, self.now_ns) or TIME in ticket.held:
            return
        opens = self._waiting.opens_next(ticket, self.now_ns)
        if opens is not None:
            when = self._zone.text(opens)
            self._teller.object_to(ticket, Code.MESSAGE, reason=f"the order is held until the market opens at {when}")
            if self._waiting.regular(ticket, self.now_ns) is None:
                self._alarms.at(opens, self.opened, ticket)

    def warn_of_silence(self, ticket: Ticket) -> None:
        """Say that an order rests where no price will come any more."""
        if not all(self.prices_come(line.con_id) for line in self._waiting.lines_of(ticket)):
            self._teller.object_to(ticket, Code.MESSAGE, reason=SILENT)
            self._teller.spread(ticket, self._teller.status(ticket))  # clients take a message for an end

    def opened(self, ticket: Ticket) -> None:
        """The market of an order has opened."""
        if ticket.child and ticket.status == PRE_SUBMITTED and not at_auction(ticket):
            ticket.move(SUBMITTED)
            self._teller.accepted(ticket)
        self._watch_regular_hours(ticket)
        self.pursue(ticket)

    def _watch_regular_hours(self, ticket: Ticket) -> None:
        window = self._waiting.regular(ticket, self.now_ns)
        if window is not None and ticket.working:
            begins = window[0] > self.now_ns
            self._alarms.at(window[0] if begins else window[1], self.opened if begins else self._paused, ticket)

    def _paused(self, ticket: Ticket) -> None:
        """Regular hours are over: an order that keeps to them comes back from the exchange until the next."""
        if (
            ticket.child
            and ticket.status in (SUBMITTED, PRE_SUBMITTED)
            and not self._waiting.is_open(ticket, self.now_ns)
        ):
            self.withdraw(ticket)
            ticket.move(PRE_SUBMITTED)
            self._teller.accepted(ticket)
        self._watch_regular_hours(ticket)
        self.pursue(ticket)

    # -- ends

    def reject(self, ticket: Ticket, reason: str) -> None:
        """201, and the order is Inactive."""
        ticket.reason = reason
        self._teller.object_to(ticket, Code.REJECTED, reason=reason)
        self.end(ticket, INACTIVE)

    def cancel(self, ticket: Ticket, client_id: int | None, reason: str = "asked for") -> None:
        """End what remains of an order; PendingCancel is said at once."""
        ticket.canceller, ticket.reason = client_id, reason
        if ticket.kept or ticket.status == PENDING_SUBMIT:
            self.end(ticket, API_CANCELLED)
            return
        self._teller.ending(ticket, PENDING_CANCEL)
        if self._rules.route_ns and client_id is not None:
            self._alarms.at(self.now_ns + self._rules.route_ns, self._cancel_arrives, ticket)
        else:
            self._cancel_arrives(ticket)

    def _cancel_arrives(self, ticket: Ticket) -> None:
        if ticket.ended:
            self.too_late(ticket)
        elif ticket.child:
            book = self._books[ticket.account]
            book.exchange.receive(CancelAtVenue(ticket.child), self.now_ns, book.exchange.door.token)
        else:
            self.end(ticket, CANCELLED)

    def too_late(self, ticket: Ticket) -> None:
        if ticket.canceller is not None:
            code = Code.NOT_CANCELLABLE
            text = text_of(code, id=ticket.order_id, state=ticket.status)
            self._teller.error(ticket.canceller, ticket.order_id, code, text)

    def end(self, ticket: Ticket, status: str, *, error: bool = True) -> None:
        """Take an end and say it, with 202 for a cancel."""
        if ticket.ended:
            return
        self._waiting.unwatch(ticket)
        ticket.ended_ns, ticket.held = self.now_ns, ()
        self._blotter.end(ticket)
        if status == CANCELLED:
            self._teller.cancelled(ticket, ticket.reason, error=error)
        else:
            self._teller.ending(ticket, status)
        self.todo.append(lambda: self.on_ended(ticket))

    def lapse(self, ticket: Ticket) -> None:
        """An order that had to fill at once ends with what has filled; nobody asked for it, so there is no 202."""
        if ticket.working and ticket.status != PENDING_CANCEL:
            self._teller.ending(ticket, PENDING_CANCEL)
            ticket.reason = "immediate or cancel"
            self.end(ticket, CANCELLED, error=False)

    def _expire(self, ticket: Ticket) -> None:
        """The time of an order that the broker itself holds is over; the exchange ends what it has."""
        over = 0 < ticket.expires_ns <= self.now_ns
        if over and ticket.working and not ticket.child and ticket.status != PENDING_CANCEL:
            self.lapsed(ticket)

    def lapsed(self, ticket: Ticket) -> None:
        """An order has come to the end of its own time, or of its contract's."""
        expired = 0 < self._waiting.contract_ends(ticket) <= self.now_ns and ticket.order.tif in ("GTC", "GTD")
        ticket.reason = "the contract has expired" if expired else "its time in force is over"
        self.end(ticket, CANCELLED)

    def _set_alarms(self, ticket: Ticket) -> None:
        """Watch for the moments that an order names, and for the end of its time in force."""
        if ticket.order.good_after:
            self._alarms.at(self._good_after(ticket), self.pursue, ticket)
        if ticket.expires_ns:
            self._alarms.at(ticket.expires_ns, self._expire, ticket)

    def limit_time(self, ticket: Ticket) -> None:
        """Work out when an order ends that the broker itself holds: with its time, or with its contract."""
        tif = ticket.order.tif
        closes = self._waiting.closes_next(ticket, self.now_ns) if tif not in ("GTC", "GTD") else None
        ends = [each + CLOSE_GRACE_NS for each in (closes, self._waiting.contract_ends(ticket)) if each]
        if tif == "GTD":
            ends.append(self._zone.parse(ticket.order.good_till))
        ticket.expires_ns = min(ends, default=0)
        self._set_alarms(ticket)

    def adopt(self, ticket: Ticket, quantity: Qty) -> None:
        """A child goes on without its parent, for what the parent filled."""
        ticket.parent = 0
        self.resize(ticket, quantity)

    # -- fills and changes

    def fill(self, ticket: Ticket, quantity: Qty, price: Px) -> None:
        """Count a fill and take the status that follows."""
        ticket.filled += quantity
        ticket.raw += price * quantity
        ticket.last_price = price
        if ticket.filled >= ticket.quantity:
            ticket.move(FILLED)
            ticket.child, ticket.held, ticket.ended_ns = "", (), self.now_ns
            self._blotter.end(ticket)
            self._waiting.unwatch(ticket)
        elif ticket.status in (PRE_SUBMITTED, PENDING_SUBMIT):
            ticket.move(SUBMITTED)
        if ticket.child and ticket.filled - ticket.child_base >= ticket.child_quantity:
            ticket.child = ""
        self.todo.append(lambda: self.on_filled(ticket, quantity))

    def touch(self, ticket: Ticket) -> None:
        """An order changed that may have ended long ago."""
        self._blotter.touch(ticket)

    def resize(self, ticket: Ticket, quantity: Qty) -> None:
        """Give an order another total quantity, at the exchange too."""
        ticket.quantity = quantity
        self.requeue(ticket)

    def requeue(self, ticket: Ticket) -> None:
        """Bring an order's new terms to the exchange: as a change where that can be made, else as a new order."""
        if not ticket.child:
            self.pursue(ticket)
            return
        kind = TYPES[ticket.order.order_type]
        book = self._books[ticket.account]
        spec = book.exchange.desk.orders[ticket.child].spec
        if kind in (TYPES["LMT"], TYPES["LOC"], TYPES["LOO"]) and ticket.changeable and spec.type is not TYPES["MKT"]:
            total = ticket.quantity - ticket.child_base
            ticket.child_quantity = total
            till = self._zone.parse(ticket.order.good_till) if ticket.order.tif == "GTD" else 0
            change = ModifyOrder(ticket.child, f"{ticket.child}.c{ticket.changes}", ticket.limit or 0, total, till)
            book.exchange.receive(change, self.now_ns, book.exchange.door.token)
        else:
            self.withdraw(ticket)
            self.pursue(ticket)


def whole(quantity: Qty) -> Qty:
    """The whole units of a quantity."""
    return quantity - quantity % qty(1)
