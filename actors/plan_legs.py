"""Legs of a plan before they are intents, and which of them go together."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from actors.contracts import Contract
from model.orders import Purpose, Share, Urgency
from model.units import Px, Qty


class Leg(msgspec.Struct, gc=False):
    """A change of one contract before it is an intent."""

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


def grouped(legs: Sequence[Leg]) -> list[tuple[str, list[Leg]]]:
    """Legs that share a pair name, directly or through another leg; a leg without a pair is alone."""
    single = [(leg.contract.id, [leg]) for leg in legs if not leg.pairs]
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
    return [*single, *((name, members) for name, members, _ in groups)]
