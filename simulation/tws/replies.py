"""What a gateway says, one struct a message id. `ident` is the number on the wire."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from simulation.tws.terms import Contract, ContractDetails, Execution, HistoricalBar, Order, OrderState


class ServerMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message from gateway to client."""

    ident: ClassVar[int] = 0


class NextValidId(ServerMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 9
    order_id: int


class ManagedAccounts(ServerMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 15
    accounts: str


class ErrorMessage(ServerMessage, frozen=True, kw_only=True):
    """req_id: of the request or order it is about, -1 for none."""

    ident: ClassVar[int] = 4
    req_id: int = -1
    code: int
    text: str
    reject_json: str = ""


class CurrentTime(ServerMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 49
    epoch_s: int


class TickPrice(ServerMessage, frozen=True, kw_only=True):
    """kind: 1 bid, 2 ask, 4 last, 6 high, 7 low, 9 close, 14 open; 66 to 76 the same, delayed. price -1: there is none.
    attributes: bit 0 can auto-execute, 1 past limit, 2 before the open."""

    ident: ClassVar[int] = 1
    req_id: int
    kind: int
    price: float
    size: float = 0.0
    attributes: int = 0


class TickSize(ServerMessage, frozen=True, kw_only=True):
    """kind: 0 bid, 3 ask, 5 last, 8 volume; 69 to 71 and 74 the same, delayed."""

    ident: ClassVar[int] = 2
    req_id: int
    kind: int
    size: float


class TickGeneric(ServerMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 45
    req_id: int
    kind: int
    value: float


class TickString(ServerMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 46
    req_id: int
    kind: int
    value: str


class TickOption(ServerMessage, frozen=True, kw_only=True):
    """Greeks. kind: 10 bid, 11 ask, 12 last, 13 model. attribute: 0 returns, 1 prices. None: not computed."""

    ident: ClassVar[int] = 21
    req_id: int
    kind: int
    attribute: int = 1
    implied_vol: float | None = None
    delta: float | None = None
    price: float | None = None
    pv_dividend: float | None = None
    gamma: float | None = None
    vega: float | None = None
    theta: float | None = None
    under_price: float | None = None


class TickSnapshotEnd(ServerMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 57
    req_id: int


class MarketDataType(ServerMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 58
    req_id: int
    kind: int


class TickReqParams(ServerMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 81
    req_id: int
    min_tick: float
    bbo_exchange: str = ""
    snapshot_permissions: int = 0


class ContractData(ServerMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 10
    req_id: int
    details: ContractDetails


class ContractDataEnd(ServerMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 52
    req_id: int


class Position(ServerMessage, frozen=True, kw_only=True):
    """average_cost includes the multiplier."""

    ident: ClassVar[int] = 61
    account: str
    contract: Contract
    quantity: float
    average_cost: float


class PositionEnd(ServerMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 62


class PositionMulti(ServerMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 71
    req_id: int
    account: str
    contract: Contract
    quantity: float
    average_cost: float
    model: str = ""


class PositionMultiEnd(ServerMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 72
    req_id: int


class AccountValue(ServerMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 6
    key: str
    value: str
    currency: str
    account: str


class PortfolioValue(ServerMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 7
    contract: Contract
    quantity: float
    market_price: float
    market_value: float
    average_cost: float
    unrealized: float
    realized: float
    account: str


class AccountTime(ServerMessage, frozen=True, kw_only=True):
    """time: hh:mm."""

    ident: ClassVar[int] = 8
    time: str


class AccountDownloadEnd(ServerMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 54
    account: str


class AccountUpdateMulti(ServerMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 73
    req_id: int
    account: str
    model: str = ""
    key: str
    value: str
    currency: str


class AccountUpdateMultiEnd(ServerMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 74
    req_id: int


class AccountSummary(ServerMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 63
    req_id: int
    account: str
    tag: str
    value: str
    currency: str


class AccountSummaryEnd(ServerMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 64
    req_id: int


class OrderStatus(ServerMessage, frozen=True, kw_only=True):
    """status: PendingSubmit, PreSubmitted, Submitted, PendingCancel, Cancelled, ApiCancelled, Filled or Inactive."""

    ident: ClassVar[int] = 3
    order_id: int
    status: str
    filled: float
    remaining: float
    average_price: float = 0.0
    perm_id: int = 0
    parent_id: int = 0
    last_price: float = 0.0
    client_id: int = 0
    why_held: str = ""
    cap_price: float = 0.0


class OpenOrder(ServerMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 5
    contract: Contract
    order: Order
    state: OrderState


class OpenOrderEnd(ServerMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 53


class CompletedOrder(ServerMessage, frozen=True, kw_only=True):
    """An order of today that has ended. It has no order id and no client id; perm_id and order_ref say which."""

    ident: ClassVar[int] = 101
    contract: Contract
    order: Order
    state: OrderState
    filled_quantity: float | None = None
    parent_perm_id: int = 0


class CompletedOrdersEnd(ServerMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 102


class ExecDetails(ServerMessage, frozen=True, kw_only=True):
    """req_id: -1 for one that just happened."""

    ident: ClassVar[int] = 11
    req_id: int = -1
    contract: Contract
    execution: Execution


class ExecDetailsEnd(ServerMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 55
    req_id: int


class CommissionReport(ServerMessage, frozen=True, kw_only=True):
    """realized: None while opening."""

    ident: ClassVar[int] = 59
    exec_id: str
    commission: float
    currency: str
    realized: float | None = None
    yield_: float | None = None
    redemption_date: int = 0


class HistoricalData(ServerMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 17
    req_id: int
    start: str
    end: str
    bars: tuple[HistoricalBar, ...]


class HistoricalUpdate(ServerMessage, frozen=True, kw_only=True):
    """The bar that runs, for who keeps a request up to date."""

    ident: ClassVar[int] = 90
    req_id: int
    bar: HistoricalBar


class RealTimeBar(ServerMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 50
    req_id: int
    epoch_s: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    average: float
    count: int


class OptionChain(ServerMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 75
    req_id: int
    exchange: str
    under_con_id: int
    trading_class: str
    multiplier: str
    expirations: tuple[str, ...]
    strikes: tuple[float, ...]


class OptionChainEnd(ServerMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 76
    req_id: int


class SymbolSamples(ServerMessage, frozen=True, kw_only=True):
    """found: contract and the security types of its derivatives."""

    ident: ClassVar[int] = 79
    req_id: int
    found: tuple[tuple[Contract, tuple[str, ...]], ...]


class MarketRule(ServerMessage, frozen=True, kw_only=True):
    """steps: (from this price on, increment)."""

    ident: ClassVar[int] = 93
    rule_id: int
    steps: tuple[tuple[float, float], ...]


class HeadTimestamp(ServerMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 88
    req_id: int
    time: str


class Pnl(ServerMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 94
    req_id: int
    daily: float
    unrealized: float
    realized: float


class PnlSingle(ServerMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 95
    req_id: int
    quantity: float
    daily: float
    unrealized: float
    realized: float
    value: float


class HistoricalTicks(ServerMessage, frozen=True, kw_only=True):
    """Mid points (time, price, size). The protocol has a leading hole in each tick."""

    ident: ClassVar[int] = 96
    req_id: int
    ticks: tuple[tuple[int, float, float], ...]
    done: bool


class HistoricalTicksBidAsk(ServerMessage, frozen=True, kw_only=True):
    """(time, attributes, bid, ask, bid size, ask size)."""

    ident: ClassVar[int] = 97
    req_id: int
    ticks: tuple[tuple[int, int, float, float, float, float], ...]
    done: bool


class HistoricalTicksLast(ServerMessage, frozen=True, kw_only=True):
    """(time, attributes, price, size, exchange, special conditions)."""

    ident: ClassVar[int] = 98
    req_id: int
    ticks: tuple[tuple[int, int, float, float, str, str], ...]
    done: bool


class TickByTickLast(ServerMessage, frozen=True, kw_only=True):
    """kind: 1 Last, 2 AllLast."""

    ident: ClassVar[int] = 99
    req_id: int
    kind: int
    epoch_s: int
    price: float
    size: float
    attributes: int = 0
    exchange: str = ""
    conditions: str = ""


class TickByTickBidAsk(ServerMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 99
    req_id: int
    epoch_s: int
    bid: float
    ask: float
    bid_size: float
    ask_size: float
    attributes: int = 0


class TickByTickMidPoint(ServerMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 99
    req_id: int
    epoch_s: int
    price: float
