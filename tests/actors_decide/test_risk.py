"""The risk actor: one decision per run from three parts, approvals journalled before they are told, and memory."""

from __future__ import annotations

from typing import Any

import pytest

from actors.risk import Risk
from actors.risk_gate import GateLimits
from actors.risk_scale import RiskRules
from engine.effects import Journal, Ref
from model.decisions import (
    Approved,
    Decide,
    Halt,
    InstrumentLocked,
    InstrumentReleased,
    Mode,
    ModeChanged,
    ModeEntered,
    Propose,
    Regime,
    RiskDecision,
)
from model.execution import OrderDenied
from model.order_events import OrderMoved
from model.orders import Fill, Filled, OrderUpdate, Side
from model.units import PX_SCALE, QTY_SCALE
from tests.actors_decide.made import clocked, codes, cycle, future, intent, journalled, nav, put_away, regime, told

PRODUCTS = {name: future(name, multiplier="10") for name in ("A", "B")}


def risk(limits: GateLimits | None = None, trading: bool = True) -> Risk:
    sleeves: list[Ref[Decide]] = [Ref("sleeve.trend"), Ref("sleeve.core")]
    basket: Ref[Decide | Approved] = Ref("basket")
    pair: Ref[Approved] = Ref("pair")
    made = Risk(
        instruments=PRODUCTS,
        rules=RiskRules(),
        limits=limits or GateLimits(),
        sleeves=sleeves,
        basket=basket,
        pair=pair,
    )
    if trading:
        made.on_restriction(ModeChanged(Mode.TRADING, "test"))
    return clocked(made)


def run(
    actor: Risk, session: int, money: int = 1_000_000, name: Regime = Regime.NORMAL, number: int = 1, **more: Any
) -> list[Any]:
    """The three parts of one run; every effect they had."""
    prices = {"A": "100", "B": "100"}
    effects: list[Any] = list(actor.on_cycle_fx(cycle(session, number=number)) or ())
    effects += list(actor.on_regime_decided(regime(session, name, number)) or ())
    effects += list(actor.on_nav_marked(nav(session, money, number=number, prices=prices, **more)) or ())
    return effects


def decision(effects: list[Any]) -> RiskDecision:
    return told(effects, Decide)[0].risk


def test_every_sleeve_and_the_basket_hear_one_journalled_decision() -> None:
    effects = run(risk(), 20240102)
    assert len(told(effects, Decide)) == 3
    assert isinstance(effects[0], Journal)
    assert journalled(effects, RiskDecision) == [decision(effects)]


def test_nothing_is_decided_before_all_three_parts_are_there() -> None:
    actor = risk()
    assert not list(actor.on_nav_marked(nav(20240102, 100)) or ())
    assert not list(actor.on_regime_decided(regime(20240102)) or ())
    assert told(actor.on_cycle_fx(cycle(20240102)), Decide)


def test_parts_of_different_runs_are_not_joined() -> None:
    actor = risk()
    actor.on_cycle_fx(cycle(20240102))
    actor.on_regime_decided(regime(20240103))
    assert not list(actor.on_nav_marked(nav(20240102, 100)) or ())


@pytest.mark.parametrize(
    ("name", "scale"),
    [(Regime.NORMAL, 1.0), (Regime.RECOVERY, 1.0), (Regime.ELEVATED, 0.7), (Regime.CRISIS, 0.3)],
)
def test_the_regime_limits_the_scale_in_burn_in_too(name: Regime, scale: float) -> None:
    assert decision(run(risk(), 20240102, name=name)).scale == pytest.approx(scale)


def test_a_tenth_of_drawdown_is_answered_like_a_crisis() -> None:
    actor = risk()
    run(actor, 20240102, 1_000_000)
    fallen = decision(run(actor, 20240103, 900_000))
    assert (fallen.scale, fallen.drawdown) == (0.3, -0.10)


def test_a_withdrawal_is_no_drawdown() -> None:
    actor = risk()
    run(actor, 20240102, 1_000_000)
    assert decision(run(actor, 20240103, 600_000, flows=-400_000)).drawdown == 0.0


def test_the_scale_rises_by_steps_of_sessions_and_not_of_runs() -> None:
    actor = risk()
    run(actor, 20240102, name=Regime.CRISIS)
    scales = [decision(run(actor, 20240103, number=n)).scale for n in (1, 2)]
    assert scales == pytest.approx([0.55, 0.55])
    assert decision(run(actor, 20240104)).scale == pytest.approx(0.80)


@pytest.mark.parametrize("money", [0, -1_000])
def test_a_book_without_value_keeps_the_scale_and_says_so(money: int) -> None:
    actor = risk()
    run(actor, 20240102, name=Regime.ELEVATED)
    lost = decision(run(actor, 20240103, money))
    assert lost.scale == pytest.approx(0.7)
    assert "scale" in lost.degraded


def test_the_same_run_is_decided_once() -> None:
    actor = risk()
    first = run(actor, 20240102)
    again = run(actor, 20240102)
    assert decision(again) == decision(first)
    assert journalled(again, RiskDecision) == []


def test_the_basket_and_the_executor_hear_what_was_approved_after_it_is_journalled() -> None:
    actor = risk()
    run(actor, 20240102)
    effects = list(actor.on_propose(Propose("20240102.1.test", (intent("A", 1), intent("A", 900)), "basket")) or ())
    assert isinstance(effects[0], Journal)
    assert [each.intents[0].instrument for each in told(effects, Approved, "pair")] == ["A"]
    assert codes(told(effects, Approved, "basket")[0].denials) == ["ORDER_SIZE"]


def test_a_quoting_sleeves_approval_goes_to_the_executor_alone() -> None:
    actor = risk()
    run(actor, 20240102)
    effects = actor.on_propose(Propose("20240102.1.test", (intent("A", 1),), "quoter"))
    assert told(effects, Approved, "basket") == []
    assert len(told(effects, Approved, "pair")) == 1


def test_a_run_of_absurd_size_is_denied_and_halts_the_system() -> None:
    actor = risk(GateLimits(max_intents_per_run=2))
    actor.system = Ref("system")
    run(actor, 20240102)
    work = tuple(intent("A", 1, attempt=k) for k in range(3))
    effects = list(actor.on_propose(Propose("20240102.1.test", work, "basket")) or ())
    assert codes(told(effects, Approved, "basket")[0].denials) == ["RUN_SIZE"] * 3
    assert [halt.by for halt in told(effects, Halt, "system")] == ["risk"]


def test_locks_come_and_go() -> None:
    actor = risk()
    run(actor, 20240102)
    actor.on_restriction(InstrumentLocked("A", "break", 1))
    assert codes(proposed(actor, intent("A", 1)).denials) == ["LOCKED"]
    actor.on_restriction(InstrumentReleased("A", "me", "checked", 2))
    assert proposed(actor, intent("A", 1, attempt=1)).denials == ()


@pytest.mark.parametrize("way", ["snapshot", "journal"])
def test_a_restart_remembers_decisions_approvals_exposure_and_locks(way: str) -> None:
    limits = GateLimits(max_gross_leverage=0.1, max_net_leverage=9)
    one, two = risk(limits), risk(limits, trading=False)
    rows: list[Any] = [ModeEntered(Mode.TRADING, Mode.OBSERVING, "", "", 0)]
    for k, money in enumerate((1_000_000, 950_000)):
        rows += [each.event for each in run(one, 20240102 + k, money) if isinstance(each, Journal)]
    work = Propose("20240103.1.test", (intent("A", 90, run="20240103.1.test"),), "basket")
    rows += journalled(one.on_propose(work), Approved)
    locked = InstrumentLocked("B", "break", 1)
    one.on_restriction(locked)
    rows.append(locked)
    executed = Fill("x", work.intents[0].id, "v", "A", Side.BUY, 30 * QTY_SCALE, PX_SCALE, 0, "USD", 0)
    filled = Filled(executed, "20240103.1.test", ())
    one.on_filled(filled)
    one.on_order_update(update(work.intents[0].id, 90, 30))
    rows.append(filled)
    if way == "snapshot":
        two.restore(put_away(one.snapshot()))
    else:
        folds = {kind: getattr(two, method) for kind, method in two.folds.items()}
        for row in rows:
            folds[type(row)](put_away(row))
    again = run(two, 20240103, 950_000, positions={"A": (30, "100")})
    assert journalled(again, RiskDecision) == []
    assert decision(again) == decision(run(one, 20240103, 950_000, positions={"A": (30, "100")}))
    assert told(two.on_propose(work), Approved, "pair") == told(one.on_propose(work), Approved, "pair")
    for actor in (one, two):
        assert codes(proposed(actor, intent("B", -1)).denials) == ["LOCKED"]
        assert codes(proposed(actor, intent("A", 6, attempt=1)).denials) == ["GROSS"]  # 90 of 95 are spoken for
        assert proposed(actor, intent("A", 5, attempt=2)).denials == ()


def test_an_approval_that_no_one_ever_acted_on_gives_its_room_back_next_session() -> None:
    actor = risk(GateLimits(max_gross_leverage=0.1, max_net_leverage=9))
    run(actor, 20240102)
    proposed(actor, intent("A", 100))
    run(actor, 20240103)
    assert proposed(actor, intent("A", 100, attempt=1)).denials == ()


def proposed(actor: Risk, *intents: Any) -> Approved:
    return told(actor.on_propose(Propose("20240102.1.test", intents, "basket")), Approved, "pair")[0]


def update(client_id: str, quantity: int, filled: int) -> OrderUpdate:
    return OrderUpdate(client_id, "r", "A", Side.BUY, "WORKING", quantity * QTY_SCALE, filled * QTY_SCALE, False, 0)


@pytest.mark.parametrize(("ended", "room"), [("FILLED", 40), ("REJECTED", 100), ("WORKING", 0), ("DENIED", 100)])
def test_how_an_order_ended_is_read_from_the_journal(ended: str, room: int) -> None:
    """A hundred of a limit of a hundred were approved, sixty filled if it was filled; then the process died."""
    actor = risk(GateLimits(max_order_share=9, max_gross_leverage=0.1, max_net_leverage=9), trading=False)
    work = intent("A", 100)
    actor.fold_restriction(ModeEntered(Mode.TRADING, Mode.OBSERVING, "", "", 0))
    actor.fold_risk_decision(decision(run(risk(), 20240102)))
    actor.fold_approved(Approved("ap", work.run_id, (work,), (), 0))
    if ended == "FILLED":
        executed = Fill("x", work.id, "v", "A", Side.BUY, 60 * QTY_SCALE, PX_SCALE, 0, "USD", 0)
        actor.fold_filled(Filled(executed, work.run_id, ()))
    if ended == "DENIED":
        actor.fold_order(OrderDenied(work.id, work.run_id, "A", "BUSY", "", 0))
    else:
        actor.fold_order(OrderMoved(work.id, "event", "SENT", ended, "v", "", 0))
    positions = {"A": (60, "100")} if ended == "FILLED" else {}
    run(actor, 20240102, positions=positions)
    assert codes(proposed(actor, intent("B", room + 1)).denials) == ["GROSS"]
    assert room == 0 or proposed(actor, intent("B", room, attempt=1)).denials == ()


def test_turnover_before_a_crash_counts_after_it() -> None:
    actor = risk(GateLimits(max_daily_turnover_share=0.1, max_gross_leverage=9, max_net_leverage=9), trading=False)
    work = intent("A", 60)
    actor.fold_restriction(ModeEntered(Mode.TRADING, Mode.OBSERVING, "", "", 0))
    actor.fold_risk_decision(decision(run(risk(), 20240102)))
    actor.fold_approved(Approved("ap", work.run_id, (work,), (), 0))
    run(actor, 20240102)
    assert codes(proposed(actor, intent("B", 41)).denials) == ["TURNOVER"]
    assert proposed(actor, intent("B", 40, attempt=1)).denials == ()


def test_a_lock_released_before_a_crash_stays_released() -> None:
    actor = risk()
    actor.fold_restriction(InstrumentLocked("A", "break", 1))
    actor.fold_restriction(InstrumentReleased("A", "me", "checked", 2))
    run(actor, 20240102)
    assert proposed(actor, intent("A", 1)).denials == ()


def test_an_instrument_of_no_program_is_unknown_and_its_fills_are_ignored() -> None:
    actor = risk()
    run(actor, 20240102)
    executed = Fill("x", "foreign", "v", "ZZZ", Side.BUY, QTY_SCALE, PX_SCALE, 0, "USD", 0)
    actor.on_filled(Filled(executed, "", ()))
    assert codes(proposed(actor, intent("ZZZ", 1)).denials) == ["UNKNOWN_INSTRUMENT"]


def test_a_snapshot_of_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match="no snapshot of risk"):
        risk().restore(InstrumentLocked("A", "", 0))
