"""From targets to filled orders and back: phases, pairs, rolls, halts, and death at every moment."""

from __future__ import annotations

import pytest

from actors.netting import BasketPolicy
from engine.schedule import Seeded
from model.decisions import Halt, Mode, ModeEntered, RunMoved, RunPlanned
from model.execution import PairMoved, SleevesCrossed
from model.orders import Filled, Purpose
from model.units import qty
from tests.actors_execute.kit import Crash, Fuse, House, VenueWorld, want

PRICES = {"A": "100", "B": "50", "C": "20"}


def statuses(house: House) -> list[str]:
    return [row.status for row in house.rows(RunMoved)]


def test_the_engine_trades_only_after_a_clean_comparison() -> None:
    house = House().open()
    assert [row.mode for row in house.rows(ModeEntered)] == [Mode.RECONCILING, Mode.OBSERVING, Mode.TRADING]


def test_a_run_is_planned_sent_filled_and_done() -> None:
    house = House().open()
    house.decide({"a": (want("A", "10"),), "b": (want("B", "20"),)}, PRICES)
    assert house.position == {"A": qty("10"), "B": qty("20")}
    assert house.sleeve_positions == {("a", "A"): qty("10"), ("b", "B"): qty("20")}
    assert statuses(house) == ["SUBMITTED", "FILLED", "DONE"]


def test_the_same_cycle_again_trades_nothing() -> None:
    house = House().open()
    for _ in range(3):
        house.decide({"a": (want("A", "10"),), "b": ()}, PRICES)
    assert len(house.world.submits) == 1
    assert len(house.rows(RunPlanned)) == 1


def test_sleeves_are_netted_and_each_keeps_its_own_lots() -> None:
    house = House().open()
    house.decide({"a": (want("A", "10"),), "b": (want("A", "-4"),)}, PRICES)
    assert house.position == {"A": qty("6")}
    assert house.sleeve_positions == {("a", "A"): qty("10"), ("b", "A"): qty("-4")}
    assert len(house.world.submits) == 1


def test_sleeves_that_offset_cross_without_an_order() -> None:
    house = House().open()
    house.decide({"a": (want("A", "5"),), "b": (want("A", "-5"),)}, PRICES)
    assert house.world.submits == []
    assert house.sleeve_positions == {("a", "A"): qty("5"), ("b", "A"): qty("-5")}
    assert len(house.rows(SleevesCrossed)) == 1
    assert statuses(house) == ["DONE"]


def test_a_silent_sleeve_holds_what_it_has() -> None:
    house = House().open()
    house.decide({"a": (want("A", "10"),), "b": (want("B", "20"),)}, PRICES)
    house.decide({"a": ()}, PRICES, session=20240103)
    house.run(6)
    assert house.position == {"B": qty("20")}
    assert [each.code for each in house.rows(RunPlanned)[-1].left_out] == ["SILENT"]


def test_buys_wait_for_sells() -> None:
    house = House().open()
    house.decide({"a": (want("A", "10"),), "b": ()}, PRICES)
    house.world.fate["A"] = "rest"
    house.decide({"a": (want("B", "10"),), "b": ()}, PRICES, session=20240103)
    assert len(house.world.submits) == 2
    [resting] = house.world.orders
    house.venue.fill(resting)
    house.driver.settle()
    assert house.position == {"B": qty("10")}


def test_buys_do_not_wait_for_ever() -> None:
    house = House().open()
    house.decide({"a": (want("A", "10"),), "b": ()}, PRICES)
    house.world.fate["A"] = "rest"
    house.decide({"a": (want("B", "10"),), "b": ()}, PRICES, session=20240103)
    house.run(151)
    assert house.position == {"A": qty("10"), "B": qty("10")}


def test_a_spread_waits_for_no_sale() -> None:
    house = House(policy=BasketPolicy(min_notional=0, roll_as_spread=True)).open()
    prices = {"A": "100", "F@202403": "20", "F@202406": "21"}
    near, far = {"A": "A", "F": "F@202403"}, {"A": "A", "F": "F@202406"}
    house.decide({"a": (want("A", "10"), want("F", "2")), "b": ()}, prices, contracts=near)
    house.world.fate["A"] = house.world.fate["F@202403-202406"] = "rest"
    house.decide({"a": (want("F", "2"),), "b": ()}, prices, session=20240103, contracts=far)
    assert sorted(each.instrument for each in house.world.orders.values()) == ["A", "F@202403-202406"]


def test_without_phases_all_goes_at_once() -> None:
    house = House(phased=False).open()
    house.decide({"a": (want("A", "10"),), "b": ()}, PRICES)
    house.world.fate["A"] = "rest"
    house.decide({"a": (want("B", "10"),), "b": ()}, PRICES, session=20240103)
    assert house.position == {"A": qty("10"), "B": qty("10")}


def test_halting_cancels_what_works_and_places_nothing() -> None:
    house = House().open()
    house.world.fate["A"] = "rest"
    house.decide({"a": (want("A", "10"),), "b": ()}, PRICES)
    house.kernel.tell("system", Halt("test", "operator"))
    house.driver.settle()
    assert house.world.orders == {}
    house.decide({"a": (want("B", "10"),), "b": ()}, PRICES, session=20240103)
    assert len(house.world.submits) == 1
    assert statuses(house)[-1] == "DONE"


# --- pairs ------------------------------------------------------------------------------------------------------------

PAIR = {"a": (want("A", "10", pair="x"), want("B", "-20", pair="x")), "b": ()}


def moves(house: House) -> list[str]:
    return [row.status for row in house.rows(PairMoved)]


def test_legs_of_a_pair_go_together() -> None:
    house = House().open()
    house.decide(PAIR, PRICES)
    assert house.position == {"A": qty("10"), "B": qty("-20")}
    assert moves(house) == ["RELEASED", "COMPLETED"]


def test_when_one_leg_is_denied_none_is_placed() -> None:
    house = House().open()
    house.denied = {"B"}
    house.decide(PAIR, PRICES)
    assert house.world.submits == []
    assert moves(house) == ["SKIPPED"]
    assert statuses(house) == ["DONE"]


def test_a_rejected_leg_is_unwound() -> None:
    house = House().open()
    house.world.fate["B"] = "reject"
    house.decide(PAIR, PRICES)
    assert house.position == {}
    assert moves(house) == ["RELEASED", "UNWINDING"]


def test_a_pair_on_one_leg_is_cancelled_after_a_minute_and_unwound() -> None:
    house = House().open()
    house.world.fate["B"] = "rest"
    house.decide(PAIR, PRICES)
    house.run(3)
    assert moves(house) == ["RELEASED", "LEGGED"]
    house.run(56)
    assert house.position == {"A": qty("10")}
    house.run(2)
    assert house.position == {}
    assert moves(house) == ["RELEASED", "LEGGED", "CANCELLING", "UNWINDING"]
    assert house.sleeve_positions == {}


def test_a_pair_that_heals_in_time_is_left_alone() -> None:
    house = House().open()
    house.world.fate["B"] = "rest"
    house.decide(PAIR, PRICES)
    [resting] = house.world.orders
    house.run(3)
    house.venue.fill(resting, qty("10"))
    house.run(100)
    house.venue.fill(resting)
    house.driver.settle()
    assert house.position == {"A": qty("10"), "B": qty("-20")}
    assert moves(house) == ["RELEASED", "LEGGED", "HEALED", "COMPLETED"]


def test_a_partly_filled_laggard_keeps_its_share_of_the_pair() -> None:
    house = House().open()
    house.world.fate["B"] = "rest"
    house.decide(PAIR, PRICES)
    [resting] = house.world.orders
    house.venue.fill(resting, qty("1"))  # 5 % of twenty
    house.run(61)
    # a twentieth of ten is half a lot: the whole leading leg above it goes, in whole lots
    assert house.position == {"A": qty("1"), "B": qty("-1")}


def test_a_roll_moves_both_contracts_or_none() -> None:
    prices = {"F@202403": "100", "F@202406": "101"}
    house = House().open()
    house.decide({"a": (want("F", "4"),), "b": (want("F", "2"),)}, prices, contracts={"F": "F@202403"})
    assert house.position == {"F@202403": qty("6")}
    again = {"F": "F@202406"}
    house.denied = {"F@202406"}
    house.decide({"a": (want("F", "4"),), "b": (want("F", "2"),)}, prices, session=20240103, contracts=again,
                 rolling={"F": "F@202406"})  # fmt: skip
    assert house.position == {"F@202403": qty("6")}
    house.denied = set()
    house.decide({"a": (want("F", "4"),), "b": (want("F", "2"),)}, prices, session=20240104, contracts=again,
                 rolling={"F": "F@202406"})  # fmt: skip
    assert house.position == {"F@202406": qty("6")}
    assert house.sleeve_positions == {("a", "F@202406"): qty("4"), ("b", "F@202406"): qty("2")}
    assert {each.purpose for each in house.rows(RunPlanned)[-1].intents} == {Purpose.ROLL}


# --- death at every moment --------------------------------------------------------------------------------------------

FIRST = {"a": (want("A", "10", pair="x"), want("B", "-20", pair="x")), "b": (want("C", "30"),)}
SECOND_RUN = {"a": (want("A", "4"),), "b": (want("C", "30"), want("B", "5"))}
WANTED = {"A": qty("4"), "B": qty("5"), "C": qty("30")}


def script(house: House, done: list[int]) -> None:
    """Two runs on two days; `done` counts the cycles that were told."""
    if not done:
        house.decide(FIRST, PRICES)
        house.run(120)
        done.append(1)
    house.decide(SECOND_RUN, PRICES, session=20240103)
    house.run(200)


def moments_of(fates: dict[str, str]) -> int:
    world = VenueWorld()
    world.fate = dict(fates)
    fuse = Fuse()
    script(House(world, fuse=fuse).open(), [])
    return fuse.moments


FATES = [{}, {"A": "silent"}, {"B": "drop"}, {"C": "drop", "A": "silent"}]


@pytest.mark.parametrize("fates", FATES, ids=str)
def test_death_at_any_moment_never_trades_twice_and_ends_in_the_wanted_position(fates: dict[str, str]) -> None:
    moments = moments_of(fates)
    assert moments > 40
    deaths = 0
    for at in range(1, moments + 1):
        world = VenueWorld()
        world.fate = dict(fates)
        first, done = House(world, fuse=Fuse(at)), list[int]()
        try:
            script(first.open(), done)
        except Crash:
            deaths += 1
            rows = first.journal.rows[: first.journal.committed]
            second = House(world, rows=rows, at_ns=first.clock.now_ns + 1).open()
            second.run(120)
            script(second, done)
        else:
            second = first
        label = f"death at moment {at} of {moments}, {fates}"
        assert world.duplicates == [], label
        assert len(set(world.submits)) == len(world.submits), label
        held = {name: size for name, size in world.positions.items() if size}
        assert second.position == held == WANTED, label
        assert len({row.fill.exec_id for row in second.rows(Filled)}) == len(second.rows(Filled)), label
        assert {row.run_id for row in second.rows(RunMoved) if row.status in ("DONE", "ABORTED")} == {
            row.run_id for row in second.rows(RunPlanned)
        }, label
    assert deaths == moments


@pytest.mark.parametrize("seed", range(60))
def test_any_order_of_turns_and_any_death_end_in_the_same_position(seed: int) -> None:
    world = VenueWorld()
    world.fate = dict(FATES[seed % len(FATES)])
    first, done = House(world, fuse=Fuse(seed % 77 + 1), scheduler=Seeded(seed)), list[int]()
    try:
        script(first.open(), done)
    except Crash:
        rows = first.journal.rows[: first.journal.committed]
        last = House(world, rows=rows, at_ns=first.clock.now_ns + 1, scheduler=Seeded(seed + 1)).open()
        last.run(120)
        script(last, done)
    else:
        last = first
    assert world.duplicates == []
    assert last.position == {name: size for name, size in world.positions.items() if size} == WANTED
