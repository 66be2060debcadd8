"""One cell of a user's file to one exact value. Every refusal says what the cell holds and what is wanted."""

from __future__ import annotations

import datetime as dt
import math
import re
from decimal import Decimal, InvalidOperation
from typing import TypeAlias

from model.units import PX_SCALE, QTY_SCALE, px_from_float

Cell: TypeAlias = str | int | float | Decimal | dt.date | dt.datetime | None

_DATE = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class CellError(ValueError):
    """What is wrong with a cell, without its place."""


def price(cell: Cell) -> int:
    """A price in 1e-9: decimal text exactly, a binary float to the nearest."""
    if isinstance(cell, float):
        if not math.isfinite(cell):
            raise CellError(f"{cell!r} is not a number")
        try:
            return px_from_float(cell)
        except ValueError as error:
            raise CellError(str(error)) from None
    return _exact(cell, PX_SCALE)


def quantity(cell: Cell) -> int:
    """A quantity in 1e-8, never negative; an empty cell is 0."""
    if cell is None or cell == "" or (isinstance(cell, float) and math.isnan(cell)):
        return 0
    value = _exact(repr(cell) if isinstance(cell, float) else cell, QTY_SCALE)
    if value < 0:
        raise CellError(f"{cell} is negative")
    return value


def month(cell: Cell) -> int:
    """A contract month yyyymm; an empty cell is 0."""
    if cell is None or cell == "":
        return 0
    text = str(cell)
    if text == "0":
        return 0
    if not (text.isdigit() and len(text) == 6 and 1 <= int(text[4:]) <= 12):
        raise CellError(f"{text!r} is not a contract month like 202312")
    return int(text)


def date(cell: Cell) -> int:
    """A date yyyymmdd from 2023-12-31, 20231231 or a date type."""
    if isinstance(cell, dt.datetime):
        if cell.time() != dt.time():
            raise CellError(f"{cell} has a time of day; put it in a column called time")
        cell = cell.date()
    if isinstance(cell, dt.date):
        return cell.year * 10_000 + cell.month * 100 + cell.day
    found = _DATE.fullmatch(str(cell or "").strip())
    if found is None:
        raise CellError(f"{cell!r} is not a date like 2023-12-31")
    try:
        day = dt.date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        raise CellError(f"{cell!r} is not a day of the calendar") from None
    return day.year * 10_000 + day.month * 100 + day.day


def instant(cell: Cell) -> int:
    """UTC nanoseconds from a time that says its zone, like 2023-12-31T16:00:00Z or …+01:00."""
    if not isinstance(cell, dt.datetime):
        text = str(cell or "").strip()
        try:
            cell = dt.datetime.fromisoformat(text)
        except ValueError:
            raise CellError(f"{text!r} is not a time like 2023-12-31T16:00:00Z") from None
    if cell.tzinfo is None:
        raise CellError(f"{cell} does not say its time zone; add Z or an offset like +01:00")
    since = cell - _EPOCH
    return ((since.days * 86_400 + since.seconds) * 10**6 + since.microseconds) * 1_000


def _exact(cell: Cell, scale: int) -> int:
    if cell is None or cell == "":
        raise CellError("there is no value")
    if isinstance(cell, dt.date):
        raise CellError(f"{cell} is a date")
    try:
        value = Decimal(cell)
    except InvalidOperation:
        raise CellError(f"{cell!r} is not a number") from None
    if not value.is_finite():
        raise CellError(f"{cell!r} is not a number")
    scaled = value * scale
    if scaled != scaled.to_integral_value():
        raise CellError(f"{cell} has more decimals than 1/{scale}")
    if abs(scaled) >= 2**63:
        raise CellError(f"{cell} is too large to be real")
    return int(scaled)
