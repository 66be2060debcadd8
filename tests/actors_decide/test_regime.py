"""The regime actor: one step a session, whole state in the journal, and nothing from missing inputs."""

from __future__ import annotations

from typing import Any

import pytest

from actors.regime import RegimeActor, RegimeRules
from engine.effects import Ref
from model.decisions import Regime, RegimeDecided
from model.market import Quality
from tests.actors_decide.made import clocked, cycle, journalled, nav, product_bar, put_away, told

RULES = RegimeRules(index_product="VIX")


def actor(rules: RegimeRules = RULES) -> RegimeActor:
    risk: Ref[RegimeDecided] = Ref("risk")
    return clocked(RegimeActor(rules=rules, risk=risk))


def day(regime: RegimeActor, session: int, vix: str | None, money: int = 100, **more: Any) -> RegimeDecided:
    """One session: the index closes, the cycle opens, the book is marked."""
    if vix is not None:
        regime.on_product_bar(product_bar("VIX", session, vix))
    return decided(regime, session, money, **more)[0]


def decided(regime: RegimeActor, session: int, money: int = 100, number: int = 1, **more: Any) -> list[RegimeDecided]:
    effects: list[Any] = list(regime.on_cycle_fx(cycle(session, number=number, **more)) or ())
    effects += list(regime.on_nav_marked(nav(session, money, number=number)) or ())
    return told(effects, RegimeDecided, "risk")


def test_three_sessions_over_25_are_elevated() -> None:
    regime = actor()
    seen = [day(regime, 20240102 + k, "26").regime for k in range(4)]
    assert seen == [Regime.NORMAL, Regime.NORMAL, Regime.ELEVATED, Regime.ELEVATED]


def test_one_session_at_41_is_a_crisis() -> None:
    assert day(actor(), 20240102, "41").regime is Regime.CRISIS


def test_a_tenth_of_drawdown_is_a_crisis_even_without_the_index() -> None:
    regime = actor()
    day(regime, 20240102, "15", 100)
    crisis = day(regime, 20240103, None, 90, degraded={"VIX": Quality.STALE})
    assert crisis.regime is Regime.CRISIS
    assert crisis.facts["drawdown"] == pytest.approx(-0.10)


def test_more_runs_of_a_session_count_as_one_close() -> None:
    regime = actor()
    for number in range(1, 6):
        regime.on_product_bar(product_bar("VIX", 20240102, "26"))
        answer = decided(regime, 20240102, number=number)[0]
        assert (answer.regime, answer.pending_days) == (Regime.NORMAL, 1)
        assert answer.run_id == f"20240102.{number}.test"


@pytest.mark.parametrize("quality", [Quality.STALE, Quality.SUSPECT, Quality.MISSING])
def test_without_the_index_the_regime_and_its_count_are_kept(quality: Quality) -> None:
    regime = actor()
    day(regime, 20240102, "26")
    day(regime, 20240103, "26")
    held = day(regime, 20240104, None, degraded={"VIX": quality})
    assert (held.regime, held.pending, held.pending_days) == (Regime.NORMAL, Regime.ELEVATED, 2)
    assert held.degraded == ("VIX",)
    assert day(regime, 20240105, "26").regime is Regime.ELEVATED


def test_a_bad_bar_of_the_index_is_not_read() -> None:
    regime = actor()
    regime.on_product_bar(product_bar("VIX", 20240102, "90", Quality.SUSPECT))
    answer = decided(regime, 20240102)[0]
    assert answer.regime is Regime.NORMAL
    assert answer.degraded == ("VIX",)


def test_a_book_without_an_index_is_read_by_its_drawdown_alone() -> None:
    regime = actor(RegimeRules())
    assert decided(regime, 20240102, 100)[0].degraded == ()
    assert [decided(regime, 20240103 + k, 94)[0].regime for k in range(3)][-1] is Regime.ELEVATED


@pytest.mark.parametrize("way", ["snapshot", "journal"])
def test_a_restart_forgets_nothing(way: str) -> None:
    one, two = actor(), actor()
    rows = []
    for k in range(2):
        one.on_product_bar(product_bar("VIX", 20240102 + k, "26"))
        one.on_cycle_fx(cycle(20240102 + k))
        rows += journalled(one.on_nav_marked(nav(20240102 + k, 100 - k)), RegimeDecided)
    if way == "snapshot":
        two.restore(put_away(one.snapshot()))
    else:
        for row in rows:
            two.fold_regime_decided(put_away(row))
    assert decided(two, 20240103) == [rows[-1]]
    assert day(one, 20240104, "26", 95) == day(two, 20240104, "26", 95)
    assert day(two, 20240105, "26").regime is Regime.ELEVATED


def test_a_run_asked_again_is_answered_and_not_journalled_again() -> None:
    regime = actor()
    first = day(regime, 20240102, "26")
    regime.on_cycle_fx(cycle(20240102))
    again = list(regime.on_nav_marked(nav(20240102, 100)) or ())
    assert told(again, RegimeDecided) == [first]
    assert journalled(again, RegimeDecided) == []


@pytest.mark.parametrize("way", ["no restart", "snapshot", "journal"])
def test_a_later_run_of_a_session_is_not_journalled_again_either(way: str) -> None:
    regime = again = actor()
    rows = journalled(regime.on_nav_marked(nav(20240102, 100)), RegimeDecided)
    for number in (1, 2):
        regime.on_cycle_fx(cycle(20240102, number=number))
        rows += journalled(regime.on_nav_marked(nav(20240102, 100, number=number)), RegimeDecided)
    if way == "snapshot":
        again = actor()
        again.restore(put_away(regime.snapshot()))
    elif way == "journal":
        again = actor()
        for row in rows:
            again.fold_regime_decided(put_away(row))
    again.on_cycle_fx(cycle(20240102, number=2))
    answer = list(again.on_nav_marked(nav(20240102, 100, number=2)) or ())
    assert told(answer, RegimeDecided) == [rows[-1]]
    assert journalled(answer, RegimeDecided) == []


def test_cycle_and_net_asset_value_may_come_in_either_order() -> None:
    one, two = actor(RegimeRules()), actor(RegimeRules())
    one.on_cycle_fx(cycle(20240102))
    two.on_nav_marked(nav(20240102, 100))
    assert told(one.on_nav_marked(nav(20240102, 100)), RegimeDecided) == told(
        two.on_cycle_fx(cycle(20240102)), RegimeDecided
    )


def test_a_recovery_follows_a_rising_spread() -> None:
    """Two hundred days of a rising US against a flat Europe, then three per cent under the peak and a calm index."""
    regime = actor(RegimeRules(index_product="VIX", us_product="US", eu_product="EU"))
    first = 20230101
    for k in range(200):
        regime.on_product_bar(product_bar("US", first + k, f"{100 + k}"))
        regime.on_product_bar(product_bar("EU", first + k, "100"))
    day(regime, 20240102, "15", 100)
    assert [day(regime, 20240103 + k, "15", 97).regime for k in range(3)][-1] is Regime.RECOVERY


def test_the_europe_score_decides_when_v2x_is_named() -> None:
    """V2X 40, VIX 30, EURUSD falling by a tenth a year: .4 + .12 + .2 = .72, a crisis; V2X missing keeps the regime."""
    regime = actor(RegimeRules(index_product="VIX", europe_index_product="V2X"))
    daily = 1 - 0.12 / 252
    for k in range(60):
        regime.on_product_bar(product_bar("V2X", 20230101 + k, "18"))
        rate = f"{1.10 * daily**k:.9f}"
        answer = day(regime, 20230101 + k, "15", rates={"EUR": (rate, Quality.GOOD)})
        assert answer.regime is Regime.NORMAL
        assert "EUR trend" in answer.degraded
    regime.on_product_bar(product_bar("V2X", 20230201, "40"))
    last: dict[str, Any] = {"rates": {"EUR": (f"{1.10 * daily**60:.9f}", Quality.GOOD)}}
    held = day(regime, 20230201, "30", degraded={"V2X": Quality.STALE}, **last)
    assert held.regime is Regime.NORMAL
    assert "V2X" in held.degraded
    crisis = day(regime, 20230202, "30", rates={"EUR": (f"{1.10 * daily**61:.9f}", Quality.GOOD)})
    assert crisis.facts["stress"] == pytest.approx(0.72)
    assert crisis.regime is Regime.CRISIS
