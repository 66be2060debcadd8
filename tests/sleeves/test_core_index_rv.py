"""The US/EU pair: sizes by hand, both legs or none, and that nothing missing moves it."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from model.decisions import Want
from model.instruments import Instrument, Kind
from model.market import Quality
from model.units import PX_SCALE, QTY_SCALE
from sleeves.core_index_rv import CoreIndexRules, CoreIndexRv
from tests.sleeves.made import bar, decide
from tests.sleeves.test_trend_matches_reference import FUTURES

US = Instrument(id="SP500", kind=Kind.FUTURE, venue="CME", currency="USD", calendar="X", multiplier=Decimal(5))
EU = Instrument(id="SX5E", kind=Kind.FUTURE, venue="EUREX", currency="EUR", calendar="X", multiplier=Decimal(10))
RATES = {"EUR": "1.25"}


def pair(us_drift: float = 0.001, beta: float = 1.0, days: int = 300, **rules: float) -> CoreIndexRv:
    """A sleeve that saw two markets that move as one, times beta, apart from the US drift."""
    sleeve = CoreIndexRv(id="core", us=US, eu=EU, rules=CoreIndexRules(**rules))  # type: ignore[arg-type]
    us, eu = 4000.0, 4000.0
    for day in range(days):
        shock = 0.01 * math.sin(day * 1.7)
        us, eu = us * (1 + shock + us_drift), eu * (1 + beta * shock)
        sleeve.on_bar(bar("SP500", 20240101 + day, round(us * PX_SCALE)))
        sleeve.on_bar(bar("SX5E", 20240101 + day, round(eu * PX_SCALE)))
    return sleeve


def money(want: Want, multiplier: float) -> float:
    return want.quantity / QTY_SCALE * want.facts["price"] * multiplier * want.facts["fx"]


def test_a_leading_us_gives_the_full_pair_with_equal_risk_money() -> None:
    us, eu = pair().decide(decide(20240500, rates=RATES, nav=100_000_000)).wants
    assert us.quantity > 0 > eu.quantity
    assert money(us, 5) - money(eu, 10) == pytest.approx(15_000_000, rel=0.01)
    assert money(us, 5) == pytest.approx(-money(eu, 10) * us.facts["beta"], rel=0.01)
    assert us.pair == eu.pair == "core"


def test_a_more_volatile_europe_gets_the_smaller_leg() -> None:
    us, eu = pair(beta=1.5).decide(decide(20240500, rates=RATES, nav=100_000_000)).wants
    assert us.facts["beta"] == pytest.approx(1.5, rel=0.05)
    assert money(us, 5) / -money(eu, 10) == pytest.approx(1.5, rel=0.05)


def test_the_european_leg_is_sized_in_its_own_currency() -> None:
    cheap = pair().decide(decide(20240500, rates={"EUR": "1.0"}, nav=100_000_000)).wants[1]
    dear = pair().decide(decide(20240500, rates={"EUR": "2.0"}, nav=100_000_000)).wants[1]
    assert cheap.quantity == pytest.approx(2 * dear.quantity, rel=0.01)


def test_a_us_that_lags_badly_closes_the_pair() -> None:
    wants = pair(us_drift=-0.003).decide(decide(20240500, rates=RATES)).wants
    assert [want.quantity for want in wants] == [0, 0]
    assert not any(want.hold for want in wants)
    assert "closed" in wants[0].reason


def test_the_risk_scale_scales_both_legs() -> None:
    sleeve = pair()
    full = sleeve.decide(decide(20240500, rates=RATES, nav=100_000_000)).wants
    third = sleeve.decide(decide(20240500, rates=RATES, nav=100_000_000, scale=0.3)).wants
    for a, b in zip(full, third, strict=True):
        assert b.quantity == pytest.approx(0.3 * a.quantity, rel=0.02)


def test_a_leg_under_one_lot_means_neither() -> None:
    wants = pair().decide(decide(20240500, rates=RATES, nav=150_000)).wants
    assert [want.quantity for want in wants] == [0, 0]
    assert "neither" in wants[0].reason


@pytest.mark.parametrize("missing", ["SP500", "SX5E"])
def test_one_bad_price_holds_both_legs(missing: str) -> None:
    wanted = pair().decide(decide(20240500, rates=RATES, degraded={missing: Quality.STALE}))
    assert all(want.hold for want in wanted.wants)
    assert wanted.degraded == (missing,)


def test_an_unknown_rate_holds_both_legs() -> None:
    assert all(want.hold for want in pair().decide(decide(20240500)).wants)


def test_too_little_history_holds() -> None:
    wanted = pair(days=251).decide(decide(20240500, rates=RATES))
    assert all(want.hold for want in wanted.wants)
    assert wanted.degraded == ("history",)


def test_state_put_away_and_taken_back_answers_the_same() -> None:
    one, two = pair(), pair(days=0)
    two.load(one.state())
    asked = decide(20240500, rates=RATES, nav=100_000_000)
    assert one.state() == two.state()
    assert one.decide(asked) == two.decide(asked)


def test_beta_of_real_indices_equals_numpy() -> None:
    """S&P 500 against EURO STOXX 50 futures, stitched, the last common days of the data."""
    prices = pd.read_parquet(FUTURES / "contracts.parquet", columns=["date", "instrument", "price"])
    closes = pd.read_parquet(FUTURES / "adjusted.parquet", columns=["date", "instrument", "close"])
    table = {}
    for ours, theirs in (("SP500", "SP500"), ("SX5E", "EUROSTX")):
        one = prices[prices["instrument"] == theirs].set_index("date")["price"]
        two = closes[closes["instrument"] == theirs].set_index("date")["close"]
        table[ours] = pd.concat({"price": one, "close": two}, axis=1).dropna().tail(500)
    common = table["SP500"].index.intersection(table["SX5E"].index)
    sleeve = CoreIndexRv(id="core", us=US, eu=EU, rules=CoreIndexRules())
    for day in common:
        for product, rows in table.items():
            row = rows.loc[day]
            session = int(day.strftime("%Y%m%d"))
            sleeve.on_bar(bar(product, session, round(row["close"] * PX_SCALE), round(row["price"] * PX_SCALE)))
    levels = {}
    for product, rows in table.items():
        rows = rows.loc[common]
        levels[product] = (1 + rows["close"].diff() / rows["price"].shift()).fillna(1.0).cumprod().to_numpy()
    us, eu = levels["SP500"][-257:], levels["SX5E"][-257:]
    x, y = us[5:] / us[:-5] - 1, eu[5:] / eu[:-5] - 1
    got = sleeve.decide(decide(20240500, rates=RATES)).wants[0].facts["beta"]
    assert got == pytest.approx(np.cov(x, y)[0, 1] / np.var(x, ddof=1), rel=1e-6)
    assert 0.5 < got < 1.5
