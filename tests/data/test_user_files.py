"""A user's own quotes, rates, rolls and bars, in CSV and in parquet, arrive as they were written."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model.rolls import Roll
from model.units import px, qty
from state.lake import Lake
from state.lake.importers import import_folder
from state.lake.sealed import LakeError

NOON_NS = 1_682_942_400 * 10**9  # 2023-05-01T12:00:00Z


def imported(tmp_path: Path, name: str, content: str) -> Lake:
    path = tmp_path / name
    path.write_text(content)
    return Lake(import_folder(path, tmp_path / "lake").lake)


def imported_table(tmp_path: Path, columns: dict[str, Any]) -> Lake:
    path = tmp_path / "mine.parquet"
    pq.write_table(pa.table(columns), path)
    return Lake(import_folder(path, tmp_path / "lake").lake)


def test_quotes_arrive_with_sizes_and_an_empty_side_is_nothing(tmp_path: Path) -> None:
    lake = imported(
        tmp_path,
        "q.csv",
        "instrument,time,bid,ask,bid_size,ask_size\n"
        "ACME,2023-05-01T12:00:00Z,10.25,10.5,300,0.5\n"
        "ACME,2023-05-01T14:00:01+02:00,,10.75,,7\n"
        "ACME,2023-05-02T12:00:00Z,10,10.25,1,\n",
    )
    quotes = lake.quotes("ACME")
    assert lake.quoted() == ["ACME"]
    assert quotes.at_ns.tolist() == [NOON_NS, NOON_NS + 10**9, NOON_NS + 86_400 * 10**9]
    assert quotes.bid.tolist() == [px("10.25"), 0, px("10")]
    assert quotes.ask.tolist() == [px("10.5"), px("10.75"), px("10.25")]
    assert quotes.bid_size.tolist() == [qty("300"), 0, qty("1")]
    assert quotes.ask_size.tolist() == [qty("0.5"), qty("7"), 0]
    assert lake.quotes("ACME", 20230502).session.tolist() == [20230502]
    assert lake.quotes("ACME", last=20230501).session.tolist() == [20230501, 20230501]


def test_quotes_without_sizes_are_of_one(tmp_path: Path) -> None:
    lake = imported(tmp_path, "q.csv", "instrument,time,bid,ask\nACME,2023-05-01T12:00:00Z,10.25,\n")
    assert lake.quotes("ACME").bid_size.tolist() == [qty("1")]
    assert lake.quotes("ACME").ask_size.tolist() == [0]


def test_rates_are_cut_to_the_sessions_asked_for(tmp_path: Path) -> None:
    content = "currency,date,rate\nEUR,2023-05-01,1.10\nEUR,2023-05-02,1.11\nEUR,2023-05-03,1.12\n"
    lake = imported(tmp_path, "fx.csv", content)
    assert lake.fx("EUR", 20230502, 20230502).rate.tolist() == [px("1.11")]
    assert lake.currencies() == ["EUR"]


def test_rolls_arrive_in_order(tmp_path: Path) -> None:
    lake = imported(
        tmp_path,
        "rolls.csv",
        "product,session,from_contract,to_contract,decided\n"
        "X,2023-03-08,202303,202306,2023-03-07\nX,2023-06-08,202306,202309,2023-06-07\n",
    )
    assert lake.rolls("X") == [Roll(20230308, 202303, 202306, 20230307), Roll(20230608, 202306, 202309, 20230607)]
    assert lake.rolls("Y") == []


def test_what_a_bar_does_not_say_is_its_open_or_close(tmp_path: Path) -> None:
    """No column, or an empty cell in one: the range is then as narrow as open and close allow."""
    bars = imported(
        tmp_path,
        "b.csv",
        "product,date,open,high,close\nA,2023-05-01,11,,10\nA,2023-05-02,,12,10\nA,2023-05-03,9,,10\n",
    ).bars("A")
    assert bars.open.tolist() == [px("11"), px("10"), px("9")]
    assert bars.high.tolist() == [px("11"), px("12"), px("10")]
    assert bars.low.tolist() == [px("10"), px("10"), px("9")]


def test_bars_are_cut_to_sessions_and_contracts(tmp_path: Path) -> None:
    lake = imported(
        tmp_path,
        "X.csv",
        "contract,date,close\n202306,2023-05-01,1\n202309,2023-05-01,2\n202306,2023-05-02,3\n202309,2023-05-02,-4\n",
    )
    assert lake.bars("X", 20230502).close.tolist() == [px("3"), px("-4")]
    assert lake.bars("X").of(202309).close.tolist() == [px("2"), px("-4")]


def test_a_series_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    lake = imported(tmp_path, "A.csv", "date,close\n2023-05-01,1\n")
    with pytest.raises(LakeError, match=r"has no bars of B; import them; it has A …"):
        lake.bars("B")
    with pytest.raises(LakeError, match=r"has no fx of EUR; import them; it has nothing …"):
        lake.fx("EUR")


# -- parquet has types of its own


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([dt.date(2023, 5, 1)], 20230501),
        ([dt.datetime(2023, 5, 1)], 20230501),  # noqa: DTZ001  # a day, as pandas writes it
        (["20230501"], 20230501),
        ([20230501], 20230501),
    ],
    ids=["date", "midnight", "text", "number"],
)
def test_a_date_in_parquet_may_have_any_of_its_types(tmp_path: Path, values: list[Any], expected: int) -> None:
    lake = imported_table(tmp_path, {"product": ["A"], "date": values, "close": [1.5]})
    assert lake.bars("A").session.tolist() == [expected]


def test_a_float_in_parquet_is_the_nearest_price_and_a_missing_volume_nothing(tmp_path: Path) -> None:
    columns = {"product": ["A"], "date": ["2023-05-01"], "close": [0.1 + 0.2], "volume": [float("nan")]}
    bars = imported_table(tmp_path, columns).bars("A")
    assert bars.close.tolist() == [px("0.3")]
    assert bars.volume.tolist() == [0]


def test_a_time_in_parquet_keeps_its_zone(tmp_path: Path) -> None:
    zone = dt.timezone(dt.timedelta(hours=2))
    columns = {"product": ["A"], "time": [dt.datetime(2023, 5, 1, 14, tzinfo=zone)], "close": [1.0]}
    assert imported_table(tmp_path, columns).bars("A").at_ns.tolist() == [NOON_NS]


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "an endless float": ({"date": ["2023-05-01"], "close": [float("inf")]}, "column close: inf is not a number"),
    "a float that is no number": ({"date": ["2023-05-01"], "close": [float("nan")]}, "column close: nan is not"),
    "a float beyond all prices": ({"date": ["2023-05-01"], "close": [1e300]}, "column close: .* too large"),
    "a date for a price": ({"date": ["2023-05-01"], "close": [dt.date(2023, 5, 1)]}, "column close: .* is a date"),
    "a date with a time of day": (
        {"date": [dt.datetime(2023, 5, 1, 16)], "close": [1.0]},  # noqa: DTZ001
        "has a time of day; put it in a column called time",
    ),
    "a time without a zone": ({"time": [dt.datetime(2023, 5, 1)], "close": [1.0]}, "does not say its time zone"),  # noqa: DTZ001
    "a time in words": ({"time": ["noon"], "close": [1.0]}, "'noon' is not a time like"),
    "no time": ({"time": [None], "close": [1.0]}, "'' is not a time like"),
    "a month with a point": ({"contract": [202306.0], "date": ["2023-05-01"], "close": [1.0]}, "is not a contract"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_parquet_cell_that_cannot_be_used_is_named_by_row_and_column(tmp_path: Path, case: str) -> None:
    columns, sentence = WRONG[case]
    with pytest.raises(LakeError, match=sentence) as refused:
        imported_table(tmp_path, columns)
    assert "mine.parquet:1: " in str(refused.value)
    assert not (tmp_path / "lake" / "manifest.json").exists()


def test_a_file_that_may_not_be_parquet_at_all_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.parquet"
    path.write_text("date,close\n")
    with pytest.raises(LakeError, match="cannot be read as parquet"):
        import_folder(path, tmp_path / "lake")


def test_columns_separated_by_bars_are_told(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match=r":1: is separated by bars; separate the columns by commas"):
        imported(tmp_path, "A.csv", "date|close\n2023-05-01|1\n")


def test_empty_lines_are_passed_over_and_others_keep_their_numbers(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match=r"A\.csv:4: column close"):
        imported(tmp_path, "A.csv", "date,close\n\n2023-05-01,1\n2023-05-02,x\n")
