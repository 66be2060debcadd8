"""Steps the regime machine once per session; a restart, a second run or a missing input changes nothing."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Final

import msgspec

from engine.actor import Actor
from engine.effects import Effects, Journal, Ref, Tell
from engine.message import Event
from model.decisions import CycleFx, NavMarked, Regime, RegimeDecided
from model.market import FxSnapshot, ProductBar, Quality
from model.units import CASH_SCALE, PX_SCALE
from quant.levels import PairedLevels
from quant.regime import Levels, Machine, RegimeName, europe_stress, raw_regime, stress_regime
from quant.risk_scaling import Track
from quant.trend_filter import ratio_momentum

_TREND_DAYS: Final = 60
_DAYS_A_YEAR: Final = 252.0


class RegimeRules(msgspec.Struct, frozen=True, kw_only=True):
    """What the regime is read from; an empty name leaves that input out.

    index_product: a volatility index such as VIX.  europe_index_product: V2X or the like; with it the Europe-first
    stress score decides.  us_product, eu_product: the spread whose momentum tells a recovery.  currency: whose trend
    against the dollar the stress score reads.  momentum_days: fast and slow mean of the spread, slope of the fast one.
    """

    index_product: str = ""
    europe_index_product: str = ""
    us_product: str = ""
    eu_product: str = ""
    currency: str = "EUR"
    momentum_days: tuple[int, int, int] = (50, 200, 20)
    levels: Levels = Levels()


class RegimeState(msgspec.Struct):
    """Everything the regime depends on."""

    machine: Machine = msgspec.field(default_factory=Machine)
    track: Track = msgspec.field(default_factory=Track)
    spread: PairedLevels = msgspec.field(default_factory=lambda: PairedLevels(0))
    indices: dict[str, float] = {}
    rates: list[float] = []
    last: RegimeDecided | None = None


class RegimeKept(Event, frozen=True, gc=False):
    """Snapshot of the regime actor."""

    state: bytes


class RegimeReader:
    """The rules and their state without the actor around them."""

    def __init__(self, rules: RegimeRules) -> None:
        self.rules = rules
        fast, slow, slope = rules.momentum_days
        self.state = RegimeState(spread=PairedLevels(max(slow, fast + slope)))

    def on_bar(self, bar: ProductBar) -> None:
        """Fold one bar of a watched product; bars that are not GOOD are left out."""
        if bar.quality is not Quality.GOOD:
            return
        rules, name = self.rules, bar.product
        if name in (rules.index_product, rules.europe_index_product):
            self.state.indices[name] = bar.price / PX_SCALE
        if name in (rules.us_product, rules.eu_product):
            self.state.spread.update(name == rules.us_product, bar.session, float(bar.price), float(bar.adjusted))

    def decide(self, told: CycleFx, nav: NavMarked, at_ns: int) -> RegimeDecided:
        """The regime of the cycle's session; a session already decided is answered as it was."""
        state, session, run = self.state, told.cycle.session, told.cycle.run_id
        if state.last is not None and session <= state.machine.session:
            state.last = msgspec.structs.replace(state.last, run_id=run)
            return state.last
        money, flows = nav.nav / CASH_SCALE, nav.external_flows / CASH_SCALE
        facts: dict[str, float] = {}
        missing: list[str] = []
        facts["drawdown"] = drawdown = state.track.drawdown(money, flows)
        state.track.step(session, money, flows)
        self._note_rate(told.fx, facts)
        raw = self._read(told, drawdown, facts, missing)
        was = state.machine.regime
        if raw is None:
            state.machine.session = session
        else:
            state.machine.step(session, raw, self.rules.levels.closes_to_confirm)
        facts.update(nav=money, flows=flows, wealth=state.track.wealth, peak=state.track.peak)
        machine = state.machine
        state.last = RegimeDecided(
            run,
            session,
            Regime(machine.regime),
            Regime(machine.pending),
            machine.pending_days,
            tuple(missing),
            _why(was, machine, raw, missing),
            facts,
            at_ns,
        )
        return state.last

    def fold(self, decided: RegimeDecided) -> None:
        """Take a decision back from the journal."""
        state, facts = self.state, decided.facts
        if decided.session <= state.machine.session:
            if decided.session == state.machine.session:
                state.last = decided
            return
        state.machine = Machine(decided.regime.value, decided.pending.value, decided.pending_days, decided.session)
        state.track = Track(decided.session, facts["nav"], facts["flows"], facts["wealth"], facts["peak"])
        if "currency_rate" in facts:
            self._add_rate(facts["currency_rate"])
        state.last = decided

    def _read(self, told: CycleFx, drawdown: float, facts: dict[str, float], missing: list[str]) -> RegimeName | None:
        """Today's reading, or None when what it needs is missing. A drawdown at the crisis level needs nothing else."""
        rules = self.rules
        if drawdown != drawdown:
            missing.append("drawdown")
        elif drawdown <= rules.levels.crisis_drawdown:
            return "CRISIS"
        index = self._index(rules.index_product, told, facts, missing)
        momentum = self._momentum(facts, missing)
        if rules.europe_index_product:
            v2x = self._index(rules.europe_index_product, told, facts, missing)
            trend = self._trend(facts, missing)
            if v2x is None or index is None or trend is None or "drawdown" in missing:
                return None
            stress = europe_stress(v2x, index, trend, drawdown)
            facts["stress"] = stress.score
            return stress_regime(stress.score, rules.levels)
        if index is None or "drawdown" in missing:
            return None
        return raw_regime(self.state.machine.regime, index, drawdown, momentum, rules.levels)

    def _index(self, name: str, told: CycleFx, facts: dict[str, float], missing: list[str]) -> float | None:
        """The index's level; nought, which alarms nobody, when the rules name none."""
        if not name:
            return 0.0
        level = self.state.indices.get(name)
        if level is None or name in told.cycle.degraded:
            missing.append(name)
            return None
        facts[name] = level
        return level

    def _momentum(self, facts: dict[str, float], missing: list[str]) -> float | None:
        if not (self.rules.us_product and self.rules.eu_product):
            return None
        spread = self.state.spread
        ratio = [a / b for a, b in zip(spread.firsts, spread.seconds, strict=True)]
        momentum = ratio_momentum(ratio, *self.rules.momentum_days)
        if momentum is None:
            missing.append("spread momentum")
        else:
            facts["momentum"] = momentum
        return momentum

    def _note_rate(self, fx: FxSnapshot, facts: dict[str, float]) -> None:
        """The currency in dollars, whichever of the two is the base."""
        one, dollar = fx.rates.get(self.rules.currency), fx.rates.get("USD")
        if not self.rules.europe_index_product or one is None or dollar is None:
            return
        if one.quality is Quality.GOOD and dollar.quality is Quality.GOOD:
            facts["currency_rate"] = one.rate / dollar.rate
            self._add_rate(facts["currency_rate"])

    def _add_rate(self, rate: float) -> None:
        self.state.rates.append(rate)
        del self.state.rates[: -_TREND_DAYS - 1]

    def _trend(self, facts: dict[str, float], missing: list[str]) -> float | None:
        rates = self.state.rates
        if len(rates) <= _TREND_DAYS or "currency_rate" not in facts:
            missing.append(f"{self.rules.currency} trend")
            return None
        returns = [b / a - 1.0 for a, b in pairwise(rates)]
        facts["currency_trend"] = trend = math.fsum(returns) / len(returns) * _DAYS_A_YEAR
        return trend


class RegimeActor(Actor):
    """Join each cycle with its net asset value, decide the session's regime, journal it and tell risk."""

    def __init__(self, *, rules: RegimeRules, risk: Ref[RegimeDecided]) -> None:
        self.reader = RegimeReader(rules)
        self.risk = risk
        self._cycle: CycleFx | None = None
        self._nav: NavMarked | None = None

    def on_product_bar(self, bar: ProductBar) -> Effects:
        self.reader.on_bar(bar)
        return None

    def on_cycle_fx(self, cycle: CycleFx) -> Effects:
        self._cycle = cycle
        return self._decide()

    def on_nav_marked(self, nav: NavMarked) -> Effects:
        self._nav = nav
        return self._decide()

    def fold_regime_decided(self, decided: RegimeDecided) -> None:
        self.reader.fold(decided)

    def snapshot(self) -> RegimeKept:
        return RegimeKept(msgspec.msgpack.encode(self.reader.state))

    def restore(self, snapshot: Event) -> None:
        if not isinstance(snapshot, RegimeKept):
            raise ValueError(f"{type(snapshot).__name__} is no snapshot of the regime; start without it")
        self.reader.state = msgspec.msgpack.decode(snapshot.state, type=RegimeState)

    def _decide(self) -> Effects:
        cycle, nav = self._cycle, self._nav
        if cycle is None or nav is None or cycle.cycle.run_id != nav.run_id:
            return None
        self._cycle = self._nav = None
        known = self.reader.state.last
        if known is not None and known.run_id == nav.run_id:
            return (Tell(self.risk, known),)
        decided = self.reader.decide(cycle, nav, self.clock.now_ns)
        return (Journal(decided), Tell(self.risk, decided))


def _why(was: RegimeName, machine: Machine, raw: RegimeName | None, missing: list[str]) -> str:
    if raw is None:
        return f"{machine.regime} is kept: {', '.join(missing)} missing"
    if machine.regime != was:
        return f"{was} became {machine.regime}"
    if machine.pending_days:
        return f"{machine.regime}, {machine.pending} for {machine.pending_days} closes"
    return f"{machine.regime}"
