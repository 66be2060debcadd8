"""Option chains from recorded quotes, and their Greeks."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.tws.catalogue import Catalogue, Record, Tape, option_math
from tests.tws.catalogue.kit import SHARED, CatalogueAt, at, code, only, refusal, wanted


@pytest.fixture(scope="module")
def spx() -> pd.DataFrame:
    return pd.read_parquet(SHARED / "options" / "spx_2019_chains.parquet")


def test_a_chain_is_what_was_quoted_by_today_and_lives(catalogue: Catalogue, spx: pd.DataFrame) -> None:
    today = dt.date(2019, 6, 12)
    living = spx[(spx.quote_date <= today) & (spx.expiry >= today)]
    index = catalogue.con_id_of("SPX_INDEX")
    found = catalogue.option_chain("SPX", "", "IND", index)
    assert [(one.exchange, one.trading_class) for one in found] == [
        ("SMART", "SPX"),
        ("CBOE", "SPX"),
        ("SMART", "SPXW"),
        ("CBOE", "SPXW"),
    ]
    for one in found:
        mine = living[living.root == one.trading_class]
        assert one.expirations == tuple(sorted({f"{day:%Y%m%d}" for day in mine.expiry}))
        assert one.strikes == tuple(sorted(set(mine.strike)))
        assert (one.under_con_id, one.multiplier) == (index, "100")


def test_a_chain_is_not_a_grid(catalogue: Catalogue) -> None:
    found = catalogue.option_chain("SPX", "", "IND", catalogue.con_id_of("SPX_INDEX"))[0]
    exist = catalogue.find(wanted(symbol="SPX", sec_type="OPT", trading_class="SPX", right="C"))
    assert len(exist) < len(found.expirations) * len(found.strikes)


def test_nobody_sees_a_strike_before_it_was_quoted(catalogue_at: CatalogueAt, spx: pd.DataFrame) -> None:
    mine = spx[(spx.root == "SPXW") & (spx.right == "P")]
    since = mine.groupby(["expiry", "strike"]).quote_date.min()
    (expiry, strike), first = next((key, day) for key, day in since.items() if day > dt.date(2019, 5, 1))
    fields = {"symbol": "SPX", "sec_type": "OPT", "trading_class": "SPXW", "right": "P", "strike": strike}
    fields["expiry"] = f"{expiry:%Y%m%d}"
    assert code(catalogue_at(f"{first - dt.timedelta(days=1)}T12:00"), **fields) == 200
    assert only(catalogue_at(f"{first}T12:00"), **fields).contract.strike == strike


def test_an_option_is_named_as_the_clearing_house_names_it(catalogue: Catalogue) -> None:
    said = only(
        catalogue, symbol="SPX", sec_type="OPT", expiry="20190621", strike=2_900.0, right="CALL", trading_class="SPX"
    )
    one = said.contract
    assert one.local_symbol == "SPX   190621C02900000"
    assert (one.multiplier, one.right, one.exchange, one.currency) == ("100", "C", "SMART", "USD")
    assert (said.under_con_id, said.under_sec_type) == (catalogue.con_id_of("SPX_INDEX"), "IND")
    assert catalogue.details(one.con_id) == said
    assert one.con_id >= 2**30


def test_a_description_without_a_class_means_both(catalogue: Catalogue) -> None:
    found = catalogue.find(wanted(symbol="SPX", sec_type="OPT", expiry="20190621", strike=2_900.0, right="C"))
    assert [one.trading_class for one in found] == ["SPX", "SPXW"]


def test_ids_of_options_differ_and_do_not_depend_on_the_day(catalogue: Catalogue, catalogue_at: CatalogueAt) -> None:
    both = wanted(symbol="SPX", sec_type="OPT", include_expired=True)
    found = catalogue.find(both)
    assert len(found) > 10_000
    assert len({one.con_id for one in found}) == len(found)
    later = {one.local_symbol: one.con_id for one in catalogue_at("2026-01-01T00:00").find(both)}
    assert later == {one.local_symbol: one.con_id for one in found}


def test_options_on_a_future_hang_on_their_month(catalogue_at: CatalogueAt) -> None:
    catalogue = catalogue_at("2020-01-06T20:00")
    march = catalogue.con_id_of("SP500@202003")
    (found,) = catalogue.option_chain("ES", "CME", "FUT", march)
    assert (found.exchange, found.trading_class, found.multiplier) == ("CME", "ES", "50")
    assert found.expirations == ("20200320",)
    option = catalogue.find(wanted(symbol="ES", sec_type="FOP", expiry="20200320", strike=3_200.0, right="P"))[0]
    assert option.under_con_id == march


def test_an_underlying_that_the_id_does_not_name_is_refused(catalogue: Catalogue) -> None:
    index = catalogue.con_id_of("SPX_INDEX")
    assert refusal(lambda: catalogue.option_chain("SPY", "", "STK", index))[0] == 321
    assert refusal(lambda: catalogue.option_chain("SPX", "CME", "IND", index))[0] == 321
    assert refusal(lambda: catalogue.option_chain("SPX", "", "IND", 17))[0] == 200
    assert catalogue.option_chain("CSPX", "", "STK", catalogue.con_id_of("CSPX")) == []


def test_blacks_premium_is_that_of_the_textbook() -> None:
    # F = K = 100, one year, 20 %: 100 * (2 N(0.1) - 1) with N(0.1) = 0.5398278
    assert option_math.black(100, 100, 1, 0.2, "C") == pytest.approx(7.96557, abs=1e-5)
    assert option_math.black(100, 90, 0, 0.2, "C") == 10
    assert option_math.black(100, 90, 0, 0.2, "P") == 0


@given(st.floats(50, 200), st.floats(50, 200), st.floats(0.02, 2), st.floats(0.05, 1.5), st.sampled_from(["C", "P"]))
def test_the_implied_volatility_of_a_premium_gives_the_premium_back(
    forward: float, strike: float, years: float, vol: float, right: str
) -> None:
    premium = option_math.black(forward, strike, years, vol, right)
    found = option_math.implied_vol(premium, forward, strike, years, right)
    if found is not None:
        assert option_math.black(forward, strike, years, found, right) == pytest.approx(premium, abs=1e-6)


def test_greeks_are_the_slopes_of_the_premium() -> None:
    forward, strike, years, vol, step = 100.0, 95.0, 0.5, 0.25, 1e-4
    for right in ("C", "P"):
        premium = option_math.black(forward, strike, years, vol, right)
        found = option_math.greeks(premium, forward, strike, years, right)
        assert found is not None

        def at_price(price: float, kind: str = right) -> float:
            return option_math.black(price, strike, years, vol, kind)

        slope = (at_price(forward + step) - at_price(forward - step)) / (2 * step)
        bend = (at_price(forward + 0.01) - 2 * premium + at_price(forward - 0.01)) / 1e-4
        up = option_math.black(forward, strike, years, vol + 0.005, right)
        down = option_math.black(forward, strike, years, vol - 0.005, right)
        later = option_math.black(forward, strike, years - 1 / 3_650, vol, right)
        assert found.implied_vol == pytest.approx(vol, abs=1e-6)
        assert found.delta == pytest.approx(slope, abs=1e-5)
        assert found.gamma == pytest.approx(bend, rel=1e-3)
        assert found.vega == pytest.approx(up - down, rel=1e-3)
        assert found.theta == pytest.approx((later - premium) * 10, rel=1e-3)


def test_quotes_within_a_day_are_told_at_their_own_times(record: Record, catalogue_at: CatalogueAt) -> None:
    raw = pd.read_parquet(SHARED / "options" / "es_fop_20200106_15min.parquet")
    mine = raw[(raw.expiry == dt.date(2020, 3, 20)) & (raw.strike == 3_200.0) & (raw.right == "P")]
    mine = mine.sort_values("quote_ts")
    catalogue = catalogue_at("2020-01-05T23:00")
    option = catalogue.find(wanted(symbol="ES", sec_type="FOP", expiry="20200320", strike=3_200.0, right="P"))[0]
    series, under = Record(catalogue).chain(option)
    assert series.at_ns.tolist() == [int(one.timestamp()) * 10**9 for one in mine.quote_ts]
    assert (series.bid / 1e9).tolist() == mine.bid.tolist()
    assert (series.ask_size / 1e8).tolist() == mine.ask_size.tolist()
    assert under.tolist() == mine.futures_price.tolist()


def test_settlements_are_told_with_a_spread_around_them(catalogue_at: CatalogueAt) -> None:
    raw = pd.read_parquet(SHARED / "options" / "sx5e_2018_2019_settle.parquet")
    mine = raw[(raw.expiry == dt.date(2019, 7, 19)) & (raw.strike == 3_500.0) & (raw.right == "C")]
    day = mine[mine.quote_date == dt.date(2019, 6, 11)].iloc[0]
    catalogue = catalogue_at("2019-06-12T06:00")
    option = catalogue.one(
        wanted(symbol="ESTX50", sec_type="OPT", exchange="EUREX", expiry="20190719", strike=3_500.0, right="C")
    )
    tick = Tape(Record(catalogue), at("2019-06-12T06:00")).look(option.con_id)
    assert tick is not None
    assert (tick.quote.bid + tick.quote.ask) / 2e9 == pytest.approx(day.settle)
    assert (tick.quote.ask - tick.quote.bid) / 1e9 == pytest.approx(0.03 * day.settle)
    assert (option.multiplier, option.currency) == ("10", "EUR")


def test_no_market_is_no_size(catalogue_at: CatalogueAt) -> None:
    """On 5 February 2018 quotes were pulled: both sides 0 mean no market."""
    raw = pd.read_parquet(SHARED / "options" / "spxw_2018_volmageddon.parquet")
    day = raw[(raw.quote_date == dt.date(2018, 2, 5)) & (raw.bid == 0) & (raw.ask == 0)].iloc[0]
    catalogue = catalogue_at("2018-02-06T12:00")
    option = catalogue.one(
        wanted(
            symbol="SPX", sec_type="OPT", expiry=f"{day.expiry:%Y%m%d}", strike=day.strike, right=day.right,
            trading_class="SPXW",
        )
    )  # fmt: skip
    tape = Tape(Record(catalogue), at("2018-02-06T12:00"))
    tick = tape.look(option.con_id)
    assert tick is not None
    assert (tick.session, tick.quote.bid_size, tick.quote.ask_size) == (20180205, 0, 0)
    assert tape.greeks(option.con_id) is None


def test_a_premium_below_its_intrinsic_value_has_no_greeks() -> None:
    assert option_math.greeks(4.0, 100, 95, 0.5, "C") is None
    assert option_math.greeks(5.0, 100, 95, 0, "C") is None


def test_volatilities_agree_with_the_vendors(catalogue: Catalogue, record: Record, spx: pd.DataFrame) -> None:
    """Out of the money, the vendor's figure with its own rates lies within two points of ours."""
    tape = Tape(record, at("2019-06-12T06:00"))
    day = spx[(spx.quote_date == dt.date(2019, 6, 11)) & (spx.root == "SPX") & (spx.expiry == dt.date(2019, 7, 19))]
    checked = 0
    for strike, right in ((2_700.0, "P"), (2_800.0, "P"), (2_900.0, "C"), (3_000.0, "C")):
        (row,) = day[(day.strike == strike) & (day.right == right)].itertuples()
        fields = {"symbol": "SPX", "sec_type": "OPT", "expiry": "20190719", "trading_class": "SPX"}
        option = catalogue.one(wanted(**fields, strike=strike, right=right))
        found = tape.greeks(option.con_id)
        assert found is not None
        assert found.under_price == row.spot
        assert found.implied_vol == pytest.approx(row.iv, abs=0.02)
        assert found.delta == pytest.approx(row.delta, abs=0.04)
        checked += 1
    assert checked == 4
    assert tape.greeks(catalogue.con_id_of("BNP")) is None


def test_a_file_of_chains_that_cannot_be_read_is_said(
    catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("spoilt")
    (folder / "spx_2019_chains.parquet").write_bytes(b"not parquet")
    spoilt = Catalogue(catalogue.shelf.products, None, catalogue.sessions, lambda: at("2019-06-12T12:00"), folder)
    said, text = refusal(lambda: spoilt.option_chain("SPX", "", "IND", spoilt.con_id_of("SPX_INDEX")))
    assert said == 162
    assert "spx_2019_chains.parquet cannot be read" in text
