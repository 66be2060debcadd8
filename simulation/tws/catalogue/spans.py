"""The words of a request for history: bar sizes, durations, ends, and how dates are printed back."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from model.units import NS_PER_SECOND
from simulation.tws.catalogue.refused import invalid

DAY_S = 86_400
WEEK_S = 7 * DAY_S
MONTH_S = 30 * DAY_S
EARLIEST_YEAR = 1970
"""A duration that reaches further back begins here."""

BAR_SIZES: dict[str, int] = {
    "1 secs": 1,
    "5 secs": 5,
    "10 secs": 10,
    "15 secs": 15,
    "30 secs": 30,
    "1 min": 60,
    "2 mins": 120,
    "3 mins": 180,
    "5 mins": 300,
    "10 mins": 600,
    "15 mins": 900,
    "20 mins": 1_200,
    "30 mins": 1_800,
    "1 hour": 3_600,
    "2 hours": 7_200,
    "3 hours": 10_800,
    "4 hours": 14_400,
    "8 hours": 28_800,
    "1 day": DAY_S,
    "1 week": WEEK_S,
    "1W": WEEK_S,
    "1 month": MONTH_S,
    "1M": MONTH_S,
}
"""Seconds of each size; a week and a month stand for themselves."""

_DURATION = re.compile(r"([1-9]\d{0,6}) ([SDWMY])")
_END = re.compile(r"(\d{8})(?:[ -]{1,2}(\d{2}:\d{2}:\d{2}))?(?: (\S+))?")


class Duration(msgspec.Struct, frozen=True):
    """How far back. unit: S seconds, D trading days, W weeks, M months, Y years."""

    count: int
    unit: str

    def begins_ns(self, end_ns: int) -> int:
        """The moment that lies this far before the end, for every unit but D."""
        if self.unit in "SW":
            return end_ns - self.count * (WEEK_S if self.unit == "W" else 1) * NS_PER_SECOND
        end = dt.datetime.fromtimestamp(end_ns // NS_PER_SECOND, dt.UTC)
        months = end.year * 12 + end.month - 1 - self.count * (12 if self.unit == "Y" else 1)
        if months < 12 * EARLIEST_YEAR:
            return 0
        year, month = divmod(months, 12)
        last_day = calendar.monthrange(year, month + 1)[1]
        begin = end.replace(year=year, month=month + 1, day=min(end.day, last_day))
        return int(begin.timestamp()) * NS_PER_SECOND


def bar_size(text: str) -> int:
    """Seconds of a bar size. Raises Refused, 321, for one that the protocol does not know."""
    found = BAR_SIZES.get(text)
    if found is None:
        raise invalid(f"{text!r} is not a bar size; give one of {', '.join(BAR_SIZES)}")
    return found


def duration(text: str) -> Duration:
    """Raises Refused, 321, for what is not a duration such as `30 D`, and for more than a year in days."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise invalid(f"{text!r} is not a duration; give a number and S, D, W, M or Y, such as 30 D")
    count, unit = int(found[1]), found[2]
    if unit == "S" and count > DAY_S:
        raise invalid("Historical data requests for durations longer than 86400 seconds must be made in days")
    if (unit, count) > ("D", 365) and unit == "D":
        raise invalid("Historical data requests for durations longer than 365 days must be made in years")
    if (unit == "W" and count > 52) or (unit == "M" and count > 12):
        raise invalid(f"Historical data requests for durations longer than a year must be made in years, not {unit}")
    return Duration(count, unit)


def moment(text: str, now_ns: int, zone: str) -> int:
    """A moment of a request: `20261120 16:00:00 US/Eastern`, `20261120-16:00:00` in UTC, `20261120` (its end), or
    nothing for now.

    zone: what a time without one is in.  Raises Refused, 321, for anything else.
    """
    if not text.strip():
        return now_ns
    found = _END.fullmatch(text.strip())
    if found is None:
        raise invalid(f"{text!r} is not a time; give yyyymmdd hh:mm:ss zone, or yyyymmdd-hh:mm:ss in UTC")
    date, time, named = found.groups()
    place = named or ("UTC" if "-" in text else zone)
    try:
        at = dt.datetime.fromisoformat(f"{date}T{time or '23:59:59'}").replace(tzinfo=ZoneInfo(place))
        return int(at.timestamp()) * NS_PER_SECOND
    except (ValueError, ZoneInfoNotFoundError, OSError):
        raise invalid(f"{text!r} is not a time; the date, the hour or the zone does not exist") from None


def date_text(session: int, format_date: int) -> str:
    """The date of a daily bar, the same in both forms."""
    checked(format_date)
    return f"{session:08d}"


def time_text(ns: int, format_date: int, zone: str) -> str:
    """The beginning of a bar within a day: text in the exchange's zone (1) or epoch seconds (2)."""
    if checked(format_date) == 2:
        return str(ns // NS_PER_SECOND)
    at = dt.datetime.fromtimestamp(ns // NS_PER_SECOND, ZoneInfo(zone))
    return f"{at:%Y%m%d %H:%M:%S} {zone}"


def head_text(ns: int, format_date: int) -> str:
    """A head time stamp: `20040123-14:30:00` in UTC (1) or epoch seconds (2)."""
    if checked(format_date) == 2:
        return str(ns // NS_PER_SECOND)
    return f"{dt.datetime.fromtimestamp(ns // NS_PER_SECOND, dt.UTC):%Y%m%d-%H:%M:%S}"


def checked(format_date: int) -> int:
    """Raises Refused, 321, for a form of dates that is neither 1 nor 2."""
    if format_date not in (1, 2):
        raise invalid(f"{format_date} is not a form of dates; give 1 for text or 2 for seconds")
    return format_date
