"""The gateway's trading hours against our calendar: a session that only one of them has is not traded blindly."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from model.sessions import Session, Sessions
from model.units import NS_PER_SECOND

SLACK_NS = 20 * 60 * NS_PER_SECOND
"""How far openings and closings may be apart: auctions are in the hours of one and not of the other."""

DAYS = 5
_ZONES = {"EST": "America/New_York", "CST": "America/Chicago", "MET": "Europe/Berlin", "GMT": "Europe/London"}
"""Names that older gateways print for zones with summer time."""


def parsed(hours: str, zone: str) -> dict[int, tuple[int, int] | None]:
    """Exchange date -> first opening and last closing in UTC nanoseconds, None for CLOSED.

    `20261119:1700-20261120:1600;20261121:CLOSED`: a session belongs to the date on which it closes. Raises ValueError.
    """
    place = _zone(zone)
    sessions: dict[int, tuple[int, int] | None] = {}
    for part in filter(None, hours.split(";")):
        day, _, rest = part.partition(":")
        if rest == "CLOSED":
            sessions.setdefault(int(day), None)
            continue
        begins, _, ends = part.partition("-")
        opens_ns = _moment(begins, place)
        closes = ends if ":" in ends else f"{day}:{ends}"
        date, closes_ns = int(closes.partition(":")[0]), _moment(closes, place)
        known = sessions.get(date)
        sessions[date] = (min(known[0], opens_ns), max(known[1], closes_ns)) if known else (opens_ns, closes_ns)
    return sessions


def differences(hours: str, zone: str, sessions: Sessions, now_ns: int, days: int = DAYS) -> list[str]:
    """Where hours and calendar disagree about the next days, in words. Hours that cannot be read are one difference."""
    try:
        theirs = parsed(hours, zone)
    except ValueError as error:
        return [f"its hours cannot be read: {error}"]
    found = []
    for date, session in sorted(theirs.items())[:days]:
        ours = sessions.on(date)
        if session is not None and session[1] <= now_ns:
            continue
        if not _alike(session, ours):
            found.append(f"{date}: the gateway says {_said(session)}, the calendar {_own(ours)}")
    return found


def _alike(session: tuple[int, int] | None, ours: Session | None) -> bool:
    if session is None or ours is None:
        return session is None and ours is None
    return abs(session[0] - ours.opens_ns) <= SLACK_NS and abs(session[1] - ours.closes_ns) <= SLACK_NS


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(_ZONES.get(name, name))
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"{name!r} is no time zone") from None


def _moment(text: str, zone: ZoneInfo) -> int:
    moment = dt.datetime.strptime(text, "%Y%m%d:%H%M").replace(tzinfo=zone)
    return int(moment.timestamp()) * NS_PER_SECOND


def _said(session: tuple[int, int] | None) -> str:
    return "closed" if session is None else _span(*session)


def _own(session: Session | None) -> str:
    return "closed" if session is None else _span(session.opens_ns, session.closes_ns)


def _span(opens_ns: int, closes_ns: int) -> str:
    begins, ends = (dt.datetime.fromtimestamp(each // NS_PER_SECOND, dt.UTC) for each in (opens_ns, closes_ns))
    return f"{begins:%Y-%m-%d %H:%M} to {ends:%H:%M} UTC"
