"""The books against hand calculation, against any order of the same facts, and against seven years of real prices."""

from __future__ import annotations

import random
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.books import Books
from actors.contracts import Contracts
from actors.portfolio import Portfolio
from engine.clock import VirtualClock
from engine.effects import Effect, Journal, Ref, Reply, Tell
from model.decisions import CycleFx, CycleOpened, DayMarked, NavMarked
from model.execution import Alarm, AskBooks, BooksAdjusted, BooksBroke, BooksCompared, Severity, SleevesCrossed
from model.instruments import Instrument, Kind
from model.market import FxRate, FxSnapshot, Mark, Quality
from model.orders import (
    CashMoved,
    Fill,
    Filled,
    SettledLine,
    Settlement,
    Share,
    Side,
    VenueCash,
    VenuePosition,
    VenueSnapshot,
)
from model.units import cash, px, px_from_float, qty

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "futures"
T0 = 1_704_207_600 * 10**9
DAY = 86_400 * 10**9


def instrument(name: str, kind: Kind, currency: str, multiplier: str = "1") -> Instrument:
    return Instrument(
        id=name, kind=kind, venue="V", currency=currency, calendar="C", multiplier=Decimal(multiplier), lot=Decimal(1)
    )


UNIVERSE = {
    each.id: each
    for each in (
        instrument("FUND", Kind.ETF, "EUR"),
        instrument("LONDON", Kind.ETF, "GBP"),
        instrument("SP500", Kind.FUTURE, "USD", "50"),
        instrument("CRUDE_W", Kind.FUTURE, "USD", "1000"),
        instrument("NIKKEI", Kind.FUTURE, "JPY", "100"),
        instrument("EUROSTX", Kind.FUTURE, "EUR", "10"),
        instrument("EURUSD", Kind.FX_SPOT, "USD"),
    )
}


def filled(
    name: str, signed: str, price: str | int, *, exec_id: str, fee: str = "0", at_ns: int = T0, corrects: str = "",
    shares: tuple[tuple[str, str], ...] = (),
) -> Filled:  # fmt: skip
    size = qty(signed)
    side = Side.BUY if size > 0 else Side.SELL
    at = price if isinstance(price, int) else px(price)
    currency = UNIVERSE[name.partition("@")[0]].currency
    parts = tuple(Share(who, qty(part)) for who, part in shares) or (Share("a", size),)
    return Filled(
        Fill(exec_id, "hr-1", "v", name, side, abs(size), at, cash(fee), currency, at_ns, corrects), "r", parts
    )


class Office:
    """A portfolio by itself."""

    def __init__(self, start: dict[str, str] | None = None) -> None:
        money = {name: cash(amount) for name, amount in (start or {"EUR": "1000000"}).items()}
        self.actor = self.new(money)
        self.money = money
        self.rates = {"EUR": 10**9, "USD": px("0.8"), "GBP": px("1.25"), "JPY": px("0.01")}
        self.day = 0
        self.told: list[Effect] = []

    def new(self, money: dict[str, int]) -> Portfolio:
        actor = Portfolio(
            instruments=UNIVERSE, base="EUR", cash=money, risk=Ref("risk"), regime=Ref("regime"),
            reconciler=Ref("reconciler"), sleeve_capital={"a": cash("600000")},
        )  # fmt: skip
        actor.clock = VirtualClock(T0)
        return actor

    def say(self, message: Any) -> list[Effect]:
        effects = list(getattr(self.actor, self.actor.handlers[type(message)])(message) or ())
        self.told += effects
        return effects

    def mark(self, name: str, price: str | int, quality: Quality = Quality.GOOD) -> None:
        at = price if isinstance(price, int) else px(price)
        self.say(Mark(name, at, quality, 20240101 + self.day, T0 + self.day * DAY))

    def close(
        self, contracts: dict[str, str] | None = None, seen: dict[str, int] | None = None
    ) -> tuple[DayMarked, NavMarked]:
        """End a session and read what was marked. seen: the last session of each product."""
        self.day += 1
        at_ns = T0 + self.day * DAY
        cycle = CycleOpened(f"r{self.day}", "p", 20240101 + self.day, 1, at_ns, "", {}, contracts or {}, {}, seen or {})
        rates = {name: FxRate(name, rate, "test", at_ns, Quality.GOOD) for name, rate in self.rates.items()}
        effects = self.say(CycleFx(cycle, FxSnapshot("EUR", rates, at_ns)))
        days = [each.event for each in effects if isinstance(each, Journal) and isinstance(each.event, DayMarked)]
        navs = [each.message for each in effects if isinstance(each, Tell) and isinstance(each.message, NavMarked)]
        return days[0], navs[0]

    def settle(self, name: str, price: str | int, amount: int, *, quantity: str = "0", final: bool = False) -> None:
        at = price if isinstance(price, int) else px(price)
        currency = UNIVERSE[name.partition("@")[0]].currency
        line = SettledLine(name, currency, at, qty(quantity), amount, final)
        self.say(Settlement(f"s-{name}-{self.day}-{len(self.told)}", 20240101 + self.day, (line,), T0 + self.day * DAY))

    def alarms(self) -> list[str]:
        return [each.event.code for each in self.told if isinstance(each, Journal) and isinstance(each.event, Alarm)]


def identity(start: int, day: DayMarked) -> int:
    """What the causes of profit add up to."""
    return start + day.variation_total + day.fx_total + day.financing_total + day.flows_total - day.fees_total


def test_a_fund_bought_is_cash_turned_into_value() -> None:
    office = Office()
    office.say(filled("FUND", "100", "50", exec_id="1", fee="3"))
    office.mark("FUND", "52")
    day, nav = office.close()
    # 1 000 000 - 5 000 - 3 in cash, 5 200 in the fund
    assert (day.cash_base, day.open_value, day.nav) == (cash("994997"), cash("5200"), cash("1000197"))
    assert day.cash_base + day.open_value == day.nav
    assert identity(cash("1000000"), day) == day.nav
    assert (nav.gross, nav.net) == (cash("5200"), cash("5200"))
    assert nav.sleeve_nav == {"a": cash("600197")}


def test_a_contract_that_falls_silent_while_its_product_goes_on_is_named_degraded() -> None:
    """Scar: US10@200606 was kept at its last close for three weeks, and its price was called good."""
    office = Office({"EUR": "1000000"})
    office.say(filled("SP500@202403", "2", "4700", exec_id="1"))
    office.mark("SP500@202403", "4710")
    day, _ = office.close(seen={"SP500": 20240101})
    assert day.degraded == ()
    office.mark("SP500@202406", "4750")
    day, nav = office.close(seen={"SP500": 20240102})
    assert day.degraded == ("SP500@202403",)
    assert (nav.lines[0].quality, nav.lines[0].price) == (Quality.STALE, px("4710"))


def test_a_future_moves_cash_only_when_it_is_settled() -> None:
    office = Office({"EUR": "1000000"})
    office.say(filled("SP500@202403", "2", "4700", exec_id="1", fee="4"))
    office.mark("SP500@202403", "4710")
    assert office.actor.books.cash["USD"] == cash("-4")
    day, nav = office.close()
    # 10 points x 2 x 50 = 1 000 dollars at .8
    assert day.open_value == cash("800")
    assert nav.lines[0].exposure == cash("376800")
    office.settle("SP500@202403", "4710", cash("1000"), quantity="2")
    day, nav = office.close()
    assert (day.open_value, day.cash["USD"]) == (0, cash("996"))
    assert nav.currency_exposure == {"USD": cash("996")}
    assert office.alarms() == []
    assert identity(cash("1000000"), day) == day.nav


def test_pence_never_enter_the_books() -> None:
    # 250 pence is 2.50 pounds at the edge; 1 000 shares are worth 2 500 pounds, 3 125 euros at 1.25
    office = Office({"EUR": "10000", "GBP": "2500"})
    office.say(filled("LONDON", "1000", "2.5", exec_id="1"))
    office.mark("LONDON", "2.5")
    day, _ = office.close()
    assert (day.nav, day.open_value, day.cash) == (cash("13125"), cash("3125"), {"EUR": cash("10000")})


def test_a_rate_that_moves_is_fx_profit_and_no_variation() -> None:
    office = Office({"EUR": "0", "USD": "1000"})
    office.close()
    office.rates["USD"] = px("0.9")
    day, _ = office.close()
    assert (day.nav, day.fx_total, day.variation_total) == (cash("900"), cash("100"), 0)


def test_deposits_are_flows_and_leave_the_time_weighted_index_alone() -> None:
    office = Office()
    office.close()
    office.say(CashMoved("d1", "deposit", "EUR", cash("500000"), "", T0))
    office.say(CashMoved("d1", "deposit", "EUR", cash("500000"), "", T0))
    office.say(CashMoved("i1", "interest", "EUR", cash("1500"), "", T0))
    day, nav = office.close()
    assert (day.nav, day.flows_total, day.financing_total) == (cash("1501500"), cash("500000"), cash("1500"))
    assert nav.external_flows == cash("500000")
    assert day.twr_index == pytest.approx(1.0015, abs=1e-12)


def test_a_currency_bought_is_money_and_no_second_position() -> None:
    office = Office({"EUR": "1000", "USD": "1000"})
    # sell 500 euros at 1.25: 625 dollars, worth 500 euros at .8
    office.say(filled("EURUSD", "-500", "1.25", exec_id="1"))
    office.mark("EURUSD", "1.25")
    day, _ = office.close()
    assert day.cash == {"EUR": cash("500"), "USD": cash("1625")}
    assert (day.nav, day.variation_total) == (cash("1800"), 0)


def test_a_missing_price_keeps_the_last_one_and_says_so() -> None:
    office = Office()
    office.say(filled("FUND", "10", "50", exec_id="1"))
    day, nav = office.close()
    assert (day.nav, day.degraded) == (cash("1000000"), ("FUND",))
    office.mark("FUND", "60", Quality.STALE)
    day, nav = office.close({"FUND": "FUND"})
    assert (nav.nav, nav.lines[0].quality) == (cash("1000100"), Quality.STALE)


def test_without_any_rate_nothing_is_marked_and_nobody_decides() -> None:
    office = Office()
    del office.rates["USD"]
    office.say(filled("SP500@202403", "2", "4700", exec_id="1", fee="4"))
    with pytest.raises(IndexError):
        office.close()
    assert office.alarms() == ["NO_RATE"]


def test_sleeves_cross_at_the_last_price_and_the_position_stays() -> None:
    office = Office()
    crossed = SleevesCrossed("c1", "r", "FUND", px("50"), (Share("a", qty(5)), Share("b", qty(-5))), T0)
    office.say(crossed)
    office.say(crossed)
    office.mark("FUND", "51")
    day, nav = office.close()
    assert day.nav == cash("1000000")
    assert day.sleeve_pnl == {"a": cash("5"), "b": cash("-5")}
    assert nav.lines[0].sleeve_quantities == {"a": qty(5), "b": qty(-5)}


def test_an_expired_contract_leaves_nothing_behind() -> None:
    office = Office()
    office.say(filled("SP500@202403", "2", "4700", exec_id="1", shares=(("a", "3"), ("b", "-1"))))
    office.settle("SP500@202403", "4710", cash("1000"), quantity="2", final=True)
    day, nav = office.close()
    assert (day.positions, nav.lines) == ({}, ())
    assert day.nav == cash("1000800")
    assert day.sleeve_pnl == {"a": cash("1200"), "b": cash("-400")}
    assert office.actor.books.positions == {}


def test_a_settlement_that_overtook_its_fill_is_explained_by_it() -> None:
    office = Office()
    office.settle("SP500@202403", "4710", cash("1000"), quantity="2")
    office.say(filled("SP500@202403", "2", "4700", exec_id="1"))
    office.mark("SP500@202403", "4710")
    office.close()
    day, _ = office.close()
    assert (day.nav, day.open_value) == (cash("1000800"), 0)
    assert office.alarms() == []


def test_an_expiry_that_overtook_its_fill_leaves_nothing_behind() -> None:
    office = Office()
    office.settle("SP500@202403", "4710", cash("1000"), quantity="2", final=True)
    office.say(filled("SP500@202403", "2", "4700", exec_id="1"))
    day, _ = office.close()
    assert (day.nav, day.positions) == (cash("1000800"), {})


def test_a_settlement_that_disagrees_with_our_own_figure_is_a_break() -> None:
    office = Office()
    office.say(filled("SP500@202403", "2", "4700", exec_id="1"))
    office.mark("SP500@202403", "4710")
    office.close()
    office.settle("SP500@202403", "4710", cash("1000") + 1, quantity="2")
    office.close()
    office.close()
    assert office.alarms() == ["SETTLEMENT_DIFFERS"]
    broke = [each.message for each in office.told if isinstance(each, Tell) and isinstance(each.message, BooksBroke)]
    assert [each.subject for each in broke[0].breaks] == ["SP500@202403"]


def test_a_correction_replaces_price_quantity_and_fee() -> None:
    office = Office()
    office.say(filled("FUND", "10", "50", exec_id="1", fee="1"))
    office.say(filled("FUND", "9", "51", exec_id="2", fee="2", corrects="1"))
    office.say(filled("FUND", "10", "50", exec_id="1", fee="1"))
    office.say(filled("FUND", "9", "51", exec_id="2", fee="2", corrects="1"))
    assert office.actor.books.cash["EUR"] == cash("1000000") - cash("459") - cash("2")
    assert office.actor.books.positions["FUND"].quantity == qty(9)


def test_a_correction_of_something_unknown_is_a_break_and_changes_nothing() -> None:
    office = Office()
    office.say(filled("FUND", "9", "51", exec_id="2", corrects="1"))
    assert office.actor.books.positions == {}
    assert office.alarms() == ["CORRECTION_UNKNOWN"]


def test_average_cost_through_zero() -> None:
    books = Books(Contracts(UNIVERSE), {})
    for number, (size, price) in enumerate((("10", "50"), ("10", "60"), ("-5", "70"), ("-25", "80"))):
        books.take_fill(filled("FUND", size, price, exec_id=str(number)))
    line = books.positions["FUND"]
    # 20 at 55; 5 sold at 70 earn 75; 15 sold at 80 earn 375; short 10 at 80
    assert (line.quantity, line.average_cost, line.realised) == (qty(-10), px("80"), cash("450"))


def test_an_operator_may_repair_the_books_and_it_is_no_profit() -> None:
    office = Office()
    row = BooksAdjusted("a1", "FUND", qty(10), px("50"), "EUR", cash("7"), "a", "found by the auditor", "me", T0)
    office.say(row)
    office.say(row)
    office.mark("FUND", "50")
    day, _ = office.close()
    assert (day.nav, day.flows_total, day.variation_total) == (cash("1000507"), cash("507"), 0)


# --- comparison with the venue ----------------------------------------------------------------------------------------


def snapshot(positions: dict[str, str], money: dict[str, str], at_ns: int = T0) -> VenueSnapshot:
    return VenueSnapshot(
        "s", "v", 0, at_ns, True, True, (), (), (),
        tuple(VenuePosition(name, qty(size)) for name, size in positions.items()),
        tuple(VenueCash(name, cash(amount)) for name, amount in money.items()),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("positions", "money", "found"),
    [
        ({"FUND": "10"}, {"EUR": "999500"}, []),
        ({"FUND": "9"}, {"EUR": "999500"}, [("POSITION", Severity.LOCK)]),
        ({}, {"EUR": "999500"}, [("POSITION", Severity.LOCK)]),
        ({"FUND": "10", "LONDON": "1"}, {"EUR": "999500"}, [("POSITION", Severity.LOCK)]),
        ({"FUND": "10"}, {"EUR": "999499.99"}, [("CASH", Severity.NOTE)]),
        ({"FUND": "10"}, {"EUR": "996000"}, [("CASH", Severity.REDUCE_ONLY)]),
        ({"FUND": "10"}, {"EUR": "989000"}, [("CASH", Severity.HALT)]),
        ({"FUND": "10"}, {"EUR": "999500", "USD": "100"}, [("CASH", Severity.NOTE)]),
    ],
)
def test_differences_are_found_and_graded(
    positions: dict[str, str], money: dict[str, str], found: list[tuple[str, Severity]]
) -> None:
    office = Office()
    office.say(filled("FUND", "10", "50", exec_id="1"))
    office.mark("FUND", "50")
    office.close()
    compared = office.actor.compare(snapshot(positions, money))
    assert [(each.kind, each.severity) for each in compared.breaks] == found


def test_what_moved_after_the_snapshot_is_not_compared() -> None:
    office = Office()
    office.say(filled("FUND", "10", "50", exec_id="1", at_ns=T0 + 1))
    compared = office.actor.compare(snapshot({}, {"EUR": "1000000"}))
    assert (compared.breaks, set(compared.skipped)) == ((), {"FUND", "EUR"})


def test_a_contract_that_neither_side_holds_is_compared_when_it_is_asked_for_and_a_spot_pair_never() -> None:
    office = Office()
    venue = snapshot({}, {"EUR": "1000000"})
    for flat, compared in [((), {"EUR"}), (("FUND", "EURUSD", "NOBODYS"), {"EUR", "FUND"})]:
        [reply] = [each for each in office.say(AskBooks(snapshot=venue, flat=flat)) if isinstance(each, Reply)]
        assert isinstance(reply.answer, BooksCompared)
        assert (set(reply.answer.compared), reply.answer.skipped, reply.answer.breaks) == (compared, (), ())


def test_what_was_missed_is_taken_from_the_snapshot_once() -> None:
    office = Office()
    move = CashMoved("m1", "dividend", "EUR", cash("12"), "FUND", T0)
    whole = VenueSnapshot("s", "v", 0, T0, True, True, (), (), (), (), (VenueCash("EUR", cash("1000012")),), (move,))
    for _ in range(2):
        [reply] = [each for each in office.say(AskBooks(snapshot=whole)) if isinstance(each, Reply)]
        assert isinstance(reply.answer, BooksCompared)
        assert reply.answer.breaks == ()
    assert office.actor.books.cash["EUR"] == cash("1000012")


# --- laws -------------------------------------------------------------------------------------------------------------

TRADE = st.tuples(
    st.sampled_from(["FUND", "SP500@202403", "LONDON"]), st.integers(-20, 20).filter(bool), st.integers(1, 5000)
)


def books_after(trades: list[tuple[str, int, int]]) -> tuple[Any, ...]:
    books = Books(Contracts(UNIVERSE), {"EUR": cash("1000")})
    for number, (name, size, price) in enumerate(trades):
        books.take_fill(filled(name, str(size), str(price), exec_id=str(number)))
    lines = {
        name: (each.quantity, each.paid, each.reference, each.profit(px(77)))
        for name, each in sorted(books.positions.items())
    }
    return {name: amount for name, amount in sorted(books.cash.items()) if amount}, lines


@given(st.lists(TRADE, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_any_order_of_the_same_fills_gives_the_same_books(trades: list[tuple[str, int, int]], chance: Any) -> None:
    other = list(trades)
    chance.shuffle(other)
    assert books_after(trades) == books_after(other)


@given(st.lists(TRADE, min_size=1, max_size=6), st.integers(1, 19))
def test_any_split_of_a_fill_gives_the_same_books(trades: list[tuple[str, int, int]], cut: int) -> None:
    split = []
    for name, size, price in trades:
        sign = 1 if size > 0 else -1
        part = sign * min(cut, abs(size) - 1)
        split += [(name, part, price), (name, size - part, price)] if part else [(name, size, price)]
    assert books_after(trades) == books_after(split)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9), st.integers(90, 110)), min_size=1, max_size=12))
def test_the_parts_of_sleeves_are_the_whole(days: list[tuple[int, int, int]]) -> None:
    office = Office()
    for number, (a, b, price) in enumerate(days):
        if a + b:
            shares = (("a", str(a)), ("b", str(b)))
            office.say(filled("FUND", str(a + b), str(price), exec_id=str(number), fee="1", shares=shares))
        office.mark("FUND", str(price + 1))
        day, nav = office.close()
        parts = sum(sum(line.sleeve_quantities.values()) for line in nav.lines)
        assert parts == sum(line.quantity for line in nav.lines)
        assert abs(sum(day.sleeve_pnl.values()) - (day.variation_total - day.fees_total)) <= 10 * len(days)
        assert identity(cash("1000000"), day) == day.nav


def test_rows_and_snapshot_rebuild_the_same_books() -> None:
    office = Office()
    office.say(filled("FUND", "10", "50", exec_id="1", fee="1"))
    fold: list[Any] = [filled("FUND", "10", "50", exec_id="1", fee="1")]
    office.mark("FUND", "51")
    office.close()
    office.say(filled("SP500@202403", "2", "4700", exec_id="2", fee="2", shares=(("a", "3"), ("b", "-1"))))
    office.mark("SP500@202403", "4712")
    office.settle("SP500@202403", "4710", cash("1000"), quantity="2")
    office.say(CashMoved("d1", "deposit", "EUR", cash("5"), "", T0))
    office.close()
    rows = [each.event for each in office.told if isinstance(each, Journal)]
    fold = [fold[0], rows[0], filled("SP500@202403", "2", "4700", exec_id="2", fee="2",
                                     shares=(("a", "3"), ("b", "-1"))), *rows[1:]]  # fmt: skip
    by_rows = office.new(office.money)
    for row in fold:
        getattr(by_rows, by_rows.folds[type(row)])(row)
    by_snapshot = office.new({})
    by_snapshot.restore(office.actor.snapshot())
    wanted = office.actor.snapshot()
    assert by_snapshot.snapshot() == wanted
    again = by_rows.snapshot()
    for name in ("cash", "positions", "totals", "sleeve_totals", "money", "twr", "nav", "session", "taken"):
        assert getattr(again, name) == getattr(wanted, name), name


# --- real prices ------------------------------------------------------------------------------------------------------

REAL = ("SP500", "CRUDE_W", "NIKKEI", "EUROSTX")


def real_days() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Prices, contract months and rates of every common day of 2014 to 2020."""
    table = pd.read_parquet(DATA / "contracts.parquet", columns=["date", "instrument", "price", "price_contract"])
    table = table[table.instrument.isin(REAL) & (table.date >= "2014-01-01") & (table.date < "2021-01-01")]
    table = table.dropna()
    prices = table.pivot_table(index="date", columns="instrument", values="price", observed=True)
    months = table.pivot_table(index="date", columns="instrument", values="price_contract", observed=True)
    fx = pd.read_parquet(DATA / "fx.parquet")
    rates = fx[fx.pair.isin(["EURUSD", "JPYUSD"])].pivot_table(
        index="date", columns="pair", values="rate", observed=True
    )
    common = prices.dropna().index.intersection(rates.dropna().index).intersection(months.dropna().index)
    return prices.loc[common], months.loc[common], rates.loc[common]


class Naive:
    """The same account kept in fractions, without any of the books' ideas: every trade against every mark."""

    def __init__(self) -> None:
        self.money: dict[str, Fraction] = {"EUR": Fraction(10_000_000)}
        self.held: dict[str, tuple[int, Fraction]] = {}

    def trade(self, name: str, size: int, price: int, fee: Fraction) -> None:
        instrument = UNIVERSE[name.partition("@")[0]]
        held, paid = self.held.get(name, (0, Fraction(0)))
        worth = Fraction(price, 10**9) * size * Fraction(instrument.multiplier)
        self.held[name] = (held + size, paid + worth)
        self.money[instrument.currency] = self.money.get(instrument.currency, Fraction(0)) - fee

    def settle(self, name: str, price: int) -> Fraction:
        instrument = UNIVERSE[name.partition("@")[0]]
        held, paid = self.held[name]
        worth = Fraction(price, 10**9) * held * Fraction(instrument.multiplier)
        self.held[name] = (held, worth)
        self.money[instrument.currency] = self.money.get(instrument.currency, Fraction(0)) + worth - paid
        return worth - paid

    def nav(self, rates: dict[str, int]) -> Fraction:
        return sum((amount * Fraction(rates[name], 10**9) for name, amount in self.money.items()), Fraction(0))


def test_the_identity_holds_to_the_cent_over_seven_years_of_real_prices() -> None:
    prices, months, rates = real_days()
    assert len(prices) > 1_500
    chance, office, naive = random.Random(7), Office({"EUR": "10000000"}), Naive()
    number = 0
    for place, date in enumerate(prices.index):
        euro = rates["EURUSD"].iloc[place]
        office.rates = {"EUR": 10**9, "USD": px_from_float(1 / euro),
                        "JPY": px_from_float(rates["JPYUSD"].iloc[place] / euro)}  # fmt: skip
        for name in REAL:
            price = px_from_float(prices[name].iloc[place])
            contract = f"{name}@{int(months[name].iloc[place])}"
            trades = {contract: chance.randint(-2, 2) if chance.random() < 0.1 else 0}
            old = [each for each in naive.held if each.startswith(f"{name}@") and each != contract]
            for each in old:
                trades[each] = -naive.held[each][0]
                trades[contract] -= trades[each]
            for each, size in trades.items():
                if size:
                    number += 1
                    office.say(filled(each, str(size), price, exec_id=str(number), fee="2.5"))
                    naive.trade(each, size, price, Fraction(5, 2))
            for each in [*old, contract]:
                if each in naive.held:
                    amount = naive.settle(each, price)
                    micro = round(amount * 10**6)
                    office.settle(each, price, micro, quantity=str(naive.held[each][0]))
                if each in old:
                    del naive.held[each]
            office.mark(contract, price)
        day, _ = office.close()
        assert day.cash_base + day.open_value == day.nav
        assert abs(identity(cash("10000000"), day) - day.nav) < 10_000, date  # a cent is 10 000 micro
        assert abs(naive.nav(office.rates) * 10**6 - day.nav) < 10_000, date
    assert number > 300
    assert office.alarms() == []
