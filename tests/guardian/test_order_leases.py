"""Orders end without us: where nobody looks after them any more the venue ends them, and the book agrees afterwards."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from engine.notices import Happened
from model.decisions import Mode
from model.leases import CancelAfter, OrdersLeased
from model.order_events import OrderRenewed
from model.orders import (
    Intent,
    ModifyOrder,
    OrderSent,
    Place,
    Purpose,
    Share,
    Side,
    SubmitOrder,
    TimeInForce,
    VenueUp,
)
from model.units import NS_PER_SECOND, PX_SCALE, QTY_SCALE
from simulation.exchange import VenueRules
from simulation.prove.scene import Curse
from simulation.stage import Cuts, Stage, World
from state.order_law import OrderState

TIMER = VenueRules(latency_ns=2 * 10**6, margin=False, cancel_timer=True)
PLAIN = VenueRules(latency_ns=2 * 10**6, margin=False)
DOWN_NS = 600 * NS_PER_SECOND
SETTLED = (Mode.TRADING, Mode.OBSERVING)


def rest(stage: Stage, name: str, purpose: Purpose = Purpose.REBALANCE) -> None:
    """Let the engine place a buy far below the market."""
    intent = Intent(
        id=f"hr-{name}", run_id="20240101.1.stage.x", instrument="ALPHA", side=Side.BUY, quantity=10 * QTY_SCALE,
        purpose=purpose, shares=(Share("one", 10 * QTY_SCALE),), reference=100 * PX_SCALE, limit=50 * PX_SCALE,
    )  # fmt: skip
    stage.tell("orders", Place(intent, "an approval"))
    stage.run("1s")


def world(**lease: float) -> World:
    execution: Any = {"lease": lease}
    return World(execution=execution)


def open_at_venue(stage: Stage) -> list[str]:
    return [order.client_id for order in stage.venue.exchange.snapshot("s", 0).orders]


def sent(stage: Stage, kind: type[Any]) -> list[Any]:
    return [request for request in stage.wire if isinstance(request.message, kind)]


def rows(stage: Stage, kind: type[Any]) -> list[Any]:
    return [row.event for row in stage.rows if isinstance(row.event, kind)]


# -- a venue with a timer


def test_the_timer_is_set_before_the_first_order_leaves_and_renewed_while_one_is_open() -> None:
    with Stage(seed=7, rules=TIMER) as stage:
        rest(stage, "a")
        kinds = [type(each.message) for each in stage.wire if isinstance(each.message, CancelAfter | SubmitOrder)]
        assert kinds == [CancelAfter, SubmitOrder]
        stage.run("5m")
        moments = [request.at_ns for request in sent(stage, CancelAfter)]
        assert {later - sooner for sooner, later in pairwise(moments)} == {20 * NS_PER_SECOND}
        assert open_at_venue(stage) == ["hr-a"]
        assert [each.within_ns for each in rows(stage, OrdersLeased)] == [60 * NS_PER_SECOND]


def test_what_a_dead_engine_left_is_ended_by_the_venue_and_the_book_agrees_after_the_restart() -> None:
    with Stage(seed=7, rules=TIMER, restart_after_ns=DOWN_NS) as stage:
        rest(stage, "a")
        stage.crash()
        stage.run("50s")
        assert open_at_venue(stage) == ["hr-a"]
        stage.run("20s")
        assert open_at_venue(stage) == []
        stage.run("10m")
        assert stage.mode in SETTLED
        assert stage.orders.one().state is OrderState.CANCELLED


def test_an_engine_that_hangs_renews_nothing_however_long_its_process_lives() -> None:
    with Stage(seed=7, rules=TIMER) as stage:
        rest(stage, "a")
        stage.freeze("90s")
        stage.run("30s")
        assert open_at_venue(stage) == []
        assert stage.orders.one().state is OrderState.CANCELLED


def test_an_order_that_protects_outlives_the_engine_and_is_known_again() -> None:
    with Stage(seed=7, rules=TIMER, restart_after_ns=DOWN_NS) as stage:
        rest(stage, "a")
        rest(stage, "protects", Purpose.PROTECT)
        stage.crash()
        stage.run("12m")
        assert open_at_venue(stage) == ["hr-protects"]
        assert {order.spec.client_id: order.state for order in stage.orders} == {
            "hr-a": OrderState.CANCELLED,
            "hr-protects": OrderState.WORKING,
        }


def test_a_protecting_order_alone_needs_no_timer() -> None:
    with Stage(seed=7, rules=TIMER) as stage:
        rest(stage, "protects", Purpose.PROTECT)
        stage.run("5m")
        assert sent(stage, CancelAfter) == []


def test_after_a_restart_in_time_the_timer_goes_on_and_the_order_works() -> None:
    with Stage(seed=7, rules=TIMER) as stage:
        rest(stage, "a")
        stage.crash()
        stage.run("5m")
        assert open_at_venue(stage) == ["hr-a"]
        assert stage.orders.one().state is OrderState.WORKING


def test_when_nothing_is_open_any_more_the_timer_is_left_to_run_out() -> None:
    with Stage(seed=7, rules=TIMER) as stage:
        stage.want("ALPHA", 100)
        stage.decide()
        stage.run("5m")
        assert stage.positions == {"ALPHA": 100}
        count = len(sent(stage, CancelAfter))
        stage.run("10m")
        assert 1 <= count <= 5
        assert len(sent(stage, CancelAfter)) == count


def test_a_timer_of_zero_seconds_is_never_set() -> None:
    with Stage(seed=7, rules=TIMER, world=world(timer_s=0)) as stage:
        rest(stage, "a")
        stage.run("5m")
        assert sent(stage, CancelAfter) == []


def test_an_order_manager_built_anew_before_its_first_order_still_knows_of_the_timer() -> None:
    """It had heard of it in a greeting that comes once, and its orders left for the day."""
    with Stage(seed=7, rules=TIMER) as stage:
        Curse("orders", after=1, times=1).lay(stage)
        rest(stage, "a")
        assert "orders" in {each.who for each in stage.notices if each.happened is Happened.RESTARTED}
        rest(stage, "b")
        kinds = [type(each.message) for each in stage.wire if isinstance(each.message, CancelAfter | SubmitOrder)]
        assert kinds[:2] == [CancelAfter, SubmitOrder]


def test_the_timer_is_set_before_every_order_however_lately_it_was() -> None:
    """A timer that ran when an order was planned was over when a slow disk let the order go."""
    with Stage(seed=7, rules=TIMER) as stage:
        rest(stage, "a")
        before = len(stage.wire)
        rest(stage, "b")
        assert [type(each.message) for each in stage.wire[before:]] == [CancelAfter, SubmitOrder]


def test_an_order_manager_built_anew_takes_no_timer_for_set() -> None:
    """For a second it believed that one ran; what left in that second had none if the engine died of it."""
    with Stage(seed=7, rules=TIMER) as stage:
        stage.want("ALPHA", 100)
        stage.decide()
        stage.run("10m")
        Curse("orders", after=1, times=1).lay(stage)
        stage.tell("orders", OrderSent("hr-nobody's", stage.now_ns))
        stage.run("500ms")
        before = len(stage.wire)
        rest(stage, "a")
        assert [type(each.message) for each in stage.wire[before : before + 2]] == [CancelAfter, SubmitOrder]


def test_an_order_that_was_taken_over_is_leased_too() -> None:
    """The timer was set only when an order left."""
    with Stage(seed=7, rules=TIMER) as stage:
        stage.venue.trade_by_hand("ALPHA", 5, "hr-of-old", 90 * PX_SCALE)
        stage.run("10m")
        assert stage.orders.one().state is OrderState.WORKING
        assert len(sent(stage, CancelAfter)) > 10


def test_a_venue_that_has_no_timer_any_more_is_not_asked_for_one() -> None:
    with Stage(seed=7, rules=TIMER) as stage:
        rest(stage, "a")
        stage.tell("orders", VenueUp("simulated", "simulated", True, stage.now_ns, cancel_timer=False))
        stage.run("1s")
        assert [each.within_ns for each in rows(stage, OrdersLeased)] == [60 * NS_PER_SECOND, 0]
        Curse("orders", after=1, times=1).lay(stage)
        stage.tell("orders", OrderSent("hr-nobody's", stage.now_ns))
        count = len(sent(stage, CancelAfter))
        stage.run("5m")
        assert len(sent(stage, CancelAfter)) == count


# -- a venue without one


def test_elsewhere_orders_are_for_the_day_and_no_timer_is_asked_for() -> None:
    with Stage(seed=7, rules=PLAIN) as stage:
        rest(stage, "a")
        stage.run("5m")
        assert sent(stage, CancelAfter) == []
        assert stage.orders.one().spec.tif is TimeInForce.DAY


def test_a_renewal_that_may_not_be_asked_now_is_asked_when_the_link_is_back() -> None:
    with Stage(seed=7, rules=PLAIN, world=world(good_for_s=90)) as stage:
        rest(stage, "a")
        stage.venue.disconnect()
        stage.run("40s")  # the first renewal is due after 30
        assert sent(stage, ModifyOrder) == []
        stage.venue.reconnect()
        stage.run("5m")
        assert open_at_venue(stage) == ["hr-a"]
        assert len(sent(stage, ModifyOrder)) > 5


def test_an_order_that_has_ended_is_renewed_no_more() -> None:
    with Stage(seed=7, rules=PLAIN, world=world(good_for_s=90)) as stage:
        stage.want("ALPHA", 100)
        stage.decide()
        stage.run("10m")
        assert stage.orders.one().state is OrderState.FILLED
        assert sent(stage, ModifyOrder) == []


def test_a_short_good_till_time_is_renewed_while_the_engine_is_well() -> None:
    with Stage(seed=7, rules=PLAIN, world=world(good_for_s=90)) as stage:
        rest(stage, "a")
        stage.run("10m")
        assert open_at_venue(stage) == ["hr-a"]
        assert stage.orders.one().state is OrderState.WORKING
        asked = [(each.change_id, each.expires_ns) for each in rows(stage, OrderRenewed)]
        assert [(r.message.change_id, r.message.expires_ns) for r in sent(stage, ModifyOrder)] == asked
        assert len(asked) == 20
        assert {later - sooner for (_, sooner), (_, later) in pairwise(asked)} == {30 * NS_PER_SECOND}


def test_a_short_good_till_time_ends_what_a_dead_engine_left() -> None:
    with Stage(seed=7, rules=PLAIN, world=world(good_for_s=90), restart_after_ns=DOWN_NS) as stage:
        rest(stage, "a")
        rest(stage, "protects", Purpose.PROTECT)
        stage.run("5m")
        stage.crash()
        stage.run("59s")
        assert open_at_venue(stage) == ["hr-a", "hr-protects"]
        stage.run("32s")
        assert open_at_venue(stage) == ["hr-protects"]
        stage.run("10m")
        assert stage.mode in SETTLED
        assert [order.state for order in stage.orders] == [OrderState.EXPIRED, OrderState.WORKING]


@pytest.mark.parametrize("down_s", [5, 45])
def test_renewals_go_on_after_a_restart_that_was_soon_enough(down_s: int) -> None:
    with Stage(seed=7, rules=PLAIN, world=world(good_for_s=90), restart_after_ns=down_s * NS_PER_SECOND) as stage:
        rest(stage, "a")
        stage.run("100s")
        stage.crash()
        stage.run("10m")
        assert open_at_venue(stage) == ["hr-a"]
        changes = [each.change_id for each in rows(stage, OrderRenewed)]
        assert len(changes) == len(set(changes))


def test_the_timer_takes_the_place_of_good_till_times_where_there_is_one() -> None:
    with Stage(seed=7, rules=TIMER, world=world(good_for_s=90)) as stage:
        rest(stage, "a")
        assert stage.orders.one().spec.tif is TimeInForce.DAY
        stage.run("5m")
        assert sent(stage, ModifyOrder) == []
        assert open_at_venue(stage) == ["hr-a"]


@pytest.mark.parametrize(("rules", "lease"), [(TIMER, {}), (PLAIN, {"good_for_s": 90.0})])
def test_a_crash_at_any_cut_of_a_leased_order_leaves_one_order_and_a_book_that_agrees(
    rules: VenueRules, lease: dict[str, float]
) -> None:
    traded = world(**lease)

    def play(stage: Stage) -> None:
        rest(stage, "a")
        stage.run("100s")

    whole = Stage(seed=7, rules=rules, world=traded)
    first = len(whole.cuts.passed) + 1
    play(whole)
    for number in range(first, len(whole.cuts.passed) + 1):
        stage = Stage(seed=7, rules=rules, world=traded, cuts=Cuts(number))
        play(stage)
        stage.run("2m")
        assert [crash.number for crash in stage.crashes] == [number]
        assert stage.mode in SETTLED
        assert len(stage.venue.exchange.desk.orders) <= 1
        assert stage.venue.exchange.duplicates == 0
        assert [o.spec.client_id for o in stage.orders.in_state(OrderState.WORKING)] == open_at_venue(stage)
