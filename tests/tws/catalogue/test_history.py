"""Bars and ticks, against the raw files that the lake was made from."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from simulation.tws.catalogue import Catalogue, History, spans
from simulation.tws.terms import HistoricalBar
from tests.tws.catalogue.kit import SECOND, SHARED, at, refusal, wanted

NOW = at("2019-06-12T12:00")


def ask(
    history: History,
    instrument: str,
    end: str = "",
    duration: str = "1 Y",
    size: str = "1 day",
    what: str = "TRADES",
    *,
    use_rth: bool = False,
    now_ns: int = NOW,
    format_date: int = 1,
) -> list[HistoricalBar]:
    con_id = history.catalogue.con_id_of(instrument)
    return history.bars(con_id, end, duration, size, what, use_rth, now_ns, format_date)


@pytest.fixture(scope="module")
def bnp() -> pd.DataFrame:
    """The raw file's rows up to the evening before NOW."""
    table = pd.read_parquet(SHARED / "europe" / "eu_large_ohlcv_daily.parquet")
    mine = table[table.symbol == "BNP.PA"].set_index("date").sort_index()
    return mine[mine.index < "2019-06-12"].dropna()


@pytest.fixture(scope="module")
def euro_minutes() -> pd.DataFrame:
    table = pd.read_parquet(SHARED / "europe" / "intraday_1min_quotes.parquet")
    return table[table.symbol == "EURUSD"].set_index("ts").sort_index()


def test_daily_bars_are_the_raw_files(history: History, bnp: pd.DataFrame) -> None:
    bars = ask(history, "BNP", duration="1 M")
    raw = bnp[bnp.index >= "2019-05-13"]
    assert [bar.date for bar in bars] == [f"{day:%Y%m%d}" for day in raw.index]
    for side in ("open", "high", "low", "close"):
        assert [getattr(bar, side) for bar in bars] == pytest.approx(raw[side].tolist(), abs=1e-8)
    assert [bar.volume for bar in bars] == raw.volume.tolist()


def test_a_number_of_days_is_a_number_of_sessions(history: History, bnp: pd.DataFrame) -> None:
    bars = ask(history, "BNP", duration="5 D")
    assert [bar.date for bar in bars] == [f"{day:%Y%m%d}" for day in bnp.index[-5:]]


def test_a_day_is_told_only_once_it_has_closed(history: History) -> None:
    closes_ns = at("2019-06-12T15:30")
    assert ask(history, "BNP", duration="5 D", now_ns=closes_ns - 1)[-1].date == "20190611"
    assert ask(history, "BNP", duration="5 D", now_ns=closes_ns)[-1].date == "20190612"


def test_nothing_later_than_the_asker_is_told_whatever_end_is_named(history: History) -> None:
    assert ask(history, "BNP", "20230101 00:00:00 UTC", "5 D")[-1].date == "20190611"


def test_weeks_and_months_are_days_put_together(history: History, bnp: pd.DataFrame) -> None:
    how = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    for size, rule in (("1 week", "W-SUN"), ("1W", "W-SUN"), ("1 month", "ME")):
        raw = bnp.resample(rule).agg(how).dropna()
        bars = ask(history, "BNP", duration="1 Y", size=size)[1:]
        mine = raw.iloc[-len(bars) :]
        assert len(bars) > 10
        for side in ("open", "high", "low", "close", "volume"):
            assert [getattr(bar, side) for bar in bars] == pytest.approx(mine[side].tolist(), rel=1e-7)
        assert bars[-1].date == "20190611"


def test_a_futures_month_is_told_from_the_contracts_table(history: History) -> None:
    raw = pd.read_parquet(SHARED / "futures" / "contracts.parquet")
    mine = raw[(raw.instrument == "SP500") & (raw.price_contract == 201906) & (raw.date < "2019-06-11")].tail(10)
    bars = ask(history, "SP500@201906", "20190610 17:00:00 US/Central", "10 D")
    assert [bar.date for bar in bars] == [f"{day:%Y%m%d}" for day in mine.date]
    assert [bar.close for bar in bars] == mine.price.tolist()


def test_a_future_in_cents_is_told_in_cents(history: History) -> None:
    raw = pd.read_parquet(SHARED / "futures" / "contracts.parquet")
    mine = raw[(raw.instrument == "CORN") & (raw.price_contract == 201912) & (raw.date < "2019-06-12")].tail(5)
    bars = ask(history, "CORN@201912", "20190611 23:00:00 UTC", "5 D")
    assert [bar.close for bar in bars] == mine.price.tolist()


def test_a_continuous_future_runs_through_the_months_that_were_held(history: History) -> None:
    raw = pd.read_parquet(SHARED / "futures" / "contracts.parquet")
    mine = raw[(raw.instrument == "SP500") & (raw.date < "2019-06-12") & (raw.date > "2018-09-10")].dropna(
        subset="price"
    )
    front = history.catalogue.one(wanted(symbol="ES", sec_type="CONTFUT", exchange="CME"))
    bars = history.bars(front.con_id, "", "8 M", "1 day", "TRADES", True, NOW, continuous=True)
    closes = {
        f"{day:%Y%m%d}": (price, month)
        for day, price, month in zip(mine.date, mine.price, mine.price_contract, strict=True)
    }
    assert len(bars) > 150
    assert len({closes[bar.date][1] for bar in bars}) > 2
    same = sum(bar.close == closes[bar.date][0] for bar in bars)
    assert same > 0.9 * len(bars), "a roll may be brought forward by a few sessions"
    alone = history.bars(front.con_id, "", "8 M", "1 day", "TRADES", True, NOW)
    assert bars[-1] == alone[-1]
    assert bars[0] != alone[0]


def test_without_rolls_a_continuous_bar_is_the_contracts_own(history: History, catalogue: Catalogue) -> None:
    bnp = catalogue.con_id_of("BNP")
    own = history.bars(bnp, "", "5 D", "1 day", "TRADES", True, NOW)
    assert history.bars(bnp, "", "5 D", "1 day", "TRADES", True, NOW, continuous=True) == own


def test_a_pair_without_bars_is_the_cross_of_the_central_banks_rates(history: History) -> None:
    raw = pd.read_parquet(SHARED / "europe" / "ecb_fx_daily.parquet").set_index("date")
    day = ask(history, "USDDKK", duration="3 D", what="MIDPOINT")[-1]
    row = raw.loc[pd.Timestamp("2019-06-11")]
    assert day.date == "20190611"
    assert day.close == pytest.approx(row.DKK / row.USD, rel=1e-6)


def test_two_foreign_currencies_cross_on_days_that_both_have(history: History) -> None:
    raw = pd.read_parquet(SHARED / "futures" / "fx.parquet")
    rates = {name: raw[raw.pair == f"{name}USD"].set_index("date").rate for name in ("GBP", "CHF")}
    bars = ask(history, "GBPCHF", "20190531 00:00:00 UTC", "1 M", what="MIDPOINT")
    for bar in bars:
        day = pd.Timestamp(bar.date)
        assert bar.close == pytest.approx(rates["GBP"][day] / rates["CHF"][day], rel=1e-6)
    assert len(bars) > 15


def test_minutes_of_bids_and_asks_are_the_raw_quotes(history: History, euro_minutes: pd.DataFrame) -> None:
    raw = euro_minutes.loc["2014-05-08 12:30":"2014-05-08 13:29"]
    for what, side in (("BID", "bid"), ("ASK", "ask")):
        bars = ask(history, "EURUSD", "20140508 13:30:00 UTC", "3600 S", "1 min", what, format_date=2)
        good = raw[raw.bid <= raw.ask]
        assert [int(bar.date) for bar in bars] == [int(ts.timestamp()) for ts in good.index]
        assert [bar.close for bar in bars] == pytest.approx(good[side].tolist(), abs=1e-8)
        assert {bar.volume for bar in bars} == {-1.0}


def test_longer_bars_within_a_day_hold_their_minutes(history: History) -> None:
    end, day = "20140508 14:00:00 UTC", "7200 S"
    minutes = ask(history, "EURUSD", end, day, "1 min", "MIDPOINT", format_date=2)
    for size, seconds in (("5 mins", 300), ("1 hour", 3_600)):
        bars = ask(history, "EURUSD", end, day, size, "MIDPOINT", format_date=2)
        assert len(bars) == 7_200 // seconds
        for bar in bars:
            mine = [one for one in minutes if int(bar.date) <= int(one.date) < int(bar.date) + seconds]
            assert (bar.open, bar.close) == (mine[0].open, mine[-1].close)
            assert (bar.high, bar.low) == (max(one.high for one in mine), min(one.low for one in mine))


def test_bid_ask_bars_are_told_by_their_means_and_extremes(history: History, euro_minutes: pd.DataFrame) -> None:
    (bar,) = ask(history, "EURUSD", "20140508 13:00:00 UTC", "3600 S", "1 hour", "BID_ASK")
    raw = euro_minutes.loc["2014-05-08 12:00":"2014-05-08 12:59"]
    raw = raw[raw.bid <= raw.ask].astype({"bid": float, "ask": float})
    expected = (raw.bid.mean(), raw.ask.max(), raw.bid.min(), raw.ask.mean())
    assert (bar.open, bar.high, bar.low, bar.close) == pytest.approx(expected, abs=2e-9)


def test_daily_quotes_lie_on_ticks_half_a_spread_from_the_trade(history: History) -> None:
    trades, bids, asks = (ask(history, "SP500@201906", duration="20 D", what=what) for what in ("TRADES", "BID", "ASK"))
    for trade, bid, offer in zip(trades, bids, asks, strict=True):
        assert bid.close % 0.25 == offer.close % 0.25 == 0
        assert bid.close <= trade.close - 0.13 < trade.close + 0.13 <= offer.close
        assert offer.close - bid.close <= 0.75


def test_daily_bids_and_asks_in_one_bar_are_their_middles_and_extremes(history: History) -> None:
    trades, both = (ask(history, "BNP", duration="20 D", what=what) for what in ("TRADES", "BID_ASK"))
    for trade, bar in zip(trades, both, strict=True):
        middle = (trade.open + trade.close) / 2
        assert bar.open <= middle <= bar.close
        assert bar.close - bar.open < 0.03
        assert bar.low <= trade.low < trade.high <= bar.high


def test_dates_within_a_day_are_text_in_the_exchanges_zone_or_seconds(history: History) -> None:
    texts, seconds = (
        ask(history, "EURUSD", "20140508 12:46:00 UTC", "60 S", "1 min", "BID", format_date=form)[0].date
        for form in (1, 2)
    )
    assert texts == "20140508 08:45:00 US/Eastern"
    assert int(seconds) == at("2014-05-08T12:45") // SECOND


def test_daily_dates_are_the_same_in_both_forms(history: History) -> None:
    assert ask(history, "BNP", duration="1 D", format_date=2)[0].date == "20190611"


def test_regular_hours_leave_out_what_lies_outside_a_session(history: History) -> None:
    end, span = "20131005 00:00:00 UTC", "2 D"
    every = ask(history, "SPY", end, span, "1 min", "MIDPOINT", format_date=2)
    regular = ask(history, "SPY", end, span, "1 min", "MIDPOINT", use_rth=True, format_date=2)
    opens, closes = at("2013-10-04T13:30") // SECOND, at("2013-10-04T20:00") // SECOND
    assert 0 < len(regular) < len(every)
    assert all(opens <= int(bar.date) < closes for bar in regular)


def test_the_head_is_the_opening_of_the_first_session(history: History, catalogue: Catalogue) -> None:
    bnp = catalogue.con_id_of("BNP")
    assert history.head(bnp, "TRADES", True, NOW) == "20140102-08:00:00"
    assert history.head(bnp, "TRADES", True, NOW, 2) == str(at("2014-01-02T08:00") // SECOND)
    assert refusal(lambda: history.head(bnp, "TRADES", True, at("2013-01-01T00:00")))[0] == 162


def test_ticks_are_recorded_quotes_in_order(history: History, catalogue: Catalogue, euro_minutes: pd.DataFrame) -> None:
    euro = catalogue.con_id_of("EURUSD")
    _, found = history.ticks(euro, "20140508 12:30:00 UTC", "", 10, "BID_ASK", False, NOW)
    raw = euro_minutes.loc["2014-05-08 12:29":].head(10)
    assert [one[0] for one in found] == [int(ts.timestamp()) + 60 for ts in raw.index]
    assert [one[2] for one in found] == pytest.approx(raw.bid.tolist(), abs=1e-8)
    middle, none = history.ticks(euro, "", "20140508 12:30:00 UTC", 3, "MIDPOINT", False, NOW)
    assert none == []
    assert [one[0] for one in middle] == [at("2014-05-08T12:28") // SECOND + 60 * i for i in range(3)]


def test_ticks_of_regular_hours_lie_in_the_session(history: History, catalogue: Catalogue) -> None:
    spy = catalogue.con_id_of("SPY")
    _, found = history.ticks(spy, "20131004 00:00:00 UTC", "", 1_000, "BID_ASK", True, NOW)
    opens = at("2013-10-04T13:30") // SECOND
    assert found[0][0] == opens + 60
    assert all(opens < one[0] for one in found)


@pytest.mark.parametrize(
    ("instrument", "changed", "said", "word"),
    [
        ("BNP", {"end": "yesterday"}, 321, "is not a time"),
        ("BNP", {"end": "20191399 00:00:00 UTC"}, 321, "does not exist"),
        ("BNP", {"end": "20190101 00:00:00 Mars/Olympus"}, 321, "does not exist"),
        ("BNP", {"duration": "5 Q"}, 321, "is not a duration"),
        ("BNP", {"duration": "0 D"}, 321, "is not a duration"),
        ("BNP", {"duration": "366 D"}, 321, "must be made in years"),
        ("BNP", {"duration": "90000 S"}, 321, "must be made in days"),
        ("BNP", {"duration": "13 M"}, 321, "must be made in years"),
        ("BNP", {"size": "7 mins"}, 321, "is not a bar size"),
        ("BNP", {"what": "GOSSIP"}, 321, "is not kept here"),
        ("BNP", {"format_date": 3}, 321, "form of dates"),
        ("BNP", {"what": "ADJUSTED_LAST", "end": "20190601 00:00:00 UTC"}, 321, "leave the end empty"),
        ("BNP", {"size": "1 min"}, 162, "returned no data"),
        ("BNP", {"end": "20100101 00:00:00 UTC", "size": "1 week"}, 162, "returned no data"),
        ("EURUSD", {"size": "1 min", "what": "BID", "duration": "1 D"}, 162, "returned no data"),
        ("SMEA", {}, 162, "returned no data"),
        ("BNP", {"end": "20100101 00:00:00 UTC"}, 162, "returned no data"),
        ("EURUSD", {"what": "TRADES"}, 162, "No historical market data for EUR/CASH@IDEALPRO"),
        ("SPX_INDEX", {"what": "BID"}, 162, "No historical market data for SPX/IND@CBOE"),
    ],
)
def test_what_cannot_be_answered_is_said_by_code(
    history: History, instrument: str, changed: dict[str, str], said: int, word: str
) -> None:
    code, text = refusal(lambda: ask(history, instrument, **changed))  # type: ignore[arg-type]
    assert code == said
    assert word in text
    assert "\n" not in text


def test_bad_requests_for_ticks_are_said(history: History, catalogue: Catalogue) -> None:
    euro, bnp = catalogue.con_id_of("EURUSD"), catalogue.con_id_of("BNP")
    for con_id, start, end, count, what, said in (
        (euro, "", "", 5, "BID_ASK", 321),
        (euro, "20140508", "20140509", 5, "BID_ASK", 321),
        (euro, "20140508", "", 0, "BID_ASK", 321),
        (euro, "20140508", "", 1_001, "BID_ASK", 321),
        (euro, "20140508", "", 5, "SMELL", 321),
        (euro, "20140508", "", 5, "TRADES", 162),
        (bnp, "20140508", "", 5, "BID_ASK", 162),
        (17, "20140508", "", 5, "BID_ASK", 200),
    ):
        ticks = (con_id, start, end, count, what, False, NOW)
        assert refusal(lambda asked=ticks: history.ticks(*asked))[0] == said  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("20190612 12:00:00 UTC", "2019-06-12T12:00:00"),
        ("20190612-12:00:00", "2019-06-12T12:00:00"),
        ("20190612 12:00:00 US/Eastern", "2019-06-12T16:00:00"),
        ("20190612  12:00:00", "2019-06-12T11:00:00"),
        ("20190112 12:00:00", "2019-01-12T12:00:00"),
        ("20190612", "2019-06-12T22:59:59"),
    ],
)
def test_ends_are_read_as_the_protocol_writes_them(text: str, moment: str) -> None:
    assert spans.moment(text, NOW, "Europe/London") == at(moment)


def test_no_end_is_now() -> None:
    assert spans.moment("", NOW, "UTC") == NOW


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("1800 S", "2019-06-12T11:30"),
        ("2 W", "2019-05-29T12:00"),
        ("1 M", "2019-05-12T12:00"),
        ("4 M", "2019-02-12T12:00"),
        ("3 Y", "2016-06-12T12:00"),
        ("60 Y", "1970-01-01T00:00"),
        ("9999999 Y", "1970-01-01T00:00"),
    ],
)
def test_durations_reach_back_by_the_calendar(text: str, begins: str) -> None:
    assert spans.duration(text).begins_ns(NOW) == at(begins)


def test_a_month_before_the_end_of_march_is_the_end_of_february() -> None:
    assert spans.duration("1 M").begins_ns(at("2019-03-31T00:00")) == at("2019-02-28T00:00")


def test_option_bars_come_from_the_recorded_chain(history: History, catalogue: Catalogue) -> None:
    raw = pd.read_parquet(SHARED / "options" / "spx_2019_chains.parquet")
    expiry = dt.date(2019, 6, 21)
    mine = raw[(raw.root == "SPX") & (raw.expiry == expiry) & (raw.strike == 2_900) & (raw.right == "C")]
    mine = mine.sort_values("quote_date")
    mine = mine[mine.quote_date < dt.date(2019, 6, 12)].tail(5)
    option = catalogue.one(
        wanted(symbol="SPX", sec_type="OPT", expiry="20190621", strike=2_900.0, right="C", trading_class="SPX")
    )
    for what, side in (("BID", "bid"), ("ASK", "ask")):
        bars = history.bars(option.con_id, "", "1 M", "1 day", what, True, NOW)[-5:]
        assert [bar.close for bar in bars] == pytest.approx(mine[side].tolist())
        assert [bar.date for bar in bars] == [f"{day:%Y%m%d}" for day in mine.quote_date]


def test_bars_rise_in_time_and_hold_their_own_prices(history: History) -> None:
    for name in ("BNP", "SPX_INDEX", "SXRT", "SP500@201906", "VIX@201907"):
        bars = ask(history, name, duration="1 Y")
        assert all(a.date < b.date for a, b in pairwise(bars))
        assert all(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in bars)
        assert all(np.isfinite(bar.average) for bar in bars)
