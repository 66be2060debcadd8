"""The layouts of openOrder and completedOrder, with the spellings that recorded gateways use for what is not set."""

from __future__ import annotations

from simulation.tws.codec.contracts import DELTA_NEUTRAL, RIGHT_UNKNOWN, told
from simulation.tws.codec.kinds import (
    BLANK_FLOAT,
    BLANK_INT,
    FLAG,
    FLOAT,
    HUGE_FLOAT,
    HUGE_INT,
    INT,
    TEXT,
    UNSET_INT,
    UNSET_LONG,
    ZERO_FLOAT,
    ZERO_INT,
    number_text,
    zero_as,
)
from simulation.tws.codec.layout import Field, Part, Record, Row, Said
from simulation.tws.codec.order_fields import (
    NONE_TYPE,
    algorithm,
    allocation,
    always,
    benchmark,
    conditions,
    hedge,
    hidden_and_after,
    legs,
    neutral,
    pegged_tail,
    randomised,
    references,
    scale,
    short_sale,
    trail,
    volatility,
)
from simulation.tws.replies import CompletedOrder, OpenOrder


def _allocated(message: OpenOrder) -> str:
    """What an old field says of permId, account and quantity; clients pass over it."""
    order = message.order
    return f"{order.perm_id}.0/{TEXT.to_text(order.account)}/{number_text(order.quantity)}"


_ASKED: tuple[Field, ...] = (
    *told(right=RIGHT_UNKNOWN),
    Field("order.action", TEXT),
    Field("order.quantity", FLOAT),
    Field("order.order_type", TEXT),
    Field("order.limit", ZERO_FLOAT),
    Field("order.aux", ZERO_FLOAT),
    Field("order.tif", TEXT),
    Field("order.oca_group", TEXT),
    Field("order.account", TEXT),
    Field("order.open_close", TEXT),
    Field("order.origin", INT),
    Field("order.order_ref", TEXT),
)
_UNTIL: tuple[Field, ...] = (
    Field("order.good_till", TEXT),
    Field("order.rule_80a", TEXT),
    Field("order.percent_offset", BLANK_FLOAT),
    Field("order.settling_firm", TEXT),
    *short_sale(),
)
_DISPLAY = Field("order.display_size", zero_as(UNSET_INT))
_NEUTRAL = (Field("order.delta_neutral_type", NONE_TYPE), Field("order.delta_neutral_aux", BLANK_FLOAT))
_UPDATE: tuple[Field, ...] = (
    Field("order.continuous_update", FLAG),
    Field("order.reference_price_type", ZERO_INT),
    *trail(BLANK_FLOAT),
)
_COMBO: tuple[Part, ...] = (Field("contract.legs_description", TEXT), *legs(), *scale(HUGE_INT), *hedge())
_CLEARING: tuple[Part, ...] = (
    Field("order.clearing_account", TEXT),
    Field("order.clearing_intent", TEXT),
    Field("order.not_held", FLAG),
    Field("contract.delta_neutral", DELTA_NEUTRAL),
    *algorithm(),
    Field("order.solicited", FLAG),
)
_CASH: tuple[Field, ...] = (
    Field("order.cash_quantity", ZERO_FLOAT),
    Field("order.no_auto_price_for_hedge", FLAG),
    Field("order.is_oms", FLAG),
)
_MARGIN: tuple[Field, ...] = (
    Field("state.init_before", HUGE_FLOAT),
    Field("state.maint_before", HUGE_FLOAT),
    Field("state.equity_before", HUGE_FLOAT),
    Field("state.init_change", HUGE_FLOAT),
    Field("state.maint_change", HUGE_FLOAT),
    Field("state.equity_change", HUGE_FLOAT),
    Field("state.init_after", HUGE_FLOAT),
    Field("state.maint_after", HUGE_FLOAT),
    Field("state.equity_after", HUGE_FLOAT),
    Field("state.commission", BLANK_FLOAT),
    Field("state.min_commission", BLANK_FLOAT),
    Field("state.max_commission", BLANK_FLOAT),
    Field("state.commission_currency", TEXT),
    Field("state.warning", TEXT),
)
_ADJUSTED: tuple[Field, ...] = (
    Field("order.adjusted_type", NONE_TYPE),
    Field("order.trigger_price", HUGE_FLOAT),
    Field("order.trail_stop", HUGE_FLOAT),
    Field("order.limit_offset", HUGE_FLOAT),
    Field("order.adjusted_stop", HUGE_FLOAT),
    Field("order.adjusted_stop_limit", HUGE_FLOAT),
    Field("order.adjusted_trail", HUGE_FLOAT),
    Field("order.adjusted_trail_unit", INT),
    Field("order.soft_tier", Row(TEXT, TEXT, TEXT)),
)

OPEN_ORDER = Record(
    OpenOrder,
    Field("order.order_id", INT),
    *_ASKED,
    Field("order.client_id", INT),
    Field("order.perm_id", INT),
    *hidden_and_after(),
    Said("shares allocation", _allocated),
    *allocation(),
    *_UNTIL,
    Field("order.auction_strategy", INT),
    *references(),
    _DISPLAY,
    Field("order.block", FLAG),
    Field("order.sweep", FLAG),
    Field("order.all_or_none", FLAG),
    Field("order.min_quantity", BLANK_INT),
    Field("order.oca_type", INT),
    Field("order.e_trade_only", FLAG),
    Field("order.firm_quote_only", FLAG),
    Field("order.nbbo_cap", BLANK_FLOAT),
    Field("order.parent_id", INT),
    Field("order.trigger_method", INT),
    *volatility(ZERO_INT),
    *_NEUTRAL,
    neutral(always),
    *_UPDATE,
    Field("order.basis_points", BLANK_FLOAT),
    Field("order.basis_points_type", BLANK_INT),
    *_COMBO,
    Field("order.opt_out_smart", FLAG),
    *_CLEARING,
    Field("order.what_if", FLAG),
    Field("state.status", TEXT),
    *_MARGIN,
    *randomised(),
    benchmark(),
    *conditions(),
    *_ADJUSTED,
    *_CASH,
    Field("order.discretionary_up_to_limit", FLAG),
    Field("order.use_price_management", FLAG),
    Field("order.duration", BLANK_INT, since=158),
    Field("order.post_to_ats", BLANK_INT, since=160),
    Field("order.auto_cancel_parent", FLAG, since=162),
    *pegged_tail(),
)

COMPLETED_ORDER = Record(
    CompletedOrder,
    *_ASKED,
    Field("order.perm_id", INT),
    *hidden_and_after(),
    *allocation(),
    *_UNTIL,
    *references(),
    _DISPLAY,
    Field("order.sweep", FLAG),
    Field("order.all_or_none", FLAG),
    Field("order.min_quantity", BLANK_INT),
    Field("order.oca_type", INT),
    Field("order.trigger_method", INT),
    *volatility(ZERO_INT),
    *_NEUTRAL,
    neutral(always, said=(0, 5, 6, 7)),
    *_UPDATE,
    *_COMBO,
    *_CLEARING,
    Field("state.status", TEXT),
    *randomised(),
    benchmark(),
    *conditions(),
    Field("order.trail_stop", HUGE_FLOAT),
    Field("order.limit_offset", HUGE_FLOAT),
    *_CASH,
    Said("automatic cancel date", ""),
    Field("filled_quantity", BLANK_FLOAT),
    Said("reference future", UNSET_INT),
    Field("order.auto_cancel_parent", FLAG),
    Said("shareholder", ""),
    Said("imbalance only", "0"),
    Said("route to best bid or offer", "0"),
    Field("parent_perm_id", zero_as(UNSET_LONG)),
    Field("state.completed_time", TEXT),
    Field("state.completed_status", TEXT),
    *pegged_tail(),
)
