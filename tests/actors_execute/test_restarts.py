"""Runs, approvals and books over restarts: from rows, from snapshots, and when something was in the way."""

from __future__ import annotations

import msgspec
import pytest

from actors.pair import Pair
from actors.run_ledger import RUNS_KEPT, RunLedger, number_of
from engine.clock import VirtualClock
from engine.effects import Effect, Ref, SetTimer, Tell
from engine.message import Refused
from model.decisions import Approved, Decide, Halt, Mode, ModeChanged, ModeEntered, Resume, RunMoved, RunPlanned
from model.orders import Intent, OrderUpdate, Place, Purpose, Share, Side, intent_id
from model.units import px, qty
from tests.actors_execute.kit import SECOND, T0, House, want

PRICES = {"A": "100", "B": "50"}


def again(house: House, *, from_snapshots: bool, later_s: int = 1) -> House:
    """Another process on the same world: from all rows, or from snapshots and the rows after them."""
    snapshots = house.kernel.snapshots() if from_snapshots else None
    rows = house.journal.rows
    return House(house.world, rows=rows, at_ns=house.clock.now_ns + later_s * SECOND).open(snapshots)


@pytest.mark.parametrize("from_snapshots", [False, True], ids=["rows", "snapshots"])
def test_a_finished_run_stays_finished(from_snapshots: bool) -> None:
    house = House().open()
    wants = {"a": (want("A", "10"),), "b": (want("B", "-4"),)}
    house.decide(wants, PRICES)
    second = again(house, from_snapshots=from_snapshots)
    second.decide(wants, PRICES)
    assert len(house.world.submits) == 2
    assert second.position == {"A": qty("10"), "B": qty("-4")}
    assert second.sleeve_positions == {("a", "A"): qty("10"), ("b", "B"): qty("-4")}
    second.decide({"a": (), "b": ()}, PRICES, session=20240103)
    assert second.position == {}


@pytest.mark.parametrize("from_snapshots", [False, True], ids=["rows", "snapshots"])
def test_a_resting_order_is_found_again_and_its_contract_left_alone(from_snapshots: bool) -> None:
    house = House().open()
    house.world.fate["A"] = "rest"
    house.decide({"a": (want("A", "10"),), "b": ()}, PRICES)
    second = again(house, from_snapshots=from_snapshots)
    second.decide({"a": (want("A", "20"),), "b": ()}, PRICES, session=20240103)
    assert [each.code for each in second.rows(RunPlanned)[-1].left_out] == ["ORDER_OPEN"]
    [resting] = second.world.orders
    second.venue.fill(resting)
    second.driver.settle()
    second.world.fate.clear()
    second.decide({"a": (want("A", "20"),), "b": ()}, PRICES, session=20240104)
    assert second.position == {"A": qty("20")}


def test_a_run_that_was_never_answered_ends_when_the_next_is_planned() -> None:
    house = House().open()
    house.risk_answers = False
    house.decide({"a": (want("A", "10"),), "b": ()}, PRICES)
    house.risk_answers = True
    house.decide({"a": (want("A", "10"),), "b": ()}, PRICES, session=20240103)
    assert [(row.run_id[:8], row.status) for row in house.rows(RunMoved)] == [
        ("20240102", "ABORTED"), ("20240103", "SUBMITTED"), ("20240103", "FILLED"), ("20240103", "DONE"),
    ]  # fmt: skip


def test_after_a_halt_only_an_operator_brings_trading_back() -> None:
    house = House().open()
    house.kernel.tell("system", Halt("test", "operator"))
    house.driver.settle()
    house.kernel.tell("system", Resume("looked", "operator"))
    house.driver.settle()
    house.decide({"a": (want("A", "10"),), "b": ()}, PRICES)
    assert house.position == {"A": qty("10")}


# --- the executor alone -----------------------------------------------------------------------------------------------


def intent(name: str, side: Side, leg: int = 0, **more: object) -> Intent:
    return msgspec.structs.replace(
        Intent(
            id=intent_id("20240102.1.t.x", name, side, qty(10), "net", leg, 0), run_id="20240102.1.t.x",
            instrument=name, side=side, quantity=qty(10), purpose=Purpose.REBALANCE,
            shares=(Share("a", side * qty(10)),), reference=px(100), leg=leg,
        ),
        **more,
    )  # fmt: skip


def approved(*intents: Intent, at_ns: int = T0) -> Approved:
    return Approved("ap", "20240102.1.t.x", intents, (), at_ns)


def executor() -> Pair:
    actor = Pair(orders=Ref("orders"), risk=Ref("risk"))
    actor.clock = VirtualClock(T0)
    return actor


def placed(effects: list[Effect]) -> list[str]:
    return [
        each.message.intent.instrument for each in effects if isinstance(each, Tell) and isinstance(each.message, Place)
    ]


def test_what_the_order_manager_had_no_room_for_is_asked_again() -> None:
    actor = executor()
    [tell] = [each for each in actor.on_approved(approved(intent("A", Side.BUY))) or () if isinstance(each, Tell)]
    [timer] = [each for each in actor.on_refused(Refused("orders", tell.message)) or () if isinstance(each, SetTimer)]
    assert placed(list(actor.on_retry_places(timer.message) or ())) == ["A"]  # type: ignore[arg-type]
    assert placed(list(actor.on_retry_places(timer.message) or ())) == []  # type: ignore[arg-type]
    assert actor.on_refused(Refused("risk", ModeChanged(Mode.TRADING, ""))) is None


@pytest.mark.parametrize(("age_hours", "names"), [(1, ["A"]), (13, [])])
def test_only_a_recent_approval_is_placed_again_after_a_restart(age_hours: int, names: list[str]) -> None:
    actor = executor()
    actor.fold_approved(approved(intent("A", Side.BUY), at_ns=T0 - age_hours * 3600 * SECOND))
    list(actor.on_start() or ())
    assert placed(list(actor.on_mode_changed(ModeChanged(Mode.OBSERVING, "")) or ())) == []
    assert placed(list(actor.on_mode_changed(ModeChanged(Mode.TRADING, "")) or ())) == names
    assert placed(list(actor.on_mode_changed(ModeChanged(Mode.TRADING, "")) or ())) == []


def test_an_executor_that_alone_was_rebuilt_goes_on_without_a_word() -> None:
    actor = executor()
    actor.fold_mode(ModeEntered(Mode.TRADING, Mode.OBSERVING, "", "", T0))
    actor.fold_approved(approved(intent("A", Side.BUY)))
    [timer] = [each for each in actor.on_start() or () if isinstance(each, SetTimer)]
    assert placed(list(actor.on_resume_due(timer.message) or ())) == ["A"]  # type: ignore[arg-type]
    assert placed(list(actor.on_resume_due(timer.message) or ())) == []  # type: ignore[arg-type]


class FastClock(VirtualClock):
    """Of a rehearsal: a market day in three minutes."""

    pace = 480.0


def test_in_a_rehearsal_too_a_new_process_has_a_second_to_say_so() -> None:
    """A second of a market that runs 480 times as fast is 2 ms, which a start may take between two messages."""
    actor = executor()
    actor.clock = FastClock(T0)
    actor.fold_approved(approved(intent("A", Side.BUY)))
    [timer] = [each for each in actor.on_start() or () if isinstance(each, SetTimer)]
    assert timer.at_ns == T0 + 480 * SECOND


def test_an_executor_of_a_new_process_waits_for_the_comparison() -> None:
    actor = executor()
    actor.fold_mode(ModeEntered(Mode.TRADING, Mode.OBSERVING, "", "", T0))
    actor.fold_approved(approved(intent("A", Side.BUY)))
    [timer] = [each for each in actor.on_start() or () if isinstance(each, SetTimer)]
    assert placed(list(actor.on_mode_changed(ModeChanged(Mode.RECONCILING, "")) or ())) == []
    assert placed(list(actor.on_resume_due(timer.message) or ())) == []  # type: ignore[arg-type]
    assert placed(list(actor.on_mode_changed(ModeChanged(Mode.TRADING, "")) or ())) == ["A"]


def test_a_pair_is_judged_only_when_every_leg_was_heard_of() -> None:
    actor = executor()
    one, two = intent("A", Side.BUY, pair="x", legs=2), intent("B", Side.SELL, leg=1, pair="x", legs=2)
    assert placed(list(actor.on_approved(approved(one, two)) or ())) == ["A", "B"]
    update = OrderUpdate(one.id, one.run_id, "A", Side.BUY, "FILLED", qty(10), qty(10), True, T0)
    assert list(actor.on_order_update(update) or ()) == []


def test_a_kept_executor_starts_where_it_was() -> None:
    actor, other = executor(), executor()
    list(actor.on_approved(approved(intent("A", Side.BUY))) or ())
    other.restore(actor.snapshot())
    list(other.on_start() or ())
    assert placed(list(other.on_mode_changed(ModeChanged(Mode.TRADING, "")) or ())) == ["A"]


# --- the ledger of runs -----------------------------------------------------------------------------------------------


def planned(number: int, session: int = 20240102) -> RunPlanned:
    return RunPlanned(f"{session}.{number}.t.x", "t", session, "", "", (), (), T0)


def test_forgotten_runs_are_too_old_to_be_new() -> None:
    ledger = RunLedger()
    for number in range(1, RUNS_KEPT + 4):
        ledger.plan(planned(number))
    assert len(ledger.runs) == RUNS_KEPT
    assert ledger.stale(20240102, 3)
    assert not ledger.stale(20240102, 4)
    assert not ledger.stale(20240103, 1)
    assert (number_of("20240102.7.t.x"), number_of("odd")) == (7, 0)


def test_a_cycle_older_than_the_ledger_is_not_planned() -> None:
    house = House().open()
    for day in range(RUNS_KEPT + 2):
        house.decide({"a": (), "b": ()}, PRICES, session=20240201 + day)
    before = len(house.rows(RunPlanned))
    basket = house.kernel.actor("basket")
    cycle = msgspec.structs.replace(house.cycle, run_id="20240201.1.test.abc", session=20240201)
    decide = Decide(cycle, house.fx, None, None)  # type: ignore[arg-type]
    assert basket.on_decide(decide) is None
    assert len(house.rows(RunPlanned)) == before
