"""An instrument's tick table as integers, for the many roundings of a moving market."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np

from model.instruments import Instrument
from model.units import Px, px
from state.lake.lake import Ints


class Grid:
    """The same answers as `Instrument.tick_at` and `to_tick`, worked out once."""

    __slots__ = ("_bounds", "_ticks")

    def __init__(self, instrument: Instrument) -> None:
        self._bounds = [px(step.at_or_above) for step in instrument.ticks] or [0]
        self._ticks = [px(step.tick) for step in instrument.ticks] or [1]

    def tick(self, price: Px) -> Px:
        """The step at a price, by its size."""
        if len(self._ticks) == 1:
            return self._ticks[0]
        return self._ticks[max(0, bisect_right(self._bounds, abs(price)) - 1)]

    def down(self, price: Px) -> Px:
        return price // self.tick(price) * self.tick(price)

    def up(self, price: Px) -> Px:
        tick = self.tick(price)
        return -(-price // tick) * tick

    def nearest(self, price: Px) -> Px:
        """Half a step goes up."""
        tick = self.tick(price)
        return (2 * price + tick) // (2 * tick) * tick

    def all_down(self, prices: Ints) -> Ints:
        ticks = self._all(prices)
        return prices // ticks * ticks

    def all_up(self, prices: Ints) -> Ints:
        ticks = self._all(prices)
        return -(-prices // ticks) * ticks

    def _all(self, prices: Ints) -> Ints:
        place = np.maximum(np.searchsorted(self._bounds, np.abs(prices), side="right") - 1, 0)
        found: Ints = np.array(self._ticks, np.int64)[place]
        return found
