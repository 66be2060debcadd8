"""The account as the venue has it while time goes on, and what our open orders could make of it at worst."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from model.combos import contracts_of
from model.instruments import product_of
from model.orders import Fill, OrderSpec, Purpose
from model.units import Px, Qty
from simulation.exchange.book import WorkingOrder

Worth = Callable[[str, Px, Qty], float]


class Working(NamedTuple):
    """An order that may still fill. rolls: so much of it moves a position between contracts and makes none."""

    contract: str
    side: int
    rolls: Qty


class Standing:
    """Positions from the venue's fills, and our orders from the moment they leave until the venue ends them. A combo
    is its legs, each an order here.

    fills and closed are in the venue's order; worth values a quantity of a contract at a price.
    """

    def __init__(
        self, fills: Sequence[Fill], closed: Sequence[WorkingOrder], known: Mapping[str, WorkingOrder], worth: Worth
    ) -> None:
        self._fills, self._closed, self._known, self._worth = fills, closed, known, worth
        self._told = self._ended = 0
        self._by_id: dict[str, Fill] = {}
        self._prices: dict[str, Px] = {}
        self.positions: Counter[str] = Counter()
        self.working: dict[tuple[str, str], Working] = {}
        self.left: Counter[tuple[str, str]] = Counter()

    def advance(self, at_ns: int) -> None:
        """Take what happened at the venue by now."""
        fills, closed = self._fills, self._closed
        while self._told < len(fills) and fills[self._told].at_ns <= at_ns:
            self._take(fills[self._told])
            self._told += 1
        while self._ended < len(closed) and closed[self._ended].closed_ns <= at_ns:
            spec = closed[self._ended].spec
            for contract in contracts_of(spec.instrument):
                self.working.pop((spec.client_id, contract), None)
            self._ended += 1

    def _take(self, fill: Fill) -> None:
        replaced = self._by_id.get(fill.corrects)
        quantity = fill.quantity - (replaced.quantity if replaced is not None else 0)
        self._by_id[fill.exec_id] = fill
        self.positions[fill.instrument] += fill.side * quantity
        self.left[fill.client_id, fill.instrument] -= quantity

    def reduces(self, order: OrderSpec) -> bool:
        """Whether it only shrinks the position, even if everything else on its side fills first."""
        contract, side, own = order.instrument, order.side, order.client_id
        ahead = sum(
            self.left[name]
            for name, each in self.working.items()
            if each.contract == contract and each.side == side and name[0] != own
        )
        return order.quantity + ahead <= -side * self.positions[contract]

    def leave(self, order: OrderSpec, purpose: Purpose, price: Px) -> Qty:
        """An order leaves at a price of its decision; how much of it takes over what other contracts hold.

        One that never arrives at the venue never works.
        """
        product = product_of(order.instrument)
        self._prices[product] = price
        rolls = min(order.quantity, self._elsewhere(order)) if purpose is Purpose.ROLL else 0
        name = order.client_id, order.instrument
        if order.client_id in self._known and name not in self.left:
            self.working[name] = Working(order.instrument, order.side, rolls)
            self.left[name] = order.quantity
        return rolls

    def _elsewhere(self, order: OrderSpec) -> Qty:
        """What other contracts of the product hold in the direction of an order."""
        product = product_of(order.instrument)
        others = (held * order.side for name, held in self.positions.items() if name != order.instrument
                  and product_of(name) == product)  # fmt: skip
        return sum(held for held in others if held > 0)

    def exposures(self) -> tuple[dict[str, float], float, float]:
        """(gross by product, net over all when every buy fills, and when every sell does)."""
        up: Counter[str] = Counter()
        down: Counter[str] = Counter()
        for name, quantity in self.positions.items():
            up[product_of(name)] += quantity
            down[product_of(name)] += quantity
        for key, each in self.working.items():
            grows = max(0, self.left[key] - each.rolls)
            (up if each.side > 0 else down)[product_of(each.contract)] += each.side * grows
        gross: dict[str, float] = {}
        most = least = 0.0
        for product in {**up, **down}:
            unit = self._worth(product, self._prices.get(product, 0), 1)
            gross[product] = unit * max(up[product], -down[product])
            most += unit * up[product]
            least += unit * down[product]
        return gross, most, least
