"""What the broker answers when clients ask: orders, executions, positions, account values and profit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from simulation.tws.broker.blotter import MANUAL, Blotter
from simulation.tws.broker.listing import money_out, money_text, quantity_out
from simulation.tws.broker.money import AccountBook
from simulation.tws.broker.teller import Teller
from simulation.tws.broker.ticket import Ticket
from simulation.tws.broker.trades import Trades
from simulation.tws.broker.zone import Zone
from simulation.tws.replies import (
    AccountSummary,
    AccountSummaryEnd,
    AccountTime,
    AccountValue,
    CompletedOrdersEnd,
    ErrorMessage,
    ExecDetails,
    ExecDetailsEnd,
    OpenOrderEnd,
    Pnl,
    PnlSingle,
    PortfolioValue,
    Position,
    ServerMessage,
)
from simulation.tws.terms import ExecutionFilter


class Answers:
    """Answers about orders go to the client through the broker's outlet, end marker included; those about accounts are
    handed to who asks, because subscriptions are the session's."""

    def __init__(
        self,
        books: dict[str, AccountBook],
        blotter: Blotter,
        trades: Trades,
        teller: Teller,
        zone: Zone,
        changed: Callable[[], None],
    ) -> None:
        self._books, self._blotter, self._trades = books, blotter, trades
        self._teller, self._zone, self._changed = teller, zone, changed
        self._seen: dict[int, set[int]] = defaultdict(set)

    # -- orders

    def open_orders(self, client_id: int) -> None:
        """A client's own orders; client 0 takes what was entered by hand with it, under negative ids."""
        if client_id == MANUAL:
            for ticket in self._blotter.of_client(MANUAL):
                if ticket.order_id == 0:
                    self._blotter.bind(ticket)
                    self._changed()
        self._tell(client_id, self._blotter.of_client(client_id))

    def all_open_orders(self, client_id: int) -> None:
        """Every client's orders, once. Orders that were seen so can be cancelled, not changed."""
        tickets = list(self._blotter.live.values())
        self._seen[client_id].update(each.perm_id for each in tickets)
        self._tell(client_id, tickets)

    def bind_auto(self, client_id: int, bind: bool = True) -> None:
        """Client 0 hears of what will be entered by hand, from now on; to others this is refused (321)."""
        if client_id != MANUAL:
            text = "Error validating request: cause - only client 0 can bind orders"
            self._teller.say(client_id, ErrorMessage(code=321, text=text))
            return
        self._teller.bound = bind
        self._changed()
        self.open_orders(client_id)

    def completed_orders(self, client_id: int, *, api_only: bool = False) -> None:
        """Orders that have ended since midnight, oldest end first."""
        since = self._zone.midnight(self._teller.now_ns)
        ended = [each for each in self._blotter.tickets.values() if each.ended and each.ended_ns >= since]
        for ticket in sorted(ended, key=lambda each: (each.ended_ns, each.number)):
            if not (api_only and ticket.order_id <= 0):
                self._teller.say(client_id, self._teller.completed(ticket, self._zone.text(ticket.ended_ns)))
        self._teller.say(client_id, CompletedOrdersEnd())

    def executions(self, client_id: int, req_id: int, asked: ExecutionFilter) -> None:
        """Executions since midnight, and after the end marker their commissions. 321 for a time that is none."""
        try:
            found = self._trades.today(asked, self._teller.now_ns)
        except ValueError as error:
            text = f"Error validating request: cause - {error}"
            self._teller.say(client_id, ErrorMessage(req_id=req_id, code=321, text=text))
            return
        for trade in found:
            self._teller.say(client_id, ExecDetails(req_id=req_id, contract=trade.contract, execution=trade.execution))
        self._teller.say(client_id, ExecDetailsEnd(req_id=req_id))
        for trade in found:
            if trade.commission is not None:
                self._teller.say(client_id, trade.commission)

    def has_seen(self, client_id: int, ticket: Ticket) -> bool:
        """Whether a client was shown this order among all open ones."""
        return ticket.perm_id in self._seen[client_id]

    def forget(self, client_id: int) -> None:
        self._seen.pop(client_id, None)

    def _tell(self, client_id: int, tickets: list[Ticket]) -> None:
        for ticket in tickets:
            if ticket.working:
                self._teller.say(client_id, self._teller.open_order(ticket))
                self._teller.say(client_id, self._teller.status(ticket))
        self._teller.say(client_id, OpenOrderEnd())

    # -- accounts

    def positions(self) -> list[Position]:
        """Of every account."""
        return [position for book in self._books.values() for position in book.positions()]

    def account_values(self, account: str) -> list[AccountValue]:
        """Raises KeyError for an unknown account."""
        return self._books[account].values()

    def portfolio(self, account: str) -> list[PortfolioValue]:
        """Raises KeyError for an unknown account."""
        return self._books[account].portfolio()

    def account_time(self) -> AccountTime:
        return AccountTime(time=self._zone.clock(self._teller.now_ns))

    def summary(self, req_id: int, tags: str) -> list[ServerMessage]:
        """Totals of every account by tag, `$LEDGER[:currency|:ALL]` for amounts by currency, and the end marker."""
        rows: list[ServerMessage] = []
        for name, book in self._books.items():
            totals, texts = book.totals(), {"AccountType": "INDIVIDUAL", **book.ratios()}
            for tag in (each.strip() for each in tags.split(",")):
                if tag.startswith("$LEDGER"):
                    rows += self._ledger(req_id, book, tag.partition(":")[2])
                elif tag in texts:
                    rows.append(AccountSummary(req_id=req_id, account=name, tag=tag, value=texts[tag], currency=""))
                elif tag in totals:
                    value = money_text(totals[tag])
                    rows.append(AccountSummary(req_id=req_id, account=name, tag=tag, value=value, currency=book.base))
        return [*rows, AccountSummaryEnd(req_id=req_id)]

    def _ledger(self, req_id: int, book: AccountBook, which: str) -> list[ServerMessage]:
        asked = [*book.currencies(), "BASE"] if which == "ALL" else [which or "BASE"]
        return [
            AccountSummary(req_id=req_id, account=book.name, tag=tag, value=money_text(amount), currency=currency)
            for currency in asked
            for tag, amount in book.ledger(currency).items()
        ]

    def pnl(self, req_id: int, account: str) -> Pnl:
        """In base currency. Raises KeyError for an unknown account."""
        profit = self._books[account].total_profit()
        return Pnl(
            req_id=req_id,
            daily=money_out(profit.daily),
            unrealized=money_out(profit.unrealized),
            realized=money_out(profit.realized),
        )

    def pnl_single(self, req_id: int, account: str, con_id: int) -> PnlSingle | None:
        """Of one contract, in its currency; None when it was never held. Raises KeyError for an unknown account."""
        book = self._books[account]
        holding = book.costs.holdings.get(con_id)
        if holding is None:
            return None
        profit = book.profit(holding)
        return PnlSingle(
            req_id=req_id,
            quantity=quantity_out(holding.quantity),
            daily=money_out(profit.daily),
            unrealized=money_out(profit.unrealized),
            realized=money_out(profit.realized),
            value=money_out(book.value_of(holding)),
        )
