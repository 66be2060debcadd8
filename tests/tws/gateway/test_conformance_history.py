"""The past, as an unmodified client reads it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from ib_async import ContFuture, Stock

from state.lake import Lake
from tests.tws.gateway.bourse import BARS, CALENDARS, DAYS, SATURDAY, at, make_lake
from tests.tws.gateway.kit import ABC, CALL_25, ES, EUR, PENCE, desk


async def test_daily_bars_are_those_of_the_record(lake: Lake) -> None:
    async with desk(lake, now_ns=SATURDAY) as here:
        ib = await here.connect()
        bars = await ib.reqHistoricalDataAsync(await here.contract(ib, ABC), "", "1 W", "1 day", "TRADES", True)
        assert [(one.open, one.high, one.low, one.close, one.volume) for one in bars] == BARS["ABC"]
        assert [f"{one.date:%Y%m%d}" for one in bars] == [str(day) for day in DAYS]


async def test_a_day_that_has_not_ended_is_not_in_its_bars(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        bars = await ib.reqHistoricalDataAsync(await here.contract(ib, ABC), "", "1 W", "1 day", "TRADES", True)
        assert [one.close for one in bars] == [100.0, 102.0]  # it is Wednesday


async def test_bars_end_where_they_are_asked_to(lake: Lake) -> None:
    async with desk(lake, now_ns=SATURDAY) as here:
        ib = await here.connect()
        abc = await here.contract(ib, ABC)
        end = dt.datetime(2019, 6, 12, 23, tzinfo=dt.UTC)
        bars = await ib.reqHistoricalDataAsync(abc, end, "2 D", "1 day", "TRADES", True)
        assert [one.close for one in bars] == [102.0, 105.0]


async def test_bars_of_a_pence_line_are_in_pence(lake: Lake) -> None:
    async with desk(lake, now_ns=SATURDAY) as here:
        ib = await here.connect()
        bars = await ib.reqHistoricalDataAsync(await here.contract(ib, PENCE), "", "1 D", "1 day", "TRADES", True)
        assert (bars[-1].open, bars[-1].close) == (750.0, 755.0)


async def test_bars_of_a_pair_are_the_reference_rates(lake: Lake) -> None:
    async with desk(lake, now_ns=SATURDAY) as here:
        ib = await here.connect()
        bars = await ib.reqHistoricalDataAsync(await here.contract(ib, EUR), "", "5 D", "1 day", "MIDPOINT", False)
        assert [one.close for one in bars] == [1.1313, 1.1326, 1.1323, 1.1289, 1.1277]


@pytest.fixture(scope="module")
def rolled(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """The June contract was held on Monday and Tuesday, September's from Wednesday on."""
    return make_lake(tmp_path_factory.mktemp("rolled") / "lake", rolls_on=20190611)


async def test_a_continuous_future_runs_through_the_months_that_were_held(rolled: Lake) -> None:
    async with desk(rolled, now_ns=SATURDAY) as here:
        ib = await here.connect()
        front = await here.contract(ib, ContFuture("ES", "CME"))
        own = await here.contract(ib, ES)
        assert (front.secType, front.conId) == ("CONTFUT", own.conId)
        closes = {}
        for contract in (front, own):
            bars = await ib.reqHistoricalDataAsync(contract, "", "1 W", "1 day", "TRADES", False)
            closes[contract.secType] = [bar.close for bar in bars]
        assert closes == {"CONTFUT": [2_895.0, 2_895.0, 2_900.0, 2_900.0, 2_900.0], "FUT": [2_900.0] * 5}


async def test_a_continuous_future_takes_no_end(rolled: Lake) -> None:
    async with desk(rolled, now_ns=SATURDAY) as here:
        ib = await here.connect()
        front = await here.contract(ib, ContFuture("ES", "CME"))
        end = dt.datetime(2019, 6, 12, 23, tzinfo=dt.UTC)
        assert not await ib.reqHistoricalDataAsync(front, end, "2 D", "1 day", "TRADES", False)
        assert "end date" in (await here.error(10339))[2]


async def test_the_record_begins_with_the_first_session(lake: Lake) -> None:
    first = CALENDARS["NYSE"].on(20190610)
    assert first is not None
    async with desk(lake) as here:
        ib = await here.connect()
        head = await ib.reqHeadTimeStampAsync(await here.contract(ib, ABC), "TRADES", True, 2)
        assert isinstance(head, dt.datetime)
        assert head.timestamp() == first.opens_ns // 10**9


async def test_what_is_not_recorded_is_answered_with_162(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        bars = await ib.reqHistoricalDataAsync(await here.contract(ib, ABC), "", "1 D", "1 min", "TRADES", True)
        assert not bars
        assert 162 in here.heard[1].codes


async def test_a_bar_size_that_there_is_not_is_answered_with_321(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await here.contract(ib, ABC)
        ib.client.reqHistoricalData(66, abc, "", "1 D", "7 mins", "TRADES", True, 1, False, [])
        assert (await here.error(321))[0] == 66


async def test_the_same_question_within_fifteen_seconds_is_a_pacing_violation(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await here.contract(ib, ABC)
        assert await ib.reqHistoricalDataAsync(abc, "", "1 W", "1 day", "TRADES", True)
        assert not await ib.reqHistoricalDataAsync(abc, "", "1 W", "1 day", "TRADES", True)
        assert "pacing violation" in (await here.error(162))[2]
        here.clock.move(15.0)
        assert await ib.reqHistoricalDataAsync(abc, "", "1 W", "1 day", "TRADES", True)


async def test_bars_that_are_kept_up_to_date_follow_the_day(lake: Lake) -> None:
    close = CALENDARS["NYSE"].on(20190612)
    assert close is not None
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await here.contract(ib, ABC)
        bars = await ib.reqHistoricalDataAsync(abc, "", "1 W", "1 day", "TRADES", True, keepUpToDate=True)
        assert bars[-1].close == 102.0
        here.clock.move_market(close.closes_ns)
        await here.until(lambda: bars[-1].close == 105.0)
        assert (bars[-1].open, bars[-1].high, bars[-1].low, bars[-1].volume) == (102.0, 106.0, 101.0, 3_600_000.0)
        ib.cancelHistoricalData(bars)
        await here.silence(ib)
        assert not [code for code in here.heard[1].codes if code > 100 and code not in (2104, 2106, 2158)]


async def test_a_cancel_of_no_query_is_answered_with_366(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        ib.client.cancelHistoricalData(99)
        assert (await here.error(366))[0] == 99


async def test_bars_of_a_future_are_those_of_its_month(lake: Lake) -> None:
    async with desk(lake, now_ns=SATURDAY) as here:
        ib = await here.connect()
        bars = await ib.reqHistoricalDataAsync(await here.contract(ib, ES), "", "1 D", "1 day", "TRADES", False)
        assert [(one.open, one.close) for one in bars] == [(2_895.0, 2_900.0)]


async def test_recorded_quotes_are_told_as_ticks(lake: Lake, options: Path) -> None:
    async with desk(lake, options=options) as here:
        ib = await here.connect()
        call = await here.contract(ib, CALL_25)
        start = dt.datetime(2019, 6, 10, tzinfo=dt.UTC)
        ticks = await ib.reqHistoricalTicksAsync(call, start, "", 10, "BID_ASK", False)
        assert [(one.priceBid, one.priceAsk, one.sizeBid) for one in ticks] == [(1.20, 1.30, 10.0)] * 3
        assert [one.time.timestamp() for one in ticks] == [at(f"2019-06-{day}T14:00") // 10**9 for day in (10, 11, 12)]


async def test_history_of_an_unknown_contract_is_answered_with_200(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        assert not await ib.reqHistoricalDataAsync(Stock("NOPE", "SMART", "USD"), "", "1 D", "1 day", "TRADES", True)
        assert 200 in here.heard[1].codes
