"""Orders that depend on others: brackets and one-cancels-all groups."""

from __future__ import annotations

from model.units import Qty
from simulation.tws.broker.blotter import Blotter
from simulation.tws.broker.desk import Desk, whole
from simulation.tws.broker.ticket import FILLED, PENDING_CANCEL, Ticket

CANCEL_OTHERS = 1
"""OCA type 1; types 2 and 3 reduce the others by the same part."""


class Linked:
    """What a fill or an end does to an order's children, parent and group.

    Types 1 and 2 differ from 3 at a real broker in that only one order of a group is exposed at a time. Here every
    order of a group is exposed, and what fills at one moment fills together.
    """

    def __init__(self, blotter: Blotter, desk: Desk) -> None:
        self._blotter, self._desk = blotter, desk

    def join(self, ticket: Ticket, parent: Ticket) -> None:
        """Tie a child to its parent; the children of one parent are an OCA group, unless they are in another."""
        ticket.parent = parent.perm_id
        if not ticket.oca:
            ticket.oca, ticket.oca_type = str(parent.perm_id), 3

    def on_filled(self, ticket: Ticket, quantity: Qty) -> None:
        if ticket.status == FILLED:
            for child in self._blotter.children_of(ticket):
                self._desk.pursue(child)
        if ticket.oca:
            for other in self._blotter.in_group(ticket):
                self._after_fill(other, ticket, quantity)

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
