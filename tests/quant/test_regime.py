"""The regime machine: published vectors, hysteresis, and that it remembers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quant.regime import Machine, RegimeName, europe_stress, raw_regime, stress_regime


def closes(machine: Machine, *days: tuple[float, float], momentum: float | None = None) -> RegimeName:
    """Step through (index, drawdown) of consecutive sessions."""
    for index, drawdown in days:
        machine.step(machine.session + 1, raw_regime(machine.regime, index, drawdown, momentum))
    return machine.regime


def test_three_closes_over_25_are_elevated_and_two_are_not() -> None:
    machine = Machine()
    assert closes(machine, (26, 0), (26, 0)) == "NORMAL"
    assert closes(machine, (26, 0)) == "ELEVATED"


def test_three_closes_under_20_are_normal_again() -> None:
    machine = Machine("ELEVATED")
    assert closes(machine, (19.9, 0), (19.9, 0)) == "ELEVATED"
    assert closes(machine, (19.9, 0)) == "NORMAL"


def test_between_exit_and_entry_both_regimes_stay_where_they_are() -> None:
    assert closes(Machine("ELEVATED"), *[(22.0, 0.0)] * 10) == "ELEVATED"
    assert closes(Machine("NORMAL"), *[(22.0, 0.0)] * 10) == "NORMAL"


def test_one_close_at_41_is_a_crisis_at_once() -> None:
    assert closes(Machine(), (41, 0)) == "CRISIS"


def test_one_close_at_a_tenth_of_drawdown_is_a_crisis_at_once() -> None:
    assert closes(Machine(), (15, -0.10)) == "CRISIS"


def test_a_crisis_is_left_after_three_closes_under_35_with_half_the_drawdown_healed() -> None:
    machine = Machine("CRISIS")
    assert closes(machine, (34.9, -0.049), (34.9, -0.049)) == "CRISIS"
    assert closes(machine, (34.9, -0.049)) == "ELEVATED"


@pytest.mark.parametrize("day", [(35.0, 0.0), (30.0, -0.05), (39.0, -0.09)])
def test_a_crisis_stays_while_either_index_or_drawdown_is_bad(day: tuple[float, float]) -> None:
    assert closes(Machine("CRISIS"), *[day] * 10) == "CRISIS"


def test_a_day_that_agrees_with_the_regime_starts_the_count_again() -> None:
    assert closes(Machine(), (26, 0), (26, 0), (24, 0), (26, 0), (26, 0)) == "NORMAL"


def test_recovery_needs_a_shallow_drawdown_a_calm_index_and_a_rising_spread() -> None:
    assert closes(Machine(), *[(15, -0.03)] * 3, momentum=0.5) == "RECOVERY"
    assert closes(Machine(), *[(15, -0.03)] * 3, momentum=-0.5) == "NORMAL"
    assert closes(Machine(), *[(15, -0.03)] * 3, momentum=None) == "NORMAL"


def test_a_session_seen_twice_counts_once() -> None:
    machine = Machine()
    for _ in range(5):
        machine.step(20230104, "ELEVATED")
    assert (machine.regime, machine.pending_days) == ("NORMAL", 1)


def test_stress_vector() -> None:
    stress = europe_stress(v2x=30, vix=30, currency_trend=-0.05, drawdown=-0.04)
    assert stress[1:] == pytest.approx((0.2, 0.12, 0.10, 0.04))
    assert stress.score == pytest.approx(0.46)
    assert stress_regime(stress.score) == "ELEVATED"


@pytest.mark.parametrize(
    ("inputs", "regime"),
    [((18, 15, 0.1, 0.0), "NORMAL"), ((40, 30, -0.05, 0.0), "CRISIS"), ((35, 20, 0.0, 0.0), "ELEVATED")],
)
def test_stress_by_hand(inputs: tuple[float, float, float, float], regime: str) -> None:
    assert stress_regime(europe_stress(*inputs).score) == regime


@given(st.lists(st.tuples(st.floats(5, 90), st.floats(-0.5, 0)), min_size=1, max_size=60))
def test_a_change_other_than_to_crisis_had_three_closes_that_agreed(days: list[tuple[float, float]]) -> None:
    machine = Machine()
    readings: list[str] = []
    for index, drawdown in days:
        was = machine.regime
        raw = raw_regime(was, index, drawdown, None)
        readings.append(raw)
        machine.step(machine.session + 1, raw)
        if machine.regime not in (was, "CRISIS"):
            assert readings[-3:] == [machine.regime] * 3
