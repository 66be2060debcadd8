"""Rates out of dollar pairs; the figures are quotients that anybody can compute."""

from __future__ import annotations

from model.market import FxRateSeen, Quote
from model.units import NS_PER_SECOND, px, qty
from ports.ib.rates import PairRates, pair_of


def quote(pair: str, bid: str, ask: str, at_s: int = 0, size: str = "1000000") -> Quote:
    return Quote(pair, px(bid), px(ask), qty(size), qty(size), 1_000 * NS_PER_SECOND + at_s * NS_PER_SECOND)


def rates(currencies: list[str], base: str) -> tuple[PairRates, list[FxRateSeen]]:
    told: list[FxRateSeen] = []
    return PairRates(currencies, base, told.append), told


def test_pairs_are_written_as_the_market_writes_them() -> None:
    assert [pair_of(each).id for each in ("EUR", "GBP", "JPY", "CHF")] == ["EURUSD", "GBPUSD", "USDJPY", "USDCHF"]
    assert (pair_of("JPY").underlying, pair_of("JPY").currency) == ("USD", "JPY")


def test_in_dollars_a_rate_is_the_middle_of_its_pair_or_its_inverse() -> None:
    made, told = rates(["EUR", "JPY"], "USD")
    assert made.take(quote("EURUSD", "1.2000", "1.2002"))
    assert made.take(quote("USDJPY", "124.99", "125.01"))
    assert [(each.currency, each.rate) for each in told] == [("EUR", px("1.2001")), ("JPY", px("0.008"))]


def test_in_euros_a_rate_goes_through_the_dollar_and_is_as_old_as_the_older_quote() -> None:
    made, told = rates(["USD", "GBP"], "EUR")
    made.take(quote("GBPUSD", "1.5000", "1.5000"))
    assert told == []
    made.take(quote("EURUSD", "1.2500", "1.2500", at_s=7))
    assert [(each.currency, each.rate) for each in told] == [("USD", px("0.8")), ("GBP", px("1.2"))]
    assert [each.at_ns for each in told] == [1_007 * NS_PER_SECOND, 1_000 * NS_PER_SECOND]


def test_a_rate_is_not_told_with_every_tick() -> None:
    made, told = rates(["EUR"], "USD")
    for second in range(0, 61, 10):
        made.take(quote("EURUSD", "1.2", "1.2", at_s=second))
    assert [each.at_ns // NS_PER_SECOND - 1_000 for each in told] == [0, 30, 60]


def test_half_a_quote_or_a_crossed_one_makes_no_rate() -> None:
    made, told = rates(["EUR"], "USD")
    assert made.take(quote("EURUSD", "1.2", "1.2", size="0"))
    assert made.take(quote("EURUSD", "1.3", "1.2"))
    assert told == []


def test_a_quote_of_something_else_is_not_taken() -> None:
    made, _ = rates(["EUR"], "USD")
    assert not made.take(quote("SP500@202109", "4200", "4200.25"))


def test_a_program_in_one_currency_asks_for_no_pair() -> None:
    made, _ = rates(["EUR"], "EUR")
    assert made.pairs == {}


def test_a_pair_that_is_traded_is_quoted_to_the_engine_as_well() -> None:
    told: list[FxRateSeen] = []
    made = PairRates(["EUR", "GBP"], "USD", told.append, traded=("EURUSD",))
    assert not made.take(quote("EURUSD", "1.2", "1.2"))
    assert made.take(quote("GBPUSD", "1.5", "1.5"))
    assert [each.currency for each in told] == ["EUR", "GBP"]
