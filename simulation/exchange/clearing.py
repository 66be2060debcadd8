"""The clearing house: what happens to our account without a trade of ours."""

from __future__ import annotations

from collections.abc import Callable

from model.orders import CashMoved, Settlement, VenueFact
from model.sessions import Session
from model.units import Px
from simulation.exchange.account import Account
from simulation.exchange.book import Market


class Clearing:
    """Daily settlement, borrow fees, dividends and other movements of cash. Nothing happens twice under one id.

    moves, settlements: those since the venue was started, or resumed.
    """

    def __init__(self, account: Account, say: Callable[[VenueFact], None]) -> None:
        self.moves: list[CashMoved] = []
        self.settlements: list[Settlement] = []
        self._account = account
        self._say = say
        self._ids: set[str] = set()

    def end_session(self, market: Market, close: Px, session: Session, now_ns: int) -> bool:
        """Settle a future or charge a short at the session's closing price; whether the contract has ended with it."""
        listing = market.listing
        final = listing.last is not None and session.date >= listing.last.date
        if listing.variation:
            self.settle(market, close, session.date, final=final)
        elif market.quantity < 0 and listing.borrowed:
            moved = self._account.borrow(market, close, session.date, now_ns)
            if moved is not None:
                self._book(moved)
        return final

    def settle(self, market: Market, price: Px, session: int, *, final: bool) -> None:
        """Mark a position to market, if there is one; the line is said by `settle_up`."""
        if market.quantity or market.basis:
            self._account.settle(market, price, session, final=final)

    def settle_up(self, now_ns: int) -> None:
        """Say what was settled at this moment, as one fact per session date."""
        if self._account.settling():
            for settlement in self._account.settlements(now_ns, self._ids.__contains__):
                self._ids.add(settlement.id)
                self.settlements.append(settlement)
                self._say(settlement)

    def dividend(self, market: Market, per_share: Px, ex_date: int, now_ns: int) -> None:
        """Pay a dividend on the position: a long receives it, a short pays it."""
        name, currency = market.listing.id, market.listing.currency
        amount = market.listing.money(per_share * market.quantity)
        if amount:
            self.move(CashMoved(f"dividend-{name}-{ex_date}", "dividend", currency, amount, name, now_ns))

    def move(self, moved: CashMoved) -> None:
        """Book a movement of cash and say it; one with a known id is ignored."""
        if moved.id not in self._ids:
            self._book(moved)

    def restore(self, booked: set[str]) -> None:
        """Go on after movements and settlements under these ids."""
        self._ids.update(booked)

    def _book(self, moved: CashMoved) -> None:
        self._ids.add(moved.id)
        self.moves.append(moved)
        self._account.move(moved)
        self._say(moved)
