"""A lake gives back what was put in, or one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.units import px_from_float
from state.lake import Lake, LakeError
from state.lake.convert import closes, days, nano, sessions
from state.lake.importers import import_folder

CSV = """product,contract,date,open,high,low,close,volume
TEST,202306,2023-05-01,10,11,9,10.5,100
TEST,202306,2023-05-02,10.5,12,10,11.25,50
TEST,202309,2023-05-02,10.75,12.5,10.5,11.5,20
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "prices.csv"
    path.write_text(CSV)
    return path


def test_bars_come_back_exact_and_in_time_order(source: Path, tmp_path: Path) -> None:
    import_folder(source, tmp_path / "lake")
    bars = Lake(tmp_path / "lake").bars("TEST")
    assert bars.contract.tolist() == [202306, 202306, 202309]
    assert bars.session.tolist() == [20230501, 20230502, 20230502]
    assert bars.close.tolist() == [10_500_000_000, 11_250_000_000, 11_500_000_000]
    assert bars.volume.tolist() == [100 * 10**8, 50 * 10**8, 20 * 10**8]
    # 2023-05-01 21:00 UTC is 1682974800 seconds after 1970 (date -u -d '2023-05-01 21:00' +%s)
    assert bars.at_ns[0] == 1_682_974_800 * 10**9


def test_a_range_of_sessions_is_inclusive(source: Path, tmp_path: Path) -> None:
    import_folder(source, tmp_path / "lake")
    lake = Lake(tmp_path / "lake")
    assert len(lake.bars("TEST", 20230502)) == 2
    assert len(lake.bars("TEST", 0, 20230501)) == 1
    assert len(lake.bars("TEST", 20230503)) == 0


def test_a_product_that_is_not_there_is_told_in_one_sentence(source: Path, tmp_path: Path) -> None:
    import_folder(source, tmp_path / "lake")
    with pytest.raises(LakeError, match="has no bars of OTHER; import them; it has TEST"):
        Lake(tmp_path / "lake").bars("OTHER")


def test_a_folder_without_a_manifest_is_not_a_lake(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match=r"is not a data lake .* run `hedgerow data import` first"):
        Lake(tmp_path)


def test_the_manifest_says_origin_range_and_seal(source: Path, tmp_path: Path) -> None:
    import_folder(source, tmp_path / "lake")
    told = json.loads((tmp_path / "lake" / "manifest.json").read_text())["sets"]["bars/TEST"]
    assert (told["rows"], told["first_session"], told["last_session"]) == (3, 20230501, 20230502)
    assert told["source"] == "user file prices.csv"
    assert len(told["sha256"]) == 64


def test_an_import_leaves_no_temporary_files(source: Path, tmp_path: Path) -> None:
    import_folder(source, tmp_path / "lake")
    left = sorted(str(p.relative_to(tmp_path / "lake")) for p in (tmp_path / "lake").rglob("*") if p.is_file())
    assert left == ["bars/TEST.parquet", "manifest.json"]


def test_the_same_content_is_imported_once(source: Path, tmp_path: Path) -> None:
    first = import_folder(source, tmp_path / "lake")
    stamp = (tmp_path / "lake" / "bars" / "TEST.parquet").stat().st_mtime_ns
    second = import_folder(source, tmp_path / "lake")
    assert (first.cached, second.cached) == (False, True)
    assert second.made == first.made
    assert (tmp_path / "lake" / "bars" / "TEST.parquet").stat().st_mtime_ns == stamp


def test_changed_content_or_another_calendar_is_imported_again(source: Path, tmp_path: Path) -> None:
    import_folder(source, tmp_path / "lake")
    at_eight = import_folder(source, tmp_path / "lake", close_of=lambda product, session: 8, closes_name="eight")
    assert not at_eight.cached
    assert Lake(tmp_path / "lake").bars("TEST").at_ns.tolist() == [8, 8, 8]
    source.write_text(CSV.replace("11.25", "11.5"))
    assert not import_folder(source, tmp_path / "lake").cached


def test_two_files_share_one_lake(source: Path, tmp_path: Path) -> None:
    import_folder(source, tmp_path / "lake")
    more = tmp_path / "more.csv"
    more.write_text("product,date,close\nACME,2023-05-01,7\n")
    import_folder(more, tmp_path / "lake")
    assert Lake(tmp_path / "lake").products() == ["ACME", "TEST"]
    assert import_folder(source, tmp_path / "lake").cached


def test_a_set_of_another_source_stays_unless_replacing_is_allowed(source: Path, tmp_path: Path) -> None:
    import_folder(source, tmp_path / "lake")
    other = tmp_path / "other.csv"
    other.write_text(CSV.replace("11.25", "11.75"))
    with pytest.raises(LakeError, match=r"kept bars/TEST from user file prices.csv"):
        import_folder(other, tmp_path / "lake")
    import_folder(other, tmp_path / "lake", replace=True)
    assert Lake(tmp_path / "lake").bars("TEST").close.tolist()[1] == 11_750_000_000


def test_close_times_come_from_the_calendar_and_strangers_get_21_utc() -> None:
    def close_of(product: str, session: int) -> int | None:
        return {20230501: 42}.get(session)

    at_ns, strangers = closes("TEST", np.array([20230501, 20230502]), close_of)
    assert at_ns.tolist() == [42, 1_683_061_200 * 10**9]
    assert strangers == [20230502]


@given(st.floats(min_value=-1e6, max_value=1e6, allow_nan=False))
def test_a_column_of_floats_rounds_as_one_float_does(value: float) -> None:
    assert nano(np.array([value])).tolist() == [px_from_float(value)]


@given(st.dates())
def test_dates_survive_the_way_to_integers_and_back(day: object) -> None:
    date = np.array([day], "datetime64[D]")
    session = sessions(date)
    assert f"{int(session[0]):08d}" == str(day).replace("-", "")
    assert days(session).astype("datetime64[D]").tolist() == [day]
