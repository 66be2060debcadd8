"""Where every step of an order is taken: the law is asked, the step is journalled, and those who wait are told."""

from __future__ import annotations

from typing import Any

from actors.order import Order
from actors.order_book import OrderBook
from engine.clock import Clock
from engine.effects import Effect, Journal, Ref, Tell
from model.combos import contracts_of
from model.execution import Alarm, LockInstrument, OrderDenied, QueryOrders
from model.order_events import OrderMoved, OrderStands
from model.orders import Intent, OrderUpdate
from model.units import Px
from state.order_law import OrderEvent, OrderState

SENT, UNKNOWN = OrderState.SENT, OrderState.UNKNOWN
ROUTINE = {(OrderState.DURABLE, OrderState.SENT), (OrderState.DURABLE, OrderState.WORKING),
           (OrderState.SENT, OrderState.WORKING)}  # fmt: skip
"""Steps that change nothing for those who wait for the order: they were told when it was planned."""

LOCKING = {"CONTRADICTED", "BEFORE_COMMIT", "PROOF_WRONG", "NOT_DURABLE", "VANISHED"}
DENIED = "DENIED"


class Clients:
    """Whom the order manager talks to."""

    __slots__ = ("basket", "market_data", "pair", "portfolio", "reconciler", "risk", "system")

    def __init__(
        self, *, pair: Ref[Any], basket: Ref[Any], risk: Ref[Any], portfolio: Ref[Any], reconciler: Ref[Any],
        system: Ref[Any], market_data: Ref[Any],
    ) -> None:  # fmt: skip
        self.pair = pair
        self.basket = basket
        self.risk = risk
        self.portfolio = portfolio
        self.reconciler = reconciler
        self.system = system
        self.market_data = market_data


class OrderDesk:
    """The book, the law, and who hears of it. `clock` is given when the actor starts."""

    def __init__(self, book: OrderBook, clients: Clients) -> None:
        self.book = book
        self.clients = clients
        self.clock: Clock = Clock()

    def move(self, order: Order, event: OrderEvent, evidence: str = "") -> list[Effect]:
        """One step by the law with everything that follows from it."""
        was = order.state
        outcome = order.step(event)
        effects: list[Effect] = []
        if outcome.state is not was:
            now_ns = self.clock.now_ns
            order.changed_ns = now_ns
            spec = order.spec
            effects.append(
                Journal(OrderMoved(spec.client_id, event, was, outcome.state, order.venue_id, evidence, now_ns))
            )
            if order.over:
                self.book.close(order)
            elif spec.client_id not in self.book.open:
                self.book.open[spec.client_id] = order
            if (was, outcome.state) not in ROUTINE:
                effects += self.told(order, evidence)
            if outcome.state is UNKNOWN:
                effects.append(Tell(self.clients.reconciler, QueryOrders((spec.client_id,))))
        if outcome.note.alarm:
            text = f"{event} in {was}: {outcome.note.text}"
            if event is OrderEvent.LATE_FILL:
                text += f" ({evidence})"  # each execution is news of its own
            effects += self.alarm(outcome.note.name, order.spec.client_id, text)
            if outcome.note.name in LOCKING:
                effects += self.lock(order.spec.instrument, f"{order.spec.client_id}: {outcome.note.text}")
        return effects

    def stands(self, order: Order, change_id: str, limit: Px, evidence: str) -> list[Effect]:
        """The venue's word on what works of an order, where it settles a change or is news."""
        if limit == order.limit and (not change_id or change_id != order.pending):
            return []
        now_ns = self.clock.now_ns
        order.stand(change_id, limit, now_ns)
        return [Journal(OrderStands(order.spec.client_id, change_id, limit, evidence, now_ns))]

    def update(self, order: Order, reason: str = "") -> OrderUpdate:
        spec = order.spec
        return OrderUpdate(
            spec.client_id, order.intent.run_id, spec.instrument, spec.side, order.state, spec.quantity, order.filled,
            order.over, self.clock.now_ns, reason,
        )  # fmt: skip

    def told(self, order: Order, reason: str = "") -> list[Effect]:
        """Tell those who wait for the order where it stands."""
        update = self.update(order, reason)
        clients = self.clients
        return [Tell(clients.pair, update), Tell(clients.basket, update), Tell(clients.risk, update)]

    def deny(self, intent: Intent, code: str, text: str) -> list[Effect]:
        """End an intent that never became an order."""
        denial = OrderDenied(intent.id, intent.run_id, intent.instrument, code, text, self.clock.now_ns)
        self.book.deny(denial)
        return [Journal(denial), *self.told_denied(intent, denial)]

    def told_denied(self, intent: Intent, denial: OrderDenied) -> list[Effect]:
        update = OrderUpdate(
            intent.id, intent.run_id, intent.instrument, intent.side, DENIED, intent.quantity, 0, True,
            self.clock.now_ns, f"{denial.code}: {denial.text}",
        )  # fmt: skip
        clients = self.clients
        return [Tell(clients.pair, update), Tell(clients.basket, update), Tell(clients.risk, update)]

    def alarm(self, code: str, subject: str, text: str) -> list[Effect]:
        return [Journal(Alarm(code, subject, text, self.clock.now_ns))]

    def lock(self, instrument: str, reason: str) -> list[Effect]:
        """Lock what an order in this instrument could move: every leg of a combo."""
        return [Tell(self.clients.system, LockInstrument(each, reason, "orders")) for each in contracts_of(instrument)]

    def query(self, *client_ids: str) -> list[Effect]:
        """Ask the reconciler to look these orders up at the venue."""
        return [Tell(self.clients.reconciler, QueryOrders(client_ids))]
