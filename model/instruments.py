"""What can be priced and what can be traded.

A *product* is what a strategy speaks of (`SP500`, `CSPX`); a *contract* is what a venue trades. For everything but
futures and options they are the same. A future's contract id is `PRODUCT@YYYYMM`.
"""

from __future__ import annotations

import enum
from bisect import bisect_right
from decimal import Decimal

import msgspec

from model.units import CASH_SCALE, PX_SCALE, QTY_SCALE, Cash, Px, Qty, div_half_even, px, qty


class Kind(enum.Enum):
    ETF = "etf"
    STOCK = "stock"
    FUTURE = "future"
    FX_SPOT = "fx_spot"
    OPTION = "option"
    PERPETUAL = "perpetual"
    INDEX = "index"


class TickStep(msgspec.Struct, frozen=True):
    """From `at_or_above` on, prices are multiples of `tick`."""

    at_or_above: Decimal
    tick: Decimal


class RollRule(msgspec.Struct, frozen=True, kw_only=True):
    """When a future's holder moves on.

    hold_cycle: month letters that are held.  offset_days: days before expiry (negative) on which to roll.
    expiry_offset_days: days from the first of the contract month to about its expiry.
    """

    hold_cycle: str
    offset_days: int
    expiry_offset_days: int = 0


class Commission(msgspec.Struct, frozen=True, kw_only=True):
    """A trade pays the largest of: per unit, share of notional, per order. In the instrument's currency."""

    per_unit: Decimal = Decimal(0)
    share_of_notional: Decimal = Decimal(0)
    per_order: Decimal = Decimal(0)


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """One product and how its contracts trade.

    multiplier: money per 1.0 of price per unit.  half_spread: in price units, charged by the simulated exchange where
    only bars are known.  price_magnifier: 100 where the venue quotes in pence; prices inside Hedgerow are always in
    the currency's main unit.  borrow_bps_year: cost of being short, for cash instruments.
    """

    id: str
    kind: Kind
    venue: str
    currency: str
    calendar: str
    name: str = ""
    symbol: str = ""
    isin: str = ""
    asset_class: str = ""
    multiplier: Decimal = Decimal(1)
    ticks: tuple[TickStep, ...] = ()
    lot: Decimal = Decimal(1)
    price_magnifier: int = 1
    half_spread: Decimal = Decimal(0)
    commission: Commission = Commission()
    roll: RollRule | None = None
    tradeable: bool = True
    borrow_bps_year: Decimal = Decimal(0)
    initial_margin_share: Decimal = Decimal(1)
    product: str = ""
    contract_month: int = 0
    underlying: str = ""
    strike: Decimal | None = None
    right: str = ""
    expiry: str = ""

    def tick_at(self, price: Px) -> Px:
        """The step at a price, by its size: a negative price uses the steps of its magnitude."""
        if not self.ticks:
            return 1
        size = abs(price)
        bounds = [px(step.at_or_above) for step in self.ticks]
        return px(self.ticks[max(0, bisect_right(bounds, size) - 1)].tick)

    def on_tick(self, price: Px) -> bool:
        return price % self.tick_at(price) == 0

    def to_tick(self, price: Px, *, up: bool) -> Px:
        """The nearest valid price at or above (`up`) or at or below."""
        tick = self.tick_at(price)
        return -(-price // tick) * tick if up else price // tick * tick

    def nearest_tick(self, price: Px) -> Px:
        tick = self.tick_at(price)
        return div_half_even(price, tick) * tick

    def on_lot(self, quantity: Qty) -> bool:
        return quantity % qty(self.lot) == 0

    def value(self, price: Px, quantity: Qty) -> Cash:
        """Money of `quantity` at `price` in the instrument's currency, half to even at 1e-6."""
        ratio = self.multiplier.as_integer_ratio()
        return div_half_even(price * quantity * ratio[0] * CASH_SCALE, PX_SCALE * QTY_SCALE * ratio[1])

    def contract(self, month: int) -> Instrument:
        """The contract of a future that expires in `month` (yyyymm)."""
        if self.kind is not Kind.FUTURE:
            raise ValueError(f"{self.id} is a {self.kind.value}; only futures have contract months")
        return msgspec.structs.replace(
            self, id=contract_id(self.id, month), product=self.id, contract_month=month, roll=None
        )


def contract_id(product: str, month: int) -> str:
    return f"{product}@{month:06d}"


def product_of(instrument: str) -> str:
    """The product of a contract id; a product's own id for everything else."""
    return instrument.partition("@")[0]
