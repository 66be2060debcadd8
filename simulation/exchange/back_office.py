"""What the venue does to orders and executions afterwards, of its own accord: corrections, late refusals, transfers."""

from __future__ import annotations

from msgspec.structs import replace

from model.orders import Fill, OrderAcked
from model.units import Px, Qty
from simulation.exchange.account import Account
from simulation.exchange.book import OPEN, REJECTED, WorkingOrder, exec_id
from simulation.exchange.combos import sum_up
from simulation.exchange.desk import Desk
from simulation.exchange.listing import Listing
from simulation.exchange.rules import Reject


class BackOffice:
    """Works on what the desk has done. Whoever plays the venue's part in a test calls it."""

    def __init__(self, desk: Desk, account: Account) -> None:
        self._desk, self._account = desk, account

    def acknowledge_again(self, client_id: str) -> None:
        """Say once more that an order was taken; nothing of one that never was."""
        order = self._desk.orders.get(client_id)
        if order is not None and order.venue_id:
            self._desk.say(OrderAcked(client_id, order.venue_id, self._desk.now_ns))

    def refuse_late(self, client_id: str, reason: Reject) -> bool:
        """End an open order, acknowledged before, as refused after all; False when it is not open any more."""
        order = self._desk.orders.get(client_id)
        if order is None or order.state != OPEN:
            return False
        order.code = reason.name
        self._desk.leave(order, REJECTED)
        self._desk.refuse(client_id, reason)
        return True

    def correct(self, execution: str, quantity: Qty, price: Px) -> None:
        """Put another execution in the place of one: no quantity is a bust. An ended order is not opened again by it.

        Raises LookupError when there is no such execution, ValueError when it was corrected before, or for another
        quantity of an order that is open. Only a record in memory knows of corrections.
        """
        corrected = next((fill for fill in self._desk.fills if fill.exec_id == execution), None)
        if corrected is None:
            raise LookupError(f"there is no execution {execution!r}")
        order = self._of(corrected)
        if order.state == OPEN and quantity != corrected.quantity:
            raise ValueError(f"{corrected.client_id} is open: only the price of its executions can be corrected")
        if any(fill.corrects == corrected.exec_id for fill in self._desk.fills):
            raise ValueError(f"{corrected.exec_id} was corrected before; correct its correction")
        market = self._account.markets[corrected.instrument]
        leg = next((each for each in order.legs if each.spec.instrument == corrected.instrument), order)
        fee = self._account.correct(market, leg, corrected, quantity, price, self._desk.date_of(market))
        if order.legs:
            sum_up(order)
        order.fills += 1
        fill = replace(
            corrected, exec_id=exec_id(order.name, order.fills), quantity=quantity, price=price, fee=fee,
            at_ns=self._desk.now_ns, corrects=corrected.exec_id,
        )  # fmt: skip
        self._desk.fills.append(fill)
        self._desk.changed[order.name] = order
        self._desk.say(fill)

    def _of(self, fill: Fill) -> WorkingOrder:
        """The order of an execution: the venue's name of it tells apart those under one client's id."""
        order = self._desk.orders[fill.client_id]
        if order.venue_id == fill.venue_id:
            return order
        same = (each for each in self._desk.orders.values() if each.spec.client_id == fill.client_id)
        return next((each for each in same if each.venue_id == fill.venue_id), order)

    def transfer(self, listing: Listing, quantity: Qty, price: Px) -> None:
        """Move a position in or out without a trade."""
        market = self._desk.market(listing)
        self._account.transfer(market, quantity, price, self._desk.date_of(market))
