"""Sessions as the protocol writes them: `20261120:0800-20261120:1630;20261121:CLOSED`, in an exchange's own zone."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from model.sessions import Session, Sessions
from model.units import NS_PER_SECOND
from simulation.tws.catalogue.names import LIQUID, ZONES

DAYS = 6
"""Today and the days after it that are told."""


def zone_of(calendar: str) -> str:
    return ZONES.get(calendar, "UTC")


def local(ns: int, zone: str) -> dt.datetime:
    """A moment on the clock of a zone; what is below a second is cut off."""
    return dt.datetime.fromtimestamp(ns // NS_PER_SECOND, ZoneInfo(zone))


def trading_hours(sessions: Sessions, now_ns: int, zone: str) -> str:
    """Sessions from today's to the one five days on, each as it opens and closes; CLOSED where a day has none of its
    own and none opens on it. Pauses inside a session are not told."""
    return _told(sessions, now_ns, zone, None)


def liquid_hours(sessions: Sessions, now_ns: int, zone: str, calendar: str) -> str:
    """As `trading_hours`, cut to the calendar's liquid hours where it has such."""
    return _told(sessions, now_ns, zone, LIQUID.get(calendar))


def _told(sessions: Sessions, now_ns: int, zone: str, limits: tuple[str, str] | None) -> str:
    today = local(now_ns, zone).date()
    days = [today + dt.timedelta(days=i) for i in range(DAYS)]
    held = {session.date: session for session in sessions.between(_number(today), _number(days[-1]) + 100)}
    opened = {local(session.opens_ns, zone).date() for session in held.values()}
    parts = []
    for day in days:
        session = held.get(_number(day))
        if session is not None:
            parts.append(_segment(session, zone, limits, day))
        elif day not in opened:
            parts.append(f"{_number(day)}:CLOSED")
    return ";".join(parts)


def _segment(session: Session, zone: str, limits: tuple[str, str] | None, day: dt.date) -> str:
    opens, closes = local(session.opens_ns, zone), local(session.closes_ns, zone)
    if limits is not None:
        first, last = (dt.datetime.combine(day, dt.time.fromisoformat(text), ZoneInfo(zone)) for text in limits)
        opens, closes = max(opens, first), min(closes, last)
        if opens >= closes:
            return f"{_number(day)}:CLOSED"
    return f"{opens:%Y%m%d:%H%M}-{closes:%Y%m%d:%H%M}"


def _number(day: dt.date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day
