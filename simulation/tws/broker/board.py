"""The last prices the broker saw of every contract."""

from __future__ import annotations

from model.market import Quote
from model.units import Px


class Board:
    """Quotes and last trades by con_id. Stops, combos and algorithms read them: matching is the exchange's."""

    def __init__(self) -> None:
        self.quotes: dict[int, Quote] = {}
        self.trades: dict[int, Px] = {}
