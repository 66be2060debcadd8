"""Reading source tables and shaping columns, the same for every importer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from state.lake.convert import DEFAULT_CLOSES, Floats, default_closes, lots, nano
from state.lake.lake import Ints
from state.lake.sealed import Column, LakeError
from state.lake.writer import Draft, constant


def read_parquet(path: Path, columns: Sequence[str]) -> pa.Table:
    """The named columns of a source file. Raises LakeError for a damaged file or a missing column."""
    try:
        names = set(pq.read_schema(path).names)
        lacking = [c for c in columns if c not in names]
        if lacking:
            raise LakeError(path, f"has no column {', '.join(lacking)}", f"it needs {', '.join(columns)}")
        return pq.read_table(path, columns=list(columns))
    except LakeError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise LakeError(path, f"cannot be read as parquet ({first[:80]})", "fetch the file again") from None


def groups(table: pa.Table, key: str) -> Iterator[tuple[str, pa.Table]]:
    """(value, its rows) for each value of the text column `key`, by value, rows in their order."""
    encoded = table.column(key).combine_chunks()
    if not pa.types.is_dictionary(encoded.type):
        encoded = encoded.dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(len(encoded.dictionary) + 1))
    if bool((np.diff(order) < 0).any()):
        table = table.take(pa.array(order))
    names = encoded.dictionary.to_pylist()
    for code in sorted(range(len(names)), key=lambda c: str(names[c])):
        first, last = int(starts[code]), int(starts[code + 1])
        if last > first:
            yield str(names[code]), table.slice(first, last - first)


def floats(table: pa.Table, name: str) -> Floats:
    """A column as float64, NaN where it is null."""
    array: Floats = table.column(name).to_numpy().astype(np.float64)
    return array


def bar_columns(contract: Ints, session: Ints, at_ns: Ints, close: Ints, source: str) -> dict[str, Column]:
    """Close-only bars: open, high and low are the close, volume is not known."""
    return {
        "contract": contract.astype(np.int32),
        "session": session.astype(np.int32),
        "at_ns": at_ns,
        "open": close,
        "high": close,
        "low": close,
        "close": close,
        "volume": np.zeros(len(close), np.int64),
        "source": constant(source, len(close)),
    }


def fx_draft(
    path: Path,
    currency: str,
    session: Ints,
    rate: Floats,
    source: str,
    licence: str,
    say: Callable[[str], None],
    at_ns: Ints | None = None,
    closes_name: str = DEFAULT_CLOSES,
) -> Draft:
    """USD per unit of `currency`. Rows without a rate are left out; a rate of zero or less is refused."""
    known = np.isfinite(rate)
    if bool((rate[known] <= 0).any()):
        at = int(session[known][rate[known] <= 0][0])
        raise LakeError(path, f"the rate of {currency} on {at} is not above zero", "correct the file")
    if bool((np.diff(session) <= 0).any()):
        raise LakeError(path, f"dates of {currency} repeat or go back", "sort the file and drop repeats")
    stamps = default_closes(session) if at_ns is None else at_ns
    columns: dict[str, Column] = {
        "session": session[known].astype(np.int32),
        "at_ns": stamps[known],
        "rate": nano(rate[known]),
    }
    gaps = int((np.diff(default_closes(session[known])) > 7 * 86_400 * 10**9).sum())
    defects = tally(("gaps of more than seven days", gaps))
    for text in defects:
        say(f"fx {currency}: {text}")
    return Draft(
        kind="fx",
        id=currency,
        columns=columns,
        source=source,
        licence=licence,
        closes=closes_name,
        note="USD for one unit",
        defects=defects,
    )


def tally(*counts: tuple[str, int]) -> tuple[str, ...]:
    """The counts that are not zero, in words."""
    return tuple(f"{count} {what}" for what, count in counts if count)


def ohlc_draft(
    path: Path,
    name: str,
    session: Ints,
    at_ns: Ints,
    prices: tuple[Floats | None, Floats | None, Floats | None, Floats],
    volume: Floats | None,
    *,
    source: str,
    licence: str,
    group: str,
    note: str,
    closes: str,
    say: Callable[[str], None],
) -> Draft:
    """Bars of one product without months. Where open, high or low is not known it is the close.

    Rows without a close and repeats of a row's time are left out and counted; a range that does not hold the open
    and the close is widened to do so and counted. Raises LakeError for a negative volume.
    """
    order, again = _order(at_ns, prices[3])
    (opened, high, low, close), broken = _ranges(prices, order)
    count = np.zeros(len(order)) if volume is None else np.nan_to_num(volume[order])
    if bool((count < 0).any()):
        raise LakeError(path, f"{name} has a negative volume on {session[order][count < 0][0]}", "correct the file")
    defects = tally(
        ("rows without a close", len(at_ns) - int(np.isfinite(prices[3]).sum())),
        ("repeated rows dropped", again),
        ("bars whose range did not hold open and close, widened", broken),
    )
    for text in defects:
        say(f"{name}: {text}")
    columns = bar_columns(np.zeros(len(order), np.int64), session[order], at_ns[order], nano(close), source)
    columns |= {"open": nano(opened), "high": nano(high), "low": nano(low), "volume": lots(count)}
    return Draft(
        kind="bars", id=name, columns=columns, source=source, licence=licence, group=group, note=note,
        closes=closes, defects=defects,
    )  # fmt: skip


def _order(at_ns: Ints, close: Floats) -> tuple[Ints, int]:
    """Row numbers with a close, in time order, the first of each instant; and how many repeats were dropped."""
    order = np.argsort(at_ns, kind="stable")
    order = order[np.isfinite(close[order])]
    again = np.zeros(len(order), np.bool_)
    again[1:] = np.diff(at_ns[order]) == 0
    return order[~again], int(again.sum())


def _ranges(
    prices: tuple[Floats | None, Floats | None, Floats | None, Floats], order: Ints
) -> tuple[tuple[Floats, Floats, Floats, Floats], int]:
    """Open, high, low and close of the rows chosen, widened to hold open and close; and how many needed it."""
    close = prices[3][order]
    opened, high, low = (close if p is None else np.where(np.isfinite(p[order]), p[order], close) for p in prices[:3])
    top, bottom = np.maximum(opened, close), np.minimum(opened, close)
    slack = 1e-5 * np.abs(close)
    known = np.zeros(len(order), np.bool_) if prices[1] is None else np.isfinite(prices[1][order])
    broken = int((known & ((high < top - slack) | (low > bottom + slack))).sum())
    return (opened, np.maximum(high, top), np.minimum(low, bottom), close), broken
