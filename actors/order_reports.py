"""What the venue says of orders, and what the reconciler proves of them: one method for each kind of report."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from actors.contracts import Contracts
from actors.order import Order, new_order
from actors.order_book import CARETAKER, FOREIGN
from actors.order_desk import ROUTINE, OrderDesk
from engine.effects import Effect, Journal, Tell
from engine.message import Message
from model.execution import AdoptOrder, DayOver, DeclareAbsent, ProvenAbsent, SeenAtVenue
from model.order_events import OrderPlanned
from model.orders import (
    ORDER_PREFIX,
    CancelRejected,
    Fill,
    Filled,
    Intent,
    ModifyRejected,
    OrderAcked,
    OrderCancelled,
    OrderExpired,
    OrderModified,
    OrderRejected,
    OrderSent,
    OrderSpec,
    OrderType,
    Purpose,
    Share,
    TimeInForce,
)
from model.units import Qty, qty_float
from state.order_law import OrderEvent, OrderState, is_terminal

E = OrderEvent
SEEN = {
    OrderState.WORKING: E.SEEN_OPEN, OrderState.FILLED: E.SEEN_FILLED, OrderState.CANCELLED: E.SEEN_CANCELLED,
    OrderState.REJECTED: E.SEEN_REJECTED, OrderState.EXPIRED: E.SEEN_EXPIRED,
}  # fmt: skip
DUPLICATE_ID = "DUPLICATE_ID"
ADOPTED_RUN = "adopted"
TOLD_KEPT = 1_000

Report = (
    OrderSent
    | OrderAcked
    | OrderRejected
    | OrderCancelled
    | OrderExpired
    | OrderModified
    | ModifyRejected
    | CancelRejected
    | SeenAtVenue
    | ProvenAbsent
    | DayOver
    | DeclareAbsent
    | AdoptOrder
)


class OrderReports:
    """Turns reports into steps. A report about an order that is not in the book is an alarm, a fill is never lost."""

    def __init__(self, desk: OrderDesk, contracts: Contracts) -> None:
        self.desk = desk
        self.contracts = contracts
        self._told: dict[tuple[str, str], None] = {}
        self._by_kind: dict[type[Message], Callable[[Order, Any], list[Effect]]] = {
            OrderSent: self._sent, OrderAcked: self._acked, OrderRejected: self._rejected,
            OrderCancelled: self._cancelled, OrderExpired: self._expired, OrderModified: self._modified,
            ModifyRejected: self._modify_rejected, CancelRejected: self._cancel_rejected, SeenAtVenue: self._seen,
            ProvenAbsent: self._absent, DayOver: self._day_over, DeclareAbsent: self._declared,
        }  # fmt: skip

    def take(self, report: Any) -> list[Effect]:
        """What follows from a report on one order."""
        order = self.desk.book.orders.get(report.client_id)
        if order is None:
            return self._stranger(report) if report.client_id.startswith(ORDER_PREFIX) else []
        return self._by_kind[type(report)](order, report)

    def _stranger(self, report: Any) -> list[Effect]:
        """A report of an order that carries our prefix and is not in the book: said once, and looked up."""
        kind = type(report).__name__
        if not self._first_time(report.client_id, kind):
            return []
        alarm = self.desk.alarm("NOT_OURS", report.client_id, f"{kind} of an order not in the book")
        return alarm + self.desk.query(report.client_id)

    def _first_time(self, client_id: str, what: str) -> bool:
        """Whether nobody was told this of the order yet; the oldest such words are forgotten."""
        told = (client_id, what)
        if told in self._told:
            return False
        self._told[told] = None
        if len(self._told) > TOLD_KEPT:
            del self._told[next(iter(self._told))]
        return True

    # -- the venue's reports

    def _sent(self, order: Order, report: OrderSent) -> list[Effect]:
        return self.desk.move(order, E.HANDED_TO_WIRE)

    def _acked(self, order: Order, report: OrderAcked) -> list[Effect]:
        return self._bind(order, report.venue_id) + self.desk.move(order, E.ACKED, report.venue_id)

    def _bind(self, order: Order, venue_id: str) -> list[Effect]:
        """Take the venue's name of the order once; a second one means that two orders live."""
        if not venue_id or venue_id == order.venue_id:
            return []
        if not order.venue_id:
            order.venue_id = venue_id
            return []
        text = f"the venue names it {venue_id} and {order.venue_id}: one intent may have two orders"
        client_id, instrument = order.spec.client_id, order.spec.instrument
        first = self._first_time(client_id, venue_id)  # each of its executions tells again
        said = self.desk.alarm("TWO_VENUE_IDS", client_id, text) if first else []
        return said + self.desk.lock(instrument, f"{client_id}: {text}")

    def _rejected(self, order: Order, report: OrderRejected) -> list[Effect]:
        event = E.DUPLICATE_ID if report.code == DUPLICATE_ID else E.REJECTED
        effects = self.desk.move(order, event, f"{report.code} {report.text}")
        if event is E.DUPLICATE_ID and order.state is OrderState.WORKING:
            effects += self.desk.query(report.client_id)
        return effects

    def _cancelled(self, order: Order, report: OrderCancelled) -> list[Effect]:
        return self._ended(order, E.CANCEL_CONFIRMED, report.filled, report.reason)

    def _expired(self, order: Order, report: OrderExpired) -> list[Effect]:
        return self._ended(order, E.EXPIRED, report.filled, "")

    def _ended(self, order: Order, event: OrderEvent, filled: Qty, evidence: str) -> list[Effect]:
        """The rest is gone. Executions that the venue counts and we have not seen are asked for."""
        effects = self.desk.move(order, event, evidence)
        if filled > order.filled or order.uneven:
            effects += self.desk.query(order.spec.client_id)
        return effects

    def _modified(self, order: Order, report: OrderModified) -> list[Effect]:
        stands = self.desk.stands(order, report.change_id, report.limit, "")
        return stands + self.desk.move(order, E.MODIFY_CONFIRMED)

    def _modify_rejected(self, order: Order, report: ModifyRejected) -> list[Effect]:
        effects = self.desk.stands(order, report.change_id, order.limit, f"{report.code} {report.text}")
        text = f"modify {report.change_id} failed: {report.code} {report.text}"
        effects += self.desk.move(order, E.MODIFY_REJECTED)
        return effects + self.desk.alarm("MODIFY_REJECTED", report.client_id, text)

    def _cancel_rejected(self, order: Order, report: CancelRejected) -> list[Effect]:
        effects = self.desk.move(order, E.CANCEL_REJECTED)
        if not is_terminal(order.state):
            effects += self.desk.query(report.client_id)
        return effects

    # -- the reconciler's evidence

    def _seen(self, order: Order, seen: SeenAtVenue) -> list[Effect]:
        effects = self._bind(order, seen.venue_id)
        effects += self.desk.move(order, SEEN[OrderState(seen.state)], seen.snapshot_id)
        if seen.limit and seen.change_id == order.pending and order.limit_ns <= seen.at_ns:
            effects += self.desk.stands(order, seen.change_id, seen.limit, seen.snapshot_id)
        if seen.filled > order.filled:
            text = f"the venue counts {seen.filled} filled, the book {order.filled}, and no execution explains it"
            effects += self.desk.alarm("FILL_MISSING", seen.client_id, text)
            effects += self.desk.lock(order.spec.instrument, f"{seen.client_id}: {text}")
        return effects

    def _absent(self, order: Order, absent: ProvenAbsent) -> list[Effect]:
        return self.desk.move(order, E.PROVEN_ABSENT, absent.snapshot_id)

    def _day_over(self, order: Order, over: DayOver) -> list[Effect]:
        if not over.proved:
            return self.desk.move(order, E.NO_LONGER_SHOWN, f"{over.snapshot_id}: not open, and its day is over")
        words = f"{over.snapshot_id}: not open in two looks in a row, and its positions are equal"
        return self.desk.move(order, E.DAY_OVER, words)

    def _declared(self, order: Order, word: DeclareAbsent) -> list[Effect]:
        """A person answers for the venue. The order is given up; should it be there after all, it is an alarm."""
        effects = self.desk.move(order, E.DECLARED_ABSENT, f"{word.by}: {word.reason}")
        if order.state is OrderState.LOST and not order.settled:
            order.settled = True
            self.desk.book.close(order)
            effects += self.desk.told(order, "a person says that the venue never had it")
        return effects

    def adopt(self, adopt: AdoptOrder) -> list[Effect]:
        """Take over an order that carries our prefix; nobody here remembers why it was placed."""
        found = adopt.order
        if found.client_id in self.desk.book.orders:
            return []
        intent = Intent(
            id=found.client_id, run_id=ADOPTED_RUN, instrument=found.instrument, side=found.side,
            quantity=found.quantity, purpose=Purpose.REBALANCE,
            shares=(Share(CARETAKER, found.quantity * found.side),), reference=found.limit, limit=found.limit,
            reason="found at the venue under our prefix",
        )  # fmt: skip
        spec = OrderSpec(
            client_id=found.client_id, instrument=found.instrument, side=found.side, quantity=found.quantity,
            type=OrderType.LIMIT, tif=TimeInForce.DAY, limit=found.limit,
        )  # fmt: skip
        planned = OrderPlanned(spec, intent, f"adopted {adopt.snapshot_id}", 0, adopt.at_ns)
        contract = self.contracts.get(found.instrument)
        order = new_order(planned, contract.lot if contract else 1, 0)
        self.desk.book.add(order)
        return [
            Journal(planned), *self._bind(order, found.venue_id),
            *self.desk.move(order, E.SEEN_OPEN, adopt.snapshot_id),
            *self.desk.alarm("ADOPTED", found.client_id, f"{found.instrument}: ours, and it was not in the book"),
        ]  # fmt: skip

    # -- executions

    def fill(self, fill: Fill) -> list[Effect]:
        """Count an execution once, whatever the order's state."""
        order = self.desk.book.orders.get(fill.client_id)
        if order is None:
            return self._stray(fill)
        if fill.exec_id in order.executions:
            return []
        taken, voids = fill, ""
        if fill.corrects and fill.corrects not in order.executions:
            taken, voids = msgspec.structs.replace(fill, corrects=""), fill.corrects
        ended = is_terminal(order.state)
        shares = order.take(fill)
        filled = Filled(taken, order.intent.run_id, shares, voids)
        clients = self.desk.clients
        effects: list[Effect] = [Journal(filled), Tell(clients.portfolio, filled), Tell(clients.risk, filled)]
        if fill.venue_id and fill.venue_id != order.venue_id:
            effects += self._bind(order, fill.venue_id)
        was = order.state
        effects += self.desk.move(order, _event_of(order, fill, ended), fill.exec_id)
        if order.state is was or (was, order.state) in ROUTINE:
            effects += self.desk.told(order)
        if order.overfilled:
            effects += self._overfilled(order)
        return effects

    def _overfilled(self, order: Order) -> list[Effect]:
        client_id = order.spec.client_id
        done = {name: each.filled for name, each in order.legs.items()} or {"": order.filled}
        said = ", ".join(f"{qty_float(filled):g} {name}".rstrip() for name, filled in done.items())
        text = f"filled {said} of {qty_float(order.spec.quantity):g}: more than was asked for"
        return self.desk.alarm("OVERFILL", client_id, text) + self.desk.lock(
            order.spec.instrument, f"{client_id}: {text}"
        )

    def _stray(self, fill: Fill) -> list[Effect]:
        """An execution without an order in the book moves the position all the same, once."""
        book = self.desk.book
        ours = fill.client_id.startswith(ORDER_PREFIX)
        if ours and fill.at_ns <= book.floor_ns:
            return []
        if not book.took_stray(fill.exec_id, ""):
            return []
        sleeve = CARETAKER if ours else FOREIGN
        voids = ""
        if fill.corrects and book.took_stray(fill.corrects, ""):
            fill, voids = msgspec.structs.replace(fill, corrects=""), fill.corrects
        filled = Filled(fill, "", (Share(sleeve, fill.quantity * fill.side),), voids)
        clients = self.desk.clients
        effects: list[Effect] = [Journal(filled), Tell(clients.portfolio, filled), Tell(clients.risk, filled)]
        text = f"{fill.instrument}: execution of an order that is not in the book, kept under {sleeve}"
        effects += self.desk.alarm("STRAY_FILL", fill.exec_id, text)
        return effects + (self.desk.lock(fill.instrument, text) if ours else [])


def _event_of(order: Order, fill: Fill, ended: bool) -> OrderEvent:
    """What an execution, already counted, proves."""
    if fill.corrects and order.filled < order.spec.quantity:
        return E.FILL_CORRECTED
    if ended:
        return E.LATE_FILL
    return E.FILLED if order.filled >= order.spec.quantity else E.PARTIALLY_FILLED
