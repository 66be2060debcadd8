"""What did not leave: requests that the port refused, and orders that are proven absent and may leave again."""

from __future__ import annotations

from collections.abc import Mapping

from actors.order import Order
from actors.order_desk import OrderDesk
from actors.order_pacing import Pacing
from engine.effects import Effect, ToPort
from engine.message import Message, Refused
from model.decisions import Mode
from model.orders import CancelAtVenue, ModifyOrder, SubmitOrder
from state.order_law import OrderEvent, OrderState
from state.system_law import may_place

NOT_TAKEN, FAILED = "the venue port did not take it", "the venue port failed over it"


class OrderResend:
    """A port's refusal is its promise that nothing left; where it failed, nobody knows."""

    def __init__(self, desk: OrderDesk, pacing: Pacing, locked: Mapping[str, str]) -> None:
        self.desk, self.pacing, self.locked = desk, pacing, locked

    def resend(self, order: Order | None, mode: Mode) -> list[Effect]:
        """Send an order that is not at the venue again under its id, while its decision still stands."""
        if order is None or order.state is not OrderState.LOST or order.settled:
            return []
        pacing, policy = self.pacing, self.pacing.policy
        intent, now_ns = order.intent, self.desk.clock.now_ns
        current = intent.run_id == self.desk.book.current_run and now_ns <= order.planned_ns + policy.resend_within_ns
        current = current and not 0 < order.spec.expires_ns <= now_ns
        if not (policy.resend_lost and current) or order.wants_cancel:
            return self._give_up(order)
        held = order.spec.instrument in self.locked and not intent.reduces
        if held or not pacing.link_up or not may_place(mode, reduces=intent.reduces):
            return []
        order.leave_again(now_ns)
        effects = self.desk.move(order, OrderEvent.RESENT) + pacing.lease.leaving(order.spec)
        effects.append(ToPort(pacing.venue, SubmitOrder(order.spec, resend=True)))
        return effects + pacing.started(order, laddered=pacing.laddered(order))

    def _give_up(self, order: Order) -> list[Effect]:
        order.settled = True
        self.desk.book.close(order)
        return self.desk.told(order, "it is not at the venue and is not sent again")

    def refused(self, refused: Refused) -> list[Effect]:
        """The port took nothing: an order waits for the link, a change did not happen, a cancel is asked again."""
        message = refused.message
        order = self.desk.book.orders.get(_subject(message))
        if order is None or order.over:
            return []
        words = FAILED if refused.raised else NOT_TAKEN
        if isinstance(message, SubmitOrder):
            event = OrderEvent.NOT_SENT if _certain(order, refused) else OrderEvent.DISCONNECTED
            effects = self.desk.move(order, event, words)
            lost = order.state is OrderState.LOST and order.wants_cancel
            return effects + (self._give_up(order) if lost else [])
        if isinstance(message, ModifyOrder):
            if refused.raised:
                return []
            return self.desk.stands(order, message.change_id, order.limit, words)
        return self.pacing.cancel_later(order)


def _certain(order: Order, refused: Refused) -> bool:
    """Whether the refused sending is the only one there was, and the venue has said nothing of the order."""
    unheard = not order.venue_id and not order.executions
    return unheard and not refused.raised and not order.resent_ns


def _subject(message: Message) -> str:
    """The order that a request to the venue is about."""
    if isinstance(message, SubmitOrder):
        return message.order.client_id
    return message.client_id if isinstance(message, ModifyOrder | CancelAtVenue) else ""
