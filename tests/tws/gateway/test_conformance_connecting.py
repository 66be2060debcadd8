"""Connecting, synchronising, and who may come."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest
from ib_async import IB, MarketOrder, StartupFetch

from engine.host import run_live
from simulation.tws.service.house import GatewayRules
from state.lake import Lake
from tests.tws.gateway.kit import ABC, ACCOUNT, Desk, Heard, Raw, desk

VERSIONS = (157, 158, 159, 160, 161, 162, 163, 164, 166, 169, 170, 173, 176, 177, 178)


async def refused(here: Desk, client_id: int) -> Heard:
    """What a client hears that is not let in."""
    ib = here.client()
    heard = Heard(ib)
    with pytest.raises((ConnectionError, TimeoutError)):
        await ib.connectAsync("127.0.0.1", here.gateway.port, clientId=client_id, timeout=0.5)
    return heard


async def test_a_client_connects_and_everything_it_synchronises_is_answered(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect(1, raiseSyncErrors=True)
        assert ib.managedAccounts() == [ACCOUNT]
        assert ib.client.serverVersion() == 178
        assert ib.positions() == []
        assert ib.openTrades() == []


@pytest.mark.parametrize("newest", VERSIONS)
async def test_a_client_of_every_version_reads_a_contract_and_trades(lake: Lake, newest: int) -> None:
    async with desk(lake) as here:
        ib = await here.connect(1, newest=newest, raiseSyncErrors=True)
        assert ib.client.serverVersion() == newest
        abc = await here.contract(ib, ABC)
        here.price(abc, 100.00, 100.02)
        trade = ib.placeOrder(abc, MarketOrder("BUY", 10))
        await here.status(trade, "Filled")
        assert trade.orderStatus.avgFillPrice == 100.02
        await here.until(ib.positions)
        assert [(one.position, one.avgCost) for one in ib.positions()] == [(10.0, 100.12)]  # and 1.00 of commission


async def test_the_time_is_the_markets(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        assert await ib.reqCurrentTimeAsync() == dt.datetime(2019, 6, 12, 14, 0, tzinfo=dt.UTC)


async def test_the_greeting_comes_in_its_order(lake: Lake) -> None:
    async with desk(lake) as here:
        raw = await Raw.open(here)
        assert (await raw.next())[0] == "178"
        raw.say(71, 2, 5, "")
        frames = [await raw.next() for _ in range(5)]
        assert frames[0] == ["15", "1", ACCOUNT]
        assert frames[1] == ["9", "1", "1"]
        assert [frame[3] for frame in frames[2:]] == ["2104", "2106", "2158"]
        raw.writer.close()


async def test_accounts_are_all_told(lake: Lake) -> None:
    money = {"USD": "1000"}
    async with desk(lake, accounts={"DU1": money, "DU2": money}) as here:
        ib = await here.connect(raiseSyncErrors=True)
        assert ib.managedAccounts() == ["DU1", "DU2"]


@pytest.mark.parametrize("versions", ["v100..156", "v179..210", "v1", "hello", "v178..157"])
async def test_a_client_that_speaks_no_common_version_is_closed_without_a_word(lake: Lake, versions: str) -> None:
    async with desk(lake) as here:
        raw = await Raw.open(here, versions)
        assert await raw.next() == []


async def test_a_newer_client_is_answered_in_178(lake: Lake) -> None:
    async with desk(lake) as here:
        raw = await Raw.open(here, "v100..225 +PACEAPI")
        assert (await raw.next())[0] == "178"
        raw.writer.close()


async def test_a_client_id_in_use_is_refused_with_326(lake: Lake) -> None:
    async with desk(lake) as here:
        first = await here.connect(7)
        heard = await refused(here, 7)
        assert 326 in heard.codes
        assert first.isConnected()
        await here.silence(first)


async def test_an_id_stays_in_use_while_its_old_session_lingers(lake: Lake) -> None:
    async with desk(lake, gateway=GatewayRules(linger_s=5.0)) as here:
        first = await here.connect(7)
        gone = asyncio.Event()
        first.disconnectedEvent += gone.set
        here.control.disconnect(7)
        await gone.wait()
        assert 326 in (await refused(here, 7)).codes
        here.clock.move(5.0)
        again = await here.connect(7)
        assert again.isConnected()


async def test_a_client_beyond_the_limit_is_not_let_in(lake: Lake) -> None:
    async with desk(lake, gateway=GatewayRules(clients=2)) as here:
        await here.connect(1)
        await here.connect(2)
        await refused(here, 3)
        assert sorted(here.gateway.clients) == [1, 2]


async def test_several_clients_are_served_at_once(lake: Lake) -> None:
    async with desk(lake) as here:
        ibs: list[IB] = [await here.connect(number) for number in range(1, 6)]
        found = await asyncio.gather(*(ib.reqContractDetailsAsync(ABC) for ib in ibs))
        assert [details[0].longName for details in found] == ["Alphabet Soup Inc"] * 5


async def test_nothing_needs_to_be_fetched_at_the_start(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect(1, fetchFields=StartupFetch(0), raiseSyncErrors=True)
        assert ib.isConnected()


async def test_order_ids_go_on_after_a_reconnect(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect(1)
        abc = await here.contract(ib, ABC)
        here.price(abc, 100.0, 100.02)
        trade = ib.placeOrder(abc, MarketOrder("BUY", 1))
        await here.status(trade, "Filled")
        ib.disconnect()
        again = await here.connect(1)
        assert again.client.getReqId() > trade.order.orderId
        other = await here.connect(2)
        assert sum(fill.execution.shares for fill in again.fills()) == 1.0
        assert other.client.isReady()


async def test_bytes_that_are_no_frames_end_only_their_own_connection(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect(1)
        _, writer = streams = await asyncio.open_connection("127.0.0.1", here.gateway.port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        assert await streams[0].read() == b""
        writer.close()
        await here.silence(ib)


async def test_a_message_that_cannot_be_read_is_answered_with_320(lake: Lake) -> None:
    async with desk(lake) as here:
        raw = await Raw.open(here)
        await raw.next()
        raw.say(71, 2, 5, "")
        for _ in range(5):
            await raw.next()
        raw.say(9, 8, "not a number")
        answer = await raw.next()
        assert (answer[0], answer[3]) == ("4", "320")
        raw.say(49, 1)
        assert await raw.next() == ["49", "1", "1560348000"]  # 2019-06-12 14:00:00 UTC
        raw.writer.close()


async def test_a_message_that_is_not_simulated_is_answered_with_505(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        ib.reqNewsBulletins(True)
        await here.error(505)
        await here.silence(ib)


async def test_a_message_before_the_start_ends_the_connection(lake: Lake) -> None:
    async with desk(lake) as here:
        raw = await Raw.open(here)
        await raw.next()
        raw.say(49, 1)
        assert await raw.next() == []


async def test_messages_over_the_rate_are_refused_with_100_and_not_done(lake: Lake) -> None:
    async with desk(lake, gateway=GatewayRules(messages_per_second=20)) as here:
        raw = await Raw.open(here)
        await raw.next()
        raw.say(71, 2, 5, "")
        for _ in range(5):
            await raw.next()
        for _ in range(25):
            raw.say(49, 1)
        answers = [await raw.next() for _ in range(25)]
        assert [answer[0] for answer in answers] == ["49"] * 19 + ["4"] * 6
        assert {answer[3] for answer in answers[19:]} == {"100"}
        raw.writer.close()


async def test_the_third_second_over_the_rate_ends_the_connection(lake: Lake) -> None:
    async with desk(lake, gateway=GatewayRules(messages_per_second=2)) as here:
        raw = await Raw.open(here)
        await raw.next()
        raw.say(71, 2, 5, "")
        for _ in range(5):
            await raw.next()
        for second in range(3):
            here.clock.move(1.5)
            for _ in range(3):
                raw.say(49, 1)
            answers = [await raw.next() for _ in range(3)]
            assert [answer[0] for answer in answers] == ["49", "49", "4"], second
        assert await raw.next() == []


def test_a_gateway_may_live_on_uvloop(lake: Lake) -> None:
    """Its transports are no subclass of asyncio's: every connection was dropped."""

    async def day() -> None:
        async with desk(lake) as here:
            ib = await here.connect(1, raiseSyncErrors=True)
            assert ib.managedAccounts() == [ACCOUNT]

    run_live(day())
