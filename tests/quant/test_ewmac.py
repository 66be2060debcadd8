"""EWMAC and buffering against pandas, numpy and hand calculation."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quant.buffering import average_position, buffered
from quant.ewmac import SCALARS, Ewma, clip, combine, forecast, root_scalar

PRICES = 100 + np.cumsum(np.random.default_rng(3).normal(0, 1, 1000))


@pytest.mark.parametrize("span", [2, 16, 64, 256])
def test_ewma_equals_pandas_started_at_the_first_value(span: int) -> None:
    mean = Ewma(span)
    got = [mean.update(float(p)) for p in PRICES]
    np.testing.assert_allclose(got, pd.Series(PRICES).ewm(span=span, adjust=False).mean(), rtol=1e-12)


def test_a_steady_trend_gives_the_forecast_that_algebra_gives() -> None:
    """An EWMA of a line lags it by (span - 1) / 2 days, so the crossover of 16 and 64 is 24 days of slope."""
    fast, slow = Ewma(16), Ewma(64)
    for day in range(5000):
        fast.update(float(day))
        slow.update(float(day))
    assert forecast(fast.value, slow.value, 8.0, 3.75) == pytest.approx(24 / 8 * 3.75, rel=1e-9)


def test_forecasts_are_capped_before_and_after_they_are_combined() -> None:
    assert forecast(200.0, 100.0, 1.0, 3.75) == 20.0
    assert combine([20.0, 18.0], [0.5, 0.5], 1.13) == 20.0
    assert combine([10.0, -4.0], [0.5, 0.5], 1.05) == pytest.approx(3.15)


@pytest.mark.parametrize("volatility", [0.0, -1.0, math.nan])
def test_without_a_volatility_there_is_no_forecast(volatility: float) -> None:
    assert math.isnan(forecast(2.0, 1.0, volatility, 1.0))


def test_the_root_rule_is_within_one_percent_of_the_published_scalars() -> None:
    for fast, published in SCALARS.items():
        assert root_scalar(fast) == pytest.approx(published, rel=0.01)


def test_average_position_of_a_textbook_future() -> None:
    """500,000 at 25 %, half of the risk, IDM 1.2; a contract moves 0.8 points a day at 1,000 a point."""
    assert average_position(500_000, 0.25, 0.5 * 1.2, 0.8 * 1_000) == pytest.approx(5.859375)
    assert math.isnan(average_position(500_000, 0.25, 0.6, 0.0))


@pytest.mark.parametrize(
    ("held", "expected"),
    [(0, 9), (8, 9), (9, 9), (10, 10), (11, 11), (12, 11), (-3, 9)],
)
def test_the_position_goes_to_the_nearer_edge_only_from_outside(held: float, expected: float) -> None:
    """Optimal 10, average 10, buffer 10 %: the band is 9 to 11."""
    assert buffered(held, 10.0, 10.0).position == expected


def test_edges_are_rounded_half_to_even() -> None:
    assert buffered(0, 3.5, 10.0).position == 2  # edge 2.5
    assert buffered(0, 4.5, 10.0).position == 4  # edge 3.5
    assert buffered(0, 35.0, 100.0, lot=10).position == 20  # edge 25


def test_no_position_follows_from_a_number_that_is_none() -> None:
    with pytest.raises(ValueError, match="hold what there is"):
        buffered(1.0, math.nan, 10.0)


@given(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4), st.floats(0.1, 1e4))
def test_a_position_that_was_traded_stays_when_nothing_changes(held: float, optimal: float, average: float) -> None:
    once = buffered(held, optimal, average, buffer=0.2, lot=average / 1000).position
    again = buffered(once, optimal, average, buffer=0.2, lot=average / 1000)
    assert abs(again.position - once) <= average / 1000 * 1.001


@given(st.floats(allow_nan=False), st.floats(0.1, 100))
def test_clip_stays_within_the_cap(x: float, cap: float) -> None:
    assert -cap <= clip(x, cap) <= cap
