"""The futures folder: contracts, rolls and rates as the publisher's other files say they must be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from state.lake import Lake
from state.lake.convert import sessions
from state.lake.importers import ImportReport, import_folder
from state.lake.stitch import stitch


@pytest.fixture(scope="module")
def adjusted(shared: Path) -> pd.DataFrame:
    return pd.read_parquet(shared / "futures" / "adjusted.parquet")


def test_every_instrument_with_contracts_is_there(futures: Lake) -> None:
    # instruments.csv: 192 rows, 7 of them with has_contracts = False (README, defect 3)
    assert len(futures.products()) == 192 - 7
    assert "SILVER" not in futures.products()


def test_what_is_not_imported_is_said(futures_report: ImportReport) -> None:
    text = "\n".join(futures_report.lines)
    assert "7 instruments without contract prices (AEX, CAD, CAD_micro, CHF_micro, GASOIL, GASOILINE, SILVER)" in text
    assert "not imported: intraday_sample.parquet" in text


def test_every_contract_priced_on_a_day_has_a_bar(futures: Lake, shared: Path) -> None:
    table = pd.read_parquet(shared / "futures" / "contracts.parquet")
    day = table[(table.instrument == "SP500") & (table.date == "2023-03-01")].iloc[0]
    bars = futures.bars("SP500", 20230301, 20230301)
    expected = {
        (int(day[f"{leg}_contract"]), round(day[leg] * 10**9)) for leg in ("price", "carry", "forward") if day[leg] > 0
    }
    assert {*zip(bars.contract.tolist(), bars.close.tolist(), strict=True)} == expected
    assert bars.open.tolist() == bars.high.tolist() == bars.low.tolist() == bars.close.tolist()


@pytest.mark.parametrize("product", ["SP500", "EURO600", "US10", "GOLD", "CORN", "CRUDE_W"])
def test_stitched_contracts_move_as_the_adjusted_series_does(
    futures: Lake, adjusted: pd.DataFrame, product: str
) -> None:
    """README: the two files agree on at least 99.7 % of days that are not rolls; the source rolls inside the day."""
    rolls = futures.rolls(product)
    joined = stitch(futures.bars(product), rolls)
    theirs = adjusted[adjusted.instrument == product]
    session = sessions(theirs.date.to_numpy().astype("datetime64[D]"))
    common = np.isin(joined.session, session)
    assert np.isin(session, joined.session).all()
    assert (~common).sum() <= 2  # days without a price of the source's contract, and with one of the next, already held
    ours, other = np.diff(joined.level[common] / 1e9), np.diff(theirs.close.to_numpy())
    same = np.isclose(ours, other, rtol=0, atol=1e-6)
    days = [r.session for r in rolls]
    rolled = np.searchsorted(days, session[1:]) - np.searchsorted(days, session[:-1])
    after_roll = rolled > 0
    assert same[~after_roll].mean() >= 0.997
    assert same.mean() >= (0.99 if product == "EURO600" else 0.998)


def test_a_roll_happens_on_the_last_day_with_both_prices(futures: Lake) -> None:
    bars = futures.bars("US10")
    for roll in futures.rolls("US10")[-40:]:
        day = set(bars.where(bars.session == roll.session).contract.tolist())
        assert {roll.from_contract, roll.to_contract} <= day
        assert roll.decided < roll.session
        assert not ((bars.session > roll.decided) & (bars.session < roll.session)).any()


@pytest.mark.parametrize("product", ["US10", "US5", "GOLD", "CRUDE_W"])
def test_a_roll_can_be_decided_the_session_before(futures: Lake, product: str) -> None:
    """Scar: a roll after Memorial Day was decided on a day without a price, and the old contract was kept for weeks."""
    bars = futures.bars(product)
    sessions_of_product = np.unique(bars.session)
    for roll in [r for r in futures.rolls(product) if r.session > 20060101]:
        old, new = bars.of(roll.from_contract).session, bars.of(roll.to_contract).session
        assert roll.decided in old
        assert {roll.session} <= set(old.tolist()) & set(new.tolist())
        at = int(np.searchsorted(sessions_of_product, roll.decided))
        lately = sessions_of_product[max(0, at - 7) : at + 1]
        assert np.isin(lately, new).any()


def test_sp500_rolls_every_quarter(futures: Lake) -> None:
    rolls = futures.rolls("SP500")
    assert [r.to_contract % 100 for r in rolls[-4:]] == [12, 3, 6, 9]
    # instruments.csv counts 162 changes of contract in the adjusted series; the contract table has one more, its first
    assert len(rolls) == 163


def test_rates_are_dollars_for_one_unit(futures: Lake) -> None:
    assert futures.currencies() == ["AUD", "CAD", "CHF", "CNH", "EUR", "GBP", "HKD", "JPY", "KRW", "MXN", "SEK", "SGD"]
    aud = futures.fx("AUD")
    assert (aud.session[0], aud.rate[0]) == (19940527, 732_820_000)


def test_the_second_import_does_nothing(shared: Path, futures_report: ImportReport) -> None:
    again = import_folder(shared / "futures", futures_report.lake)
    assert again.cached
    assert (again.made, again.lines) == (futures_report.made, futures_report.lines)


def test_chosen_products_can_be_imported_alone(shared: Path, tmp_path: Path) -> None:
    report = import_folder(shared / "futures", tmp_path / "lake", only={"GOLD", "EUR"})
    assert sorted(report.made) == ["bars/EUR", "bars/GOLD", "fx/EUR", "rolls/EUR", "rolls/GOLD"]
    assert not any(line.startswith(("FEEDCOW:", "fx KRW:")) for line in report.lines)


def test_attribution_travels_with_the_data(futures: Lake) -> None:
    assert futures.data_set("bars", "GOLD").licence.startswith("price data: pysystemtrade (R. Carver), GPL-3.0")
