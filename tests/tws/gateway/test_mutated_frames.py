"""Frames of an unmodified client, mutated: every one is answered or refused, and the gateway goes on."""

from __future__ import annotations

import random

import pytest
from ib_async import Bag, ComboLeg, LimitOrder, MarketOrder, Order, StopOrder

from simulation.tws.clock import HandClock
from simulation.tws.framelog import Nowhere
from simulation.tws.gateway import Gateway
from simulation.tws.service.house import GatewayRules
from simulation.tws.session import Session
from simulation.tws.world import Founding, found
from state.lake import Lake
from tests.tws.gateway.bourse import INSTRUMENTS, SECOND, WEDNESDAY, sessions
from tests.tws.gateway.kit import ABC, ACCOUNT, ES, desk

FRAMES = 3_000
ODD = (
    "", "0", "-1", "1", "1e308", "1.7976931348623157E308", "2147483647", "99999999999999999999", "nan", "inf", "1e400",
    "abc", "\x7f", "é", "BUY", "SELL", "MKT", "TRAIL", "MOC", "MTL", "OPT", "BAG", "CONTFUT", "GTD",
    "20190612 10:00:00", "FOK", "AUC", "1e-12", "-5", "100.123456789012",
)  # fmt: skip


async def spoken(lake: Lake) -> list[list[str]]:
    """What ib_async says when it asks for a bit of everything."""
    heard: list[list[str]] = []
    async with desk(lake) as here:
        here.gateway.logged = lambda session, what, payload: (
            heard.append(payload.decode().split("\0")[:-1]) if what == "in" else None
        )
        ib = await here.connect()
        abc, es = await here.contract(ib, ABC), await here.contract(ib, ES)
        legs = [ComboLeg(conId=one.conId, ratio=1, action="BUY", exchange="SMART") for one in (abc, es)]
        bag = Bag(symbol="ABC", exchange="SMART", currency="USD", comboLegs=legs)
        for contract, order in (
            (abc, MarketOrder("BUY", 1)),
            (abc, LimitOrder("BUY", 1, 99.0)),
            (es, StopOrder("SELL", 1, 2_000.0)),
            (bag, LimitOrder("BUY", 1, 1.0)),
            (abc, Order(action="SELL", totalQuantity=1, orderType="TRAIL", auxPrice=1.0)),
        ):
            ib.placeOrder(contract, order)
        ib.reqMktData(abc, "233")
        ib.reqTickByTickData(abc, "BidAsk")
        ib.reqRealTimeBars(abc, 5, "TRADES", False)
        ib.reqPnL(ACCOUNT)
        await ib.reqHistoricalDataAsync(abc, "", "1 W", "1 day", "TRADES", True)
        await ib.reqHeadTimeStampAsync(abc, "TRADES", True, 2)
        await ib.reqMatchingSymbolsAsync("A")
        await ib.reqSecDefOptParamsAsync("ABC", "", "STK", abc.conId)
        await ib.accountSummaryAsync()
        ib.reqGlobalCancel()
        await here.silence(ib)
    return [fields for fields in heard if fields and fields[0] != "71"]


def mutated(chance: random.Random, frames: list[list[str]]) -> bytes:
    fields = list(chance.choice(frames))
    for _ in range(chance.choice((0, 1, 1, 2, 3))):
        place = chance.randrange(len(fields))
        if chance.random() < 0.8:
            fields[place] = chance.choice(ODD) if place else fields[0]
        elif chance.random() < 0.5 and place:
            del fields[place]
        else:
            fields.insert(place + 1, chance.choice(ODD))
    return ("\0".join(fields) + "\0").encode()


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_no_mutated_frame_brings_the_gateway_down(lake: Lake, seed: int) -> None:
    frames = await spoken(lake)
    assert len({fields[0] for fields in frames}) > 15
    clock, chance = HandClock(WEDNESDAY), random.Random(seed)
    founding = Founding(gateway=GatewayRules(messages_per_second=10**9, most_waiting=10**9))
    gateway = Gateway(found(founding, clock, INSTRUMENTS, sessions, lake))
    said: list[bytes] = []
    gateway.logged = lambda session, what, payload: said.append(payload) if what == "out" else None
    session: Session = gateway.protocol()
    session.connection_made(Nowhere())
    session.take(b"v157..178")
    session.take(b"71\x002\x001\x00\x00")
    for number in range(FRAMES):
        session.take(mutated(chance, frames))
        if number % 50 == 0:
            clock.move(1.0)
            clock.move_market(clock.market_ns() + 60 * SECOND)
        assert not session.over
    said.clear()
    session.take(b"49\x001\x00")
    assert said == [f"49\0001\0{clock.market_ns() // SECOND}\0".encode()]
