"""Where the record of rolls ends, the rule goes on: every date here was counted on a wall calendar."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.instruments import Instrument, Kind, RollRule
from model.rolls import Roll, RollSchedule
from model.rolls_ahead import MONTHS, extended, held_by_rule, rolls_ahead, rolls_behind
from model.sessions import Session, Sessions

QUARTERLY = RollRule(hold_cycle="HMUZ", offset_days=-5, expiry_offset_days=14)
GOLD = RollRule(hold_cycle="GJMQVZ", offset_days=-30, expiry_offset_days=26)
CRUDE = RollRule(hold_cycle="Z", offset_days=-40, expiry_offset_days=-11)
MONTHLY = RollRule(hold_cycle=MONTHS, offset_days=-60, expiry_offset_days=19)
EURIBOR = RollRule(hold_cycle="HMUZ", offset_days=-700, expiry_offset_days=15)
MAY_2023 = Roll(session=20230525, from_contract=202306, to_contract=202309, decided=20230524)  # the S&P's, as recorded


def future(rule: RollRule | None, name: str = "SP500") -> Instrument:
    return Instrument(
        id=name, kind=Kind.FUTURE, venue="CME", currency="USD", calendar="X", multiplier=Decimal(50), roll=rule
    )


def weekdays(*holidays: int, first: int = 2019, last: int = 2031) -> Sessions:
    day, end, found = dt.date(first, 1, 1), dt.date(last, 12, 31), []
    while day <= end:
        number = day.year * 10_000 + day.month * 100 + day.day
        if day.weekday() < 5 and number not in holidays:
            found.append(Session(number, day.toordinal() * 10, day.toordinal() * 10 + 5))
        day += dt.timedelta(1)
    return Sessions("X", found)


def test_the_s_and_p_rolls_five_days_before_the_second_week_ends() -> None:
    # 10 September and 10 December 2023 and 10 March 2024 are Sundays; 10 June 2024 is a Monday
    assert rolls_ahead(future(QUARTERLY), weekdays(), [MAY_2023], 20230901, 20240630) == [
        Roll(20230911, 202309, 202312, decided=20230908),
        Roll(20231211, 202312, 202403, decided=20231208),
        Roll(20240311, 202403, 202406, decided=20240308),
        Roll(20240610, 202406, 202409, decided=20240607),
    ]


def test_a_holiday_on_the_day_by_rule_puts_the_roll_off_and_never_its_decision() -> None:
    found = rolls_ahead(future(QUARTERLY), weekdays(20230911, 20230908), [MAY_2023], 20230901, 20230930)
    assert found == [Roll(20230912, 202309, 202312, decided=20230907)]


@pytest.mark.parametrize(
    ("rule", "held", "expected"),
    [
        # four days before the month: 27 September (a Wednesday) and 27 November 2023 (a Monday)
        (GOLD, 202310, [(20230927, 202310, 202312, 20230926), (20231127, 202312, 202402, 20231124)]),
        # fifty-one days before 1 December: 11 October, a Wednesday in 2023 and a Friday in 2024
        (CRUDE, 202312, [(20231011, 202312, 202412, 20231010), (20241011, 202412, 202512, 20241010)]),
        # forty-one days before 1 October and 1 November 2023: 21 August, a Monday, and 21 September, a Thursday
        (MONTHLY, 202310, [(20230821, 202310, 202311, 20230818), (20230921, 202311, 202312, 20230920)]),
    ],
    ids=["gold, six months a year", "crude, december alone", "volatility, every month"],
)
def test_each_rule_has_its_own_months_and_days(
    rule: RollRule, held: int, expected: list[tuple[int, int, int, int]]
) -> None:
    found = rolls_ahead(future(rule), weekdays(), [], 20230701, 20241231, first=held)
    assert found[:2] == [Roll(*one) for one in expected]


def test_where_nothing_is_recorded_it_begins_with_what_the_rule_holds_that_day() -> None:
    product, sessions = future(QUARTERLY), weekdays()
    assert held_by_rule(product, sessions, 20230911) == 202309  # the roll day still closes in the old contract
    assert held_by_rule(product, sessions, 20230912) == 202312
    assert held_by_rule(product, sessions, 20231231) == 202403
    assert rolls_ahead(product, sessions, [], 20230912, 20231231) == [Roll(20231211, 202312, 202403, 20231208)]


def test_a_contract_that_is_held_years_ahead_is_found() -> None:
    # 16 March 2025 less 700 days is 16 April 2023, a Sunday; 16 June 2025 less 700 days is 17 July 2023, a Monday
    assert held_by_rule(future(EURIBOR), weekdays(), 20230417) == 202503
    assert held_by_rule(future(EURIBOR), weekdays(), 20230418) == 202506
    assert held_by_rule(future(EURIBOR), weekdays(), 20230718) == 202509


def test_a_record_that_ended_long_ago_is_walked_on_contract_by_contract() -> None:
    found = rolls_ahead(future(QUARTERLY), weekdays(), [MAY_2023], 20261120, 20261231)
    assert [one.to_contract for one in found] == [
        202312, 202403, 202406, 202409, 202412, 202503, 202506, 202509, 202512, 202603, 202606, 202609, 202612, 202703,
    ]  # fmt: skip
    assert found[-1] == Roll(20261210, 202612, 202703, decided=20261209)  # 10 December 2026 is a Thursday


def test_the_record_is_not_rolled_in_afterwards() -> None:
    # by rule the FTSE left September on 21 August 2023; the record still held it on the 31st, a Thursday
    ftse = future(RollRule(hold_cycle="HMUZ", offset_days=-30, expiry_offset_days=17), "FTSE100")
    last = Roll(20230518, 202306, 202309, decided=20230517)
    assert rolls_ahead(ftse, weekdays(), [last], 20230901, 20231031, ended=20230831) == [
        Roll(20230901, 202309, 202312, decided=20230831)
    ]
    assert rolls_ahead(ftse, weekdays(), [last], 20230901, 20230831)[0].session == 20230821  # its last day unknown


def test_a_roll_overdue_twice_still_holds_each_contract() -> None:
    late = Roll(20231218, 202309, 202312, decided=20231215)
    found = rolls_ahead(future(QUARTERLY), weekdays(), [late], 20240101, 20240401, ended=20240315)
    assert found == [Roll(20240318, 202312, 202403, 20240315), Roll(20240319, 202403, 202406, 20240318)]


def test_a_record_on_days_that_the_calendar_has_not_is_followed_in_order() -> None:
    recorded = [Roll(20230911, 202306, 202309, decided=20230908)]  # by then September was due, and both are holidays
    found = rolls_ahead(future(QUARTERLY), weekdays(20230911, 20230908), recorded, 20230901, 20230930)
    assert found == [Roll(20230913, 202309, 202312, decided=20230912)]
    RollSchedule({"SP500": [*recorded, *found]})


def test_a_roll_decided_on_the_last_day_is_known_that_day() -> None:
    schedule = extended(RollSchedule({}), {"SP500": future(QUARTERLY)}, {"X": weekdays()}, 20230901, 20230908)
    assert schedule.active("SP500", 20230908) == "SP500@202309"
    assert schedule.after_orders("SP500", 20230908) == "SP500@202312"


def test_a_schedule_keeps_what_was_recorded_and_what_does_not_roll() -> None:
    recorded = RollSchedule({"SP500": [MAY_2023]}, {"SPY": 0, "GOLD": 202310, "GONE": 202006})
    share = Instrument(id="SPY", kind=Kind.ETF, venue="ARCA", currency="USD", calendar="NYSE")
    instruments = {"SP500": future(QUARTERLY), "GOLD": future(GOLD, "GOLD"), "NEW": future(CRUDE, "NEW"), "SPY": share}
    schedule = extended(recorded, instruments, {"X": weekdays()}, 20230901, 20231231)
    assert schedule.months("SP500") == [202306, 202309, 202312, 202403]
    assert schedule.months("GOLD") == [202310, 202312, 202402]  # the contract it had, though no roll was recorded
    assert schedule.months("NEW") == [202312, 202412]
    assert schedule.months("SPY") == [0]
    assert schedule.months("GONE") == [202006]
    assert schedule.active("SP500", 20230525) == "SP500@202306"


def test_the_last_recorded_session_is_a_products_own() -> None:
    instruments = {name: future(QUARTERLY, name) for name in ("A", "B")}
    recorded = RollSchedule({}, {"A": 202309, "B": 202309})
    schedule = extended(recorded, instruments, {"X": weekdays()}, 20230901, 20231001, ended={"A": 20230920})
    assert [schedule.rolls(name)[0].session for name in ("A", "B")] == [20230921, 20230911]


def test_what_was_held_before_the_record_began_is_known_by_rule() -> None:
    # 10 March 2023 is a Friday, 10 December 2022 a Saturday
    assert rolls_behind(future(QUARTERLY), weekdays(), [MAY_2023], 20221201) == [
        Roll(20221212, 202212, 202303, decided=20221209),
        Roll(20230310, 202303, 202306, decided=20230309),
    ]
    assert rolls_behind(future(QUARTERLY), weekdays(), [MAY_2023], 20230311) == []
    assert rolls_behind(future(QUARTERLY), weekdays(), [], 20221201) == []


def test_a_record_that_begins_with_an_early_roll_has_the_one_before_it_earlier_still() -> None:
    early = Roll(20230309, 202306, 202309, decided=20230308)  # June was left before March was due
    found = rolls_behind(future(QUARTERLY), weekdays(), [early], 20230101)
    assert found == [Roll(20230308, 202303, 202306, decided=20230307)]
    RollSchedule({"SP500": [*found, early]})


def test_what_cannot_be_known_is_said() -> None:
    with pytest.raises(ValueError, match="SP500: sessions of X are not known up to 20320101"):
        rolls_ahead(future(QUARTERLY), weekdays(), [], 20230101, 20320101)
    with pytest.raises(ValueError, match="SP500 has no rule by which it rolls"):
        rolls_ahead(future(None), weekdays(), [], 20230101, 20231231)
    with pytest.raises(ValueError, match="SP500 has no rule by which it rolls"):
        held_by_rule(future(RollRule(hold_cycle="", offset_days=0)), weekdays(), 20230101)


@settings(max_examples=60, deadline=None)
@given(
    cycle=st.sets(st.sampled_from(MONTHS), min_size=1),
    offset=st.integers(-120, 0),
    expiry=st.integers(-15, 28),
    begin=st.integers(20200101, 20241231).filter(lambda n: 1 <= n // 100 % 100 <= 12 and 1 <= n % 100 <= 28),
)
def test_any_rule_gives_a_joined_calendar_that_leaves_no_month_of_its_cycle_out(
    cycle: set[str], offset: int, expiry: int, begin: int
) -> None:
    rule = RollRule(hold_cycle="".join(sorted(cycle)), offset_days=offset, expiry_offset_days=expiry)
    found = rolls_ahead(future(rule), weekdays(), [], begin, 20271231)
    RollSchedule({"SP500": found})  # in order and joined, or it raises
    assert all(one.session >= begin for one in found)
    held = [one.to_contract for one in found]
    assert held == [
        year * 100 + month + 1
        for year in range(2019, 2033)
        for month in range(12)
        if MONTHS[month] in cycle and found and held[0] <= year * 100 + month + 1 <= held[-1]
    ]
