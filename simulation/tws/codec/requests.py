"""The layouts of what clients say, one a struct; placing an order has a module of its own."""

from __future__ import annotations

from simulation.tws import requests as ask
from simulation.tws.codec.contracts import DELTA_NEUTRAL, asked, expired, short_legs
from simulation.tws.codec.kinds import FLAG, INT, TEXT
from simulation.tws.codec.layout import Field, Record, revision
from simulation.tws.codec.place_order import PLACE_ORDER

_REQ_ID = Field("req_id", INT)
_FORM_1 = revision("1")

SESSION = (
    Record(ask.StartApi, revision("2"), Field("client_id", INT), Field("capabilities", TEXT)),
    Record(ask.ReqIds, _FORM_1, Field("count", INT)),
    Record(ask.ReqManagedAccounts, _FORM_1),
    Record(ask.ReqCurrentTime, _FORM_1),
    Record(ask.SetServerLogLevel, _FORM_1, Field("level", INT)),
)
ACCOUNTS = (
    Record(ask.ReqPositions, _FORM_1),
    Record(ask.CancelPositions, _FORM_1),
    Record(ask.ReqAccountUpdates, revision("2"), Field("subscribe", FLAG), Field("account", TEXT)),
    Record(
        ask.ReqAccountUpdatesMulti,
        _FORM_1,
        _REQ_ID,
        Field("account", TEXT),
        Field("model", TEXT),
        Field("ledger", FLAG),
    ),
    Record(ask.CancelAccountUpdatesMulti, _FORM_1, _REQ_ID),
    Record(ask.ReqPositionsMulti, _FORM_1, _REQ_ID, Field("account", TEXT), Field("model", TEXT)),
    Record(ask.CancelPositionsMulti, _FORM_1, _REQ_ID),
    Record(ask.ReqAccountSummary, _FORM_1, _REQ_ID, Field("group", TEXT), Field("tags", TEXT)),
    Record(ask.CancelAccountSummary, _FORM_1, _REQ_ID),
    Record(ask.ReqPnl, _REQ_ID, Field("account", TEXT), Field("model", TEXT)),
    Record(ask.CancelPnl, _REQ_ID),
    Record(ask.ReqPnlSingle, _REQ_ID, Field("account", TEXT), Field("model", TEXT), Field("con_id", INT)),
    Record(ask.CancelPnlSingle, _REQ_ID),
)
ORDERS = (
    PLACE_ORDER,
    Record(ask.CancelOrder, _FORM_1, Field("order_id", INT), Field("manual_time", TEXT, since=169)),
    Record(ask.GlobalCancel, _FORM_1),
    Record(ask.ReqOpenOrders, _FORM_1),
    Record(ask.ReqAllOpenOrders, _FORM_1),
    Record(ask.ReqAutoOpenOrders, _FORM_1, Field("bind", FLAG)),
    Record(ask.ReqCompletedOrders, Field("api_only", FLAG)),
    Record(
        ask.ReqExecutions,
        revision("3"),
        _REQ_ID,
        Field("filter.client_id", INT),
        Field("filter.account", TEXT),
        Field("filter.time", TEXT),
        Field("filter.symbol", TEXT),
        Field("filter.sec_type", TEXT),
        Field("filter.exchange", TEXT),
        Field("filter.side", TEXT),
    ),
)
CONTRACTS = (
    Record(
        ask.ReqContractDetails,
        revision("8"),
        _REQ_ID,
        *asked(),
        expired(),
        Field("contract.sec_id_type", TEXT),
        Field("contract.sec_id", TEXT),
        Field("contract.issuer_id", TEXT, since=176),
    ),
    Record(
        ask.ReqOptionChain,
        _REQ_ID,
        Field("symbol", TEXT),
        Field("future_exchange", TEXT),
        Field("sec_type", TEXT),
        Field("con_id", INT),
    ),
    Record(ask.ReqMatchingSymbols, _REQ_ID, Field("pattern", TEXT)),
    Record(ask.ReqMarketRule, Field("rule_id", INT)),
)
QUOTES = (
    Record(
        ask.ReqMarketData,
        revision("11"),
        _REQ_ID,
        *asked(),
        short_legs(),
        Field("contract.delta_neutral", DELTA_NEUTRAL),
        Field("generic_ticks", TEXT),
        Field("snapshot", FLAG),
        Field("regulatory_snapshot", FLAG),
        Field("options", TEXT),
    ),
    Record(ask.CancelMarketData, revision("2"), _REQ_ID),
    Record(ask.ReqMarketDataType, _FORM_1, Field("kind", INT)),
    Record(
        ask.ReqTickByTick,
        _REQ_ID,
        *asked(),
        Field("kind", TEXT),
        Field("count", INT),
        Field("ignore_size", FLAG),
    ),
    Record(ask.CancelTickByTick, _REQ_ID),
    Record(
        ask.ReqRealTimeBars,
        revision("3"),
        _REQ_ID,
        *asked(),
        Field("bar_size", INT),
        Field("what", TEXT),
        Field("use_rth", FLAG),
        Field("options", TEXT),
    ),
    Record(ask.CancelRealTimeBars, _FORM_1, _REQ_ID),
)
HISTORY = (
    Record(
        ask.ReqHistoricalData,
        _REQ_ID,
        *asked(),
        expired(),
        Field("end", TEXT),
        Field("bar_size", TEXT),
        Field("duration", TEXT),
        Field("use_rth", FLAG),
        Field("what", TEXT),
        Field("format_date", INT),
        short_legs(),
        Field("keep_up_to_date", FLAG),
        Field("options", TEXT),
    ),
    Record(ask.CancelHistoricalData, _FORM_1, _REQ_ID),
    Record(
        ask.ReqHeadTimestamp,
        _REQ_ID,
        *asked(),
        expired(),
        Field("use_rth", FLAG),
        Field("what", TEXT),
        Field("format_date", INT),
    ),
    Record(ask.CancelHeadTimestamp, _REQ_ID),
    Record(
        ask.ReqHistoricalTicks,
        _REQ_ID,
        *asked(),
        expired(),
        Field("start", TEXT),
        Field("end", TEXT),
        Field("count", INT),
        Field("what", TEXT),
        Field("use_rth", FLAG),
        Field("ignore_size", FLAG),
        Field("options", TEXT),
    ),
)
REQUESTS = (*SESSION, *ACCOUNTS, *ORDERS, *CONTRACTS, *QUOTES, *HISTORY)
