"""A gateway that was killed goes on: what the exchange did since the broker last wrote is taken after all."""

from __future__ import annotations

from model.orders import CancelAtVenue, Settlement, VenueSnapshot
from simulation.tws.broker.blotter import Blotter
from simulation.tws.broker.booking import Booking
from simulation.tws.broker.combos import Combos
from simulation.tws.broker.desk import Desk
from simulation.tws.broker.hearing import Hearing
from simulation.tws.broker.money import AccountBook
from simulation.tws.broker.ticket import Ticket
from simulation.tws.broker.trades import Trades


class Resuming:
    """Compares the orders of the record with the exchanges' own account of them. Nobody is connected to hear of it."""

    def __init__(
        self,
        books: dict[str, AccountBook],
        blotter: Blotter,
        trades: Trades,
        desk: Desk,
        hearing: Hearing,
        booking: Booking,
        combos: Combos,
    ) -> None:
        self._books, self._blotter, self._trades = books, blotter, trades
        self._desk, self._hearing, self._booking, self._combos = desk, hearing, booking, combos

    def run(self) -> None:
        for book in self._books.values():
            told = book.exchange.snapshot("broker", 0)
            self._fills(told)
            self._settlements(book, told)
            self._orders(book, told)
        for ticket in list(self._blotter.live.values()):
            self._desk.resume(ticket)
        self._hearing.settle()

    def _fills(self, told: VenueSnapshot) -> None:
        combos: dict[int, Ticket] = {}
        self._booking.legs = []
        for fill in told.fills:
            ticket = self._blotter.named(fill.client_id)
            if ticket is not None and self._trades.of_source(fill.exec_id) is None:
                self._hearing.on_fill(ticket, fill)
                if ticket.combo and not fill.corrects:
                    combos[ticket.perm_id] = ticket
        for ticket in combos.values():
            self._combos.recover(ticket)
        self._booking.legs = []

    def _settlements(self, book: AccountBook, told: VenueSnapshot) -> None:
        for settlement in told.settlements:
            if not self._known(book, settlement):
                self._hearing.on_money(book, settlement)

    def _known(self, book: AccountBook, settlement: Settlement) -> bool:
        stems = {f"{settlement.id}-{line.instrument}" for line in settlement.lines if line.final}
        return all(any(held.knows(stem) for held in book.costs.holdings.values()) for stem in stems)

    def _orders(self, book: AccountBook, told: VenueSnapshot) -> None:
        """Orders that the exchange ended meanwhile end; those that never reached it are sent anew."""
        working = {order.client_id for order in told.orders}
        ended = {order.client_id: order.state for order in told.closed}
        for name in sorted(working):
            ticket = self._blotter.named(name)
            if ticket is None or ticket.child != name:
                book.exchange.receive(CancelAtVenue(name), self._desk.now_ns, book.exchange.door.token)
        for ticket in list(self._blotter.live.values()):
            if ticket.account != book.name or not ticket.child:
                continue
            state = ended.get(ticket.child)
            if ticket.child in working:
                self._hearing.stands(ticket)
            elif state == "CANCELLED":
                self._hearing.cancelled(ticket)
            elif state == "EXPIRED":
                self._hearing.expired(ticket)
            elif state == "REJECTED":
                self._hearing.refused(ticket, "", "the exchange refused it")
            else:
                ticket.child = ""
