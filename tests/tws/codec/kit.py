"""Messages by Hypothesis, made from the types of their fields, and what of them a version says.

What a message carries is said here a second time and by hand, from the protocol's tables and not from the layouts.
"""

from __future__ import annotations

import inspect
import math
import types
import typing
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
from hypothesis import strategies as st

from simulation.tws import replies, requests
from simulation.tws.replies import (
    CompletedOrder,
    ContractData,
    ErrorMessage,
    ExecDetails,
    OpenOrder,
    PortfolioValue,
    ServerMessage,
    SymbolSamples,
    TickByTickLast,
    TickOption,
)
from simulation.tws.requests import CancelOrder, ClientMessage, PlaceOrder, ReqContractDetails, UnknownRequest
from simulation.tws.terms import Contract, ContractDetails, Order, OrderState

GATES = (157, 158, 159, 160, 162, 163, 164, 166, 169, 170, 176, 177, 178)
"""Versions that change something."""
BASES = (ClientMessage, ServerMessage)


def kinds_of(module: types.ModuleType) -> list[type]:
    """The messages that a module defines, by their names."""
    found = [kind for _, kind in inspect.getmembers(module, inspect.isclass) if kind.__module__ == module.__name__]
    return [kind for kind in found if kind not in (*BASES, UnknownRequest)]


REQUESTS = kinds_of(requests)
REPLIES = kinds_of(replies)

INTS = st.integers(-(2**53), 2**53).filter(lambda value: value != 2147483647)
LARGEST = 1.7976931348623157e308
FLOATS = st.floats(allow_nan=False, allow_infinity=False).map(
    lambda value: 0.0 if abs(value) == LARGEST else value + 0.0
)
TEXTS = st.text(st.characters(exclude_characters="\0"), max_size=12)
PLAIN = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="\\"), max_size=12)
"""Text that no client library reads in another way than it was written."""
DIGITS = st.text("0123456789", min_size=1, max_size=6)


def _raw(*wanted: str) -> st.SearchStrategy[tuple[str, ...]]:
    """A group that is carried as it is: `#` a whole number, `.` a number, `?` a flag, `$` a text; or nothing."""
    by = {"#": DIGITS, ".": DIGITS, "?": st.sampled_from("01"), "$": PLAIN}
    return st.just(()) | st.tuples(*(by[each] for each in wanted))


CONDITIONS = st.sampled_from(
    [
        (("1", "a", "1", "99.5", "265598", "SMART", "2"),),
        (("3", "o", "0", "20261120 10:00:00"), ("4", "a", "1", "30")),
        (("5", "a", "STK", "SMART", "AAPL"),),
        (("6", "o", "1", "1000", "265598", "SMART"), ("7", "a", "0", "2.5", "265598", "SMART"), ("4", "o", "0", "5")),
    ]
)
"""Of every type. A choice of few, because what takes many draws is seldom drawn at the end of a large struct."""
ORDER_TYPES = st.sampled_from(
    ["LMT", "MKT", "STP LMT", "TRAIL", "PEG BENCH", "PEGBENCH", "PEG BEST", "PEGBEST", "PEG MID", "PEGMID"]
)
SPECIAL: Mapping[tuple[type, str], st.SearchStrategy[Any]] = {
    (Contract, "right"): st.sampled_from(["", "C", "P"]),
    (Contract, "sec_type"): st.sampled_from(["STK", "FUT", "OPT", "CASH", "IND", "BAG"]),
    (Contract, "exchange"): st.sampled_from(["SMART", "IBKRATS", ""]),
    (Contract, "expiry"): st.sampled_from(["", "20261218", "202612"]),
    (ContractDetails, "last_trade_time"): st.sampled_from(["", "10:30:00"]),
    (ContractDetails, "time_zone"): st.sampled_from(["", "US/Central", "Etc/GMT-5"]),
    (ContractDetails, "ev_multiplier"): st.integers(0, 9).map(float),
    (TickByTickLast, "kind"): st.sampled_from([1, 2]),
    (Order, "order_type"): ORDER_TYPES,
    (Order, "conditions"): CONDITIONS,
    (Order, "benchmark"): _raw("#", "?", ".", ".", "$"),
    (Order, "delta_neutral_rest"): _raw("#", "$", "$", "$", "$", "?", "#", "$"),
    (Order, "scale_rest"): _raw(".", "#", ".", "?", "#", "#", "?"),
    (Order, "compete_offset"): st.none() | FLOATS | st.just(math.inf),
}


@cache
def values(of: Any, text: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """What a type annotation allows, NUL in texts and the protocol's unset numbers excepted."""
    plain = {int: INTS, float: FLOATS, str: text, bool: st.booleans(), types.NoneType: st.none()}
    if of in plain:
        return plain[of]
    origin, of_what = typing.get_origin(of), typing.get_args(of)
    if origin is types.UnionType:
        return st.one_of(*(values(each, text) for each in of_what))
    if origin is tuple and of_what[-1] is Ellipsis:
        return st.lists(values(of_what[0], text), max_size=3).map(tuple)
    if origin is tuple:
        return st.tuples(*(values(each, text) for each in of_what))
    return structs(of, text)


@cache
def structs(kind: type, text: st.SearchStrategy[str] = TEXTS) -> st.SearchStrategy[Any]:
    """Any struct of a kind; about half of its optional fields are left as they are."""
    hints = typing.get_type_hints(kind)
    wanted = {}
    for field in msgspec.structs.fields(kind):
        chosen = SPECIAL.get((kind, field.name), values(hints[field.name], text))
        given = field.default is not msgspec.NODEFAULT
        wanted[field.name] = st.just(field.default) | chosen if given else chosen
    return st.builds(kind, **wanted)


def _since(order: Mapping[str, int]) -> Mapping[str, tuple[int, int]]:
    return {name: (first, 999) for name, first in order.items()}


ORDER_VERSIONS = {
    "fa_profile": (0, 176),
    **_since(
        {"duration": 158, "post_to_ats": 160, "auto_cancel_parent": 162, "error_override": 166, "manual_time": 169}
    ),
    **_since({"min_trade_quantity": 170, "min_compete_size": 170, "compete_offset": 170}),
    **_since({"mid_offset_whole": 170, "mid_offset_half": 170}),
}
# fmt: off
C11 = (
    "con_id", "symbol", "sec_type", "expiry", "strike", "right", "multiplier", "exchange", "currency", "local_symbol",
    "trading_class",
)
C12 = (*C11, "primary_exchange")
PLACED = ("basis_points", "basis_points_type", "order_id", "client_id", "perm_id")
"""What placing an order does not say; then openOrder and completedOrder."""
OPENED = (
    "transmit", "override_constraints", "scale_table", "active_start", "active_stop", "algo_id", "misc_options",
    "ext_operator", "mifid", "error_override", "manual_time",
)
COMPLETED = (
    *OPENED, "order_id", "client_id", "parent_id", "what_if", "block", "auction_strategy", "e_trade_only",
    "firm_quote_only", "nbbo_cap", "basis_points", "basis_points_type", "opt_out_smart", "adjusted_type",
    "trigger_price", "adjusted_stop", "adjusted_trail", "adjusted_stop_limit", "adjusted_trail_unit", "soft_tier",
    "discretionary_up_to_limit", "use_price_management", "duration", "post_to_ats",
)
# fmt: on


def only(struct: Any, kept: Any) -> Any:
    """A struct with nothing but the fields that are kept."""
    return type(struct)(**{name: getattr(struct, name) for name in kept})


def without(struct: Any, dropped: Any) -> Any:
    """A struct whose dropped fields are what they are from the start."""
    gone = set(dropped)
    return only(struct, [name for name in struct.__struct_fields__ if name not in gone])


def _asked_contract(message: Any) -> Contract:
    """What a request says of its contract."""
    kept = list(C12)
    name = type(message).__name__
    if name in ("ReqContractDetails", "ReqHistoricalData", "ReqHeadTimestamp", "ReqHistoricalTicks"):
        kept.append("include_expired")
    if name in ("ReqContractDetails", "PlaceOrder"):
        kept += ["sec_id_type", "sec_id"]
    if name == "ReqContractDetails":
        kept.append("issuer_id")
    if name in ("ReqMarketData", "PlaceOrder"):
        kept.append("delta_neutral")
    contract: Contract = message.contract
    if contract.sec_type == "BAG" and name in ("ReqMarketData", "ReqHistoricalData", "PlaceOrder"):
        kept.append("legs")
        if name != "PlaceOrder":
            short = tuple(only(leg, ("con_id", "ratio", "action", "exchange")) for leg in contract.legs)
            contract = msgspec.structs.replace(contract, legs=short)
    said: Contract = only(contract, kept)
    return said


def _hinged(order: Order) -> list[str]:
    """What an order of this kind does not say in any direction."""
    return [
        *([] if order.hedge_type else ["hedge_param"]),
        *([] if order.algo_strategy else ["algo_params"]),
        *([] if order.scale_increment is not None and order.scale_increment > 0 else ["scale_rest"]),
        *([] if order.order_type in ("PEG BENCH", "PEGBENCH") else ["benchmark"]),
        *([] if order.conditions else ["conditions_ignore_rth", "conditions_cancel"]),
    ]


def _in_version(order: Order, version: int) -> list[str]:
    return [name for name, (first, last) in ORDER_VERSIONS.items() if not first <= version <= last]


def _placed(message: PlaceOrder, version: int) -> PlaceOrder:
    order = message.order
    dropped = [*PLACED, *_hinged(order), *_in_version(order, version)]
    dropped += [] if order.delta_neutral_type else ["delta_neutral_rest"]
    dropped += [] if message.contract.sec_type == "BAG" else ["combo_prices", "combo_params"]
    dropped += [] if message.contract.exchange == "IBKRATS" else ["min_trade_quantity"]
    best, mid = order.order_type in ("PEG BEST", "PEGBEST"), order.order_type in ("PEG MID", "PEGMID")
    dropped += [] if best else ["min_compete_size", "compete_offset"]
    dropped += [] if mid or (best and order.compete_offset == math.inf) else ["mid_offset_whole", "mid_offset_half"]
    order = without(order, dropped)
    order = msgspec.structs.replace(order, soft_tier=(*order.soft_tier[:2], ""))
    return msgspec.structs.replace(message, contract=_asked_contract(message), order=order)


ZERO_IS_NOTHING = ("limit", "aux", "cash_quantity", "volatility_type", "reference_price_type")


def _told(message: Any, version: int, dropped: Sequence[str]) -> dict[str, Any]:
    """Contract and order as openOrder and completedOrder say them."""
    order = without(message.order, [*dropped, *_hinged(message.order), *_in_version(message.order, version)])
    order = msgspec.structs.replace(order, **{name: getattr(order, name) or None for name in ZERO_IS_NOTHING})
    contract = only(message.contract, [*C11, "legs", "legs_description", "delta_neutral"])
    return {"order": order, "contract": contract}


def _completed(message: CompletedOrder, version: int) -> CompletedOrder:
    said = _told(message, version, COMPLETED)
    order = said["order"]
    if version < 162:
        order = msgspec.structs.replace(order, auto_cancel_parent=message.order.auto_cancel_parent)
    if order.delta_neutral_rest:
        con_id, *_, sale, slot, place = order.delta_neutral_rest
        rest = (con_id, "", "", "", "?", sale, slot, place)
        nothing = rest == ("0", "", "", "", "?", "0", "0", "")
        order = msgspec.structs.replace(order, delta_neutral_rest=() if nothing else rest)
    state = only(message.state, ("status", "completed_time", "completed_status"))
    return msgspec.structs.replace(message, contract=said["contract"], order=order, state=state)


def _details(message: ContractData, version: int) -> ContractData:
    dropped = {163: ["min_size", "size_increment"]}.get(version, [])
    if version < 163:
        dropped = ["min_size", "size_increment", "suggested_size_increment"]
    contract = only(message.details.contract, C12)
    details = without(msgspec.structs.replace(message.details, contract=contract), dropped)
    return msgspec.structs.replace(message, details=details)


def _sampled(message: SymbolSamples, version: int) -> SymbolSamples:
    kept = ["con_id", "symbol", "sec_type", "primary_exchange", "currency"]
    kept += ["description", "issuer_id"] if version >= 176 else []
    return msgspec.structs.replace(message, found=tuple((only(c, kept), kinds) for c, kinds in message.found))


def _uncomputed(message: TickOption) -> TickOption:
    below = dict.fromkeys(("implied_vol", "price", "pv_dividend", "under_price"), -1.0)
    below |= dict.fromkeys(("delta", "gamma", "vega", "theta"), -2.0)
    gone = {name: None for name, none in below.items() if getattr(message, name) == none}
    return msgspec.structs.replace(message, **gone)


def as_said(message: Any, version: int) -> Any:
    """A message without what its version, its kind or its own values leave unsaid."""
    replace = msgspec.structs.replace
    match message:
        case PlaceOrder():
            return _placed(message, version)
        case OpenOrder():
            state: OrderState = without(message.state, ("completed_time", "completed_status"))
            return replace(message, **_told(message, version, OPENED), state=state)
        case CompletedOrder():
            return _completed(message, version)
        case ContractData():
            return _details(message, version)
        case SymbolSamples():
            return _sampled(message, version)
        case TickOption():
            return _uncomputed(message)
        case ExecDetails():
            execution = message.execution if version >= 178 else without(message.execution, ["pending_revision"])
            return replace(message, contract=only(message.contract, C11), execution=execution)
        case PortfolioValue():
            kept = [name for name in C12 if name != "exchange"]
            return replace(message, contract=only(message.contract, kept))
        case ErrorMessage():
            return message if version >= 166 else without(message, ["reject_json"])
        case CancelOrder():
            return message if version >= 169 else without(message, ["manual_time"])
        case ReqContractDetails() if version < 176:
            return replace(message, contract=without(_asked_contract(message), ["issuer_id"]))
        case ClientMessage() if hasattr(message, "contract"):
            return replace(message, contract=_asked_contract(message))
        case ServerMessage() if hasattr(message, "contract"):
            return replace(message, contract=only(message.contract, C11))
    return message
