"""Our account at the venue: cash by currency, positions, settlements, charges, and what they allow us to risk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache

from model.orders import CashMoved, Fill, SettledLine, Settlement
from model.units import PX_SCALE, Cash, Px, Qty, div_half_even
from simulation.exchange.book import Market, WorkingOrder
from simulation.exchange.prices import Prices
from simulation.exchange.record import BookRow, PositionRow
from simulation.exchange.rules import Reject

Rates = Callable[[str], Px | None]
"""Money of the base currency for one unit of a currency, in 1e-9; None when there is no rate."""

_Taken = tuple[int, Qty, Qty]
_State = tuple[Qty, int, int, _Taken]
NOT_TAKEN: _Taken = (0, 0, 0)

CASH_PER_QTY = 100
"""Quantities are in 1e-8, cash in 1e-6."""


class Account:
    """Cash and positions. Every amount is exact; a rounding happens once, at 1e-6, where money is made.

    markets: every contract that was ever traded.  live: those with a position or open orders, and perhaps some that
    had one a moment ago.  transfers: what came or went without a trade: contract, signed quantity, price.
    """

    def __init__(self, cash: Mapping[str, Cash], base_currency: str, fx: Rates, prices: Prices) -> None:
        self.cash: dict[str, Cash] = dict(cash)
        self.markets: dict[str, Market] = {}
        self.changed = True
        self.transfers: list[tuple[str, Qty, Px]] = []
        self.live: dict[str, Market] = {}
        self._base = base_currency
        self._fx = fx
        self._prices = prices
        self._price = prices.last
        self._free: Cash | None = None
        self._free_at = -1
        self._lines: dict[int, list[SettledLine]] = {}
        self._rows: dict[str, tuple[_State, PositionRow]] = {}  # of each position as it was last written

    # -- trades

    def trade(self, market: Market, order: WorkingOrder, quantity: Qty, price: Px, session: int) -> Cash:
        """Book one execution of an order and return its fee; the order's own sums move too."""
        listing = market.listing
        side = order.side
        raw = price * quantity
        order.filled += quantity
        order.raw += abs(raw)
        total = listing.fee(order.filled, order.raw)
        fee = total - order.fee
        order.fee = total
        cash = self.cash
        currency = listing.currency
        before = market.quantity
        if listing.variation:
            market.basis += side * raw
            market.quantity = before + side * quantity
            cash[currency] = cash.get(currency, 0) - fee
        else:
            cash[currency] = cash.get(currency, 0) - fee - listing.money(side * raw)
            if listing.received:
                bought = div_half_even(side * quantity, CASH_PER_QTY)
                cash[listing.received] = cash.get(listing.received, 0) + bought
            else:
                market.quantity = before + side * quantity
                if before >= 0 > market.quantity:
                    market.accrued = session
        self.changed = True
        self._free = None
        return fee

    def correct(self, market: Market, order: WorkingOrder, was: Fill, quantity: Qty, price: Px, session: int) -> Cash:
        """Undo one execution of an order and book another in its place; returns that one's fee."""
        listing, side = market.listing, order.side
        old, new = was.price * was.quantity, price * quantity
        order.filled += quantity - was.quantity
        order.raw += abs(new) - abs(old)
        total = listing.fee(order.filled, order.raw)
        fee = total - order.fee + was.fee
        order.fee = total
        money = was.fee - fee
        if listing.variation:
            market.basis += side * (new - old)
        else:
            money += listing.money(side * old) - listing.money(side * new)
        if listing.received:
            moved = div_half_even(side * quantity, CASH_PER_QTY) - div_half_even(side * was.quantity, CASH_PER_QTY)
            self.cash[listing.received] = self.cash.get(listing.received, 0) + moved
        else:
            self._shift(market, side * (quantity - was.quantity), session)
        self.cash[listing.currency] = self.cash.get(listing.currency, 0) + money
        self.changed = True
        return fee

    def transfer(self, market: Market, quantity: Qty, price: Px, session: int) -> None:
        """Move a position in or out without a trade: no execution tells of it. A future comes at a price."""
        self.transfers.append((market.listing.id, quantity, price))
        if market.listing.variation:
            market.basis += price * quantity
        self._shift(market, quantity, session)
        self.changed = True

    def _shift(self, market: Market, quantity: Qty, session: int) -> None:
        """Change a position other than by a trade of now; one that becomes short is lent from this session on."""
        before = market.quantity
        market.quantity = before + quantity
        if before >= 0 > market.quantity:
            market.accrued = session
        self.touch(market)
        self.release()

    # -- the end of a session

    def settle(self, market: Market, settle: Px, session: int, *, final: bool = False) -> None:
        """Mark a future to market; the line waits for `settlements`. A final line leaves no position."""
        amount = market.listing.money(settle * market.quantity - market.basis)
        line = SettledLine(market.listing.id, market.listing.currency, settle, market.quantity, amount, final)
        self._lines.setdefault(session, []).append(line)
        self.cash[line.currency] = self.cash.get(line.currency, 0) + amount
        if final:
            market.quantity = 0
        market.basis = settle * market.quantity
        self.changed = True
        self._free = None

    def settlements(self, at_ns: int, taken: Callable[[str], bool]) -> list[Settlement]:
        """The settlements of this moment, one per session date, and none twice under one id."""
        made = []
        for session, lines in self._lines.items():
            name, again = f"settle-{session}-{at_ns}", 1
            while taken(name):
                again += 1
                name = f"settle-{session}-{at_ns}-{again}"
            made.append(Settlement(name, session, tuple(lines), at_ns))
        self._lines.clear()
        return made

    def settling(self) -> bool:
        return bool(self._lines)

    def borrow(self, market: Market, close: Px, session: int, at_ns: int) -> CashMoved | None:
        """Charge a short for the days since it was last charged; None when nothing is due."""
        days = days_between(market.accrued, session)
        fee = market.listing.borrow_fee(close * market.quantity, days) if days > 0 else 0
        if fee == 0:
            return None
        market.accrued = session
        name = market.listing.id
        return CashMoved(f"borrow-{name}-{session}", "borrow", market.listing.currency, -fee, name, at_ns)

    def move(self, moved: CashMoved) -> None:
        """Book a cash movement."""
        self.cash[moved.currency] = self.cash.get(moved.currency, 0) + moved.amount
        self.changed = True
        self._free = None

    # -- margin

    def refusal(self, market: Market, side: int, quantity: Qty, limit: Px, now_ns: int) -> Reject | None:
        """Why an order that increases risk is not margined, or None. An accepted one uses up its margin.

        Required margin is that of the largest position which open orders can lead to, over all instruments.
        """
        more, worst = market.worst(side, quantity), market.worst()
        if more <= worst or market.listing.received:
            return None
        price = self._price(market.listing.id)
        if price is None:
            price = limit
        if price == 0:
            return Reject.NO_PRICE
        rate = self._fx(market.listing.currency)
        free = self._free
        if free is None or self._free_at != now_ns:
            free = self.free_margin()
            self._free_at = now_ns
        if rate is None or free is None:
            self._free = None
            return Reject.NO_FX_RATE
        listing = market.listing
        free -= to_base(listing.margin(price * more) - listing.margin(price * worst), rate)
        if free < 0:
            return Reject.MARGIN
        self._free = free
        return None

    def free_margin(self) -> Cash | None:
        """Equity less the initial margin of positions and open orders, in base currency; None without every rate."""
        money = dict(self.cash)
        for name, market in self.live.items():
            price, listing = self._price(name), market.listing
            if price is not None:
                worth = listing.money(price * market.quantity - market.basis)
                if not listing.received:
                    worth -= listing.margin(price * market.worst())
                money[listing.currency] = money.get(listing.currency, 0) + worth
        return self._in_base(money)

    def equity(self) -> Cash | None:
        """Cash, what cash instruments are worth, and the open variation of futures, in base currency."""
        money = dict(self.cash)
        for name, market in self.live.items():
            price, currency = self._price(name), market.listing.currency
            if price is not None:
                worth = market.listing.money(price * market.quantity - market.basis)
                money[currency] = money.get(currency, 0) + worth
        return self._in_base(money)

    def _in_base(self, money: Mapping[str, Cash]) -> Cash | None:
        total = 0
        for currency, amount in money.items():
            if amount and currency != self._base:
                rate = self._fx(currency)
                if rate is None:
                    return None
                amount = to_base(amount, rate)
            total += amount
        return total

    def book(self) -> BookRow:
        """Cash and positions as the record keeps them. Markets without anything are forgotten."""
        rows, kept = [], self._rows
        quotes = self._prices.quotes
        for name in sorted(self.live):
            market = self.live[name]
            taken = NOT_TAKEN
            if (market.bid_taken or market.ask_taken) and market.quote is not None and quotes.get(name) is market.quote:
                taken = (market.quote.at_ns, market.bid_taken, market.ask_taken)
            elif market.idle():
                del self.live[name]
                continue
            state = (market.quantity, market.basis, market.accrued if market.quantity < 0 else 0, taken)
            known = kept.get(name)
            if known is None or known[0] != state:
                row = PositionRow(name, market.quantity, str(market.basis), state[2], *taken)
                known = kept[name] = (state, row)
            rows.append(known[1])
        self.changed = False
        return BookRow(dict(self.cash), rows)

    def touch(self, market: Market) -> None:
        """Open orders in this market changed: count it in margin."""
        self.live[market.listing.id] = market

    def release(self) -> None:
        """An order ended without a fill: free margin is worked out again when next needed."""
        self._free = None


def to_base(amount: Cash, rate: Px) -> Cash:
    """An amount of a currency in base currency, half to even."""
    return div_half_even(amount * rate, PX_SCALE)


@lru_cache(maxsize=1024)
def days_between(earlier: int, later: int) -> int:
    """Calendar days from one exchange date to another (yyyymmdd)."""
    return (_date(later) - _date(earlier)).days


def _date(day: int) -> date:
    return date(day // 10_000, day // 100 % 100, day % 100)
