"""What is wrong with an order before anybody looks at the account: the first reason in this order is the one given."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from model.instruments import Kind
from model.units import Px, Qty, px, qty
from simulation.tws.broker.codes import Code, Refusal, refusal
from simulation.tws.broker.listing import Line, Lines, decimal, quantity_in
from simulation.tws.broker.rules import BrokerRules, Permissions
from simulation.tws.broker.zone import Zone
from simulation.tws.terms import Contract, Order

ACTIONS = {"BUY": 1, "SELL": -1}

TIFS = frozenset({"DAY", "GTC", "IOC", "FOK", "GTD", "OPG", "AUC"})
CONTINUOUS_TIFS = TIFS - {"AUC"}
SESSION_TIFS = frozenset({"DAY", "GTC", "GTD"})

TYPES: dict[str, frozenset[str]] = {
    "MKT": CONTINUOUS_TIFS,
    "LMT": CONTINUOUS_TIFS,
    "STP": SESSION_TIFS,
    "STP LMT": SESSION_TIFS,
    "TRAIL": SESSION_TIFS,
    "MOC": frozenset({"DAY"}),
    "LOC": frozenset({"DAY"}),
    "MOO": frozenset({"DAY", "OPG"}),
    "LOO": frozenset({"DAY", "OPG"}),
    "MTL": frozenset({"DAY", "AUC"}),
}
"""Order types, and the times in force that each goes with (113 otherwise)."""

SUPPORT = {"STP LMT": "STPLMT", "MOO": "OPG", "LOO": "OPG"}
"""What a contract's list of order types calls those that it calls otherwise."""

LIMITED = frozenset({"LMT", "STP LMT", "LOC", "LOO"})
STOPS = frozenset({"STP", "STP LMT", "TRAIL"})
ADAPTIVE = frozenset({"Urgent", "Normal", "Patient"})
TRIGGERS = frozenset({0, 2, 4, 7, 8})

UNACTED = (
    "conditions", "duration", "hedge_type", "scale_increment", "volatility", "delta_neutral_type", "adjusted_type",
    "min_quantity", "percent_offset", "nbbo_cap", "benchmark", "fa_group", "fa_method", "fa_percentage", "model_code",
    "discretionary", "hidden", "sweep", "block", "stock_range_lower", "stock_range_upper", "starting_price",
    "cash_quantity", "active_start", "active_stop", "randomize_size", "randomize_price", "scale_init_size",
)  # fmt: skip
"""Attributes that this broker does not act on: an order that has one is refused (321), never taken without it."""


class Reading(msgspec.Struct, frozen=True):
    """An order as exact numbers. limit and stop are None where the type has none."""

    side: int
    quantity: Qty
    limit: Px | None
    stop: Px | None
    good_till_ns: int
    good_after_ns: int


class Intake:
    """Reads orders. A Reading means that nothing is wrong with the order itself."""

    def __init__(
        self,
        lines: Lines,
        mark: Callable[[Line], Px | None],
        rules: BrokerRules,
        permissions: Permissions,
        zone: Zone,
        accounts: set[str],
    ) -> None:
        self._lines, self._mark, self._zone = lines, mark, zone
        self._rules, self._permissions = rules, permissions
        self._accounts = accounts

    def read(self, contract: Contract, order: Order, now_ns: int) -> Reading | Refusal:
        checks: tuple[Callable[[], Refusal | None], ...] = (
            lambda: self._allowed(contract, order),
            lambda: _understood(order),
            lambda: self._fits(contract, order),
            lambda: _possible(contract, order),
        )
        for check in checks:
            wrong = check()
            if wrong is not None:
                return wrong
        try:
            reading = self._numbers(contract, order)
        except ValueError as error:
            return refusal(Code.INVALID, reason=str(error))
        return self._priced(contract, order, reading, now_ns) or reading

    def legs(self, contract: Contract) -> list[Line] | None:
        """The contracts of a combo's legs; None when one of them is unknown or there are none."""
        found = [self._lines.get(leg.con_id) for leg in contract.legs]
        known = [line for line in found if line is not None]
        return known if known and len(known) == len(found) else None

    def _allowed(self, contract: Contract, order: Order) -> Refusal | None:
        may = self._permissions
        if may.read_only:
            return refusal(Code.INVALID, reason="the API is in read-only mode")
        if order.account and order.account not in self._accounts:
            return refusal(Code.INVALID, reason=f"account {order.account} is not known here")
        if not order.account and len(self._accounts) > 1:
            return refusal(Code.INVALID, reason="the order names no account, and there are several")
        if any(leg.ratio <= 0 or leg.action not in ACTIONS for leg in contract.legs):
            return refusal(Code.INVALID, reason="a leg needs an action and a positive ratio")
        lines = self.legs(contract) if contract.sec_type == "BAG" else self._one(contract)
        if lines is None:
            return refusal(Code.NO_CONTRACT)
        for line in lines:
            if line.instrument.kind is Kind.INDEX or not line.instrument.tradeable:
                return refusal(Code.INDEX)
            if line.con_id in may.closed or (may.sec_types is not None and line.contract.sec_type not in may.sec_types):
                return refusal(Code.NOT_ALLOWED)
        return None

    def _one(self, contract: Contract) -> list[Line] | None:
        line = self._lines.get(contract.con_id)
        return None if line is None else [line]

    def _fits(self, contract: Contract, order: Order) -> Refusal | None:
        """Whether the type and the time in force go with each other and with the contract."""
        tif = order.tif or "DAY"
        if tif not in TYPES[order.order_type]:
            return refusal(Code.TIF_AND_TYPE)
        if contract.sec_type == "BAG":
            supported = order.order_type in ("LMT", "MKT")
            return None if supported and tif in SESSION_TIFS | {"IOC"} else refusal(Code.NOT_SUPPORTED)
        if contract.sec_type == "OPT" and (order.order_type in ("MOC", "LOC") or tif in ("OPG", "AUC")):
            return refusal(Code.TIF_AND_KIND)
        line = self._lines.get(contract.con_id)
        known = set(line.details.order_types.split(",")) - {""} if line is not None else set()
        needed = {SUPPORT.get(order.order_type, order.order_type), *({tif} & {"OPG", "AUC"})}
        needed |= {"ALGO"} if order.algo_strategy else set()
        return refusal(Code.NOT_SUPPORTED) if known and needed - known else None

    def _numbers(self, contract: Contract, order: Order) -> Reading:
        """Exact numbers. Raises ValueError for what is none, or is missing."""
        line = self._lines.get(contract.con_id)
        exact: Callable[[float], Px] = line.price_in if line is not None else combo_price
        limit = stop = None
        if order.order_type in LIMITED:
            if order.limit is None:
                raise ValueError("the order type needs a limit price")
            limit = exact(order.limit)
        if order.order_type in ("STP", "STP LMT"):
            if not order.aux:
                raise ValueError("the order type needs a stop price")
            stop = exact(order.aux)
        if order.order_type == "TRAIL":
            if not order.aux and not order.trail_percent:
                raise ValueError("a trailing stop needs an amount or a percentage")
            if exact(order.aux or 0.0) < 0 or exact(order.trail_percent or 0.0) < 0:
                raise ValueError("a trailing stop follows at a positive distance")
            stop = None if order.trail_stop is None else exact(order.trail_stop)
        till = self._zone.parse(order.good_till) if (order.tif == "GTD") else 0
        after = self._zone.parse(order.good_after) if order.good_after else 0
        quantity = quantity_in(order.quantity)
        if quantity <= 0:
            raise ValueError("the quantity must be positive")
        if line is not None and not line.instrument.on_lot(quantity):
            raise ValueError("the quantity is not a multiple of the size increment")
        return Reading(ACTIONS[order.action], quantity, limit, stop, till, after)

    def _priced(self, contract: Contract, order: Order, reading: Reading, now_ns: int) -> Refusal | None:
        """Precautions and ticks."""
        if order.tif == "GTD" and reading.good_till_ns <= now_ns:
            return refusal(Code.INVALID, reason="the good-till date is in the past")
        if self._rules.most_quantity and reading.quantity > qty(self._rules.most_quantity):
            return refusal(Code.TOO_LARGE)
        line = self._lines.get(contract.con_id)
        if line is None:
            return None
        prices = [price for price in (reading.limit, reading.stop) if price is not None]
        if any(not line.on_tick(price) for price in prices):
            return refusal(Code.OFF_TICK)
        if line.contract.sec_type == "STK" and any(price <= 0 for price in prices):
            return refusal(Code.INVALID, reason="a price must be positive")
        mark = self._mark(line)
        if self._rules.far_bps and mark and reading.limit is not None:
            beyond = (reading.limit - mark) * reading.side
            if beyond * 10_000 > abs(mark) * self._rules.far_bps:
                return refusal(Code.TOO_FAR)
        return None


def combo_price(value: float) -> Px:
    """A combo's net price, per unit of the combo. Raises ValueError when it is none."""
    return px(decimal(value))


def _understood(order: Order) -> Refusal | None:
    """Whether every attribute is one that the broker knows and acts on."""
    if order.action not in ACTIONS:
        return refusal(Code.INVALID, reason=f"action {order.action!r} is not known")
    if order.order_type not in TYPES:
        return refusal(Code.INVALID, reason=f"order type {order.order_type!r} is not known")
    if (order.tif or "DAY") not in TIFS:
        return refusal(Code.INVALID, reason=f"time in force {order.tif!r} is not known")
    if order.e_trade_only:
        return refusal(Code.ETRADE_ONLY)
    if order.firm_quote_only:
        return refusal(Code.FIRM_QUOTE_ONLY)
    for name in UNACTED:
        if getattr(order, name):
            return refusal(Code.INVALID, reason=f"{name} is not simulated")
    if order.trigger_method not in TRIGGERS:
        return refusal(Code.INVALID, reason=f"trigger method {order.trigger_method} is not simulated")
    if order.algo_strategy not in ("", "Adaptive"):
        return refusal(Code.INVALID, reason=f"algorithm {order.algo_strategy!r} is not simulated")
    return None


def _possible(contract: Contract, order: Order) -> Refusal | None:
    """Combinations that cannot be."""
    tif = order.tif or "DAY"
    problems: Sequence[tuple[bool, str]] = (
        (order.all_or_none and tif in ("IOC", "FOK", "OPG", "AUC"), f"all-or-none and {tif}"),
        (order.all_or_none and order.order_type not in ("LMT", "MKT"), f"all-or-none and {order.order_type}"),
        (order.all_or_none and contract.sec_type == "BAG", "all-or-none and a combo"),
        (bool(order.display_size) and order.order_type == "MKT", "display size and MKT"),
        (bool(order.oca_group) and tif in ("IOC", "FOK"), f"an OCA group and {tif}"),
        (order.oca_type not in (0, 1, 2, 3), f"OCA type {order.oca_type}"),
        (tif != "GTD" and bool(order.good_till), f"a good-till date and {tif}"),
    )
    for wrong, text in problems:
        if wrong:
            return refusal(Code.IMPOSSIBLE, reason=text)
    if order.algo_strategy == "Adaptive":
        priority = dict(order.algo_params).get("adaptivePriority", "Normal")
        if priority not in ADAPTIVE:
            return refusal(Code.INVALID, reason=f"adaptivePriority {priority!r} is not known")
        if order.order_type not in ("LMT", "MKT") or tif != "DAY" or contract.exchange not in ("SMART", ""):
            return refusal(Code.IMPOSSIBLE, reason="Adaptive goes with LMT or MKT, DAY and SMART only")
    return None
