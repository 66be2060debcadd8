"""From net asset values to one scale for the book. State of the risk actor, testable by itself."""

from __future__ import annotations

import math

import msgspec

from model.decisions import CycleFx, Mode, NavMarked, RegimeDecided, RiskDecision
from model.units import CASH_SCALE
from quant.risk_scaling import (
    PortfolioVolatility,
    ScaleRules,
    Track,
    VolatilityRules,
    portfolio_volatility,
    risk_scale,
)
from sleeves.base import SCALE_UNKNOWN


class RiskRules(msgspec.Struct, frozen=True, kw_only=True):
    """How volatility is measured and what the scale may be."""

    volatility: VolatilityRules = VolatilityRules()
    scale: ScaleRules = ScaleRules()


class ScaleState(msgspec.Struct):
    """What the scale depends on. before: the scale of the session before the last; last: the newest decision."""

    track: Track
    volatility: PortfolioVolatility
    scale: float | None = None
    before: float | None = None
    last: RiskDecision | None = None


class RiskScaler:
    """One decision per run. Returns are taken once per session; every run of it sees its own drawdown and exposures."""

    def __init__(self, rules: RiskRules) -> None:
        self.rules = rules
        self.state = ScaleState(Track(), portfolio_volatility(rules.volatility))

    def decide(self, told: CycleFx, regime: RegimeDecided, nav: NavMarked, mode: Mode, at_ns: int) -> RiskDecision:
        """The scale of this run. When it cannot be known the last one stands, capped by what the regime permits."""
        state, rules = self.state, self.rules.scale
        money, flows = nav.nav / CASH_SCALE, nav.external_flows / CASH_SCALE
        drawdown = state.track.drawdown(money, flows)
        self._note(nav.session, money, flows)
        volatility = state.volatility.annual(self.rules.volatility)
        gross = nav.gross / nav.nav if nav.nav > 0 else math.nan
        if state.last is None or nav.session > state.last.session:
            state.before = state.scale
        scale = risk_scale(volatility, drawdown, regime.regime.value, gross, rules, state.before)
        degraded = [f"regime: {each}" for each in regime.degraded]
        if nav.degraded:
            degraded.extend(f"portfolio: {each}" for each in nav.degraded)
        if scale is None:
            degraded.append(SCALE_UNKNOWN)
            value, why = state.scale or 0.0, "net asset value or volatility is not a number: the last scale stands"
        else:
            value = scale.value
            why = f"{scale.bound} decides: {rules.target:.1%} over {volatility:.1%} is {scale.raw:.2f}"
            state.scale = value
        state.last = RiskDecision(
            told.cycle.run_id,
            nav.session,
            mode,
            regime.regime,
            value,
            volatility,
            drawdown,
            nav.nav,
            why,
            tuple(degraded),
            at_ns,
            nav.external_flows,
        )
        return state.last

    def fold(self, decision: RiskDecision) -> None:
        """Take a decision back from the journal."""
        self._note(decision.session, decision.nav / CASH_SCALE, decision.external_flows / CASH_SCALE)
        if self.state.last is None or decision.session > self.state.last.session:
            self.state.before = self.state.scale
        if SCALE_UNKNOWN not in decision.degraded:
            self.state.scale = decision.scale
        self.state.last = decision

    def _note(self, session: int, money: float, flows: float) -> None:
        if not money > 0.0:
            return
        gained = self.state.track.step(session, money, flows)
        if gained is not None:
            self.state.volatility.update(gained)
