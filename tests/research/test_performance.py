"""Figures of a record, against calculations by hand and against pandas."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from model.units import cash_from_float
from research.performance import performance
from tests.research.days import FIRST_SESSIONS, book, record

# Worked by hand: +10 %, -10 %, +10 %. Mean 1/30, sample variance 1/75, population skew -1/sqrt(2).
UP_DOWN_UP = record("100", "110", "99", "108.9")


def test_the_sharpe_ratio_is_the_mean_over_the_sample_deviation_by_the_root_of_256() -> None:
    figures = performance(UP_DOWN_UP)
    assert figures.annual_vol == pytest.approx(16 / math.sqrt(75))
    assert figures.sharpe == pytest.approx(16 * math.sqrt(75) / 30)
    assert figures.skew == pytest.approx(-1 / math.sqrt(2))


def test_the_standard_error_of_the_sharpe_ratio_is_that_of_independent_days() -> None:
    """Lo (2002): sqrt((1 + SR^2 / 2) / T), here with SR^2 = 64/3 and T = 3/256 years."""
    assert performance(UP_DOWN_UP).sharpe_error == pytest.approx(math.sqrt((1 + 32 / 3) / (3 / 256)))


def test_a_drawdown_is_counted_from_the_highest_value_so_far() -> None:
    figures = performance(record("100", "120", "90", "96", "120", "121", "110"))
    assert figures.max_drawdown == pytest.approx(-0.25)
    assert figures.max_drawdown_session == FIRST_SESSIONS[2]
    assert figures.longest_drawdown_days == 2  # 90 and 96; 120 is as high as before


def test_best_and_worst_day_are_named_by_the_session_on_which_they_ended() -> None:
    figures = performance(record("100", "120", "90", "96"))
    assert figures.best_day == pytest.approx(0.2)
    assert figures.worst_day == pytest.approx(-0.25)
    assert (figures.best_day_session, figures.worst_day_session) == FIRST_SESSIONS[1:3]


def test_the_return_a_year_compounds() -> None:
    """One day of 256 that gains 1 % is 1.01^256 a year."""
    assert performance(record("100", "101")).annual_return == pytest.approx(1.01**256 - 1)


def test_turnover_and_costs_are_those_of_the_days_that_have_a_return() -> None:
    """900 traded and 3 paid in half of 1/128 year, on an average value of 100: by 128 and by 100."""
    days = [
        book(FIRST_SESSIONS[0], "100", traded="5000", fees="7", gross="100"),
        book(FIRST_SESSIONS[1], "100", traded="400", fees="8", gross="200"),
        book(FIRST_SESSIONS[2], "100", traded="500", fees="10", gross="300"),
    ]
    figures = performance(days)
    assert figures.turnover == pytest.approx(900 * 128 / 100)
    assert figures.costs == pytest.approx(3.0)
    assert figures.annual_cost == pytest.approx(3 * 128 / 100)
    assert figures.average_gross == pytest.approx(2.0)


def test_money_paid_in_is_no_profit_and_money_taken_out_no_drawdown() -> None:
    days = [
        book(FIRST_SESSIONS[0], "100", flows="0"),
        book(FIRST_SESSIONS[1], "210", flows="100"),  # +10 % and a deposit of 100
        book(FIRST_SESSIONS[2], "63", flows="-47"),  # unchanged, and 147 taken out
        book(FIRST_SESSIONS[3], "56.7", flows="-47"),  # -10 %
    ]
    figures = performance(days)
    assert figures.best_day == pytest.approx(0.1)
    assert figures.worst_day == pytest.approx(-0.1)
    assert figures.max_drawdown == pytest.approx(-0.1)
    assert figures.annual_return == pytest.approx((1.1 * 0.9) ** (256 / 3) - 1)


def test_the_profit_of_every_sleeve_is_that_of_the_last_day() -> None:
    days = [
        book(FIRST_SESSIONS[0], "100", sleeves={"trend": "0", "hedge": "0"}),
        book(FIRST_SESSIONS[1], "103", sleeves={"trend": "4.5", "hedge": "-1.5"}),
    ]
    assert performance(days).sleeve_pnl == {"hedge": -1.5, "trend": 4.5}


def test_a_record_that_never_moves_has_neither_volatility_nor_a_sharpe_ratio() -> None:
    figures = performance(record("100", "100", "100"))
    assert (figures.annual_vol, figures.sharpe, figures.skew, figures.max_drawdown) == (0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_long_record_has_the_figures_that_pandas_finds(seed: int) -> None:
    chance = np.random.default_rng(seed)
    nav = pd.Series(1e6 * np.cumprod(1 + chance.standard_t(4, 1500) * 0.006)).round(6)
    sessions = pd.bdate_range("2001-01-02", periods=len(nav)).strftime("%Y%m%d").astype(int)
    days = [book(int(session), f"{value:.6f}") for session, value in zip(sessions, nav, strict=True)]
    figures, change = performance(days), nav.pct_change().dropna()

    assert figures.annual_vol == pytest.approx(change.std() * 16)
    assert figures.sharpe == pytest.approx(change.mean() / change.std() * 16)
    assert figures.max_drawdown == pytest.approx((nav / nav.cummax() - 1).min())
    assert figures.max_drawdown_session == int(sessions[(nav / nav.cummax() - 1).idxmin()])
    below = nav < nav.cummax()
    assert figures.longest_drawdown_days == int(below.groupby((~below).cumsum()).sum().max())
    count = len(change)
    population = change.skew() * (count - 2) / math.sqrt(count * (count - 1))  # pandas gives the sample's
    assert figures.skew == pytest.approx(population)
    assert cash_from_float(figures.end_nav) == days[-1].nav


@pytest.mark.parametrize("count", [0, 1])
def test_less_than_two_days_are_no_record(count: int) -> None:
    with pytest.raises(ValueError, match=f"a record needs at least two days, this one has {count}"):
        performance(UP_DOWN_UP[:count])


@pytest.mark.parametrize("nav", ["0", "-0.000001"])
def test_a_value_that_is_not_positive_is_refused_with_its_day(nav: str) -> None:
    with pytest.raises(ValueError, match=f"net asset value is not positive on {FIRST_SESSIONS[1]}"):
        performance(record("100", nav, "50"))
