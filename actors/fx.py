"""Keeps the rates and freezes them once per cycle: every decision of a run converts with the same snapshot."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.actor import Actor
from engine.effects import Effects, Journal, Ref, Tell
from engine.message import Event
from model.decisions import CycleFx, CycleOpened
from model.market import FxRate, FxRateSeen, FxSnapshot, Quality
from model.units import NS_PER_DAY, PX_SCALE, Px
from quant.fx import scaled_cross

GOOD, STALE, SUSPECT = Quality.GOOD, Quality.STALE, Quality.SUSPECT


class FxRules(msgspec.Struct, frozen=True, kw_only=True):
    """max_age_ns: a rate older than this is STALE.  largest_move: a larger change waits until it is seen twice."""

    max_age_ns: int = 4 * NS_PER_DAY
    largest_move: float = 0.20


class KeptRate(msgspec.Struct, frozen=True):
    """A rate as published; candidate: a rate so far away that it waits to be repeated, 0 for none."""

    rate: Px
    source: str
    at_ns: int
    candidate: Px = 0


class FxFixed(Event, frozen=True, gc=False):
    """The snapshot that one run decides with."""

    run_id: str
    fx: FxSnapshot


class FxKept(Event, frozen=True, gc=False):
    """Snapshot of the fx actor."""

    rates: dict[str, KeptRate]
    last: FxFixed | None


class Fx(Actor):
    """Answer each cycle with one immutable snapshot; a currency that was never quoted is not in it.

    base: the currency of account.  quoted_in: the currency that the feed's rates are money of; other bases are crossed
    through it.  listeners: regime, portfolio and risk.
    """

    def __init__(
        self, *, base: str, listeners: Sequence[Ref[CycleFx]], quoted_in: str = "", rules: FxRules | None = None
    ) -> None:
        self.base = base
        self.quoted_in = quoted_in or base
        self.listeners = tuple(listeners)
        self.rules = rules or FxRules()
        self._rates: dict[str, KeptRate] = {}
        self._last: FxFixed | None = None

    def on_fx_rate_seen(self, seen: FxRateSeen) -> Effects:
        known = self._rates.get(seen.currency)
        if seen.rate <= 0 or seen.currency == self.quoted_in or (known is not None and seen.at_ns < known.at_ns):
            return None
        if known is not None and self._far(known.rate, seen.rate):
            repeated = known.candidate and not self._far(known.candidate, seen.rate)
            if not repeated:
                self._rates[seen.currency] = msgspec.structs.replace(known, candidate=seen.rate)
                return None
        self._rates[seen.currency] = KeptRate(seen.rate, seen.source, seen.at_ns)
        return None

    def on_cycle_opened(self, cycle: CycleOpened) -> Effects:
        if self._last is not None and self._last.run_id == cycle.run_id:
            fixed, effects = self._last, []
        else:
            self._last = fixed = FxFixed(cycle.run_id, self.snapshot_at(cycle.at_ns))
            effects = [Journal(fixed)]
        told = CycleFx(cycle, fixed.fx)
        return [*effects, *(Tell(listener, told) for listener in self.listeners)]

    def fold_fx_fixed(self, fixed: FxFixed) -> None:
        self._last = fixed

    def snapshot(self) -> FxKept:
        return FxKept(dict(self._rates), self._last)

    def restore(self, snapshot: Event) -> None:
        if not isinstance(snapshot, FxKept):
            raise ValueError(
                f"{type(snapshot).__name__} is no snapshot of fx; start without it and read the rates again"
            )
        self._rates, self._last = dict(snapshot.rates), snapshot.last

    def snapshot_at(self, at_ns: int) -> FxSnapshot:
        """Every known rate to the base currency, each with source, age and quality."""
        rates = {self.base: FxRate(self.base, PX_SCALE, "identity", at_ns, GOOD)}
        through = self._rates.get(self.base)
        if self.base != self.quoted_in and through is None:
            return FxSnapshot(self.base, rates, at_ns)
        names = list(self._rates) if self.base == self.quoted_in else [*self._rates, self.quoted_in]
        for currency in names:
            if currency == self.base:
                continue
            one = self._rates.get(currency)
            rates[currency] = self._cross(currency, one, through if self.base != self.quoted_in else None, at_ns)
        return FxSnapshot(self.base, rates, at_ns)

    def _cross(self, currency: str, one: KeptRate | None, through: KeptRate | None, at_ns: int) -> FxRate:
        parts = [part for part in (one, through) if part is not None]
        rate = scaled_cross(one.rate if one else PX_SCALE, through.rate if through else PX_SCALE, PX_SCALE)
        oldest = min(part.at_ns for part in parts)
        source = " and ".join(sorted({part.source for part in parts}))
        quality = STALE if at_ns - oldest > self.rules.max_age_ns else GOOD
        if any(part.candidate for part in parts):
            quality = SUSPECT
        return FxRate(currency, rate, source, oldest, quality)

    def _far(self, known: Px, rate: Px) -> bool:
        return abs(rate - known) > self.rules.largest_move * known
