"""Executions that repeat, cross, correct and overflow; evidence that finds, loses and adopts orders."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.order import shares_of
from actors.pricing import ExecutionPolicy, Style
from engine.effects import Reply
from engine.message import Refused
from model.decisions import InstrumentLocked, InstrumentReleased, Mode, ModeChanged, ModeEntered
from model.execution import (
    AdoptOrder,
    Alarm,
    AskOrders,
    LockInstrument,
    OrderDenied,
    OrdersKnown,
    ProvenAbsent,
    QueryOrders,
    SeenAtVenue,
)
from model.order_events import OrderMoved, OrderPlanned
from model.orders import (
    CancelAtVenue,
    CancelOrder,
    CancelRejected,
    Filled,
    Intent,
    ModifyOrder,
    OpenOrder,
    OrderAcked,
    OrderCancelled,
    OrderRejected,
    OrderSent,
    OrderUpdate,
    Reprice,
    Share,
    Side,
    SubmitOrder,
    VenueDown,
    VenueUp,
)
from model.units import px, qty
from tests.orders.kit import CLOSING, T0, UNIVERSE, Bench, fill, intent, place


def test_the_same_intent_again_is_answered_and_nothing_is_sent() -> None:
    bench, one = Bench(), intent()
    bench.say(place(one))
    bench.say(place(one))
    assert bench.submits(one) == 1
    assert len(bench.rows(OrderPlanned)) == 1
    assert [each.state for each in bench.tells("basket", OrderUpdate)] == ["DURABLE", "DURABLE"]


def test_the_plan_is_journalled_before_the_submit() -> None:
    bench, one = Bench(), intent()
    kinds = [type(getattr(each, "event", getattr(each, "message", None))) for each in bench.say(place(one))]
    assert kinds.index(OrderPlanned) < kinds.index(SubmitOrder)


def test_a_fill_may_come_before_the_acknowledgement() -> None:
    bench, one = Bench(), intent()
    bench.say(place(one))
    bench.say(fill(one, "4"))
    assert bench.last(one).state == "WORKING"
    bench.say(OrderAcked(one.id, "v1", T0))
    bench.say(fill(one, "6", exec_id="e2"))
    assert (bench.last(one).state, bench.last(one).filled) == ("FILLED", qty("10"))
    assert "TWO_VENUE_IDS" not in bench.alarms()


def test_a_cancel_that_loses_the_race_keeps_the_fill() -> None:
    bench, one = Bench(), intent()
    bench.work(one)
    bench.say(CancelOrder(one.id, "asked"))
    bench.say(OrderCancelled(one.id, 0, "asked", T0))
    bench.say(fill(one, "10"))
    assert (bench.last(one).state, bench.last(one).filled) == ("CANCELLED", qty("10"))
    assert bench.alarms() == ["LATE_FILL"]


def test_executions_the_venue_counts_and_we_miss_are_asked_for() -> None:
    bench, one = Bench(), intent()
    bench.work(one)
    bench.say(OrderCancelled(one.id, qty("4"), "asked", T0))
    assert [each.client_ids for each in bench.tells("reconciler", QueryOrders)] == [(one.id,)]


def test_a_correction_replaces_its_execution() -> None:
    bench, one = Bench(), intent()
    bench.work(one)
    bench.say(fill(one, "6", exec_id="x1"))
    bench.say(fill(one, "5", "99", exec_id="x1.02", corrects="x1"))
    assert bench.last(one).filled == qty("5")
    assert [row.shares for row in bench.rows(Filled)] == [(Share("a", qty("6")),), (Share("a", qty("5")),)]
    bench.say(fill(one, "6", exec_id="x1"))
    assert bench.last(one).filled == qty("5")


def test_a_correction_that_comes_first_stands_for_its_execution() -> None:
    bench, one = Bench(), intent()
    bench.work(one)
    bench.say(fill(one, "5", exec_id="x1.02", corrects="x1"))
    bench.say(fill(one, "6", exec_id="x1"))
    assert bench.last(one).filled == qty("5")
    assert [(row.fill.corrects, row.voids) for row in bench.rows(Filled)] == [("", "x1")]


def test_what_a_correction_came_before_does_not_count_after_a_restart_either() -> None:
    bench, one, foreign = Bench(), intent(), msgspec.structs.replace(intent(leg=7), id="manual-7")
    bench.work(one)
    bench.say(fill(one, "5", exec_id="x1.02", corrects="x1"))
    bench.say(fill(foreign, "2", exec_id="f1", corrects="f0"))
    for again in (Bench(rows=bench.journal()), Bench(kept=bench.actor.snapshot())):
        assert again.say(fill(one, "6", exec_id="x1")) == []
        assert again.say(fill(foreign, "3", exec_id="f0")) == []
        assert again.last(one).filled == qty("5")


def test_a_correction_may_complete_the_order() -> None:
    bench, one = Bench(), intent()
    bench.work(one)
    bench.say(fill(one, "6", exec_id="x1"))
    bench.say(fill(one, "10", exec_id="x2", corrects="x1"))
    assert bench.last(one).state == "FILLED"


def test_more_than_was_asked_for_locks_the_instrument() -> None:
    bench, one = Bench(), intent()
    bench.work(one)
    bench.say(fill(one, "10"))
    bench.say(fill(one, "1", exec_id="e2"))
    assert "OVERFILL" in bench.alarms()
    assert [each.instrument for each in bench.tells("system", LockInstrument)] == ["FUND"]
    assert bench.last(one).filled == qty("11")


def test_a_second_venue_id_is_an_alarm_and_a_lock() -> None:
    bench, one = Bench(), intent()
    bench.work(one)
    bench.say(OrderAcked(one.id, "v2", T0))
    assert bench.alarms() == ["TWO_VENUE_IDS"]
    assert len(bench.tells("system", LockInstrument)) == 1


def test_a_second_venue_id_is_said_once_and_locks_at_every_execution() -> None:
    """Day 11643 of the proof: an order that filled in five parts raised its alarm five times."""
    bench, one = Bench(), intent()
    bench.work(one)
    for number in range(3):
        bench.say(OrderAcked(one.id, "v2", T0 + number))
    assert bench.alarms() == ["TWO_VENUE_IDS"]
    assert len(bench.tells("system", LockInstrument)) == 3


def test_an_execution_of_an_unknown_order_of_ours_goes_to_the_caretaker_once() -> None:
    bench, one = Bench(), intent()
    for _ in range(2):
        bench.say(fill(one, "3"))
    [row] = bench.rows(Filled)
    assert row.shares == (Share("caretaker", qty("3")),)
    assert len(bench.tells("system", LockInstrument)) == 1


def test_a_foreign_execution_moves_the_position_and_nothing_else() -> None:
    bench, one = Bench(), msgspec.structs.replace(intent(), id="manual-7")
    bench.say(fill(one, "3", exec_id="f1"))
    bench.say(fill(one, "2", exec_id="f2", corrects="f0"))
    assert [row.shares for row in bench.rows(Filled)] == [(Share("foreign", qty("3")),), (Share("foreign", qty("2")),)]
    assert bench.tells("system", LockInstrument) == []
    again = Bench(rows=bench.journal())
    assert again.say(fill(one, "3", exec_id="f1")) == []


def test_reports_of_orders_that_are_not_in_the_book_are_alarms_only_when_ours() -> None:
    bench = Bench()
    bench.say(OrderAcked("manual-7", "v", T0))
    assert bench.alarms() == []
    for _ in range(3):
        bench.say(OrderAcked("hr-unknown", "v", T0))
    assert bench.alarms() == ["NOT_OURS"]
    bench.say(CancelOrder("hr-unknown", "?"))
    assert bench.alarms() == ["NOT_OURS", "NOT_OURS"]


# --- who gets what ----------------------------------------------------------------------------------------------------


def test_a_netted_order_fills_each_sleeve_in_whole_lots() -> None:
    bench = Bench()
    one = intent(quantity="6", shares=(("a", "10"), ("b", "-4")))
    bench.work(one)
    for number in range(6):
        bench.say(fill(one, "1", exec_id=f"e{number}"))
    given: dict[str, int] = {}
    for row in bench.rows(Filled):
        assert sum(share.quantity for share in row.shares) == qty("1")
        for share in row.shares:
            assert share.quantity % qty("1") == 0
            given[share.sleeve] = given.get(share.sleeve, 0) + share.quantity
    assert given == {"a": qty("10"), "b": qty("-4")}


SHARES = st.lists(st.integers(-50, 50), min_size=1, max_size=5).filter(lambda parts: sum(parts) != 0)


@given(SHARES, st.data())
def test_parts_of_a_fill_always_sum_to_it(parts: list[int], data: st.DataObject) -> None:
    wanted = tuple(Share(str(i), part * qty(1)) for i, part in enumerate(parts))
    total = sum(parts)
    done = data.draw(st.integers(min(0, total), max(0, total))) * qty(1)
    given_out = shares_of(wanted, done, qty(1))
    assert sum(given_out) == done
    assert all(part % qty(1) == 0 for part in given_out)
    assert shares_of(wanted, total * qty(1), qty(1)) == [share.quantity for share in wanted]


# --- evidence ---------------------------------------------------------------------------------------------------------


def test_an_unknown_order_is_looked_up_and_nothing_else_happens() -> None:
    bench, one = Bench(), intent(limit="100")
    bench.say(place(one))
    bench.wait(31)
    assert [each.client_ids for each in bench.tells("reconciler", QueryOrders)] == [(one.id,)]
    bench.wait(100_000)
    assert bench.submits(one) == 1


def test_proven_absent_it_is_sent_again_under_its_id() -> None:
    bench, one = Bench(), intent(limit="100")
    bench.say(place(one))
    bench.wait(31)
    bench.say(ProvenAbsent(one.id, "snap", T0))
    assert [(each.order.client_id, each.resend) for each in bench.sent(SubmitOrder)] == [
        (one.id, False),
        (one.id, True),
    ]
    assert bench.state(one) == "SENT"
    bench.wait(31)
    assert bench.state(one) == "UNKNOWN"


def test_a_lost_order_waits_for_trading_before_it_is_sent_again() -> None:
    bench, one = Bench(), intent(limit="100")
    bench.say(place(one))
    bench.say(ModeChanged(Mode.OBSERVING, "test"))
    bench.wait(31)
    bench.say(ProvenAbsent(one.id, "snap", T0))
    assert bench.submits(one) == 1
    bench.say(ModeChanged(Mode.TRADING, "test"))
    assert bench.submits(one) == 2


def test_an_order_that_was_cancelled_is_not_sent_again_when_it_is_proven_absent() -> None:
    bench, one = Bench(), intent(limit="100")
    bench.say(place(one))
    bench.say(CancelOrder(one.id, "enough"))
    bench.say(CancelRejected(one.id, "UNKNOWN_ORDER", "never heard of it", T0))
    bench.wait(31)
    bench.say(ProvenAbsent(one.id, "snap", T0))
    assert (bench.state(one), bench.submits(one)) == ("LOST", 1)
    bench.say(VenueUp("x", "a", True, T0))
    bench.say(ModeChanged(Mode.TRADING, "test"))
    assert bench.submits(one) == 1


def test_an_order_that_is_lost_when_trading_is_halted_does_not_come_back_with_the_resume() -> None:
    bench, one = Bench(), intent(limit="100")
    bench.say(place(one))
    bench.say(ModeChanged(Mode.OBSERVING, "test"))
    bench.wait(31)
    bench.say(ProvenAbsent(one.id, "snap", T0))
    bench.say(ModeChanged(Mode.HALTED, "test"))
    bench.say(ModeChanged(Mode.TRADING, "test"))
    assert (bench.state(one), bench.submits(one)) == ("LOST", 1)


@pytest.mark.parametrize("kept", [False, True], ids=["from rows", "from a snapshot"])
def test_a_halt_whose_cancels_never_left_cancels_after_the_restart(kept: bool) -> None:
    bench = Bench()
    one = bench.work(intent(limit="100"))
    rows = [*bench.journal(), ModeEntered(Mode.HALTED, Mode.TRADING, "test", "author", T0)]
    again = Bench(rows=[*rows, ModeEntered(Mode.RECONCILING, Mode.BOOT, "start", "system", T0)])
    if kept:
        again = Bench(kept=Bench(rows=rows).actor.snapshot())
    again.say(VenueUp("x", "a", True, T0))
    assert [each.client_id for each in again.sent(CancelAtVenue)] == [one.id]


def test_a_lost_order_waits_for_the_link_before_it_is_sent_again() -> None:
    bench, one = Bench(), intent(limit="100")
    bench.say(place(one))
    bench.say(VenueDown("x", "gone", T0))
    bench.say(ProvenAbsent(one.id, "snap", T0))
    assert bench.submits(one) == 1
    bench.say(VenueUp("x", "a", True, T0))
    assert bench.submits(one) == 2


@pytest.mark.parametrize("why", ["newer run", "too late", "policy", "cancelled"])
def test_a_lost_order_whose_time_has_passed_is_over(why: str) -> None:
    policy = msgspec.structs.replace(CLOSING, resend_lost=why != "policy", resend_within_ns=60 * 10**9)
    bench, one = Bench(policy), intent(limit="100")
    bench.say(place(one))
    bench.wait(31)
    if why == "newer run":
        bench.say(place(intent(limit="100", run="20240103.1.test.abc")))
    if why == "too late":
        bench.wait(61)
    if why == "cancelled":
        bench.say(VenueDown("x", "gone", T0))
        bench.say(CancelOrder(one.id, "enough"))
    bench.say(ProvenAbsent(one.id, "snap", T0))
    assert bench.submits(one) == 1
    assert (bench.last(one).state, bench.last(one).terminal) == ("LOST", True)


def test_a_snapshot_that_counts_more_than_its_executions_locks() -> None:
    bench, one = Bench(), intent()
    bench.work(one)
    bench.say(SeenAtVenue(one.id, "WORKING", "v1", qty("3"), "snap", T0))
    assert bench.alarms() == ["FILL_MISSING"]
    assert len(bench.tells("system", LockInstrument)) == 1


def test_an_order_of_ours_that_the_book_forgot_is_adopted() -> None:
    bench = Bench()
    found = OpenOrder("hr-forgotten", "v9", "FUND", Side.BUY, qty("5"), 0, px("99"))
    for _ in range(2):
        bench.say(AdoptOrder(found, "snap", T0))
    assert bench.alarms() == ["ADOPTED"]
    assert bench.sent(SubmitOrder) == []
    [planned] = bench.rows(OrderPlanned)
    assert planned.intent.shares == (Share("caretaker", qty("5")),)
    bench.say(CancelOrder("hr-forgotten", "not wanted"))
    assert [each.client_id for each in bench.sent(CancelAtVenue)] == ["hr-forgotten"]


def test_the_book_says_what_is_open_and_what_it_never_had() -> None:
    bench, one = Bench(), intent()
    bench.work(one)
    [reply] = [each for each in bench.say(AskOrders(ids=(one.id, "hr-x"))) if isinstance(each, Reply)]
    assert isinstance(reply.answer, OrdersKnown)
    assert [(each.client_id, each.state) for each in reply.answer.open] == [(one.id, "WORKING")]
    assert reply.answer.unknown == ("hr-x",)


def test_an_id_the_venue_already_has_makes_the_order_unknown() -> None:
    bench, one = Bench(), intent()
    bench.say(place(one))
    bench.say(OrderRejected(one.id, "DUPLICATE_ID", "seen", T0))
    assert bench.state(one) == "UNKNOWN"
    bench.say(OrderAcked(one.id, "v1", T0))
    asked = len(bench.tells("reconciler", QueryOrders))
    bench.say(OrderRejected(one.id, "DUPLICATE_ID", "seen", T0))
    assert len(bench.tells("reconciler", QueryOrders)) == asked + 1


def test_a_refused_cancel_is_looked_up() -> None:
    bench, one = Bench(), intent()
    bench.work(one)
    bench.say(CancelOrder(one.id, "asked"))
    bench.say(CancelOrder(one.id, "asked twice"))
    assert len(bench.sent(CancelAtVenue)) == 1
    bench.say(CancelRejected(one.id, "TOO_LATE", "no", T0))
    assert len(bench.tells("reconciler", QueryOrders)) == 1
    bench.say(fill(one, "10"))
    bench.say(CancelRejected(one.id, "FILLED", "no", T0))
    assert len(bench.tells("reconciler", QueryOrders)) == 1
    bench.say(CancelOrder(one.id, "too late"))
    assert len(bench.sent(CancelAtVenue)) == 1


# --- what the port does not take --------------------------------------------------------------------------------------


def test_what_the_port_does_not_take_waits_or_is_asked_again() -> None:
    bench, one = Bench(), intent(limit="100")
    bench.work(one)
    bench.say(Reprice(one.id, px("101"), "eager"))
    [change] = bench.sent(ModifyOrder)
    bench.say(Refused("venue", change))
    bench.say(Reprice(one.id, px("102"), "eager"))
    assert len(bench.sent(ModifyOrder)) == 2
    bench.say(CancelOrder(one.id, "asked"))
    bench.say(Refused("venue", CancelAtVenue(one.id)))
    bench.say(VenueUp("x", "a", True, T0))
    assert len(bench.sent(CancelAtVenue)) == 2
    two = intent(leg=1, limit="100")
    bench.say(place(two))
    submit = bench.sent(SubmitOrder)[-1]
    bench.say(Refused("venue", submit))
    assert bench.state(two) == "LOST"
    assert bench.say(Refused("venue", CancelAtVenue("hr-x"))) == []
    assert bench.say(Refused("pair", bench.last(two))) == []


# --- what is never placed ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "code"),
    [
        (intent(instrument="VIX"), "NOT_TRADEABLE"),
        (intent(instrument="NOBODY"), "NOT_TRADEABLE"),
        (intent(quantity="1.5"), "LOT"),
        (intent(reference="0"), "NO_REFERENCE"),
    ],
    ids=["index", "unknown", "half a lot", "no reference"],
)
def test_what_may_not_become_an_order_is_denied_with_a_code(one: Intent, code: str) -> None:
    bench = Bench()
    bench.say(place(one))
    assert [row.code for row in bench.rows(OrderDenied)] == [code]
    assert bench.sent(SubmitOrder) == []
    bench.say(place(one))
    assert len(bench.rows(OrderDenied)) == 1


@pytest.mark.parametrize("mode", [mode for mode in Mode if mode is not Mode.TRADING], ids=str)
def test_the_mode_decides_what_may_be_placed(mode: Mode) -> None:
    bench = Bench()
    bench.say(ModeChanged(mode, "test"))
    more, less = intent(leg=0), intent(Side.SELL, leg=1, reduces=True)
    bench.say(place(more))
    bench.say(place(less))
    assert (bench.submits(more), bench.submits(less)) == (0, 1 if mode is Mode.REDUCE_ONLY else 0)


def test_reduce_only_cancels_what_increases_and_keeps_what_reduces() -> None:
    bench = Bench()
    more, less = bench.work(intent(leg=0)), bench.work(intent(Side.SELL, leg=1, reduces=True))
    bench.say(ModeChanged(Mode.REDUCE_ONLY, "test"))
    assert [each.client_id for each in bench.sent(CancelAtVenue)] == [more.id]
    assert bench.state(less) == "WORKING"


def test_halting_denies_what_still_waits_for_a_quote() -> None:
    bench, one = Bench(ExecutionPolicy()), intent()
    bench.say(place(one))
    bench.say(place(one))
    bench.say(ModeChanged(Mode.HALTED, "test"))
    assert [row.code for row in bench.rows(OrderDenied)] == ["MODE_HALTED"]


def test_halting_may_leave_orders_where_the_policy_says_so() -> None:
    bench = Bench(msgspec.structs.replace(CLOSING, halt_cancels=False))
    bench.work(intent())
    bench.say(ModeChanged(Mode.HALTED, "test"))
    assert bench.sent(CancelAtVenue) == []


def test_a_locked_instrument_takes_only_reductions_until_it_is_released() -> None:
    bench = Bench(rows=[InstrumentLocked("FUND", "break", T0), ModeEntered(Mode.TRADING, Mode.BOOT, "", "", T0)])
    bench.say(place(intent(leg=0)))
    bench.say(place(intent(Side.SELL, leg=1, reduces=True)))
    assert [row.code for row in bench.rows(OrderDenied)] == ["LOCKED"]
    assert len(bench.sent(SubmitOrder)) == 1
    bench.say(InstrumentReleased("FUND", "me", "looked", T0))
    bench.say(place(intent(leg=2)))
    bench.say(InstrumentLocked("FUND", "again", T0))
    bench.say(place(intent(leg=3)))
    assert len(bench.sent(SubmitOrder)) == 2
    again = Bench(rows=[InstrumentLocked("FUND", "b", T0), InstrumentReleased("FUND", "me", "ok", T0)])
    again.say(place(intent()))
    assert len(again.sent(SubmitOrder)) == 1


# --- memory -----------------------------------------------------------------------------------------------------------


def finished(bench: Bench, run: str) -> Intent:
    one = bench.work(intent(run=run))
    bench.say(fill(one, "10", exec_id=f"x-{run}"))
    return one


def test_finished_runs_are_forgotten_and_never_traded_again() -> None:
    bench = Bench(ExecutionPolicy(style=Style.CLOSE_AUCTION, keep_sessions=2))
    stuck = bench.work(intent(run="20240101.1.test.abc"))
    old = [finished(bench, f"202401{day:02}.1.test.abc") for day in range(2, 9)]
    before = len(bench.sent(SubmitOrder))
    bench.say(place(old[0]))
    assert len(bench.sent(SubmitOrder)) == before
    assert [row.code for row in bench.rows(OrderDenied)] == ["STALE_RUN"]
    assert bench.say(fill(old[1], "10", exec_id="x-20240103.1.test.abc")) == []
    assert bench.state(stuck) == "WORKING"
    kept = bench.actor.snapshot()
    assert len(kept.orders) <= 4


def test_many_runs_of_one_session_are_all_remembered() -> None:
    bench = Bench(ExecutionPolicy(style=Style.CLOSE_AUCTION, keep_sessions=2))
    done = [finished(bench, f"20240102.{number}.test.abc") for number in range(1, 40)]
    for one in done:
        assert bench.state(one) == "FILLED"
    assert bench.rows(OrderDenied) == []


def test_rows_and_snapshot_tell_the_same_story() -> None:
    bench = Bench()
    one, two = bench.work(intent(leg=0)), bench.work(intent(leg=1))
    bench.say(fill(one, "4", exec_id="x1"))
    bench.say(fill(one, "3", exec_id="x2", corrects="x1"))
    bench.say(fill(two, "10", exec_id="x3"))
    bench.say(place(intent(instrument="VIX", leg=2)))
    by_rows, by_snapshot = Bench(rows=bench.journal()), Bench(kept=bench.actor.snapshot())
    by_both = Bench(rows=bench.journal(), kept=bench.actor.snapshot())
    for again in (by_rows, by_snapshot, by_both):
        assert (again.state(one), again.last(one).filled) == ("UNKNOWN", qty("3"))
        assert (again.state(two), again.last(two).filled) == ("FILLED", qty("10"))
        assert again.say(fill(one, "4", exec_id="x1")) == []
        assert again.sent(SubmitOrder) == []


def test_a_plan_of_an_instrument_that_left_the_table_is_still_remembered() -> None:
    bench, one = Bench(), intent()
    bench.work(one)
    rows = [
        msgspec.structs.replace(row, spec=msgspec.structs.replace(row.spec, instrument="GONE"))
        if isinstance(row, OrderPlanned)
        else row
        for row in bench.journal()
    ]
    assert "GONE" not in UNIVERSE
    assert Bench(rows=rows).state(one) == "UNKNOWN"


def test_rows_of_orders_that_are_not_known_are_passed_over() -> None:
    bench = Bench(rows=[OrderMoved("hr-x", "ACKED", "SENT", "WORKING", "", "", T0), Alarm("A", "b", "c", T0)])
    assert bench.journal() == []


def test_a_repeated_hand_over_is_no_news() -> None:
    bench, one = Bench(), intent()
    bench.work(one)
    assert bench.say(OrderSent(one.id, T0)) == []
