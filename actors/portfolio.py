"""The portfolio: what is owned, what it is worth, and whose it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from actors import adjustment, valuation
from actors.accruals import Accruals, AccrualsSeen
from actors.books import Books, Mismatch
from actors.books_kept import BooksKept, kept_books, restored_books
from actors.comparison import CashBands, Comparison
from actors.contracts import Contracts
from actors.opening import AccountOpened, Apart
from actors.valuation import Totals, Valued, rounded
from actors.variation import Variation, VariationFound
from engine.actor import Actor
from engine.effects import Effect, Effects, Journal, Ref, Reply, Tell
from engine.message import Event
from model.decisions import CycleFx, CycleOpened, DayMarked, NavMarked
from model.execution import (
    AdjustBooks,
    AdjustmentRefused,
    Alarm,
    AskBooks,
    BooksAdjusted,
    BooksBroke,
    BooksCompared,
    Break,
    ReconcileNow,
    Severity,
    SleevesCrossed,
)
from model.instruments import Instrument
from model.market import Mark, Quality
from model.orders import CashMoved, Filled, Settlement, VenueCashMoved, VenueSettled, VenueSnapshot
from model.units import Cash, Px

MARKS_KEPT = 2_000


class Portfolio(Actor):
    """Keep the books from fills, settlements and cash moves; mark them once a session.

    finds_variation: the venue settles futures and does not say so; see `variation`.  shares_account: the account was
    there before the program and may hold more; see `opening`.

    A missing price or rate leaves the last one in place and names what is degraded; it is never taken as zero. While a
    currency that is held has no rate at all, nothing is marked and nobody decides.
    """

    folds_rows_of = ("orders", "basket")

    def __init__(
        self, *, instruments: Mapping[str, Instrument], base: str, cash: Mapping[str, Cash], risk: Ref[Any],
        regime: Ref[Any] | None, reconciler: Ref[Any], sleeve_capital: Mapping[str, Cash] | None = None,
        bands: CashBands | None = None, finds_variation: bool = False, shares_account: bool = False,
    ) -> None:  # fmt: skip
        self.base = base
        self.contracts = Contracts(instruments)
        self.books = Books(self.contracts, dict(cash))
        self.variation = Variation(self.books) if finds_variation else None
        self.apart = Apart(instruments) if shares_account else None
        self.accruals = Accruals() if shares_account else None
        self.totals = Totals()
        self.risk = risk
        self.regime = regime
        self.reconciler = reconciler
        self.sleeve_capital = dict(sleeve_capital or {})
        self.bands = bands or CashBands()
        self.prices: dict[str, Px] = {}
        self.qualities: dict[str, Quality] = {}
        self.sessions: dict[str, int] = {}
        self.rates: dict[str, Px] = {base: 10**9}
        self.session = 0
        self.marked_ns = 0

    # -- facts

    def on_mark(self, mark: Mark) -> Effects:
        instrument = mark.instrument
        self.prices[instrument] = mark.price
        self.qualities[instrument] = mark.quality
        self.sessions[instrument] = mark.session
        if self.variation is not None:
            self.variation.closed(mark)
        return None

    def on_filled(self, filled: Filled) -> Effects:
        mismatch = self._take(filled)
        return None if mismatch is None else self._broke([mismatch], "CORRECTION_UNKNOWN")

    def _take(self, filled: Filled) -> Mismatch | None:
        known = self.books.knows(filled.fill.exec_id)
        mismatch = self.books.take_fill(filled)
        if self.variation is not None and not known and mismatch is None:
            self.variation.traded(filled.fill)
        return mismatch

    def on_settlement(self, settlement: Settlement) -> Effects:
        if not self.books.first_time(settlement.id, settlement.at_ns):
            return None
        self.books.settle(settlement)
        return [Journal(VenueSettled(settlement))]

    def on_cash_moved(self, move: CashMoved) -> Effects:
        if not self.books.first_time(move.id, move.at_ns):
            return None
        self.books.move_cash(move)
        return [Journal(VenueCashMoved(move))]

    def on_sleeves_crossed(self, crossed: SleevesCrossed) -> Effects:
        self._cross(crossed)
        return None

    def on_adjust_books(self, word: AdjustBooks) -> Effects:
        """Take a person's repair, or say why not; the venue is asked at once what it makes of it."""
        refused = adjustment.objection(word, self.contracts, self.rates, {**self.sleeve_capital, **self.totals.sleeves})
        now_ns = self.clock.now_ns
        if refused:
            return [Journal(AdjustmentRefused(word.id, refused, word.by, now_ns))]
        taken = self.on_books_adjusted(adjustment.adjusted(word, now_ns))
        return [*(taken or ()), Tell(self.reconciler, ReconcileNow(f"books adjusted by {word.by}"))]

    def on_books_adjusted(self, adjusted: BooksAdjusted) -> Effects:
        if not self._adjust(adjusted):
            return None
        text = f"{adjusted.instrument} {adjusted.quantity} {adjusted.currency} {adjusted.amount} by {adjusted.by}"
        return [Journal(adjusted), Journal(Alarm("BOOKS_ADJUSTED", adjusted.id, text, self.clock.now_ns))]

    def _cross(self, crossed: SleevesCrossed) -> None:
        if self.books.first_time(crossed.id, crossed.at_ns):
            self.books.cross(crossed.instrument, crossed.price, crossed.shares)

    def _adjust(self, row: BooksAdjusted) -> bool:
        if not self.books.first_time(row.id, row.at_ns):
            return False
        self.books.adjust(row.instrument, row.quantity, row.price, row.currency, row.amount, row.sleeve)
        return True

    def _broke(self, mismatches: list[Mismatch], code: str) -> list[Effect]:
        breaks = tuple(
            Break(code, each.subject, each.ours, each.theirs, Severity.LOCK, each.text) for each in mismatches
        )
        alarms = [Journal(Alarm(code, each.subject, each.text, self.clock.now_ns)) for each in mismatches]
        return [*alarms, Tell(self.reconciler, BooksBroke(breaks))]

    # -- the cycle

    def on_cycle_fx(self, told: CycleFx) -> Effects:
        cycle = told.cycle
        rates = self.rates
        for currency, rate in told.fx.rates.items():
            if rate.rate > 0:
                rates[currency] = rate.rate
        unknown = valuation.missing_rates(self.books, rates)
        if unknown:
            text = f"no rate to {self.base} is known for {', '.join(unknown)}: nothing is marked"
            return [Journal(Alarm("NO_RATE", unknown[0], text, self.clock.now_ns))]
        self._age(cycle)
        valued = valuation.value(self.books, self.prices, self.qualities, rates)
        stale = [f"fx {name}" for name in valued.money if (r := told.fx.rates.get(name)) is None or r.quality]
        degraded = (*valued.degraded, *stale)
        effects: list[Effect] = []
        if cycle.session > self.session:
            open_breaks = self.books.unsettled(self.marked_ns)
            if open_breaks:
                effects += self._broke(open_breaks, "SETTLEMENT_DIFFERS")
            effects.append(Journal(self._close_day(cycle, valued, degraded)))
        marked = self._nav(cycle, valued, degraded)
        effects.append(Tell(self.risk, marked))
        if self.regime is not None:
            effects.append(Tell(self.regime, marked))
        return effects

    def _age(self, cycle: CycleOpened) -> None:
        """A contract that is silent while its product goes on has no price of today: it was not rolled in time."""
        for name, position in self.books.positions.items():
            if self.sessions.get(name, 0) < cycle.sessions.get(position.contract.product, 0):
                self.qualities[name] = Quality.STALE

    def _close_day(self, cycle: CycleOpened, valued: Valued, degraded: tuple[str, ...]) -> DayMarked:
        traded = rounded(sum(amount * self.rates[name] for name, amount in self.books.traded.items()))
        prices = {line.instrument: line.price for line in valued.lines}
        prices.update({name: each.price for name, each in self.books.positions.items() if name not in prices})
        rates = {name: self.rates[name] for name in self._currencies()}
        forgot_ns = self.books.forgettable_ns(cycle.at_ns)
        self._mark_day(cycle.session, cycle.at_ns, valued, prices, rates, forgot_ns)
        totals = self.totals
        return DayMarked(
            session=cycle.session, nav=valued.nav, cash_base=valued.cash_base, open_value=valued.open_value,
            fees_total=rounded(totals.fees), variation_total=rounded(totals.variation), fx_total=rounded(totals.fx),
            financing_total=rounded(totals.financing), gross=valued.gross, net=valued.net,
            cash={name: amount for name, amount in self.books.cash.items() if amount},
            positions={line.instrument: line.quantity for line in valued.lines if line.quantity},
            sleeve_pnl={name: rounded(amount) for name, amount in totals.sleeves.items()},
            traded_notional=traded, at_ns=cycle.at_ns, flows_total=rounded(totals.flows), twr_index=totals.twr,
            degraded=degraded, prices=prices, rates=rates, forgot_ns=forgot_ns,
        )  # fmt: skip

    def _currencies(self) -> dict[str, None]:
        """Every currency that the day's mark converts, in the order of the books."""
        books = self.books
        names: dict[str, None] = {}
        for amounts in (books.cash, books.fees, books.financing, books.flows, books.converted, self.totals.money):
            names.update(dict.fromkeys(amounts))
        names.update({each.contract.currency: None for each in books.positions.values()})
        return {name: None for name in names if name in self.rates}

    def _mark_day(
        self, session: int, at_ns: int, valued: Valued, prices: Mapping[str, Px], rates: Mapping[str, Px],
        forgot_ns: int,
    ) -> None:  # fmt: skip
        """Book the day; the same from a message and from a row."""
        self.session, self.marked_ns = session, at_ns
        valuation.close_day(self.books, self.totals, valued, prices, rates)
        self.books.new_day(forgot_ns)
        if len(self.prices) > MARKS_KEPT:
            self._forget_marks()

    def _forget_marks(self) -> None:
        """Contracts that are neither held nor marked lately are not needed any more."""
        held = self.books.positions
        for name in [name for name, last in self.sessions.items() if last < self.session and name not in held]:
            del self.prices[name], self.qualities[name], self.sessions[name]

    def _nav(self, cycle: CycleOpened, valued: Valued, degraded: tuple[str, ...]) -> NavMarked:
        prices = {line.instrument: line.price for line in valued.lines}
        for name in cycle.contracts.values():
            if self.qualities.get(name) is Quality.GOOD:
                prices[name] = self.prices[name]
        sleeves = {
            name: self.sleeve_capital.get(name, 0) + rounded(self.totals.sleeves.get(name, 0))
            for name in {**self.sleeve_capital, **self.totals.sleeves}
        }
        foreign = {name: amount for name, amount in valued.money.items() if name != self.base}
        return NavMarked(
            run_id=cycle.run_id, session=cycle.session, nav=valued.nav,
            cash={name: amount for name, amount in self.books.cash.items() if amount}, gross=valued.gross,
            net=valued.net, lines=valued.lines, currency_exposure=foreign, sleeve_nav=sleeves, degraded=degraded,
            at_ns=cycle.at_ns, prices=prices,
            external_flows=rounded(self.totals.flows),
        )  # fmt: skip

    # -- comparison with the venue

    def on_ask_books(self, ask: AskBooks) -> Effects:
        snapshot = ask.snapshot
        effects: list[Effect] = []
        for settlement in snapshot.settlements:
            effects += self.on_settlement(settlement) or []
        for move in snapshot.moves:
            effects += self.on_cash_moved(move) or []
        self.books.reached(snapshot.since_ns)
        comparison = self._comparison(snapshot, ask.flat)
        opening = comparison.opening()
        if opening is not None:
            effects.append(Journal(opening))
        effects += [Journal(row) for row in comparison.explain()]
        effects.append(Reply(ask, comparison.result()))
        return effects

    def compare(self, snapshot: VenueSnapshot) -> BooksCompared:
        """Positions to the lot, cash to the micro. What moved after the snapshot was taken is skipped."""
        return self._comparison(snapshot).result()

    def _comparison(self, snapshot: VenueSnapshot, flat: tuple[str, ...] = ()) -> Comparison:
        return Comparison(
            snapshot, self.books, self.bands, flat=flat, base=self.base, nav=self.totals.nav, rates=self.rates,
            variation=self.variation, apart=self.apart, accruals=self.accruals, now_ns=self.clock.now_ns,
        )  # fmt: skip

    # -- recovery

    def fold_filled(self, row: Filled) -> None:
        self._take(row)

    def fold_opened(self, row: AccountOpened) -> None:
        if self.apart is not None:
            self.apart.opened = row

    def fold_accruals(self, row: AccrualsSeen) -> None:
        if self.accruals is not None:
            self.accruals.take(row.amounts)

    def fold_variation(self, row: VariationFound) -> None:
        if self.variation is not None:
            self.variation.book(row)

    def fold_settled(self, row: VenueSettled) -> None:
        if self.books.first_time(row.settlement.id, row.settlement.at_ns):
            self.books.settle(row.settlement)

    def fold_cash_moved(self, row: VenueCashMoved) -> None:
        if self.books.first_time(row.move.id, row.move.at_ns):
            self.books.move_cash(row.move)

    def fold_crossed(self, row: SleevesCrossed) -> None:
        self._cross(row)

    def fold_adjusted(self, row: BooksAdjusted) -> None:
        self._adjust(row)

    def fold_day(self, row: DayMarked) -> None:
        self.rates.update(row.rates)
        for name, price in row.prices.items():
            self.prices[name] = price
            self.qualities[name] = Quality.STALE if name in row.degraded else Quality.GOOD
            self.sessions[name] = row.session
        valued = valuation.value(self.books, row.prices, {}, self.rates)
        self.books.unsettled(self.marked_ns)
        self._mark_day(row.session, row.at_ns, valued, row.prices, self.rates, row.forgot_ns)

    def snapshot(self) -> BooksKept:
        kept = kept_books(self.books, self.totals, self.rates, self.session, self.marked_ns, self.prices)
        variation = self.variation.keep() if self.variation is not None else None
        return msgspec.structs.replace(
            kept, qualities=dict(self.qualities), sessions=dict(self.sessions), variation=variation,
            opened=self.apart.opened if self.apart is not None else None,
            accrued=self.accruals.keep() if self.accruals is not None else (),
        )  # fmt: skip

    def restore(self, snapshot: Event) -> None:
        assert isinstance(snapshot, BooksKept)
        self.books, self.totals = restored_books(snapshot, self.contracts)
        if self.apart is not None:
            self.apart.opened = snapshot.opened
        if self.accruals is not None:
            self.accruals.take(snapshot.accrued)
        if self.variation is not None:
            self.variation = Variation(self.books)
            if snapshot.variation is not None:
                self.variation.load(snapshot.variation)
        self.rates = dict(snapshot.rates)
        self.session, self.marked_ns = snapshot.session, snapshot.marked_ns
        self.prices = dict(snapshot.prices)
        self.qualities = {name: snapshot.qualities.get(name, Quality.STALE) for name in snapshot.prices}
        self.sessions = {name: snapshot.sessions.get(name, snapshot.session) for name in snapshot.prices}
