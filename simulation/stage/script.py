"""A sleeve that wants what the test says: the stage's hand on the production path from target to order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from config.program import CustomSleeve, Program
from model.decisions import Decide, Want
from model.instruments import Instrument
from model.market import ProductBar
from model.orders import Urgency
from model.units import Qty
from sleeves.base import Wanted


class Wish(NamedTuple):
    """What a sleeve is to hold of one product; legs of one `pair` trade together or not at all."""

    quantity: Qty
    pair: str = ""
    urgency: Urgency = Urgency.NORMAL


class Script:
    """What every scripted sleeve wants now, by sleeve and product. It outlives a crash, as an author's mind does."""

    def __init__(self) -> None:
        self.wishes: dict[str, dict[str, Wish]] = {}

    def sleeve(
        self, program: Program, place: int, config: CustomSleeve, instruments: Mapping[str, Instrument]
    ) -> Scripted:
        """The sleeve at a place of the program; see `actors.parameters.OwnSleeve`."""
        return Scripted(config.id, config.products, self.wishes.setdefault(config.id, {}))


class Scripted:
    """Wants its wishes, and holds what it was never told about."""

    hedges = False

    def __init__(self, id: str, products: tuple[str, ...], wishes: Mapping[str, Wish]) -> None:
        self.id = id
        self.products = products
        self._wishes = wishes

    def on_bar(self, bar: ProductBar) -> None:
        """Prices change no wish."""

    def decide(self, decide: Decide) -> Wanted:
        return Wanted(tuple(self._want(product, decide) for product in self.products), ())

    def _want(self, product: str, decide: Decide) -> Want:
        wish = self._wishes.get(product)
        degraded = decide.cycle.degraded.get(product)
        if wish is None or degraded is not None:
            why = "nothing was wished" if wish is None else f"its price is {degraded.name if degraded else ''}"
            return Want(product, 0, f"hold: {why}", {}, hold=True)
        return Want(product, wish.quantity, "as the script says", {}, pair=wish.pair, urgency=wish.urgency)

    def state(self) -> bytes:
        return b""

    def load(self, state: bytes) -> None:
        """It keeps nothing."""
