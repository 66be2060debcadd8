"""From a record back to a living venue, exactly as it was when it last committed."""

from __future__ import annotations

from model.combos import contracts_of, legs_of
from model.market import BarClosed
from simulation.exchange.account import Account
from simulation.exchange.book import Market, WorkingOrder
from simulation.exchange.desk import Desk
from simulation.exchange.listing import Listing, Listings
from simulation.exchange.prices import Prices
from simulation.exchange.record import RecordError, Resumed
from simulation.exchange.timetable import Timetable


def restore(
    saved: Resumed, desk: Desk, account: Account, prices: Prices, listings: Listings, timetable: Timetable
) -> None:
    """Fill a new desk and account. Raises RecordError when the record knows an instrument that is no longer listed."""
    desk.now_ns = saved.at_ns
    for seen in saved.prints:
        close = seen.close
        prices.bars[seen.instrument] = BarClosed(
            seen.instrument, seen.session, close, close, close, close, 0, seen.at_ns
        )
    prices.quotes.update({quote.instrument: quote for quote in saved.quotes})
    _restore_account(saved, desk, account, prices, listings)
    for row in saved.orders:
        order = WorkingOrder.from_row(row)
        desk.orders[order.name] = order
        listing = _listed(listings, contracts_of(order.spec.instrument)[0])
        if legs_of(order.spec.instrument):
            fills = saved.history(order.arrived_ns).fills if order.fills else []
            desk.combos.restore(order, [each for each in fills if each.client_id == order.spec.client_id])
        else:
            market = desk.market(listing)
            market.add(order)
            account.touch(market)
        timetable.watch(order, listing.sessions.on(order.session) if order.session else None)
    desk.ended, desk.ended_before = saved.ended, saved.ends
    desk.history, desk.resumed_ns = saved.history, saved.at_ns
    desk.priority, desk.fills_before = saved.priority, saved.fills
    desk.duplicates += saved.duplicates
    for market in account.markets.values():
        if market.listing.last is not None:
            timetable.watch_expiry(market.listing)


def _restore_account(saved: Resumed, desk: Desk, account: Account, prices: Prices, listings: Listings) -> None:
    account.cash.clear()
    account.cash.update(saved.book.cash)
    for row in saved.book.positions:
        market: Market = desk.market(_listed(listings, row.instrument))
        market.quantity, market.basis, market.accrued = row.quantity, int(row.basis), row.accrued
        quote = prices.quotes.get(row.instrument)
        if quote is not None and row.quote_ns == quote.at_ns:
            market.quote, market.bid_taken, market.ask_taken = quote, row.bid_taken, row.ask_taken
        account.touch(market)
    account.changed = False


def _listed(listings: Listings, instrument: str) -> Listing:
    listing = listings.get(instrument)
    if listing is None:
        raise RecordError(
            f"the venue's record holds {instrument}, which is not listed: take it back into program and instruments"
        )
    return listing
