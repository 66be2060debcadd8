"""Which contracts a holder hears on a day. Rolls and weekdays by a wall calendar of June 2021."""

from __future__ import annotations

import pytest

from model.instruments import Instrument, Kind, RollRule
from model.rolls import Roll, RollSchedule
from model.sessions import Sessions
from ports.ib.day_plan import DayPlan, Heard, heard, weekdays_off

ROLLS = RollSchedule(
    {
        "ES": [
            Roll(session=20210310, from_contract=202103, to_contract=202106, decided=20210309),
            Roll(session=20210609, from_contract=202106, to_contract=202109, decided=20210608),
            Roll(session=20210909, from_contract=202109, to_contract=202112, decided=20210908),
        ]
    },
    {"ES": 202103, "CORN": 202112},
)


def names(day: int) -> list[str]:
    return [each.instrument for each in heard(ROLLS, "ES", day, day)]


@pytest.mark.parametrize(
    ("day", "count", "there"),
    [(20210611, 1, 20210614), (20210609, -10, 20210526), (20210609, 5, 20210616), (20210613, 1, 20210614)],
)
def test_weekdays_are_counted_over_weekends(day: int, count: int, there: int) -> None:
    assert weekdays_off(day, count) == there


@pytest.mark.parametrize(
    ("day", "contracts"),
    [
        (20210525, ["ES@202106"]),
        (20210526, ["ES@202106", "ES@202109"]),  # ten weekdays before the roll of Wednesday the 9th
        (20210609, ["ES@202106", "ES@202109"]),
        (20210616, ["ES@202106", "ES@202109"]),  # five weekdays after it
        (20210617, ["ES@202109"]),
        (20220101, ["ES@202112"]),
        (20210101, ["ES@202103"]),
    ],
)
def test_around_a_roll_both_contracts_are_heard(day: int, contracts: list[str]) -> None:
    assert names(day) == contracts


def test_a_contract_that_was_rolled_out_of_is_not_asked_for_anew() -> None:
    """It may have expired: the week after each expiry began with a lock on a contract that nobody held."""
    roll = RollRule(hold_cycle="HMUZ", offset_days=-5)
    es = Instrument(id="ES", kind=Kind.FUTURE, venue="CME", currency="USD", calendar="C", roll=roll)
    empty = Sessions("C", [])
    plan = DayPlan(
        products={"ES": es}, calendars={"ES": empty}, rolls=ROLLS, cycles=empty, cycle_ns=lambda day: 0, since=0
    )
    june, september = es.contract(202106), es.contract(202109)
    assert [plan.left(june, day) for day in (20210608, 20210609, 20210610)] == [False, False, True]
    assert not plan.left(september, 20210610)


def test_over_a_span_each_contract_has_its_own_part_of_it() -> None:
    assert heard(ROLLS, "ES", 20210601, 20210630) == [
        Heard("ES@202106", 20210601, 20210616),
        Heard("ES@202109", 20210601, 20210630),
    ]


def test_what_never_rolls_is_heard_always() -> None:
    assert heard(ROLLS, "CORN", 20210601, 20210630) == [Heard("CORN@202112", 20210601, 20210630)]
    assert heard(ROLLS, "SPX_INDEX", 20210601, 20210601) == [Heard("SPX_INDEX", 20210601, 20210601)]
