"""The Europe, crypto and option folders: known figures arrive, conventions are repaired, leftovers are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from state.lake import Lake
from state.lake.importers import ImportReport, import_folder


def close(lake: Lake, product: str, session: int) -> float:
    return float(lake.bars(product, session, session).close[0]) / 1e9


@pytest.mark.parametrize(
    ("product", "session", "value"),
    [
        ("SX5E_INDEX", 20070716, 4557.57),
        ("SX5E_INDEX", 20200318, 2385.82),
        ("V2TX_INDEX", 20081016, 87.5127),
        ("V2TX_INDEX", 20200316, 85.6206),
        ("US_HY_OAS_PCT", 20081215, 21.82),
        ("US_HY_OAS_PCT", 20200323, 10.87),
        ("IT_BUND_SPREAD", 20111109, 553),
    ],
)
def test_published_figures_arrive(europe: Lake, product: str, session: int, value: float) -> None:
    assert close(europe, product, session) == pytest.approx(value, rel=2e-3 if "SPREAD" in product else 1e-5)


def test_ecb_rates_become_dollars_for_one_unit(europe: Lake) -> None:
    day = europe.fx("EUR", 20080715, 20080715)
    assert day.rate.tolist() == [1_599_000_000]  # 1.5990 on 2008-07-15, the ECB's own figure
    pound = europe.fx("GBP", 19990104, 19990104)
    assert pound.rate.tolist() == [round(1.1789 / 0.7111 * 1e9)]


def test_ecb_rates_are_not_known_before_they_are_published(europe: Lake) -> None:
    day = europe.fx("EUR", 20080715, 20080715)
    # published at 16:00 in Frankfurt, 15:00 UTC in winter; 2008-07-15 15:00 UTC is 1216134000
    assert day.at_ns.tolist() == [1_216_134_000 * 10**9]


def test_a_credit_spread_published_the_next_day_is_known_the_next_day(europe: Lake) -> None:
    bars = europe.bars("US_HY_OAS_PCT", 20200323, 20200323)
    # 2020-03-24 14:00 UTC is 1585058400
    assert bars.at_ns.tolist() == [1_585_058_400 * 10**9]


def test_london_shares_are_in_pounds(europe: Lake) -> None:
    median = sorted(europe.bars("BARC.L").close.tolist())[len(europe.bars("BARC.L")) // 2]
    assert 1.0 < median / 1e9 < 2.5


def test_lines_that_instruments_name_are_called_as_they_name_them(europe: Lake) -> None:
    assert {"SXRT", "EXS1", "BNP", "EURUSD", "NOK_ADR"} <= set(europe.products())
    assert not {"SXRT.DE", "BNP.PA", "NOK"} & set(europe.products())


def test_fund_bars_hold_their_closes(europe: Lake) -> None:
    for product in ("SPY", "EXS1", "SAP.DE"):
        bars = europe.bars(product)
        assert (bars.high >= bars.close).all()
        assert (bars.low <= bars.close).all()
        assert (bars.low > 0).all()


def test_minute_quotes_are_known_when_the_minute_is_over(europe: Lake) -> None:
    quotes = europe.quotes("DE30EUR")
    # the first minute stamped 2019-02-20 00:15 UTC ends at 00:16, 1550621760
    assert quotes.at_ns[0] == 1_550_621_760 * 10**9
    assert (quotes.bid_size > 0).all()


def test_a_quote_without_a_bid_has_no_size_on_that_side(europe: Lake, shared: Path) -> None:
    quotes = europe.quotes("ESZ3")
    bare = quotes.bid == 0
    assert int(bare.sum()) == 29  # README: ESZ3 has 29 rows without bid
    assert (quotes.bid_size[bare] == 0).all()


def test_crossed_quotes_are_counted(europe_report: ImportReport) -> None:
    assert "quotes EURUSD: 436 crossed quotes" in europe_report.lines  # README: 436 crossed rows


def test_what_is_left_out_is_named(europe_report: ImportReport) -> None:
    text = "\n".join(europe_report.lines)
    for name in ("us_fundamentals_annual_pit", "stoxx600_membership", "eu_stoxx600_close_daily", "sovereign_cds5y"):
        assert f"not imported: {name}" in text


def test_hourly_crypto_bars_are_known_when_the_hour_is_over(shared: Path, tmp_path: Path) -> None:
    report = import_folder(shared / "crypto", tmp_path / "lake")
    lake = Lake(tmp_path / "lake")
    bars = lake.bars("BTCUSDT")
    # README: 78,246 rows from 2017-08-17 05:00 UTC, 1502946000; high 69,000.00 on 2021-11-10
    assert len(bars) == 78_246
    assert bars.at_ns[0] == (1_502_946_000 + 3_600) * 10**9
    assert lake.bars("BTCUSDT", 20211110, 20211110).high.max() == 69_000 * 10**9
    assert any("funding" in line for line in report.lines)


def test_option_chains_are_left_out_and_said_so(shared: Path, tmp_path: Path) -> None:
    report = import_folder(shared / "options", tmp_path / "lake")
    lake = Lake(tmp_path / "lake")
    assert close(lake, "VIX_INDEX", 20200316) == pytest.approx(82.69)  # Cboe's close, the record
    assert any("spx_2019_chains.parquet (option chains have no place" in line for line in report.lines)
