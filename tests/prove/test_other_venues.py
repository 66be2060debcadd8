"""Venues of other kinds: how they are drawn, and what the judges make of plays there."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from actors.order_lease import OrderLease
from model.decisions import InstrumentLocked, Mode
from model.execution import Alarm, DeclareAbsent, Reconciled, ReleaseInstrument
from model.order_events import OrderMoved
from model.orders import Intent, Place, Purpose, Share, Side, SubmitOrder, TimeInForce
from model.units import PX_SCALE, QTY_SCALE
from simulation.exchange import VenueRules
from simulation.prove.days import draw_day
from simulation.prove.oracles import judge
from simulation.prove.terms import DOUBLED, Terms
from simulation.stage import Stage
from state.order_law import OrderState
from tests.prove.forging import forge, place_of, sent, slip_in, strike
from tests.prove.other_venues import (
    LEASE,
    LEASED,
    PLAIN,
    WITH_A_TIMER,
    WITHOUT_IDS,
    answered,
    answered_wrongly,
    doubted_through_a_crash,
    timed,
    unshown,
)
from tests.prove.plays import LONG_NS, SECOND, calm

DAYS = [draw_day(seed) for seed in range(1, 601)]


def spoken(stage: Stage) -> set[str]:
    return {each.oracle for each in judge(stage, quiet_since_ns=stage.now_ns - LONG_NS + SECOND)}


# -- drawing


@pytest.mark.parametrize(
    ("kind", "share"),
    [("ids_enforced", 0.8), ("timer_s", 0.2), ("good_for_s", 0.15)],
)
def test_a_fixed_share_of_days_is_at_each_kind_of_venue(kind: str, share: float) -> None:
    drawn = sum(bool(getattr(day.terms, kind)) for day in DAYS)
    assert abs(drawn / len(DAYS) - share) < 0.05


def test_no_venue_has_a_timer_and_good_till_times() -> None:
    assert not [day for day in DAYS if day.terms.timer_s and day.terms.good_for_s]


def test_the_kinds_are_drawn_independently() -> None:
    assert {(day.terms.ids_enforced, bool(day.terms.timer_s), bool(day.terms.good_for_s)) for day in DAYS} == {
        (ids, timer, good) for ids in (True, False) for timer, good in ((0, 0), (1, 0), (0, 1))
    }


def test_the_wire_doubles_no_order_to_a_venue_without_ids() -> None:
    doubled = [day for day in DAYS if any(fault.what == DOUBLED for fault in day.faults)]
    assert doubled
    assert all(day.terms.ids_enforced for day in doubled)


def test_a_day_written_by_hand_is_at_the_usual_venue() -> None:
    rules = Terms().rules(5)
    assert (rules.latency_ns, rules.ids_enforced, rules.cancel_timer, rules.margin) == (5, True, False, False)


# -- without ids


def test_a_second_order_under_an_id_is_seen_in_the_venues_own_record() -> None:
    stage = calm(Stage(seed=7, rules=unshown().venue.exchange.rules))
    stage.want("ALPHA", 100)
    stage.decide()
    calm(stage)
    assert spoken(stage) == set()
    (order,) = stage.venue.exchange.desk.orders.values()
    stage.venue.exchange.desk.submit(SubmitOrder(order.spec))
    assert "one order per intent" in spoken(stage)


def test_a_proof_of_absence_is_false_where_there_is_none() -> None:
    stage = unshown()
    (order,) = stage.orders
    lost = OrderMoved(order.spec.client_id, "PROVEN_ABSENT", "UNKNOWN", "LOST", "", "rc-1", stage.now_ns)
    slip_in(stage, len(stage.rows), lost)
    assert "absence is true" in spoken(stage)


def test_nothing_is_sent_again_however_long_an_order_is_in_doubt() -> None:
    stage = doubted_through_a_crash()
    stage.run("2h")
    orders = [each for each in stage.wire if isinstance(each.message, SubmitOrder)]
    assert len(orders) == 1
    assert spoken(stage) == set()


def test_an_engine_that_waits_for_a_word_about_another_thing_is_not_alive() -> None:
    stage = doubted_through_a_crash()
    forge(stage, place_of(stage, Reconciled, -1), breaks=())
    assert spoken(stage) == {"alive after faults"}


def test_a_contract_that_a_person_releases_is_locked_again_while_its_order_is_in_doubt() -> None:
    stage = unshown()
    stage.tell("system", ReleaseInstrument("ALPHA", "too soon", "author"))
    stage.run("1s")
    assert stage.actor("system").locked == {}
    assert spoken(calm(stage)) == set()
    assert list(stage.actor("system").locked) == ["ALPHA"]


def test_an_order_that_a_person_answered_for_is_given_up_and_its_contract_trades_again() -> None:
    stage = answered()
    assert spoken(stage) == set()
    assert stage.actor("system").locked == {}
    stage.want("ALPHA", 300)
    stage.decide()
    assert spoken(calm(stage)) == set()
    assert stage.positions == {"ALPHA": 300}
    (lost, filled) = stage.orders
    assert (lost.state, lost.over, filled.state) == (OrderState.LOST, True, OrderState.FILLED)
    assert len([each for each in stage.wire if isinstance(each.message, SubmitOrder)]) == 2


def test_what_a_person_answered_for_outlives_a_crash_and_nothing_waits_for_it() -> None:
    stage = answered()
    stage.crash()
    assert spoken(calm(stage)) == set()
    (order,) = stage.orders
    assert (order.state, order.over, stage.mode) == (OrderState.LOST, True, Mode.TRADING)
    assert len([each for each in stage.wire if isinstance(each.message, SubmitOrder)]) == 1


def test_a_person_who_was_wrong_is_told_and_the_order_is_taken_back() -> None:
    stage = answered_wrongly()
    assert stage.orders.one().state is OrderState.LOST
    stage.venue.relent()
    stage.run("5m")
    order = stage.orders.one()
    assert order.state is OrderState.WORKING
    assert "PROOF_WRONG" in {row.event.code for row in stage.rows if isinstance(row.event, Alarm)}
    assert stage.positions == {"ALPHA": order.filled // QTY_SCALE}
    assert order.filled > 0


@pytest.mark.parametrize("name", ["hr-000000000000000000000000", "not-ours"])
def test_nobody_can_answer_for_an_order_that_is_not_there(name: str) -> None:
    stage = unshown()
    stage.tell("orders", DeclareAbsent(name, "a slip of the pen", "author"))
    stage.run("1s")
    assert [order.state for order in stage.orders] == [OrderState.UNKNOWN]


def test_other_contracts_are_traded_while_an_order_is_in_doubt() -> None:
    stage = unshown()
    stage.want("BETA", 50, sleeve="two")
    stage.want("ALPHA", 300)
    stage.decide()
    assert spoken(calm(stage)) == set()
    assert stage.positions == {"BETA": 50}


def test_an_order_in_doubt_in_a_contract_that_is_not_locked_is_seen_by_two_judges() -> None:
    stage = unshown()
    strike(stage, place_of(stage, InstrumentLocked))
    assert spoken(stage) == {"doubts asked", "differences lock"}


def test_what_the_venue_would_show_may_not_stay_in_doubt() -> None:
    stage = Stage(seed=7, rules=WITHOUT_IDS)
    stage.want("ALPHA", 100)
    stage.decide()
    stage.run("59s")
    for _ in range(100):
        stage.venue.drop_next("VenueSnapshot")
    stage.venue.drop_next_ack()
    stage.venue.drop_next("Fill")
    assert {"doubts asked", "alive after faults"} <= spoken(calm(stage))


# -- where orders end without us


def test_an_order_that_outlives_the_dead_is_seen() -> None:
    stage = timed()
    (order,) = stage.venue.exchange.desk.orders.values()
    stage.deaths.append(stage.now_ns - SECOND)
    order.state, order.closed_ns = "OPEN", 0
    assert LEASE in spoken(stage)


def forgetful(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """Whatever is to be said on one occasion is not said."""
    monkeypatch.setattr(OrderLease, what, lambda *_: [])


def far_away(rules: VenueRules, purpose: Purpose = Purpose.REBALANCE) -> Stage:
    """An order far below the market, which nothing but its lease keeps alive."""
    stage = Stage(seed=7, rules=rules, world=LEASED)
    intent = Intent(
        id="hr-far", run_id="20240101.1.stage.x", instrument="ALPHA", side=Side.BUY, quantity=QTY_SCALE,
        purpose=purpose, shares=(Share("one", QTY_SCALE),), reference=100 * PX_SCALE, limit=50 * PX_SCALE,
    )  # fmt: skip
    stage.tell("orders", Place(intent, "an approval"))
    return calm(stage)


@pytest.mark.parametrize(("what", "rules"), [("due", WITH_A_TIMER), ("watch", PLAIN)])
def test_an_engine_that_is_well_and_renews_nothing_is_seen(
    what: str, rules: VenueRules, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert LEASE not in spoken(far_away(rules))
    forgetful(monkeypatch, what)
    assert LEASE in spoken(far_away(rules))


def test_an_order_that_was_taken_over_and_never_leased_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    forgetful(monkeypatch, "found")
    stage = Stage(seed=7, rules=WITH_A_TIMER, world=LEASED)
    stage.venue.trade_by_hand("ALPHA", 5, "hr-of-old", 90 * PX_SCALE)
    assert LEASE in spoken(calm(calm(stage)))


@pytest.mark.parametrize("rules", [WITH_A_TIMER, PLAIN])
def test_an_order_that_protects_is_to_outlive_everything(rules: VenueRules) -> None:
    def protecting(tif: TimeInForce) -> bool:
        stage = far_away(rules, Purpose.PROTECT)
        place = sent(stage)
        order = replace(stage.wire[place].message.order, tif=tif)  # type: ignore[attr-defined]
        stage.wire[place] = stage.wire[place]._replace(message=SubmitOrder(order))
        return LEASE not in spoken(stage)

    assert protecting(TimeInForce.GTC)
    assert not protecting(TimeInForce.DAY)
