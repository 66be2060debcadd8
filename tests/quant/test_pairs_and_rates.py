"""Relative momentum, beta, levels, and cross rates against published vectors, numpy and hand calculation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quant.beta import beta_neutral_legs, rolling_beta
from quant.fx import scaled_cross
from quant.levels import PairedLevels, ReturnLevel
from quant.trend_filter import blended_momentum, permitted, ratio_momentum, relative_momentum

RNG = np.random.default_rng(5)
MARKET = np.cumprod(1 + RNG.normal(0.0003, 0.01, 400)).tolist()
OTHER = np.cumprod(1 + 1.3 * np.diff(np.log([1.0, *MARKET])) + RNG.normal(0, 0.004, 400)).tolist()


@pytest.mark.parametrize(
    ("momentum", "multiplier", "options_only"),
    [
        (-0.015, 0.625, False),
        (0.02, 1.0, False),
        (0.5, 1.0, False),
        (-0.05, 0.25, False),
        (-0.0999, 0.25, False),
        (-0.10, 0.0, True),
        (0.0, 0.25 + 0.75 * 5 / 7, False),
    ],
)
def test_what_a_momentum_permits(momentum: float, multiplier: float, options_only: bool) -> None:
    assert permitted(momentum).multiplier == pytest.approx(multiplier)
    assert permitted(momentum).options_only is options_only


@given(st.floats(-0.0999, 1), st.floats(-0.0999, 1))
def test_more_momentum_never_permits_less(a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert permitted(low).multiplier <= permitted(high).multiplier


def test_momentum_of_short_history_is_unknown_and_not_nought() -> None:
    assert relative_momentum(MARKET[:59], OTHER[:59], 60) is None
    assert blended_momentum(MARKET[:251], OTHER[:251]) is None
    with pytest.raises(ValueError, match="hold the position"):
        permitted(math.nan)


def test_blended_momentum_by_numpy() -> None:
    us, eu = np.array(MARKET), np.array(OTHER)
    near = us[-1] / us[-60] - eu[-1] / eu[-60]
    far = us[-1] / us[-252] - eu[-1] / eu[-252]
    assert blended_momentum(MARKET, OTHER) == pytest.approx(0.6 * near + 0.4 * far)


def test_ratio_momentum_of_clear_cases() -> None:
    rising = [1.0 + 0.001 * i for i in range(220)]
    assert ratio_momentum(rising) == 1.0
    assert ratio_momentum(rising[::-1]) == -1.0
    topping = rising + [rising[-1] - 0.002 * i for i in range(1, 50)]
    assert ratio_momentum(topping) == 0.5
    assert ratio_momentum(rising[:199]) is None


@pytest.mark.parametrize("period", [1, 5])
def test_beta_equals_numpy_covariance(period: int) -> None:
    m, o = np.array(MARKET[-252 - period :]), np.array(OTHER[-252 - period :])
    x, y = m[period:] / m[:-period] - 1, o[period:] / o[:-period] - 1
    assert rolling_beta(MARKET, OTHER, 252, period) == pytest.approx(np.cov(x, y)[0, 1] / np.var(x, ddof=1))


def test_too_little_history_has_no_beta() -> None:
    assert rolling_beta(MARKET[:124], OTHER[:124], period=5, minimum=120) is None
    assert rolling_beta([1.0] * 300, OTHER[:300]) is None


@given(st.floats(1, 1e9), st.floats(0.1, 5))
def test_beta_neutral_legs_cancel_and_sum_to_the_gross(gross: float, beta: float) -> None:
    long, short = beta_neutral_legs(gross, beta)
    assert long + short == pytest.approx(gross)
    assert long - beta * short == pytest.approx(0.0, abs=1e-6 * gross)


def test_a_return_level_follows_the_contract_held_through_a_roll() -> None:
    level = ReturnLevel()
    for session, price, adjusted in [(1, 100.0, 100.0), (2, 102.0, 102.0), (3, 110.0, 104.0), (3, 1.0, 1.0)]:
        level.update(session, price, adjusted)
    assert level.level == pytest.approx(1.02 * (1 + 2 / 102))


def test_paired_levels_keep_common_days_only() -> None:
    pair = PairedLevels(2)
    for session in (1, 2, 3, 4):
        pair.update(True, session, 100.0 + session, 100.0 + session)
        if session != 2:
            pair.update(False, session, 50.0, 50.0)
    assert pair.firsts == pytest.approx([103 / 101, 104 / 101])
    assert pair.seconds == [1.0, 1.0]


@pytest.mark.parametrize(("numerator", "expected"), [(5, 2), (7, 4), (6, 3)])
def test_scaled_crosses_round_half_to_even(numerator: int, expected: int) -> None:
    assert scaled_cross(numerator, 2, 1) == expected
