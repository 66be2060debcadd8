"""What the gateway says, as facts of our own: the client library's objects end here.

Its notion of a trade and its state is not used anywhere: it is wrong after errors, corrections and reconnects.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from model.orders import Side
from model.units import NS_PER_SECOND, Cash, Qty
from ports.ib.wire_numbers import cash_in, known, qty_in

WORKING = frozenset({"PreSubmitted", "Submitted"})
ENDED = frozenset({"Cancelled", "ApiCancelled", "Inactive"})
FILLED = "Filled"
_SIDES = {"BUY": Side.BUY, "SELL": Side.SELL, "SSHORT": Side.SELL, "BOT": Side.BUY, "SLD": Side.SELL}


class ContractSeen(msgspec.Struct, frozen=True):
    """legs: of a combo, (contract, signed ratio)."""

    con_id: int
    symbol: str
    sec_type: str
    expiry: str
    multiplier: str
    currency: str
    trading_class: str
    legs: tuple[tuple[int, int], ...] = ()


class OrderSeen(msgspec.Struct, frozen=True, kw_only=True):
    """An order as openOrder or completedOrder shows it. ref: our client id, or what others wrote.  limit: in the line's
    own unit, None for none.  filled: None where the gateway did not say.  words: how a completed order ended.
    good_till_ns: 0 for none, or where it cannot be read."""

    ref: str
    order_id: int
    client: int
    perm_id: int
    contract: ContractSeen
    side: Side
    quantity: Qty
    limit: float | None
    kind: str
    tif: str
    status: str
    account: str
    filled: Qty | None = None
    words: str = ""
    good_till_ns: int = 0


class StatusSeen(msgspec.Struct, frozen=True):
    order_id: int
    client: int
    perm_id: int
    status: str
    filled: Qty


class ExecutionSeen(msgspec.Struct, frozen=True, kw_only=True):
    """price: in the line's own unit.  at_ns: as printed, whole seconds."""

    exec_id: str
    ref: str
    order_id: int
    client: int
    perm_id: int
    contract: ContractSeen
    side: Side
    shares: Qty
    price: float
    account: str
    at_ns: int


class CostSeen(msgspec.Struct, frozen=True):
    exec_id: str
    amount: Cash
    currency: str


class PositionSeen(msgspec.Struct, frozen=True):
    account: str
    contract: ContractSeen
    quantity: Qty


class Complaint(msgspec.Struct, frozen=True):
    """An error message. about: a request's or an order's id, -1 for none."""

    about: int
    code: int
    text: str


def contract_seen(contract: Any) -> ContractSeen:
    return ContractSeen(
        contract.conId, contract.symbol, contract.secType, contract.lastTradeDateOrContractMonth, contract.multiplier,
        contract.currency, contract.tradingClass,
        tuple((leg.conId, leg.ratio if leg.action == "BUY" else -leg.ratio) for leg in contract.comboLegs or ()),
    )  # fmt: skip


def order_seen(contract: Any, order: Any, state: Any, order_id: int) -> OrderSeen:
    """Raises ValueError for an order that says neither BUY nor SELL, or no quantity."""
    side = _SIDES.get(order.action)
    if side is None:
        raise ValueError(f"order {order_id} says {order.action!r}, neither BUY nor SELL")
    filled = order.filledQuantity
    return OrderSeen(
        ref=order.orderRef,
        order_id=order_id,
        client=order.clientId,
        perm_id=order.permId,
        contract=contract_seen(contract),
        side=side,
        quantity=qty_in(order.totalQuantity),
        limit=order.lmtPrice if known(order.lmtPrice) and order.lmtPrice else None,
        kind=order.orderType,
        tif=order.tif,
        status=state.status,
        account=order.account,
        filled=qty_in(filled) if known(filled) else None,
        words=getattr(state, "completedStatus", ""),
        good_till_ns=_till(order.goodTillDate),
    )


def execution_seen(contract: Any, execution: Any) -> ExecutionSeen:
    """Raises ValueError for an execution without a side or a quantity."""
    side = _SIDES.get(execution.side)
    if side is None:
        raise ValueError(f"execution {execution.execId} says {execution.side!r}, neither BOT nor SLD")
    order_id = execution.orderId
    return ExecutionSeen(
        exec_id=execution.execId,
        ref=execution.orderRef,
        order_id=order_id if known(order_id) else 0,
        client=execution.clientId,
        perm_id=execution.permId,
        contract=contract_seen(contract),
        side=side,
        shares=qty_in(execution.shares),
        price=float(execution.price),
        account=execution.acctNumber,
        at_ns=_ns(execution.time),
    )


def cost_seen(report: Any) -> CostSeen | None:
    """None for a report without a figure."""
    if not known(report.commission):
        return None
    return CostSeen(report.execId, cash_in(report.commission), report.currency)


def position_seen(account: str, contract: Any, quantity: float) -> PositionSeen:
    return PositionSeen(account, contract_seen(contract), qty_in(quantity))


def _till(text: str) -> int:
    """`20260413-15:27:04` is UTC; the gateway may give it back as `20260413 15:27:04 US/Eastern`."""
    form, zone, words = "%Y%m%d %H:%M:%S", dt.UTC, text.split()
    try:
        if len(words) == 1:
            return _ns(dt.datetime.strptime(text, "%Y%m%d-%H:%M:%S").replace(tzinfo=zone))
        place = ZoneInfo(words[2]) if len(words) == 3 else zone
        return _ns(dt.datetime.strptime(" ".join(words[:2]), form).replace(tzinfo=place))
    except (ValueError, ZoneInfoNotFoundError):
        return 0


def _ns(moment: dt.datetime) -> int:
    return int(moment.timestamp()) * NS_PER_SECOND
