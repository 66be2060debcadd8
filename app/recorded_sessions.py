"""The venue of a replay is open when the record has a close: sessions made from bars, with the calendar's opening."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np

from model.instruments import Instrument
from model.sessions import Session, Sessions
from model.units import NS_PER_DAY
from state.lake import Lake

FAR = 99_999_999


def recorded_venue(
    lake: Lake, instruments: Mapping[str, Instrument], calendars: Mapping[str, Sessions]
) -> tuple[dict[str, Instrument], dict[str, Sessions]]:
    """Instruments and sessions for an exchange that replays a lake.

    Each product with bars, and without recorded quotes, gets a calendar of its own. An order that lives for a session
    then waits for the next recorded close, over holidays that the published calendar does not know and days that the
    record lost, instead of ending on a day without a price; and no close comes after its session has ended.
    """
    quoted = {name.partition("@")[0] for name in lake.quoted()}
    listed: dict[str, Instrument] = {}
    sessions = dict(calendars)
    for name, one in instruments.items():
        if name in quoted or not lake.has("bars", name):
            listed[name] = one
            continue
        calendar = f"record of {name}"
        listed[name] = msgspec.structs.replace(one, calendar=calendar)
        sessions[calendar] = recorded_sessions(lake, name, calendar, calendars[one.calendar])
    return listed, sessions


def recorded_sessions(lake: Lake, product: str, name: str, calendar: Sessions) -> Sessions:
    """One session a recorded date, closing with its last bar, and after the record's end those of the calendar."""
    bars = lake.bars(product)
    dates, first = np.unique(bars.session, return_index=True)
    closes = np.maximum.reduceat(bars.at_ns, first) if len(dates) else dates
    known = {one.date: one.opens_ns for one in calendar.between(int(dates[0]), int(dates[-1]))} if len(dates) else {}
    made: list[Session] = []
    before_ns = 0
    for date, closes_ns in zip(dates.tolist(), closes.tolist(), strict=True):
        opens_ns = known.get(date, closes_ns)
        if not before_ns <= opens_ns < closes_ns:
            opens_ns = max(before_ns, closes_ns - NS_PER_DAY)
        made.append(Session(date, opens_ns, closes_ns))
        before_ns = closes_ns
    last = made[-1] if made else Session(0, 0, 0)
    later = [one for one in calendar.between(last.date + 1, FAR) if one.closes_ns > last.closes_ns]
    return Sessions(name, [*made, *later])
