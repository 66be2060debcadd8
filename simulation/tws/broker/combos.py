"""Combos: several contracts traded as one, at a net price."""

from __future__ import annotations

from model.market import Quote
from model.orders import OrderSpec, OrderType, Side, SubmitOrder, TimeInForce
from model.units import Px, Qty
from simulation.tws.broker.blotter import Blotter
from simulation.tws.broker.board import Board
from simulation.tws.broker.booking import Booking
from simulation.tws.broker.desk import Desk, whole
from simulation.tws.broker.hearing import Hearing
from simulation.tws.broker.listing import Line
from simulation.tws.broker.money import AccountBook
from simulation.tws.broker.routing import room
from simulation.tws.broker.teller import Teller
from simulation.tws.broker.ticket import Ticket
from simulation.tws.broker.waiting import Waiting

SIGNS = {"BUY": 1, "SELL": -1}


class Combos:
    """Trades combos against the quotes of their legs, all legs or none. Nothing of a combo rests at the exchange."""

    def __init__(
        self,
        books: dict[str, AccountBook],
        blotter: Blotter,
        board: Board,
        waiting: Waiting,
        desk: Desk,
        hearing: Hearing,
        booking: Booking,
        teller: Teller,
    ) -> None:
        self._books, self._blotter, self._board = books, blotter, board
        self._waiting, self._desk, self._hearing = waiting, desk, hearing
        self._booking, self._teller = booking, teller

    def try_to_fill(self, ticket: Ticket) -> None:
        """Trade as many units as the quotes show at the order's net price or better."""
        lines = self._waiting.lines_of(ticket)
        net, units = self._offered(ticket, lines)
        good = ticket.limit is None or (net - ticket.limit) * ticket.side <= 0
        if units > 0 and good:
            self._trade(ticket, lines, min(units, ticket.remaining), net)
        if ticket.order.tif == "IOC" and ticket.working:
            self._desk.todo.append(lambda: self._desk.lapse(ticket))

    def _offered(self, ticket: Ticket, lines: list[Line]) -> tuple[Px, Qty]:
        """The net price of a unit against the quotes, and how many whole units they show."""
        net, units = 0, ticket.remaining
        exchange = self._books[ticket.account].exchange
        for leg, line in zip(ticket.contract.legs, lines, strict=True):
            sign = SIGNS[leg.action]
            quote = self._board.quotes.get(line.con_id)
            there = room(exchange, line, quote, ticket.side * sign, None, self._desk.now_ns)
            units = min(units, there // leg.ratio)
            net += sign * leg.ratio * _side(quote, ticket.side * sign)
        return net, whole(units)

    def _trade(self, ticket: Ticket, lines: list[Line], units: Qty, net: Px) -> None:
        book = self._books[ticket.account]
        self._booking.legs = []
        specs = [
            OrderSpec(
                client_id=self._blotter.name(ticket),
                instrument=line.name,
                side=Side(ticket.side * SIGNS[leg.action]),
                quantity=units * leg.ratio,
                type=OrderType.MARKET,
                tif=TimeInForce.IOC,
            )
            for leg, line in zip(ticket.contract.legs, lines, strict=True)
        ]
        ticket.child = ""
        self._desk.before_send()
        for spec in specs:
            book.exchange.receive(SubmitOrder(spec), self._desk.now_ns, book.exchange.door.token)
        self._hearing.hear()
        legs, self._booking.legs = self._booking.legs, []
        if sum(each.quantity for each in legs) != units * sum(leg.ratio for leg in ticket.contract.legs):
            self._undo(ticket, book)
            return
        self._desk.fill(ticket, units, net)
        summary = self._booking.summary(ticket, units, net, self._desk.now_ns)
        self._teller.filled(ticket, [summary, *legs])

    def recover(self, ticket: Ticket) -> None:
        """Tell the fill of a combo whose legs were booked before the gateway was killed, and not yet its summary."""
        legs = [each for each in self._booking.legs if each.execution.perm_id == ticket.perm_id]
        lines = self._waiting.lines_of(ticket)
        done = {each.contract.con_id: each for each in legs}
        net = sum(
            SIGNS[leg.action] * leg.ratio * done[line.con_id].price
            for leg, line in zip(ticket.contract.legs, lines, strict=True)
        )
        first = ticket.contract.legs[0]
        units = done[first.con_id].quantity // first.ratio
        ticket.child = ""
        self._desk.fill(ticket, units, net)
        self._booking.summary(ticket, units, net, self._desk.now_ns)

    def _undo(self, ticket: Ticket, book: AccountBook) -> None:
        """A leg was refused by the exchange: the other legs are busted, and the order is over."""
        prefix = f"{ticket.perm_id}."
        for fill in list(book.exchange.desk.fills):
            if fill.client_id.startswith(prefix) and fill.at_ns == self._desk.now_ns and fill.quantity:
                book.exchange.back_office.correct(fill.exec_id, 0, fill.price)
        self._hearing.hear()
        self._desk.reject(ticket, "a leg of the combo was refused")


def _side(quote: Quote | None, side: int) -> Px:
    if quote is None:
        return 0
    return quote.ask if side > 0 else quote.bid
