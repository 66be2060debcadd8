"""What the book needs to know of a contract, looked up once and kept as plain integers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from model.combos import contracts_of
from model.instruments import Instrument, Kind, TickStep, product_of
from model.units import CASH_SCALE, PX_SCALE, QTY_SCALE, Cash, Px, Qty, div_half_even, px, qty

RAW_SCALE = PX_SCALE * QTY_SCALE // CASH_SCALE
VARIATION_KINDS = (Kind.FUTURE, Kind.PERPETUAL)


class Contract:
    """One contract's integers. `raw` is price x quantity before the multiplier; `money` makes cash of it."""

    __slots__ = (
        "by_variation", "currency", "delivers", "denominator", "id", "kind", "lot", "numerator", "product", "ticks",
        "tradeable",
    )  # fmt: skip

    def __init__(self, contract_id: str, instrument: Instrument) -> None:
        self.id = contract_id
        self.product = product_of(contract_id)
        self.kind = instrument.kind
        self.currency = instrument.currency
        self.lot: Qty = max(1, qty(instrument.lot))
        self.tradeable = instrument.tradeable and instrument.kind is not Kind.INDEX
        numerator, denominator = instrument.multiplier.as_integer_ratio()
        self.numerator = numerator
        self.denominator = denominator * RAW_SCALE
        self.ticks = tick_steps(instrument.ticks)
        self.by_variation = instrument.kind in VARIATION_KINDS
        self.delivers = fx_base(instrument) if instrument.kind is Kind.FX_SPOT else ""

    def money(self, raw: int) -> Cash:
        """Money of a sum of price x quantity products, half to even at 1e-6."""
        return div_half_even(raw * self.numerator, self.denominator)

    def raw_of(self, amount: Cash) -> int:
        """The price x quantity product that is worth `amount`, half to even."""
        return div_half_even(amount * self.denominator, self.numerator)

    def tick_at(self, price: Px) -> Px:
        size = abs(price)
        step = 1
        for at_or_above, tick in self.ticks:
            if size < at_or_above:
                break
            step = tick
        return step

    def to_tick(self, price: Px, up: bool) -> Px:
        """The nearest valid price at or above (`up`) or at or below."""
        tick = self.tick_at(price)
        return -(-price // tick) * tick if up else price // tick * tick

    def to_lot(self, quantity: Qty) -> Qty:
        """The nearest whole number of lots, half to even; the sign stays."""
        return div_half_even(quantity, self.lot) * self.lot


def tick_steps(steps: Iterable[TickStep]) -> tuple[tuple[Px, Px], ...]:
    """Steps as integers, lowest first; a price below the first step uses the first step's tick."""
    found = [(px(step.at_or_above), px(step.tick)) for step in steps]
    return tuple((0 if place == 0 else bound, tick) for place, (bound, tick) in enumerate(found))


def fx_base(instrument: Instrument) -> str:
    """The currency that a spot pair delivers: its `underlying`, or the first three letters of its id."""
    return instrument.underlying or instrument.id[:3]


class Contracts:
    """Every contract of a universe of products, made when first asked for."""

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self._instruments = instruments
        self._known: dict[str, Contract] = {}

    def get(self, contract_id: str) -> Contract | None:
        """The contract, or None when its product is not in the universe."""
        known = self._known.get(contract_id)
        if known is None:
            names = (contract_id, product_of(contract_id), *contracts_of(contract_id))
            instrument = next((self._instruments[name] for name in names if name in self._instruments), None)
            if instrument is None:
                return None
            known = self._known[contract_id] = Contract(contract_id, instrument)
        return known

    def __getitem__(self, contract_id: str) -> Contract:
        """The contract. Raises KeyError with the name when its product is not in the universe."""
        known = self.get(contract_id)
        if known is None:
            raise KeyError(f"{contract_id} is not in the instrument table; add its product to the configuration")
        return known
