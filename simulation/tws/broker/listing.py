"""What can be traded here: contracts by con_id, and the edge between the wire's floats and exact integers."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from msgspec.structs import replace

from model.instruments import Instrument
from model.units import CASH_SCALE, PX_SCALE, QTY_SCALE, Cash, Px, Qty, px, qty
from simulation.tws.terms import Contract, ContractDetails


class Catalogue(Protocol):
    """Which contracts exist. Both answers stay the same for as long as the broker lives."""

    def details(self, con_id: int) -> ContractDetails | None:
        """What the gateway says of a contract; None when there is none of this id."""
        ...

    def instrument(self, con_id: int) -> Instrument:
        """The same as the exchange trades it, its id unique among contracts. Raises LookupError for an unknown id."""
        ...


class Line:
    """One tradeable contract. Prices outside are in the wire's unit (pence where `magnifier` is 100), inside in the
    currency's main unit."""

    __slots__ = ("con_id", "contract", "details", "instrument", "magnifier", "name")

    def __init__(self, details: ContractDetails, instrument: Instrument) -> None:
        self.details = details
        self.contract = details.contract
        self.con_id = details.contract.con_id
        self.instrument = instrument
        self.name = instrument.id
        self.magnifier = max(details.price_magnifier, 1)

    @property
    def currency(self) -> str:
        return self.instrument.currency

    def price_in(self, value: float) -> Px:
        """An exact price from the wire. Raises ValueError when it is not a price with at most nine decimals."""
        return px(decimal(value) / self.magnifier)

    def price_out(self, price: Px) -> float:
        return price * self.magnifier / PX_SCALE

    def on_tick(self, price: Px) -> bool:
        return self.instrument.on_tick(price)

    def value(self, price: Px, quantity: Qty) -> Cash:
        return self.instrument.value(price, quantity)


class Lines:
    """Every contract that was asked for, made when first needed."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._lines: dict[int, Line | None] = {}
        self._named: dict[str, Line] = {}

    def get(self, con_id: int) -> Line | None:
        """The contract, or None when the catalogue does not know it."""
        try:
            return self._lines[con_id]
        except KeyError:
            details = self._catalogue.details(con_id)
            line = None if details is None else Line(details, self._catalogue.instrument(con_id))
            self._lines[con_id] = line
            if line is not None:
                self._named[line.name] = line
            return line

    def named(self, instrument: str) -> Line | None:
        """A contract that was asked for before, by its id at the exchange."""
        return self._named.get(instrument)


def decimal(value: float) -> Decimal:
    """The shortest decimal that prints as this float. Raises ValueError for NaN and infinities."""
    number = Decimal(repr(value))
    if not number.is_finite():
        raise ValueError(f"{value!r} is not a number")
    return number


def quantity_in(value: float) -> Qty:
    """An exact quantity from the wire. Raises ValueError when it needs more than eight decimals."""
    return qty(decimal(value))


def quantity_out(value: Qty) -> float:
    return value / QTY_SCALE


def money_out(value: Cash) -> float:
    return value / CASH_SCALE


def money_text(value: Cash) -> str:
    """An amount as account values print it: two decimals, half to even."""
    return str(Decimal(value).scaleb(-6).quantize(Decimal("0.01")))


def bare(contract: Contract) -> Contract:
    """A contract as positions name it: where it is listed, and no exchange for futures and options."""
    return replace(contract, exchange=contract.primary_exchange if contract.sec_type == "STK" else "")
