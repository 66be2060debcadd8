"""Malformed files: one clear sentence that says where, and nothing written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from state.lake import Lake, LakeError
from state.lake.importers import import_folder

GOOD = "product,date,close\nACME,2023-05-01,10.5\nACME,2023-05-02,10.75\nACME,2023-05-03,11\n"
HEAD = "product,date,open,high,low,close,volume\n"


def text(content: str) -> bytes:
    return content.encode()


BAD_CSV: dict[str, tuple[bytes, str]] = {
    "text in a price": (
        text(GOOD.replace("10.75", "n/a")),
        r":3: column close: 'n/a' is not a number; correct the cell",
    ),
    "a price of NaN": (text(GOOD.replace("10.75", "NaN")), r":3: column close: 'NaN' is not a number"),
    "an infinite price": (text(GOOD.replace("10.75", "inf")), r":3: column close: 'inf' is not a number"),
    "a price with a comma for decimals": (text(GOOD.replace("10.75", '"10,75"')), r":3: column close: '10,75' is not"),
    "no price": (text(GOOD.replace("10.75", "")), r":3: column close: there is no value"),
    "an absurd price": (text(GOOD.replace("10.75", "1e30")), r":3: column close: 1e30 is too large to be real"),
    "a price finer than a nano": (text(GOOD.replace("10.75", "1.0000000001")), r":3: column close: .* more decimals"),
    "a negative price of a share": (
        text(GOOD.replace("10.75", "-10.75")),
        r":3: .* price of a stock is zero or negative",
    ),
    "an unknown kind": (
        b"product,kind,date,close\nACME,bond,2023-05-01,10.5\n",
        r":2: column kind: 'bond' is not one of stock, etf",
    ),
    "two values for one date": (text(GOOD.replace("05-02", "05-01")), r":3: has other values than line 2 for the same"),
    "dates that go back": (text(GOOD.replace("05-03", "04-03")), r":4: is older than line 3; sort the file by time"),
    "a date that is none": (text(GOOD.replace("05-02", "02-30")), r":3: column date: '2023-02-30' is not a day"),
    "a date in words": (
        text(GOOD.replace("2023-05-02", "2 May 23")),
        r":3: column date: '2 May 23' is not a date like",
    ),
    "a date to come": (text(GOOD.replace("2023-05-03", "2999-05-03")), r":4: is dated in the future"),
    "a missing column": (text(GOOD.replace("close", "closing")), r":1: lacks the columns of any known kind"),
    "an unknown column": (b"product,date,close,clsoe\nACME,2023-05-01,1,1\n", r":1: has an unknown column 'clsoe'"),
    "a column named twice": (b"date,close,close\n2023-05-01,1,2\n", r":1: names column 'close' twice"),
    "no dates": (b"product,close\nACME,10.5\n", r":1: needs one column date or one column time"),
    "a short line": (text(GOOD.replace("ACME,2023-05-02,10.75", "ACME,2023-05-02")), r":3: has 2 cells, the header 3"),
    "a range that does not hold the close": (
        text(HEAD + "ACME,2023-05-01,10,11,9,12,5\n"),
        r":2: the range from low to high does not hold open and close",
    ),
    "a negative volume": (text(HEAD + "ACME,2023-05-01,10,11,9,10,-5\n"), r":2: column volume: -5 is negative"),
    "a time without a zone": (
        b"product,time,close\nACME,2023-05-01T16:00:00Z,10.5\nACME,2023-05-02T16:00:00,10.75\n",
        r":3: column time: .* does not say its time zone; add Z or an offset",
    ),
    "a contract month of thirteen": (
        b"contract,date,close\n202313,2023-05-01,10\n",
        r":2: .* '202313' is not a contract",
    ),
    "a rate of exchange of zero": (b"currency,date,rate\nEUR,2023-05-01,0\n", r":2: .* must be above zero"),
    "a currency that is none": (b"currency,date,rate\nEuro,2023-05-01,1.1\n", r":2: .* 'Euro' is not a currency"),
    "a roll decided after its day": (
        b"product,session,from_contract,to_contract,decided\nX,2023-03-08,202303,202306,2023-03-09\n",
        r":2: a roll needs two different contracts and a decision before its session",
    ),
    "semicolons": (text(GOOD.replace(",", ";")), r":1: is separated by semicolons; separate the columns by commas"),
    "tabs": (text(GOOD.replace(",", "\t")), r":1: is separated by tabs"),
    "nothing": (b"", r"is empty; docs/data.md has the columns"),
    "a header alone": (b"product,date,close\n", r"has a header and no rows"),
    "UTF-16": (GOOD.encode("utf-16"), r":1: is written in UTF-16; save it as UTF-8"),
    "Latin letters": (text(GOOD).replace(b"10.75", b"10.75\xe9"), r":3: holds a byte that is not UTF-8"),
    "zero bytes": (text(GOOD).replace(b"10.75", b"10\x00"), r":3: holds a zero byte"),
    "an open quote": (text(GOOD.replace("10.75", '"10.75')), r"is not CSV"),
    "an id that is a path": (text(GOOD.replace("ACME", "../ACME")), r"bars/\.\./ACME: is not a usable name"),
}


@pytest.mark.parametrize("case", sorted(BAD_CSV))
def test_a_malformed_csv_is_refused_and_nothing_is_written(case: str, tmp_path: Path) -> None:
    content, sentence = BAD_CSV[case]
    path = tmp_path / "prices.csv"
    path.write_bytes(content)
    with pytest.raises(LakeError, match=sentence) as refusal:
        import_folder(path, tmp_path / "lake")
    assert len(str(refusal.value).splitlines()) == 1
    assert not list((tmp_path / "lake").rglob("*.parquet"))
    assert not (tmp_path / "lake" / "manifest.json").exists()


def test_a_good_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_bytes(b"\xef\xbb\xbf" + text(GOOD))
    import_folder(path, tmp_path / "lake")
    assert Lake(tmp_path / "lake").products() == ["ACME"]


def test_an_equal_repeat_is_dropped_and_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(GOOD.replace("ACME,2023-05-03,11\n", "ACME,2023-05-02,10.75\n"))
    report = import_folder(path, tmp_path / "lake")
    assert report.lines == (f"{path}:4: repeats line 3 and was dropped",)
    assert len(Lake(tmp_path / "lake").bars("ACME")) == 2


def test_a_bad_file_leaves_an_old_lake_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(GOOD)
    import_folder(path, tmp_path / "lake")
    before = {p: p.read_bytes() for p in (tmp_path / "lake").rglob("*") if p.is_file()}
    path.write_text(GOOD.replace("10.75", "x"))
    with pytest.raises(LakeError):
        import_folder(path, tmp_path / "lake")
    assert {p: p.read_bytes() for p in (tmp_path / "lake").rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("what", ["a folder of something else", "a path that is not there"])
def test_a_source_that_is_none_is_refused(what: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    if what == "a folder of something else":
        source.mkdir()
    with pytest.raises(LakeError, match=r"is not a source this program knows|does not exist"):
        import_folder(source, tmp_path / "lake")
    assert not (tmp_path / "lake").exists()


def test_a_users_parquet_is_read_and_refused_by_row(tmp_path: Path) -> None:
    path = tmp_path / "prices.parquet"
    pq.write_table(pa.table({"product": ["A", "A"], "date": ["2023-05-01", "2023-05-02"], "close": [1.5, 2.25]}), path)
    import_folder(path, tmp_path / "lake")
    assert Lake(tmp_path / "lake").bars("A").close.tolist() == [1_500_000_000, 2_250_000_000]
    pq.write_table(pa.table({"product": ["A"], "date": ["2023-05-01"], "close": [float("nan")]}), path)
    with pytest.raises(LakeError, match=r"prices.parquet:1: column close: nan is not a number"):
        import_folder(path, tmp_path / "lake")


def test_a_source_parquet_that_is_cut_short_is_refused(shared: Path, tmp_path: Path) -> None:
    source = tmp_path / "futures"
    source.mkdir()
    whole = (shared / "futures" / "contracts.parquet").read_bytes()
    (source / "contracts.parquet").write_bytes(whole[: len(whole) // 2])
    (source / "instruments.csv").write_bytes((shared / "futures" / "instruments.csv").read_bytes())
    with pytest.raises(LakeError, match=r"contracts.parquet: cannot be read as parquet .* fetch the file again"):
        import_folder(source, tmp_path / "lake")
    assert not (tmp_path / "lake" / "manifest.json").exists()


def test_a_source_parquet_that_lacks_a_column_is_refused(shared: Path, tmp_path: Path) -> None:
    source = tmp_path / "futures"
    source.mkdir()
    table = pq.read_table(shared / "futures" / "contracts.parquet", columns=["date", "instrument", "price"])
    pq.write_table(table.slice(0, 10), source / "contracts.parquet")
    (source / "instruments.csv").write_bytes((shared / "futures" / "instruments.csv").read_bytes())
    with pytest.raises(LakeError, match="has no column price_contract, forward"):
        import_folder(source, tmp_path / "lake")


def cut(data: bytes) -> bytes:
    return data[:-20]


def flip(data: bytes) -> bytes:
    middle = len(data) // 3
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def other_version(data: bytes) -> bytes:
    table = pq.read_table(pa.BufferReader(data)).replace_schema_metadata({"hedgerow.lake": "99"})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return bytes(sink.getvalue())


def no_version(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pq.read_table(pa.BufferReader(data)).replace_schema_metadata({}), sink)
    return bytes(sink.getvalue())


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        (cut, "is cut short or damaged|is not what was written"),
        (flip, "is cut short or damaged|is not what was written"),
        (lambda data: b"", "is empty; import its source again"),
        (lambda data: b"not parquet at all", "is cut short or damaged"),
        (other_version, "has lake schema version 99, this program reads 1"),
        (no_version, "has lake schema version none, this program reads 1"),
    ],
    ids=["cut", "one bit flipped", "empty", "foreign", "another version", "no version"],
)
def test_a_lake_file_that_is_not_what_was_written_is_refused(
    harm: Callable[[bytes], bytes], sentence: str, tmp_path: Path
) -> None:
    source = tmp_path / "prices.csv"
    source.write_text(GOOD)
    import_folder(source, tmp_path / "lake")
    path = tmp_path / "lake" / "bars" / "ACME.parquet"
    path.write_bytes(harm(path.read_bytes()))
    with pytest.raises(LakeError, match=sentence) as refusal:
        Lake(tmp_path / "lake").bars("ACME")
    assert str(refusal.value).startswith(f"{path}: ")
    assert len(str(refusal.value).splitlines()) == 1


@pytest.mark.parametrize("at", range(0, 1500, 61))
def test_no_flipped_bit_gets_through(at: int, tmp_path: Path) -> None:
    source = tmp_path / "prices.csv"
    source.write_text(GOOD)
    import_folder(source, tmp_path / "lake")
    path = tmp_path / "lake" / "bars" / "ACME.parquet"
    data = path.read_bytes()
    at %= len(data)
    path.write_bytes(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :])
    with pytest.raises(LakeError):
        Lake(tmp_path / "lake").bars("ACME")


def test_a_missing_lake_file_is_told(tmp_path: Path) -> None:
    source = tmp_path / "prices.csv"
    source.write_text(GOOD)
    import_folder(source, tmp_path / "lake")
    (tmp_path / "lake" / "bars" / "ACME.parquet").unlink()
    with pytest.raises(LakeError, match=r"cannot be read .* import its source again"):
        Lake(tmp_path / "lake").bars("ACME")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"{", "is damaged"),
        (b"\xff\xfe", "is damaged"),
        (json.dumps({"schema_version": 7}).encode(), "has lake schema version 7, this program reads 1"),
        (json.dumps({"schema_version": 1, "sets": {"x": {"kind": "bars"}}}).encode(), "is damaged"),
        (b"[]", "is damaged"),
    ],
)
def test_a_damaged_manifest_is_told(content: bytes, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(LakeError, match=sentence):
        Lake(tmp_path)
