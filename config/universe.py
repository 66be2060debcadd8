"""Instrument files: what can be priced and traded, checked entry by entry."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from config.quantities import Currency, Id, Name
from model.instruments import Commission, Instrument, Kind, RollRule, TickStep
from model.units import px, qty

MONTH_LETTERS = "FGHJKMNQUVXZ"
_SMALLEST = Decimal("1e-9")
_LARGEST = Decimal("1e9")

# Steps for exchange-traded funds: Commission Delegated Regulation (EU) 2017/588 (RTS 11), most liquid band.
_MIFID_ETF = (
    ("0", "0.0001"),
    ("1", "0.0002"),
    ("2", "0.0005"),
    ("5", "0.001"),
    ("10", "0.002"),
    ("20", "0.005"),
    ("50", "0.01"),
    ("100", "0.02"),
    ("200", "0.05"),
    ("500", "0.1"),
    ("1000", "0.2"),
    ("2000", "0.5"),
    ("5000", "1"),
)
TICK_TABLES = {"mifid_etf": tuple((Decimal(bound), Decimal(tick)) for bound, tick in _MIFID_ETF)}

Isin = Annotated[
    str,
    Meta(pattern=r"^[A-Z]{2}[A-Z0-9]{9}[0-9]$", extra={"form": "an ISIN such as IE00B5BMR087"}),
]
HoldCycle = Annotated[
    str, Meta(pattern=rf"^[{MONTH_LETTERS}]{{1,12}}$", extra={"form": "month letters such as HMUZ, held in turn"})
]
DayOffset = Annotated[int, Meta(ge=-2_000, le=100, extra={"unit": "days"})]


def _bounded(name: str, value: Decimal, low: Decimal, high: Decimal) -> None:
    if not low <= value <= high:
        raise ValueError(f"{name}: {value} is not between {low} and {high} | Mend the number")


def _exact(name: str, value: Decimal, scaled: Callable[[Decimal], int]) -> None:
    try:
        scaled(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error} | Give fewer decimals") from None


@lru_cache(maxsize=4096)
def _isin_is_valid(isin: str) -> bool:
    """Luhn over the letters written as numbers (A is 10), as ISO 6166 says."""
    digits = "".join(str(int(char, 36)) for char in isin)
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


class CommissionEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a trade pays: the largest of the three, in the instrument's currency.

    per_unit: money for each unit or contract
    notional_share: share of the notional
    per_order: money for each order
    """

    per_unit: Decimal = Decimal(0)
    notional_share: Decimal = Decimal(0)
    per_order: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        for name in ("per_unit", "notional_share", "per_order"):
            _bounded(name, getattr(self, name), Decimal(0), Decimal(10**6))
        if self.notional_share > Decimal("0.05"):
            raise ValueError(
                f"notional_share: {self.notional_share} is over 5 % of a trade | A share: 0.0004 is four basis points"
            )


class RollEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When the holder of a future moves on.

    hold_cycle: letters of the months that are held
    offset_days: days before expiry (negative) on which to roll
    expiry_offset_days: days from the first of the contract month to about its expiry
    """

    hold_cycle: HoldCycle
    offset_days: DayOffset
    expiry_offset_days: DayOffset = 0

    def __post_init__(self) -> None:
        if list(self.hold_cycle) != sorted(set(self.hold_cycle)):
            raise ValueError(f"hold_cycle: {self.hold_cycle} repeats or disorders months | Write them as in HMUZ")

    def rule(self) -> RollRule:
        """The entry in the words of the model."""
        return RollRule(
            hold_cycle=self.hold_cycle, offset_days=self.offset_days, expiry_offset_days=self.expiry_offset_days
        )


class InstrumentEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One product.

    id: its name everywhere inside
    kind: etf, stock, future, fx_spot, option, perpetual or index
    venue: where it trades
    currency: of its price and its profit; for pence lines GBP with price_magnifier 100
    calendar: whose sessions it has
    name: for people
    symbol: the venue's name of it
    isin: where it has one
    asset_class: for limits and reports
    underlying: for currency futures and pairs, the currency one unit buys
    multiplier: money for 1.0 of price for one unit
    tick: price step, where there is one
    ticks: from what price on which step, where there are several
    tick_table: the steps by name, where a rule book sets them
    lot: quantities are multiples of this
    price_magnifier: 100 where the venue quotes in pence or cents
    half_spread: half the usual spread, in price
    commission: what a trade pays
    roll: when a future's holder moves on
    tradeable: false for what only has a price
    borrow_bps_year: cost of being short
    initial_margin_share: margin to open, as share of notional
    """

    id: Id
    kind: Kind
    venue: Name
    currency: Currency
    calendar: Id
    name: str = ""
    symbol: str = ""
    isin: Isin | None = None
    asset_class: str = ""
    underlying: str = ""
    multiplier: Decimal = Decimal(1)
    tick: Decimal | None = None
    ticks: tuple[tuple[Decimal, Decimal], ...] = ()
    tick_table: Literal["mifid_etf"] | None = None
    lot: Decimal = Decimal(1)
    price_magnifier: Literal[1, 100] = 1
    half_spread: Decimal = Decimal(0)
    commission: CommissionEntry = CommissionEntry()
    roll: RollEntry | None = None
    tradeable: bool = True
    borrow_bps_year: Decimal = Decimal(0)
    initial_margin_share: Decimal = Decimal(1)

    def __post_init__(self) -> None:
        _bounded("multiplier", self.multiplier, _SMALLEST, _LARGEST)
        _bounded("lot", self.lot, Decimal("1e-8"), _LARGEST)
        _bounded("half_spread", self.half_spread, Decimal(0), _LARGEST)
        _bounded("borrow_bps_year", self.borrow_bps_year, Decimal(0), Decimal(10_000))
        _bounded("initial_margin_share", self.initial_margin_share, Decimal(0), Decimal(1))
        _exact("lot", self.lot, qty)
        self._check_ticks()
        self._check_kind()

    def _check_ticks(self) -> None:
        if sum((self.tick is not None, bool(self.ticks), self.tick_table is not None)) > 1:
            raise ValueError("ticks: the step is given twice | Keep one of tick, ticks and tick_table")
        steps = self._steps()
        for at_or_above, tick in steps:
            _bounded("tick" if self.tick is not None else "ticks", tick, _SMALLEST, Decimal(10**6))
            _exact("tick" if self.tick is not None else "ticks", tick, px)
            _exact("ticks", at_or_above, px)
        bounds = [at_or_above for at_or_above, _ in steps]
        if bounds and (bounds[0] != 0 or bounds != sorted(set(bounds))):
            raise ValueError("ticks: they do not begin at 0 and rise | Write [[0, 0.01], [10, 0.05]]")

    def _steps(self) -> tuple[tuple[Decimal, Decimal], ...]:
        if self.tick_table is not None:
            return TICK_TABLES[self.tick_table]
        return self.ticks if self.tick is None else ((Decimal(0), self.tick),)

    def _check_kind(self) -> None:
        if self.kind is Kind.FUTURE and self.roll is None:
            raise ValueError(f"roll: {self.id} is a future without a roll rule | Add roll: {{hold_cycle: HMUZ, ...}}")
        if self.kind is not Kind.FUTURE and self.roll is not None:
            raise ValueError(f"roll: {self.id} is a {self.kind.value}, only futures roll | Remove roll")
        if self.kind is Kind.INDEX and self.tradeable:
            raise ValueError("tradeable: an index cannot be traded | Write tradeable: false")
        if self.currency == "GBX":
            raise ValueError("currency: GBX is not a currency | Write currency: GBP and price_magnifier: 100")
        if self.price_magnifier == 100 and self.currency not in ("GBP", "ZAR", "ILS"):
            raise ValueError(f"price_magnifier: {self.currency} lines are not quoted in hundredths | Write 1")
        if self.isin is not None and not _isin_is_valid(self.isin):
            raise ValueError(f"isin: {self.isin} fails its check digit | Look the ISIN up again")

    def instrument(self) -> Instrument:
        """The entry in the words of the model."""
        charge = self.commission
        return Instrument(
            id=self.id,
            kind=self.kind,
            venue=self.venue,
            currency=self.currency,
            calendar=self.calendar,
            name=self.name,
            symbol=self.symbol or self.id,
            isin=self.isin or "",
            asset_class=self.asset_class,
            underlying=self.underlying,
            multiplier=self.multiplier,
            ticks=tuple(TickStep(at_or_above, tick) for at_or_above, tick in self._steps()),
            lot=self.lot,
            price_magnifier=self.price_magnifier,
            half_spread=self.half_spread,
            commission=Commission(
                per_unit=charge.per_unit, share_of_notional=charge.notional_share, per_order=charge.per_order
            ),
            roll=self.roll.rule() if self.roll else None,
            tradeable=self.tradeable,
            borrow_bps_year=self.borrow_bps_year,
            initial_margin_share=self.initial_margin_share,
        )


class InstrumentFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of instruments.

    instruments: one entry a product
    """

    instruments: tuple[InstrumentEntry, ...]
