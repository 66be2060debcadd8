"""The order book where it is seldom looked at: orders that come back, reprices told again, strangers without end."""

from __future__ import annotations

import msgspec

from actors.pricing import ExecutionPolicy
from engine.effects import Reply
from model.execution import AskOrders, OrdersKnown, ProvenAbsent, SeenAtVenue
from model.order_events import OrderRepriced
from model.orders import (
    CancelAtVenue,
    CancelOrder,
    Fill,
    Filled,
    Intent,
    ModifyOrder,
    OrderAcked,
    OrderModified,
    Purpose,
    Side,
    VenueDown,
)
from model.units import px, qty
from tests.orders.kit import CLOSING, T0, Bench, fill, intent, place, quote

LADDER = ExecutionPolicy(collar_bps={}, default_collar_bps=10)


def open_orders(bench: Bench) -> list[tuple[str, str]]:
    [reply] = [each for each in bench.say(AskOrders(ids=())) if isinstance(each, Reply)]
    assert isinstance(reply.answer, OrdersKnown)
    return [(each.client_id, each.state) for each in reply.answer.open]


def given_up() -> tuple[Bench, Intent]:
    """An order proven absent that is not sent again, because the policy says so."""
    bench, one = Bench(msgspec.structs.replace(CLOSING, resend_lost=False)), intent(limit="100")
    bench.say(place(one))
    bench.wait(31)
    bench.say(ProvenAbsent(one.id, "snap", T0))
    assert (bench.last(one).state, bench.last(one).terminal) == ("LOST", True)
    assert open_orders(bench) == []
    return bench, one


def test_an_order_that_was_given_up_and_shows_up_at_the_venue_is_at_risk_again() -> None:
    bench, one = given_up()
    bench.say(SeenAtVenue(one.id, "WORKING", "v1", 0, "snap2", T0))
    assert open_orders(bench) == [(one.id, "WORKING")]
    assert (bench.last(one).state, bench.last(one).terminal) == ("WORKING", False)
    assert len(bench.alarms()) == 1
    bench.say(CancelOrder(one.id, "it should not be there"))
    assert [each.client_id for each in bench.sent(CancelAtVenue)] == [one.id]


def test_an_order_that_was_given_up_and_fills_moves_the_position() -> None:
    bench, one = given_up()
    bench.say(fill(one, "4"))
    assert [each.fill.quantity for each in bench.rows(Filled)] == [qty("4")]
    assert open_orders(bench) == [(one.id, "UNKNOWN")]


def lapses(bench: Bench) -> list[bool]:
    [reply] = [each for each in bench.say(AskOrders(ids=())) if isinstance(each, Reply)]
    assert isinstance(reply.answer, OrdersKnown)
    return [each.lapses for each in reply.answer.open]


def test_an_order_that_the_venue_has_acknowledged_ends_with_its_day_also_after_a_restart() -> None:
    bench, one = Bench(CLOSING), intent(limit="100")
    bench.say(place(one))
    bench.say(VenueDown("x", "gone", T0))
    assert lapses(bench) == [False]  # it may still be on its way
    bench.say(OrderAcked(one.id, "v1", T0))
    for each in (bench, Bench(CLOSING, rows=bench.journal()), Bench(CLOSING, kept=bench.actor.snapshot())):
        assert lapses(each) == [True]


def test_an_order_that_protects_a_position_ends_with_no_day() -> None:
    bench, one = Bench(CLOSING), msgspec.structs.replace(intent(limit="100"), purpose=Purpose.PROTECT)
    bench.say(place(one))
    bench.say(OrderAcked(one.id, "v1", T0))
    assert lapses(bench) == [False]


def test_what_was_heard_of_an_earlier_sending_says_nothing_of_the_last() -> None:
    bench, one = Bench(CLOSING), intent(limit="100")
    bench.say(place(one))
    bench.say(OrderAcked(one.id, "v1", T0))
    for _ in range(2):
        bench.say(ProvenAbsent(one.id, "snap", T0))
    bench.say(VenueDown("x", "gone", T0))
    assert (open_orders(bench), lapses(bench)) == ([(one.id, "UNKNOWN")], [False])
    bench.say(OrderAcked(one.id, "v1", T0))
    assert lapses(bench) == [True]


def repriced() -> tuple[Bench, Intent]:
    """A working order that has climbed one rung, from half way to the collar."""
    bench, one = Bench(LADDER), intent()
    bench.say(place(one))
    bench.say(quote("99.98", "100.02", bench.clock.now_ns))
    bench.say(OrderAcked(one.id, "v1", bench.clock.now_ns))
    for _ in range(16):
        bench.wait(1)
        bench.say(quote("99.98", "100.02", bench.clock.now_ns))
    [change] = bench.sent(ModifyOrder)
    bench.say(OrderModified(change.client_id, change.change_id, change.limit, bench.clock.now_ns))
    return bench, one


def test_a_reprice_that_is_told_again_is_where_the_order_stands() -> None:
    bench, one = repriced()
    again = Bench(LADDER, rows=bench.journal())
    for each in (bench, again):
        [order] = each.actor.snapshot().orders
        assert (order.spec.client_id, order.limit, order.changes, order.rungs) == (one.id, px("100.06"), 1, 1)


def test_a_reprice_of_an_order_that_is_not_known_is_passed_over() -> None:
    assert open_orders(Bench(rows=[OrderRepriced("hr-x", "c1", px("100"), T0)])) == []


def stranger(number: int) -> Fill:
    return Fill(f"x{number}", f"hr-gone-{number}", "v9", "FUND", Side.BUY, qty("1"), px("100"), 0, "EUR", T0)


def test_executions_without_an_order_are_each_taken_once_and_only_the_newest_thousand_are_remembered() -> None:
    bench = Bench()
    for number in range(1_001):
        bench.say(stranger(number))
    assert len(bench.rows(Filled)) == 1_001
    bench.say(stranger(1_000))
    bench.say(stranger(1))
    assert len(bench.rows(Filled)) == 1_001


def test_rows_of_a_correction_whose_sleeve_is_not_in_the_intent_leave_the_others_as_they_are() -> None:
    bench = Bench()
    one = bench.work(intent(shares=(("a", "6"), ("b", "4"))))
    bench.say(fill(one, "5", exec_id="x1"))
    rows = [
        msgspec.structs.replace(row, shares=(*row.shares, msgspec.structs.replace(row.shares[0], sleeve="gone")))
        if isinstance(row, Filled)
        else row
        for row in bench.journal()
    ]
    again = Bench(rows=rows)
    for each in (bench, again):
        each.say(fill(one, "5", exec_id="x2"))
        assert [(share.sleeve, share.quantity) for share in each.rows(Filled)[-1].shares] == [
            (share.sleeve, share.quantity) for share in bench.rows(Filled)[-1].shares
        ]
