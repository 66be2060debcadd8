"""Whether an account can afford an order."""

from __future__ import annotations

from model.units import Qty
from simulation.exchange.rules import Reject
from simulation.tws.broker.listing import Line
from simulation.tws.broker.money import AccountBook, fee_of, units
from simulation.tws.broker.ticket import Ticket


def traded(ticket: Ticket, lines: list[Line], quantity: Qty) -> dict[str, Qty]:
    """Signed quantities by instrument if so much of an order filled."""
    if not ticket.combo:
        return {lines[0].name: ticket.side * quantity}
    signs = {"BUY": 1, "SELL": -1}
    sums: dict[str, Qty] = {}
    for leg, line in zip(ticket.contract.legs, lines, strict=True):
        sums[line.name] = sums.get(line.name, 0) + ticket.side * signs[leg.action] * leg.ratio * quantity
    return sums


def commission(book: AccountBook, ticket: Ticket, lines: list[Line]) -> int:
    """What an order would pay at the present prices, in the currency of its contract, in 1e-6."""
    total = 0
    for name, quantity in traded(ticket, lines, ticket.remaining).items():
        listing = book.exchange.listings.get(name)
        price = book.exchange.last_price(name) or ticket.limit or 0
        total += 0 if listing is None else fee_of(listing, price, abs(quantity))
    return total


def unaffordable(book: AccountBook, ticket: Ticket, lines: list[Line], now_ns: int) -> str | None:
    """Why an order is not margined, in a sentence; None when it is, or needs no margin.

    A single contract counts with everything that already works at the exchange; a combo by its legs together.
    """
    extra = traded(ticket, lines, ticket.remaining)
    if ticket.combo:
        before, after = book.margins(), book.margins(extra)
        short = after.initial > before.initial and after.initial > after.equity
    else:
        listing = book.exchange.listings.get(lines[0].name)
        if listing is None:
            return None
        market = book.exchange.desk.market(listing)
        limit = ticket.limit or ticket.stop or 0
        short = book.exchange.account.refusal(market, ticket.side, ticket.remaining, limit, now_ns) is Reject.MARGIN
        after = book.margins(extra)
    if not short:
        return None
    return (
        f"the order is not accepted: equity with loan value [{units(after.equity)} {book.base}] must exceed "
        f"the initial margin [{units(after.initial)} {book.base}] that the desired position needs"
    )
