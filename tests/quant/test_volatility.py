"""Volatility estimators grow one value at a time and equal pandas at every step."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quant.volatility import (
    EwmaDeviation,
    EwmaMean,
    RobustVolatility,
    RollingDeviation,
    RollingQuantile,
    RootMeanSquare,
    blend,
    robust_volatility,
    span_alpha,
)

VALUES = np.random.default_rng(20).normal(0.0002, 0.01, 3000)


def grown(estimator: EwmaMean | EwmaDeviation | RollingDeviation | RollingQuantile | RootMeanSquare) -> np.ndarray:
    return np.array([estimator.update(float(x)) for x in VALUES])


@pytest.mark.parametrize("span", [2, 20, 35, 500])
def test_ewma_deviation_equals_pandas(span: int) -> None:
    expected = pd.Series(VALUES).ewm(span=span, min_periods=10).std().to_numpy()
    np.testing.assert_allclose(grown(EwmaDeviation(span, 10)), expected, rtol=1e-12, atol=0, equal_nan=True)


def test_ewma_mean_equals_pandas() -> None:
    expected = pd.Series(VALUES).ewm(span=2560).mean().to_numpy()
    np.testing.assert_allclose(grown(EwmaMean(2560)), expected, rtol=1e-12, atol=1e-17)


def test_root_mean_square_equals_pandas_started_at_the_first_value() -> None:
    expected = np.sqrt(pd.Series(VALUES**2).ewm(span=35, adjust=False).mean().to_numpy())
    np.testing.assert_allclose(grown(RootMeanSquare(35)), expected, rtol=1e-12)


def test_rolling_deviation_equals_numpy_and_starts_with_two_values() -> None:
    windows = [VALUES[max(0, end - 60) : end] for end in range(2, len(VALUES) + 1)]
    expected = [math.nan, *(float(np.std(window, ddof=1)) for window in windows)]
    np.testing.assert_allclose(grown(RollingDeviation(60)), expected, rtol=1e-12, equal_nan=True)


def test_rolling_quantile_equals_pandas() -> None:
    expected = pd.Series(VALUES).rolling(500, min_periods=100).quantile(0.05).to_numpy()
    np.testing.assert_allclose(grown(RollingQuantile(0.05, 500, 100)), expected, rtol=1e-12, equal_nan=True)


def test_robust_volatility_equals_its_pandas_form() -> None:
    deviation = pd.Series(VALUES).ewm(span=35, min_periods=10).std().clip(lower=1e-10)
    floor = deviation.rolling(500, min_periods=100).quantile(0.05)
    floored = np.maximum(deviation, floor.fillna(0.0))
    expected = (0.7 * floored + 0.3 * floored.ewm(span=2560).mean()).to_numpy()
    robust = robust_volatility(long_share=0.3)
    got = np.array([robust.update(float(x)) for x in VALUES])
    np.testing.assert_allclose(got[10:], expected[10:], rtol=1e-12)


def test_a_quiet_spell_does_not_pull_robust_volatility_under_its_floor() -> None:
    robust = robust_volatility()
    for x in VALUES[:600]:
        robust.update(float(x))
    for _ in range(20):
        robust.update(0.0)
    assert robust.value > 0.9 * robust.floor.value > 0.006


@pytest.mark.parametrize("cut", [5, 700])
def test_an_estimator_that_was_put_away_goes_on_to_the_last_bit(cut: int) -> None:
    whole, first = robust_volatility(long_share=0.3), robust_volatility(long_share=0.3)
    for x in VALUES[:cut]:
        whole.update(float(x))
        first.update(float(x))
    second = msgspec.msgpack.decode(msgspec.msgpack.encode(first), type=RobustVolatility)
    after = [(whole.update(float(x)), second.update(float(x))) for x in VALUES[cut : cut + 50]]
    assert all(a == b or (math.isnan(a) and math.isnan(b)) for a, b in after)


def test_blend_is_seven_tenths_fast_and_never_under_the_floor() -> None:
    assert blend(0.20, 0.10) == pytest.approx(0.17)
    assert blend(0.05, 0.05, floor=0.08) == 0.08
    assert blend(0.20, math.nan) == pytest.approx(0.20)
    assert math.isnan(blend(math.nan, 0.1))


def test_a_span_under_one_day_is_refused() -> None:
    with pytest.raises(ValueError, match="under 1"):
        span_alpha(0.5)


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=200))
def test_deviation_is_never_negative_and_nought_only_for_constants(values: list[float]) -> None:
    estimator = EwmaDeviation(20)
    for x in values:
        estimator.update(x)
    assert estimator.value >= 0.0
    assert estimator.value <= (max(values) - min(values)) + 1e-9
