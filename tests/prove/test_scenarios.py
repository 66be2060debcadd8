"""Each scenario shows what it is for: the boundaries that crashes need are in it."""

from __future__ import annotations

from collections import Counter

import pytest

from model.decisions import Mode, ModeEntered
from model.execution import Reconciled
from model.order_events import OrderMoved
from model.orders import CancelAtVenue, ModifyOrder, SubmitOrder
from simulation.prove.crashes import ALL, Case, Played, survey
from simulation.prove.fates import Fate
from simulation.prove.scenarios import SCENARIOS
from simulation.stage import Cuts
from state.order_law import OrderState


def played(scenario: str, *cuts: int, fate: Fate = Fate.SILENT) -> Played:
    stage = Played.of(Case(scenario, fate, cuts or (1,)), Cuts(*cuts))
    SCENARIOS[scenario].play(stage)
    return stage


def sent(stage: Played) -> Counter[str]:
    return Counter(type(request.message).__name__ for request in stage.wire)


def test_a_single_order_fills() -> None:
    stage = played("single")
    assert stage.orders.one().state is OrderState.FILLED
    assert stage.positions == {"ALPHA": 100}


def test_both_legs_of_the_pair_fill() -> None:
    stage = played("pair")
    assert stage.positions == {"ALPHA": 700, "BETA": -1_400}
    assert {order.intent.pair for order in stage.orders} == {"two:p"}


def test_an_order_that_rests_is_repriced_while_it_fills_in_parts() -> None:
    stage = played("modify")
    order = stage.orders.one()
    assert (order.state, order.changes, len(order.executions)) == (OrderState.FILLED, 3, 4)
    assert sent(stage)[ModifyOrder.__name__] == 3


def test_one_cancel_loses_the_race_and_another_wins_it_after_a_part_filled() -> None:
    stage = played("cancel")
    assert sent(stage)[CancelAtVenue.__name__] == 2
    assert {(o.spec.instrument, o.state, o.filled // 10**8) for o in stage.orders} == {
        ("ALPHA", OrderState.FILLED, 3_000),
        ("BETA", OrderState.CANCELLED, 3_000),
    }


def test_the_roll_sells_the_near_contract_and_buys_the_far_one() -> None:
    stage = played("roll")
    assert stage.positions == {"GAMMA@202406": 3}
    assert [(o.spec.instrument, int(o.spec.side)) for o in stage.orders] == [
        ("GAMMA@202403", 1),
        ("GAMMA@202403", -1),
        ("GAMMA@202406", 1),
    ]


def test_the_spread_is_one_order_that_moves_both_contracts_in_parts() -> None:
    stage = played("spread")
    assert stage.positions == {"GAMMA@202406": 3}
    assert [(o.spec.instrument, o.spec.side.name, o.filled // 10**8) for o in stage.orders] == [
        ("GAMMA@202403", "BUY", 3),
        ("GAMMA@202403-202406", "BUY", 3),
    ]
    parts = [(f.instrument, f.quantity // 10**8) for f in stage.venue.exchange.desk.fills[1:]]
    assert parts == [("GAMMA@202403", 2), ("GAMMA@202406", 2), ("GAMMA@202403", 1), ("GAMMA@202406", 1)]


def test_the_halt_finds_orders_open_and_the_author_resumes() -> None:
    stage = played("halt")
    entered = [row.event.mode for row in stage.rows if isinstance(row.event, ModeEntered)]
    assert entered[-2:] == [Mode.HALTED, Mode.TRADING]
    assert sent(stage)[CancelAtVenue.__name__] >= 2
    assert OrderState.CANCELLED in {order.state for order in stage.orders}


def test_at_a_venue_without_ids_a_leg_that_never_arrived_stays_in_doubt_and_the_other_one_is_all_there_is() -> None:
    boundaries = played("unenforced").cuts.passed
    assert boundaries == played("pair").cuts.passed
    cut = [number for number, where in enumerate(boundaries, start=1) if where == "SubmitOrder sent, not answered"]
    stage = played("unenforced", cut[-1], fate=Fate.NEVER)
    stage.come_to_rest()
    assert {order.state for order in stage.orders} == {OrderState.UNKNOWN}
    assert sent(stage)[SubmitOrder.__name__] == 2
    assert stage.mode is Mode.RECONCILING
    assert sorted(stage.actor("system").locked) == ["ALPHA", "BETA"]


def test_the_timer_of_the_leased_order_is_over_before_the_engine_is_back_from_every_other_crash() -> None:
    boundaries = played("leased").cuts.passed
    working = len(boundaries) - 2
    ends = []
    for cut in (working, working + 1):
        stage = played("leased", cut)
        stage.run("10s")
        ends += [order.state for order in stage.orders]
    assert sorted(ends) == [OrderState.CANCELLED, OrderState.WORKING]


@pytest.mark.parametrize("scenario", ALL)
def test_every_scenario_has_something_in_flight_at_some_boundary(scenario: str) -> None:
    fates = Counter(fate for left in survey(scenario) for fate in left.fates())
    assert set(fates) == set(Fate)


def test_a_scenario_passes_boundaries_on_both_sides_of_a_snapshot() -> None:
    for scenario in SCENARIOS:
        passed = Counter(played(scenario).cuts.passed)
        assert passed["before a snapshot"] == passed["snapshot staged, not durable"] >= 2


# -- fates: what the venue holds of the one order that was sent and not answered when the engine died


def left_to_the_venue(fate: Fate) -> Played:
    sent_at = played("single").cuts.passed.index(f"{SubmitOrder.__name__} sent, not answered") + 1
    stage = Played.of(Case("single", fate, (sent_at,)), Cuts(sent_at))
    stage.want("ALPHA", 100)
    stage.decide()
    stage.run("60s")
    assert stage.mode is None
    return stage


def at_venue(stage: Played) -> list[tuple[str, int]]:
    return [(order.state, order.filled // 10**8) for order in stage.venue.exchange.desk.orders.values()]


@pytest.mark.parametrize(
    ("fate", "there"),
    [
        (Fate.NEVER, []),
        (Fate.SILENT, [("OPEN", 0)]),
        (Fate.FILLED, [("FILLED", 100)]),
        (Fate.PARTIAL, [("OPEN", 50)]),
        (Fate.TWICE, [("FILLED", 100)]),
        (Fate.SHORT, [("OPEN", 0)]),
        (Fate.REJECTED, [("OPEN", 0)]),
    ],
)
def test_a_fate_decides_what_the_venue_has_while_the_engine_is_down(fate: Fate, there: list[tuple[str, int]]) -> None:
    stage = left_to_the_venue(fate)
    stage.run("1s")
    assert at_venue(stage) == there


def test_a_late_rejection_ends_the_order_after_the_engine_came_back() -> None:
    stage = left_to_the_venue(Fate.REJECTED)
    stage.run("10s")
    assert at_venue(stage) == [("REJECTED", 0)]
    assert stage.orders.one().state is OrderState.REJECTED


def test_an_account_that_breaks_off_proves_nothing_and_is_asked_for_again() -> None:
    stage = left_to_the_venue(Fate.SHORT)
    died = len(stage.rows)
    stage.run("40s")
    since = [row.event for row in stage.rows[died:]]
    answers = [event.complete for event in since if isinstance(event, Reconciled)]
    assert (answers[0], answers[-1]) == (False, True)
    assert "PROVEN_ABSENT" not in [event.event for event in since if isinstance(event, OrderMoved)]
    assert stage.orders.one().state in (OrderState.WORKING, OrderState.FILLED)


def test_an_acknowledgement_that_comes_again_changes_nothing() -> None:
    stage = left_to_the_venue(Fate.TWICE)
    stage.run("10s")
    moved = [row.event.now for row in stage.rows if isinstance(row.event, OrderMoved)]
    assert stage.orders.one().state is OrderState.FILLED
    assert moved.count(OrderState.FILLED) == 1
