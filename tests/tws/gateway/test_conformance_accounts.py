"""Money, positions and profits, as an unmodified client sees them. Expected amounts are worked out by hand."""

from __future__ import annotations

import asyncio

import pytest
from ib_async import IB, Contract, MarketOrder

from state.lake import Lake
from tests.tws.gateway.kit import ABC, ACCOUNT, ES, EUR, XYZ, Desk, desk

START = {"DU1000001": {"USD": "100000"}}


async def bought(here: Desk, ib: IB, quantity: float = 100) -> Contract:
    """ABC, bought at 100.00 for a commission of at least 1.00."""
    abc = await here.contract(ib, ABC)
    here.price(abc, 99.98, 100.00, last=100.0)
    await here.status(ib.placeOrder(abc, MarketOrder("BUY", quantity)), "Filled")
    await here.until(lambda: abc.conId in {one.contract.conId for one in ib.positions()})
    return abc


def values(ib: IB) -> dict[tuple[str, str], str]:
    return {(one.tag, one.currency): one.value for one in ib.accountValues()}


async def test_cash_and_worth_follow_a_trade(lake: Lake) -> None:
    async with desk(lake, accounts=START) as here:
        ib = await here.connect()
        assert values(ib)["NetLiquidation", "USD"] == "100000.00"
        abc = await bought(here, ib)
        here.price(abc, 109.99, 110.01, last=110.0)
        here.clock.move(3.0)
        await here.until(lambda: values(ib)["NetLiquidation", "USD"] == "100999.00")  # 100 x 110.00 more
        await here.silence(ib)
        assert values(ib)["CashBalance", "USD"] == "89999.00"  # 100 x 100.00 and 1.00 less
        assert values(ib)["GrossPositionValue", "USD"] == "11000.00"
        assert values(ib)["InitMarginReq", "USD"] == "5500.00"  # half
        assert values(ib)["AvailableFunds", "USD"] == "95499.00"
        assert values(ib)["UnrealizedPnL", "USD"] == "999.00"


async def test_a_position_is_told_with_its_worth(lake: Lake) -> None:
    async with desk(lake, accounts=START) as here:
        ib = await here.connect()
        abc = await bought(here, ib)
        here.price(abc, 109.99, 110.01, last=110.0)
        here.clock.move(3.0)
        await here.until(lambda: [one for one in ib.portfolio() if one.marketPrice == 110.0])
        (item,) = ib.portfolio()
        assert (item.position, item.marketValue, item.averageCost) == (100.0, 11_000.0, 100.01)
        assert (item.realizedPNL, item.account) == (0.0, ACCOUNT)
        assert item.unrealizedPNL == pytest.approx(999.0)


async def test_a_closed_position_is_told_once_more_with_nothing_in_it(lake: Lake) -> None:
    async with desk(lake, accounts=START) as here:
        ib = await here.connect()
        abc = await bought(here, ib)
        told: list[float] = []
        ib.positionEvent += lambda position: told.append(position.position)
        await here.status(ib.placeOrder(abc, MarketOrder("SELL", 100)), "Filled")
        await here.until(lambda: told)
        assert told == [0.0]
        assert ib.positions() == []


async def test_what_a_round_trip_earned_is_realised(lake: Lake) -> None:
    async with desk(lake, accounts=START) as here:
        ib = await here.connect()
        abc = await bought(here, ib)
        here.price(abc, 110.00, 110.02, last=110.0)
        sale = ib.placeOrder(abc, MarketOrder("SELL", 100))
        await here.status(sale, "Filled")
        await here.until(lambda: sale.fills[0].commissionReport.commission)
        assert sale.fills[0].commissionReport.realizedPNL == pytest.approx(998.0)  # 1000.00 less 1.00 twice
        assert here.control.dump().value("CashBalance") == "100998.00"


async def test_a_future_costs_no_cash_but_margin(lake: Lake) -> None:
    async with desk(lake, accounts=START) as here:
        ib = await here.connect()
        es = await here.contract(ib, ES)
        here.price(es, 2_895.00, 2_895.50)
        await here.status(ib.placeOrder(es, MarketOrder("BUY", 1)), "Filled")
        here.price(es, 2_900.00, 2_900.50)
        here.clock.move(3.0)
        await here.until(lambda: values(ib).get(("FuturesPNL", "USD")) == "237.50")  # 50 x (2900.25 - 2895.50)
        assert values(ib)["CashBalance", "USD"] == "100235.45"  # 100000 less 2.05, and what the future gained
        assert values(ib)["NetLiquidationByCurrency", "USD"] == "100235.45"  # in which that gain is once
        assert values(ib)["InitMarginReq", "USD"] == "11601.00"  # 8 % of 2900.25 x 50


async def test_the_average_cost_of_a_future_holds_its_multiplier(lake: Lake) -> None:
    async with desk(lake, accounts=START) as here:
        ib = await here.connect()
        es = await here.contract(ib, ES)
        here.price(es, 2_895.00, 2_895.50)
        await here.status(ib.placeOrder(es, MarketOrder("BUY", 2)), "Filled")
        await here.until(ib.positions)
        assert ib.positions()[0].avgCost == pytest.approx(2_895.50 * 50 + 2.05)


async def test_a_currency_trade_moves_two_balances(lake: Lake) -> None:
    async with desk(lake, accounts=START) as here:
        ib = await here.connect()
        eur = await here.contract(ib, EUR)
        here.price(eur, 1.13, 1.1301, last=1.13)
        await here.status(ib.placeOrder(eur, MarketOrder("BUY", 20_000)), "Filled")
        book = here.control.dump()
        assert book.value("CashBalance", "EUR") == "20000.00"
        assert book.value("CashBalance", "USD") == "77396.00"  # 100000 - 20000 x 1.1301 - 2.00


async def test_a_summary_tells_the_tags_that_are_asked_for(lake: Lake) -> None:
    async with desk(lake, accounts=START) as here:
        ib = await here.connect()
        found = await ib.accountSummaryAsync()
        told = {one.tag: one.value for one in found}
        assert told["NetLiquidation"] == "100000.00"
        assert told["TotalCashValue"] == "100000.00"
        assert {one.account for one in found} <= {ACCOUNT, "All"}


async def test_a_third_summary_at_once_is_refused_with_322(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        for number in (70, 71, 72):
            ib.client.reqAccountSummary(number, "All", "NetLiquidation")
        assert (await here.error(322))[0] == 72


async def test_the_days_profit_is_told_and_told_again_when_it_changes(lake: Lake) -> None:
    async with desk(lake, accounts=START) as here:
        ib = await here.connect()
        abc = await bought(here, ib)
        pnl = ib.reqPnL(ACCOUNT)
        await here.until(lambda: pnl.dailyPnL == pnl.dailyPnL)
        here.price(abc, 104.99, 105.01, last=105.0)
        here.clock.move(1.0)
        await here.until(lambda: pnl.dailyPnL > 0)
        assert pnl.dailyPnL == pytest.approx(499.0)  # 500.00 less 1.00
        assert pnl.unrealizedPnL == pytest.approx(499.0)
        ib.cancelPnL(ACCOUNT)
        await here.silence(ib)


async def test_the_profit_of_one_position_is_told(lake: Lake) -> None:
    async with desk(lake, accounts=START) as here:
        ib = await here.connect()
        abc = await bought(here, ib)
        here.price(abc, 104.99, 105.01, last=105.0)
        single = ib.reqPnLSingle(ACCOUNT, "", abc.conId)
        await here.until(lambda: single.value == single.value)
        assert single.position == 100
        assert single.value == pytest.approx(10_500.0)
        assert single.unrealizedPnL == pytest.approx(499.0)


async def test_a_position_brought_in_from_elsewhere_is_told(lake: Lake) -> None:
    async with desk(lake, accounts=START) as here:
        ib = await here.connect()
        xyz = await here.contract(ib, XYZ)
        here.control.transfer(ACCOUNT, xyz.conId, 40.0, 50.0)
        await here.until(ib.positions)
        assert [(one.contract.symbol, one.position, one.avgCost) for one in ib.positions()] == [("XYZ", 40.0, 50.0)]


async def test_money_paid_in_is_told(lake: Lake) -> None:
    async with desk(lake, accounts=START) as here:
        ib = await here.connect()
        here.control.move_cash(ACCOUNT, "d1", "deposit", "USD", 500.25)
        here.clock.move(3.0)
        await here.until(lambda: values(ib)["TotalCashValue", "USD"] == "100500.25")


async def test_accounts_are_kept_apart(lake: Lake) -> None:
    async with desk(lake, accounts={"DU1": {"USD": "1000"}, "DU2": {"USD": "20000"}}) as here:
        ib = await here.connect(1, account="DU2")
        abc = await here.contract(ib, ABC)
        here.price(abc, 99.98, 100.00, last=100.0)
        await here.status(ib.placeOrder(abc, MarketOrder("BUY", 10, account="DU2")), "Filled")
        await here.until(ib.positions)
        assert [one.account for one in ib.positions()] == ["DU2"]
        book = here.control.dump()
        assert book.value("CashBalance", account="DU1") == "1000.00"
        assert book.value("CashBalance", account="DU2") == "18999.00"


async def test_an_account_that_is_not_there_is_refused(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        ib.client.reqPnL(88, "DU999", "")
        assert (await here.error(321))[0] == 88


async def test_account_updates_of_many_are_answered(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        await asyncio.wait_for(ib.reqAccountUpdatesMultiAsync(ACCOUNT, ""), 5)
        assert values(ib)["NetLiquidation", "USD"] == "1000000.00"
