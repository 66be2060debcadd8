"""Pieces of history on their way into the lake: kept as they come, so that an ended download goes on where it was."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from model.instruments import Instrument
from model.sessions import Sessions
from model.units import NS_PER_SECOND
from ports.ib.errors import IBError
from ports.ib.history_pace import DAILY
from ports.ib.wire_numbers import known, px_in, qty_in
from state.lake import Lake
from state.lake.lake import Ints
from state.lake.manifest import Import
from state.lake.writer import Draft, constant, open_manifest, write

SOURCE = "interactive brokers"
LICENCE = "as the account's market data agreements say; not to be passed on"
COLUMNS = ("contract", "session", "at_ns", "open", "high", "low", "close", "volume")
MINUTE_NS = 60 * NS_PER_SECOND
FOLDER = ".fetch-ib"


class Piece(msgspec.Struct, frozen=True):
    """One request: bars of a size that end before a day, over a duration in the protocol's words."""

    size: str
    before: dt.date
    duration: str

    @property
    def end(self) -> str:
        return f"{self.before:%Y%m%d}-00:00:00"


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


def rows_of(bars: Iterable[Any], size: str, instrument: Instrument, sessions: Sessions) -> list[tuple[int, ...]]:
    """The gateway's bars as the lake has them; each is known when it ends. Bars outside any session are left out."""
    found = []
    for bar in bars:
        at_ns, session = _moment(str(bar.date), size, sessions)
        prices = (bar.open, bar.high, bar.low, bar.close)
        if not session or not all(known(each) for each in prices) or bar.close == -1:
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

    def put_into_lake(self, name: str, rows: Rows, closes: str) -> int:
        """Add rows to what the lake has of this source under a name; how many it has then.

        Raises IBError when the name holds data of another source: that is not overwritten.
        """
        manifest = open_manifest(self._root)
        there = manifest.sets.get(f"bars/{name}")
        if there is not None and there.source != SOURCE:
            raise IBError(f"{name} in the lake comes from {there.source}", "choose another lake for this download")
        if there is not None:
            bars = Lake(self._root).bars(name)
            merged = Rows()
            merged.add(np.column_stack([getattr(bars, column) for column in COLUMNS]).tolist())
            merged.add(rows.array().tolist())
            rows = merged
        table = rows.array()
        columns: dict[str, Any] = {column: table[:, i] for i, column in enumerate(COLUMNS)}
        columns["contract"], columns["session"] = (columns[each].astype(np.int32) for each in ("contract", "session"))
        columns["source"] = constant("ib", len(table))
        draft = Draft(kind="bars", id=name, columns=columns, source=SOURCE, licence=LICENCE, closes=closes)
        done = Import(fingerprint=f"{SOURCE}/{name}/{len(table)}", source=SOURCE, made=(f"bars/{name}",), report=())
        write(self._root, [draft], done)
        return len(table)

    def _place(self, instrument: str, piece: Piece) -> Path:
        return self._folder / instrument.replace("@", "_") / f"{piece.size.replace(' ', '')}-{piece.before:%Y%m%d}.npy"
