"""The closing plan: exact orders that would leave no position, deposited while the engine still knows what it has."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from engine.message import Event
from engine.ports import Row
from model.decisions import DayMarked
from model.orders import Filled, OrderSpec, OrderType, Side, TimeInForce, intent_id
from model.units import Qty

FILE = "closing-plan"


class ClosingPlan(msgspec.Struct, frozen=True):
    """Orders to the venue, word for word. seq: the row that the positions are as of.  expires_ns: wall time."""

    seq: int
    expires_ns: int
    orders: tuple[OrderSpec, ...]


def closing_orders(positions: Mapping[str, Qty], seq: int) -> tuple[OrderSpec, ...]:
    """One market order against each position; the same positions as of the same row give the same ids."""
    orders = []
    for instrument, held in sorted(positions.items()):
        if held:
            side = Side.SELL if held > 0 else Side.BUY
            name = intent_id(f"closing.{seq}", instrument, side, abs(held), "guardian", 0, 0)
            orders.append(
                OrderSpec(
                    client_id=name, instrument=instrument, side=side, quantity=abs(held), type=OrderType.MARKET,
                    tif=TimeInForce.DAY,
                )
            )  # fmt: skip
    return tuple(orders)


class Shelf(Protocol):
    """Where a plan is left."""

    def write(self, value: ClosingPlan, /) -> None: ...


class PlanDeposit:
    """Leaves a new plan when a durable row has moved a position, and again at half of a plan's time.

    positions: the book's, as of the row that was folded last.  now_ns: wall time.
    """

    MOVES: tuple[type[Event], ...] = (Filled, DayMarked)

    def __init__(
        self, shelf: Shelf, positions: Callable[[], Mapping[str, Qty]], valid_ns: int, now_ns: Callable[[], int]
    ) -> None:
        self._shelf, self._positions = shelf, positions
        self._valid_ns, self._now_ns = valid_ns, now_ns
        self._seq = 0
        self._held: dict[str, Qty] | None = None
        self._renew_ns = 0

    def fold(self, row: Row) -> None:
        """Take one durable row, after whoever keeps the positions has taken it."""
        self._seq = row.seq
        if isinstance(row.event, self.MOVES):
            with contextlib.suppress(OSError):  # the next beat tries again, and a guardian compares with the venue
                self.renew()

    def renew(self) -> None:
        """Leave a plan unless the last one still says the same and has half of its time. Raises OSError."""
        held = {name: quantity for name, quantity in self._positions().items() if quantity}
        now_ns = self._now_ns()
        if held == self._held and now_ns < self._renew_ns:
            return
        self._shelf.write(ClosingPlan(self._seq, now_ns + self._valid_ns, closing_orders(held, self._seq)))
        self._held, self._renew_ns = held, now_ns + self._valid_ns // 2
