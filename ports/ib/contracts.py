"""Which contract of the broker an instrument is: asked once a day, checked, and pinned by its conId."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from model.combos import ComboLeg, legs_of, name_of
from model.instruments import Instrument, Kind, contract_id
from model.orders import Side
from model.units import Px
from ports.ib.errors import NotPinned
from ports.ib.heard import ContractSeen
from ports.ib.wire_numbers import px_in

SMART = "SMART"
SEC_TYPES: dict[Kind, str] = {
    Kind.ETF: "STK", Kind.STOCK: "STK", Kind.FUTURE: "FUT", Kind.FX_SPOT: "CASH", Kind.OPTION: "OPT", Kind.INDEX: "IND",
}  # fmt: skip
CLASSES: dict[tuple[str, str], str] = {
    ("CFE", "VIX"): "VX", ("CFE", "VXM"): "VXM", ("CME", "EUR"): "6E", ("CME", "GBP"): "6B", ("CME", "JPY"): "6J",
    ("CME", "AUD"): "6A", ("CME", "CAD"): "6C", ("CME", "CHF"): "6S", ("CME", "NZD"): "6N", ("EUREX", "V2TX"): "FVS",
    ("EUREX", "ESTX50"): "FESX", ("EUREX", "GBL"): "FGBL", ("EUREX", "OAT"): "FOAT", ("EUREX", "BTP"): "FBTP",
    ("EUREX", "SX7E"): "FESB", ("MONEP", "CAC40"): "FCE",
}  # fmt: skip
"""(exchange, symbol) -> trading class where the symbol alone names more than one series."""


BAG = "BAG"
OF_A_COMBO = frozenset({"LMT", "MKT", "IOC", "GTC", "GTD"})
"""What a combo takes: no exchange has an auction of them."""


class QueryLeg(msgspec.Struct, frozen=True):
    """One leg of a combo as an order names it. action: when the combo is bought."""

    con_id: int
    ratio: int
    action: str
    exchange: str


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """How a contract is asked for and named in an order. Field names are the protocol's, in our spelling."""

    con_id: int = 0
    symbol: str = ""
    sec_type: str = ""
    expiry: str = ""
    strike: float = 0.0
    right: str = ""
    multiplier: str = ""
    exchange: str = ""
    primary_exchange: str = ""
    currency: str = ""
    local_symbol: str = ""
    trading_class: str = ""
    legs: tuple[QueryLeg, ...] = ()


class Step(msgspec.Struct, frozen=True):
    """From `from_px` on, prices are multiples of `tick`; both in the main unit."""

    from_px: Px
    tick: Px


class Pin(msgspec.Struct, frozen=True, kw_only=True):
    """One instrument's contract.

    magnifier: the gateway's price over ours.  steps: the market rule of its route.  order_types: what the line takes.
    blocked: why nothing may be sent for it, empty when all checks passed.
    """

    instrument: str
    query: Query
    magnifier: int = 1
    steps: tuple[Step, ...] = ()
    order_types: frozenset[str] = frozenset()
    blocked: str = ""

    def to_tick(self, price: Px, side: Side) -> Px:
        """The nearest valid price that is no worse for us: down for a buy, up for a sale."""
        tick = 1
        for step in self.steps:
            if abs(price) >= step.from_px:
                tick = step.tick
        return price // tick * tick if side is Side.BUY else -(-price // tick) * tick


def query_of(instrument: Instrument) -> Query:
    """What to ask for. Raises NotPinned for a kind that the broker does not have."""
    sec_type = SEC_TYPES.get(instrument.kind)
    if sec_type is None:
        raise NotPinned(f"{instrument.id} is a {instrument.kind.value}, which this broker does not have")
    symbol = instrument.symbol or instrument.product or instrument.id
    venue, currency = instrument.venue, instrument.currency
    if sec_type == "STK":
        return Query(symbol=symbol, sec_type=sec_type, exchange=SMART, primary_exchange=venue, currency=currency)
    if sec_type == "CASH":
        pair = instrument.underlying or symbol[:3]
        return Query(symbol=pair, sec_type=sec_type, exchange="IDEALPRO", currency=currency)
    named = Query(
        symbol=symbol, sec_type=sec_type, exchange=venue, currency=currency,
        trading_class=CLASSES.get((venue, symbol), ""),
    )  # fmt: skip
    if sec_type == "FUT":
        return msgspec.structs.replace(named, expiry=str(instrument.contract_month))
    if sec_type == "OPT":
        return msgspec.structs.replace(
            named, symbol=instrument.underlying or symbol, expiry=instrument.expiry.replace("-", ""),
            strike=float(instrument.strike or 0), right=instrument.right, exchange=venue or SMART,
        )  # fmt: skip
    return named


def pinned(instrument: Instrument, details: Any, steps: Sequence[Any], blocked: str) -> Pin:
    """The pin of a contract whose details were checked. steps: of the market rule, as the library gives them."""
    contract = details.contract
    asked = query_of(instrument)
    query = Query(
        con_id=contract.conId, symbol=contract.symbol, sec_type=contract.secType,
        expiry=contract.lastTradeDateOrContractMonth, strike=contract.strike, right=contract.right,
        multiplier=contract.multiplier, exchange=asked.exchange, primary_exchange=contract.primaryExchange,
        currency=contract.currency, local_symbol=contract.localSymbol, trading_class=contract.tradingClass,
    )  # fmt: skip
    magnifier = instrument.price_magnifier
    return Pin(
        instrument=instrument.id, query=query, magnifier=magnifier, blocked=blocked,
        steps=tuple(Step(px_in(each.lowEdge, magnifier), px_in(each.increment, magnifier)) for each in steps),
        order_types=frozenset(details.orderTypes.split(",")) if details.orderTypes else frozenset(),
    )  # fmt: skip


def combo_pin(instrument: str, pins: Sequence[Pin]) -> Pin:
    """A combo's pin from those of its legs: traded where all of them are, on the coarsest of their ticks."""
    first = pins[0]
    exchanges = {pin.query.exchange for pin in pins}
    ticks = [step.tick for pin in pins for step in pin.steps]
    legs = tuple(
        QueryLeg(pin.query.con_id, leg.size, leg.side(Side.BUY).name, pin.query.exchange)
        for leg, pin in zip(legs_of(instrument), pins, strict=True)
    )
    query = Query(
        symbol=first.query.symbol, sec_type=BAG, exchange=first.query.exchange if len(exchanges) == 1 else SMART,
        currency=first.query.currency, legs=legs,
    )  # fmt: skip
    return Pin(
        instrument=instrument, query=query, magnifier=first.magnifier, order_types=OF_A_COMBO,
        steps=(Step(0, max(ticks)),) if ticks else (),
    )  # fmt: skip


def rule_id_of(details: Any, exchange: str) -> int | None:
    """The market rule of a route: rule ids stand by the positions of the valid exchanges."""
    exchanges, rules = details.validExchanges.split(","), details.marketRuleIds.split(",")
    for name, rule in zip(exchanges, rules, strict=False):
        if name == exchange and rule.isdecimal():
            return int(rule)
    return None


class Pins:
    """Pins by instrument and by conId. Contracts of which no instrument is known are nobody's."""

    def __init__(self, instruments: Iterable[Instrument] = ()) -> None:
        self.instruments: dict[str, Instrument] = {each.id: each for each in instruments}
        self._pins: dict[str, Pin] = {}
        self._by_con_id: dict[int, Pin] = {}

    def __len__(self) -> int:
        return len(self._pins)

    def add(self, pin: Pin) -> None:
        self._pins[pin.instrument] = pin
        self._by_con_id[pin.query.con_id] = pin

    def of_contract(self, contract: ContractSeen) -> Pin | None:
        """The pin of a contract, or of the combo that its legs are."""
        if contract.sec_type != BAG:
            return self._by_con_id.get(contract.con_id)
        pins = [(self._by_con_id.get(con_id), ratio) for con_id, ratio in contract.legs]
        legs = [ComboLeg(pin.instrument, ratio) for pin, ratio in pins if pin is not None]
        try:
            name = name_of(legs)
        except ValueError:
            return None
        return combo_pin(name, [self._pins[leg.instrument] for leg in legs_of(name)])

    def knows(self, con_id: int) -> bool:
        return con_id in self._by_con_id

    def known(self, instrument: str) -> Pin | None:
        return self._pins.get(instrument)

    def tradeable(self, instrument: str) -> Pin:
        """A combo is what its legs are. Raises NotPinned with the reason."""
        legs = legs_of(instrument)
        if legs:
            return combo_pin(instrument, [self.tradeable(leg.instrument) for leg in legs])
        pin = self._pins.get(instrument)
        if pin is None:
            raise NotPinned(f"{instrument} has no contract at the broker yet", "see why it could not be qualified")
        if pin.blocked:
            raise NotPinned(
                f"{instrument} is blocked: {pin.blocked}", "correct the instrument table, or ask the broker"
            )
        return pin

    def instrument_of(self, details: Any) -> Instrument | None:
        """The instrument that a contract found at the broker is, by what names it: another month of a known future."""
        contract = details.contract
        month = details.contractMonth or contract.lastTradeDateOrContractMonth[:6]
        for each in self.instruments.values():
            query = query_of(each) if each.kind in SEC_TYPES else None
            if query is None or (query.symbol, query.sec_type, query.currency) != (
                contract.symbol, contract.secType, contract.currency,
            ):  # fmt: skip
                continue
            if each.kind is not Kind.FUTURE:
                return each
            if money_per_unit(details) == own_money_per_unit(each) and month.isdecimal():
                product = each.product or each.id
                base = each if not each.contract_month else self._product(each)
                wanted = contract_id(product, int(month))
                return self.instruments.get(wanted) or base.contract(int(month))
        return None

    def _product(self, contract: Instrument) -> Instrument:
        return msgspec.structs.replace(contract, id=contract.product, product="", contract_month=0)


def money_per_unit(details: Any) -> Decimal:
    """Money for 1.0 of the gateway's price: its multiplier is for the main unit, its prices may be magnified."""
    return Decimal(details.contract.multiplier or "1") / (details.priceMagnifier or 1)


def own_money_per_unit(instrument: Instrument) -> Decimal:
    """The same by our table."""
    return instrument.multiplier / instrument.price_magnifier
