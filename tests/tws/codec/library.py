"""ib_async from outside: the bytes that its client writes, and what its decoder hears in ours."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC
from typing import Any

from ib_async import Client, Contract, Order
from ib_async.decoder import Decoder

from simulation.tws import terms
from simulation.tws.codec import Framer, encode_reply, fields_of
from simulation.tws.replies import ServerMessage

UNSET_FLOAT, UNSET_INT = 1.7976931348623157e308, 2147483647
CONTRACT_NAMES = {
    "con_id": "conId", "symbol": "symbol", "sec_type": "secType", "expiry": "lastTradeDateOrContractMonth",
    "strike": "strike", "right": "right", "multiplier": "multiplier", "exchange": "exchange",
    "primary_exchange": "primaryExchange", "currency": "currency", "local_symbol": "localSymbol",
    "trading_class": "tradingClass", "include_expired": "includeExpired", "sec_id_type": "secIdType", "sec_id": "secId",
    "issuer_id": "issuerId", "legs_description": "comboLegsDescrip", "description": "description",
}  # fmt: skip
ORDER_NAMES = {
    "order_id": "orderId", "client_id": "clientId", "perm_id": "permId", "parent_id": "parentId", "action": "action",
    "quantity": "totalQuantity", "order_type": "orderType", "limit": "lmtPrice", "aux": "auxPrice", "tif": "tif",
    "oca_group": "ocaGroup", "oca_type": "ocaType", "account": "account", "order_ref": "orderRef",
    "transmit": "transmit", "outside_rth": "outsideRth", "good_after": "goodAfterTime", "good_till": "goodTillDate",
    "trail_stop": "trailStopPrice", "trail_percent": "trailingPercent", "all_or_none": "allOrNone",
    "display_size": "displaySize", "algo_strategy": "algoStrategy", "what_if": "whatIf", "cash_quantity": "cashQty",
    "auto_cancel_parent": "autoCancelParent", "duration": "duration", "open_close": "openClose", "origin": "origin",
    "block": "blockOrder", "sweep": "sweepToFill", "trigger_method": "triggerMethod", "hidden": "hidden",
    "discretionary": "discretionaryAmt", "fa_group": "faGroup", "fa_method": "faMethod",
    "fa_percentage": "faPercentage", "fa_profile": "faProfile", "model_code": "modelCode",
    "short_sale_slot": "shortSaleSlot", "designated_location": "designatedLocation", "exempt_code": "exemptCode",
    "rule_80a": "rule80A", "settling_firm": "settlingFirm", "min_quantity": "minQty",
    "percent_offset": "percentOffset", "e_trade_only": "eTradeOnly", "firm_quote_only": "firmQuoteOnly",
    "nbbo_cap": "nbboPriceCap", "auction_strategy": "auctionStrategy", "starting_price": "startingPrice",
    "stock_ref_price": "stockRefPrice", "delta": "delta", "stock_range_lower": "stockRangeLower",
    "stock_range_upper": "stockRangeUpper", "override_constraints": "overridePercentageConstraints",
    "volatility": "volatility", "volatility_type": "volatilityType", "delta_neutral_type": "deltaNeutralOrderType",
    "delta_neutral_aux": "deltaNeutralAuxPrice", "continuous_update": "continuousUpdate",
    "reference_price_type": "referencePriceType", "basis_points": "basisPoints",
    "basis_points_type": "basisPointsType", "scale_init_size": "scaleInitLevelSize",
    "scale_next_size": "scaleSubsLevelSize", "scale_increment": "scalePriceIncrement", "scale_table": "scaleTable",
    "active_start": "activeStartTime", "active_stop": "activeStopTime", "hedge_type": "hedgeType",
    "hedge_param": "hedgeParam", "opt_out_smart": "optOutSmartRouting", "clearing_account": "clearingAccount",
    "clearing_intent": "clearingIntent", "not_held": "notHeld", "algo_id": "algoId", "solicited": "solicited",
    "randomize_size": "randomizeSize", "randomize_price": "randomizePrice", "conditions_ignore_rth":
    "conditionsIgnoreRth", "conditions_cancel": "conditionsCancelOrder", "adjusted_type": "adjustedOrderType",
    "trigger_price": "triggerPrice", "limit_offset": "lmtPriceOffset", "adjusted_stop": "adjustedStopPrice",
    "adjusted_stop_limit": "adjustedStopLimitPrice", "adjusted_trail": "adjustedTrailingAmount",
    "adjusted_trail_unit": "adjustableTrailingUnit", "ext_operator": "extOperator",
    "no_auto_price_for_hedge": "dontUseAutoPriceForHedge", "is_oms": "isOmsContainer",
    "discretionary_up_to_limit": "discretionaryUpToLimitPrice", "use_price_management": "usePriceMgmtAlgo",
    "post_to_ats": "postToAts", "error_override": "advancedErrorOverride", "manual_time": "manualOrderTime",
    "min_trade_quantity": "minTradeQty", "min_compete_size": "minCompeteSize",
    "compete_offset": "competeAgainstBestOffset", "mid_offset_whole": "midOffsetAtWhole",
    "mid_offset_half": "midOffsetAtHalf",
}  # fmt: skip
STATE_NAMES = {
    "status": "status", "init_before": "initMarginBefore", "maint_before": "maintMarginBefore",
    "equity_before": "equityWithLoanBefore", "init_change": "initMarginChange", "maint_change": "maintMarginChange",
    "equity_change": "equityWithLoanChange", "init_after": "initMarginAfter", "maint_after": "maintMarginAfter",
    "equity_after": "equityWithLoanAfter", "commission": "commission", "min_commission": "minCommission",
    "max_commission": "maxCommission", "commission_currency": "commissionCurrency", "warning": "warningText",
    "completed_time": "completedTime", "completed_status": "completedStatus",
}  # fmt: skip
BENCHMARK = (
    "referenceContractId", "isPeggedChangeAmountDecrease", "peggedChangeAmount", "referenceChangeAmount",
    "referenceExchangeId",
)  # fmt: skip
SCALE_REST = (
    "scalePriceAdjustValue", "scalePriceAdjustInterval", "scaleProfitOffset", "scaleAutoReset", "scaleInitPosition",
    "scaleInitFillQty", "scaleRandomPercent",
)  # fmt: skip
NEUTRAL_REST = (
    "deltaNeutralConId", "deltaNeutralSettlingFirm", "deltaNeutralClearingAccount", "deltaNeutralClearingIntent",
    "deltaNeutralOpenClose", "deltaNeutralShortSale", "deltaNeutralShortSaleSlot", "deltaNeutralDesignatedLocation",
)  # fmt: skip


def written(version: int, say: Callable[[Client], None]) -> list[list[str]]:
    """The fields of every frame that the library's client writes to a gateway of a version."""
    client = Client(wrapper=None)
    client.MaxRequests = 0
    client.connState, client._serverVersion = Client.CONNECTED, version
    sent = bytearray()
    client.conn.sendMsg = sent.extend
    say(client)
    return [fields_of(payload) for payload in Framer().feed(bytes(sent))]


class Recorder:
    """In the place of the library's wrapper: keeps every call."""

    defaultTimezone = UTC  # noqa: N815 - the library's name

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Any:
        if name == "ib":
            raise AttributeError(name)
        return lambda *args: self.calls.append((name, args))


class _Complaints(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record.getMessage())


def heard(message: ServerMessage, version: int) -> list[tuple[str, tuple[Any, ...]]]:
    """What the library's decoder calls when it reads our frame; its complaints, which it only logs, are errors here."""
    recorder, complaints = Recorder(), _Complaints()
    decoder = Decoder(recorder, version)
    decoder.logger = logging.Logger("complaints")
    decoder.logger.addHandler(complaints)
    decoder.interpret(fields_of(encode_reply(message, version)))
    assert complaints.records == []
    return recorder.calls


def contract_of(ours: terms.Contract) -> dict[str, Any]:
    """What the library should have in a contract, by its names."""
    return {theirs: getattr(ours, name) for name, theirs in CONTRACT_NAMES.items() if hasattr(Contract(), theirs)}


def unset(value: Any, theirs: Any) -> Any:
    """Our None as the library spells it in a field that begins as `theirs`."""
    if value is not None:
        return value
    return UNSET_INT if type(theirs) is int else UNSET_FLOAT


def order_of(ours: terms.Order) -> dict[str, Any]:
    """What the library should have in an order, by its names."""
    plain = Order()
    return {theirs: unset(getattr(ours, name), getattr(plain, theirs)) for name, theirs in ORDER_NAMES.items()}
