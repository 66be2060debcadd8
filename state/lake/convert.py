"""From what sources hold to what the lake holds: scaled integers, yyyymmdd sessions, UTC nanoseconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from model.units import PX_SCALE, QTY_SCALE, px_from_float
from state.lake.lake import Ints

Floats: TypeAlias = npt.NDArray[np.float64]
Days: TypeAlias = npt.NDArray[np.datetime64]
CloseOf: TypeAlias = Callable[[str, int], int | None]

NS_PER_HOUR = 3_600 * 10**9
NS_PER_DAY = 24 * NS_PER_HOUR
DEFAULT_CLOSE_NS = 21 * NS_PER_HOUR
DEFAULT_CLOSES = "21:00 UTC"


def nano(values: Floats) -> Ints:
    """Floats to prices in 1e-9, half to even: the same integers as `model.units.px_from_float`, a column at a time.

    Raises ValueError for NaN, infinities and prices of 9.2 billion and more.
    """
    return _scaled(values, PX_SCALE)


def lots(values: Floats) -> Ints:
    """Floats to quantities in 1e-8, to the nearest; NaN is 0. Raises ValueError for more than 64 bits hold."""
    return _scaled(np.nan_to_num(values, nan=0.0), QTY_SCALE)


def _scaled(values: Floats, scale: int) -> Ints:
    if not bool(np.isfinite(values).all()):
        raise ValueError("a value is not a finite number")
    if len(values) and float(np.abs(values).max()) * scale >= 2.0**63:
        raise ValueError("a value is too large to be real")
    fraction, whole = np.modf(values)
    small = fraction * scale
    result: Ints = whole.astype(np.int64) * scale + np.rint(small).astype(np.int64)
    if scale == PX_SCALE:
        tie = np.abs(np.abs(small - np.trunc(small)) - 0.5) < 1e-6
        for i in np.flatnonzero(tie):
            result[i] = px_from_float(float(values[i]))
    return result


def sessions(days: Days) -> Ints:
    """Dates as yyyymmdd."""
    day = days.astype("datetime64[D]")
    month = day.astype("datetime64[M]")
    year = day.astype("datetime64[Y]")
    result: Ints = (
        (year.astype(np.int64) + 1970) * 10_000
        + ((month - year).astype(np.int64) + 1) * 100
        + (day - month).astype(np.int64)
        + 1
    )
    return result


def days(session: Ints) -> Ints:
    """yyyymmdd as days since 1970. An impossible date (month 13, 30 February) becomes the day it overflows to."""
    months = (session // 10_000 - 1970) * 12 + (session // 100) % 100 - 1
    first = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    result: Ints = first + session % 100 - 1
    return result


def sessions_at(at_ns: Ints) -> Ints:
    """UTC date, as yyyymmdd, of each instant."""
    return sessions((at_ns // NS_PER_DAY).astype("datetime64[D]"))


def default_closes(session: Ints, close_ns: int = DEFAULT_CLOSE_NS) -> Ints:
    """The same UTC time of day on every session."""
    result: Ints = days(session) * NS_PER_DAY + close_ns
    return result


def closes(product: str, session: Ints, close_of: CloseOf | None) -> tuple[Ints, list[int]]:
    """When the bars of a product's sessions are known, and the sessions its calendar does not have.

    Those get 21:00 UTC, the time after which every European and American market has closed.
    """
    at_ns = default_closes(session)
    if close_of is None:
        return at_ns, []
    unique, where = np.unique(session, return_inverse=True)
    table = default_closes(unique)
    strangers: list[int] = []
    for i, date in enumerate(unique.tolist()):
        close = close_of(product, date)
        if close is None:
            strangers.append(date)
        else:
            table[i] = close
    return table[where], strangers
