"""Daily settlements of futures at a venue that books them and does not say so.

The venue's cash moves by (settlement price - reference) x quantity x multiplier of each contract, some time after its
close, and no message tells it. What the book can know is each contract's close and what was held at it: a *claim*. A
difference between the venue's cash and ours is explained when the claims up to some close, in order of closes, add up
to it; then they are booked, by a row of their own. Booking variation moves money from open value into cash: the net
asset value stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from actors.books import Books
from engine.message import Event
from model.market import Mark, Quality
from model.orders import Fill
from model.units import NS_PER_SECOND, Cash, Px, Qty, div_half_even

CENT: Cash = 10_000
SLACK_BPS = 5
MOST_SHARE_BPS = 1_000
PATIENCE_NS = 45 * 60 * NS_PER_SECOND
KEPT_NS = 5 * 86_400 * NS_PER_SECOND


class Claim(msgspec.Struct, gc=False):
    """What the venue owes or is owed (raw, before the multiplier) once it has settled a contract at this close.

    Counted from the last settlement that is booked; the claim of a later close has the earlier ones in it.
    """

    instrument: str
    session: int
    price: Px
    quantity: Qty
    raw: int
    at_ns: int


class Trade(msgspec.Struct, frozen=True, gc=False):
    """A signed execution in a future."""

    quantity: Qty
    price: Px
    at_ns: int


class VariedLine(msgspec.Struct, frozen=True, gc=False):
    """One contract's variation: cash of (settle - reference) x quantity x multiplier."""

    instrument: str
    session: int
    settle: Px
    quantity: Qty
    amount: Cash


class VariationFound(Event, frozen=True, gc=False):
    """The venue's cash has moved by the variation of these contracts, and by `residual` that their closes leave open.

    The residual is booked with the first line: the venue settles at a price of its own, a tick or two from a close.
    """

    id: str
    currency: str
    lines: tuple[VariedLine, ...]
    residual: Cash
    at_ns: int


class VariationKept(msgspec.Struct, frozen=True):
    """Everything that waits, in a snapshot. Sums wider than 64 bits are texts."""

    claims: tuple[tuple[str, int, Px, Qty, str, int], ...]
    trades: dict[str, tuple[Trade, ...]]
    booked: dict[str, tuple[int, Px, int]]
    count: int


class Variation:
    """Claims by contract, oldest first. booked: (session, price, at_ns) of each contract's last booked settlement."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.claims: dict[str, list[Claim]] = {}
        self.trades: dict[str, list[Trade]] = {}
        self.booked: dict[str, tuple[int, Px, int]] = {}
        self.count = 0
        self._doubted_ns: dict[str, int] = {}

    # -- what makes claims

    def closed(self, mark: Mark) -> None:
        """A contract has closed: what was held then will be settled at this price."""
        name = mark.instrument
        position = self.books.positions.get(name)
        if mark.quality is not Quality.GOOD or position is None or not position.contract.by_variation:
            return
        waiting = self.claims.get(name, [])
        last = waiting[-1].session if waiting else self.booked.get(name, (0, 0, 0))[0]
        if mark.session <= last:
            return
        quantity, raw = position.quantity, mark.price * position.quantity - position.reference
        for trade in self.trades.get(name, ()):
            if trade.at_ns > mark.at_ns:
                quantity -= trade.quantity
                raw -= (mark.price - trade.price) * trade.quantity
        if quantity or raw:
            self.claims.setdefault(name, []).append(Claim(name, mark.session, mark.price, quantity, raw, mark.at_ns))

    def traded(self, fill: Fill) -> None:
        """An execution enters the book, whenever it happened: one from before a close belongs to that close's claim."""
        name, quantity = fill.instrument, fill.quantity * fill.side
        trades = self.trades.setdefault(name, [])
        trades.append(Trade(quantity, fill.price, fill.at_ns))
        while trades[0].at_ns < fill.at_ns - KEPT_NS:
            trades.pop(0)
        for claim in self.claims.get(name, ()):
            if fill.at_ns <= claim.at_ns:
                claim.quantity += quantity
                claim.raw += (claim.price - fill.price) * quantity
        session, price, at_ns = self.booked.get(name, (0, 0, 0))
        if fill.at_ns <= at_ns and not self.claims.get(name):
            late = Claim(name, session, price, quantity, (price - fill.price) * quantity, at_ns)
            self.claims.setdefault(name, []).append(late)

    # -- what explains a difference

    def explain(self, currency: str, difference: Cash, now_ns: int) -> VariationFound | None:
        """Claims whose sum is the venue's cash less ours; None while no closes add up to it."""
        events = sorted(
            (claim for waiting in self.claims.values() for claim in waiting if self._currency(claim) == currency),
            key=lambda claim: (claim.at_ns, claim.instrument, claim.session),
        )
        best: list[Claim] = []
        nearest, newest = abs(difference), dict[str, Claim]()
        for claim in events:
            newest[claim.instrument] = claim
            left = abs(difference - sum(self._amount(each) for each in newest.values()))
            if left < nearest:
                best, nearest = list(newest.values()), left
        if not best or nearest > max(CENT, self._slack(best)):
            return None
        lines = [
            VariedLine(each.instrument, each.session, each.price, each.quantity, self._amount(each)) for each in best
        ]
        self.count += 1
        residual = difference - sum(line.amount for line in lines)
        if abs(residual) <= CENT:
            residual = 0  # the venue tells rounded figures: what we computed is nearer to what it has
        return VariationFound(f"variation-{now_ns}-{self.count}", currency, tuple(lines), residual, now_ns)

    def may_come(self, currency: str, difference: Cash, now_ns: int) -> bool:
        """Whether a difference may be a settlement whose closes are not known yet: for a while, and of its size."""
        held = self._notional(currency)
        if not difference or abs(difference) * 10_000 > held * MOST_SHARE_BPS:
            return False
        since_ns = self._doubted_ns.setdefault(currency, now_ns)
        return now_ns - since_ns <= PATIENCE_NS

    def agreed(self, currency: str) -> None:
        """The venue's cash is ours."""
        self._doubted_ns.pop(currency, None)

    def book(self, found: VariationFound) -> None:
        """Move what was found from open value into cash, and forget the claims."""
        self.agreed(found.currency)
        for place, line in enumerate(found.lines):
            amount = line.amount + (found.residual if place == 0 else 0)
            raw = self.books.vary(line.instrument, amount, found.currency)
            waiting = self.claims.get(line.instrument, [])
            at_ns = max((each.at_ns for each in waiting if each.session <= line.session), default=0)
            left = [each for each in waiting if each.session > line.session]
            for claim in left:
                claim.raw -= raw
            self.claims[line.instrument] = left
            if not left:
                del self.claims[line.instrument]
            self.booked[line.instrument] = (line.session, line.settle, at_ns or found.at_ns)

    # -- sizes

    def _amount(self, claim: Claim) -> Cash:
        return self.books.contracts[claim.instrument].money(claim.raw)

    def _currency(self, claim: Claim) -> str:
        return self.books.contracts[claim.instrument].currency

    def _slack(self, claims: Sequence[Claim]) -> Cash:
        worth = sum(abs(self.books.contracts[each.instrument].money(each.price * each.quantity)) for each in claims)
        return div_half_even(worth * SLACK_BPS, 10_000)

    def _notional(self, currency: str) -> Cash:
        """Of what is held, or was traded lately where that is more."""
        total = 0
        for position in self.books.positions.values():
            contract = position.contract
            if contract.by_variation and contract.currency == currency:
                traded = sum(abs(trade.quantity) for trade in self.trades.get(contract.id, ()))
                total += abs(contract.money(position.price * max(abs(position.quantity), traded)))
        return total

    # -- snapshots

    def keep(self) -> VariationKept:
        claims = tuple(
            (each.instrument, each.session, each.price, each.quantity, str(each.raw), each.at_ns)
            for waiting in self.claims.values()
            for each in waiting
        )
        trades = {name: tuple(each) for name, each in self.trades.items()}
        return VariationKept(claims, trades, dict(self.booked), self.count)

    def load(self, kept: VariationKept) -> None:
        for name, session, price, quantity, raw, at_ns in kept.claims:
            self.claims.setdefault(name, []).append(Claim(name, session, price, quantity, int(raw), at_ns))
        self.trades = {name: list(each) for name, each in kept.trades.items()}
        self.booked, self.count = dict(kept.booked), kept.count
