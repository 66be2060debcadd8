"""Changes that are refused, lost and found again, and what the venue's port did not take."""

from __future__ import annotations

import msgspec
import pytest

from actors.order import Order
from actors.order_desk import Clients
from actors.orders import Orders
from actors.pricing import ExecutionPolicy
from engine.effects import Journal, Ref
from engine.message import Refused
from model.decisions import InstrumentLocked, InstrumentReleased, Mode, ModeChanged, ModeEntered
from model.execution import AdoptOrder, AskOrders, OrderDenied, OrdersKnown, ProvenAbsent, QueryOrders, SeenAtVenue
from model.instruments import Kind
from model.order_events import OrderMoved, OrderPlanned, OrderStands
from model.orders import (
    CancelAtVenue,
    CancelOrder,
    CancelRejected,
    Intent,
    ModifyOrder,
    ModifyRejected,
    OpenOrder,
    OrderAcked,
    OrderCancelled,
    OrderModified,
    OrderSent,
    Reprice,
    Side,
    SubmitOrder,
    VenueDown,
    VenueUp,
)
from model.units import px, qty
from tests.orders.kit import CLOSING, T0, UNIVERSE, Bench, fill, intent, place, quote

LADDER = ExecutionPolicy(collar_bps={Kind.ETF: 10})  # a rung each 15 s, an answer expected within 30 s
FIRST, SECOND_ASK = px("100.03"), px("100.06")


def order_of(bench: Bench, one: Intent) -> Order:
    return next(each for each in bench.actor.snapshot().orders if each.spec.client_id == one.id)


def climbing() -> tuple[Bench, Intent, ModifyOrder]:
    """A working order whose first change has just been asked: from 100.03 to 100.06."""
    bench, one = Bench(LADDER), intent()
    bench.say(place(one))
    bench.say(quote("99.98", "100.02", bench.clock.now_ns))
    bench.say(OrderAcked(one.id, "v1", bench.clock.now_ns))
    bench.say(Reprice(one.id, 0, "the other leg is ahead"))
    [change] = bench.sent(ModifyOrder)
    assert change.limit == SECOND_ASK
    return bench, one, change


def again(bench: Bench) -> tuple[Bench, Bench]:
    """The same order manager after a restart, from its rows and from its snapshot."""
    return Bench(LADDER, rows=bench.journal()), Bench(LADDER, kept=bench.actor.snapshot())


def keep_quoting(bench: Bench, seconds: int) -> None:
    for _ in range(seconds):
        bench.wait(1)
        bench.say(quote("99.98", "100.02", bench.clock.now_ns))


# -- what was asked for is not what works


def test_a_change_that_is_not_answered_leaves_the_order_where_the_venue_has_it() -> None:
    bench, one, change = climbing()
    for each in (bench, *again(bench)):
        order = order_of(each, one)
        assert (order.limit, order.asked, order.pending) == (FIRST, SECOND_ASK, change.change_id)


def test_a_change_that_is_taken_is_where_the_order_stands_after_a_restart_too() -> None:
    bench, one, change = climbing()
    bench.say(OrderModified(one.id, change.change_id, px("100.05"), T0))  # the venue's own rounding
    for each in (bench, *again(bench)):
        order = order_of(each, one)
        assert (order.limit, order.asked, order.pending, order.rungs) == (px("100.05"), 0, "", 1)
    assert [row.limit for row in bench.rows(OrderStands)] == [px("100.05")]


def test_a_change_that_is_refused_goes_back_and_the_ladder_asks_for_it_again() -> None:
    bench, one, change = climbing()
    bench.say(ModifyRejected(one.id, change.change_id, "TOO_BUSY", "later", T0))
    for each in (bench, *again(bench)):
        order = order_of(each, one)
        assert (order.limit, order.asked, order.pending) == (FIRST, 0, "")
    [row] = bench.rows(OrderStands)
    assert (row.limit, row.evidence) == (FIRST, "TOO_BUSY later")
    bench.say(Reprice(one.id, SECOND_ASK, "still behind"))
    assert [each.limit for each in bench.sent(ModifyOrder)] == [SECOND_ASK, SECOND_ASK]


def test_an_answer_to_an_older_change_does_not_settle_the_newer_one() -> None:
    bench, one, change = climbing()
    bench.say(ModifyRejected(one.id, change.change_id, "TOO_BUSY", "later", T0))
    bench.say(Reprice(one.id, px("100.07"), "still behind"))
    bench.say(OrderModified(one.id, change.change_id, SECOND_ASK, T0))  # it was taken after all
    order = order_of(bench, one)
    assert (order.limit, order.asked) == (SECOND_ASK, px("100.07"))
    assert order.pending == bench.sent(ModifyOrder)[-1].change_id


def test_a_change_that_the_port_did_not_take_did_not_happen() -> None:
    bench, one, change = climbing()
    bench.say(Refused("venue", change))
    assert (order_of(bench, one).limit, order_of(bench, one).pending) == (FIRST, "")


def test_a_change_over_which_the_port_failed_may_have_left() -> None:
    bench, one, change = climbing()
    bench.say(Refused("venue", change, raised=True))
    assert order_of(bench, one).pending == change.change_id


# -- lost answers


def test_an_answer_that_does_not_come_in_time_is_asked_for_until_it_is_settled() -> None:
    bench, one, _ = climbing()
    keep_quoting(bench, 29)
    assert bench.tells("reconciler", QueryOrders) == []
    keep_quoting(bench, 32)
    assert [each.client_ids for each in bench.tells("reconciler", QueryOrders)] == [(one.id,)] * 2
    assert len(bench.sent(ModifyOrder)) == 1


@pytest.mark.parametrize("works", [FIRST, SECOND_ASK], ids=["it was lost", "its answer was lost"])
def test_the_venues_open_order_settles_a_change_and_the_ladder_goes_on(works: int) -> None:
    bench, one, change = climbing()
    keep_quoting(bench, 31)
    seen = SeenAtVenue(one.id, "WORKING", "v1", 0, "snap", bench.clock.now_ns, works, change.change_id)
    bench.say(seen)
    order = order_of(bench, one)
    assert (order.limit, order.pending) == (works, "")
    assert bench.rows(OrderStands)[-1].evidence == "snap"
    keep_quoting(bench, 16)
    assert len(bench.sent(ModifyOrder)) == 2
    assert len(bench.tells("reconciler", QueryOrders)) == 1


def test_a_look_from_before_a_change_says_nothing_of_it() -> None:
    bench, one, change = climbing()
    stale = SeenAtVenue(one.id, "WORKING", "v1", 0, "snap", bench.clock.now_ns - 1, FIRST, change.change_id)
    bench.say(stale)
    assert order_of(bench, one).pending == change.change_id


def test_a_change_that_a_lost_link_or_a_restart_left_open_is_still_asked_for() -> None:
    bench, one, change = climbing()
    bench.say(VenueDown("x", "gone", T0))
    bench.say(VenueUp("x", "a", True, T0))
    for each in (bench, *again(bench)):
        assert order_of(each, one).pending == change.change_id
        each.wait(31)
        assert (one.id,) in [query.client_ids for query in each.tells("reconciler", QueryOrders)]


def test_an_open_change_keeps_no_order_from_a_longer_life() -> None:
    """Day 31222 of the proof: a change that a kill had left open kept an order from being renewed until it lapsed."""
    policy = msgspec.structs.replace(LADDER, good_for_ns=60 * 10**9)
    bench, one = Bench(policy), intent()
    bench.say(place(one))
    bench.say(quote("99.98", "100.02", bench.clock.now_ns))
    bench.say(OrderAcked(one.id, "v1", bench.clock.now_ns))
    bench.say(Reprice(one.id, 0, "the other leg is ahead"))
    bench.wait(20)
    hurried, renewed = bench.sent(ModifyOrder)
    assert (renewed.limit, renewed.expires_ns) == (hurried.limit, bench.clock.now_ns + 60 * 10**9)
    bench.say(OrderModified(one.id, hurried.change_id, hurried.limit, T0))
    folded = Bench(policy, rows=bench.journal())
    for each in (bench, folded):
        order = order_of(each, one)
        assert (order.limit, order.asked, order.pending) == (hurried.limit, hurried.limit, renewed.change_id)
    bench.say(OrderModified(one.id, renewed.change_id, renewed.limit, T0))
    assert (order_of(bench, one).limit, order_of(bench, one).pending) == (hurried.limit, "")


def test_an_order_with_an_open_change_can_be_cancelled() -> None:
    bench, one, _ = climbing()
    bench.say(CancelOrder(one.id, "enough"))
    assert [each.client_id for each in bench.sent(CancelAtVenue)] == [one.id]


def test_an_order_that_is_to_be_gone_is_not_changed() -> None:
    """Day 20178 of the proof: in REDUCE_ONLY a leg was hurried on that had just been cancelled, too late."""
    bench, one, change = climbing()
    bench.say(OrderModified(one.id, change.change_id, change.limit, T0))
    bench.say(ModeChanged(Mode.REDUCE_ONLY, "test"))
    assert len(bench.sent(CancelAtVenue)) == 1
    bench.say(CancelRejected(one.id, "ORDER_DONE", "the order is no longer open", T0))
    bench.say(Reprice(one.id, px("100.07"), "the other leg is ahead"))
    assert len(bench.sent(ModifyOrder)) == 1


def test_the_reconciler_hears_what_works_and_what_was_asked() -> None:
    bench, _, change = climbing()
    [reply] = [each for each in bench.say(AskOrders(ask_id="a", ids=())) if hasattr(each, "answer")]
    assert isinstance(reply.answer, OrdersKnown)
    [known] = reply.answer.open
    assert (known.limit, known.asked, known.change_id) == (FIRST, SECOND_ASK, change.change_id)
    assert known.limit_ns == bench.clock.now_ns


def test_a_limit_that_somebody_else_moved_is_where_the_order_stands() -> None:
    bench, one, change = climbing()
    bench.say(OrderModified(one.id, change.change_id, SECOND_ASK, T0))
    bench.wait(1)
    bench.say(SeenAtVenue(one.id, "WORKING", "v1", 0, "snap", bench.clock.now_ns, px("99")))
    for each in (bench, *again(bench)):
        assert order_of(each, one).limit == px("99")


def test_an_order_that_is_sent_again_stands_where_it_was_planned() -> None:
    bench, one, change = climbing()
    bench.say(OrderModified(one.id, change.change_id, SECOND_ASK, T0))
    bench.say(ProvenAbsent(one.id, "s1", T0))  # it vanished, and then is proven absent
    bench.say(ProvenAbsent(one.id, "s2", T0))
    assert bench.submits(one) == 2
    for each in (bench, *again(bench)):
        assert (order_of(each, one).limit, order_of(each, one).pending) == (FIRST, "")


# -- orders that never left


def refused(*, raised: bool = False) -> tuple[Bench, Intent]:
    bench, one = Bench(CLOSING), intent(limit="100")
    bench.say(place(one))
    bench.say(Refused("venue", bench.sent(SubmitOrder)[-1], raised))
    return bench, one


def test_an_order_that_never_left_waits_for_the_link_and_leaves_once_it_is_back() -> None:
    bench, one = refused()
    assert bench.state(one) == "LOST"
    assert [(row.was, row.now, row.event) for row in bench.rows(OrderMoved)] == [("DURABLE", "LOST", "NOT_SENT")]
    assert bench.tells("reconciler", QueryOrders) == []
    bench.say(VenueDown("x", "gone", T0))
    bench.say(VenueUp("x", "a", True, T0))
    assert bench.submits(one) == 2
    assert [row.event for row in bench.rows(OrderMoved)] == ["NOT_SENT", "RESENT"]


def test_the_link_may_be_told_to_be_down_before_the_port_refuses() -> None:
    bench, one = Bench(CLOSING), intent(limit="100")
    bench.say(place(one))
    bench.say(VenueDown("x", "gone", T0))
    assert bench.state(one) == "UNKNOWN"
    bench.say(Refused("venue", bench.sent(SubmitOrder)[-1]))
    assert bench.state(one) == "LOST"
    bench.say(VenueUp("x", "a", True, T0))
    assert bench.submits(one) == 2


def test_an_order_over_which_the_port_failed_may_have_left() -> None:
    bench, one = refused(raised=True)
    assert bench.state(one) == "UNKNOWN"
    bench.say(VenueUp("x", "a", True, T0))
    assert bench.submits(one) == 1


def test_a_port_is_not_believed_where_the_venue_has_said_something_of_the_order() -> None:
    bench, one = Bench(CLOSING), intent(limit="100")
    bench.say(place(one))
    bench.say(VenueDown("x", "gone", T0))
    bench.say(fill(one, "4"))
    bench.say(Refused("venue", bench.sent(SubmitOrder)[-1]))
    assert bench.state(one) == "UNKNOWN"


def test_a_second_sending_that_did_not_leave_says_nothing_of_the_first() -> None:
    bench, one = Bench(CLOSING), intent(limit="100")
    bench.say(place(one))
    bench.say(OrderSent(one.id, T0))
    bench.wait(31)
    bench.say(ProvenAbsent(one.id, "s1", T0))
    assert bench.submits(one) == 2
    bench.say(Refused("venue", bench.sent(SubmitOrder)[-1]))
    assert bench.state(one) == "UNKNOWN"


def test_an_order_that_never_left_and_is_not_wanted_any_more_is_over() -> None:
    bench, one = refused()
    bench.say(CancelOrder(one.id, "enough"))
    assert bench.last(one).terminal
    bench.say(VenueUp("x", "a", True, T0))
    assert bench.submits(one) == 1
    early, two = Bench(CLOSING), intent(limit="100")
    early.say(place(two))
    early.say(CancelOrder(two.id, "enough"))
    for request in [*early.sent(SubmitOrder), *early.sent(CancelAtVenue)]:
        early.say(Refused("venue", request))
    assert early.last(two).terminal


def test_what_never_left_does_not_leave_while_its_instrument_is_locked() -> None:
    bench, one = refused()
    bench.say(InstrumentLocked("FUND", "the book and the venue differ", T0))
    bench.say(VenueUp("x", "a", True, T0))
    assert bench.submits(one) == 1
    bench.say(InstrumentReleased("FUND", "ana", "looked at", T0))
    assert bench.submits(one) == 2


def test_what_is_found_in_a_halt_is_ended_too() -> None:
    """Day 40165 of the proof: an order of an earlier journal was adopted in a halt, and worked on."""
    bench = Bench(CLOSING)
    bench.say(ModeChanged(Mode.HALTED, "fire"))
    found = OpenOrder("hr-of-old", "v9", "FUND", Side.BUY, qty("5"), 0, px("99"))
    bench.say(OrderAcked("hr-of-old", "v9", T0))
    assert [each.client_ids for each in bench.tells("reconciler", QueryOrders)] == [("hr-of-old",)]
    bench.say(AdoptOrder(found, "snap", T0))
    assert [each.client_id for each in bench.sent(CancelAtVenue)] == ["hr-of-old"]


def test_a_cancel_that_nobody_answers_is_asked_again_until_the_order_has_ended() -> None:
    bench, one = Bench(CLOSING), intent(limit="100")
    bench.work(one)
    bench.say(CancelOrder(one.id, "enough"))
    bench.wait(61)
    assert len(bench.sent(CancelAtVenue)) == 3
    bench.say(OrderCancelled(one.id, 0, "asked", T0))
    bench.wait(120)
    assert len(bench.sent(CancelAtVenue)) == 3


def test_nobody_is_asked_to_cancel_what_may_not_be_there_until_it_is_seen() -> None:
    bench, one = Bench(CLOSING), intent(limit="100")
    bench.say(place(one))
    bench.say(CancelOrder(one.id, "enough"))
    bench.say(CancelRejected(one.id, "UNKNOWN_ORDER", "never heard of it", T0))
    bench.wait(200)
    assert len(bench.sent(CancelAtVenue)) == 1
    bench.say(SeenAtVenue(one.id, "WORKING", "v1", 0, "snap", bench.clock.now_ns))
    assert len(bench.sent(CancelAtVenue)) == 2


def test_what_a_halt_left_open_is_cancelled_by_an_order_manager_that_was_built_anew() -> None:
    bench, one = Bench(CLOSING), intent(limit="100")
    bench.work(one)
    halted = Bench(CLOSING, rows=[*bench.journal(), ModeEntered(Mode.HALTED, Mode.TRADING, "fire", "ana", T0)])
    halted.say(SeenAtVenue(one.id, "WORKING", "v1", 0, "snap", halted.clock.now_ns))
    assert [each.client_id for each in halted.sent(CancelAtVenue)] == [one.id]


def test_what_never_left_is_over_when_trading_halts() -> None:
    bench, one = refused()
    bench.say(ModeChanged(Mode.HALTED, "test"))
    assert bench.last(one).terminal
    assert bench.sent(CancelAtVenue) == []


def test_an_order_that_never_left_and_shows_itself_wakes_a_person() -> None:
    bench, one = refused()
    bench.say(OrderAcked(one.id, "v1", T0))
    assert bench.alarms() == ["PROOF_WRONG"]
    assert bench.state(one) == "WORKING"


def test_what_never_left_may_leave_after_a_restart() -> None:
    bench, one = refused()
    for kept in (Bench(CLOSING, rows=bench.journal()), Bench(CLOSING, kept=bench.actor.snapshot())):
        # a mode that allows it lets it leave, for nobody has told the new one of a lost link
        assert [row.event for row in kept.rows(OrderMoved)] == ["RESENT"]
        assert (kept.submits(one), order_of(kept, one).filled) == (1, 0)


def test_a_cancel_that_did_not_leave_is_asked_again_without_a_new_session_too() -> None:
    bench, one = Bench(CLOSING), intent(limit="100")
    bench.work(one)
    bench.say(CancelOrder(one.id, "enough"))
    bench.say(Refused("venue", bench.sent(CancelAtVenue)[-1]))
    bench.wait(31)
    assert len(bench.sent(CancelAtVenue)) == 2


def test_a_short_time_to_live_gives_up_what_never_left() -> None:
    policy = msgspec.structs.replace(LADDER, resend_within_ns=10**18)
    bench, one = Bench(policy), intent()
    bench.say(place(one))
    bench.say(quote("99.98", "100.02", bench.clock.now_ns))
    bench.say(Refused("venue", bench.sent(SubmitOrder)[-1]))
    bench.wait(121)
    assert bench.last(one).terminal
    assert bench.submits(one) == 1


# -- built anew from a snapshot


def rebuilt(bench: Bench) -> Orders:
    """The order manager alone is built anew in a life that goes on: nobody tells it the mode or the locks again."""
    clients = Clients(**{name: Ref(name) for name in Clients.__slots__})
    actor = Orders(instruments=UNIVERSE, clients=clients, policy=CLOSING)
    actor.name, actor.clock = "orders", bench.clock
    actor.restore(bench.actor.snapshot())
    actor.on_start()
    return actor


def test_seed_50050_an_order_manager_built_anew_from_its_snapshot_keeps_the_locks_and_the_mode() -> None:
    """It forgot both: it sold more of an instrument that was locked, and would have denied everything else."""
    bench, one = Bench(CLOSING), intent(limit="100")
    [planned] = [each.event for each in rebuilt(bench).on_place(place(one)) or () if isinstance(each, Journal)]
    assert isinstance(planned, OrderPlanned)
    bench.say(InstrumentLocked(one.instrument, "it differs", T0))
    [denied] = [each.event for each in rebuilt(bench).on_place(place(one)) or () if isinstance(each, Journal)]
    assert isinstance(denied, OrderDenied)
    assert denied.code == "LOCKED"
    bench.say(InstrumentReleased(one.instrument, "me", "looked", T0))
    bench.say(ModeChanged(Mode.HALTED, "a person"))
    [denied] = [each.event for each in rebuilt(bench).on_place(place(one)) or () if isinstance(each, Journal)]
    assert isinstance(denied, OrderDenied)
    assert denied.code == "MODE_HALTED"
