"""What the trend sleeve does when everything is there, and that it holds when something is not."""

from __future__ import annotations

from decimal import Decimal

import pytest

from model.instruments import Instrument, Kind
from model.market import Quality
from model.units import PX_SCALE, QTY_SCALE
from sleeves.trend import CapitalMode, Trend, TrendRules, VolatilityName
from tests.sleeves.made import bar, decide, line


def future(product: str, currency: str = "USD", multiplier: str = "10") -> Instrument:
    return Instrument(
        id=product, kind=Kind.FUTURE, venue="SIM", currency=currency, calendar="X", multiplier=Decimal(multiplier)
    )


def rising(rules: TrendRules | None = None, days: int = 40, currency: str = "USD") -> Trend:
    """A sleeve that saw `days` closes rise by one point with a wobble of one point."""
    sleeve = Trend(
        id="trend",
        instruments={"UP": future("UP", currency)},
        rules=rules
        or TrendRules(
            pairs=((2, 8), (4, 16)), warm_up=20, capital_mode="fixed", capital=1e6, idm=1.0, volatility_min=2
        ),
    )
    for day in range(days):
        sleeve.on_bar(bar("UP", 20240101 + day, (100 + day + day % 2) * PX_SCALE))
    return sleeve


def test_what_rises_is_bought_with_reasons_and_figures() -> None:
    want = rising().decide(decide(20240140)).wants[0]
    assert want.quantity > 0
    assert want.quantity % QTY_SCALE == 0
    assert "trend up" in want.reason
    assert {"forecast", "forecast_2_8", "volatility", "average", "optimal", "low", "high", "fx", "price"} <= set(
        want.facts
    )
    assert want.facts["optimal"] == pytest.approx(want.facts["average"] * want.facts["forecast"] / 10)


def test_the_position_is_the_average_position_of_the_textbook() -> None:
    """A forecast of ten and a volatility of v points: capital x 20 % / 16 / (v x 10 dollars)."""
    want = rising().decide(decide(20240140)).wants[0]
    assert want.facts["average"] == pytest.approx(1e6 * 0.2 / 16 / (want.facts["volatility"] * 10))


def test_decide_changes_nothing() -> None:
    sleeve = rising()
    before = sleeve.state()
    first = sleeve.decide(decide(20240140))
    assert sleeve.decide(decide(20240140)) == first
    assert sleeve.state() == before


def test_a_position_inside_its_band_is_left_alone() -> None:
    sleeve = rising()
    wanted = sleeve.decide(decide(20240140)).wants[0]
    held = wanted.quantity + QTY_SCALE
    again = sleeve.decide(decide(20240140, lines=(line("UP@202403", held, {"trend": held}),))).wants[0]
    assert again.quantity == held
    assert "inside its band" in again.reason


def test_only_the_sleeves_own_part_of_a_position_counts() -> None:
    sleeve = rising()
    held = 7 * QTY_SCALE
    mine = sleeve.decide(decide(20240140, lines=(line("UP", held, {"other": held}),))).wants[0]
    assert mine.facts["held"] == 0


@pytest.mark.parametrize("quality", [Quality.STALE, Quality.SUSPECT, Quality.MISSING])
def test_a_price_that_cannot_be_trusted_holds(quality: Quality) -> None:
    wanted = rising().decide(decide(20240140, degraded={"UP": quality}))
    assert wanted.wants[0].hold
    assert wanted.degraded == ("UP",)
    assert quality.name in wanted.wants[0].reason


def test_a_rate_that_is_missing_or_stale_holds() -> None:
    sleeve = rising(currency="EUR")
    assert sleeve.decide(decide(20240140)).wants[0].hold
    assert sleeve.decide(decide(20240140, rates={"EUR": "1.1"}, rate_quality=Quality.STALE)).wants[0].hold
    assert not sleeve.decide(decide(20240140, rates={"EUR": "1.1"})).wants[0].hold


def test_a_dearer_currency_buys_fewer_contracts() -> None:
    sleeve = rising(currency="EUR")
    one = sleeve.decide(decide(20240140, rates={"EUR": "1"})).wants[0].facts["average"]
    two = sleeve.decide(decide(20240140, rates={"EUR": "2"})).wants[0].facts["average"]
    assert one == pytest.approx(2 * two)


def test_an_unknown_risk_scale_holds_everything() -> None:
    wanted = rising().decide(decide(20240140, risk_degraded=("scale",)))
    assert wanted.wants[0].hold


def test_half_the_risk_scale_is_half_the_position() -> None:
    sleeve = rising()
    full, half = (sleeve.decide(decide(20240140, scale=scale)).wants[0].facts["optimal"] for scale in (1.0, 0.5))
    assert half == pytest.approx(full / 2)


def test_warming_up_holds() -> None:
    assert rising(days=20).decide(decide(20240140)).wants[0].hold
    assert not rising(days=21).decide(decide(20240140)).wants[0].hold


def test_suspect_bars_and_sessions_already_seen_are_not_folded() -> None:
    sleeve = rising()
    before = sleeve.state()
    sleeve.on_bar(bar("UP", 20240141, 10**15, quality=Quality.SUSPECT))
    sleeve.on_bar(bar("UP", 20240140, 10**15))
    sleeve.on_bar(bar("OTHER", 20240141, 10**15))
    assert sleeve.state() == before


@pytest.mark.parametrize(
    ("mode", "nav", "capital"),
    [("fixed", 3_000_000, 1e6), ("full", 3_000_000, 3e6), ("half", 3_000_000, 1e6), ("half", 500_000, 5e5)],
)
def test_capital_modes(mode: CapitalMode, nav: int, capital: float) -> None:
    rules = TrendRules(
        pairs=((2, 8),),
        warm_up=20,
        capital_mode=mode,
        capital=1e6,
        idm=1.0,
        volatility_min=2,
    )
    want = rising(rules).decide(decide(20240140, nav=nav)).wants[0]
    assert want.facts["average"] == pytest.approx(capital * 0.2 / 16 / (want.facts["volatility"] * 10))


def test_a_cap_on_units_binds() -> None:
    rules = TrendRules(
        pairs=((2, 8),),
        warm_up=20,
        capital_mode="fixed",
        capital=1e9,
        volatility_min=2,
        most_units={"UP": 3},
        buffer=0.0,
    )
    assert rising(rules).decide(decide(20240140)).wants[0].quantity == 3 * QTY_SCALE


@pytest.mark.parametrize("volatility", ["deviation", "root_mean_square", "robust"])
def test_state_put_away_and_taken_back_answers_the_same(volatility: VolatilityName) -> None:
    rules = TrendRules(
        pairs=((2, 8),),
        warm_up=20,
        capital_mode="fixed",
        capital=1e6,
        volatility=volatility,
        volatility_min=2,
    )
    one, two = rising(rules), rising(rules, days=0)
    two.load(one.state())
    for sleeve in (one, two):
        sleeve.on_bar(bar("UP", 20240150, 141 * PX_SCALE))
    assert one.state() == two.state()
    assert one.decide(decide(20240150)) == two.decide(decide(20240150))


def test_a_speed_without_a_published_scalar_is_refused() -> None:
    with pytest.raises(ValueError, match="no published scalar"):
        rising(TrendRules(pairs=((3, 12),)))
