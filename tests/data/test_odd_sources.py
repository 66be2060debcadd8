"""Published folders and lakes with something wrong in them: refused by name, or told by the check."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from state.lake import Lake, LakeError
from state.lake.check import check_lake
from state.lake.convert import lots, nano
from state.lake.importers import import_folder
from state.lake.importers.columns import bar_columns
from state.lake.manifest import Import
from state.lake.writer import Draft, write

Columns = dict[str, list[Any]]


def folder(tmp_path: Path) -> tuple[Path, Columns, Columns]:
    """A futures folder of three days in the publisher's form; the tables can be changed before `publish`."""
    days = [dt.date(2023, 5, 1), dt.date(2023, 5, 2), dt.date(2023, 5, 3)]
    contracts: Columns = {"date": list(days), "instrument": ["X"] * 3}
    for leg, month, price in (("price", 202306, 10.0), ("forward", 202309, 11.0), ("carry", 202309, 11.0)):
        contracts[leg] = [price, price + 1, price + 2]
        contracts[f"{leg}_contract"] = [month] * 3
    rates: Columns = {"date": list(days), "pair": ["EURUSD"] * 3, "rate": [1.1, 1.2, 1.3]}
    return tmp_path / "published", contracts, rates


def publish(
    root: Path, contracts: Columns, rates: Columns | None, static: str = "instrument,group\nX,equity\n"
) -> Path:
    root.mkdir()
    pq.write_table(pa.table(contracts), root / "contracts.parquet")
    if rates is not None:
        pq.write_table(pa.table(rates), root / "fx.parquet")
    (root / "instruments.csv").write_text(static)
    return root


def test_a_small_folder_of_futures_arrives_and_the_importer_says_how_far_it_is(tmp_path: Path) -> None:
    told: list[tuple[str, int]] = []
    report = import_folder(
        publish(*folder(tmp_path)), tmp_path / "lake", progress=lambda what, rows: told.append((what, rows))
    )
    assert told == [("bars/X", 6), ("fx/EUR", 3)]
    lake = Lake(report.lake)
    assert lake.bars("X").of(202306).close.tolist() == [10 * 10**9, 11 * 10**9, 12 * 10**9]
    assert lake.roll_schedule(["X"]).active("X", 20230502) == "X@202309"  # it never rolls: the last contract


def test_a_folder_without_rates_is_imported_without(tmp_path: Path) -> None:
    root, contracts, _ = folder(tmp_path)
    assert Lake(import_folder(publish(root, contracts, None), tmp_path / "lake").lake).currencies() == []


ODD: dict[str, tuple[Callable[[Columns, Columns], object], str]] = {
    "a day twice": (lambda c, r: c["date"].__setitem__(1, c["date"][0]), "X repeats or goes back at 20230501"),
    "days that go back": (lambda c, r: c["date"].reverse(), "X repeats or goes back at 20230502"),
    "a rate of zero": (lambda c, r: r["rate"].__setitem__(1, 0.0), "the rate of EUR on 20230502 is not above zero"),
    "a rate twice": (lambda c, r: r["date"].__setitem__(1, r["date"][0]), "dates of EUR repeat or go back"),
    "a rate of something else": (
        lambda c, r: r["pair"].__setitem__(slice(None), ["EURGBP"] * 3),
        "pair EURGBP is not quoted in USD",
    ),
}


@pytest.mark.parametrize("case", ODD)
def test_an_odd_table_is_refused_by_name_and_nothing_is_written(tmp_path: Path, case: str) -> None:
    spoil, sentence = ODD[case]
    root, contracts, rates = folder(tmp_path)
    spoil(contracts, rates)
    with pytest.raises(LakeError, match=sentence):
        import_folder(publish(root, contracts, rates), tmp_path / "lake")
    assert not (tmp_path / "lake" / "manifest.json").exists()


def test_facts_without_the_columns_that_are_read_are_refused(tmp_path: Path) -> None:
    source = publish(*folder(tmp_path), static="name,group\nX,equity\n")
    with pytest.raises(LakeError, match="has no columns instrument and group"):
        import_folder(source, tmp_path / "lake")


@pytest.mark.parametrize(("convert", "value"), [(nano, np.nan), (nano, np.inf), (nano, 1e300), (lots, 1e300)])
def test_numbers_that_are_none_are_refused(convert: Callable[[Any], Any], value: float) -> None:
    with pytest.raises(ValueError, match=r"not a finite number|too large to be real"):
        convert(np.array([1.0, value]))


# -- the check of a lake


def checked(
    tmp_path: Path, session: list[int], closes: list[float], volume: list[float] | None = None, **changed: list[float]
) -> set[tuple[str, int]]:
    """(kind, session) of what the check finds in bars that no importer would have let in."""
    when = np.array(session, np.int64)
    at_ns = np.array([dt.datetime.strptime(f"{day}+0000", "%Y%m%d%z").timestamp() for day in session]) * 10**9
    columns = bar_columns(np.zeros(len(when), np.int64), when, at_ns.astype(np.int64), nano(np.array(closes)), "made")
    columns |= {name: nano(np.array(values)) for name, values in changed.items()}
    if volume is not None:
        columns["volume"] = lots(np.array(volume))
    draft = Draft(kind="bars", id="X", columns=columns, source="made", licence="none")
    write(tmp_path / "lake", [draft], Import(fingerprint="f", source="made", made=("bars/X",), report=()))
    return {(found.kind, found.session) for found in check_lake(Lake(tmp_path / "lake"))}


WEEK = [20230501, 20230502, 20230503, 20230504, 20230505]


def test_a_week_without_fault_has_none(tmp_path: Path) -> None:
    assert checked(tmp_path, WEEK, [10, 11, 10, 11, 10]) == set()


def test_a_bar_outside_its_own_range_is_told(tmp_path: Path) -> None:
    assert ("range", 20230503) in checked(tmp_path, WEEK, [10, 11, 10, 11, 10], high=[10, 11, 9, 11, 10])


def test_a_bar_told_twice_is_told(tmp_path: Path) -> None:
    assert ("duplicate", 20230502) in checked(tmp_path, [20230501, 20230502, 20230502], [10, 11, 11])


def test_bars_that_are_not_in_time_order_are_told(tmp_path: Path) -> None:
    assert ("unsorted", 20230501) in checked(tmp_path, [20230501, 20230503, 20230502], [10, 11, 10])


def test_a_move_without_volume_and_a_volume_beyond_all_others_are_told(tmp_path: Path) -> None:
    found = checked(tmp_path, WEEK, [10, 11, 10, 11, 10], volume=[5, 5, 0, 5, 5 * 10**6])
    assert {("no_volume", 20230503), ("volume", 20230505)} <= found


def test_a_single_bar_has_no_gaps(tmp_path: Path) -> None:
    assert checked(tmp_path, [20230501], [10]) == set()
