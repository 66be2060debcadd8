"""How much of a roll is the same position in another month, and what is left to trade beside it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from model.units import Qty

Parts = dict[str, Qty]


def split_roll(leaving: Mapping[str, Qty], entering: Mapping[str, Qty]) -> tuple[Parts, Parts, Parts] | None:
    """(what moves, what changes in the old contract besides, what changes in the new one), by sleeve and signed.

    leaving: what is held in the old contract, all of which goes.  entering: what the new one changes by.  The smaller
    of the two moves, so that what is left is one plain order at most. None where nothing moves: the two are of
    opposite sign, or one of them is nothing in all.
    """
    gone, come = sum(leaving.values()), sum(entering.values())
    if gone * come <= 0:
        return None
    moved = dict(leaving if abs(gone) <= abs(come) else entering)
    return moved, _less(moved, leaving), _less(entering, moved)


def _less(parts: Mapping[str, Qty], other: Mapping[str, Qty]) -> Parts:
    return {sleeve: parts.get(sleeve, 0) - other.get(sleeve, 0) for sleeve in {**parts, **other}}
