"""What the exchanges say, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable

from model.orders import (
    CancelRejected,
    Fill,
    ModifyRejected,
    OrderAcked,
    OrderCancelled,
    OrderExpired,
    OrderRejected,
    VenueFact,
)
from simulation.exchange.rules import Reject
from simulation.tws.broker.blotter import Blotter
from simulation.tws.broker.codes import Code
from simulation.tws.broker.desk import Desk
from simulation.tws.broker.money import AccountBook
from simulation.tws.broker.teller import Teller
from simulation.tws.broker.ticket import CANCELLED, INACTIVE, PENDING_CANCEL, PRE_SUBMITTED, SUBMITTED, Ticket
from simulation.tws.broker.waiting import Waiting


class Hearing:
    """Takes facts from the exchanges of all accounts.

    on_fill: books a fill and says what it became.  on_money: takes what is about no order.
    """

    def __init__(
        self, books: dict[str, AccountBook], blotter: Blotter, waiting: Waiting, desk: Desk, teller: Teller
    ) -> None:
        self.on_fill: Callable[[Ticket, Fill], None] = lambda ticket, fill: None
        self.on_money: Callable[[AccountBook, VenueFact], None] = lambda book, fact: None
        self._books, self._blotter, self._waiting = books, blotter, waiting
        self._desk, self._teller = desk, teller
        self._settling = False

    def settle(self) -> bool:
        """Take everything that the exchanges say, and do what follows from it, until nothing does.

        Whether there was anything.
        """
        if self._settling:
            return False
        happened = bool(self._desk.todo)
        self._settling = True
        todo = self._desk.todo
        try:
            while self.hear() or todo:
                happened = True
                while todo:
                    todo.popleft()()
        finally:
            self._settling = False
        return happened

    def hear(self) -> bool:
        """Take what the exchanges say now; whether they said anything."""
        heard = False
        for book in self._books.values():
            facts = book.exchange.take(self._desk.now_ns)
            acked: list[Ticket] = []
            for fact in facts:
                self._take(book, fact, acked)
            for ticket in acked:
                self.stands(ticket)
            heard = heard or bool(facts)
        return heard

    def _take(self, book: AccountBook, fact: VenueFact, acked: list[Ticket]) -> None:
        child = getattr(fact, "client_id", "")
        ticket = self._blotter.named(child) if child else None
        if ticket is None:
            self.on_money(book, fact)
        elif isinstance(fact, Fill):
            self.on_fill(ticket, fact)
        elif child != ticket.child:
            return
        elif isinstance(fact, OrderAcked):
            acked.append(ticket)
        elif isinstance(fact, OrderRejected):
            self.refused(ticket, fact.code, fact.text)
        elif isinstance(fact, OrderCancelled):
            self.cancelled(ticket)
        elif isinstance(fact, OrderExpired):
            self.expired(ticket)
        elif isinstance(fact, ModifyRejected):
            self._unchanged(book, ticket, fact)
        elif isinstance(fact, CancelRejected):
            self._desk.too_late(ticket)

    def stands(self, ticket: Ticket) -> None:
        """An order that came to the exchange and rests there."""
        if ticket.child and ticket.working and ticket.status != PENDING_CANCEL:
            status = SUBMITTED if self._waiting.is_open(ticket, self._desk.now_ns) else PRE_SUBMITTED
            if ticket.status != status or not ticket.told:
                ticket.move(status)
                self._teller.accepted(ticket)

    def _unchanged(self, book: AccountBook, ticket: Ticket, fact: ModifyRejected) -> None:
        """The exchange refused a change: the order stands as the exchange has it."""
        order = book.exchange.desk.orders[fact.client_id]
        ticket.limit, ticket.quantity = order.limit, order.quantity + ticket.child_base
        ticket.child_quantity = order.quantity
        self._teller.object_to(ticket, Code.REJECTED, reason=fact.text)
        self._teller.accepted(ticket)

    def refused(self, ticket: Ticket, code: str, text: str) -> None:
        """The exchange did not take an order; one that needs shares waits for them."""
        ticket.child = ""
        if code == Reject.NO_LOCATE.name:
            ticket.locating = True
            ticket.held = self._desk.reasons(ticket)
            self._teller.object_to(ticket, Code.LOCATING)
            self._teller.accepted(ticket)
        else:
            self._desk.reject(ticket, text)

    def expired(self, ticket: Ticket) -> None:
        """The exchange ended an order by its own clock."""
        ticket.child = ""
        self._desk.lapsed(ticket)

    def cancelled(self, ticket: Ticket) -> None:
        """The exchange ended what it had of an order."""
        ticket.child = ""
        if ticket.status == PENDING_CANCEL:
            self._desk.end(ticket, CANCELLED)
        elif ticket.order.order_type == "MTL" and ticket.limit is None and ticket.filled:
            ticket.limit = ticket.last_price
            self._desk.todo.append(lambda: self._desk.pursue(ticket))
        elif ticket.order.all_or_none:
            self._desk.todo.append(lambda: self._desk.pursue(ticket))
        elif ticket.order.tif == "FOK":
            self._desk.end(ticket, INACTIVE)
        else:
            self._desk.lapse(ticket)
