"""Which contract is held when: calendars made by hand."""

from __future__ import annotations

import pytest

from model.rolls import Roll, RollSchedule

MARCH = Roll(session=20230308, from_contract=202303, to_contract=202306, decided=20230307)
JUNE = Roll(session=20230607, from_contract=202306, to_contract=202309, decided=20230606)


@pytest.fixture
def schedule() -> RollSchedule:
    return RollSchedule({"SP500": [MARCH, JUNE]}, {"GOLD": 202312, "SPY": 0})


@pytest.mark.parametrize(
    ("session", "active", "after"),
    [
        (20230306, 202303, 202303),
        (20230307, 202303, 202306),  # the orders decided tonight execute on the roll day
        (20230308, 202303, 202306),  # the roll day still closes in the old contract
        (20230309, 202306, 202306),
        (20230606, 202306, 202309),
        (20240102, 202309, 202309),
    ],
)
def test_the_old_contract_is_the_price_up_to_the_roll_day(
    schedule: RollSchedule, session: int, active: int, after: int
) -> None:
    assert schedule.active("SP500", session) == f"SP500@{active}"
    assert schedule.after_orders("SP500", session) == f"SP500@{after}"


def test_a_product_without_rolls_keeps_its_contract(schedule: RollSchedule) -> None:
    assert schedule.active("GOLD", 20230101) == schedule.after_orders("GOLD", 20991231) == "GOLD@202312"
    assert schedule.active("SPY", 20230101) == "SPY"
    assert schedule.active("UNKNOWN", 20230101) == "UNKNOWN"


def test_the_next_roll_is_todays_or_a_later_one(schedule: RollSchedule) -> None:
    assert schedule.next_roll("SP500", 20230308) == MARCH
    assert schedule.next_roll("SP500", 20230309) == JUNE
    assert schedule.next_roll("SP500", 20230608) is None
    assert schedule.months("SP500") == [202303, 202306, 202309]


@pytest.mark.parametrize(
    "rolls",
    [
        [JUNE, MARCH],
        [MARCH, Roll(session=20230607, from_contract=202309, to_contract=202312, decided=20230606)],
        [Roll(session=20230308, from_contract=202303, to_contract=202306, decided=20230308)],
    ],
    ids=["out of order", "not joined", "decided too late"],
)
def test_rolls_that_make_no_sense_are_refused(rolls: list[Roll]) -> None:
    with pytest.raises(ValueError, match="rolls of SP500"):
        RollSchedule({"SP500": rolls})
