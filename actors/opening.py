"""What of an account is not the program's: found once, when books begin on an account that was there before them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from actors.books import Books
from engine.message import Event
from model.instruments import product_of
from model.orders import VenueSnapshot
from model.units import CASH_SCALE, PX_SCALE, Cash, Px, Qty


class AccountOpened(Event, frozen=True, gc=False):
    """The books begin with the program's capital; what the account has beyond that, cash and positions, is apart.

    Amounts apart may be negative in one currency where others make up for it: the program then borrows there.
    """

    id: str
    cash: dict[str, Cash]
    positions: dict[str, Qty]
    at_ns: int


class TooLittle(str):
    """Why the program cannot begin on this account."""


class Apart:
    """products: what the program trades; a position in one of them is never taken for somebody else's."""

    def __init__(self, products: Collection[str]) -> None:
        self.opened: AccountOpened | None = None
        self._products = frozenset(products)

    def open(self, snapshot: VenueSnapshot, books: Books, rates: Mapping[str, Px], now_ns: int) -> Opening:
        """The row that says what is apart, None while that cannot be said, or why the program cannot begin.

        Amounts are weighed against each other only where one is negative, and then every rate must be known.
        """
        theirs = {each.currency: each.amount for each in snapshot.cash}
        names = list({**books.cash, **theirs})
        if any(books.cash_touched_ns.get(name, 0) > snapshot.at_ns for name in names):
            return None
        apart = {name: theirs.get(name, 0) - books.cash.get(name, 0) for name in names}
        apart = {name: amount for name, amount in apart.items() if amount}
        if any(amount < 0 for amount in apart.values()):
            if any(not rates.get(name) for name in apart):
                return None
            left = sum(amount * rates[name] for name, amount in apart.items()) // PX_SCALE
            if left < 0:
                money = f"{-left / CASH_SCALE:,.2f}"
                return TooLittle(
                    f"the account has {money} less than the program's capital: lower it, or fund the account"
                )
        positions = {
            each.instrument: each.quantity
            for each in snapshot.positions
            if product_of(each.instrument) not in self._products
        }
        return AccountOpened(f"opened-{now_ns}", apart, positions, now_ns)

    def cash(self, currency: str) -> Cash:
        return self.opened.cash.get(currency, 0) if self.opened is not None else 0

    def position(self, instrument: str) -> Qty:
        return self.opened.positions.get(instrument, 0) if self.opened is not None else 0


Opening = AccountOpened | TooLittle | None
