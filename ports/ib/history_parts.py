"""Pieces of history on their way into the lake: kept as they come, so that an ended download goes on where it was."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from model.instruments import Instrument, Kind
from model.sessions import Sessions
from model.units import NS_PER_SECOND
from ports.ib.history_pace import DAILY
from ports.ib.wire_numbers import known, px_in, qty_in
from state.lake.lake import Ints

COLUMNS = ("contract", "session", "at_ns", "open", "high", "low", "close", "volume")
MINUTE_NS = 60 * NS_PER_SECOND
FOLDER = ".fetch-ib"


class Piece(msgspec.Struct, frozen=True):
    """One request: bars of a size that end before a day, over a duration in the protocol's words."""

    size: str
    before: dt.date
    duration: str

    def over(self, today: dt.date) -> bool:
        """Whether nothing can be added to it any more."""
        return self.before < today

    def end(self, today: dt.date) -> str:
        """In the protocol's words; a piece that is not over yet ends now."""
        return f"{self.before:%Y%m%d}-00:00:00" if self.over(today) else ""


def pieces(size: str, first: dt.date, last: dt.date) -> list[Piece]:
    """Requests that cover first to last, both included, oldest first: daily bars by years, minutes by weeks."""
    found: list[Piece] = []
    begin = first
    while begin <= last:
        if size == DAILY:
            end, duration = dt.date(begin.year + 1, 1, 1), "1 Y"
        else:
            end, duration = begin - dt.timedelta(days=begin.weekday()) + dt.timedelta(days=7), "1 W"
        found.append(Piece(size, end, duration))
        begin = end
    return found


class Rows:
    """Bars of one data set, in 1e-9 and 1e-8, by (contract, moment): the later word on a bar holds."""

    def __init__(self) -> None:
        self._rows: dict[tuple[int, int], tuple[int, ...]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, rows: Iterable[Sequence[int]]) -> None:
        for row in rows:
            self._rows[row[2], row[0]] = tuple(int(each) for each in row)

    def array(self) -> Ints:
        """(rows, columns) in time order."""
        ordered = [row for _, row in sorted(self._rows.items())]
        return np.array(ordered, np.int64).reshape(len(ordered), len(COLUMNS))


def rows_of(
    bars: Iterable[Any], size: str, instrument: Instrument, sessions: Sessions, now_ns: int
) -> list[tuple[int, ...]]:
    """The gateway's bars as the lake has them; each is known when it ends.

    Bars outside any session are left out, and one that has not ended by `now_ns`: a gateway tells the running day too.
    """
    found = []
    for bar in bars:
        at_ns, session = _moment(str(bar.date), size, sessions)
        prices = (bar.open, bar.high, bar.low, bar.close)
        if not session or at_ns > now_ns or not all(known(each) for each in prices) or bar.close == -1:
            continue
        if bar.close <= 0 and instrument.kind is Kind.FX_SPOT:
            continue
        volume = qty_in(bar.volume) if known(bar.volume) and bar.volume > 0 else 0
        told = (px_in(each, instrument.price_magnifier) for each in prices)
        found.append((instrument.contract_month, session, at_ns, *told, volume))
    return found


def _moment(date: str, size: str, sessions: Sessions) -> tuple[int, int]:
    """(when the bar is known, its exchange date); the date is 0 where the calendar has no session."""
    if size == DAILY:
        session = sessions.on(int(date[:8]))
        return (session.closes_ns, session.date) if session is not None else (0, 0)
    begins_ns = int(date) * NS_PER_SECOND
    session = sessions.open_at(begins_ns)
    return begins_ns + MINUTE_NS, session.date if session is not None else 0


class Shelf:
    """Where pieces wait, beside the lake that they go into."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = root / FOLDER

    def has(self, instrument: str, piece: Piece) -> bool:
        return self._place(instrument, piece).exists()

    def keep(self, instrument: str, piece: Piece, rows: Sequence[Sequence[int]]) -> None:
        """Whole or not at all."""
        place = self._place(instrument, piece)
        place.parent.mkdir(parents=True, exist_ok=True)
        part = place.with_suffix(".part")
        with part.open("wb") as file:
            np.save(file, np.array(rows, np.int64).reshape(len(rows), len(COLUMNS)))
        os.replace(part, place)

    def rows(self, instrument: str, piece: Piece) -> list[list[int]]:
        loaded: list[list[int]] = np.load(self._place(instrument, piece)).tolist()
        return loaded

    def _place(self, instrument: str, piece: Piece) -> Path:
        return self._folder / instrument.replace("@", "_") / f"{piece.size.replace(' ', '')}-{piece.before:%Y%m%d}.npy"
