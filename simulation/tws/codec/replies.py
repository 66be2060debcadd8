"""The layouts of what gateways say, one a struct; orders and contract details have modules of their own."""

from __future__ import annotations

from simulation.tws import replies as tell
from simulation.tws.codec.contract_data import CONTRACT_DATA, MARKET_RULE, OPTION_CHAIN, SYMBOL_SAMPLES
from simulation.tws.codec.contracts import RIGHT_ZERO, told
from simulation.tws.codec.kinds import FLAG, FLOAT, HUGE_FLOAT, INT, TEXT, maybe_float, zero_as
from simulation.tws.codec.layout import Counted, Field, Hole, Record, Row, Said, revision
from simulation.tws.codec.told_orders import COMPLETED_ORDER, OPEN_ORDER
from simulation.tws.terms import HistoricalBar

_REQ_ID = Field("req_id", INT)
_KIND = Field("kind", INT)
_FORM_1 = revision("1")
_FORM_6 = revision("6")
_BELOW_0 = maybe_float("-1")
_BELOW_MINUS_1 = maybe_float("-2")

SESSION = (
    Record(tell.NextValidId, _FORM_1, Field("order_id", INT)),
    Record(tell.ManagedAccounts, _FORM_1, Field("accounts", TEXT)),
    Record(
        tell.ErrorMessage,
        revision("2"),
        _REQ_ID,
        Field("code", INT),
        Field("text", TEXT),
        Field("reject_json", TEXT, since=166),
    ),
    Record(tell.CurrentTime, _FORM_1, Field("epoch_s", INT)),
)
TICKS = (
    Record(
        tell.TickPrice,
        _FORM_6,
        _REQ_ID,
        _KIND,
        Field("price", FLOAT),
        Field("size", FLOAT),
        Field("attributes", INT),
    ),
    Record(tell.TickSize, _FORM_6, _REQ_ID, _KIND, Field("size", FLOAT)),
    Record(tell.TickGeneric, _FORM_6, _REQ_ID, _KIND, Field("value", FLOAT)),
    Record(tell.TickString, _FORM_6, _REQ_ID, _KIND, Field("value", TEXT)),
    Record(
        tell.TickOption,
        _REQ_ID,
        _KIND,
        Field("attribute", INT),
        Field("implied_vol", _BELOW_0),
        Field("delta", _BELOW_MINUS_1),
        Field("price", _BELOW_0),
        Field("pv_dividend", _BELOW_0),
        Field("gamma", _BELOW_MINUS_1),
        Field("vega", _BELOW_MINUS_1),
        Field("theta", _BELOW_MINUS_1),
        Field("under_price", _BELOW_0),
    ),
    Record(tell.TickSnapshotEnd, _FORM_1, _REQ_ID),
    Record(tell.MarketDataType, _FORM_1, _REQ_ID, _KIND),
    Record(
        tell.TickReqParams,
        _REQ_ID,
        Field("min_tick", FLOAT),
        Field("bbo_exchange", TEXT),
        Field("snapshot_permissions", INT),
    ),
)
CONTRACTS = (
    CONTRACT_DATA,
    Record(tell.ContractDataEnd, _FORM_1, _REQ_ID),
    OPTION_CHAIN,
    Record(tell.OptionChainEnd, _REQ_ID),
    SYMBOL_SAMPLES,
    MARKET_RULE,
)
_HOLDING = (Field("quantity", FLOAT), Field("average_cost", FLOAT))
ACCOUNTS = (
    Record(tell.Position, revision("3"), Field("account", TEXT), *told(), *_HOLDING),
    Record(tell.PositionEnd, _FORM_1),
    Record(tell.PositionMulti, _FORM_1, _REQ_ID, Field("account", TEXT), *told(), *_HOLDING, Field("model", TEXT)),
    Record(tell.PositionMultiEnd, _FORM_1, _REQ_ID),
    Record(
        tell.AccountValue,
        revision("2"),
        Field("key", TEXT),
        Field("value", TEXT),
        Field("currency", TEXT),
        Field("account", TEXT),
    ),
    Record(
        tell.PortfolioValue,
        revision("8"),
        *told("contract.primary_exchange", RIGHT_ZERO),
        Field("quantity", FLOAT),
        Field("market_price", FLOAT),
        Field("market_value", FLOAT),
        Field("average_cost", FLOAT),
        Field("unrealized", FLOAT),
        Field("realized", FLOAT),
        Field("account", TEXT),
    ),
    Record(tell.AccountTime, _FORM_1, Field("time", TEXT)),
    Record(tell.AccountDownloadEnd, _FORM_1, Field("account", TEXT)),
    Record(
        tell.AccountUpdateMulti,
        _FORM_1,
        _REQ_ID,
        Field("account", TEXT),
        Field("model", TEXT),
        Field("key", TEXT),
        Field("value", TEXT),
        Field("currency", TEXT),
    ),
    Record(tell.AccountUpdateMultiEnd, _FORM_1, _REQ_ID),
    Record(
        tell.AccountSummary,
        _FORM_1,
        _REQ_ID,
        Field("account", TEXT),
        Field("tag", TEXT),
        Field("value", TEXT),
        Field("currency", TEXT),
    ),
    Record(tell.AccountSummaryEnd, _FORM_1, _REQ_ID),
    Record(tell.Pnl, _REQ_ID, Field("daily", FLOAT), Field("unrealized", FLOAT), Field("realized", FLOAT)),
    Record(
        tell.PnlSingle,
        _REQ_ID,
        Field("quantity", FLOAT),
        Field("daily", FLOAT),
        Field("unrealized", FLOAT),
        Field("realized", FLOAT),
        Field("value", FLOAT),
    ),
)
ORDERS = (
    OPEN_ORDER,
    Record(tell.OpenOrderEnd, _FORM_1),
    COMPLETED_ORDER,
    Record(tell.CompletedOrdersEnd),
    Record(
        tell.OrderStatus,
        Field("order_id", INT),
        Field("status", TEXT),
        Field("filled", FLOAT),
        Field("remaining", FLOAT),
        Field("average_price", FLOAT),
        Field("perm_id", INT),
        Field("parent_id", INT),
        Field("last_price", FLOAT),
        Field("client_id", INT),
        Field("why_held", TEXT),
        Field("cap_price", FLOAT),
    ),
    Record(
        tell.ExecDetails,
        _REQ_ID,
        Field("execution.order_id", INT),
        *told(),
        Field("execution.exec_id", TEXT),
        Field("execution.time", TEXT),
        Field("execution.account", TEXT),
        Field("execution.exchange", TEXT),
        Field("execution.side", TEXT),
        Field("execution.shares", FLOAT),
        Field("execution.price", FLOAT),
        Field("execution.perm_id", INT),
        Field("execution.client_id", INT),
        Field("execution.liquidation", INT),
        Field("execution.cum_quantity", FLOAT),
        Field("execution.avg_price", FLOAT),
        Field("execution.order_ref", TEXT),
        Field("execution.ev_rule", TEXT),
        Field("execution.ev_multiplier", zero_as("", FLOAT)),
        Field("execution.model_code", TEXT),
        Field("execution.liquidity", INT),
        Field("execution.pending_revision", FLAG, since=178),
    ),
    Record(tell.ExecDetailsEnd, _FORM_1, _REQ_ID),
    Record(
        tell.CommissionReport,
        _FORM_1,
        Field("exec_id", TEXT),
        Field("commission", FLOAT),
        Field("currency", TEXT),
        Field("realized", HUGE_FLOAT),
        Field("yield_", HUGE_FLOAT),
        Field("redemption_date", zero_as("")),
    ),
)
_BAR = Record(
    HistoricalBar,
    Field("date", TEXT),
    Field("open", FLOAT),
    Field("high", FLOAT),
    Field("low", FLOAT),
    Field("close", FLOAT),
    Field("volume", FLOAT),
    Field("average", FLOAT),
    Field("count", INT),
)
_DONE = Field("done", FLAG)
HISTORY = (
    Record(tell.HistoricalData, _REQ_ID, Field("start", TEXT), Field("end", TEXT), Field("bars", Counted(_BAR))),
    Record(
        tell.HistoricalUpdate,
        _REQ_ID,
        Field("bar.count", INT),
        Field("bar.date", TEXT),
        Field("bar.open", FLOAT),
        Field("bar.close", FLOAT),
        Field("bar.high", FLOAT),
        Field("bar.low", FLOAT),
        Field("bar.average", FLOAT),
        Field("bar.volume", FLOAT),
    ),
    Record(
        tell.RealTimeBar,
        revision("3"),
        _REQ_ID,
        Field("epoch_s", INT),
        Field("open", FLOAT),
        Field("high", FLOAT),
        Field("low", FLOAT),
        Field("close", FLOAT),
        Field("volume", FLOAT),
        Field("average", FLOAT),
        Field("count", INT),
    ),
    Record(tell.HeadTimestamp, _REQ_ID, Field("time", TEXT)),
    Record(tell.HistoricalTicks, _REQ_ID, Field("ticks", Counted(Row(INT, Hole("0"), FLOAT, FLOAT))), _DONE),
    Record(
        tell.HistoricalTicksBidAsk, _REQ_ID, Field("ticks", Counted(Row(INT, INT, FLOAT, FLOAT, FLOAT, FLOAT))), _DONE
    ),
    Record(tell.HistoricalTicksLast, _REQ_ID, Field("ticks", Counted(Row(INT, INT, FLOAT, FLOAT, TEXT, TEXT))), _DONE),
)
_LAST = Record(
    tell.TickByTickLast,
    _REQ_ID,
    _KIND,
    Field("epoch_s", INT),
    Field("price", FLOAT),
    Field("size", FLOAT),
    Field("attributes", INT),
    Field("exchange", TEXT),
    Field("conditions", TEXT),
)
_BID_ASK = Record(
    tell.TickByTickBidAsk,
    _REQ_ID,
    Said("kind", "3"),
    Field("epoch_s", INT),
    Field("bid", FLOAT),
    Field("ask", FLOAT),
    Field("bid_size", FLOAT),
    Field("ask_size", FLOAT),
    Field("attributes", INT),
)
_MID_POINT = Record(tell.TickByTickMidPoint, _REQ_ID, Said("kind", "4"), Field("epoch_s", INT), Field("price", FLOAT))
TICK_BY_TICK = {"1": _LAST, "2": _LAST, "3": _BID_ASK, "4": _MID_POINT}
"""The one message id with several structs: by the field after the request's id."""
REPLIES = (*SESSION, *TICKS, *CONTRACTS, *ACCOUNTS, *ORDERS, *HISTORY)
