"""Orders in contracts that end, or of which nothing more is recorded: they do not rest in silence."""

from __future__ import annotations

from ib_async import Future, LimitOrder

from state.lake import Lake
from tests.tws.gateway.bourse import SATURDAY, at
from tests.tws.gateway.kit import ABC, ES, desk

JUNE = Future("ES", "201906", "CME", currency="USD")
FRIDAY = at("2019-06-14T15:00")
SILENT = "no more prices are recorded"
LAST_CLOSE = at("2019-06-20T21:00")
"""The instrument table lets a month trade until nineteen days after its first; its sessions close at 21:00 UTC."""


async def test_an_order_until_cancelled_ends_with_its_contract(lake: Lake) -> None:
    async with desk(lake, now_ns=FRIDAY) as here:
        ib = await here.connect()
        june, september = await here.contract(ib, JUNE), await here.contract(ib, ES)
        assert june.lastTradeDateOrContractMonth == "20190620"
        ends, stays = (ib.placeOrder(each, LimitOrder("BUY", 1, 2_000.0, tif="GTC")) for each in (june, september))
        await here.status(stays, "Submitted")
        here.clock.move_market(LAST_CLOSE - 60 * 10**9)
        await here.silence(ib)
        assert not ends.isDone()
        here.clock.move_market(LAST_CLOSE + 10**9)
        await here.status(ends, "Cancelled")
        assert (await here.error(202))[0::2] == (
            ends.order.orderId,
            "Order Canceled - reason: the contract has expired",
        )
        assert not stays.isDone()


async def test_an_order_is_told_when_the_record_of_its_contract_ends(lake: Lake) -> None:
    """ABC's last price is of Friday's close; the calendar goes on."""
    async with desk(lake, now_ns=FRIDAY) as here:
        ib = await here.connect()
        trade = ib.placeOrder(await here.contract(ib, ABC), LimitOrder("BUY", 1, 50.0, tif="GTC"))
        await here.status(trade, "Submitted")
        here.clock.move_market(SATURDAY)
        order_id, _, text = await here.error(399)
        assert (order_id, SILENT in text) == (trade.order.orderId, True)
        await here.status(trade, "Submitted")
        here.clock.move_market(at("2019-06-18T12:00"))
        await here.silence(ib)
        assert here.heard[1].codes.count(399) == 1
        ib.cancelOrder(trade.order)
        await here.status(trade, "Cancelled")


async def test_an_order_that_comes_after_the_end_of_the_record_is_told_unless_prices_are_set_by_hand(
    lake: Lake,
) -> None:
    async with desk(lake, now_ns=at("2019-06-17T15:00")) as here:
        ib = await here.connect()
        abc = await here.contract(ib, ABC)
        ib.placeOrder(abc, LimitOrder("BUY", 1, 50.0))
        assert SILENT in (await here.error(399))[2]
        here.price(abc, 100.0, 100.02)
        trade = ib.placeOrder(abc, LimitOrder("BUY", 1, 100.02))
        await here.status(trade, "Filled")
        assert here.heard[1].codes.count(399) == 1
