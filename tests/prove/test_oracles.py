"""Each oracle speaks of the defect that it is there for, and alone; all are silent on plays without a defect."""

from __future__ import annotations

import ast
import sqlite3
from collections.abc import Callable
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from msgspec.structs import replace

import simulation.prove
from engine.errors import Overflow
from engine.notices import Happened, Notice
from model.decisions import Approved, Halt, Mode, ModeEntered, RunMoved
from model.execution import Alarm
from model.order_events import OrderMoved, OrderPlanned, OrderRepriced
from model.orders import Filled, ModifyOrder, SubmitOrder, VenueSettled
from model.units import QTY_SCALE
from simulation.prove.oracles import ORACLES, judge
from simulation.stage import FolderJournal, Stage
from state.journal.folder import files_in
from tests.prove.decision_defects import DECISION_DEFECTS
from tests.prove.forging import entered, forge, place_of, sent, slip_in, strike, under
from tests.prove.other_venues import VENUE_DEFECTS
from tests.prove.plays import LONG_NS, PLAYS, SECOND, calm, halted, modified, plain, resent, rolled
from tests.prove.troubles import corrected_before_it_was_heard, resent_and_late


def spoken(stage: Stage, quiet_for_ns: int = LONG_NS - SECOND) -> set[str]:
    return {each.oracle for each in judge(stage, quiet_since_ns=stage.now_ns - quiet_for_ns)}


@pytest.mark.parametrize("play", PLAYS)
def test_nothing_is_said_of_a_play_in_which_all_is_well(play: Callable[[], Stage]) -> None:
    stage = play()
    assert judge(stage, quiet_since_ns=stage.now_ns - LONG_NS + SECOND) == []


# -- defects

Defect = Callable[[Stage], None]


def twice_on_the_wire(stage: Stage) -> None:
    stage.wire.append(stage.wire[sent(stage)]._replace(durable_seq=len(stage.rows)))


def planned_twice(stage: Stage) -> None:
    slip_in(stage, len(stage.rows), stage.rows[place_of(stage, OrderPlanned)].event)


def filled_twice(stage: Stage) -> None:
    order = next(iter(stage.venue.exchange.desk.orders.values()))
    order.filled = order.quantity = 2 * order.quantity


def left_before_its_plan(stage: Stage) -> None:
    place = sent(stage)
    stage.wire[place] = stage.wire[place]._replace(durable_seq=place_of(stage, OrderPlanned))


def never_approved(stage: Stage) -> None:
    strike(stage, place_of(stage, Approved))


def approved_after(stage: Stage) -> None:
    place = place_of(stage, Approved)
    row = stage.rows[place]
    strike(stage, place)
    slip_in(stage, len(stage.rows), row.event)


def another_order(stage: Stage) -> None:
    place = sent(stage)
    order = stage.wire[place].message.order  # type: ignore[attr-defined]
    stage.wire[place] = stage.wire[place]._replace(message=SubmitOrder(replace(order, quantity=2 * order.quantity)))


def another_intent(stage: Stage) -> None:
    place = place_of(stage, OrderPlanned)
    intent = stage.rows[place].event.intent  # type: ignore[attr-defined]
    forge(stage, place, intent=replace(intent, quantity=intent.quantity // 2))


def decided_while_halted(stage: Stage) -> None:
    slip_in(stage, place_of(stage, OrderPlanned), entered(Mode.HALTED, Mode.TRADING))
    slip_in(stage, len(stage.rows), entered(Mode.TRADING, Mode.HALTED))


def decided_while_reducing(stage: Stage) -> None:
    slip_in(stage, place_of(stage, OrderPlanned), entered(Mode.REDUCE_ONLY, Mode.TRADING))
    slip_in(stage, len(stage.rows), entered(Mode.TRADING, Mode.REDUCE_ONLY))


def left_after_the_halt(stage: Stage) -> None:
    slip_in(stage, place_of(stage, OrderPlanned, -1) + 1, entered(Mode.HALTED, Mode.TRADING), later_ns=SECOND)
    slip_in(stage, len(stage.rows), entered(Mode.TRADING, Mode.HALTED))


def no_quote(stage: Stage) -> None:
    stage.heard.clear()


def stale_quotes(stage: Stage) -> None:
    stage.heard[:] = [(at_ns, replace(quote, at_ns=quote.at_ns - 3_600 * SECOND)) for at_ns, quote in stage.heard]


def crossed_quotes(stage: Stage) -> None:
    stage.heard[:] = [(at_ns, replace(quote, bid=quote.ask, ask=quote.bid)) for at_ns, quote in stage.heard]


def jumped_over_a_state(stage: Stage) -> None:
    acked = [place for place, row in enumerate(stage.rows) if getattr(row.event, "event", "") == "ACKED"]
    strike(stage, acked[0])


def moved_by_another_event(stage: Stage) -> None:
    forge(stage, place_of(stage, OrderMoved), event="EXPIRED")


def run_skipped_a_step(stage: Stage) -> None:
    strike(stage, place_of(stage, RunMoved, 1))


def mode_skipped_a_step(stage: Stage) -> None:
    strike(stage, place_of(stage, ModeEntered, 1))


def unhalted_itself(stage: Stage) -> None:
    slip_in(stage, len(stage.rows), entered(Mode.HALTED, Mode.TRADING))
    slip_in(stage, len(stage.rows), entered(Mode.TRADING, Mode.HALTED, "policy"))


def unhalted_by_a_restart(stage: Stage) -> None:
    steps = (Mode.BOOT, Mode.RECONCILING, Mode.OBSERVING, Mode.TRADING)
    slip_in(stage, len(stage.rows), entered(Mode.HALTED, Mode.TRADING))
    for was, mode in pairwise(steps):
        slip_in(stage, len(stage.rows), entered(mode, was, "policy"))


def venue_forgot_a_fill(stage: Stage) -> None:
    del stage.venue.exchange.desk.fills[0]


def venue_charged_more_than_it_said(stage: Stage) -> None:
    fills = stage.venue.exchange.desk.fills
    fills[0] = replace(fills[0], fee=fills[0].fee - 1)


def fill_not_journalled(stage: Stage) -> None:
    stage.facts.clear()  # as if it had never been told either
    strike(stage, place_of(stage, Filled))


def fill_journalled_wrong(stage: Stage) -> None:
    place = place_of(stage, Filled)
    fill = stage.rows[place].event.fill  # type: ignore[attr-defined]
    forge(stage, place, fill=replace(fill, price=fill.price + 10**7))


def book_holds_more(stage: Stage) -> None:
    stage.actor("portfolio").books.positions["ALPHA"].quantity += QTY_SCALE


def book_counts_more(stage: Stage) -> None:
    stage.actor("portfolio").books.cash["USD"] += 1


def end_not_journalled(stage: Stage) -> None:
    strike(stage, place_of(stage, OrderMoved, -1))


def nobody_took_it(stage: Stage) -> None:
    stage.tell("nobody", Halt("to nobody", "author"))


def lane_over_its_bound(stage: Stage) -> None:
    stage.notices.append(Notice(Happened.INTAKE_PAUSED, "orders", "over 10000 Fill"))


def lane_overflowed(stage: Stage) -> None:
    stage.stops.append(Overflow("system holds 64 unread Halt"))


def another_mode_journalled(stage: Stage) -> None:
    slip_in(stage, len(stage.rows), entered(Mode.HALTED, Mode.TRADING))


def alarm_storm(stage: Stage) -> None:
    for _ in range(4):
        slip_in(stage, len(stage.rows), Alarm("VANISHED", "hr-1", "gone again", 0))


def worked_on(stage: Stage) -> None:
    """Trading was halted for thirty seconds, and an order was open for the most of them."""
    order = next(each for each in stage.venue.exchange.desk.orders.values() if each.state == "CANCELLED")
    order.closed_ns += 25 * SECOND


DEFECTS: tuple[tuple[str, Callable[[], Stage], Defect], ...] = (
    ("one order per intent", plain, twice_on_the_wire),
    ("one order per intent", plain, planned_twice),
    ("one order per intent", plain, filled_twice),
    ("permission before the wire", plain, left_before_its_plan),
    ("permission before the wire", plain, never_approved),
    ("permission before the wire", plain, approved_after),
    ("permission before the wire", plain, another_order),
    ("permission before the wire", plain, another_intent),
    ("modes on the wire", plain, decided_while_halted),
    ("modes on the wire", plain, decided_while_reducing),
    ("modes on the wire", plain, left_after_the_halt),
    ("halts end orders", halted, worked_on),
    ("prices on the wire", plain, no_quote),
    ("prices on the wire", plain, stale_quotes),
    ("prices on the wire", plain, crossed_quotes),
    ("moves along the tables", plain, jumped_over_a_state),
    ("moves along the tables", plain, moved_by_another_event),
    ("moves along the tables", plain, run_skipped_a_step),
    ("moves along the tables", plain, mode_skipped_a_step),
    ("moves along the tables", plain, unhalted_itself),
    ("moves along the tables", plain, unhalted_by_a_restart),
    ("venue conserves", plain, venue_forgot_a_fill),
    ("venue conserves", plain, venue_charged_more_than_it_said),
    ("book equals venue", plain, fill_not_journalled),
    ("book equals venue", plain, fill_journalled_wrong),
    ("book equals venue", plain, book_holds_more),
    ("book equals venue", plain, book_counts_more),
    ("book equals venue", resent, end_not_journalled),
    ("mailboxes bounded", plain, nobody_took_it),
    ("mailboxes bounded", plain, lane_over_its_bound),
    ("mailboxes bounded", plain, lane_overflowed),
    ("alive after faults", plain, another_mode_journalled),
    ("alarms once", plain, alarm_storm),
    *DECISION_DEFECTS,
    *VENUE_DEFECTS,
)


@pytest.mark.parametrize(("oracle", "play", "defect"), DEFECTS, ids=lambda each: getattr(each, "__name__", str(each)))
def test_a_defect_makes_its_oracle_speak_and_no_other(oracle: str, play: Callable[[], Stage], defect: Defect) -> None:
    stage = play()
    defect(stage)
    assert spoken(stage) == {oracle}


@pytest.mark.parametrize(
    "limits",
    [
        {"max_order_share": 0.0001},
        {"max_gross_leverage": 0.0001, "max_net_leverage": 0.0001},
        {"max_net_leverage": 0.00001},
        {"max_daily_turnover_share": 0.0001},
        {"max_orders_per_run": 2},
        {"max_instrument_share": 0.0001},
        {"instrument_shares": {"GAMMA": 0.0001}},
    ],
    ids=lambda limits: next(iter(limits)),
)
def test_an_order_over_any_limit_makes_the_oracle_of_limits_speak(limits: dict[str, object]) -> None:
    stage = plain()
    under(stage, **limits)
    assert spoken(stage) == {"limits on the wire"}


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE journal SET body = zeroblob(4) WHERE seq = 3",
        "DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal)",
    ],
    ids=["changed", "lost"],
)
def test_a_damaged_file_makes_the_oracle_of_files_speak(damage: str) -> None:
    disk = FolderJournal()
    with Stage(7, journal=disk) as stage:
        calm(stage)
        assert spoken(stage) == set()
        with closing(sqlite3.connect(files_in(disk.folder)[0])) as db, db:
            db.execute(damage)
        assert spoken(stage) == {"files whole"}


def test_every_oracle_has_a_defect_that_makes_it_speak() -> None:
    assert {oracle for oracle, _, _ in DEFECTS} | {"limits on the wire", "files whole"} == set(ORACLES)


# -- what needs a play of its own


def test_a_change_that_asks_for_more_than_was_approved_is_over_the_limits() -> None:
    stage = modified()
    place = sent(stage, ModifyOrder)
    change = stage.wire[place].message
    stage.wire[place] = stage.wire[place]._replace(message=replace(change, quantity=10**15))
    assert spoken(stage) == {"limits on the wire"}


def test_a_change_beyond_the_collar_is_a_wrong_price_also_when_it_was_planned_so() -> None:
    stage = modified()
    place = sent(stage, ModifyOrder)
    change = stage.wire[place].message
    assert isinstance(change, ModifyOrder)
    stage.wire[place] = stage.wire[place]._replace(message=replace(change, limit=2 * change.limit))
    forge(stage, place_of(stage, OrderRepriced), limit=2 * change.limit)
    assert spoken(stage) == {"prices on the wire"}


def test_a_change_that_nobody_wrote_down_left_without_permission() -> None:
    stage = modified()
    strike(stage, place_of(stage, OrderRepriced))
    assert spoken(stage) == {"permission before the wire"}


def test_a_change_of_an_order_that_increases_is_forbidden_when_nothing_may_grow() -> None:
    stage = modified()
    slip_in(stage, place_of(stage, OrderRepriced), entered(Mode.REDUCE_ONLY, Mode.TRADING))
    slip_in(stage, len(stage.rows), entered(Mode.TRADING, Mode.REDUCE_ONLY))
    assert spoken(stage) == {"modes on the wire"}


def test_an_order_sent_again_without_the_proof_in_the_journal_is_a_second_one() -> None:
    stage = resent()
    proof = [place for place, row in enumerate(stage.rows) if getattr(row.event, "event", "") == "PROVEN_ABSENT"]
    left = stage.wire[sent(stage, nth=1)]
    assert left.durable_seq > proof[0]
    stage.wire[sent(stage)] = stage.wire[sent(stage)]._replace(durable_seq=proof[0] + 1)
    assert spoken(stage) == {"one order per intent"}


def test_a_second_arrival_that_the_wire_did_not_cause_is_the_engine_s() -> None:
    stage = resent()
    order = stage.orders.one()
    stage.venue.exchange.desk.duplicates.append((order.spec.client_id, stage.now_ns))
    assert spoken(stage) == {"one order per intent"}


def test_an_order_sent_again_is_not_proven_absent_while_it_is_on_its_way() -> None:
    stage = resent_and_late()
    assert spoken(stage) == set()
    assert stage.venue.exchange.duplicates == 0
    assert stage.positions == {"ALPHA": 100}


def test_a_correction_that_overtook_its_execution_stands_for_it_after_a_crash() -> None:
    stage = corrected_before_it_was_heard()
    assert spoken(stage) == set()
    assert stage.positions == {"ALPHA": 50}


def test_an_order_that_fills_beyond_its_size_breaks_the_venue_s_own_account() -> None:
    stage = halted()
    order = next(iter(stage.venue.exchange.desk.orders.values()))
    order.quantity = order.filled - QTY_SCALE
    assert spoken(stage) == {"venue conserves"}


def test_a_settlement_for_more_than_the_trades_ask_breaks_the_venue_s_own_account() -> None:
    stage = rolled()
    settlements = stage.venue.exchange.clearing.settlements
    line = settlements[0].lines[0]
    settlements[0] = replace(settlements[0], lines=(replace(line, amount=line.amount + 10**6),))
    assert spoken(stage) == {"venue conserves"}


def test_a_settlement_that_the_journal_lacks_makes_the_book_differ() -> None:
    stage = rolled()
    stage.facts.clear()
    strike(stage, place_of(stage, VenueSettled))
    assert spoken(stage) == {"book equals venue"}


def test_an_order_open_at_the_venue_and_over_in_the_journal_makes_the_book_differ() -> None:
    stage = plain()
    next(iter(stage.venue.exchange.desk.orders.values())).state = "OPEN"
    assert spoken(stage) == {"book equals venue"}


def test_a_position_moved_without_a_trade_is_a_difference_that_the_engine_must_have_found() -> None:
    stage = plain()
    stage.venue.transfer("ALPHA", 7, 10**11)
    stage.run("1s")
    assert spoken(stage, quiet_for_ns=LONG_NS + SECOND) == {"book equals venue"}
    calm(stage)
    assert spoken(stage) == set()


def test_nothing_is_compared_while_a_report_may_still_be_on_its_way() -> None:
    stage = plain()
    fill_not_journalled(stage)
    assert spoken(stage, quiet_for_ns=SECOND // 2) == set()


def test_an_engine_that_finds_no_way_back_to_trading_is_not_alive() -> None:
    stage = plain()
    for _ in range(100):
        stage.venue.drop_next("VenueSnapshot")
    stage.crash()
    stage.run("130s")
    assert stage.mode is Mode.RECONCILING
    assert spoken(stage, quiet_for_ns=119 * SECOND) == set()
    assert spoken(stage, quiet_for_ns=120 * SECOND) == {"alive after faults"}


def test_an_engine_that_stays_down_is_not_alive() -> None:
    stage = plain()
    stage.crash()
    assert spoken(stage) == {"alive after faults"}


def test_an_engine_that_is_halted_with_a_reason_is_alive_and_without_one_is_not() -> None:
    stage = plain()
    stage.halt("the author says so")
    calm(stage)
    assert spoken(stage) == set()
    forge(stage, place_of(stage, ModeEntered, -1), reason="")
    assert spoken(stage) == {"alive after faults"}


def test_an_order_in_doubt_of_which_nobody_says_so_is_not_left_alone() -> None:
    stage = Stage(seed=7)
    stage.want("ALPHA", 100)
    stage.decide()
    stage.run("59s")
    for _ in range(100):
        stage.venue.drop_next("VenueSnapshot")
    stage.venue.drop_next_ack()
    stage.venue.drop_next("Fill")
    stage.run("3m")
    assert spoken(stage, quiet_for_ns=125 * SECOND) == {"alive after faults"}


def test_a_link_may_break_as_often_as_it_came_back() -> None:
    stage = plain()
    for _ in range(12):
        stage.venue.disconnect()
        stage.run("1s")
        stage.venue.reconnect()
        stage.run("1s")
    assert spoken(calm(stage)) == set()


def test_no_oracle_imports_an_actor() -> None:
    folder = Path(simulation.prove.__file__).parent
    mine = [*folder.glob("*oracles.py"), *folder.glob("sometimes*.py")]
    mine += [folder / "evidence.py", folder / "standing.py", folder / "story.py"]
    for path in mine:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        assert not [name for name in named if name.split(".")[0] in ("actors", "ports")], path.name
