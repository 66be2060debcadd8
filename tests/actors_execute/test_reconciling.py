"""The reconciler on the kernel: what it finds, what it hands over, what it never invents."""

from __future__ import annotations

import msgspec
import pytest

from actors.evidence import examine
from model.decisions import Halt, InstrumentLocked, Mode, ModeEntered, Resume
from model.execution import Alarm, KnownOrder, OrdersKnown, ProvenAbsent, Reconciled, ReconcileNow, ReleaseInstrument
from model.order_events import OrderMoved
from model.orders import ClosedOrder, Filled, OpenOrder, Side, VenueDown, VenueSnapshot, VenueUp
from model.units import cash, px, qty
from tests.actors_execute.kit import SECOND, T0, House, VenueWorld, want

PRICES = {"A": "100", "B": "50"}
BUY_A = {"a": (want("A", "10"),), "b": ()}


def modes(house: House) -> list[Mode]:
    return [row.mode for row in house.rows(ModeEntered)]


def codes(house: House) -> list[str]:
    return [row.code for row in house.rows(Alarm)]


def test_a_fill_swallowed_by_a_broken_link_is_found_when_it_is_back() -> None:
    house = House().open()
    house.world.fate["A"] = "rest"
    house.decide(BUY_A, PRICES)
    [resting] = house.world.orders
    for who in ("orders", "reconciler", "system"):
        house.kernel.tell(who, VenueDown("fake", "1100", house.clock.now_ns))
    house.driver.settle()
    house.venue.fill(resting, told=False)
    house.run(10)
    assert house.position == {}
    for who in ("orders", "reconciler", "system"):
        house.kernel.tell(who, VenueUp("fake", "acc", True, house.clock.now_ns))
    house.driver.settle()
    assert house.position == {"A": qty("10")}
    assert "LINK_DOWN" in codes(house)


def test_an_acknowledgement_that_never_came_is_looked_up_by_itself() -> None:
    house = House().open()
    house.world.fate["A"] = "silent"
    house.decide(BUY_A, PRICES)
    assert house.position == {}
    house.run(60)
    assert house.position == {"A": qty("10")}
    assert len(house.world.submits) == 1


def test_an_order_that_never_arrived_is_proven_absent_and_sent_once_more() -> None:
    house = House().open()
    house.world.fate["A"] = "drop"
    house.decide(BUY_A, PRICES)
    house.run(60)
    assert house.position == {"A": qty("10")}
    assert [row.now for row in house.rows(OrderMoved)][:3] == ["UNKNOWN", "LOST", "SENT"]


def test_a_position_that_differs_locks_its_instrument_and_invents_nothing() -> None:
    world = VenueWorld()
    world.positions["B"] = qty("3")
    house = House(world).open()
    assert modes(house) == [Mode.RECONCILING]
    assert [row.instrument for row in house.rows(InstrumentLocked)] == ["B"]
    assert house.rows(Filled) == []
    assert house.position == {}
    house.run(600)
    assert codes(house).count("BREAK_POSITION") == 1


def test_after_a_repair_at_the_venue_the_next_comparison_lets_trading_begin() -> None:
    world = VenueWorld()
    world.positions["B"] = qty("3")
    house = House(world).open()
    world.positions.clear()
    house.run(61)
    assert modes(house)[-1] is Mode.TRADING
    house.kernel.tell("system", ReleaseInstrument("B", "looked", "operator"))
    house.kernel.tell("system", ReleaseInstrument("B", "looked twice", "operator"))
    house.driver.settle()
    house.decide({"a": (want("B", "2"),), "b": ()}, PRICES)
    assert house.position == {"B": qty("2")}


@pytest.mark.parametrize(("missing", "mode"), [("1", Mode.TRADING), ("5000", Mode.REDUCE_ONLY), ("50000", Mode.HALTED)])
def test_cash_that_differs_is_graded(missing: str, mode: Mode) -> None:
    house = House().open()
    house.decide(BUY_A, PRICES)
    house.world.cash -= cash(missing)
    house.run(61)
    assert modes(house)[-1] is mode


def test_an_order_of_ours_that_the_book_forgot_is_adopted_and_a_foreign_one_counted() -> None:
    world = VenueWorld()
    world.orders["hr-forgotten"] = OpenOrder("hr-forgotten", "v9", "A", Side.BUY, qty("5"), 0, px("99"))
    world.foreign = [OpenOrder("manual", "v8", "A", Side.BUY, qty("5"), 0, px("99"))]
    world.prices["A"] = px("99")
    house = House(world).open()
    assert "ADOPTED" in codes(house)
    assert [row.foreign for row in house.rows(Reconciled)][:1] == [1]
    assert world.submits == []
    house.venue.fill("hr-forgotten")
    house.driver.settle()
    assert house.sleeve_positions == {("caretaker", "A"): qty("5")}


def test_an_incomplete_snapshot_proves_nothing_and_is_asked_for_again() -> None:
    house = House()
    whole = house.venue.snapshot
    house.venue.snapshot = lambda request: msgspec.structs.replace(whole(request), complete=False)  # type: ignore[method-assign]
    house.open()
    house.run(10)
    assert modes(house) == [Mode.RECONCILING]
    assert {row.complete for row in house.rows(Reconciled)} == {False}
    house.venue.snapshot = whole  # type: ignore[method-assign]
    house.run(31)
    assert modes(house)[-1] is Mode.TRADING


def test_a_venue_that_does_not_answer_is_asked_again() -> None:
    house = House()
    whole = house.venue.snapshot
    house.venue.snapshot = lambda request: msgspec.structs.replace(whole(request), id="another")  # type: ignore[method-assign]
    house.open()
    house.run(20)
    assert house.rows(Reconciled) == []
    house.venue.snapshot = whole  # type: ignore[method-assign]
    house.run(31)
    assert modes(house)[-1] is Mode.TRADING


def test_a_halted_engine_stays_halted_over_a_restart() -> None:
    house = House().open()
    house.kernel.tell("system", Halt("test", "operator"))
    house.driver.settle()
    again = House(house.world, rows=house.journal.rows, at_ns=house.clock.now_ns + SECOND).open()
    again.run(120)
    assert modes(again)[-1] is Mode.OBSERVING
    again.kernel.tell("system", Resume("looked", "operator"))
    again.driver.settle()
    assert modes(again)[-1] is Mode.TRADING


def test_resuming_after_a_broken_link_waits_for_a_comparison() -> None:
    house = House().open()
    house.kernel.tell("system", Halt("test", "operator"))
    house.kernel.tell("system", VenueDown("fake", "gone", T0))
    house.driver.settle()
    house.kernel.tell("system", Resume("go on", "operator"))
    house.driver.settle()
    assert modes(house)[-2:] == [Mode.RECONCILING, Mode.OBSERVING]


def test_a_comparison_may_be_asked_for() -> None:
    house = House().open()
    before = len(house.rows(Reconciled))
    house.kernel.tell("reconciler", ReconcileNow("end of day"))
    house.driver.settle()
    assert [row.why for row in house.rows(Reconciled)[before:]] == ["end of day"]


def test_the_rows_of_a_long_quiet_day_are_one_a_minute() -> None:
    house = House().open()
    before = len(house.rows(Reconciled))
    house.run(600)
    assert len(house.rows(Reconciled)) - before == 10


# --- what proves what -------------------------------------------------------------------------------------------------


def snapshot(
    *, since: int = 0, at_ns: int = T0, enforced: bool = True, orders: tuple[OpenOrder, ...] = (),
    closed: tuple[ClosedOrder, ...] = (),
) -> VenueSnapshot:  # fmt: skip
    return VenueSnapshot("s", "v", since, at_ns, True, enforced, orders, closed, (), (), ())


def known(state: str, planned_ns: int = T0 - 60 * SECOND, filled: str = "0") -> OrdersKnown:
    return OrdersKnown((KnownOrder("hr-1", "A", state, qty(filled), planned_ns),), ())


def absent(venue: VenueSnapshot, book: OrdersKnown) -> bool:
    return any(isinstance(each, ProvenAbsent) for each in examine(venue, book, 5 * SECOND).evidence)


def test_absence_proves_only_within_the_window_and_where_ids_are_enforced() -> None:
    assert absent(snapshot(), known("UNKNOWN"))
    assert not absent(snapshot(enforced=False), known("UNKNOWN"))
    assert not absent(snapshot(since=T0 - 59 * SECOND), known("UNKNOWN"))
    assert not absent(snapshot(), known("UNKNOWN", T0 - 4 * SECOND))
    assert not absent(snapshot(), known("LOST"))


def test_absence_of_an_order_that_was_sent_again_is_believed_only_when_the_second_sending_has_settled() -> None:
    def book(resent_ns: int) -> OrdersKnown:
        return OrdersKnown((KnownOrder("hr-1", "A", "UNKNOWN", 0, T0 - 60 * SECOND, resent_ns),), ())

    assert absent(snapshot(), book(T0 - 5 * SECOND))
    assert not absent(snapshot(), book(T0 - 4 * SECOND))
    assert examine(snapshot(), book(T0 - 4 * SECOND), 5 * SECOND).provable_ns == T0 + SECOND


def test_an_unknown_order_without_proof_is_a_break_and_a_fresh_one_is_left_alone() -> None:
    found = examine(snapshot(since=T0 - 59 * SECOND), known("UNKNOWN"), 61 * SECOND)
    assert [each.kind for each in found.breaks] == ["UNKNOWN_ORDER"]
    fresh = examine(snapshot(), known("SENT", T0), 5 * SECOND)
    assert (fresh.breaks, fresh.evidence, fresh.skipped) == ((), (), ("hr-1",))


def test_an_order_planned_after_the_venues_present_says_when_to_ask_again() -> None:
    found = examine(snapshot(), known("UNKNOWN", T0 + 60 * SECOND), 5 * SECOND)
    assert [each.kind for each in found.breaks] == ["UNKNOWN_ORDER"]
    assert found.provable_ns == T0 + 65 * SECOND
    assert absent(snapshot(at_ns=found.provable_ns), known("UNKNOWN", T0 + 60 * SECOND))


def test_a_working_order_that_agrees_needs_no_evidence() -> None:
    order = OpenOrder("hr-1", "v1", "A", Side.BUY, qty("10"), qty("4"), 0)
    assert examine(snapshot(orders=(order,)), known("WORKING", filled="4"), 0).evidence == ()
    assert len(examine(snapshot(orders=(order,)), known("WORKING", filled="3"), 0).evidence) == 1
