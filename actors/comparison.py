"""One comparison of the books with the venue's own account: what agrees, what is explained, and what breaks."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from actors import valuation
from actors.accruals import Accruals
from actors.books import Books
from actors.opening import AccountOpened, Apart, TooLittle
from actors.valuation import rounded
from actors.variation import Variation
from engine.message import Event
from model.execution import BooksCompared, Break, Severity
from model.orders import VenueCashMoved, VenueSnapshot
from model.units import Cash, Px


class CashBands(msgspec.Struct, frozen=True):
    """How far cash may differ from the venue's, as shares of net asset value in basis points.

    told_to: the venue tells cash to this; smaller differences are none.
    """

    told_to: Cash = 0
    note_bps: int = 0
    reduce_only_bps: int = 25
    halt_bps: int = 100


class Comparison:
    """Positions to the lot, cash to what the venue tells of it. What moved after the snapshot was taken is skipped.

    flat: contracts to compare also where neither side holds any.  nav: net asset value when last marked, 0 before.
    variation, apart, accruals: only where the venue is a broker's account.
    """

    def __init__(
        self, snapshot: VenueSnapshot, books: Books, bands: CashBands, *, flat: tuple[str, ...] = (), base: str,
        nav: Cash, rates: Mapping[str, Px], variation: Variation | None, apart: Apart | None,
        accruals: Accruals | None, now_ns: int,
    ) -> None:  # fmt: skip
        self.snapshot, self.books, self.bands = snapshot, books, bands
        self.variation, self.apart, self.accruals = variation, apart, accruals
        self._base, self._nav, self._rates, self._now_ns = base, nav, rates, now_ns
        self._flat = flat
        self._refused = ""

    def opening(self) -> AccountOpened | None:
        """What of the account is not the program's, said once when that can be said; it is apart from now on."""
        apart = self.apart
        if apart is None or apart.opened is not None:
            return None
        opening = apart.open(self.snapshot, self.books, self._rates, self._now_ns)
        if isinstance(opening, TooLittle):
            self._refused = opening
            return None
        apart.opened = opening
        return opening

    def explain(self) -> list[Event]:
        """What the venue's cash has more or less than ours because it settled futures or paid what was accrued; both
        are booked. Rows for the journal."""
        rows: list[Event] = []
        if self._unopened:
            return rows
        for each in self.snapshot.cash:
            difference = self._theirs(each.currency, each.amount) - self.books.cash.get(each.currency, 0)
            if abs(difference) > self.bands.told_to and not self._moved(each.currency):
                rows += self._settled(each.currency, difference) or self._paid(each.currency, difference)
        if self.accruals is not None and (seen := self.accruals.seen(self.snapshot, self._now_ns)) is not None:
            rows.append(seen)
        return rows

    def _settled(self, currency: str, difference: Cash) -> list[Event]:
        found = self.variation.explain(currency, difference, self._now_ns) if self.variation is not None else None
        if self.variation is None or found is None:
            return []
        self.variation.book(found)
        return [found]

    def _paid(self, currency: str, difference: Cash) -> list[Event]:
        move = self.accruals.paid(currency, difference, self.snapshot) if self.accruals is not None else None
        if move is None or not self.books.first_time(move.id, move.at_ns):
            return []
        self.books.move_cash(move)
        return [VenueCashMoved(move)]

    def result(self) -> BooksCompared:
        if self._refused:
            halt = Break("ACCOUNT", self._base, 0, 0, Severity.HALT, self._refused)
            return BooksCompared((self._base,), (), (halt,))
        compared: list[str] = []
        skipped: list[str] = []
        breaks: list[Break] = []
        self._positions(compared, skipped, breaks)
        self._money(compared, skipped, breaks)
        return BooksCompared(tuple(compared), tuple(skipped), tuple(breaks))

    def _positions(self, compared: list[str], skipped: list[str], breaks: list[Break]) -> None:
        apart = self.apart.position if self.apart is not None else lambda name: 0
        theirs = {each.instrument: each.quantity - apart(each.instrument) for each in self.snapshot.positions}
        theirs = {name: quantity for name, quantity in theirs.items() if quantity}
        for name in {**self.books.positions, **theirs, **dict.fromkeys(self._told_of())}:
            position = self.books.positions.get(name)
            if position is not None and (position.contract.delivers or position.touched_ns > self.snapshot.at_ns):
                skipped.append(name)
                continue
            compared.append(name)
            ours = position.quantity if position is not None else 0
            if ours != theirs.get(name, 0):
                text = f"{name}: the book holds {ours}, the venue {theirs.get(name, 0)}"
                breaks.append(Break("POSITION", name, ours, theirs.get(name, 0), Severity.LOCK, text))

    def _told_of(self) -> list[str]:
        """Of the contracts asked for, those of which a venue tells a position: what a spot pair delivers is cash."""
        found = ((name, self.books.contracts.get(name)) for name in self._flat)
        return [name for name, contract in found if contract is not None and not contract.delivers]

    def _money(self, compared: list[str], skipped: list[str], breaks: list[Break]) -> None:
        theirs = {each.currency: each.amount for each in self.snapshot.cash}
        apart = self.apart.opened.cash if self.apart is not None and self.apart.opened is not None else {}
        for name in {**{k: v for k, v in self.books.cash.items() if v}, **theirs, **apart}:
            ours, amount = self.books.cash.get(name, 0), self._theirs(name, theirs.get(name, 0))
            if self._unopened or self._moved(name) or self._waits_for_closes(name, amount - ours):
                skipped.append(name)
                continue
            compared.append(name)
            breaks += self._cash_break(name, ours, amount)

    def _theirs(self, currency: str, amount: Cash) -> Cash:
        """The program's part of the venue's cash."""
        return amount - (self.apart.cash(currency) if self.apart is not None else 0)

    @property
    def _unopened(self) -> bool:
        """Whether it is not known yet how much of the account is the program's."""
        return self.apart is not None and self.apart.opened is None

    def _moved(self, currency: str) -> bool:
        return self.books.cash_touched_ns.get(currency, 0) > self.snapshot.at_ns

    def _waits_for_closes(self, currency: str, difference: Cash) -> bool:
        if self.variation is None:
            return False
        if abs(difference) <= self.bands.told_to:
            self.variation.agreed(currency)
            return False
        return self.variation.may_come(currency, difference, self._now_ns)

    def _cash_break(self, currency: str, ours: Cash, theirs: Cash) -> list[Break]:
        if abs(ours - theirs) <= self.bands.told_to:
            return []
        rate = self._rates.get(currency, 10**9)
        nav = self._nav or rounded(valuation.capital(self.books.cash, {**self._rates, currency: rate}))
        difference = rounded(abs(ours - theirs) * rate) * 10_000
        severity = Severity.NOTE
        if difference > self.bands.halt_bps * max(nav, 1):
            severity = Severity.HALT
        elif difference > self.bands.reduce_only_bps * max(nav, 1):
            severity = Severity.REDUCE_ONLY
        text = f"{currency}: the book has {ours}, the venue {theirs}"
        return [Break("CASH", currency, ours, theirs, severity, text)]
