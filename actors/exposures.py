"""What is held and what is working, per contract and product, valued in base currency at its worst."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
from msgspec import structs

from model.combos import legs_of
from model.decisions import CycleFx, ExposureLine, NavMarked
from model.instruments import Instrument, product_of
from model.market import Quality
from model.orders import Side
from model.units import PX_SCALE, QTY_SCALE, Qty

_SCALE: Final = float(PX_SCALE) * QTY_SCALE
BUY: Final = Side.BUY
LEG: Final = " leg "


class Holding:
    """One product over all its contracts.

    unit: base money of 1e-9 of price times 1e-8 of quantity.  price: base money of 1e-8 of quantity, 0 while unknown.
    gross, up, down: worst exposure, most and least signed exposure if everything on one side fills.  rolling: by side,
    how much approved legs take over from other contracts.  blocked: a denial code while its price or rate cannot be
    trusted.
    """

    __slots__ = (
        "blocked", "buys", "currency", "down", "gross", "multiplier", "position", "price", "product", "rolling",
        "sells", "unit", "up",
    )  # fmt: skip

    def __init__(self, product: str, instrument: Instrument) -> None:
        self.product = product
        self.currency = instrument.currency
        self.multiplier = float(instrument.multiplier)
        self.unit = float("nan")
        self.price = self.gross = self.up = self.down = 0.0
        self.position: Qty = 0
        self.buys: Qty = 0
        self.sells: Qty = 0
        self.rolling = {Side.BUY: 0, Side.SELL: 0}
        self.blocked = "STALE_PRICE"

    def apart(self) -> Holding:
        """One like it that changes by itself."""
        other = copy.copy(self)
        other.rolling = dict(self.rolling)
        return other


class Line:
    """One contract of a product."""

    __slots__ = ("approved_ns", "buys", "owner", "position", "sells")

    def __init__(self, owner: Holding) -> None:
        self.owner = owner
        self.position: Qty = 0
        self.buys: Qty = 0
        self.sells: Qty = 0
        self.approved_ns = 0

    def apart(self, owner: Holding) -> Line:
        """One like it, of another holding, that changes by itself."""
        other = copy.copy(self)
        other.owner = owner
        return other

    def reduces(self, side: Side, quantity: Qty) -> bool:
        """Whether an order can only shrink the position, even if everything working on its side fills first."""
        if side is BUY:
            return quantity + self.buys <= -self.position
        return quantity + self.sells <= self.position


class Working(msgspec.Struct, gc=False):
    """An approved order that is not over.

    counted: how much of it may change the product's exposure; the rest moves the position between contracts.
    notional: of what counts towards turnover, in base currency.  heard: the order manager said something of it.
    ratio: of a combo's leg, how many one combo has; each leg is kept as an order of its own (`leg_key`).
    """

    instrument: str
    side: Side
    quantity: Qty
    left: Qty
    counted: Qty
    notional: float = 0.0
    heard: bool = False
    ratio: int = 1


def leg_key(order: str, instrument: str) -> str:
    """What one leg of a combo is kept under."""
    return f"{order}{LEG}{instrument}"


class Exposures:
    """Sums that follow every approval, fill and end of an order in constant time; each cycle counts them anew."""

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self.holdings = {name: Holding(name, each) for name, each in instruments.items()}
        self.lines: dict[str, Line] = {}
        self.orders: dict[str, Working] = {}
        self.combos: dict[str, tuple[str, ...]] = {}
        self.gross = self.up = self.down = 0.0

    def meet(self, instrument: str) -> Line | None:
        """The line of a contract; None when its product is unknown."""
        line = self.lines.get(instrument)
        if line is None:
            owner = self.holdings.get(instrument) or self.holdings.get(product_of(instrument))
            if owner is None:
                return None
            line = self.lines[instrument] = Line(owner)
        return line

    def trial(self, instruments: Iterable[str]) -> Exposures:
        """The same once more, in which new orders of these contracts may be tried: nothing of it is felt here."""
        tried = copy.copy(self)
        tried.holdings, tried.lines = dict(self.holdings), dict(self.lines)
        tried.orders, tried.combos = dict(self.orders), dict(self.combos)
        for instrument in instruments:
            owner = self.holdings.get(instrument) or self.holdings.get(product_of(instrument))
            if owner is not None and tried.holdings[owner.product] is owner:
                tried.holdings[owner.product] = owner.apart()
        for name, line in self.lines.items():
            owner = tried.holdings[line.owner.product]
            if owner is not line.owner:
                tried.lines[name] = line.apart(owner)
        return tried

    def mark(self, told: CycleFx, nav: NavMarked) -> None:
        """Take the cycle's rates, prices and positions. A contract with orders working keeps its own position."""
        rates, degraded, contracts = told.fx.rates, told.cycle.degraded, told.cycle.contracts
        for name, holding in self.holdings.items():
            rate = rates.get(holding.currency)
            good = rate is not None and rate.quality is Quality.GOOD and rate.rate > 0
            holding.blocked = "STALE_PRICE" if name in degraded else "" if good else "STALE_FX"
            if rate is not None and rate.rate > 0:
                holding.unit = holding.multiplier * rate.rate / PX_SCALE / _SCALE
            price = nav.prices.get(contracts.get(name, name), 0)
            if price:
                holding.price = abs(price) * holding.unit
            holding.position = holding.buys = holding.sells = 0
        self._adopt(nav.lines)
        self.gross = self.up = self.down = 0.0
        for holding in self.holdings.values():
            holding.gross = holding.up = holding.down = 0.0
            if holding.position or holding.buys or holding.sells:
                self.value(holding)

    def room_to_roll(self, line: Line, side: Side) -> Qty:
        """How much more an order in a contract may take over from the product's other contracts, exposure unchanged."""
        owner = line.owner
        others = (each.position * side for each in self.lines.values() if each.owner is owner and each is not line)
        return max(0, sum(held for held in others if held > 0) - owner.rolling[side])

    def work(self, order: str, instrument: str, side: Side, quantity: Qty, counted: Qty, notional: float) -> None:
        """An order was approved: it counts as if it will fill."""
        line = self.lines[instrument]
        self.orders[order] = Working(instrument, side, quantity, quantity, counted, notional)
        self._add(line, side, counted, quantity - counted)

    def work_legs(self, order: str, instrument: str) -> None:
        """The legs of a combo were approved, each under its key: from now on what is said of it is said of them."""
        legs = legs_of(instrument)
        self.combos[order] = tuple(leg_key(order, leg.instrument) for leg in legs)
        for key, leg in zip(self.combos[order], legs, strict=True):
            self.orders[key].ratio = leg.size

    def moved(self, order: str, filled: Qty, terminal: bool) -> None:
        """The order manager's word on an order: what is left of it. Of a combo `filled` counts whole ones."""
        working = self.orders.get(order)
        if working is None:
            for key in self.combos.get(order, ()):
                leg = self.orders.get(key)
                if leg is not None:
                    self.moved(key, max(filled * leg.ratio, leg.quantity - leg.left), terminal)
            if terminal:
                self.combos.pop(order, None)
            return
        working.heard = True
        left = 0 if terminal else working.quantity - filled
        if left != working.left:
            counts, counted = min(left, working.counted), min(working.left, working.counted)
            rolls = left - counts - (working.left - counted)
            self._add(self.lines[working.instrument], working.side, counts - counted, rolls)
            working.left = left
        if terminal:
            del self.orders[order]

    def executed(self, order: str, instrument: str, quantity: Qty) -> None:
        """So much of an order was executed, as the journal tells it where nobody tells how much is left."""
        order = leg_key(order, instrument) if order in self.combos else order
        working = self.orders.get(order)
        if working is not None:
            self.moved(order, working.quantity - max(0, working.left - quantity), working.left <= quantity)

    def hear(self, order: str) -> None:
        """The order manager did something with an order."""
        for key in self.combos.get(order, (order,)):
            working = self.orders.get(key)
            if working is not None:
                working.heard = True

    def withdraw(self, order: str) -> float:
        """An approval is taken back; what it had counted towards turnover."""
        keys = self.combos.get(order, (order,))
        notional = sum(self.orders[key].notional for key in keys if key in self.orders)
        self.moved(order, 0, True)
        return notional

    def works(self, order: str) -> bool:
        return order in self.orders or order in self.combos

    def filled(self, instrument: str, signed: Qty) -> None:
        """The position changed by a fill."""
        line = self.meet(instrument)
        if line is not None:
            line.position += signed
            line.owner.position += signed
            self.value(line.owner)

    def forget_unheard(self) -> None:
        """Drop approvals that the order manager never heard of: their run is over."""
        for order in [order for order, working in self.orders.items() if not working.heard]:
            self.moved(order.partition(LEG)[0], 0, True)

    def value(self, holding: Holding) -> None:
        """Count one product anew after something of it changed."""
        price = holding.price
        up, down = (holding.position + holding.buys) * price, (holding.position - holding.sells) * price
        gross = up if up > -down else -down  # up >= down, so the larger size is one of these
        self.gross += gross - holding.gross
        self.up += up - holding.up
        self.down += down - holding.down
        holding.gross, holding.up, holding.down = gross, up, down

    def keep(self) -> tuple[dict[str, Qty], dict[str, Working]]:
        """Positions and working orders, for a snapshot."""
        positions = {name: line.position for name, line in self.lines.items() if line.position}
        return positions, {name: structs.replace(working) for name, working in self.orders.items()}

    def load(self, positions: Mapping[str, Qty], orders: Mapping[str, Working]) -> None:
        """Take back what `keep` gave."""
        for instrument, quantity in positions.items():
            self.filled(instrument, quantity)
        for order, working in orders.items():
            line = self.meet(working.instrument)
            if line is not None:
                self.orders[order] = working
                counts = min(working.left, working.counted)
                self._add(line, working.side, counts, working.left - counts)
            combo, leg, _ = order.partition(LEG)
            if leg:
                self.combos[combo] = (*self.combos.get(combo, ()), order)

    def _add(self, line: Line, side: Side, counts: Qty, rolls: Qty) -> None:
        """Let so much more (or less) work: what changes the product's exposure, and what moves between contracts."""
        owner = line.owner
        owner.rolling[side] += rolls
        if side is BUY:
            line.buys += counts + rolls
            owner.buys += counts
        else:
            line.sells += counts + rolls
            owner.sells += counts
        self.value(owner)

    def _adopt(self, marked: tuple[ExposureLine, ...]) -> None:
        quantities = {each.instrument: each for each in marked}
        for name in quantities:
            self.meet(name)
        empty = []
        busy = {working.instrument for working in self.orders.values()}
        for name, line in self.lines.items():
            seen, owner = quantities.get(name), line.owner
            if not line.buys and not line.sells:
                line.position = seen.quantity if seen is not None else 0
                if not line.position and name not in busy:
                    empty.append(name)
            if seen is not None and not owner.price:
                owner.price = abs(seen.price) * owner.unit
            owner.position += line.position
        for working in self.orders.values():
            owner, counts = self.lines[working.instrument].owner, min(working.left, working.counted)
            if working.side is BUY:
                owner.buys += counts
            else:
                owner.sells += counts
        for name in empty:
            del self.lines[name]
