"""Market data of every kind, as an unmodified client reads it."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path

import pytest
from ib_async import Bag, Index, TickByTickMidPoint

from simulation.tws.service.house import GatewayRules
from state.lake import Lake
from tests.tws.gateway.bourse import CALENDARS, SATURDAY, SECOND, WEDNESDAY, at
from tests.tws.gateway.kit import ABC, CALL_25, ES, EUR, PENCE, XYZ, Raw, desk

CLOSE = CALENDARS["NYSE"].on(20190612)
ALL_LATE = GatewayRules(delayed=frozenset({"*"}))
MINUTE = 60 * SECOND


async def test_a_price_that_is_set_is_told_with_its_sizes(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await here.contract(ib, ABC)
        here.price(abc, 100.01, 100.04, bid_size=700, ask_size=300, last=100.03, last_size=50)
        ticker = await here.quoted(ib.reqMktData(abc))
        assert (ticker.bid, ticker.bidSize, ticker.ask, ticker.askSize) == (100.01, 700.0, 100.04, 300.0)
        assert (ticker.last, ticker.lastSize) == (100.03, 50.0)
        assert (ticker.minTick, ticker.marketDataType) == (0.01, 1)


async def test_only_what_changes_is_told_again(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await here.contract(ib, ABC)
        here.price(abc, 100.0, 100.02, bid_size=700, ask_size=300)
        ticker = await here.quoted(ib.reqMktData(abc))
        await here.silence(ib)
        ticker.updateEvent.connect(
            lambda changed: told.extend((each.tickType, each.price, each.size) for each in changed.ticks)
        )
        told: list[tuple[int, float, float]] = []
        here.price(abc, 100.0, 100.03, bid_size=800, ask_size=300)
        await here.until(lambda: ticker.ask == 100.03)
        assert told == [(0, 100.0, 800.0), (2, 100.03, 300.0)]


async def test_prices_of_a_pence_line_are_in_pence(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        line = await here.contract(ib, PENCE)
        ticker = await here.quoted(ib.reqMktData(line))
        assert ticker.open == 750.0  # pounds 7.50
        assert 739.0 <= ticker.bid < ticker.ask <= 761.0


async def test_the_day_so_far_and_the_close_before_are_told(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        ticker = await here.quoted(ib.reqMktData(await here.contract(ib, ABC)))
        assert (ticker.open, ticker.close) == (102.0, 102.0)  # Wednesday's open, Tuesday's close
        assert 101.0 <= ticker.low <= ticker.last <= ticker.high <= 106.0
        assert 0 < ticker.volume < 3_600_000


async def test_at_the_close_the_day_is_the_recorded_bar(lake: Lake) -> None:
    assert CLOSE is not None
    async with desk(lake) as here:
        ib = await here.connect()
        ticker = await here.quoted(ib.reqMktData(await here.contract(ib, ABC)))
        here.clock.move_market(CLOSE.closes_ns)
        await here.silence(ib)
        assert (ticker.open, ticker.high, ticker.low, ticker.last) == (102.0, 106.0, 101.0, 105.0)
        assert ticker.volume == 3_600_000.0


async def test_prices_move_with_the_market_and_stop_with_the_subscription(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await here.contract(ib, ABC)
        ticker = await here.quoted(ib.reqMktData(abc))
        before = ticker.volume
        here.clock.move_market(WEDNESDAY + 30 * MINUTE)
        await here.until(lambda: ticker.volume > before)
        ib.cancelMktData(abc)
        await here.silence(ib)
        seen = ticker.volume
        here.clock.move_market(WEDNESDAY + 60 * MINUTE)
        await here.silence(ib)
        assert ticker.volume == seen


async def test_an_index_has_a_last_price_and_no_sides(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        ticker = ib.reqMktData(await here.contract(ib, Index("SPX", "CBOE", "USD")))
        await here.until(lambda: ticker.last == ticker.last)
        assert 2_870.0 <= ticker.last <= 2_900.0
        assert (ticker.bid, ticker.bidSize) == (-1.0, 0.0)


async def test_a_future_and_a_currency_pair_are_quoted_on_their_ticks(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        es = await here.quoted(ib.reqMktData(await here.contract(ib, ES)))
        eur = await here.quoted(ib.reqMktData(await here.contract(ib, EUR)))
        assert es.bid % 0.25 == 0
        assert es.ask % 0.25 == 0
        assert 2_885.0 <= es.bid < es.ask <= 2_905.5
        assert 1.12 < eur.bid < eur.ask < 1.14


async def test_a_snapshot_ends_by_itself(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await here.contract(ib, ABC)
        here.price(abc, 100.0, 100.02)
        (ticker,) = await ib.reqTickersAsync(abc)
        assert (ticker.bid, ticker.ask) == (100.0, 100.02)


async def test_a_line_too_many_is_refused_with_101_and_a_cancel_makes_room(lake: Lake) -> None:
    async with desk(lake, gateway=GatewayRules(data_lines=1)) as here:
        ib = await here.connect()
        abc, xyz = await here.contract(ib, ABC), await here.contract(ib, XYZ)
        await here.quoted(ib.reqMktData(abc))
        ib.reqMktData(xyz)
        await here.error(101)
        ib.cancelMktData(abc)
        ib.cancelMktData(xyz)
        await here.error(300)  # the refused one cannot be cancelled
        await here.quoted(ib.reqMktData(xyz))


async def test_prices_without_permission_are_refused_with_354(lake: Lake) -> None:
    async with desk(lake, gateway=ALL_LATE) as here:
        ib = await here.connect()
        ib.reqMktData(await here.contract(ib, ABC))
        assert (await here.error(354))[1] == 354


async def test_late_prices_are_told_late_in_kinds_of_their_own(lake: Lake) -> None:
    async with desk(lake, gateway=ALL_LATE) as here:
        ib = await here.connect()
        abc = await here.contract(ib, ABC)
        ib.reqMarketDataType(3)
        ticker = await here.quoted(ib.reqMktData(abc))
        await here.error(10167)
        assert ticker.marketDataType == 3
        assert {each.tickType for each in ticker.ticks} <= {66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76}
        volume = ticker.volume
    async with desk(lake, now_ns=WEDNESDAY - 15 * MINUTE) as here:
        ib = await here.connect()
        now = await here.quoted(ib.reqMktData(await here.contract(ib, ABC)))
        assert now.volume == volume  # what was true a quarter of an hour before


async def test_late_prices_follow_after_a_quarter_of_an_hour(lake: Lake) -> None:
    async with desk(lake, gateway=ALL_LATE) as here:
        ib = await here.connect()
        ib.reqMarketDataType(3)
        ticker = await here.quoted(ib.reqMktData(await here.contract(ib, ABC)))
        before = ticker.volume
        here.clock.move_market(WEDNESDAY + 4 * MINUTE)
        await here.until(lambda: ticker.volume > before)


async def test_frozen_prices_are_the_last_of_a_closed_market(lake: Lake) -> None:
    async with desk(lake, now_ns=SATURDAY) as here:
        ib = await here.connect()
        ib.reqMarketDataType(2)
        ticker = await here.quoted(ib.reqMktData(await here.contract(ib, ABC)))
        assert (ticker.marketDataType, ticker.last) == (2, 104.0)  # Friday's close


async def test_an_id_in_use_is_refused_with_322(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await here.contract(ib, ABC)
        for _ in range(2):
            ib.client.reqMktData(77, abc, "", False, False, [])
        assert (await here.error(322))[0] == 77


async def test_a_combination_is_not_quoted(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        ib.client.reqMktData(78, Bag(symbol="ABC", exchange="SMART", currency="USD"), "", False, False, [])
        assert (await here.error(321))[0] == 78


async def test_generic_tick_233_tells_every_trade(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await here.contract(ib, ABC)
        ticker = await here.quoted(ib.reqMktData(abc, "233"))
        here.price(abc, 100.0, 100.02, last=100.01, last_size=40)
        await here.until(lambda: ticker.last == 100.01)
        assert ticker.rtTime is not None


async def test_an_options_greeks_are_those_of_black(lake: Lake, options: Path) -> None:
    async with desk(lake, options=options) as here:
        ib = await here.connect()
        ticker = ib.reqMktData(await here.contract(ib, CALL_25))
        await here.until(lambda: ticker.modelGreeks)
        found = ticker.modelGreeks
        assert found is not None
        assert found.impliedVol is not None
        assert found.undPrice == 25.0
        assert found.optPrice == pytest.approx(1.25)  # the middle of 1.20 and 1.30
        # Black (1976) at the money: premium = F (2 N(d) - 1) with d = vol sqrt(T) / 2, T from 12 June 14:00 to
        # the close of the last trading day, and delta = N(d)
        d = math.sqrt(2) * _inverse_erf(1.25 / 25.0)
        assert found.delta == pytest.approx(0.5 * (1 + math.erf(d / math.sqrt(2))), abs=2e-3)
        years = (at("2019-07-19T20:00") - WEDNESDAY) / SECOND / 86_400 / 365
        assert found.impliedVol == pytest.approx(2 * d / math.sqrt(years), rel=0.02)


def _inverse_erf(y: float) -> float:
    low, high = 0.0, 3.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if math.erf(middle) < y else (low, middle)
    return low


async def test_every_change_of_the_sides_is_told_tick_by_tick(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await here.contract(ib, ABC)
        here.price(abc, 100.0, 100.02, bid_size=5, ask_size=6)
        ticker = ib.reqTickByTickData(abc, "BidAsk")
        seen: list[tuple[float, float, float, float]] = []
        ticker.updateEvent.connect(
            lambda changed: seen.extend(
                (one.bidPrice, one.bidSize, one.askPrice, one.askSize) for one in changed.tickByTicks
            )
        )
        await here.until(lambda: len(seen) == 1)
        here.price(abc, 100.0, 100.02, bid_size=7, ask_size=6)
        await here.until(lambda: len(seen) == 2)
        assert seen == [(100.0, 5.0, 100.02, 6.0), (100.0, 7.0, 100.02, 6.0)]


async def test_every_trade_is_told_tick_by_tick(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await here.contract(ib, ABC)
        ticker = ib.reqTickByTickData(abc, "AllLast")
        seen: list[tuple[float, float, str]] = []
        ticker.updateEvent.connect(
            lambda changed: seen.extend((one.price, one.size, one.exchange) for one in changed.tickByTicks)
        )
        await here.silence(ib)
        here.price(abc, 100.0, 100.02, last=100.01, last_size=40)
        await here.until(lambda: seen)
        assert seen == [(100.01, 40.0, "NASDAQ")]


async def test_the_middle_is_told_tick_by_tick(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await here.contract(ib, ABC)
        here.price(abc, 100.0, 100.03)
        ticker = ib.reqTickByTickData(abc, "MidPoint")
        await here.until(lambda: ticker.tickByTicks)
        (tick,) = ticker.tickByTicks
        assert isinstance(tick, TickByTickMidPoint)
        assert tick.midPoint == pytest.approx(100.015)


async def test_a_sixth_stream_of_ticks_is_refused_with_10190(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await here.contract(ib, ABC)
        for number in range(6):
            ib.client.reqTickByTickData(100 + number, abc, "BidAsk", 0, False)
        assert (await here.error(10190))[0] == 105


async def test_bars_of_five_seconds_hold_what_traded_in_them(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await here.contract(ib, ABC)
        here.price(abc, 100.0, 100.02, last=100.0, last_size=10)
        bars = ib.reqRealTimeBars(abc, 5, "TRADES", False)
        await here.silence(ib)
        for price in (100.5, 99.5, 100.25):
            here.price(abc, 99.0, 101.0, last=price, last_size=10)
        here.clock.move_market(WEDNESDAY + 5 * SECOND)
        await here.until(lambda: bars)
        bar = bars[0]
        assert (bar.open_, bar.high, bar.low, bar.close) == (100.5, 100.5, 99.5, 100.25)
        assert (bar.volume, bar.count) == (30.0, 3)
        assert bar.wap == pytest.approx((100.5 + 99.5 + 100.25) / 3)
        assert bar.time == dt.datetime(2019, 6, 12, 14, 0, tzinfo=dt.UTC)


async def test_a_quiet_five_seconds_are_told_with_the_price_before(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await here.contract(ib, ABC)
        here.price(abc, 100.0, 100.02, last=100.01, last_size=10)
        bars = ib.reqRealTimeBars(abc, 5, "MIDPOINT", False)
        await here.silence(ib)
        here.clock.move_market(WEDNESDAY + 10 * SECOND)
        await here.until(lambda: len(bars) == 2)
        assert [(one.open_, one.close, one.volume) for one in bars] == [(100.01, 100.01, 0.0)] * 2


async def test_bars_in_real_time_without_permission_are_refused_with_420(lake: Lake) -> None:
    async with desk(lake, gateway=ALL_LATE) as here:
        ib = await here.connect()
        ib.reqRealTimeBars(await here.contract(ib, ABC), 5, "TRADES", False)
        await here.error(420)


async def test_a_client_that_does_not_read_misses_prices_and_then_sees_the_newest(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect(2)
        abc = await here.contract(ib, ABC)
        raw = await Raw.open(here)
        await raw.next()
        raw.say(71, 2, 1, "")
        for _ in range(5):
            await raw.next()
        here.price(abc, 100.0, 100.01, bid_size=1, ask_size=1)
        raw.say(1, 11, 1, abc.conId, "", "", "", 0, "", "", "SMART", "", "", "", "", 0, "", 0, 0, "")
        await raw.next()
        session = here.gateway.clients[1]
        size = 1
        while not session.congested:
            await here.silence(ib)
            for _ in range(2_000):
                size += 1
                here.price(abc, 100.0, 100.01, bid_size=size, ask_size=1)
        here.price(abc, 50.0, 50.01, bid_size=7, ask_size=7)
        await here.silence(ib)  # another client is served meanwhile
        told = [await raw.next()]
        while told[-1][:5] != ["1", "6", "1", "2", "50.01"]:
            told.append(await raw.next())
        assert told[-2][:6] == ["1", "6", "1", "1", "50", "7"]
        assert len(told) < size
        raw.writer.close()
