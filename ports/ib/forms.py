"""The client library's own objects, made from ours. Import this module only inside a running loop."""

from __future__ import annotations

from typing import Any

from ib_async import ComboLeg, Contract, ExecutionFilter, Order, TagValue

from ports.ib.contracts import Query
from ports.ib.encoding import ADAPTIVE, Encoded


def contract_form(query: Query) -> Any:
    return Contract(
        conId=query.con_id, symbol=query.symbol, secType=query.sec_type, lastTradeDateOrContractMonth=query.expiry,
        strike=query.strike, right=query.right, multiplier=query.multiplier, exchange=query.exchange,
        primaryExchange=query.primary_exchange, currency=query.currency, localSymbol=query.local_symbol,
        tradingClass=query.trading_class,
        comboLegs=[
            ComboLeg(conId=leg.con_id, ratio=leg.ratio, action=leg.action, exchange=leg.exchange) for leg in query.legs
        ],
    )  # fmt: skip


def by_con_id(con_id: int) -> Any:
    return Contract(conId=con_id)


def order_form(encoded: Encoded, *, what_if: bool = False) -> Any:
    order = Order()
    for name, value in encoded.fields.items():
        setattr(order, name, value)
    if encoded.algo:
        order.algoStrategy = ADAPTIVE
        order.algoParams = [TagValue(name, value) for name, value in encoded.algo]
    order.whatIf = what_if
    return order


def changed_form(encoded: Encoded, order_id: int) -> Any:
    """An order that changes a working one: no parent, for a change must not name it."""
    order = order_form(encoded)
    order.orderId = order_id
    order.parentId = 0
    return order


def executions_filter(account: str) -> Any:
    return ExecutionFilter(acctCode=account)
