"""Orders that follow the market: they wait for a quote, climb to their collar, and end in time."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from actors.pricing import ExecutionPolicy, Style
from model.decisions import Mode, ModeChanged
from model.execution import OrderDenied, SeenAtVenue
from model.market import WatchAgain, WatchQuotes
from model.order_events import OrderPlanned, OrderRepriced
from model.orders import (
    CancelAtVenue,
    CancelOrder,
    CancelRejected,
    Intent,
    ModifyOrder,
    ModifyRejected,
    OrderAcked,
    OrderCancelled,
    OrderModified,
    OrderSent,
    OrderType,
    Reprice,
    Side,
    SubmitOrder,
    Urgency,
    VenueDown,
    VenueUp,
)
from model.units import px, qty
from tests.orders.kit import CLOSING, T0, Bench, fill, intent, place, quote

POLICY = ExecutionPolicy(collar_bps={}, default_collar_bps=10)


def working(policy: ExecutionPolicy = POLICY, **more: Any) -> tuple[Bench, Intent]:
    bench, one = Bench(policy), intent(**more)
    bench.say(place(one))
    bench.say(quote("99.98", "100.02", bench.clock.now_ns))
    bench.say(OrderAcked(one.id, "v1", bench.clock.now_ns))
    return bench, one


def keep_quoting(bench: Bench, seconds: int, bid: str = "99.98", ask: str = "100.02") -> None:
    for _ in range(seconds):
        bench.wait(1)
        bench.say(quote(bid, ask, bench.clock.now_ns))


def test_an_order_waits_for_a_fresh_two_sided_quote() -> None:
    bench, one = Bench(POLICY), intent()
    bench.say(place(one))
    assert [each.on for each in bench.tells("market_data", WatchQuotes)] == [True]
    bench.say(quote("99.98", "100.02", T0 - 6 * 10**9))  # six seconds old
    bench.say(quote("0", "100.02", T0, size="0"))  # nothing on offer
    bench.say(quote("100.03", "100.02", T0))  # crossed
    assert bench.sent(SubmitOrder) == []
    bench.say(quote("99.98", "100.02", T0))
    [planned] = bench.rows(OrderPlanned)
    assert (planned.spec.type, planned.spec.limit, planned.arrival) == (OrderType.LIMIT, px("100.03"), px("100"))
    assert bench.submits(one) == 1


def test_market_data_that_was_built_anew_is_told_again_what_is_watched() -> None:
    """Day 9219 of the proof: orders were priced from the quote before the crash, and then from none."""
    bench, one = Bench(POLICY), intent()
    bench.say(place(one))
    bench.say(WatchAgain())
    assert [(each.instrument, each.on) for each in bench.tells("market_data", WatchQuotes)] == [("FUND", True)] * 2


def test_without_a_quote_in_time_it_never_becomes_an_order() -> None:
    bench, one = Bench(POLICY), intent()
    bench.say(place(one))
    bench.wait(11)
    assert [row.code for row in bench.rows(OrderDenied)] == ["NO_QUOTE"]
    assert bench.rows(OrderPlanned) == []
    assert (bench.last(one).state, bench.last(one).terminal) == ("DENIED", True)
    assert [each.on for each in bench.tells("market_data", WatchQuotes)] == [True, False]
    bench.say(quote("99.98", "100.02", bench.clock.now_ns))
    assert bench.submits(one) == 0
    again = Bench(POLICY, rows=bench.journal())
    assert again.state(one) == "DENIED"


def legs() -> tuple[Intent, Intent]:
    """One pair: a fund and a future."""
    return intent(pair="p", legs=2), intent(Side.SELL, "3", instrument="SP500", pair="p", legs=2, leg=1)


def test_legs_of_a_pair_leave_together() -> None:
    bench, (one, other) = Bench(POLICY), legs()
    bench.say(place(one))
    bench.say(place(other))
    bench.say(quote("99.98", "100.02", T0))
    assert bench.sent(SubmitOrder) == []
    bench.say(quote("99.75", "100.25", T0, "SP500"))
    assert (bench.submits(one), bench.submits(other)) == (1, 1)


def test_a_leg_that_comes_last_takes_the_others_with_it() -> None:
    bench, (one, other) = Bench(POLICY), legs()
    bench.say(place(one))
    bench.say(quote("99.98", "100.02", T0))
    bench.say(place(other))
    bench.say(quote("99.75", "100.25", T0, "SP500"))
    assert (bench.submits(one), bench.submits(other)) == (1, 1)


def test_without_a_quote_for_one_leg_none_becomes_an_order() -> None:
    """A roll whose old contract had no price any more bought the new one alone."""
    bench, (one, other) = Bench(POLICY), legs()
    bench.say(place(one))
    bench.say(place(other))
    keep_quoting(bench, 11)
    assert bench.sent(SubmitOrder) == []
    told = {row.client_id: (row.code, "another leg" in row.text) for row in bench.rows(OrderDenied)}
    assert told == {one.id: ("NO_QUOTE", True), other.id: ("NO_QUOTE", False)}


def test_a_leg_at_a_price_that_is_not_believed_keeps_the_other_back() -> None:
    bench = Bench(POLICY)
    one, other = intent(pair="p", legs=2), intent(Side.SELL, "3", instrument="SP500", pair="p", legs=2, leg=1)
    bench.say(place(one))
    bench.say(place(other))
    bench.say(quote("99.98", "100.02", T0))
    bench.say(quote("1.00", "1.25", T0, "SP500"))
    bench.wait(11)
    assert bench.sent(SubmitOrder) == []
    assert {row.code for row in bench.rows(OrderDenied)} == {"PRICE_SANITY", "NO_QUOTE"}


def test_a_leg_that_was_sent_before_a_restart_does_not_hold_the_other_back() -> None:
    bench, (one, other) = Bench(POLICY), legs()
    bench.say(place(one))
    bench.say(place(other))
    bench.say(quote("99.98", "100.02", T0))
    bench.say(quote("99.75", "100.25", T0, "SP500"))
    first = next(n for n, row in enumerate(bench.journal()) if isinstance(row, OrderPlanned)) + 1
    again = Bench(POLICY, rows=bench.journal()[:first])
    again.say(place(one))
    again.say(place(other))
    again.say(quote("99.98", "100.02", T0))
    again.say(quote("99.75", "100.25", T0, "SP500"))
    sent = {each.order.client_id for each in again.sent(SubmitOrder)}
    assert sent == {one.id, other.id} - {bench.rows(OrderPlanned)[0].spec.client_id}


def test_a_mid_far_from_the_price_of_the_decision_is_not_believed() -> None:
    bench, one = Bench(POLICY), intent(reference="1")  # pence taken for pounds
    bench.say(place(one))
    bench.say(quote("99.98", "100.02", T0))
    assert [row.code for row in bench.rows(OrderDenied)] == ["PRICE_SANITY"]


def test_the_ladder_modifies_in_place_and_never_asks_for_more() -> None:
    bench, one = working()
    keep_quoting(bench, 16)
    bench.say(fill(one, "4"))
    [change] = bench.sent(ModifyOrder)
    # rung 0 from the ask of 100.02 half way to the collar of 100.10
    assert (change.limit, change.quantity) == (px("100.06"), 0)
    bench.say(OrderModified(change.client_id, change.change_id, change.limit, bench.clock.now_ns))
    keep_quoting(bench, 15)
    assert [each.limit for each in bench.sent(ModifyOrder)] == [px("100.06"), px("100.07")]
    assert len(bench.rows(OrderRepriced)) == 2
    assert bench.submits(one) == 1


def test_a_pending_change_is_answered_before_the_next_is_asked() -> None:
    bench, _ = working()
    keep_quoting(bench, 100)
    assert len(bench.sent(ModifyOrder)) == 1


@pytest.mark.parametrize("mode", [Mode.RECONCILING, Mode.OBSERVING])
def test_no_ladder_climbs_while_the_mode_allows_no_change(mode: Mode) -> None:
    bench, one = working()
    bench.say(ModeChanged(mode, "books and venue differ"))
    keep_quoting(bench, 16)
    bench.say(Reprice(one.id, 0, "the other leg is ahead"))
    assert bench.sent(ModifyOrder) == []
    bench.say(ModeChanged(Mode.TRADING, "they agree again"))
    keep_quoting(bench, 15)
    assert len(bench.sent(ModifyOrder)) == 1


def test_an_order_that_is_being_cancelled_is_not_repriced() -> None:
    bench, one = working()
    bench.say(CancelOrder(one.id, "enough"))
    keep_quoting(bench, 16)
    bench.say(Reprice(one.id, 0, "the other leg is ahead"))
    assert bench.sent(ModifyOrder) == []
    bench.say(CancelRejected(one.id, "TOO_LATE", "no", bench.clock.now_ns))
    keep_quoting(bench, 29)
    assert (len(bench.sent(ModifyOrder)), len(bench.sent(CancelAtVenue))) == (0, 1)
    keep_quoting(bench, 2)  # it is still to be gone: nobody bids it up meanwhile, and the cancel is asked again
    assert (len(bench.sent(ModifyOrder)), len(bench.sent(CancelAtVenue))) == (0, 2)


def test_a_failed_modify_leaves_the_order_working() -> None:
    bench, one = working()
    keep_quoting(bench, 16)
    [change] = bench.sent(ModifyOrder)
    bench.say(ModifyRejected(change.client_id, change.change_id, "TOO_LATE", "no", bench.clock.now_ns))
    assert bench.state(one) == "WORKING"
    keep_quoting(bench, 15)
    assert len(bench.sent(ModifyOrder)) == 2


@pytest.mark.parametrize(("urgency", "seconds"), [(Urgency.NORMAL, 120), (Urgency.HIGH, 60), (Urgency.CRISIS, 30)])
def test_time_to_live_follows_urgency(urgency: Urgency, seconds: int) -> None:
    bench, _ = working(msgspec.structs.replace(POLICY, most_reprices=99), urgency=urgency)
    bench.wait(seconds - 1)
    assert bench.sent(CancelAtVenue) == []
    bench.wait(2)
    assert len(bench.sent(CancelAtVenue)) == 1


def test_after_the_last_rung_the_rest_is_cancelled() -> None:
    bench, _ = working(msgspec.structs.replace(POLICY, most_reprices=2, ttl_ns={Urgency.NORMAL: 10**12}))
    for _ in range(4):
        keep_quoting(bench, 15)
        for change in bench.sent(ModifyOrder)[-1:]:
            bench.say(OrderModified(change.client_id, change.change_id, change.limit, bench.clock.now_ns))
    assert len(bench.sent(ModifyOrder)) == 2
    assert len(bench.sent(CancelAtVenue)) == 1


def test_crisis_does_not_wait_for_the_auction() -> None:
    bench = Bench(CLOSING)
    calm, crisis = intent(leg=0), intent(leg=1, urgency=Urgency.CRISIS)
    bench.say(place(calm))
    bench.say(place(crisis))
    assert [each.order.type for each in bench.sent(SubmitOrder)] == [OrderType.LOC]
    bench.say(quote("99.98", "100.02", T0))
    assert [each.order.type for each in bench.sent(SubmitOrder)] == [OrderType.LOC, OrderType.LIMIT]


@pytest.mark.parametrize(
    ("style", "market", "kind", "limit"),
    [
        (Style.CLOSE_AUCTION, False, OrderType.LOC, "102"),
        (Style.OPEN_AUCTION, False, OrderType.LOO, "102"),
        (Style.CLOSE_AUCTION, True, OrderType.MOC, "0"),
        (Style.OPEN_AUCTION, True, OrderType.MOO, "0"),
    ],
)
def test_an_auction_order_has_a_collar_unless_market_orders_are_allowed(
    style: Style, market: bool, kind: OrderType, limit: str
) -> None:
    bench = Bench(ExecutionPolicy(style=style, market_orders=market))
    bench.say(place(intent()))
    [submit] = bench.sent(SubmitOrder)
    assert (submit.order.type, submit.order.limit) == (kind, px(limit))


def test_an_intent_with_its_own_limit_rests_there_on_the_safe_side_of_the_tick() -> None:
    bench = Bench(POLICY)
    bench.say(place(intent(Side.BUY, limit="99.999", leg=0)))
    bench.say(place(intent(Side.SELL, limit="99.991", leg=1)))
    assert [each.order.limit for each in bench.sent(SubmitOrder)] == [px("99.99"), px("100.00")]


def test_nothing_is_placed_or_modified_while_the_link_is_down() -> None:
    bench, _ = working()
    bench.say(VenueDown("x", "gone", bench.clock.now_ns))
    waiting = intent(leg=1, limit="100")
    bench.say(place(waiting))
    keep_quoting(bench, 5)
    assert bench.submits(waiting) == 0
    bench.say(VenueUp("x", "a", True, bench.clock.now_ns))
    assert bench.submits(waiting) == 1
    keep_quoting(bench, 12)
    assert len(bench.sent(ModifyOrder)) == 1


def test_a_link_that_stays_down_denies_what_waited() -> None:
    bench, one = Bench(POLICY), intent(limit="100")
    bench.say(VenueDown("x", "gone", T0))
    bench.say(place(one))
    bench.wait(11)
    assert [row.code for row in bench.rows(OrderDenied)] == ["LINK_DOWN"]


def test_a_cancel_asked_while_the_link_is_down_goes_out_when_it_is_back() -> None:
    bench, one = working()
    bench.say(VenueDown("x", "gone", bench.clock.now_ns))
    bench.say(CancelOrder(one.id, "enough"))
    assert bench.sent(CancelAtVenue) == []
    bench.say(VenueUp("x", "a", True, bench.clock.now_ns))
    assert len(bench.sent(CancelAtVenue)) == 1


def test_withdrawing_an_intent_that_waits_denies_it() -> None:
    bench, one = Bench(POLICY), intent()
    bench.say(place(one))
    bench.say(CancelOrder(one.id, "changed my mind"))
    assert [row.code for row in bench.rows(OrderDenied)] == ["WITHDRAWN"]
    bench.say(quote("99.98", "100.02", T0))
    assert bench.submits(one) == 0


def test_an_executor_may_hurry_the_ladder() -> None:
    bench, one = working()
    bench.say(Reprice(one.id, 0, "the other leg is ahead"))
    assert [each.limit for each in bench.sent(ModifyOrder)] == [px("100.06")]


def test_a_reprice_is_kept_inside_the_collar() -> None:
    bench, one = working()
    bench.say(Reprice(one.id, px("150"), "eager"))
    assert [each.limit for each in bench.sent(ModifyOrder)] == [px("100.10")]


def test_after_a_restart_an_order_found_working_still_has_its_time_to_live() -> None:
    bench, one = working()
    again = Bench(POLICY, rows=bench.journal())
    again.say(SeenAtVenue(one.id, "WORKING", "v1", 0, "snap", T0))
    again.wait(121)
    assert len(again.sent(CancelAtVenue)) == 1


def test_partial_fills_and_reprices_never_exceed_the_intent() -> None:
    bench, one = working()
    for number in range(3):
        bench.say(fill(one, "3", exec_id=f"e{number}"))
        keep_quoting(bench, 15)
        for change in bench.sent(ModifyOrder)[-1:]:
            bench.say(OrderModified(change.client_id, change.change_id, change.limit, bench.clock.now_ns))
    bench.say(OrderCancelled(one.id, qty("9"), "asked", bench.clock.now_ns))
    assert {each.order.quantity for each in bench.sent(SubmitOrder)} == {qty("10")}
    assert {each.quantity for each in bench.sent(ModifyOrder)} == {0}
    assert bench.last(one).filled == qty("9")


def test_quotes_of_instruments_nobody_waits_for_are_ignored() -> None:
    bench = Bench(POLICY)
    assert bench.say(quote("99.98", "100.02", T0)) == []


def test_two_orders_of_one_instrument_share_one_watch() -> None:
    bench = Bench(POLICY)
    for leg in (0, 1):
        bench.say(place(intent(leg=leg)))
    assert [each.on for each in bench.tells("market_data", WatchQuotes)] == [True]
    bench.say(quote("99.98", "100.02", T0))
    assert len(bench.sent(SubmitOrder)) == 2
    for leg in (0, 1):
        bench.say(OrderSent(intent(leg=leg).id, T0))
        bench.say(OrderCancelled(intent(leg=leg).id, 0, "day over", T0))
    bench.wait(31)
    assert [each.on for each in bench.tells("market_data", WatchQuotes)] == [True, False]
