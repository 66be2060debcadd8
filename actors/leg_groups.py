"""Legs that belong together: how far each is filled, when a pair stands on one leg, and what would undo it."""

from __future__ import annotations

import msgspec

from actors.order import shares_of
from model.orders import Intent, OrderUpdate, Purpose, Share, Side, Urgency, intent_id
from model.units import NS_PER_SECOND, Qty, qty_float

BPS = 10_000


class LeggingPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When a pair stands on one leg: one leg filled by `ahead_bps` at least, another by less than `behind_bps`.

    notice_ns: legs never fill at one moment, so a shorter imbalance is none.  unhedged_ns: how long one may last.
    phased: buys wait for sells, `phase_wait_ns` at most.  redrive_within_ns: an approval older than this is not placed
    after a restart.
    """

    ahead_bps: int = 3_000
    behind_bps: int = 1_000
    notice_ns: int = 2 * NS_PER_SECOND
    unhedged_ns: int = 60 * NS_PER_SECOND
    phased: bool = True
    phase_wait_ns: int = 150 * NS_PER_SECOND
    redrive_within_ns: int = 12 * 3600 * NS_PER_SECOND
    retry_ns: int = NS_PER_SECOND // 10


class Leg:
    """One leg and the last word on its order."""

    __slots__ = ("filled", "heard", "intent", "terminal")

    def __init__(self, intent: Intent) -> None:
        self.intent = intent
        self.filled: Qty = 0
        self.heard = False
        self.terminal = False

    @property
    def filled_bps(self) -> int:
        return self.filled * BPS // self.intent.quantity


class Group:
    """The legs of one pair of one run."""

    def __init__(self, name: str, run_id: str, pair: str) -> None:
        self.name = name
        self.run_id = run_id
        self.pair = pair
        self.legs: dict[str, Leg] = {}
        self.legged_ns = 0
        self.noticed = False
        self.cancelling = False

    def hear(self, update: OrderUpdate) -> None:
        leg = self.legs[update.client_id]
        leg.filled, leg.terminal, leg.heard = update.filled, update.terminal, True

    @property
    def heard(self) -> bool:
        """Every leg has been heard of."""
        return all(leg.heard for leg in self.legs.values())

    @property
    def over(self) -> bool:
        return all(leg.terminal for leg in self.legs.values())

    def legged(self, policy: LeggingPolicy) -> bool:
        filled = [leg.filled_bps for leg in self.legs.values()]
        return max(filled) >= policy.ahead_bps and min(filled) < policy.behind_bps

    def lagging(self, policy: LeggingPolicy) -> list[Leg]:
        return [leg for leg in self.legs.values() if leg.filled_bps < policy.behind_bps and not leg.terminal]

    def words(self) -> str:
        return ", ".join(
            f"{leg.intent.instrument} {qty_float(leg.filled):g} of {qty_float(leg.intent.quantity):g}"
            for leg in self.legs.values()
        )

    def unwinds(self) -> tuple[Intent, ...]:
        """Orders that bring every leg back to the share of the leg that is filled least, in the pair's own ratio.

        The legs' quantities are the hedge ratio the sleeve chose (beta, DV01 or value), so equal shares of them hedge.
        What would be less than a lot of the leg's own smallest step is left.
        """
        least = min(self.legs.values(), key=lambda leg: leg.filled * BPS // leg.intent.quantity)
        found = []
        for leg in self.legs.values():
            intent = leg.intent
            matched = intent.quantity * least.filled // least.intent.quantity
            step = _step(intent.quantity)
            excess = (leg.filled - matched) // step * step
            if leg is not least and excess > 0:
                found.append(_unwind(intent, excess))
        return tuple(found)


def _step(quantity: Qty) -> Qty:
    """The largest power of ten that divides a quantity, at most one whole unit: a lot that is certainly allowed."""
    step = 10**8
    while quantity % step:
        step //= 10
    return step


def _unwind(intent: Intent, excess: Qty) -> Intent:
    side = Side.SELL if intent.side is Side.BUY else Side.BUY
    parts = shares_of(intent.shares, intent.side * excess, 1)
    attempt = intent.attempt + 1
    return Intent(
        id=intent_id(intent.run_id, intent.instrument, side, excess, "net", intent.leg, attempt),
        run_id=intent.run_id, instrument=intent.instrument, side=side, quantity=excess, purpose=Purpose.HEDGE,
        shares=tuple(Share(each.sleeve, -part) for each, part in zip(intent.shares, parts, strict=True) if part),
        reference=intent.reference, leg=intent.leg, attempt=attempt, urgency=Urgency.HIGH, reduces=not intent.reduces,
        reason=f"unwind {intent.pair}: its other leg did not fill",
    )  # fmt: skip
