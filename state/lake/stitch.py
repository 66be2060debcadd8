"""One continuous series from contract bars, in whole numbers: the research view of what market_data does live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model.rolls import Roll
from state.lake.lake import Bars, Ints


@dataclass(frozen=True, slots=True)
class Stitched:
    """A product's held contract, session by session, in 1e-9.

    price: of the contract held.  level: Panama stitching, back-adjusted so that the newest level is the price;
    differences are tradable profit in points.  unjoined: roll days on which one of the contracts had no price, so
    that the level steps by the whole difference between them. A roll after the last bar is none yet.
    """

    product: str
    session: Ints
    at_ns: Ints
    contract: Ints
    price: Ints
    level: Ints
    volume: Ints
    unjoined: tuple[int, ...]


def stitch(bars: Bars, rolls: Sequence[Roll]) -> Stitched:
    """The held contract's last bar of each session, joined at each roll by the difference of both closes that day."""
    held = _held(bars, rolls)
    mine = bars.where(bars.contract == held)
    last = np.ones(len(mine), np.bool_)
    last[:-1] = mine.session[1:] != mine.session[:-1]
    mine = mine.where(last)
    shift = np.zeros(len(mine), np.int64)
    unjoined: list[int] = []
    newest = int(bars.session[-1]) if len(bars) else 0
    for roll in rolls:
        if roll.session > newest:
            break
        step = _step(bars, roll)
        if step is None:
            unjoined.append(roll.session)
        else:
            shift[mine.session <= roll.session] += step
    level = mine.close + shift
    return Stitched(
        bars.product, mine.session, mine.at_ns, mine.contract, mine.close, level, mine.volume, tuple(unjoined)
    )


def _held(bars: Bars, rolls: Sequence[Roll]) -> Ints:
    if not rolls:
        newest = int(bars.contract[-1]) if len(bars) else 0
        return np.full(len(bars), newest, np.int64)
    chain = np.array([rolls[0].from_contract, *(r.to_contract for r in rolls)], np.int64)
    days = np.array([r.session for r in rolls], np.int64)
    held: Ints = chain[np.searchsorted(days, bars.session, side="left")]
    return held


def _step(bars: Bars, roll: Roll) -> int | None:
    """Price of the new contract minus the old one's at the close of the roll day."""
    first, last = np.searchsorted(bars.session, [roll.session, roll.session + 1]).tolist()
    closes = dict(zip(bars.contract[first:last].tolist(), bars.close[first:last].tolist(), strict=True))
    old, new = closes.get(roll.from_contract), closes.get(roll.to_contract)
    return None if old is None or new is None else new - old
