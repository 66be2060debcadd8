"""The venue of a replay is open when the record has a close: sessions made from bars, with the calendar's opening."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np

from model.instruments import Instrument
from model.sessions import Sessions
from model.units import NS_PER_DAY
from state.lake import Lake
from state.lake.lake import Ints

Table = tuple[Ints, Ints, Ints]
"""Dates (yyyymmdd), openings and closings in UTC nanoseconds."""


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
    tables = {name: table_of(calendar) for name, calendar in calendars.items()}
    for name, one in instruments.items():
        if name in quoted or not lake.has("bars", name):
            listed[name] = one
            continue
        calendar = f"record of {name}"
        listed[name] = msgspec.structs.replace(one, calendar=calendar)
        sessions[calendar] = recorded_sessions(lake, name, calendar, tables[one.calendar])
    return listed, sessions


def table_of(calendar: Sessions) -> Table:
    """A calendar's dates, openings and closings as columns."""
    dates, opens_ns, closes_ns = (np.array(column, dtype=np.int64) for column in calendar.columns)
    return dates, opens_ns, closes_ns


def recorded_sessions(lake: Lake, product: str, name: str, calendar: Table) -> Sessions:
    """One session a recorded date, closing with its last bar, and after the record's end those of the calendar."""
    bars = lake.bars(product)
    dates, first = np.unique(bars.session, return_index=True)
    if not len(dates):
        return Sessions.of_columns(name, *(column.tolist() for column in calendar))
    known, opens_known, closes_known = calendar
    closes_ns = np.maximum.reduceat(bars.at_ns, first)
    place = np.minimum(np.searchsorted(known, dates), len(known) - 1)
    opens_ns = np.where(known[place] == dates, opens_known[place], closes_ns)
    before_ns = np.concatenate((np.zeros(1, dtype=np.int64), closes_ns[:-1]))
    fits = (before_ns <= opens_ns) & (opens_ns < closes_ns)
    opens_ns = np.where(fits, opens_ns, np.maximum(before_ns, closes_ns - NS_PER_DAY))
    later = (known > dates[-1]) & (closes_known > closes_ns[-1])
    made = ((dates, known), (opens_ns, opens_known), (closes_ns, closes_known))
    return Sessions.of_columns(name, *(np.concatenate((ours, theirs[later])).tolist() for ours, theirs in made))
