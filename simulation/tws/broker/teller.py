"""How the broker tells what becomes of an order: which messages, in which order, to whom."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from model.units import Px, div_half_even
from simulation.tws.broker.blotter import MANUAL
from simulation.tws.broker.codes import Code, text_of
from simulation.tws.broker.listing import money_out, quantity_out
from simulation.tws.broker.outlet import Outlet
from simulation.tws.broker.rules import BrokerRules, Story
from simulation.tws.broker.ticket import CANCELLED, FILLED, Ticket
from simulation.tws.broker.trades import Trade
from simulation.tws.replies import CompletedOrder, ErrorMessage, ExecDetails, OpenOrder, OrderStatus, ServerMessage
from simulation.tws.terms import Order, OrderState

SEQUENCES: dict[Story, tuple[str, ...]] = {
    Story.PLAIN: ("executions", "order", "status", "order_with_costs", "commissions"),
    Story.STATUS_FIRST: ("order", "status", "executions", "commissions"),
    Story.EXECUTION_FIRST: ("executions", "commissions", "order", "status"),
    Story.NO_FILLED_STATUS: ("executions", "commissions"),
    Story.COMMISSION_FIRST: ("commissions", "executions", "order", "status"),
    Story.LATE_COMMISSION: ("executions", "order", "status", "late_commissions"),
}
"""What is said of the fill that completes an order. Of a partial fill all is said, and costs are not known yet."""

SAID = frozenset({"child", "trigger", "locate"})
"""Reasons to hold an order that whyHeld tells."""

PriceOut = Callable[[Ticket, Px], float]


class Teller:
    """Says things of orders to their client, and to the master client if there is one.

    price_out: a price of an order's contract as the wire prints it.
    """

    def __init__(self, outlet: Outlet, rules: BrokerRules, price_out: PriceOut) -> None:
        self.outlet = outlet
        self.bound = False  # client 0 takes what is entered by hand
        self.now_ns = 0
        self._rules = rules
        self._price_out = price_out

    # -- to whom

    def hearers(self, ticket: Ticket) -> list[int]:
        """Clients that hear what becomes of an order by themselves."""
        hears = [] if ticket.client_id == MANUAL and ticket.order_id == 0 and not self.bound else [ticket.client_id]
        master = self._rules.master
        return hears if master is None or master in hears else [*hears, master]

    def say(self, client_id: int, message: ServerMessage, after_ns: int = 0) -> None:
        self.outlet.say(client_id, message, self.now_ns + after_ns)

    def spread(self, ticket: Ticket, message: ServerMessage, after_ns: int = 0) -> None:
        for client_id in self.hearers(ticket):
            self.say(client_id, message, after_ns)

    # -- what

    def error(self, client_id: int, order_id: int, code: int, text: str) -> None:
        self.say(client_id, ErrorMessage(req_id=order_id, code=int(code), text=text))

    def object_to(self, ticket: Ticket, code: Code, **values: object) -> None:
        """Say something of an order under its id."""
        self.spread(ticket, ErrorMessage(req_id=ticket.order_id, code=int(code), text=text_of(code, **values)))

    def accepted(self, ticket: Ticket) -> None:
        """Say an order as it is now: openOrder and orderStatus."""
        ticket.told = True
        self.spread(ticket, self.open_order(ticket))
        self.spread(ticket, self.status(ticket))

    def ending(self, ticket: Ticket, status: str) -> None:
        """Take a status and say it; whoever asked for the end sees its own client id in it."""
        ticket.move(status)
        said = self.status(ticket)
        asked = ticket.canceller
        for client_id in self.hearers(ticket):
            if client_id != asked:
                self.say(client_id, said)
        if asked is not None:
            self.say(asked, replace(said, client_id=asked))

    def cancelled(self, ticket: Ticket, reason: str, *, error: bool = True) -> None:
        """Say that an order is over; 202 unless it ended as it was asked to from the start."""
        ticket.reason = reason
        self.ending(ticket, CANCELLED)
        if error:
            said = ErrorMessage(
                req_id=ticket.order_id, code=int(Code.CANCELLED), text=text_of(Code.CANCELLED, reason=reason)
            )
            asked = ticket.canceller
            hearers = self.hearers(ticket)
            for client_id in hearers if asked is None or asked in hearers else [*hearers, asked]:
                self.say(client_id, said)

    def filled(self, ticket: Ticket, trades: Sequence[Trade]) -> None:
        """Tell a fill, in the order of the order's story."""
        story = ticket.story
        if ticket.status != FILLED and story is Story.NO_FILLED_STATUS:
            story = Story.PLAIN
        ticket.told = True
        for part in SEQUENCES[story]:
            if part == "executions":
                for trade in trades:
                    self.spread(ticket, ExecDetails(contract=trade.contract, execution=trade.execution))
            elif part == "order" or (part == "order_with_costs" and ticket.status == FILLED):
                self.spread(ticket, self.open_order(ticket, costs=part == "order_with_costs"))
            elif part == "status":
                self.spread(ticket, self.status(ticket))
            elif part != "order_with_costs":
                self._commissions(ticket, trades, self._rules.commission_delay_ns if part[0] == "l" else 0)

    def _commissions(self, ticket: Ticket, trades: Sequence[Trade], after_ns: int) -> None:
        for trade in trades:
            if trade.commission is not None:
                self.spread(ticket, trade.commission, after_ns)

    # -- messages

    def open_order(self, ticket: Ticket, *, costs: bool = False) -> OpenOrder:
        return OpenOrder(contract=ticket.contract, order=self.order(ticket), state=self.state(ticket, costs=costs))

    def completed(self, ticket: Ticket, at: str) -> CompletedOrder:
        """at: when it ended, as the gateway prints it."""
        state = replace(self.state(ticket, costs=True), completed_time=at, completed_status=ended_text(ticket))
        return CompletedOrder(
            contract=ticket.contract,
            order=replace(self.order(ticket), order_id=0, client_id=0, parent_id=0),
            state=state,
            filled_quantity=quantity_out(ticket.filled),
            parent_perm_id=ticket.parent,
        )

    def order(self, ticket: Ticket) -> Order:
        """An order as the gateway gives it back."""
        return replace(
            ticket.order,
            order_id=ticket.order_id,
            client_id=ticket.client_id,
            perm_id=ticket.perm_id,
            quantity=quantity_out(ticket.quantity),
            account=ticket.account,
            oca_group=ticket.oca,
            oca_type=ticket.oca_type or 3,
            trail_stop=None if ticket.stop is None else self._price_out(ticket, ticket.stop),
            clearing_intent=ticket.order.clearing_intent or "IB",
        )

    def state(self, ticket: Ticket, *, costs: bool = False) -> OrderState:
        if not costs:
            return OrderState(status=ticket.status, warning=ticket.warning)
        return OrderState(
            status=ticket.status,
            commission=money_out(ticket.fee),
            commission_currency=ticket.contract.currency,
            warning=ticket.warning,
        )

    def status(self, ticket: Ticket) -> OrderStatus:
        price = div_half_even(ticket.raw, ticket.filled) if ticket.filled else 0
        return OrderStatus(
            order_id=ticket.order_id,
            status=ticket.status,
            filled=quantity_out(ticket.filled),
            remaining=quantity_out(max(ticket.remaining, 0)),
            average_price=self._price_out(ticket, price),
            perm_id=ticket.perm_id,
            parent_id=ticket.order.parent_id,
            last_price=self._price_out(ticket, ticket.last_price),
            client_id=ticket.client_id,
            why_held=",".join(each for each in ticket.held if each in SAID),
        )


def ended_text(ticket: Ticket) -> str:
    """How a completed order says its end."""
    if ticket.status == FILLED:
        return f"Filled Size: {quantity_out(ticket.filled):g}"
    return f"{ticket.status}: {ticket.reason}" if ticket.reason else ticket.status
