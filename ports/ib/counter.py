"""Where requests become messages: each is encoded, paced, written, and known to be written or not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec.structs import replace

from model.orders import ModifyOrder, OrderSpec
from ports.ib.blotter import NOT_SENT, Blotter
from ports.ib.contracts import Pins
from ports.ib.encoding import encode
from ports.ib.errors import IBError
from ports.ib.held import Held
from ports.ib.order_ids import Durable
from ports.ib.pacer import Lane
from ports.ib.session import Session
from ports.ib.settings import IBSettings
from ports.ib.what_if import WhatIf, what_if

UNKNOWN_ORDER, ORDER_DONE, OTHER_CLIENT = "UNKNOWN_ORDER", "ORDER_DONE", "OTHER_CLIENT"
MOST_ORDER_IDS = 900_000_000
"""Order ids stay below the numbers of questions."""


class Counter:
    """may_send: asked again when a message leaves the pacer; the lease may have been lost meanwhile.  ask: look what
    became of an order.  ordered: told the legs of an order that is about to leave."""

    def __init__(
        self, settings: IBSettings, pins: Pins, blotter: Blotter, durable: Durable, may_send: Callable[[], bool],
        ask: Callable[[str], None], ordered: Callable[[str, tuple[tuple[int, int], ...]], None],
    ) -> None:  # fmt: skip
        self._ordered = ordered
        self._settings, self._pins, self._blotter = settings, pins, blotter
        self._durable, self._may_send, self._ask = durable, may_send, ask

    def submit(self, session: Session, spec: OrderSpec) -> None:
        """A new order under a new id. What cannot be written down as an order is refused here: nothing of it left."""
        from ports.ib.forms import contract_form, order_form

        order_id = self._durable.next_id()
        held = self._blotter.planned(spec, order_id)
        try:
            if order_id > MOST_ORDER_IDS:
                raise IBError("the order ids are used up", "use another client id")
            pin = self._pins.tradeable(spec.instrument)
            order = order_form(encode(spec, pin, self._settings))
        except IBError as error:
            self._blotter.not_sent(held, f"{error}: {error.next}")
            return
        contract = contract_form(pin.query)
        self._ordered(spec.client_id, tuple((leg.con_id, leg.ratio) for leg in pin.query.legs))

        def write() -> None:
            if held.cancelling:
                raise ConnectionError("it was cancelled before it left")
            self._allow()
            session.client.placeOrder(order_id, contract, order)
            self._blotter.sent(held)

        session.send(Lane.ORDER, write, lambda reason: self._blotter.not_sent(held, reason))

    def modify(self, session: Session, change: ModifyOrder) -> None:
        """The same order with a new limit, quantity or good-till time, under its own id."""
        from ports.ib.forms import changed_form, contract_form

        held = self._blotter.held.get(change.client_id)
        if held is None or held.spec is None or held.over or held.client != self._settings.client_id:
            self._refuse_change(held, change)
            return
        spec = replace(
            held.spec, limit=change.limit, quantity=change.quantity or held.spec.quantity,
            expires_ns=change.expires_ns or held.spec.expires_ns,
        )  # fmt: skip
        try:
            pin = self._pins.tradeable(spec.instrument)
            spec = replace(spec, limit=pin.to_tick(spec.limit, spec.side))
            order = changed_form(encode(spec, pin, self._settings), held.order_id)
        except IBError as error:
            self._blotter.unchanged(held, change.change_id, error.code, f"{error}: {error.next}")
            return
        contract = contract_form(pin.query)

        def write() -> None:
            self._allow()
            if held.over:
                raise ConnectionError("the order ended before its change left")
            session.client.placeOrder(held.order_id, contract, order)
            self._blotter.changing(held, change, spec)
            held.spec = spec

        def unsent(reason: str) -> None:
            self._blotter.unchanged(held, change.change_id, NOT_SENT, reason)

        session.send(Lane.ORDER, write, unsent)

    def cancel(self, session: Session, client_id: str) -> None:
        """Before its order has left it keeps the order here; after that it overtakes everything."""
        held = self._blotter.held.get(client_id)
        if held is None or held.over or not held.order_id or held.client != self._settings.client_id:
            code = UNKNOWN_ORDER if held is None or not held.order_id else ORDER_DONE if held.over else OTHER_CLIENT
            self._blotter.refuse_cancel(client_id, code, "there is nothing that this client could cancel")
            return
        held.cancelling = True
        if not held.sent_ns and not held.shown:
            return  # it waits in the pacer; its turn finds that it is not wanted any more

        def write() -> None:
            self._allow()
            session.client.cancelOrder(held.order_id)
            self._blotter.cancel_sent(held)
            self._look_later(session, client_id)

        def unsent(reason: str) -> None:
            held.cancelling = False
            self._blotter.refuse_cancel(client_id, NOT_SENT, reason)

        session.send(Lane.CANCEL, write, unsent)

    def _look_later(self, session: Session, client_id: str) -> None:
        """A cancel that nobody answers may never have arrived: the look asks for it again, which does no harm."""
        loop = asyncio.get_running_loop()
        loop.call_later(self._settings.patience.cancel_s, lambda: self._unanswered(session, client_id))

    def _unanswered(self, session: Session, client_id: str) -> None:
        held = self._blotter.held.get(client_id)
        if held is not None and held.cancelling and not held.over and not session.over.done():
            self._ask(client_id)

    def cancel_id(self, session: Session, order_id: int) -> None:
        """A second order under one reference is never wanted."""

        def write() -> None:
            self._allow()
            session.client.cancelOrder(order_id)

        session.send(Lane.CANCEL, write, lambda reason: None)

    async def what_if(self, session: Session, spec: OrderSpec) -> WhatIf:
        """What an order would cost. Raises NotPinned, NotEncodable, RequestRefused, Unanswered, LinkLost."""
        from ports.ib.forms import contract_form, order_form

        pin = self._pins.tradeable(spec.instrument)
        order = order_form(encode(spec, pin, self._settings), what_if=True)
        return await what_if(session, self._durable.next_id(), contract_form(pin.query), order, self._allow)

    def _refuse_change(self, held: Held | None, change: ModifyOrder) -> None:
        known = held or Held(ref=change.client_id)
        code = UNKNOWN_ORDER if known.spec is None else ORDER_DONE if known.over else OTHER_CLIENT
        self._blotter.unchanged(known, change.change_id, code, "there is nothing that this client could change")

    def _allow(self) -> None:
        if not self._may_send():
            raise ConnectionError("this engine may not speak for the account any more")
