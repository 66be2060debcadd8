"""Reading a user's CSV or parquet file into rows of cells, each with its place."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from state.lake.importers.cells import Cell
from state.lake.sealed import LakeError

FORMAT = "docs/data.md has the columns"


@dataclass(frozen=True, slots=True)
class Table:
    """Column names in lower case and the rows, each with its line (CSV) or row number (parquet)."""

    path: Path
    names: tuple[str, ...]
    rows: list[tuple[int, tuple[Cell, ...]]]


def read_table(path: Path) -> Table:
    """Raises LakeError with file and line for whatever is not a plain table in UTF-8 or parquet."""
    return _parquet(path) if path.suffix.lower() == ".parquet" else _csv(path)


def _csv(path: Path) -> Table:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LakeError(path, f"cannot be read ({error.strerror})", "check the path and its permissions") from None
    text = _decoded(path, data)
    if not text.strip():
        raise LakeError(path, "is empty", FORMAT)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines = _lines(path, reader)
    names = _names(path, next(lines)[1])
    rows: list[tuple[int, tuple[Cell, ...]]] = []
    for line, cells in lines:
        if not any(cells):
            continue
        if len(cells) != len(names):
            raise LakeError(f"{path}:{line}", f"has {len(cells)} cells, the header {len(names)}", "correct the line")
        rows.append((line, tuple(cells)))
    return _some(Table(path, names, rows))


def _decoded(path: Path, data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise LakeError(f"{path}:1", "is written in UTF-16", "save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise LakeError(f"{path}:{line}", "holds a byte that is not UTF-8", "save the file as UTF-8") from None
    if "\x00" in text:
        line = text[: text.index("\x00")].count("\n") + 1
        raise LakeError(f"{path}:{line}", "holds a zero byte", "write the file again as plain text")
    return text


def _lines(path: Path, reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    line = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise LakeError(f"{path}:{line + 1}", f"is not CSV ({error})", "correct the line") from None
        line += 1
        yield line, [cell.strip() for cell in cells]


def _names(path: Path, cells: list[str]) -> tuple[str, ...]:
    if len(cells) == 1:
        for mark, word in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
            if mark in cells[0]:
                raise LakeError(f"{path}:1", f"is separated by {word}", "separate the columns by commas")
    names = tuple(cell.lower() for cell in cells)
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise LakeError(f"{path}:1", f"names column {twice[0]!r} twice", "name every column once")
    return names


def _parquet(path: Path) -> Table:
    try:
        table = pq.read_table(path)
        names = tuple(str(name).lower() for name in table.column_names)
        columns = [column.to_pylist() for column in table.columns]
    except (pa.ArrowException, OSError, ValueError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise LakeError(path, f"cannot be read as parquet ({first[:80]})", "write the file again") from None
    rows = [(number, tuple(cells)) for number, cells in enumerate(zip(*columns, strict=True), start=1)]
    return _some(Table(path, names, rows))


def _some(table: Table) -> Table:
    if not table.rows:
        raise LakeError(table.path, "has a header and no rows", FORMAT)
    return table
