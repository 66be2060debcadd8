"""The scale of the book: vectors by hand, state limits over the clamp, and nothing from nothing."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quant.risk_scaling import (
    ScaleRules,
    Track,
    VolatilityRules,
    portfolio_volatility,
    risk_scale,
)

RULES = ScaleRules()
RETURNS = np.random.default_rng(8).normal(0, 0.012, 300)


def test_twice_the_target_volatility_is_half_the_risk_before_the_clamp() -> None:
    scale = risk_scale(0.24, 0.0, "NORMAL", 1.0, RULES, None)
    assert scale is not None
    assert (scale.raw, scale.clamped, scale.value, scale.bound) == (0.5, 0.8, 0.8, "clamp")


@pytest.mark.parametrize(
    ("regime", "drawdown", "expected"),
    [
        ("NORMAL", 0.0, 1.0),
        ("RECOVERY", -0.03, 1.0),
        ("ELEVATED", 0.0, 0.7),
        ("CRISIS", 0.0, 0.3),
        ("NORMAL", -0.10, 0.3),
    ],
)
def test_the_regime_dominates_the_clamp(regime: str, drawdown: float, expected: float) -> None:
    scale = risk_scale(0.12, drawdown, regime, 1.0, RULES, None)
    assert scale is not None
    assert scale.value == expected


def test_a_crisis_in_burn_in_is_answered_with_three_tenths() -> None:
    rules = VolatilityRules()
    volatility = portfolio_volatility(rules).annual(rules)
    scale = risk_scale(volatility, 0.0, "CRISIS", 1.0, RULES, None)
    assert volatility == 0.12
    assert scale is not None
    assert (scale.value, scale.bound) == (0.3, "state")


def test_leverage_over_the_limit_is_brought_back() -> None:
    scale = risk_scale(0.12, 0.0, "NORMAL", 4.0, RULES, None)
    assert scale is not None
    assert (scale.value, scale.bound) == (0.5, "gross")


def test_the_scale_falls_at_once_and_rises_a_step_at_a_time() -> None:
    down = risk_scale(0.12, 0.0, "CRISIS", 1.0, RULES, 1.0)
    up = risk_scale(0.12, 0.0, "NORMAL", 1.0, RULES, 0.3)
    assert down is not None
    assert up is not None
    assert (down.value, up.value) == (0.3, 0.55)


@given(
    st.floats(),
    st.floats(),
    st.sampled_from(["NORMAL", "ELEVATED", "CRISIS"]),
    st.floats(),
)
def test_any_input_gives_a_scale_within_limits_or_none(vol: float, dd: float, regime: str, gross: float) -> None:
    scale = risk_scale(vol, dd, regime, gross, RULES, None)
    if scale is None:
        assert not (math.isfinite(vol) and math.isfinite(dd) and math.isfinite(gross) and vol > 0)
    else:
        assert 0.0 < scale.value <= 1.0
        if regime == "CRISIS" or dd <= -0.10:
            assert scale.value <= 0.3


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_gives_no_scale(bad: float) -> None:
    assert risk_scale(bad, 0.0, "NORMAL", 1.0, RULES, None) is None
    assert risk_scale(0.12, bad, "NORMAL", 1.0, RULES, None) is None
    assert risk_scale(0.12, 0.0, "NORMAL", bad, RULES, None) is None


def test_portfolio_volatility_is_the_blend_of_pandas_figures() -> None:
    rules = VolatilityRules()
    estimator = portfolio_volatility(rules)
    for x in RETURNS:
        estimator.update(float(x))
    series = pd.Series(RETURNS)
    expected = 0.7 * series.ewm(span=20).std().iloc[-1] + 0.3 * series.tail(60).std()
    assert estimator.annual(rules) == pytest.approx(expected * math.sqrt(252), rel=1e-12)


def test_the_prior_stands_until_twenty_returns_and_the_burn_in_floor_until_sixty() -> None:
    rules = VolatilityRules()
    estimator = portfolio_volatility(rules)
    seen = {}
    for n, x in enumerate(RETURNS[:70] * 0.01, start=1):
        estimator.update(float(x))
        seen[n] = estimator.annual(rules)
    assert (seen[19], seen[20], seen[59], seen[60]) == (0.12, 0.10, 0.10, 0.08)


def test_drawdown_by_hand() -> None:
    track = Track()
    for session, nav in enumerate([100.0, 110.0, 99.0], start=1):
        track.step(session, nav)
    assert track.drawdown(99.0) == pytest.approx(-0.10)
    assert track.drawdown(120.0) == 0.0


def test_a_withdrawal_is_no_drawdown_and_a_deposit_no_gain() -> None:
    track = Track()
    track.step(1, 100.0)
    assert track.step(2, 60.0, -40.0) == pytest.approx(0.0)
    assert track.drawdown(160.0, 60.0) == pytest.approx(0.0)
    assert track.step(3, 160.0, 60.0) == pytest.approx(0.0)
    assert track.peak == pytest.approx(1.0)


def test_a_second_mark_of_a_session_is_no_second_return() -> None:
    track = Track()
    track.step(1, 100.0)
    assert track.step(1, 50.0) is None
    assert track.step(2, 101.0) == pytest.approx(0.01)


def test_a_worthless_book_has_no_drawdown_figure() -> None:
    track = Track()
    track.step(1, 0.0)
    assert math.isnan(track.drawdown(10.0))
