"""Every kind of order, from its placing to its end, as an unmodified client sees it.

Money in these tests: ABC pays 0.005 a share and at least 1.00; a pence line 3.00 pounds; ES 2.05 a contract.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from ib_async import (
    IB,
    Bag,
    ComboLeg,
    Contract,
    Index,
    LimitOrder,
    MarketOrder,
    Order,
    StopLimitOrder,
    StopOrder,
    TagValue,
    Trade,
)

from simulation.tws.broker import BrokerRules, Permissions
from state.lake import Lake
from tests.tws.gateway.bourse import CALENDARS, SECOND, WEDNESDAY
from tests.tws.gateway.kit import ABC, CALL_24, CALL_25, ES, PENCE, Desk, desk

MINUTE = 60 * SECOND
TODAY, TOMORROW = CALENDARS["NYSE"].between(20190612, 20190613)


async def abc_at(here: Desk, ib: IB, bid: float = 100.00, ask: float = 100.02, **more: float) -> Contract:
    """ABC at a market that stands still."""
    abc = await here.contract(ib, ABC)
    here.price(abc, bid, ask, last=bid, **more)
    return abc


def order(kind: str, action: str, quantity: float, **how: object) -> Order:
    return Order(orderType=kind, action=action, totalQuantity=quantity, **how)


def statuses(trade: Trade) -> list[str]:
    """The statuses a trade went through, each once in a row."""
    found: list[str] = []
    for entry in trade.log:
        if entry.status and (not found or found[-1] != entry.status):
            found.append(entry.status)
    return found


async def test_a_market_order_takes_the_other_side(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        trade = ib.placeOrder(await abc_at(here, ib), MarketOrder("BUY", 300))
        await here.status(trade, "Filled")
        (fill,) = trade.fills
        assert (fill.execution.side, fill.execution.shares, fill.execution.price) == ("BOT", 300.0, 100.02)
        await here.until(lambda: fill.commissionReport.commission)
        assert (fill.commissionReport.commission, fill.commissionReport.currency) == (1.5, "USD")  # 300 x 0.005
        assert fill.execution.acctNumber == "DU1000001"


async def test_a_sale_takes_the_bid(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        trade = ib.placeOrder(await abc_at(here, ib), MarketOrder("SELL", 10))
        await here.status(trade, "Filled")
        assert (trade.fills[0].execution.side, trade.orderStatus.avgFillPrice) == ("SLD", 100.0)


async def test_a_limit_order_rests_and_fills_when_it_is_reached(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await abc_at(here, ib)
        trade = ib.placeOrder(abc, LimitOrder("BUY", 100, 99.50))
        await here.status(trade, "Submitted")
        here.price(abc, 99.48, 99.50)
        await here.status(trade, "Filled")
        assert trade.orderStatus.avgFillPrice == 99.50


async def test_a_limit_order_better_than_the_market_pays_the_market(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        trade = ib.placeOrder(await abc_at(here, ib), LimitOrder("BUY", 100, 101.0))
        await here.status(trade, "Filled")
        assert trade.orderStatus.avgFillPrice == 100.02


async def test_an_order_larger_than_the_market_fills_in_parts(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await abc_at(here, ib, ask_size=60)
        trade = ib.placeOrder(abc, LimitOrder("BUY", 100, 100.10))
        await here.until(lambda: trade.orderStatus.filled == 60)
        assert (trade.orderStatus.status, trade.orderStatus.remaining) == ("Submitted", 40.0)
        here.price(abc, 100.0, 100.08, ask_size=60)
        await here.status(trade, "Filled")
        assert [fill.execution.price for fill in trade.fills] == [100.02, 100.10]
        assert trade.orderStatus.avgFillPrice == pytest.approx((60 * 100.02 + 40 * 100.10) / 100)


async def test_prices_of_a_pence_line_are_pence_and_its_money_is_pounds(lake: Lake) -> None:
    async with desk(lake, accounts={"DU1": {"USD": "100000", "GBP": "10000"}}) as here:
        ib = await here.connect()
        line = await here.contract(ib, PENCE)
        here.price(line, 750.0, 750.5)
        trade = ib.placeOrder(line, LimitOrder("BUY", 100, 751.0))
        await here.status(trade, "Filled")
        assert trade.orderStatus.avgFillPrice == 750.5
        await here.until(ib.positions)
        (held,) = ib.positions()
        assert held.avgCost == pytest.approx(7.505 + 0.03)  # pounds, with 3.00 of commission on 100
        assert here.control.dump().value("CashBalance", "GBP") == "9246.50"  # 10000 - 750.50 - 3.00


async def test_a_limit_off_the_ticks_is_refused_with_110(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        trade = ib.placeOrder(await abc_at(here, ib), LimitOrder("BUY", 100, 99.505))
        assert (await here.error(110))[0] == trade.order.orderId


async def test_a_stop_waits_for_its_price_and_takes_what_comes(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await abc_at(here, ib)
        trade = ib.placeOrder(abc, StopOrder("SELL", 100, 98.0))
        await here.status(trade, "PreSubmitted")
        here.price(abc, 97.90, 97.92, last=97.91)
        await here.status(trade, "Filled")
        assert trade.orderStatus.avgFillPrice == 97.90


async def test_a_stop_limit_becomes_a_limit(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await abc_at(here, ib)
        trade = ib.placeOrder(abc, StopLimitOrder("BUY", 100, 101.0, 100.5))
        await here.status(trade, "PreSubmitted")
        here.price(abc, 102.0, 102.02, last=102.0)
        await here.status(trade, "Submitted")
        here.price(abc, 100.98, 101.0)
        await here.status(trade, "Filled")
        assert trade.orderStatus.avgFillPrice == 101.0


async def test_a_trailing_stop_follows_and_never_goes_back(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await abc_at(here, ib)
        trade = ib.placeOrder(abc, order("TRAIL", "SELL", 100, auxPrice=1.0))
        await here.status(trade, "PreSubmitted")
        here.price(abc, 105.0, 105.02, last=105.0)
        here.price(abc, 104.5, 104.52, last=104.5)
        await here.silence(ib)
        assert here.control.dump().orders[0].order.trail_stop == 104.0
        here.price(abc, 103.9, 103.92, last=104.0)
        await here.status(trade, "Filled")
        assert trade.orderStatus.avgFillPrice == 103.9


async def test_a_market_on_close_order_trades_at_the_close(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        trade = ib.placeOrder(await here.contract(ib, ABC), order("MOC", "BUY", 100))
        await here.silence(ib)
        assert trade.orderStatus.status in ("PreSubmitted", "Submitted")
        here.clock.move_market(TODAY.closes_ns)
        await here.status(trade, "Filled")
        assert trade.orderStatus.avgFillPrice == 105.01  # Wednesday's close and half a spread


async def test_a_limit_on_close_order_too_low_ends_with_the_day(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        trade = ib.placeOrder(await here.contract(ib, ABC), order("LOC", "BUY", 100, lmtPrice=104.0))
        await here.silence(ib)
        here.clock.move_market(TODAY.closes_ns + MINUTE)
        await here.status(trade, "Cancelled")
        assert trade.orderStatus.filled == 0


@pytest.mark.parametrize(("kind", "tif"), [("MKT", "OPG"), ("MOO", "DAY")])
async def test_an_order_for_the_open_trades_at_the_next_open(lake: Lake, kind: str, tif: str) -> None:
    async with desk(lake, now_ns=TODAY.closes_ns + MINUTE) as here:
        ib = await here.connect()
        trade = ib.placeOrder(await here.contract(ib, ABC), order(kind, "BUY", 100, tif=tif))
        await here.silence(ib)
        here.clock.move_market(TOMORROW.opens_ns)
        await here.status(trade, "Filled")
        assert trade.orderStatus.avgFillPrice == 105.01  # Thursday's open and half a spread


async def test_a_limit_for_the_open_keeps_to_its_limit(lake: Lake) -> None:
    async with desk(lake, now_ns=TODAY.closes_ns + MINUTE) as here:
        ib = await here.connect()
        trade = ib.placeOrder(await here.contract(ib, ABC), LimitOrder("BUY", 100, 104.0, tif="OPG"))
        await here.silence(ib)
        here.clock.move_market(TOMORROW.opens_ns + MINUTE)
        await here.silence(ib)
        assert trade.orderStatus.filled == 0


async def test_a_market_to_limit_order_for_the_auction_trades_at_the_close(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        trade = ib.placeOrder(await here.contract(ib, PENCE), order("MTL", "BUY", 100, tif="AUC"))
        await here.silence(ib)
        close = CALENDARS["LSE"].on(20190612)
        assert close is not None
        here.clock.move_market(close.closes_ns)
        await here.status(trade, "Filled")
        assert trade.orderStatus.avgFillPrice == 755.5  # the close of 755 pence and half a spread


async def test_an_adaptive_order_improves_on_the_market_or_waits(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await abc_at(here, ib, 100.0, 100.10)
        patient = [TagValue("adaptivePriority", "Patient")]
        adaptive = MarketOrder("BUY", 100, algoStrategy="Adaptive", algoParams=patient)
        trade = ib.placeOrder(abc, adaptive)
        await here.silence(ib)
        assert trade.orderStatus.filled == 0
        here.clock.move_market(WEDNESDAY + 60 * SECOND)
        await here.status(trade, "Filled")
        assert 100.0 <= trade.orderStatus.avgFillPrice <= 100.10


async def test_an_immediate_order_that_finds_nothing_is_cancelled(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        trade = ib.placeOrder(await abc_at(here, ib), LimitOrder("BUY", 100, 99.0, tif="IOC"))
        await here.status(trade, "Cancelled")
        assert trade.orderStatus.filled == 0


async def test_an_immediate_order_takes_what_there_is(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        trade = ib.placeOrder(await abc_at(here, ib, ask_size=40), LimitOrder("BUY", 100, 100.5, tif="IOC"))
        await here.status(trade, "Cancelled")
        assert trade.orderStatus.filled == 40


async def test_an_order_for_all_or_nothing_takes_nothing_of_too_little(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        trade = ib.placeOrder(await abc_at(here, ib, ask_size=40), LimitOrder("BUY", 100, 100.5, tif="FOK"))
        await here.until(trade.isDone)
        assert (trade.orderStatus.status, trade.orderStatus.filled) == ("Inactive", 0.0)


async def test_a_day_order_ends_with_its_day(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        trade = ib.placeOrder(await here.contract(ib, ABC), LimitOrder("BUY", 100, 50.0, tif="DAY"))
        await here.silence(ib)
        here.clock.move_market(TODAY.closes_ns + MINUTE)
        await here.status(trade, "Cancelled")


async def test_an_order_till_cancelled_outlives_its_day_and_its_client(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        ib.placeOrder(await here.contract(ib, ABC), LimitOrder("BUY", 100, 50.0, tif="GTC", orderRef="keep me"))
        await here.silence(ib)
        ib.disconnect()
        here.clock.move_market(TOMORROW.opens_ns + MINUTE)
        again = await here.connect()
        assert [trade.order.orderRef for trade in again.openTrades()] == ["keep me"]


async def test_an_order_till_a_moment_ends_then(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        till = LimitOrder("BUY", 100, 50.0, tif="GTD", goodTillDate="20190612 10:30:00 US/Eastern")  # 14:30 UTC
        trade = ib.placeOrder(await here.contract(ib, ABC), till)
        await here.silence(ib)
        here.clock.move_market(WEDNESDAY + 29 * MINUTE)
        await here.silence(ib)
        assert not trade.isDone()
        here.clock.move_market(WEDNESDAY + 31 * MINUTE)
        await here.status(trade, "Cancelled")


async def test_a_changed_limit_is_the_same_order(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        trade = ib.placeOrder(await abc_at(here, ib), LimitOrder("BUY", 100, 99.0))
        await here.status(trade, "Submitted")
        perm = trade.order.permId
        trade.order.lmtPrice = 100.02
        trade.order.totalQuantity = 80
        ib.placeOrder(trade.contract, trade.order)
        await here.status(trade, "Filled")
        assert (trade.orderStatus.permId, trade.orderStatus.filled) == (perm, 80.0)
        assert len(here.control.dump().completed) == 1


async def test_a_cancelled_order_is_told_with_202(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        trade = ib.placeOrder(await abc_at(here, ib), LimitOrder("BUY", 100, 99.0))
        await here.status(trade, "Submitted")
        ib.cancelOrder(trade.order)
        await here.status(trade, "Cancelled")
        assert (await here.error(202))[0] == trade.order.orderId


async def test_a_cancel_of_nothing_is_answered_with_10147(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        ib.client.cancelOrder(4711, "")
        assert (await here.error(10147))[0] == 4711


async def test_a_cancel_of_a_filled_order_is_answered_with_10148(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        trade = ib.placeOrder(await abc_at(here, ib), MarketOrder("BUY", 1))
        await here.status(trade, "Filled")
        ib.client.cancelOrder(trade.order.orderId, "")
        assert (await here.error(10148))[0] == trade.order.orderId


async def test_a_change_of_a_filled_order_is_answered_with_104(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        trade = ib.placeOrder(await abc_at(here, ib), MarketOrder("BUY", 1))
        await here.status(trade, "Filled")
        ib.client.placeOrder(trade.order.orderId, trade.contract, trade.order)
        assert (await here.error(104))[0] == trade.order.orderId


async def test_an_id_below_the_used_ones_is_refused_with_103(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await abc_at(here, ib)
        used = ib.placeOrder(abc, LimitOrder("BUY", 1, 99.0))
        await here.status(used, "Submitted")
        low = LimitOrder("BUY", 1, 99.0, orderId=used.order.orderId - 1)
        ib.client.placeOrder(low.orderId, abc, low)
        assert (await here.error(103))[0] == low.orderId


async def test_a_bracket_waits_for_its_parent_and_one_child_ends_the_other(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await abc_at(here, ib)
        parent, profit, loss = (ib.placeOrder(abc, each) for each in ib.bracketOrder("BUY", 100, 99.5, 102.0, 98.0))
        await here.status(parent, "Submitted")
        assert profit.orderStatus.status == loss.orderStatus.status == "PreSubmitted"
        here.price(abc, 99.48, 99.50)
        await here.status(profit, "Submitted")
        here.price(abc, 102.0, 102.02)
        await here.status(profit, "Filled")
        await here.status(loss, "Cancelled")
        await here.until(lambda: not [one for one in ib.positions() if one.position])


async def test_a_cancelled_parent_takes_its_children_with_it(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await abc_at(here, ib)
        trades = [ib.placeOrder(abc, each) for each in ib.bracketOrder("BUY", 100, 99.5, 102.0, 98.0)]
        await here.status(trades[0], "Submitted")
        ib.cancelOrder(trades[0].order)
        for trade in trades:
            await here.until(trade.isDone)
        assert [trade.orderStatus.status for trade in trades] == ["Cancelled"] * 3


async def test_one_of_a_group_cancels_all(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await abc_at(here, ib)
        orders = ib.oneCancelsAll([LimitOrder("BUY", 100, 99.0), LimitOrder("BUY", 100, 98.0)], "group", 1)
        near, far = (ib.placeOrder(abc, each) for each in orders)
        await here.until(lambda: far.order.permId)
        here.price(abc, 98.9, 99.0)
        await here.status(near, "Filled")
        await here.status(far, "Cancelled")


async def test_an_order_that_is_not_transmitted_is_silent(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        trade = ib.placeOrder(await abc_at(here, ib), LimitOrder("BUY", 100, 100.5, transmit=False))
        await here.silence(ib)
        assert (trade.orderStatus.permId, len(trade.fills)) == (0, 0)
        trade.order.transmit = True
        ib.placeOrder(trade.contract, trade.order)
        await here.status(trade, "Filled")


async def spread(here: Desk, ib: IB) -> Contract:
    """A call spread of VXX, bought: 24 long, 25 short."""
    near, far = await here.contract(ib, CALL_24), await here.contract(ib, CALL_25)
    here.price(near, 1.80, 1.90)
    here.price(far, 1.20, 1.30)
    legs = [
        ComboLeg(conId=near.conId, ratio=1, action="BUY", exchange="SMART"),
        ComboLeg(conId=far.conId, ratio=1, action="SELL", exchange="SMART"),
    ]
    return Bag(symbol="VXX", exchange="SMART", currency="USD", comboLegs=legs)


async def test_a_combination_fills_at_its_net_price_and_books_its_legs(lake: Lake, options: Path) -> None:
    async with desk(lake, options=options) as here:
        ib = await here.connect()
        trade = ib.placeOrder(await spread(here, ib), LimitOrder("BUY", 2, 0.75))
        await here.status(trade, "Filled")
        prices = {(fill.contract.secType, fill.contract.strike): fill.execution.price for fill in trade.fills}
        assert prices["OPT", 24.0] - prices["OPT", 25.0] <= 0.75
        assert len({fill.execution.permId for fill in trade.fills}) == 1
        await here.until(lambda: len(ib.positions()) == 2)
        assert {one.contract.strike: one.position for one in ib.positions()} == {24.0: 2.0, 25.0: -2.0}


async def test_a_combination_below_its_market_rests(lake: Lake, options: Path) -> None:
    async with desk(lake, options=options) as here:
        ib = await here.connect()
        trade = ib.placeOrder(await spread(here, ib), LimitOrder("BUY", 2, 0.10))
        await here.silence(ib)
        assert (trade.orderStatus.filled, trade.isDone()) == (0.0, False)
        ib.cancelOrder(trade.order)
        await here.status(trade, "Cancelled")


async def test_a_what_if_tells_margin_and_makes_no_order(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        es = await here.contract(ib, ES)
        here.price(es, 2_895.0, 2_895.5)
        state = await ib.whatIfOrderAsync(es, MarketOrder("BUY", 2))
        # 8 % of the middle, 2895.25, times 50, times 2 contracts
        assert float(state.initMarginChange) == pytest.approx(23_162.00)
        assert float(state.maintMarginChange) == pytest.approx(23_162.00 * 0.8)
        assert state.commission == pytest.approx(4.10)
        assert here.control.dump().orders == []


async def test_an_order_that_cannot_be_paid_is_rejected_with_201(lake: Lake) -> None:
    async with desk(lake, accounts={"DU1": {"USD": "1000"}}) as here:
        ib = await here.connect()
        trade = ib.placeOrder(await abc_at(here, ib), MarketOrder("BUY", 1_000))
        assert (await here.error(201))[0] == trade.order.orderId
        await here.until(trade.isDone)
        assert trade.orderStatus.filled == 0


async def test_an_index_cannot_be_traded(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        trade = ib.placeOrder(await here.contract(ib, Index("SPX", "CBOE", "USD")), MarketOrder("BUY", 1))
        await here.error(10345)
        assert trade.orderStatus.filled == 0


async def test_an_order_type_that_there_is_not_is_refused(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        ib.placeOrder(await abc_at(here, ib), order("WISH", "BUY", 1))
        await here.until(lambda: {321, 387} & set(here.heard[1].codes))


async def test_an_order_in_an_unknown_contract_is_refused_with_200(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        trade = ib.placeOrder(Contract(conId=123_456, exchange="SMART"), MarketOrder("BUY", 1))
        assert (await here.error(200))[0] == trade.order.orderId


async def test_a_read_only_gateway_takes_no_order(lake: Lake) -> None:
    async with desk(lake, permissions=Permissions(read_only=True)) as here:
        ib = await here.connect()
        ib.placeOrder(await abc_at(here, ib), MarketOrder("BUY", 1))
        await here.until(lambda: {321, 201, 203} & set(here.heard[1].codes))
        assert here.control.dump().orders == []


async def test_a_time_in_force_set_by_a_preset_is_told_with_10349_and_the_order_lives(lake: Lake) -> None:
    async with desk(lake, broker=BrokerRules(preset_tif="GTC")) as here:
        ib = await here.connect()
        abc = await abc_at(here, ib)
        ib.placeOrder(abc, LimitOrder("BUY", 100, 99.0))
        await here.error(10349)
        (said,) = here.control.dump().orders
        assert (said.order.tif, said.state.status) == ("GTC", "Submitted")


async def test_an_order_reference_comes_back_with_everything(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await abc_at(here, ib)
        trade = ib.placeOrder(abc, MarketOrder("BUY", 1, orderRef="decision|7"))
        await here.status(trade, "Filled")
        assert trade.fills[0].execution.orderRef == "decision|7"
        done = await ib.reqCompletedOrdersAsync(False)
        assert [one.order.orderRef for one in done] == ["decision|7"]
        assert done[0].orderStatus.status == "Filled"


async def test_all_orders_are_seen_and_another_clients_can_be_cancelled(lake: Lake) -> None:
    async with desk(lake) as here:
        ib, other = await here.connect(1), await here.connect(2)
        trade = ib.placeOrder(await abc_at(here, ib), LimitOrder("BUY", 100, 99.0))
        await here.status(trade, "Submitted")
        assert await other.reqOpenOrdersAsync() == []
        (seen,) = await other.reqAllOpenOrdersAsync()
        assert (seen.order.clientId, seen.order.permId) == (1, trade.order.permId)
        other.client.cancelOrder(trade.order.orderId, "")
        await here.status(trade, "Cancelled")


async def test_a_global_cancel_ends_everybodys_orders(lake: Lake) -> None:
    async with desk(lake) as here:
        ib, other = await here.connect(1), await here.connect(2)
        abc = await abc_at(here, ib)
        mine, theirs = ib.placeOrder(abc, LimitOrder("BUY", 1, 99.0)), other.placeOrder(abc, LimitOrder("BUY", 1, 98.0))
        await here.status(theirs, "Submitted")
        ib.reqGlobalCancel()
        await here.status(mine, "Cancelled")
        await here.status(theirs, "Cancelled")


async def test_client_0_hears_of_orders_that_are_entered_by_hand(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect(0)
        await abc_at(here, ib)
        here.control.do(
            "enter_by_hand",
            {
                "order": {
                    "order_id": 0,
                    "contract": {"symbol": "ABC", "sec_type": "STK", "currency": "USD", "exchange": "SMART"},
                    "order": {"action": "BUY", "quantity": 5.0, "order_type": "LMT", "limit": 99.0, "tif": "DAY"},
                }
            },
        )
        await here.until(ib.openTrades)
        (trade,) = ib.openTrades()
        assert (trade.order.totalQuantity, trade.order.orderId < 0) == (5.0, True)


async def test_a_master_client_hears_everybodys_orders(lake: Lake) -> None:
    async with desk(lake, broker=BrokerRules(master=9)) as here:
        master, ib = await here.connect(9), await here.connect(1)
        trade = ib.placeOrder(await abc_at(here, ib), MarketOrder("BUY", 1))
        await here.status(trade, "Filled")
        await here.until(master.fills)
        assert master.fills()[0].execution.permId == trade.orderStatus.permId


async def test_executions_are_asked_for_by_symbol_and_side(lake: Lake) -> None:
    from ib_async import ExecutionFilter

    async with desk(lake) as here:
        ib = await here.connect()
        abc = await abc_at(here, ib)
        for side in ("BUY", "SELL"):
            await here.status(ib.placeOrder(abc, MarketOrder(side, 1)), "Filled")
        both = await ib.reqExecutionsAsync(ExecutionFilter(symbol="ABC"))
        sold = await ib.reqExecutionsAsync(ExecutionFilter(side="SELL"))
        none = await ib.reqExecutionsAsync(ExecutionFilter(symbol="XYZ"))
        assert [len(found) for found in (both, sold, none)] == [2, 1, 0]


async def test_executions_of_yesterday_are_not_told(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        await here.status(ib.placeOrder(await abc_at(here, ib), MarketOrder("BUY", 1)), "Filled")
        ib.disconnect()
        here.clock.move_market(TOMORROW.opens_ns)
        again = await here.connect()
        assert again.fills() == []
        assert [one.position for one in again.positions()] == [1.0]


async def test_the_statuses_of_an_order_come_in_their_order(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await abc_at(here, ib)
        trade = ib.placeOrder(abc, LimitOrder("BUY", 100, 99.0))
        await here.status(trade, "Submitted")
        ib.cancelOrder(trade.order)
        await here.status(trade, "Cancelled")
        assert statuses(trade) == ["PendingSubmit", "PreSubmitted", "Submitted", "PendingCancel", "Cancelled"]
