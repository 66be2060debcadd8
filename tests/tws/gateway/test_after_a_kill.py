"""A market that goes on while its gateway is dead: by the clock that was left behind, through every price between."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from ib_async import IB, LimitOrder, MarketOrder

from ports.ib.market_clock import market_clock
from simulation.tws.clock import LoopClock
from simulation.tws.gateway import Gateway
from simulation.tws.world import Founding, found
from state.lake import Lake
from tests.tws.gateway.bourse import INSTRUMENTS, SATURDAY, WEDNESDAY, sessions
from tests.tws.gateway.kit import ABC, PATIENCE_S
from tests.tws.gateway.test_plans_and_control import Running


async def test_the_market_of_a_gateway_that_was_killed_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    """An engine reads the time once: what it reckons from that is the second gateway's time too."""
    place, same = tmp_path / "clock.json", ("--state", str(tmp_path / "state"), "--clock", str(tmp_path / "clock.json"))
    first = Running(tmp_path, "--pace", "600", *same)
    try:
        first.line(r"time is told in")
        clock, told = market_clock(place), json.loads(place.read_bytes())
    finally:
        first.process.kill()
        first.process.communicate()
    other = Running(tmp_path, "--pace", "60", *same)
    said, _ = await asyncio.to_thread(other.process.communicate, None, PATIENCE_S)
    assert other.process.returncode == 2
    assert "goes 600 times as fast, and an engine may live by it; give --pace 600, or remove the file" in said
    second = Running(tmp_path, "--pace", "600", *same)
    try:
        port = int(second.line(r"listens on 127\.0\.0\.1:(\d+)")[1])
        second.line(r"time is told in")
        again = json.loads(place.read_bytes())
        assert again.pop("process")["pid"] == second.process.pid
        assert told.pop("process")["pid"] == first.process.pid
        assert again == told
        ib = IB()
        await ib.connectAsync("127.0.0.1", port, clientId=1, timeout=PATIENCE_S)
        clock.refresh()
        before_ns = clock.now_ns
        said_s = (await ib.reqCurrentTimeAsync()).timestamp()
        clock.refresh()
        assert before_ns // 10**9 <= said_s <= clock.now_ns / 1e9
        ib.disconnect()
    finally:
        second.process.kill()
        second.process.communicate()
    fresh = Running(tmp_path, "--pace", "60", "--clock", str(place), "--state", str(tmp_path / "another"))
    try:
        fresh.line(r"the market begins at 2019-06-12 14:00 UTC")
        fresh.line(r"time is told in")
        assert market_clock(place).pace == 60.0
    finally:
        fresh.process.kill()
        fresh.process.communicate()


async def test_an_order_fills_at_the_prices_that_nobody_saw(lake: Lake) -> None:
    """ABC is recorded up to 106 on Wednesday, 107 on Thursday and 108 on Friday: 107.50 trades on Friday alone."""
    loop = asyncio.get_running_loop()
    clock = LoopClock(loop, WEDNESDAY)
    gateway = Gateway(found(Founding(), clock, INSTRUMENTS, sessions, lake))
    ib = IB()
    try:
        await ib.connectAsync("127.0.0.1", await gateway.listen(), clientId=1, timeout=PATIENCE_S)
        (abc,) = await ib.qualifyContractsAsync(ABC)
        await asyncio.wait_for(ib.placeOrder(abc, MarketOrder("BUY", 10)).filledEvent, PATIENCE_S)
        sale = ib.placeOrder(abc, LimitOrder("SELL", 10, 107.5, tif="GTC"))
        await ib.reqCurrentTimeAsync()
        assert not sale.fills
        clock.catch_up(SATURDAY, round(loop.time() * 10**9))
        said = await ib.reqCurrentTimeAsync()
        assert said.timestamp() == pytest.approx(SATURDAY / 1e9, abs=PATIENCE_S)
        (fill,) = sale.fills
        assert fill.execution.price == 107.5
        assert f"{fill.execution.time:%Y-%m-%d}" == "2019-06-14"
    finally:
        ib.disconnect()
        await gateway.close()
