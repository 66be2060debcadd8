"""Orders that depend on others: brackets and one-cancels-all groups."""

from __future__ import annotations

from model.units import Qty
from simulation.tws.broker.blotter import Blotter
from simulation.tws.broker.desk import Desk, whole
from simulation.tws.broker.ticket import FILLED, PENDING_CANCEL, Ticket

CANCEL_OTHERS = 1
"""OCA type 1; types 2 and 3 reduce the others by the same part."""

WITH_BLOCK = (1, 2)
"""OCA types of which one order of a contract and side is exposed at a time, so that no two fill together."""


class Linked:
    """What a fill or an end does to an order's children, parent and group."""

    def __init__(self, blotter: Blotter, desk: Desk) -> None:
        self._blotter, self._desk = blotter, desk

    def join(self, ticket: Ticket, parent: Ticket) -> None:
        """Tie a child to its parent; the children of one parent are an OCA group, unless they are in another."""
        ticket.parent = parent.perm_id
        if not ticket.oca:
            ticket.oca, ticket.oca_type = str(parent.perm_id), 3

    def may_be_exposed(self, ticket: Ticket) -> bool:
        """Whether an order of a group with block may go to the exchange: only the one that would fill first may.

        One that would fill later comes back from there, unheard by anyone.
        """
        rivals = [each for each in self._rivals(ticket) if each.child]
        if any(_eagerness(each) < _eagerness(ticket) for each in rivals):
            return False
        for each in rivals:
            self._desk.withdraw(each)
        return True

    def expose_next(self, ticket: Ticket) -> None:
        """An order of a group with block left, or changed its price: another may go to the exchange now."""
        for each in sorted(self._rivals(ticket), key=_eagerness):
            self._desk.pursue(each)

    def _rivals(self, ticket: Ticket) -> list[Ticket]:
        if not ticket.oca or ticket.oca_type not in WITH_BLOCK:
            return []
        same = (each for each in self._blotter.in_group(ticket) if each.oca_type in WITH_BLOCK)
        return [each for each in same if (each.con_id, each.side) == (ticket.con_id, ticket.side)]

    def on_filled(self, ticket: Ticket, quantity: Qty) -> None:
        if ticket.status == FILLED:
            for child in self._blotter.children_of(ticket):
                self._desk.pursue(child)
        if ticket.oca:
            for other in self._blotter.in_group(ticket):
                self._after_fill(other, ticket, quantity)
            self.expose_next(ticket)

    def on_ended(self, ticket: Ticket) -> None:
        """Children of what never filled end with it; of what filled in part they close what there is."""
        for child in self._blotter.children_of(ticket):
            if ticket.filled == 0 or child.kept:
                self._desk.cancel(child, None, "the parent order is over")
            else:
                self._desk.adopt(child, min(child.quantity, ticket.filled))
        parent = self._blotter.tickets.get(ticket.parent)
        if ticket.order.auto_cancel_parent and parent is not None and parent.working:
            self._desk.cancel(parent, None, "a child order is over")
        self.expose_next(ticket)

    def _after_fill(self, other: Ticket, ticket: Ticket, quantity: Qty) -> None:
        if other.status == PENDING_CANCEL:
            return
        reduced = whole(other.remaining * quantity // (ticket.remaining + quantity))
        if ticket.status == FILLED:
            reduced = other.remaining
        if ticket.oca_type == CANCEL_OTHERS or reduced >= other.remaining:
            self._desk.cancel(other, None, "another order of its OCA group filled")
        elif reduced:
            self._desk.resize(other, other.quantity - reduced)


def _eagerness(ticket: Ticket) -> tuple[int, int, int]:
    """Orders sort by which would fill first: those without a limit, then by limit, then by age."""
    if ticket.limit is None:
        return 0, 0, ticket.number
    return 1, -ticket.side * ticket.limit, ticket.number
