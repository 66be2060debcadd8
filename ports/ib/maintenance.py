"""When a gateway is expected to be away: nights, and once a week for a person's second factor. As data."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import msgspec

from model.units import NS_PER_SECOND


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A time of the week in which the link may be away, in local time of `zone`.

    weekday: 0 is Monday, None for every day.  begins and ends: hh:mm; an end at or before the beginning is on the next
    day.  retry_s: how often it is tried meanwhile.  todo: what a person does, if anything.
    """

    name: str
    zone: str
    begins: str
    ends: str
    weekday: int | None = None
    retry_s: float = 30.0
    todo: str = ""


WINDOWS: tuple[Window, ...] = (
    Window(
        name="weekly log-in", zone="America/New_York", weekday=6, begins="01:00", ends="09:00", retry_s=60.0,
        todo="approve the log-in with the second factor: the gateway's token has expired, as it does each Sunday",
    ),
    Window(name="nightly reset, Americas", zone="America/New_York", begins="23:45", ends="00:45"),
    Window(name="nightly reset, Europe", zone="Europe/Zurich", begins="05:45", ends="06:45"),
)  # fmt: skip
"""Source: specs and the broker's published system status page; check the region of your account's servers."""


def window_at(now_ns: int, windows: tuple[Window, ...] = WINDOWS) -> Window | None:
    """The first window that a moment lies in."""
    for window in windows:
        if _lies_in(window, now_ns):
            return window
    return None


def _lies_in(window: Window, now_ns: int) -> bool:
    local = dt.datetime.fromtimestamp(now_ns // NS_PER_SECOND, ZoneInfo(window.zone))
    begins, ends = dt.time.fromisoformat(window.begins), dt.time.fromisoformat(window.ends)
    minute = local.time()
    if begins < ends:
        return begins <= minute < ends and window.weekday in (None, local.weekday())
    if minute >= begins:
        return window.weekday in (None, local.weekday())
    return minute < ends and window.weekday in (None, (local.weekday() - 1) % 7)


def midnight_ns(now_ns: int, zone: str) -> int:
    """The last midnight in a zone, at or before a moment."""
    local = dt.datetime.fromtimestamp(now_ns // NS_PER_SECOND, ZoneInfo(zone))
    return int(local.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()) * NS_PER_SECOND
