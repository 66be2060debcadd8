"""What a client may say, one struct a message id. `ident` is the number on the wire."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from simulation.tws.terms import Contract, ExecutionFilter, Order


class ClientMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message from client to gateway."""

    ident: ClassVar[int] = 0


class StartApi(ClientMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 71
    client_id: int
    capabilities: str = ""


class ReqIds(ClientMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 8
    count: int = 1


class ReqManagedAccounts(ClientMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 17


class ReqCurrentTime(ClientMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 49


class SetServerLogLevel(ClientMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 14
    level: int = 2


class ReqPositions(ClientMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 61


class CancelPositions(ClientMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 64


class ReqOpenOrders(ClientMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 5


class ReqAllOpenOrders(ClientMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 16


class ReqAutoOpenOrders(ClientMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 15
    bind: bool = True


class ReqCompletedOrders(ClientMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 99
    api_only: bool = False


class ReqAccountUpdates(ClientMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 6
    subscribe: bool
    account: str = ""


class ReqAccountUpdatesMulti(ClientMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 76
    req_id: int
    account: str = ""
    model: str = ""
    ledger: bool = False


class CancelAccountUpdatesMulti(ClientMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 77
    req_id: int


class ReqPositionsMulti(ClientMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 74
    req_id: int
    account: str = ""
    model: str = ""


class CancelPositionsMulti(ClientMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 75
    req_id: int


class ReqAccountSummary(ClientMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 62
    req_id: int
    group: str = "All"
    tags: str = ""


class CancelAccountSummary(ClientMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 63
    req_id: int


class ReqExecutions(ClientMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 7
    req_id: int
    filter: ExecutionFilter = ExecutionFilter()


class ReqContractDetails(ClientMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 9
    req_id: int
    contract: Contract


class ReqMarketData(ClientMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 1
    req_id: int
    contract: Contract
    generic_ticks: str = ""
    snapshot: bool = False
    regulatory_snapshot: bool = False
    options: str = ""


class CancelMarketData(ClientMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 2
    req_id: int


class ReqMarketDataType(ClientMessage, frozen=True, kw_only=True):
    """kind: 1 live, 2 frozen, 3 delayed, 4 delayed and frozen."""

    ident: ClassVar[int] = 59
    kind: int


class ReqHistoricalData(ClientMessage, frozen=True, kw_only=True):
    """end: yyyymmdd hh:mm:ss zone, or empty for now. format_date: 1 text, 2 epoch seconds."""

    ident: ClassVar[int] = 20
    req_id: int
    contract: Contract
    end: str = ""
    bar_size: str
    duration: str
    use_rth: bool = True
    what: str
    format_date: int = 1
    keep_up_to_date: bool = False
    options: str = ""


class CancelHistoricalData(ClientMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 25
    req_id: int


class ReqHeadTimestamp(ClientMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 87
    req_id: int
    contract: Contract
    use_rth: bool = True
    what: str
    format_date: int = 1


class CancelHeadTimestamp(ClientMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 90
    req_id: int


class ReqHistoricalTicks(ClientMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 96
    req_id: int
    contract: Contract
    start: str = ""
    end: str = ""
    count: int
    what: str
    use_rth: bool = True
    ignore_size: bool = False
    options: str = ""


class ReqRealTimeBars(ClientMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 50
    req_id: int
    contract: Contract
    bar_size: int = 5
    what: str
    use_rth: bool = True
    options: str = ""


class CancelRealTimeBars(ClientMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 51
    req_id: int


class ReqTickByTick(ClientMessage, frozen=True, kw_only=True):
    """kind: Last, AllLast, BidAsk or MidPoint."""

    ident: ClassVar[int] = 97
    req_id: int
    contract: Contract
    kind: str
    count: int = 0
    ignore_size: bool = False


class CancelTickByTick(ClientMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 98
    req_id: int


class ReqOptionChain(ClientMessage, frozen=True, kw_only=True):
    """The protocol calls it reqSecDefOptParams."""

    ident: ClassVar[int] = 78
    req_id: int
    symbol: str
    future_exchange: str = ""
    sec_type: str
    con_id: int


class ReqMatchingSymbols(ClientMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 81
    req_id: int
    pattern: str


class ReqMarketRule(ClientMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 91
    rule_id: int


class ReqPnl(ClientMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 92
    req_id: int
    account: str
    model: str = ""


class CancelPnl(ClientMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 93
    req_id: int


class ReqPnlSingle(ClientMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 94
    req_id: int
    account: str
    model: str = ""
    con_id: int


class CancelPnlSingle(ClientMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 95
    req_id: int


class PlaceOrder(ClientMessage, frozen=True, kw_only=True):
    """A new order, or a change of the one that has this id."""

    ident: ClassVar[int] = 3
    order_id: int
    contract: Contract
    order: Order


class CancelOrder(ClientMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 4
    order_id: int
    manual_time: str = ""


class GlobalCancel(ClientMessage, frozen=True, kw_only=True):
    ident: ClassVar[int] = 58


class UnknownRequest(ClientMessage, frozen=True, kw_only=True):
    """A message that this gateway does not speak; it is answered with error 320 or 505, never with silence."""

    number: int
    fields: tuple[str, ...] = ()
