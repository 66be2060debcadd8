"""An instrument as the matching loop needs it: every fraction worked out once, as integers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from fractions import Fraction

from model.instruments import Instrument, Kind, product_of
from model.sessions import Session, Sessions
from model.units import CASH_SCALE, PX_SCALE, QTY_SCALE, Cash, Px, Qty, cash, div_half_even, px, qty

RAW_SCALE = PX_SCALE * QTY_SCALE
"""`raw` below is price x quantity as plain integers: money per multiplier in 1e-17."""

VARIATION_KINDS = (Kind.FUTURE, Kind.PERPETUAL)
BORROWED_KINDS = (Kind.STOCK, Kind.ETF)
DAYS_PER_YEAR = 365


class Listing:
    """One tradeable contract and its arithmetic. `last` is its last session, the first on or after its expiry date
    (`expires`, yyyymmdd, 0 for none); None also when the calendar does not reach that far."""

    __slots__ = (
        "borrowed",
        "calendar",
        "currency",
        "half_spread",
        "id",
        "instrument",
        "last",
        "lot",
        "received",
        "sessions",
        "tick",
        "variation",
        "_borrow",
        "_money",
        "_per_order",
        "_per_unit",
        "_share",
        "_margin",
    )

    def __init__(self, instrument: Instrument, sessions: Sessions, expires: int = 0) -> None:
        self.id = instrument.id
        self.instrument = instrument
        self.sessions = sessions
        self.calendar = instrument.calendar
        self.currency = instrument.currency
        later = sessions.between(expires, expires + 10_000) if expires else []
        self.last: Session | None = later[0] if later else None
        self.variation = instrument.kind in VARIATION_KINDS
        self.borrowed = instrument.kind in BORROWED_KINDS
        self.received = _base_of_pair(instrument) if instrument.kind is Kind.FX_SPOT else ""
        self.lot = qty(instrument.lot)
        self.half_spread = px(instrument.half_spread)
        self.tick = instrument.tick_at(0) if len(instrument.ticks) <= 1 else 0
        fees = instrument.commission
        money = Fraction(instrument.multiplier) * CASH_SCALE / RAW_SCALE
        self._money = money.as_integer_ratio()
        self._share = (money * Fraction(fees.share_of_notional)).as_integer_ratio()
        self._per_unit = (Fraction(fees.per_unit) * CASH_SCALE / QTY_SCALE).as_integer_ratio()
        self._per_order = cash(fees.per_order)
        self._borrow = (money * Fraction(instrument.borrow_bps_year) / 10_000 / DAYS_PER_YEAR).as_integer_ratio()
        self._margin = (money * Fraction(instrument.initial_margin_share)).as_integer_ratio()

    def money(self, raw: int) -> Cash:
        """Cash of a raw amount in the instrument's currency, half to even at 1e-6."""
        return div_half_even(raw * self._money[0], self._money[1])

    def fee(self, quantity: Qty, raw: int) -> Cash:
        """Commission of an order of which `quantity` (worth `raw`) has filled: the largest of the three, if any has."""
        if not quantity:
            return 0
        fee = self._per_order
        top, bottom = self._share
        if top:
            share = div_half_even(raw * top, bottom)
            if share > fee:
                fee = share
        top, bottom = self._per_unit
        if top:
            by_unit = div_half_even(quantity * top, bottom)
            if by_unit > fee:
                fee = by_unit
        return fee

    def margin(self, raw: int) -> Cash:
        """Initial margin of a raw amount, in the instrument's currency."""
        return div_half_even(abs(raw) * self._margin[0], self._margin[1])

    def borrow_fee(self, raw: int, days: int) -> Cash:
        """Cost of being short a raw amount for some days (actual/365)."""
        return div_half_even(abs(raw) * days * self._borrow[0], self._borrow[1])

    def on_tick(self, price: Px) -> bool:
        return price % self.tick == 0 if self.tick else self.instrument.on_tick(price)

    def worse(self, price: Px, side: int) -> Px:
        """A print plus half the spread against us, on the tick grid."""
        price += side * self.half_spread
        tick = self.tick
        if not tick:
            return self.instrument.to_tick(price, up=side > 0)
        return -(-price // tick) * tick if side > 0 else price // tick * tick


class Listings:
    """Every contract the venue lists, made when first asked for.

    instruments: by id, or a function that answers None for an unknown id. A contract `PRODUCT@YYYYMM` that is not
    itself listed is made from its product; its last day is the first of the month plus the roll rule's
    `expiry_offset_days`, unless the instrument names its `expiry`.
    """

    def __init__(
        self,
        instruments: Mapping[str, Instrument] | Callable[[str], Instrument | None],
        sessions: Mapping[str, Sessions],
    ) -> None:
        self._find = instruments if callable(instruments) else instruments.get
        self._sessions = sessions
        self._known: dict[str, Listing | None] = {}

    def get(self, instrument: str) -> Listing | None:
        """The listing, or None when the venue does not list it. Raises ValueError when its calendar is missing."""
        try:
            return self._known[instrument]
        except KeyError:
            listing = self._known[instrument] = self._make(instrument)
            return listing

    def _make(self, name: str) -> Listing | None:
        found = self._find(name)
        expires = 0
        product = self._find(product_of(name))
        if found is None and product is not None and product.kind is Kind.FUTURE:
            month = name.partition("@")[2]
            if not (len(month) == 6 and month.isdigit() and 1 <= int(month[4:]) <= 12):
                return None
            found = product.contract(int(month))
        if found is None:
            return None
        if found.expiry:
            expires = int(found.expiry.replace("-", ""))
        elif found.contract_month and product is not None and product.roll is not None:
            first = date(found.contract_month // 100, found.contract_month % 100, 1)
            last = first + timedelta(days=product.roll.expiry_offset_days)
            expires = last.year * 10_000 + last.month * 100 + last.day
        sessions = self._sessions.get(found.calendar)
        if sessions is None:
            raise ValueError(f"{name} trades on calendar {found.calendar!r}, which the exchange was not given")
        return Listing(found, sessions, expires)


def _base_of_pair(pair: Instrument) -> str:
    base = pair.underlying or (pair.symbol or pair.id)[:3]
    if len(base) != 3 or base == pair.currency:
        raise ValueError(f"{pair.id}: name the currency that is bought in `underlying`, {base!r} is not one")
    return base
