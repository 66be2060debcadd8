"""Orders of ours at the gateway: requests become messages, callbacks and looks become facts, nothing is assumed.

An order is known by its reference, then by the broker's own id of it, and by (client, order id) only within the session
that gave the id: a gateway may roll its ids back and use them anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from model.orders import (
    ORDER_PREFIX,
    CancelRejected,
    ModifyOrder,
    ModifyRejected,
    OrderAcked,
    OrderCancelled,
    OrderExpired,
    OrderModified,
    OrderRejected,
    OrderSent,
    OrderSpec,
    TimeInForce,
    VenueFact,
)
from model.units import NS_PER_SECOND, Qty
from ports.ib.codes import Action, Rule
from ports.ib.contracts import Pins
from ports.ib.heard import ENDED, FILLED, WORKING, ExecutionSeen, OrderSeen, StatusSeen
from ports.ib.held import Change, Held
from ports.ib.wire_numbers import px_in

NOT_SENT, BROKER_CODE = "NOT_SENT", "IB_{}"
KEPT_OVER = 5_000


class Blotter:
    """tell: a fact for the order manager.  ask: look what became of an order, soon.  surplus: cancel an order id whose
    reference has another live order.  cancel_again: a cancel did nothing for `cancel_s`.  flush: tell the executions of
    an order that wait.  now_ns: the engine's time."""

    def __init__(
        self, pins: Pins, *, client: int, tell: Callable[[VenueFact], None], ask: Callable[[str], None],
        surplus: Callable[[int], None], cancel_again: Callable[[str], None], flush: Callable[[str], None],
        now_ns: Callable[[], int], cancel_s: float,
    ) -> None:  # fmt: skip
        self._cancel_again, self._cancel_ns = cancel_again, int(cancel_s * NS_PER_SECOND)
        self.held: dict[str, Held] = {}
        self._pins, self._client = pins, client
        self._tell, self._ask, self._surplus, self._flush, self._now_ns = tell, ask, surplus, flush, now_ns
        self._by_id: dict[int, Held] = {}
        self._by_perm: dict[int, Held] = {}

    # -- requests

    def planned(self, spec: OrderSpec, order_id: int) -> Held:
        """An order is about to be put before the socket under a new id of this session."""
        held = self.held.get(spec.client_id)
        if held is None:
            held = self.held[spec.client_id] = Held(ref=spec.client_id, perm_ids=[])
            self._trim()
        held.spec, held.instrument, held.order_id, held.client = spec, spec.instrument, order_id, self._client
        held.over = held.shown = held.acked = held.cancelling = held.absent = False
        held.sent_ns, held.error = 0, None
        self._by_id[order_id] = held
        return held

    def sent(self, held: Held) -> None:
        """The bytes were handed to the socket."""
        held.sent_ns = self._now_ns()
        self._tell(OrderSent(held.ref, held.sent_ns))

    def not_sent(self, held: Held, reason: str) -> None:
        """It never reached the socket: that much is certain, and nothing of it is there."""
        held.over = True
        self._tell(OrderRejected(held.ref, NOT_SENT, reason, self._now_ns()))

    def changing(self, held: Held, change: ModifyOrder, spec: OrderSpec) -> None:
        held.change = Change(change.change_id, spec.limit, spec.quantity, spec.expires_ns, held.spec)

    def unchanged(self, held: Held, change_id: str, code: str, text: str) -> None:
        """A change that surely did not happen."""
        if held.change is not None and held.change.change_id == change_id:
            held.change = None
        self._tell(ModifyRejected(held.ref, change_id, code, text, self._now_ns()))

    def cancel_sent(self, held: Held) -> None:
        held.cancelling, held.cancel_ns = True, self._now_ns()

    def refuse_cancel(self, ref: str, code: str, text: str) -> None:
        """A cancel that surely did nothing."""
        self._tell(CancelRejected(ref, code, text, self._now_ns()))

    def new_session(self) -> None:
        """Order ids of the last session name nothing any more, and what became of changes is unknown.

        A cancel that was under way is still wanted: the next look that shows its order working asks again.
        """
        self._by_id.clear()
        for held in self.held.values():
            held.change = None

    def unresolved(self) -> list[Held]:
        return [held for held in self.held.values() if held.unresolved]

    def expected(self) -> list[str]:
        """References that the gateway has shown in this life and that are not over: no look may miss them."""
        return [held.ref for held in self.held.values() if held.shown and not held.over]

    # -- callbacks

    def on_open(self, seen: OrderSeen) -> None:
        """openOrder, asked for or not."""
        held = self._of_order(seen)
        if held is None:
            return
        self._bind(held, seen.order_id, seen.client, seen.perm_id)
        if seen.status in WORKING:
            self._working(held, seen)
        elif not held.over and (seen.status in ENDED or (seen.status == FILLED and held.filled < seen.quantity)):
            self._ask(held.ref)

    def on_status(self, seen: StatusSeen) -> None:
        held = self._by_perm.get(seen.perm_id)
        if held is None and seen.client == self._client:
            held = self._by_id.get(seen.order_id)
            if held is not None and held.perm_ids and seen.perm_id not in (0, *held.perm_ids):
                held = None  # an id that was used anew
        if held is None:
            return
        self._bind(held, seen.order_id, seen.client, seen.perm_id)
        if seen.status in WORKING:
            self._ack(held, seen.perm_id)
        elif (seen.status in ENDED or (seen.status == FILLED and held.filled < seen.filled)) and not held.over:
            self._ask(held.ref)

    def on_execution(self, seen: ExecutionSeen, filled: Qty) -> None:
        """An execution was taken. filled: of its order, corrections folded."""
        held = self.held.get(seen.ref) or self._by_perm.get(seen.perm_id)
        if held is None:
            return
        self._bind(held, seen.order_id, seen.client, seen.perm_id)
        held.filled = filled
        if held.spec is not None and filled >= held.spec.quantity:
            held.over = True

    def on_complaint(self, order_id: int, code: int, text: str, rule: Rule) -> None:
        """An error about an order id of ours. It ends a new order at most; whatever else is said is looked up."""
        held = self._by_id.get(order_id)
        if held is None or rule.action is Action.NOTE:
            return
        if order_id != held.order_id:
            self._ask(held.ref)  # about an earlier sending of what was sent again
            return
        held.shown = held.shown or rule.action is not Action.ASK
        if held.change is not None and rule.action in (Action.REJECT, Action.ASK):
            held.change = msgspec.structs.replace(held.change, error=(code, text))
            self._ask(held.ref)
        elif rule.action is Action.REJECT and not held.acked and not held.filled:
            held.over = True
            self._tell(OrderRejected(held.ref, BROKER_CODE.format(code), text, self._now_ns()))
        elif rule.action is Action.CANCEL_FAILED:
            held.cancelling = False
            if not held.over:
                self._tell(CancelRejected(held.ref, BROKER_CODE.format(code), text, self._now_ns()))
            self._ask(held.ref)
        else:
            held.error = (code, text)
            self._ask(held.ref)

    # -- looks

    def apply(
        self, open_orders: Iterable[OrderSeen], completed: Iterable[OrderSeen], asked: Iterable[str],
        filled: Callable[[str], Qty],
    ) -> None:  # fmt: skip
        """What a look says of the orders that were asked about. Executions were told before."""
        shown = {each.ref: each for each in open_orders}
        ended = {each.ref: each for each in completed}
        for ref in asked:
            held = self.held.get(ref)
            if held is None:
                continue
            held.filled = max(held.filled, filled(ref))
            seen = shown.get(ref)
            if seen is not None and seen.status not in ENDED:
                self._working(held, seen)
                self._unmoved(held, seen)
                if held.cancelling and seen.status in WORKING and self._now_ns() >= held.cancel_ns + self._cancel_ns:
                    self._cancel_again(held.ref)
            elif ref in ended or seen is not None:
                self._end(held, ended.get(ref) or seen)

    def _unmoved(self, held: Held, seen: OrderSeen) -> None:
        """An order that works on as it was, though a change was objected to."""
        change = held.change
        if change is not None and change.error is not None:
            held.change = None
            if change.before is not None:
                held.spec = change.before
            code, text = change.error
            self._tell(ModifyRejected(held.ref, change.change_id, BROKER_CODE.format(code), text, self._now_ns()))

    def _end(self, held: Held, seen: OrderSeen | None) -> None:
        if held.over or seen is None:
            return
        held.over, held.shown = True, True
        change, held.change = held.change, None
        self._flush(held.ref)
        now_ns, error = self._now_ns(), held.error or (change.error if change else None)
        if seen.status == FILLED:
            return
        if error is not None and not held.filled and not held.acked:
            self._tell(OrderRejected(held.ref, BROKER_CODE.format(error[0]), error[1], now_ns))
        elif _lapsed(held, now_ns):
            self._tell(OrderExpired(held.ref, held.filled, now_ns))
        else:
            reason = error[1] if error else seen.words or seen.status
            self._tell(OrderCancelled(held.ref, held.filled, reason, now_ns))

    # -- who is who

    def adopt(self, seen: OrderSeen, instrument: str) -> Held:
        """An open order that carries our prefix and comes from an earlier life of this engine."""
        held = self.held.get(seen.ref)
        if held is None:
            held = self.held[seen.ref] = Held(ref=seen.ref, perm_ids=[], instrument=instrument)
            held.acked = True
        self._bind(held, seen.order_id, seen.client, seen.perm_id)
        return held

    def _of_order(self, seen: OrderSeen) -> Held | None:
        if seen.ref:
            return self.held.get(seen.ref)
        return self._by_perm.get(seen.perm_id)

    def _bind(self, held: Held, order_id: int, client: int, perm_id: int) -> None:
        """Take the broker's names of an order. A second one of a live order is cancelled and told: the engine asks."""
        held.shown = True
        if not perm_id or perm_id in held.perm_ids:
            if order_id > 0 and client == self._client and perm_id and perm_id == held.perm_ids[0]:
                held.order_id, held.client = order_id, client
                self._by_id[order_id] = held
            return
        held.perm_ids.append(perm_id)
        self._by_perm[perm_id] = held
        if len(held.perm_ids) == 1:
            if order_id > 0:
                held.order_id, held.client = order_id, client
            if client == self._client and order_id > 0:
                self._by_id[order_id] = held
            return
        self._tell(OrderAcked(held.ref, str(perm_id), self._now_ns()))
        if client == self._client and order_id > 0 and not held.over:
            self._surplus(order_id)

    def _ack(self, held: Held, perm_id: int) -> None:
        if not held.acked and perm_id and not held.over:
            held.acked = True
            self._tell(OrderAcked(held.ref, str(perm_id), self._now_ns()))

    def _working(self, held: Held, seen: OrderSeen) -> None:
        self._ack(held, seen.perm_id)
        change = held.change
        if change is None:
            return
        pin = self._pins.of_contract(seen.contract)
        limit = px_in(seen.limit, pin.magnifier) if pin is not None and seen.limit is not None else 0
        till = change.expires_ns in (0, seen.good_till_ns) or seen.tif != TimeInForce.GTD.value
        if limit == change.limit and change.quantity in (0, seen.quantity) and till:
            held.change = None
            self._tell(OrderModified(held.ref, change.change_id, limit, self._now_ns()))

    def _trim(self) -> None:
        """Forget the oldest orders that are over."""
        if len(self.held) <= KEPT_OVER:
            return
        for ref in [each.ref for each in self.held.values() if each.over][: KEPT_OVER // 10]:
            gone = self.held.pop(ref)
            self._by_id.pop(gone.order_id, None)
            for perm_id in gone.perm_ids:
                self._by_perm.pop(perm_id, None)


def _lapsed(held: Held, now_ns: int) -> bool:
    """Whether nobody but the clock ended a good-till order; its moment was sent in whole seconds."""
    spec = held.spec
    if spec is None or spec.tif is not TimeInForce.GTD or held.cancelling:
        return False
    return 0 < spec.expires_ns <= now_ns + NS_PER_SECOND


def ours(ref: str) -> bool:
    """Whether an order carries our prefix: nothing else is ever touched."""
    return ref.startswith(ORDER_PREFIX)
