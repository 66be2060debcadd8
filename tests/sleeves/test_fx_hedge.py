"""The currency hedge: contracts by hand, a band that keeps it still, and exposure counted where it is."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.decisions import Regime
from model.instruments import Instrument, Kind
from model.market import Quality
from model.units import CASH_SCALE, PX_SCALE, QTY_SCALE
from sleeves.fx_hedge import FxHedge, FxHedgeRules, HedgeFuture
from tests.sleeves.made import bar, decide, line

MICRO_EUR = Instrument(
    id="EUR_micro", kind=Kind.FUTURE, venue="CME", currency="USD", calendar="X", multiplier=Decimal(12_500)
)
EURUSD = "1.10"


def hedge(base: str = "USD") -> FxHedge:
    foreign = "EUR" if base == "USD" else "USD"
    sleeve = FxHedge(
        id="fx_hedge",
        base=base,
        futures={foreign: HedgeFuture(instrument=MICRO_EUR)},
        rules=FxHedgeRules(),
    )
    sleeve.on_bar(bar("EUR_micro", 20240102, round(1.10 * PX_SCALE)))
    return sleeve


def wanted(euros: int, held: int = 0, nav: int = 10_000_000) -> float:
    lines = (line("EUR_micro@202403", held * QTY_SCALE, {"fx_hedge": held * QTY_SCALE}),) if held else ()
    asked = decide(20240102, rates={"EUR": EURUSD}, nav=nav, lines=lines, currency_exposure={"EUR": euros * CASH_SCALE})
    return hedge().decide(asked).wants[0].quantity / QTY_SCALE


def test_a_million_euros_are_sold_down_to_two_percent_of_the_book() -> None:
    """1.1m dollars, 200k may stay; a contract is 13,750 dollars; 900,000 / 13,750 = 65.5, so 66 are sold."""
    assert wanted(1_000_000) == -66


def test_a_debt_in_euros_is_hedged_by_buying() -> None:
    assert wanted(-1_000_000) == 66


def test_a_hedge_already_held_counts_in_euros() -> None:
    assert wanted(1_000_000, held=-66) == -66


def test_an_exposure_within_the_share_is_left_alone() -> None:
    assert wanted(150_000) == 0


def test_a_residual_just_outside_waits_for_the_band() -> None:
    assert wanted(220_000) == 0  # 242,000 of 200,000 + 50,000
    assert wanted(230_000) == -4  # 253,000: 53,000 / 13,750 = 3.9


def test_a_hedge_that_outlived_its_exposure_is_closed() -> None:
    assert wanted(0, held=-66) == 0
    assert wanted(-1_000_000, held=-66) == 66


def test_a_book_in_euros_buys_the_same_future_against_its_dollars() -> None:
    """1.1m dollars are 1m euros, 200k may stay; a contract pays 13,750 dollars, 12,500 euros: 64 are bought."""
    asked = decide(
        20240102,
        base="EUR",
        rates={"USD": str(1 / 1.10)},
        nav=10_000_000,
        currency_exposure={"USD": 1_100_000 * CASH_SCALE},
    )
    assert hedge("EUR").decide(asked).wants[0].quantity == 64 * QTY_SCALE


def test_the_regime_may_leave_more_open() -> None:
    sleeve = FxHedge(
        id="fx_hedge",
        base="USD",
        futures={"EUR": HedgeFuture(instrument=MICRO_EUR, buys="EUR")},
        rules=FxHedgeRules(by_regime={Regime.CRISIS: 1.0}),
    )
    sleeve.on_bar(bar("EUR_micro", 20240102, round(1.10 * PX_SCALE)))
    exposure = {"EUR": 1_000_000 * CASH_SCALE}
    asked = decide(20240102, rates={"EUR": EURUSD}, nav=10_000_000, regime=Regime.CRISIS, currency_exposure=exposure)
    assert sleeve.decide(asked).wants[0].quantity == 0


def test_the_risk_scale_does_not_shrink_a_hedge() -> None:
    exposure = {"EUR": 1_000_000 * CASH_SCALE}
    asked = decide(20240102, rates={"EUR": EURUSD}, nav=10_000_000, scale=0.3, currency_exposure=exposure)
    sleeve = hedge()
    assert sleeve.hedges
    assert sleeve.decide(asked).wants[0].quantity == -66 * QTY_SCALE


@pytest.mark.parametrize("cause", ["price", "rate", "stale rate", "never seen"])
def test_whatever_is_missing_holds(cause: str) -> None:
    sleeve = unseen() if cause == "never seen" else hedge()
    asked = decide(
        20240102,
        rates={} if cause == "rate" else {"EUR": EURUSD},
        rate_quality=Quality.STALE if cause == "stale rate" else Quality.GOOD,
        degraded={"EUR_micro": Quality.STALE} if cause == "price" else {},
        currency_exposure={"EUR": 1_000_000 * CASH_SCALE},
    )
    answer = sleeve.decide(asked)
    assert answer.wants[0].hold
    assert answer.degraded == ("EUR_micro",)


def unseen() -> FxHedge:
    return FxHedge(
        id="fx_hedge",
        base="USD",
        futures={"EUR": HedgeFuture(instrument=MICRO_EUR, buys="EUR")},
        rules=FxHedgeRules(),
    )


def test_a_future_of_another_currency_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot hedge GBP"):
        FxHedge(
            id="h",
            base="USD",
            futures={"GBP": HedgeFuture(instrument=MICRO_EUR, buys="EUR")},
            rules=FxHedgeRules(),
        )


@given(st.integers(-50_000_000, 50_000_000), st.integers(-500, 500))
def test_after_the_hedge_the_residual_is_within_its_share_and_band(euros: int, held: int) -> None:
    """Less than a lot, or the least trade, may be missing to the edge."""
    lots = wanted(euros, held)
    residual = (euros + lots * 12_500) * 1.10
    assert abs(residual) <= 10_000_000 * (0.02 + 0.005 + 0.0025) + 1


@given(st.integers(-50_000_000, 50_000_000))
def test_asked_again_after_it_was_done_nothing_more_is_wanted(euros: int) -> None:
    lots = wanted(euros)
    assert wanted(euros, int(lots)) == lots
