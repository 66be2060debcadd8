"""A user's own file of bars, rates, quotes or rolls, told apart by its columns; strict, so that nothing is guessed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from state.lake.convert import NS_PER_DAY, CloseOf, closes, default_closes, sessions_at
from state.lake.importers import cells
from state.lake.importers.cells import Cell, CellError
from state.lake.importers.rows import FORMAT, Table, read_table
from state.lake.lake import Ints
from state.lake.sealed import Column, LakeError
from state.lake.writer import Draft, constant

SOURCE = "user file"
LICENCE = "as given by the user"
NEVER_NEGATIVE = ("stock", "etf", "fx_spot", "perpetual")
MAY_BE_NEGATIVE = ("future", "index")
SPELT_OUT = ("product", "contract", "kind", "date", "time", "open", "high", "low", "close", "volume")
KINDS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "bars": (frozenset({"close"}), frozenset(SPELT_OUT)),
    "fx": (frozenset({"currency", "rate"}), frozenset({"currency", "rate", "date", "time"})),
    "quotes": (
        frozenset({"instrument", "time", "bid", "ask"}),
        frozenset({"instrument", "time", "bid", "ask", "bid_size", "ask_size"}),
    ),
    "rolls": (
        frozenset({"product", "session", "from_contract", "to_contract", "decided"}),
        frozenset({"product", "session", "from_contract", "to_contract", "decided"}),
    ),
}

A_SESSION_IS_BELOW = 10**9  # yyyymmdd; an instant in nanoseconds is far above
Row = tuple[str, str, tuple[int, ...]]


def recognises(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in (".csv", ".parquet")


def files(path: Path) -> list[Path]:
    return [path]


def drafts(path: Path, close_of: CloseOf | None, closes_name: str, say: Callable[[str], None]) -> Iterator[Draft]:
    """One draft per product, currency, instrument or set of rolls in the file.

    Raises LakeError with file and line for the first cell that cannot be used, for rows out of time order, for two
    different rows at one time, and for rows dated in the future.
    """
    table = read_table(path)
    kind = _kind(table)
    parse = {"bars": _bar, "fx": _rate, "quotes": _quote, "rolls": _roll}[kind]
    grouped = _grouped(table, parse, kind, say)
    for name, (group, rows) in sorted(grouped.items()):
        data = _columns(kind, name, np.array(rows, np.int64), "date" in table.names, close_of)
        yield Draft(
            kind=kind, id=name, columns=data, source=f"{SOURCE} {path.name}", licence=LICENCE,
            group=group, closes=closes_name if kind == "bars" else "",
        )  # fmt: skip


def _kind(table: Table) -> str:
    names = frozenset(table.names)
    for kind in ("rolls", "quotes", "fx", "bars"):
        needed, allowed = KINDS[kind]
        if needed <= names:
            strange = sorted(names - allowed)
            if strange:
                raise LakeError(f"{table.path}:1", f"has an unknown column {strange[0]!r} for {kind}", FORMAT)
            if kind in ("bars", "fx") and len(names & {"date", "time"}) != 1:
                raise LakeError(f"{table.path}:1", "needs one column date or one column time", FORMAT)
            return kind
    known = "; ".join(f"{kind}: {', '.join(sorted(needed))}" for kind, (needed, _) in KINDS.items())
    raise LakeError(f"{table.path}:1", f"lacks the columns of any known kind ({known})", FORMAT)


def _grouped(
    table: Table, parse: Callable[[Mapping[str, Cell], Path], Row], kind: str, say: Callable[[str], None]
) -> dict[str, tuple[str, list[tuple[int, ...]]]]:
    """(group, rows) by id. Time must rise per contract; an equal repeat is dropped and told."""
    result: dict[str, tuple[str, list[tuple[int, ...]]]] = {}
    newest: dict[tuple[str, int], tuple[int, tuple[int, ...]]] = {}
    now_ns = time.time_ns()
    tomorrow = int(sessions_at(np.array([now_ns + NS_PER_DAY]))[0])
    for line, row in table.rows:
        try:
            name, group, values = parse(dict(zip(table.names, row, strict=True)), table.path)
        except CellError as error:
            raise LakeError(f"{table.path}:{line}", str(error), "correct the cell") from None
        when = values[1]
        if kind != "rolls" and when > (tomorrow if when < A_SESSION_IS_BELOW else now_ns):
            raise LakeError(f"{table.path}:{line}", "is dated in the future", "correct the date")
        key = (name, values[0])
        before = newest.get(key)
        if before is not None and before[1] == values:
            say(f"{table.path}:{line}: repeats line {before[0]} and was dropped")
            continue
        if before is not None and before[1][1] == when:
            raise LakeError(
                f"{table.path}:{line}", f"has other values than line {before[0]} for the same time", "keep one of them"
            )
        if before is not None and before[1][1] > when:
            raise LakeError(f"{table.path}:{line}", f"is older than line {before[0]}", "sort the file by time")
        newest[key] = (line, values)
        result.setdefault(name, (group, []))[1].append(values)
    return result


def _cell(row: Mapping[str, Cell], name: str, read: Callable[[Cell], int]) -> int:
    try:
        return read(row.get(name))
    except CellError as error:
        raise CellError(f"column {name}: {error}") from None


def _when(row: Mapping[str, Cell]) -> int:
    """A session (yyyymmdd) or an instant (UTC ns), whichever column the file has; the sizes tell them apart."""
    return _cell(row, "date", cells.date) if "date" in row else _cell(row, "time", cells.instant)


def _bar(row: Mapping[str, Cell], path: Path) -> Row:
    name = str(row.get("product") or path.stem)
    contract = _cell(row, "contract", cells.month)
    kind = str(row.get("kind") or ("future" if contract else "stock"))
    if kind not in NEVER_NEGATIVE + MAY_BE_NEGATIVE:
        raise CellError(f"column kind: {kind!r} is not one of {', '.join(NEVER_NEGATIVE + MAY_BE_NEGATIVE)}")
    close = _cell(row, "close", cells.price)
    sides = [_cell(row, s, cells.price) if row.get(s) not in (None, "") else close for s in ("open", "high", "low")]
    opened, high, low = sides[0], sides[1], sides[2]
    if row.get("high") in (None, ""):
        high = max(opened, close)
    if row.get("low") in (None, ""):
        low = min(opened, close)
    if kind in NEVER_NEGATIVE and min(opened, high, low, close) <= 0:
        raise CellError(f"column close: a price of a {kind} is zero or negative (a future or index says so in kind)")
    if high < max(opened, low, close) or low > min(opened, close):
        raise CellError("the range from low to high does not hold open and close")
    volume = _cell(row, "volume", cells.quantity)
    return name, kind, (contract, _when(row), opened, high, low, close, volume)


def _rate(row: Mapping[str, Cell], path: Path) -> Row:
    rate = _cell(row, "rate", cells.price)
    if rate <= 0:
        raise CellError("column rate: a rate of exchange must be above zero")
    name = str(row.get("currency") or "")
    if len(name) != 3 or not name.isalpha() or not name.isupper():
        raise CellError(f"column currency: {name!r} is not a currency like EUR")
    return name, "", (0, _when(row), rate)


def _quote(row: Mapping[str, Cell], path: Path) -> Row:
    values: list[int] = []
    one = partial(_cell, row)
    for side in ("bid", "ask"):
        empty = row.get(side) in (None, "")
        values.append(0 if empty else one(side, cells.price))
        size = 0 if empty else 10**8
        if not empty and f"{side}_size" in row:
            size = one(f"{side}_size", cells.quantity)
        values.append(size)
    at_ns = one("time", cells.instant)
    return str(row.get("instrument") or path.stem), "", (0, at_ns, values[0], values[2], values[1], values[3])


def _roll(row: Mapping[str, Cell], path: Path) -> Row:
    session, decided = _cell(row, "session", cells.date), _cell(row, "decided", cells.date)
    old, new = _cell(row, "from_contract", cells.month), _cell(row, "to_contract", cells.month)
    if not (old and new and old != new and decided < session):
        raise CellError("a roll needs two different contracts and a decision before its session")
    return str(row.get("product") or path.stem), "", (0, session, old, new, decided)


def _columns(kind: str, name: str, rows: Ints, dated: bool, close_of: CloseOf | None) -> dict[str, Column]:
    when = rows[:, 1]
    if kind == "rolls":
        narrow = [rows[:, i].astype(np.int32) for i in (1, 2, 3, 4)]
        return dict(zip(("session", "from_contract", "to_contract", "decided"), narrow, strict=True))
    session = when if dated else sessions_at(when)
    if kind == "bars" and dated:
        at_ns = closes(name, session, close_of)[0]
    else:
        at_ns = default_closes(session) if dated else when
    order = np.lexsort((rows[:, 0], at_ns))
    data: dict[str, Column] = {"session": session[order].astype(np.int32), "at_ns": at_ns[order]}
    names = {
        "bars": ("open", "high", "low", "close", "volume"),
        "fx": ("rate",),
        "quotes": ("bid", "ask", "bid_size", "ask_size"),
    }[kind]
    data |= {column: rows[order, 2 + i] for i, column in enumerate(names)}
    if kind == "bars":
        data |= {"contract": rows[order, 0].astype(np.int32), "source": constant(SOURCE, len(rows))}
    return data
