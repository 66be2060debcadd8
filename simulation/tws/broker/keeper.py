"""What of the broker is not in its record yet, how it gets there, and how it comes back."""

from __future__ import annotations

import msgspec

from model.instruments import Kind
from simulation.tws.broker.blotter import Blotter
from simulation.tws.broker.listing import Lines
from simulation.tws.broker.money import AccountBook
from simulation.tws.broker.record import BookedRow, BrokerRecord, Marks, Meta, Row
from simulation.tws.broker.ticket import Ticket
from simulation.tws.broker.trades import Trade, Trades

META, TICKET, TRADE, BOOKED = "meta", "ticket", "trade", "booked"

encode = msgspec.json.encode


class Keeper:
    """Writes what changed since it last did. meta: the rest of the state, as the broker knows it."""

    def __init__(
        self, record: BrokerRecord, books: dict[str, AccountBook], blotter: Blotter, trades: Trades, lines: Lines
    ) -> None:
        self._record, self._books = record, books
        self._blotter, self._trades, self._lines = blotter, trades, lines
        self._written: dict[tuple[str, str], bytes] = {}
        self._told = 0
        self._booked: dict[str, int] = dict.fromkeys(books, 0)

    def commit(self, meta: Meta) -> None:
        """Write, in one transaction."""
        tickets = {**self._blotter.touched, **self._blotter.live}
        self._blotter.touched.clear()
        rows = [Row(TICKET, str(each.perm_id), encode(each)) for each in tickets.values()]
        for trade in self._trades.since(self._told):
            rows.append(Row(TRADE, trade.execution.exec_id, encode(trade)))
            self._told += 1
        for name, book in self._books.items():
            for con_id, change in book.costs.log[self._booked[name] :]:
                rows.append(Row(BOOKED, f"{name}|{con_id}|{change.stem}", encode(BookedRow(name, con_id, change))))
            self._booked[name] = len(book.costs.log)
        rows.append(Row(META, "", encode(meta)))
        changed = [row for row in rows if self._written.get((row.kind, row.key)) != row.body]
        if any(row.kind != META for row in changed) or self._meta_matters(changed):
            self._record.write(changed)
        for row in changed:
            if row.kind in (TICKET, META):
                self._written[row.kind, row.key] = row.body
        for perm in tickets.keys() - self._blotter.live.keys():
            self._written.pop((TICKET, str(perm)), None)

    def load(self) -> Meta | None:
        """Bring back orders, executions and positions; None for an empty record."""
        meta = None
        for row in self._record.read():
            if row.kind == TICKET:
                ticket = msgspec.json.decode(row.body, type=Ticket)
                self._blotter.restore(ticket)
                for con_id in (ticket.con_id, *(leg.con_id for leg in ticket.contract.legs)):
                    self._lines.get(con_id)
            elif row.kind == TRADE:
                self._trades.add(msgspec.json.decode(row.body, type=Trade))
            elif row.kind == BOOKED:
                booked = msgspec.json.decode(row.body, type=BookedRow)
                line = self._lines.get(booked.con_id)
                if line is not None and line.instrument.kind is not Kind.FX_SPOT:
                    self._books[booked.account].costs.holding(line).book(booked.change)
            else:
                meta = msgspec.json.decode(row.body, type=Meta)
        self._told = self._trades.count()
        self._booked = {name: len(book.costs.log) for name, book in self._books.items()}
        if meta is not None:
            self._restore_accounts(meta)
            self._blotter.go_on(meta.next_ids, meta.manual_ids)
        return meta

    def marks(self) -> dict[str, Marks]:
        return {
            name: Marks(
                dict(book.accrued),
                book.since_ns,
                {con_id: (held.opened_value, held.opened_realized) for con_id, held in book.costs.holdings.items()},
            )
            for name, book in self._books.items()
        }

    def _restore_accounts(self, meta: Meta) -> None:
        for name, marks in meta.accounts.items():
            book = self._books[name]
            book.accrued, book.since_ns = dict(marks.accrued), marks.since_ns
            for con_id, (value, realized) in marks.opened.items():
                held = book.costs.holdings.get(con_id)
                if held is not None:
                    held.opened_value, held.opened_realized = value, realized

    def _meta_matters(self, changed: list[Row]) -> bool:
        """Whether anything but the time changed."""
        if not changed:
            return False
        before = self._written.get((META, ""))
        if before is None:
            return True
        old = msgspec.json.decode(before, type=Meta)
        new = msgspec.json.decode(changed[-1].body, type=Meta)
        old.now_ns = new.now_ns
        return old != new
