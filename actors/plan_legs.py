"""Legs of a plan before they are intents, and which of them go together."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from actors.contracts import Contract
from model.orders import Purpose, Share, Urgency
from model.units import Px, Qty


class Leg(msgspec.Struct, gc=False):
    """A change of one contract, or a combo, before it is an intent. `group` is empty for an order that goes alone."""

    contract: Contract
    quantity: Qty
    shares: tuple[Share, ...]
    purpose: Purpose
    reference: Px
    reduces: bool
    urgency: Urgency
    pairs: tuple[str, ...]
    reason: str
    leg: int = 0
    group: str = ""
    legs: int = 1
    leg_references: tuple[Px, ...] = ()


def in_groups(legs: Sequence[Leg]) -> list[Leg]:
    """The same legs, those that go alone first; who shares a pair, directly or through another leg, is one group."""
    alone = [leg for leg in legs if not leg.pairs]
    if len(alone) == len(legs):
        return alone
    groups: list[tuple[str, list[Leg], dict[str, None]]] = []
    for leg in legs:
        if not leg.pairs:
            continue
        names = dict.fromkeys(leg.pairs)
        mine: list[Leg] = []
        rest = []
        for name, members, known in groups:
            if any(each in known for each in names):
                mine += members
                names = {**known, **names}
            else:
                rest.append((name, members, known))
        mine.append(leg)
        groups = [*rest, (next(iter(names)), mine, names)]
    for name, members, _ in groups:
        orders = sum(leg.quantity != 0 for leg in members)
        if orders > 1:
            for leg in members:
                leg.group, leg.legs = name, orders
    return [*alone, *(leg for _, members, _ in groups for leg in members)]
