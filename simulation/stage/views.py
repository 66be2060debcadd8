"""What a test sees of the engine on the stage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from actors.order import Order
from model.instruments import product_of
from state.order_law import OrderState


class Orders:
    """Orders of the engine's own book, in the order in which they were planned."""

    def __init__(self, orders: Iterable[Order]) -> None:
        self._orders = list(orders)

    def __iter__(self) -> Iterator[Order]:
        return iter(self._orders)

    def __len__(self) -> int:
        return len(self._orders)

    def __getitem__(self, place: int) -> Order:
        return self._orders[place]

    def of(self, instrument: str) -> Orders:
        """Those in one contract, or in any contract of one product."""
        return Orders(o for o in self._orders if instrument in (o.spec.instrument, product_of(o.spec.instrument)))

    def in_state(self, *states: OrderState) -> Orders:
        return Orders(order for order in self._orders if order.state in states)

    def one(self) -> Order:
        """The only one. Raises LookupError, naming what there is, when there is none or more."""
        if len(self._orders) != 1:
            there = ", ".join(f"{o.spec.instrument} {o.state.value}" for o in self._orders) or "none"
            raise LookupError(f"one order was expected, and there are {len(self._orders)}: {there}")
        return self._orders[0]
