"""How much risk the whole book may take: portfolio volatility, drawdown, and one scale from both.

Volatilities are annual fractions with 252 days a year; drawdowns are negative fractions.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import msgspec

from quant.volatility import EwmaDeviation, RollingDeviation, blend

ANNUAL: Final = math.sqrt(252.0)


class Track(msgspec.Struct):
    """Wealth without deposits and withdrawals, from net asset values at the first mark of each session.

    A deposit is not a profit: returns are (nav - flow) / previous nav - 1.
    """

    session: int = 0
    nav: float = 0.0
    flows: float = 0.0
    wealth: float = 1.0
    peak: float = 1.0

    def step(self, session: int, nav: float, flows: float = 0.0) -> float | None:
        """Take the session's first mark; answers its return, or None for the first one or a session already seen.

        nav: base currency.  flows: all deposits less withdrawals so far.
        """
        if session <= self.session:
            return None
        gained = self._gain(nav, flows)
        first = self.session == 0
        self.session, self.nav, self.flows = session, nav, flows
        if first or gained is None:
            return None
        self.wealth *= 1.0 + gained
        self.peak = max(self.peak, self.wealth)
        return gained

    def drawdown(self, nav: float, flows: float = 0.0) -> float:
        """Drawdown if the book were worth `nav` now, to 1e-12 so that 90 of 100 is a tenth; NaN when it is unknown."""
        gained = self._gain(nav, flows)
        if self.session == 0:
            return 0.0
        if gained is None:
            return math.nan
        wealth = self.wealth * (1.0 + gained)
        return round(min(0.0, wealth / max(self.peak, wealth) - 1.0), 12)

    def _gain(self, nav: float, flows: float) -> float | None:
        return (nav - (flows - self.flows)) / self.nav - 1.0 if self.nav > 0.0 else None


class VolatilityRules(msgspec.Struct, frozen=True, kw_only=True):
    """prior is used until `trust_after` returns; until `burn_in` the estimate cannot fall under burn_in_floor."""

    ewma_span: int = 20
    rolling_window: int = 60
    ewma_share: float = 0.7
    prior: float = 0.12
    floor: float = 0.08
    burn_in_floor: float = 0.10
    trust_after: int = 20
    burn_in: int = 60


class PortfolioVolatility(msgspec.Struct):
    """Blended volatility of the book's daily returns, with a prior while there is too little history."""

    ewma: EwmaDeviation
    rolling: RollingDeviation
    seen: int = 0

    def update(self, daily_return: float) -> None:
        self.seen += 1
        self.ewma.update(daily_return)
        self.rolling.add(daily_return)

    def annual(self, rules: VolatilityRules) -> float:
        """The figure to scale by: never under the floor, and the prior instead of nothing."""
        if self.seen < rules.trust_after:
            return max(rules.prior, rules.burn_in_floor, rules.floor)
        ewma = self.ewma.value * ANNUAL
        blended = blend(ewma, self.rolling.value * ANNUAL, rules.ewma_share, rules.floor)
        return max(blended, rules.burn_in_floor) if self.seen < rules.burn_in else blended


def portfolio_volatility(rules: VolatilityRules) -> PortfolioVolatility:
    """A fresh estimator."""
    return PortfolioVolatility(EwmaDeviation(float(rules.ewma_span), 5), RollingDeviation(rules.rolling_window))


class ScaleRules(msgspec.Struct, frozen=True, kw_only=True):
    """target: annual volatility.  clamp: what volatility scaling alone may ask.  limits: most that a regime permits.

    max_rise: by how much the scale may grow from one session to the next; it falls at once.
    """

    target: float = 0.12
    clamp_low: float = 0.80
    clamp_high: float = 1.25
    limit_normal: float = 1.0
    limit_elevated: float = 0.7
    limit_crisis: float = 0.3
    crisis_drawdown: float = -0.10
    max_gross: float = 2.0
    max_rise: float = 0.25


class Scale(NamedTuple):
    """value: to use. raw: target / volatility. clamped: after the clamp. bound: the name of what decided."""

    value: float
    raw: float
    clamped: float
    bound: str


def risk_scale(
    volatility: float, drawdown: float, regime: str, gross_leverage: float, rules: ScaleRules, previous: float | None
) -> Scale | None:
    """The scale of risk-taking sleeves, or None when an input is not a finite number: the caller keeps what it had.

    Volatility scaling is clamped first; regime, drawdown and leverage limits then dominate the clamp, in burn-in too.
    """
    if not (
        math.isfinite(volatility) and math.isfinite(drawdown) and math.isfinite(gross_leverage) and volatility > 0.0
    ):
        return None
    raw = rules.target / volatility
    clamped = min(rules.clamp_high, max(rules.clamp_low, raw))
    value, bound = clamped, "volatility" if clamped == raw else "clamp"
    limit = state_limit(regime, drawdown, rules)
    if limit < value:
        value, bound = limit, "state"
    if gross_leverage > rules.max_gross and rules.max_gross / gross_leverage < value:
        value, bound = rules.max_gross / gross_leverage, "gross"
    if previous is not None and value > previous + rules.max_rise:
        value, bound = previous + rules.max_rise, "speed"
    return Scale(value, raw, clamped, bound)


def state_limit(regime: str, drawdown: float, rules: ScaleRules) -> float:
    """The most that regime and drawdown permit; a drawdown at the crisis level counts as CRISIS whatever the regime."""
    if regime == "CRISIS" or drawdown <= rules.crisis_drawdown:
        return rules.limit_crisis
    return rules.limit_elevated if regime == "ELEVATED" else rules.limit_normal
