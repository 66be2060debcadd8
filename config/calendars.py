"""Sessions of the world's exchanges as `model.sessions.Sessions`, from pandas_market_calendars and a cache of integers.

Building a calendar costs 20 to 120 ms and its library a second to import, so what was built once is kept in memory and,
when a folder is given, on disk, by whole years, under a name that tells calendar, library version and range.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import importlib.metadata
import os
import warnings
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from config.errors import CalendarError
from model.sessions import Session, Sessions
from model.units import NS_PER_DAY, NS_PER_SECOND

WEEKDAYS_CLOSE_NS = 21 * 3600 * NS_PER_SECOND

# ours -> the library's. "" is built in.
CALENDARS: dict[str, str] = {
    "WEEKDAYS": "",
    "24x7": "",
    "24x5": "",
    "NYSE": "NYSE",
    "NASDAQ": "NASDAQ",
    "CFE": "CFE",
    "CME_EQUITY": "CME_Equity",
    "CME_RATES": "CME_Rate",
    "CME_FX": "CMEGlobex_FX",
    "CME_ENERGY": "CMEGlobex_Crude",
    "CME_METALS": "CMEGlobex_PreciousMetals",
    "CME_GRAINS": "CMEGlobex_Grains",
    "CME_LIVESTOCK": "CMEGlobex_Livestock",
    "CME_CRYPTO": "CME Globex Crypto",
    "ICE_US": "ICEUS",
    "ICE_EUROPE": "IEPA",
    "TSX": "TSX",
    "LSE": "LSE",
    "XETR": "XETR",
    "EUREX": "EUREX",
    "EUREX_BOND": "EUREX_Bond",
    "XPAR": "XPAR",
    "XAMS": "XAMS",
    "XMAD": "XMAD",
    "XMIL": "XMIL",
    "XSWX": "XSWX",
    "HKEX": "HKEX",
    "JPX": "JPX",
    "SGX": "XSES",
    "KRX": "XKRX",
}


class _Table(msgspec.Struct, frozen=True):
    """The form of a cache file: parallel columns."""

    calendar: str
    dates: list[int]
    opens_ns: list[int]
    closes_ns: list[int]


class Calendars:
    """Sessions by calendar, built when first asked for, over one range of exchange dates (yyyymmdd, both inclusive).

    cache_dir: where built tables are kept; None keeps them in memory alone. A cache that cannot be read or written
    costs time, never correctness.
    """

    def __init__(self, first: int, last: int, cache_dir: Path | None = None) -> None:
        self.first = first
        self.last = last
        self._cache_dir = cache_dir
        self._built: dict[str, Sessions] = {}

    def sessions(self, calendar: str) -> Sessions:
        """The sessions of a calendar. Raises CalendarError for a name that is not in CALENDARS."""
        found = self._built.get(calendar)
        if found is None:
            found = self._built[calendar] = self._load(calendar)
        return found

    def _load(self, calendar: str) -> Sessions:
        if calendar not in CALENDARS:
            raise CalendarError.one(
                file="calendars",
                key=calendar,
                what=f"there is no calendar {calendar}",
                next=f"Give one of {', '.join(sorted(CALENDARS))}",
            )
        library_name = CALENDARS[calendar]
        if not library_name:
            return Sessions(calendar, _built_in(calendar, self.first, self.last))
        table = self._cached(calendar)
        if table is None:
            first, last = self.first // 10_000 * 10_000 + 101, self.last // 10_000 * 10_000 + 1231
            table = _build(calendar, library_name, first, last)
            if self._cache_dir:
                _write(self._cache_dir / f"{_stem(calendar)}-{first}-{last}.json", table)
        rows = zip(table.dates, table.opens_ns, table.closes_ns, strict=True)
        return Sessions(calendar, [Session(*row) for row in rows if self.first <= row[0] <= self.last])

    def _cached(self, calendar: str) -> _Table | None:
        """A table on disk that covers the range; the library's version is in its name."""
        for path in sorted(self._cache_dir.glob(f"{_stem(calendar)}-*.json")) if self._cache_dir else ():
            first, last = path.stem.rsplit("-", 2)[1:]
            if first.isdecimal() and last.isdecimal() and int(first) <= self.first and self.last <= int(last):
                table = _read(path, calendar)
                if table is not None:
                    return table
        return None


def _stem(calendar: str) -> str:
    return f"sessions-{calendar}-{importlib.metadata.version('pandas-market-calendars')}"


def _build(calendar: str, library_name: str, first: int, last: int) -> _Table:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pandas_market_calendars as library

        schedule = library.get_calendar(library_name).schedule(_iso(first), _iso(last))
    opens = schedule["market_open"].astype("datetime64[ns, UTC]").astype("int64").tolist()
    closes = schedule["market_close"].astype("datetime64[ns, UTC]").astype("int64").tolist()
    dates = [int(day.strftime("%Y%m%d")) for day in schedule.index]
    kept = [row for row in zip(dates, opens, closes, strict=True) if row[1] < row[2]]
    return _Table(calendar, [r[0] for r in kept], [r[1] for r in kept], [r[2] for r in kept])


def _built_in(calendar: str, first: int, last: int) -> list[Session]:
    """WEEKDAYS: Monday to Friday, 00:00 to 21:00 UTC. 24x7: every day, midnight to midnight.

    24x5: currencies, from 17:00 to 17:00 in New York; Monday's session opens on Sunday.
    """
    day, end = dt.date.fromisoformat(_iso(first)), dt.date.fromisoformat(_iso(last))
    sessions: list[Session] = []
    for ordinal in range(day.toordinal(), end.toordinal() + 1):
        date = dt.date.fromordinal(ordinal)
        if calendar == "24x7" or date.weekday() < 5:
            number = date.year * 10_000 + date.month * 100 + date.day
            sessions.append(Session(number, *_hours(calendar, ordinal)))
    return sessions


def _hours(calendar: str, ordinal: int) -> tuple[int, int]:
    if calendar == "24x5":
        return _five_pm_ns(ordinal - 1), _five_pm_ns(ordinal)
    opens = (ordinal - dt.date(1970, 1, 1).toordinal()) * NS_PER_DAY
    return opens, opens + (NS_PER_DAY if calendar == "24x7" else WEEKDAYS_CLOSE_NS)


def _five_pm_ns(ordinal: int) -> int:
    at = dt.datetime.combine(dt.date.fromordinal(ordinal), dt.time(17), ZoneInfo("America/New_York"))
    return int(at.timestamp()) * NS_PER_SECOND


def _iso(date: int) -> str:
    return f"{date // 10_000:04d}-{date // 100 % 100:02d}-{date % 100:02d}"


def _read(path: Path, calendar: str) -> _Table | None:
    try:
        table = msgspec.json.decode(path.read_bytes(), type=_Table)
    except (OSError, msgspec.MsgspecError):
        return None
    whole = len(table.dates) == len(table.opens_ns) == len(table.closes_ns)
    return table if whole and table.calendar == calendar else None


def _write(path: Path, table: _Table) -> None:
    beside = path.with_suffix(f".{os.getpid()}")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(msgspec.json.encode(table))
        os.replace(beside, path)
