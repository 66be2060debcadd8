"""Every order the broker ever took, and the names they go by."""

from __future__ import annotations

from collections.abc import Iterator

from simulation.tws.broker.ticket import Ticket

FIRST_PERM_ID = 1_000_000_000
MANUAL = 0
"""The client id under which orders entered by hand are shown."""


class Blotter:
    """Orders by permId, by (client, order id) and by their names at the exchange.

    touched: orders that came, ended or were corrected since somebody emptied it.
    manual_ids: the id last given to an order that was entered by hand.

    An order id belongs to the newest order that carries it: after ids were rolled back an old one names a new order.
    """

    def __init__(self) -> None:
        self.tickets: dict[int, Ticket] = {}
        self.live: dict[int, Ticket] = {}
        self.touched: dict[int, Ticket] = {}
        self._keys: dict[tuple[int, int], int] = {}
        self._children: dict[str, int] = {}
        self._next_ids: dict[int, int] = {}
        self.manual_ids = 0

    def next_id(self, client_id: int) -> int:
        """The lowest id that was never used by this client, as nextValidId says it."""
        return self._next_ids.get(client_id, 1)

    def next_perm(self) -> int:
        return FIRST_PERM_ID + len(self.tickets) + 1

    def add(self, ticket: Ticket) -> None:
        self.tickets[ticket.perm_id] = self.live[ticket.perm_id] = ticket
        self.touch(ticket)
        if ticket.order_id:
            self._key(ticket)
            after = ticket.order_id + 1
            self._next_ids[ticket.client_id] = max(self.next_id(ticket.client_id), after)

    def find(self, client_id: int, order_id: int) -> Ticket | None:
        perm = self._keys.get((client_id, order_id))
        return None if perm is None else self.tickets[perm]

    def others(self, client_id: int, order_id: int) -> Ticket | None:
        """The one live order of another client under this id; None when there is none or more than one."""
        found = [
            each
            for each in self.live.values()
            if each.order_id == order_id and each.client_id != client_id and each.working
        ]
        return found[0] if len(found) == 1 else None

    def name(self, ticket: Ticket) -> str:
        """A new name for an order at the exchange."""
        ticket.children += 1
        ticket.child = f"{ticket.perm_id}.{ticket.children}"
        self._children[ticket.child] = ticket.perm_id
        return ticket.child

    def named(self, child: str) -> Ticket | None:
        perm = self._children.get(child)
        return None if perm is None else self.tickets[perm]

    def end(self, ticket: Ticket) -> None:
        self.live.pop(ticket.perm_id, None)
        self.touch(ticket)

    def touch(self, ticket: Ticket) -> None:
        self.touched[ticket.perm_id] = ticket

    def of_client(self, client_id: int) -> list[Ticket]:
        return [each for each in self.live.values() if each.client_id == client_id]

    def children_of(self, parent: Ticket) -> list[Ticket]:
        return [each for each in list(self.live.values()) if each.parent == parent.perm_id]

    def in_group(self, ticket: Ticket) -> Iterator[Ticket]:
        """The other live orders of an order's OCA group, in its account."""
        for each in list(self.live.values()):
            if each.oca == ticket.oca and each.account == ticket.account and each is not ticket and each.working:
                yield each

    def working(self, like: Ticket) -> int:
        """How many other orders work in the same contract, side and account."""
        return sum(
            each.working
            and each.con_id == like.con_id
            and not each.combo
            and each.side == like.side
            and each.account == like.account
            and each is not like
            for each in self.live.values()
        )

    def bind(self, ticket: Ticket) -> None:
        """Give an order entered by hand an id that client 0 can use: a negative one."""
        self.manual_ids -= 1
        ticket.order_id = self.manual_ids
        self._key(ticket)

    def roll_back(self, client_id: int, next_id: int) -> None:
        """Forget that ids from `next_id` on were used, as a gateway does that lost its settings. Orders live on."""
        self._next_ids[client_id] = next_id
        for key in [key for key in self._keys if key[0] == client_id and key[1] >= next_id]:
            ticket = self.tickets[self._keys.pop(key)]
            ticket.forgotten = True
            self.touch(ticket)

    def restore(self, ticket: Ticket) -> None:
        """Take back an order from the record."""
        self.tickets[ticket.perm_id] = ticket
        if not ticket.ended:
            self.live[ticket.perm_id] = ticket
        if ticket.order_id and not ticket.forgotten:
            self._key(ticket)
        for number in range(1, ticket.children + 1):
            self._children[f"{ticket.perm_id}.{number}"] = ticket.perm_id

    def go_on(self, next_ids: dict[int, int], manual_ids: int) -> None:
        """Go on after these ids."""
        self._next_ids.update(next_ids)
        self.manual_ids = manual_ids

    def ids(self) -> dict[int, int]:
        """The next id of each client that has used any."""
        return dict(self._next_ids)

    def _key(self, ticket: Ticket) -> None:
        self._keys[ticket.client_id, ticket.order_id] = ticket.perm_id
