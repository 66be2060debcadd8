"""Sessions against facts known from outside: holidays, half days, clock changes."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path

import pytest

from config.calendars import CALENDARS, Calendars
from config.errors import CalendarError
from model.sessions import Session


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Calendars:
    return Calendars(20010101, 20261231, tmp_path_factory.mktemp("sessions"))


def utc(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp()) * 10**9


def on(world: Calendars, calendar: str, date: int) -> Session:
    session = world.sessions(calendar).on(date)
    assert session is not None, f"{calendar} has no session on {date}"
    return session


def test_new_york_was_closed_after_the_eleventh_of_september_2001(world: Calendars) -> None:
    nyse = world.sessions("NYSE")
    assert [nyse.on(20010911 + day) for day in range(4)] == [None] * 4
    assert [s.date for s in nyse.between(20010910, 20010917)] == [20010910, 20010917]


def test_new_york_closes_at_one_the_day_after_thanksgiving(world: Calendars) -> None:
    assert on(world, "NYSE", 20191129).closes_ns == utc("2019-11-29T18:00")
    assert world.sessions("NYSE").on(20191128) is None
    assert on(world, "NYSE", 20191202).closes_ns == utc("2019-12-02T21:00")


def test_xetra_rests_on_the_first_of_may_and_london_does_not_always(world: Calendars) -> None:
    assert world.sessions("XETR").on(20190501) is None
    assert world.sessions("LSE").on(20190501) is not None
    assert world.sessions("EUREX").on(20190501) is None


def test_in_march_america_changes_its_clocks_weeks_before_europe(world: Calendars) -> None:
    # 2021: New York on 14 March, London and Frankfurt on 28 March.
    opens = {date: on(world, "NYSE", date).opens_ns for date in (20210312, 20210315, 20210329)}
    assert opens[20210312] == utc("2021-03-12T14:30")
    assert opens[20210315] == utc("2021-03-15T13:30")
    assert opens[20210329] == utc("2021-03-29T13:30")
    assert on(world, "XETR", 20210326).closes_ns == utc("2021-03-26T16:30")
    assert on(world, "XETR", 20210329).closes_ns == utc("2021-03-29T15:30")
    assert on(world, "LSE", 20210329).opens_ns == utc("2021-03-29T07:00")


def test_london_closed_early_on_christmas_eve(world: Calendars) -> None:
    assert on(world, "LSE", 20191224).closes_ns == utc("2019-12-24T12:30")


def test_a_chicago_session_opens_on_the_evening_before(world: Calendars) -> None:
    monday = on(world, "CME_FX", 20210614)
    assert monday.opens_ns == utc("2021-06-13T22:00")
    assert monday.closes_ns == utc("2021-06-14T21:00")


def test_tokyo_rested_ten_days_when_the_emperor_changed(world: Calendars) -> None:
    assert [s.date for s in world.sessions("JPX").between(20190426, 20190507)] == [20190426, 20190507]


def test_currencies_trade_from_five_to_five_in_new_york(world: Calendars) -> None:
    assert on(world, "24x5", 20210312) == Session(20210312, utc("2021-03-11T22:00"), utc("2021-03-12T22:00"))
    assert on(world, "24x5", 20210315) == Session(20210315, utc("2021-03-14T21:00"), utc("2021-03-15T21:00"))
    assert world.sessions("24x5").on(20210313) is None


def test_the_built_in_calendars_are_what_they_say(world: Calendars) -> None:
    assert on(world, "WEEKDAYS", 20191225) == Session(20191225, utc("2019-12-25T00:00"), utc("2019-12-25T21:00"))
    assert world.sessions("WEEKDAYS").on(20191228) is None
    assert on(world, "24x7", 20191228) == Session(20191228, utc("2019-12-28T00:00"), utc("2019-12-29T00:00"))


def test_an_unknown_calendar_is_refused_with_the_known_ones() -> None:
    with pytest.raises(CalendarError) as refused:
        Calendars(20200101, 20201231).sessions("NYES")
    assert refused.value.code == "CONFIG_CALENDAR"
    assert "NYSE" in refused.value.next


def test_every_calendar_of_the_table_can_be_built(world: Calendars) -> None:
    for calendar in CALENDARS:
        year = world.sessions(calendar).between(20190101, 20191231)
        assert 235 <= len(year) <= 365, calendar
        assert all(s.opens_ns < s.closes_ns for s in year), calendar


def test_what_is_cached_on_disk_is_the_same_and_needs_no_calendar_library(tmp_path: Path) -> None:
    built = Calendars(20190101, 20191231, tmp_path).sessions("XETR").between(20190101, 20191231)
    program = (
        "import sys; from pathlib import Path; from config.calendars import Calendars\n"
        f"s = Calendars(20190101, 20191231, Path({str(tmp_path)!r})).sessions('XETR')\n"
        "print(len(s), s.on(20191230).closes_ns, 'pandas' in sys.modules)"
    )
    root = Path(__file__).resolve().parents[2]
    said = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True).stdout
    assert said.split() == [str(len(built)), str(built[-1].closes_ns), "False"]


def test_a_shorter_range_is_cut_from_a_longer_one_on_disk(tmp_path: Path) -> None:
    Calendars(20180301, 20200930, tmp_path).sessions("NYSE")
    half = Calendars(20190107, 20190630, tmp_path).sessions("NYSE")
    assert [path.stem.rsplit("-", 2)[1:] for path in tmp_path.iterdir()] == [["20180101", "20201231"]]
    assert half.between(0, 99999999)[0].date == 20190107
    assert len(half) == len(Calendars(20190107, 20190630).sessions("NYSE"))


def test_a_damaged_cache_file_is_built_again(tmp_path: Path) -> None:
    first = Calendars(20190101, 20190630, tmp_path).sessions("LSE").between(20190101, 20190630)
    (cached,) = tmp_path.iterdir()
    cached.write_bytes(cached.read_bytes()[:-20])
    assert Calendars(20190101, 20190630, tmp_path).sessions("LSE").between(20190101, 20190630) == first


def test_a_cache_folder_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    assert len(Calendars(20190101, 20190131, blocked).sessions("NYSE")) == 21
