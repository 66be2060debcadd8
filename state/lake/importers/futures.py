"""Daily futures from a contracts table: three legs a day become close-only bars of every contract, and the rolls.

Source columns: date, instrument, and price/carry/forward with the contract month (yyyymm) of each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from state.lake.convert import CloseOf, Days, Floats, closes, nano, sessions
from state.lake.importers.columns import bar_columns, floats, fx_draft, groups, read_parquet, tally
from state.lake.lake import Ints
from state.lake.sealed import LakeError
from state.lake.writer import Draft

SOURCE = "pysystemtrade"
LICENCE = "price data: pysystemtrade (R. Carver), GPL-3.0; not to be sold on as a data product"
CONTRACTS = "contracts.parquet"
FX = "fx.parquet"
STATIC = "instruments.csv"
NOTE = "close-only daily bars (open = high = low = close), volume not recorded"
LEGS = ("price", "forward", "carry")
ROLL_WINDOW = 8
"""Sessions: how old the next contract's price may be when a roll is decided, and how far a roll is brought forward."""

_COLUMNS = ["date", "instrument", *(n for leg in LEGS for n in (leg, f"{leg}_contract"))]


def recognises(folder: Path) -> bool:
    return (folder / CONTRACTS).is_file() and (folder / STATIC).is_file()


def files(folder: Path) -> list[Path]:
    return [p for p in (folder / CONTRACTS, folder / FX, folder / STATIC) if p.is_file()]


def drafts(folder: Path, close_of: CloseOf | None, closes_name: str, say: Callable[[str], None]) -> Iterator[Draft]:
    """Bars and rolls of every instrument with contracts, then FX to USD.

    Raises LakeError for a missing column or an unusable value, naming file and row.
    """
    path = folder / CONTRACTS
    table = read_parquet(path, _COLUMNS)
    known = _groups(folder / STATIC)
    missing = sorted(set(known) - set(table.column("instrument").unique().to_pylist()))
    if missing:
        say(f"not imported: {len(missing)} instruments without contract prices ({', '.join(missing)})")
    for name, rows in groups(table, "instrument"):
        yield from _instrument(path, name, rows, known.get(name, ""), close_of, closes_name, say)
    if (folder / FX).is_file():
        yield from _fx(folder / FX, close_of, closes_name, say)
    for other in ("adjusted.parquet", "intraday_sample.parquet"):
        if (folder / other).is_file():
            say(f"not imported: {other} (stitched levels are made from the contracts; prints carry no contract)")


def _groups(path: Path) -> dict[str, str]:
    import csv

    with path.open(newline="", encoding="utf-8-sig") as handle:
        rows = csv.DictReader(handle)
        if not {"instrument", "group"} <= set(rows.fieldnames or ()):
            raise LakeError(path, "has no columns instrument and group", "give the file as it was published")
        return {row["instrument"]: row["group"] for row in rows}


def _instrument(
    path: Path,
    name: str,
    rows: pa.Table,
    group: str,
    close_of: CloseOf | None,
    closes_name: str,
    say: Callable[[str], None],
) -> Iterator[Draft]:
    session = sessions(rows.column("date").to_numpy().astype("datetime64[D]"))
    if bool((np.diff(session) <= 0).any()):
        at = int(np.flatnonzero(np.diff(session) <= 0)[0])
        raise LakeError(path, f"{name} repeats or goes back at {session[at + 1]}", "sort the file and drop repeats")
    price = {leg: floats(rows, leg) for leg in LEGS}
    month = {leg: rows.column(f"{leg}_contract").to_numpy().astype(np.int64) for leg in LEGS}
    bars, clashes = _union(session, price, month)
    at_ns, strangers = closes(name, bars[0], close_of)
    rolls, loose = roll_table(session, price, month)
    defects = tally(
        ("legs of one contract with two prices", clashes),
        ("sessions its calendar does not have", len(strangers)),
        ("rolls without one day on which both contracts are priced", loose),
    )
    for text in defects:
        say(f"{name}: {text}")
    draft = partial(Draft, id=name, source=SOURCE, licence=LICENCE, group=group, closes=closes_name)
    columns = bar_columns(bars[1], bars[0], at_ns, nano(bars[2]), SOURCE)
    yield draft(kind="bars", columns=columns, note=NOTE, defects=defects)
    if len(rolls[0]):
        keys = ("session", "from_contract", "to_contract", "decided")
        yield draft(kind="rolls", columns=dict(zip(keys, rolls, strict=True)))


def _union(session: Ints, price: dict[str, Floats], month: dict[str, Ints]) -> tuple[tuple[Ints, Ints, Floats], int]:
    """(session, contract, close) of every contract priced, the leg held first; and how often legs disagree."""
    legs = [np.flatnonzero(np.isfinite(price[leg]) & (month[leg] > 0)) for leg in LEGS]
    all_session = np.concatenate([session[i] for i in legs])
    all_month = np.concatenate([month[leg][i] for leg, i in zip(LEGS, legs, strict=True)])
    all_price = np.concatenate([price[leg][i] for leg, i in zip(LEGS, legs, strict=True)])
    order = np.lexsort((np.arange(len(all_session)), all_month, all_session))
    s, m, p = all_session[order], all_month[order], all_price[order]
    repeat = np.zeros(len(s), np.bool_)
    repeat[1:] = (s[1:] == s[:-1]) & (m[1:] == m[:-1])
    clashes = int((p[1:][repeat[1:]] != p[:-1][repeat[1:]]).sum())
    return (s[~repeat], m[~repeat], p[~repeat]), clashes


def roll_table(
    session: Ints, price: dict[str, Floats], month: dict[str, Ints]
) -> tuple[tuple[Ints, Ints, Ints, Ints], int]:
    """(session, from, to, decided) of every change of the priced contract, and how many have no common price.

    The roll day is the last one before the change on which the old contract and the next are both priced, and whose
    orders can be decided: the session before it has a price of the old contract, and one of the next is at most
    ROLL_WINDOW sessions old. Without such a day near the change it is the last one with both prices, and without that
    the last one on which the old contract has a price.
    """
    held = month["price"]
    old = np.isfinite(price["price"])
    both = old & np.isfinite(price["forward"])
    rows: list[tuple[int, int, int, int]] = []
    loose = 0
    start = 0
    for change in (np.flatnonzero(np.diff(held)) + 1).tolist():
        joined = both[start:change] & (month["forward"][start:change] == held[change])
        days = np.flatnonzero(joined)
        known = np.convolve(joined, np.ones(ROLL_WINDOW))[: len(joined) - 1] > 0  # in the window up to each session
        ready = np.flatnonzero(joined[1:] & old[start : change - 1] & known) + 1
        if len(ready) and change - start - int(ready[-1]) <= ROLL_WINDOW:
            days = ready
        elif not len(days):
            loose += 1
            days = np.flatnonzero(old[start:change])
        at = start + int(days[-1]) if len(days) else change - 1
        decided = int(session[at - 1]) if at else int(session[at]) - 1
        rows.append((int(session[at]), int(held[change - 1]), int(held[change]), decided))
        start = change
    columns: npt.NDArray[np.int64] = np.array(rows, np.int64).reshape(len(rows), 4)
    return (columns[:, 0], columns[:, 1], columns[:, 2], columns[:, 3]), loose


def _fx(path: Path, close_of: CloseOf | None, closes_name: str, say: Callable[[str], None]) -> Iterator[Draft]:
    renamed = {"MXP": "MXN"}
    for pair, rows in groups(read_parquet(path, ["date", "pair", "rate"]), "pair"):
        if not pair.endswith("USD") or len(pair) != 6:
            raise LakeError(path, f"pair {pair} is not quoted in USD", "give rates as USD for one unit")
        dates: Days = rows.column("date").to_numpy()
        currency = renamed.get(pair[:3], pair[:3])
        yield fx_draft(path, currency, sessions(dates), floats(rows, "rate"), SOURCE, LICENCE, say)
