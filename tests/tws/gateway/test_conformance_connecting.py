from __future__ import annotations

from ib_async import MarketOrder

from state.lake import Lake
from tests.tws.gateway.kit import ABC, ACCOUNT, desk, until


async def test_a_client_connects_and_hears_its_account(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect(1, raiseSyncErrors=True)
        assert ib.managedAccounts() == [ACCOUNT]
        abc = await here.contract(ib, ABC)
        details = await ib.reqContractDetailsAsync(abc)
        print(details)
        ticker = ib.reqMktData(abc)
        await until(lambda: ticker.bid == ticker.bid)
        print(ticker)
        trade = ib.placeOrder(abc, MarketOrder("BUY", 100))
        await until(lambda: trade.isDone())
        print(trade)
        await until(lambda: ib.positions())
        print(ib.positions(), [f.commissionReport for f in ib.fills()])
