"""One contract that the gateway lists: what Hedgerow knows of it, and what the protocol calls it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import msgspec

from model.instruments import Instrument, Kind, TickStep
from model.sessions import Sessions
from model.units import PX_SCALE, Px, px
from simulation.tws.catalogue import hours
from simulation.tws.catalogue.names import (
    AMERICAN,
    INDICES,
    MAGNIFIED,
    ORDER_TYPES,
    ROUTES,
    SMART,
    local_symbol,
    trading_class,
)
from simulation.tws.terms import Contract, ContractDetails

STOCKS = (Kind.STOCK, Kind.ETF)
SEC_TYPES = {
    Kind.STOCK: "STK",
    Kind.ETF: "STK",
    Kind.FUTURE: "FUT",
    Kind.INDEX: "IND",
    Kind.FX_SPOT: "CASH",
    Kind.OPTION: "OPT",
}
"""A perpetual has no name in the protocol and is not listed."""

Steps = tuple[tuple[float, float], ...]
FINEST = Decimal("1e-9")
"""The step of a product whose ticks are not known, in the currency's main unit."""


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A contract. product: the house's own.  instrument: of the one contract, as the gateway trades it.

    magnifier: 100 for pence lines and futures in cents; a client's price is the gateway's own times this, and the
    instrument is in the currency's main unit, so that price x multiplier is money.  shrink: what a price of the house
    is divided by to be the gateway's own: 1, but for futures that the house keeps in cents.
    expiry: last trade date, yyyymmdd, or nothing.
    """

    con_id: int
    sec_type: str
    instrument: Instrument
    product: Instrument
    symbol: str
    exchange: str
    routes: tuple[str, ...]
    multiplier: str = ""
    local_symbol: str = ""
    trading_class: str = ""
    expiry: str = ""
    month: str = ""
    magnifier: int = 1
    shrink: int = 1
    strike: float = 0.0
    right: str = ""
    under_con_id: int = 0
    under_symbol: str = ""
    under_sec_type: str = ""

    @property
    def currency(self) -> str:
        return self.instrument.currency

    @property
    def steps(self) -> Steps:
        """(from this price on, increment) in a client's prices."""
        return steps_of(self.product)

    def told(self, price: Px) -> float:
        """A price of ours as a client reads it: pence for a pence line."""
        return price * self.magnifier / PX_SCALE

    def price(self, told: float) -> Px:
        """A client's price as ours, exactly. Raises ValueError for what is not a price with at most nine decimals."""
        return px(Decimal(repr(told)) / self.magnifier)

    def contract(self, exchange: str = "") -> Contract:
        """The contract as it is named to clients, routed to `exchange` or by default."""
        return Contract(
            con_id=self.con_id,
            symbol=self.symbol,
            sec_type=self.sec_type,
            expiry=self.expiry,
            strike=self.strike,
            right=self.right,
            multiplier=self.multiplier,
            exchange=exchange or self.routes[0],
            primary_exchange=self.exchange if self.sec_type == "STK" else "",
            currency=self.currency,
            local_symbol=self.local_symbol,
            trading_class=self.trading_class,
        )

    def expired(self, today: int) -> bool:
        """Whether its last trade date lies before `today` (yyyymmdd)."""
        return bool(self.expiry) and int(self.expiry) < today


def details_of(listed: Listed, sessions: Sessions, now_ns: int, rule: int, exchange: str = "") -> ContractDetails:
    """Everything the gateway says of a contract, with the hours as of now."""
    one = listed.instrument
    zone = hours.zone_of(one.calendar)
    return ContractDetails(
        contract=listed.contract(exchange),
        market_name=listed.trading_class,
        min_tick=min(tick for _, tick in listed.steps),
        order_types=_order_types(listed),
        valid_exchanges=",".join(listed.routes),
        price_magnifier=listed.magnifier,
        under_con_id=listed.under_con_id,
        long_name=one.name or one.id,
        contract_month=listed.month,
        industry=one.asset_class,
        time_zone=zone,
        trading_hours=hours.trading_hours(sessions, now_ns, zone),
        liquid_hours=hours.liquid_hours(sessions, now_ns, zone, one.calendar),
        sec_ids=(("ISIN", one.isin),) if one.isin else (),
        under_symbol=listed.under_symbol,
        under_sec_type=listed.under_sec_type,
        market_rule_ids=",".join([str(rule)] * len(listed.routes)),
        real_expiration_date=listed.expiry,
        stock_type={Kind.ETF: "ETF", Kind.STOCK: "COMMON"}.get(one.kind, ""),
        min_size=float(one.lot),
        size_increment=float(one.lot),
        suggested_size_increment=float(one.lot),
    )


def _order_types(listed: Listed) -> str:
    if listed.sec_type != "STK":
        return ORDER_TYPES[listed.sec_type]
    return ORDER_TYPES["AMERICAN" if listed.exchange in AMERICAN else "EUROPEAN"]


def plain(number: Decimal) -> str:
    """`50`, `0.5`: a multiplier as it is written, without a fraction where there is none."""
    return str(int(number)) if number == number.to_integral_value() else str(number.normalize())


def list_product(product: Instrument, con_id: int) -> Listed:
    """A stock, fund, index or currency pair: what has one contract."""
    symbol, exchange = INDICES.get(product.id, (product.symbol or product.id, product.venue))
    common = Listed(
        con_id=con_id,
        sec_type=SEC_TYPES[product.kind],
        instrument=product,
        product=product,
        symbol=symbol,
        exchange=exchange,
        routes=ROUTES.get(exchange, (SMART, exchange)) if product.kind in STOCKS else (exchange,),
        local_symbol=symbol,
        trading_class=symbol,
        magnifier=product.price_magnifier,
    )
    if product.kind is Kind.FX_SPOT:
        pair = f"{symbol}.{product.currency}"
        return msgspec.structs.replace(common, local_symbol=pair, trading_class=pair)
    if product.kind in STOCKS and exchange == "NASDAQ":
        return msgspec.structs.replace(common, trading_class="NMS")
    return common


def list_month(product: Instrument, month: int, con_id: int, sessions: Sessions) -> Listed:
    """One contract month of a future."""
    symbol, exchange = product.symbol or product.id, product.venue
    magnifier = magnifier_of(product)
    shrink = magnifier // product.price_magnifier
    code = class_of(product)
    expiry = str(last_trade_date(product, month, sessions))
    return Listed(
        con_id=con_id,
        sec_type="FUT",
        instrument=_in_main_unit(msgspec.structs.replace(product.contract(month), expiry=expiry), shrink),
        product=product,
        symbol=symbol,
        exchange=exchange,
        routes=(exchange,),
        multiplier=plain(product.multiplier * magnifier),
        local_symbol=local_symbol(exchange, code, month),
        trading_class=code,
        expiry=expiry,
        month=str(month),
        magnifier=magnifier,
        shrink=shrink,
        under_symbol=symbol,
        under_sec_type="IND",
    )


def _in_main_unit(contract: Instrument, shrink: int) -> Instrument:
    """The same contract priced in units `shrink` times as large."""
    if shrink == 1:
        return contract
    return msgspec.structs.replace(
        contract,
        multiplier=contract.multiplier * shrink,
        ticks=tuple(TickStep(step.at_or_above / shrink, step.tick / shrink) for step in contract.ticks),
        half_spread=(contract.half_spread / shrink).quantize(FINEST),
    )


def steps_of(product: Instrument) -> Steps:
    """(from this price on, increment) in a client's prices."""
    scale = product.price_magnifier
    found = tuple((float(s.at_or_above * scale), float(s.tick * scale)) for s in product.ticks)
    return found or ((0.0, float(FINEST * magnifier_of(product))),)


def class_of(product: Instrument) -> str:
    """The trading class of a future."""
    multiplier = plain(product.multiplier * magnifier_of(product))
    return trading_class(product.venue, product.symbol or product.id, multiplier)


def magnifier_of(product: Instrument) -> int:
    """How many of the quoted unit make one of the currency."""
    return MAGNIFIED.get((product.venue, product.symbol or product.id), product.price_magnifier)


def last_trade_date(product: Instrument, month: int, sessions: Sessions) -> int:
    """The first session on or after the day that the roll rule takes for the expiry, as the simulated exchange has it;
    that day itself, or the Monday after a weekend, where the calendar does not reach."""
    offset = product.roll.expiry_offset_days if product.roll else 0
    day = dt.date(month // 100, month % 100, 1) + dt.timedelta(days=offset)
    number = int(day.strftime("%Y%m%d"))
    later = sessions.between(number, int((day + dt.timedelta(days=14)).strftime("%Y%m%d")))
    if later:
        return later[0].date
    day += dt.timedelta(days=(7 - day.weekday()) % 7 if day.weekday() > 4 else 0)
    return int(day.strftime("%Y%m%d"))
