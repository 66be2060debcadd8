"""A sleeve for drills: it changes its mind in every decision, so that there is always an order under way to lose."""

from __future__ import annotations

from hashlib import sha256

from model.decisions import Decide, Want
from model.market import ProductBar
from model.units import QTY_SCALE
from sleeves.base import Seat, Wanted, hold


class Drill:
    """Wants up to `most_units` of each product, long or short; how many follows from the run's id alone.

    Nothing here makes money: it is for proving an installation, and for breaking one on purpose.
    """

    hedges = False

    def __init__(self, seat: Seat, *, most_units: int = 50) -> None:
        if most_units < 1:
            raise ValueError(f"most_units is {most_units}; at least 1 is needed to trade anything")
        self.id = seat.id
        self.products = tuple(one.id for one in seat.instruments)
        self.most_units = most_units

    def on_bar(self, bar: ProductBar) -> None:
        """Prices change no wish."""

    def decide(self, decide: Decide) -> Wanted:
        degraded = decide.cycle.degraded
        wants = [
            hold(product, f"its price is {degraded[product].name}")
            if product in degraded
            else Want(product, self._units(decide.cycle.run_id, product) * QTY_SCALE, "as the drill says", {})
            for product in self.products
        ]
        return Wanted(tuple(wants), ())

    def _units(self, run_id: str, product: str) -> int:
        drawn = int.from_bytes(sha256(f"{run_id} {product}".encode()).digest()[:4], "big")
        return drawn % (2 * self.most_units + 1) - self.most_units

    def state(self) -> bytes:
        return b""

    def load(self, state: bytes) -> None:
        """It keeps nothing."""
