"""An older client in a process of its own: does a day's work at a gateway and prints what it saw as JSON.

It must not share an environment with ib_async: both bring a module `eventkit`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from ib_insync import IB, Future, LimitOrder, MarketOrder, Stock, StopOrder

PATIENCE_S = 20.0


async def status(trade: Any, wanted: str) -> None:
    """Wait until a trade has a status."""
    while trade.orderStatus.status != wanted:
        await asyncio.wait_for(trade.statusEvent, PATIENCE_S)


async def day(port: int) -> dict[str, Any]:
    ib, errors = IB(), []
    ib.errorEvent += lambda req_id, code, text, contract: errors.append(code)
    await ib.connectAsync("127.0.0.1", port, clientId=3, timeout=PATIENCE_S)
    saw: dict[str, Any] = {"version": ib.client.serverVersion(), "accounts": ib.managedAccounts()}
    (abc,) = await ib.qualifyContractsAsync(Stock("ABC", "SMART", "USD"))
    (details,) = await ib.reqContractDetailsAsync(abc)
    saw["details"] = [details.longName, details.minTick, details.validExchanges]
    saw["months"] = len(await ib.reqContractDetailsAsync(Future("ES", exchange="CME", currency="USD"))) > 2
    (ticker,) = await ib.reqTickersAsync(abc)
    saw["quote"] = [ticker.bid, ticker.ask, ticker.close]
    bought = ib.placeOrder(abc, MarketOrder("BUY", 10, orderRef="old client"))
    await status(bought, "Filled")
    saw["fill"] = [bought.orderStatus.avgFillPrice, bought.fills[0].execution.orderRef]
    resting = ib.placeOrder(abc, LimitOrder("BUY", 5, 99.0))
    await status(resting, "Submitted")
    resting.order.lmtPrice = 98.0
    ib.placeOrder(abc, resting.order)
    seen = (await ib.reqOpenOrdersAsync())[-1]  # what the change itself made known may be among the answers
    saw["changed"] = (seen.order if hasattr(seen, "order") else seen).lmtPrice
    ib.cancelOrder(resting.order)
    await status(resting, "Cancelled")
    stop = ib.placeOrder(abc, StopOrder("SELL", 10, 90.0))
    await status(stop, "PreSubmitted")
    bars = await ib.reqHistoricalDataAsync(abc, "", "1 W", "1 day", "TRADES", True)
    saw["bars"] = [[bar.open, bar.high, bar.low, bar.close, bar.volume] for bar in bars]
    saw["positions"] = [[each.contract.symbol, each.position, each.avgCost] for each in await ib.reqPositionsAsync()]
    state = await ib.whatIfOrderAsync(abc, MarketOrder("BUY", 100))
    saw["margin"] = float(state.initMarginChange)
    saw["executions"] = len(await ib.reqExecutionsAsync())
    saw["completed"] = len(await ib.reqCompletedOrdersAsync(False))
    saw["errors"] = errors
    ib.disconnect()
    return saw


if __name__ == "__main__":
    print(json.dumps(asyncio.run(day(int(sys.argv[1])))))
