"""A made-up way through a recorded bar. Every price on it is simulated, except the bar's own four.

It begins at the open, touches high and low once each in an order that chance decides, and ends exactly at the close;
between them it wanders without leaving the bar's range. The same seed gives the same way.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from itertools import pairwise

from model.units import Px

FEWEST = 4
"""Steps a way needs to touch open, high, low and close one after another."""

ANNOUNCEMENT = (
    "Prices between a recorded bar's open, high, low and close are simulated: a seeded path that stays in the bar's "
    "range and ends at its close. A bar of which only the close is known begins at the close before it."
)


def path(bar: tuple[Px, Px, Px, Px], steps: int, seed: str, on_grid: Callable[[Px], Px] | None = None) -> list[Px]:
    """`steps` + 1 prices through (open, high, low, close). on_grid: the nearest valid price, for those between.

    Raises ValueError for fewer than FEWEST steps or a bar whose range does not hold its open and close.
    """
    opened, high, low, closed = bar
    if steps < FEWEST:
        raise ValueError(f"a path needs at least {FEWEST} steps, not {steps}")
    if not low <= min(opened, closed) <= max(opened, closed) <= high:
        raise ValueError(f"a bar of open {opened}, high {high}, low {low} and close {closed} contradicts itself")
    if high == low:
        return [closed] * (steps + 1)
    chance = random.Random(seed)
    first, second = (high, low) if chance.random() < 0.5 else (low, high)
    early, late = sorted(chance.sample(range(1, steps), 2))
    anchors = [(0, opened), (early, first), (late, second), (steps, closed)]
    way = [opened]
    for (at, start), (to, end) in pairwise(anchors):
        way += [_between(start, end, i / (to - at), (low, high), chance, on_grid) for i in range(1, to - at)]
        way.append(end)
    return way


def _between(
    start: Px, end: Px, part: float, limits: tuple[Px, Px], chance: random.Random, on_grid: Callable[[Px], Px] | None
) -> Px:
    """A price near the straight line between two anchors, as far off it as a bridge would be, inside the limits."""
    low, high = limits
    off = chance.gauss(0, 1) * (high - low) / 6 * math.sqrt(part * (1 - part))
    price = round(start + (end - start) * part + off)
    if on_grid is not None:
        price = on_grid(price)
    return min(high, max(low, price))


def from_close(closed: Px, before: Px | None) -> tuple[Px, Px, Px, Px]:
    """A bar of which only the close is known: it begins at the close before it and never leaves the two."""
    opened = closed if before is None else before
    return opened, max(opened, closed), min(opened, closed), closed
