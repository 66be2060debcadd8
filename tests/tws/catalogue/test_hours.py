"""Trading hours in the protocol's words, against the calendar library itself, in weeks in which clocks change."""

from __future__ import annotations

import datetime as dt
import warnings
from zoneinfo import ZoneInfo

import pytest

from tests.tws.catalogue.kit import CatalogueAt, details

Moments = list[tuple[dt.datetime, dt.datetime]]

LINES = [
    # instrument, the library's calendar, zone
    ("CSPX", "LSE", "GB-Eire"),
    ("SXRT", "XETR", "MET"),
    ("SPY", "NYSE", "US/Eastern"),
    ("SP500@202106", "CME_Equity", "US/Central"),
    ("EUROSTX@202106", "EUREX", "MET"),
    ("VIX@202106", "CFE", "US/Central"),
]
WEEKS = ["2021-03-12", "2021-03-26", "2021-10-29", "2021-11-05", "2020-12-23"]
"""Before the American and European changes of spring and autumn, and Christmas with its half days."""


def read(hours: str, zone: str) -> tuple[Moments, list[str]]:
    """Sessions and closed days of a text."""
    found: Moments = []
    closed: list[str] = []
    for part in hours.split(";"):
        if part.endswith(":CLOSED"):
            closed.append(part.removesuffix(":CLOSED"))
            continue
        begin, end = (
            dt.datetime.strptime(one, "%Y%m%d:%H%M").replace(tzinfo=ZoneInfo(zone)) for one in part.split("-")
        )
        found.append((begin, end))
    return found, closed


def published(calendar: str, first: dt.date, last: dt.date) -> Moments:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pandas_market_calendars as library

        schedule = library.get_calendar(calendar).schedule(first.isoformat(), last.isoformat())
    return [(row.market_open.to_pydatetime(), row.market_close.to_pydatetime()) for row in schedule.itertuples()]


@pytest.mark.parametrize("day", WEEKS)
@pytest.mark.parametrize(("instrument", "calendar", "zone"), LINES)
def test_hours_are_those_of_the_calendar_library(
    catalogue_at: CatalogueAt, instrument: str, calendar: str, zone: str, day: str
) -> None:
    said = details(catalogue_at(f"{day}T12:00"), instrument)
    first = dt.date.fromisoformat(day)
    found, _ = read(said.trading_hours, said.time_zone)
    assert said.time_zone == zone
    assert found == published(calendar, first, first + dt.timedelta(days=5))


def test_a_holiday_and_a_weekend_are_closed(catalogue_at: CatalogueAt) -> None:
    said = details(catalogue_at("2021-04-01T12:00"), "CSPX")
    assert said.trading_hours == (
        "20210401:0800-20210401:1630;20210402:CLOSED;20210403:CLOSED;20210404:CLOSED;20210405:CLOSED;"
        "20210406:0800-20210406:1630"
    )
    assert said.liquid_hours == said.trading_hours


def test_a_future_that_opens_on_sunday_evening_is_closed_on_saturday_alone(catalogue_at: CatalogueAt) -> None:
    said = details(catalogue_at("2021-04-09T12:00"), "SP500@202106")
    assert said.trading_hours == (
        "20210408:1700-20210409:1600;20210410:CLOSED;20210411:1700-20210412:1600;20210412:1700-20210413:1600;"
        "20210413:1700-20210414:1600"
    )
    assert said.liquid_hours.startswith("20210409:0830-20210409:1600;20210410:CLOSED;20210412:0830-20210412:1600")


def test_a_day_that_ends_before_its_liquid_hours_is_told_as_closed(catalogue_at: CatalogueAt) -> None:
    said = details(catalogue_at("2021-04-01T12:00"), "SP500@202106")
    assert "20210401:1700-20210402:0815" in said.trading_hours
    assert "20210402:CLOSED" in said.liquid_hours


def test_a_half_day_ends_early(catalogue_at: CatalogueAt) -> None:
    said = details(catalogue_at("2020-12-23T12:00"), "SPY")
    assert "20201224:0930-20201224:1300" in said.trading_hours


def test_currencies_trade_from_five_to_five_in_new_york(catalogue_at: CatalogueAt) -> None:
    said = details(catalogue_at("2021-03-12T12:00"), "EURUSD")
    assert said.trading_hours.split(";")[:3] == [
        "20210311:1700-20210312:1700",
        "20210313:CLOSED",
        "20210314:1700-20210315:1700",
    ]


def test_days_are_counted_on_the_exchanges_own_clock(catalogue_at: CatalogueAt) -> None:
    late = details(catalogue_at("2021-03-11T23:30"), "NIKKEI@202106")
    assert late.time_zone == "Japan"
    assert late.trading_hours.startswith("20210312:")
