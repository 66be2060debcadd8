"""What a fill becomes: an execution with its commission, a changed position, and a sentence to the client."""

from __future__ import annotations

from msgspec.structs import replace

from model.instruments import Kind
from model.orders import Fill, Settlement, VenueFact
from model.units import Px, Qty, div_half_even
from simulation.tws.broker.cost import Booked
from simulation.tws.broker.desk import Desk
from simulation.tws.broker.listing import Line, Lines, quantity_out
from simulation.tws.broker.money import AccountBook
from simulation.tws.broker.teller import Teller
from simulation.tws.broker.ticket import Ticket
from simulation.tws.broker.trades import Trade, Trades, commission_report, corrected, exec_id, stem_of
from simulation.tws.broker.zone import Zone
from simulation.tws.replies import ExecDetails
from simulation.tws.terms import Contract, Execution

SIDES = {1: "BOT", -1: "SLD"}


class Booking:
    """Books fills of single contracts and of combos' legs, corrections of both, and expiries of futures."""

    def __init__(
        self, books: dict[str, AccountBook], lines: Lines, trades: Trades, desk: Desk, teller: Teller, zone: Zone
    ) -> None:
        self.legs: list[Trade] = []
        """Executions of the legs of the combo that fills just now."""
        self._books, self._lines, self._trades = books, lines, trades
        self._desk, self._teller, self._zone = desk, teller, zone

    def on_fill(self, ticket: Ticket, fill: Fill) -> None:
        line = self._lines.named(fill.instrument)
        if line is None:
            raise LookupError(f"a fill in {fill.instrument}, which no order named")
        if fill.corrects:
            self._correct(ticket, line, fill)
            return
        if ticket.combo:
            self.legs.append(self._trade(ticket, line, fill, fill.quantity, fill.price))
            return
        self._desk.fill(ticket, fill.quantity, fill.price)
        average = div_half_even(ticket.raw, ticket.filled)
        self._teller.filled(ticket, [self._trade(ticket, line, fill, ticket.filled, average)])

    def summary(self, ticket: Ticket, units: Qty, net: Px, at_ns: int) -> Trade:
        """The execution that tells a combo's fill as a whole. It moves no position: its legs do."""
        stem = self._stem(ticket)
        said = self._execution(ticket, ticket.contract, ticket.side, at_ns)
        execution = replace(
            said,
            exec_id=exec_id(stem),
            shares=quantity_out(units),
            price=float(net) / 10**9,
            cum_quantity=quantity_out(ticket.filled),
            avg_price=div_half_even(ticket.raw, ticket.filled) / 10**9,
        )
        trade = Trade(stem, ticket.contract, execution, None, at_ns)
        self._trades.add(trade)
        return trade

    def on_money(self, book: AccountBook, fact: VenueFact) -> None:
        """Futures that were settled for the last time are closed at that price."""
        if not isinstance(fact, Settlement):
            return
        for settled in fact.lines:
            line = self._lines.named(settled.instrument)
            if settled.final and line is not None:
                stem = f"{fact.id}-{settled.instrument}"
                book.costs.holding(line).book(Booked(stem, -settled.quantity, settled.settle, 0, fact.at_ns))

    def _trade(self, ticket: Ticket, line: Line, fill: Fill, filled: Qty, average: Px) -> Trade:
        stem = self._stem(ticket)
        contract = self._contract(ticket, line)
        said = self._execution(ticket, contract, int(fill.side), fill.at_ns)
        execution = replace(
            said,
            exec_id=exec_id(stem),
            shares=quantity_out(fill.quantity),
            price=line.price_out(fill.price),
            cum_quantity=quantity_out(filled),
            avg_price=line.price_out(average),
        )
        trade = self._book(ticket, line, fill, _trade_of(stem, contract, execution, fill))
        self._trades.add(trade)
        return trade

    def _book(self, ticket: Ticket, line: Line, fill: Fill, trade: Trade) -> Trade:
        """Move the position, and give the trade its commission report."""
        realized = None
        if line.instrument.kind is not Kind.FX_SPOT:
            change = Booked(trade.stem, fill.side * fill.quantity, fill.price, fill.fee, fill.at_ns)
            realized = self._books[ticket.account].costs.holding(line).book(change).realized
        ticket.fee += fill.fee
        report = commission_report(trade.execution.exec_id, fill.fee, fill.fee_currency, realized)
        return replace(trade, commission=report)

    def _correct(self, ticket: Ticket, line: Line, fill: Fill) -> None:
        """Tell another execution in the place of one; shares 0 is a bust. The order keeps its status."""
        before = self._trades.of_source(fill.corrects)
        if before is None:
            return
        if not ticket.combo:
            ticket.filled += fill.quantity - before.quantity
            ticket.raw += fill.price * fill.quantity - before.price * before.quantity
        self._desk.touch(ticket)
        ticket.fee -= before.fee
        changed = replace(
            before.execution,
            shares=quantity_out(fill.quantity),
            price=line.price_out(fill.price),
            cum_quantity=before.execution.cum_quantity - before.execution.shares + quantity_out(fill.quantity),
            avg_price=line.price_out(div_half_even(ticket.raw, ticket.filled)) if ticket.filled else 0.0,
            time=self._zone.text(fill.at_ns),
        )
        execution = corrected(before, changed)
        trade = self._book(ticket, line, fill, _trade_of(before.stem, before.contract, execution, fill))
        self._trades.add(trade)
        self._teller.spread(ticket, ExecDetails(contract=trade.contract, execution=execution))
        if trade.commission is not None:
            self._teller.spread(ticket, trade.commission)

    def _execution(self, ticket: Ticket, contract: Contract, side: int, at_ns: int) -> Execution:
        """What all executions of an order share; numbers are filled in by who calls."""
        return Execution(
            exec_id="",
            order_id=ticket.order_id,
            client_id=ticket.client_id,
            perm_id=ticket.perm_id,
            time=self._zone.text(at_ns),
            account=ticket.account,
            exchange=traded_on(contract),
            side=SIDES[side],
            shares=0.0,
            price=0.0,
            cum_quantity=0.0,
            avg_price=0.0,
            order_ref=ticket.order.order_ref,
            liquidity=2 if ticket.created_ns == at_ns else 1,
        )

    def _contract(self, ticket: Ticket, line: Line) -> Contract:
        """An order's contract, filled up from the catalogue; a combo's leg is the catalogue's."""
        if ticket.combo:
            return line.contract
        return replace(line.contract, exchange=ticket.contract.exchange or line.contract.exchange)

    def _stem(self, ticket: Ticket) -> str:
        ticket.fills += 1
        return stem_of(ticket.perm_id, ticket.fills)


def traded_on(contract: Contract) -> str:
    """The exchange that an execution names: never SMART, except for a combo."""
    if contract.exchange not in ("SMART", "") or contract.sec_type == "BAG":
        return contract.exchange
    return contract.primary_exchange or contract.exchange


def _trade_of(stem: str, contract: Contract, execution: Execution, fill: Fill) -> Trade:
    return Trade(stem, contract, execution, None, fill.at_ns, fill.exec_id, fill.quantity, fill.price, fill.fee)
