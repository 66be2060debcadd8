"""What clients ask of orders: place, change, cancel. Every refusal is said to who asked, and nothing is done."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from simulation.tws.broker.blotter import Blotter
from simulation.tws.broker.codes import Code, Refusal, refusal, text_of
from simulation.tws.broker.desk import Desk
from simulation.tws.broker.intake import Intake, Reading
from simulation.tws.broker.linked import Linked
from simulation.tws.broker.margin import commission, traded, unaffordable
from simulation.tws.broker.money import AccountBook
from simulation.tws.broker.rules import BrokerRules, Stories
from simulation.tws.broker.teller import Teller
from simulation.tws.broker.ticket import FILLED, INACTIVE, PENDING_CANCEL, PENDING_SUBMIT, Ticket
from simulation.tws.broker.waiting import Waiting
from simulation.tws.replies import OpenOrder
from simulation.tws.requests import PlaceOrder
from simulation.tws.terms import Contract, Order


class Entry:
    """Requests about orders, for one broker.

    refuse_next: the next change is refused, and the order lives.  double_next: the next change makes a second order
    under the same id, and the first lives on, as happened when orders were changed over a degraded link.
    """

    def __init__(
        self,
        books: dict[str, AccountBook],
        blotter: Blotter,
        intake: Intake,
        waiting: Waiting,
        desk: Desk,
        linked: Linked,
        teller: Teller,
        rules: BrokerRules,
        stories: Stories,
    ) -> None:
        self._books, self._blotter, self._intake, self._waiting = books, blotter, intake, waiting
        self._desk, self._linked, self._teller = desk, linked, teller
        self._rules, self._stories = rules, stories
        self.changes = 0
        self.refuse_next = self.double_next = False

    # -- place

    def place(self, client_id: int, request: PlaceOrder) -> None:
        """A new order, a change of a live one, or a what-if."""
        known = self._blotter.find(client_id, request.order_id)
        if known is not None and not known.ended and not request.order.what_if:
            self._modify(client_id, known, request)
            return
        refused = None if request.order.what_if else self._unusable(client_id, request, known)
        reading = refused or self._intake.read(request.contract, request.order, self._desk.now_ns)
        if isinstance(reading, Refusal):
            self._refuse(client_id, request.order_id, reading)
        elif request.order.what_if:
            self._what_if(client_id, request, reading)
        else:
            self._new(client_id, request, reading)

    def enter_by_hand(self, contract: Contract, order: Order) -> Ticket | Refusal:
        """An order that is typed into the gateway: it belongs to client 0 and has no order id."""
        reading = self._intake.read(contract, order, self._desk.now_ns)
        if isinstance(reading, Refusal):
            return reading
        ticket = self._ticket(0, PlaceOrder(order_id=0, contract=contract, order=order), reading)
        if self._teller.bound:
            self._blotter.bind(ticket)
        self._blotter.add(ticket)
        self._desk.launch(ticket)
        return ticket

    def _unusable(self, client_id: int, request: PlaceOrder, known: Ticket | None) -> Refusal | None:
        """Why an order id cannot name a new order."""
        if known is not None:
            return refusal(Code.FILLED_ALREADY if known.status == FILLED else Code.DUPLICATE_ID)
        if request.order_id <= 0 or request.order_id < self._blotter.next_id(client_id):
            return refusal(Code.DUPLICATE_ID)
        parent = request.order.parent_id
        if parent and self._blotter.find(client_id, parent) is None:
            return refusal(Code.CANCEL_UNKNOWN, id=parent)
        return None

    def _new(self, client_id: int, request: PlaceOrder, reading: Reading) -> None:
        ticket = self._ticket(client_id, request, reading)
        parent = self._blotter.find(client_id, request.order.parent_id) if request.order.parent_id else None
        if parent is not None:
            self._linked.join(ticket, parent)
        self._blotter.add(ticket)
        if not request.order.tif and self._rules.preset_tif:
            self._teller.object_to(ticket, Code.PRESET, tif=self._rules.preset_tif)
        if request.order.outside_rth and request.order.order_type in ("MOC", "LOC", "MOO", "LOO"):
            self._teller.object_to(ticket, Code.OUTSIDE_HOURS_IGNORED)
        if request.order.transmit:
            self._transmit(ticket, parent)

    def _transmit(self, ticket: Ticket, parent: Ticket | None) -> None:
        """Send an order, and with it the parent and the siblings that were kept for it."""
        family = [ticket] if parent is None else [parent, *self._blotter.children_of(parent)]
        for each in sorted(family, key=lambda one: one.number):
            if each.kept:
                self._desk.launch(each)

    def _ticket(self, client_id: int, request: PlaceOrder, reading: Reading) -> Ticket:
        order = request.order
        number = len(self._blotter.tickets) + 1
        return Ticket(
            number=number,
            perm_id=self._blotter.next_perm(),
            client_id=client_id,
            order_id=request.order_id,
            account=order.account or next(iter(self._books)),
            contract=request.contract,
            order=replace(order, tif=order.tif or self._rules.preset_tif or "DAY"),
            side=reading.side,
            quantity=reading.quantity,
            limit=reading.limit,
            stop=reading.stop,
            oca=order.oca_group,
            oca_type=order.oca_type or 3,
            story=self._stories(number),
            created_ns=self._desk.now_ns,
        )

    def _what_if(self, client_id: int, request: PlaceOrder, reading: Reading) -> None:
        """Say what an order would cost. No order is made, and the id stays free."""
        ticket = self._ticket(client_id, request, reading)
        book, lines = self._books[ticket.account], self._waiting.lines_of(ticket)
        extra = traded(ticket, lines, ticket.quantity)
        state = book.what_if(extra, commission(book, ticket, lines), lines[0].currency)
        order = replace(self._teller.order(ticket), perm_id=0)
        self._teller.say(client_id, OpenOrder(contract=request.contract, order=order, state=state))

    # -- change

    def _modify(self, client_id: int, ticket: Ticket, request: PlaceOrder) -> None:
        reading = self._unchangeable(ticket, request) or self._intake.read(
            request.contract, request.order, self._desk.now_ns
        )
        if not isinstance(reading, Refusal) and ticket.working:
            reading = self._refused_change(ticket, reading) or reading
        if isinstance(reading, Refusal):
            self._refuse(client_id, request.order_id, reading)
            return
        if self.double_next and ticket.working:
            self.double_next = False
            self._new(client_id, request, reading)
            return
        self._apply(ticket, request, reading)
        if not ticket.working:
            parent = self._blotter.tickets.get(ticket.parent)
            if request.order.transmit:
                self._transmit(ticket, parent)
            return
        ticket.held = tuple(each for each in ticket.held if each != "price")
        self._desk.limit_time(ticket)
        self._teller.accepted(ticket)
        self._desk.requeue(ticket)
        self._linked.expose_next(ticket)

    def _unchangeable(self, ticket: Ticket, request: PlaceOrder) -> Refusal | None:
        """Why an order cannot be changed into this one."""
        order, was = request.order, ticket.order
        if ticket.status == PENDING_SUBMIT:
            return refusal(Code.STILL_PROCESSING)
        if ticket.status in (PENDING_CANCEL, INACTIVE):
            return refusal(Code.REJECTED, reason="the order is being cancelled")
        same_contract = request.contract.con_id == ticket.con_id and request.contract.legs == ticket.contract.legs
        same_order = order.action == was.action and order.account in ("", ticket.account)
        if not (same_contract and same_order and order.oca_group in ("", ticket.oca)):
            return refusal(Code.CHANGED_TOO_MUCH)
        parent = self._blotter.tickets.get(ticket.parent)
        if order.parent_id and ticket.working and (parent is None or parent.ended):
            return refusal(Code.REJECTED, reason="the parent order is over: a change must not name it")
        return None

    def _refused_change(self, ticket: Ticket, reading: Reading) -> Refusal | None:
        """Why the broker refuses a change that is well formed. The order lives on as it was."""
        self.changes += 1
        if self.changes in self._rules.refuse_changes or self.refuse_next:
            self.refuse_next = False
            return refusal(Code.REJECTED, reason="the change was not accepted; the order stands")
        if reading.quantity <= ticket.filled:
            return refusal(Code.REJECTED, reason="the new quantity must be more than what has filled")
        more = reading.quantity - ticket.quantity
        if more > 0:
            probe = replace(ticket, quantity=more, filled=0, limit=reading.limit, stop=reading.stop)
            book = self._books[ticket.account]
            reason = unaffordable(book, probe, self._waiting.lines_of(ticket), self._desk.now_ns)
            if reason is not None:
                return refusal(Code.REJECTED, reason=reason)
        return None

    def _apply(self, ticket: Ticket, request: PlaceOrder, reading: Reading) -> None:
        order, was = request.order, ticket.order
        tif = order.tif or was.tif
        same_kind = order.order_type == was.order_type and tif == was.tif
        ticket.changeable = same_kind and order.algo_strategy == was.algo_strategy == "" and not order.all_or_none
        if order.order_type != was.order_type or reading.stop != ticket.stop:
            ticket.triggered = ticket.triggered and reading.stop is None
        ticket.changes += 1
        ticket.quantity, ticket.limit = reading.quantity, reading.limit
        if order.order_type != "TRAIL" or reading.stop is not None:
            ticket.stop = reading.stop
        ticket.order = replace(order, tif=tif, oca_group=ticket.oca, oca_type=ticket.oca_type, parent_id=was.parent_id)

    # -- cancel

    def cancel(self, client_id: int, order_id: int, seen: Callable[[Ticket], bool]) -> None:
        """Cancel an order of this client, or of another whose order it has seen among all open ones."""
        ticket = self._blotter.find(client_id, order_id)
        if ticket is None:
            other = self._blotter.others(client_id, order_id)
            ticket = other if other is not None and seen(other) else None
        if ticket is None:
            code = Code.CANCEL_UNKNOWN if self._rules.old_cancel_codes else Code.NOT_FOUND
            self._say(client_id, order_id, code, id=order_id)
        elif ticket.ended:
            code = Code.CANCEL_LATE if self._rules.old_cancel_codes else Code.NOT_CANCELLABLE
            self._say(client_id, order_id, code, id=order_id, perm_id=ticket.perm_id, state=ticket.status)
        elif ticket.status == PENDING_CANCEL:
            self._say(client_id, order_id, Code.CANCEL_LATE, perm_id=ticket.perm_id)
        else:
            self._desk.cancel(ticket, client_id)

    def global_cancel(self, client_id: int) -> None:
        """Cancel every order of every client, and those entered by hand."""
        for ticket in list(self._blotter.live.values()):
            if not ticket.ended and ticket.status != PENDING_CANCEL:
                self._desk.cancel(ticket, ticket.client_id)

    def _refuse(self, client_id: int, order_id: int, why: Refusal) -> None:
        self._teller.error(client_id, order_id, why.code, why.text)

    def _say(self, client_id: int, order_id: int, code: Code, **values: object) -> None:
        self._teller.error(client_id, order_id, code, text_of(code, **values))
