"""Regimes of the market as a small state machine stepped once per daily close.

Two readings of a day: volatility index, drawdown and spread momentum (`raw_regime`), and a Europe-first stress score
(`stress_regime`). `Machine.step` turns either into a regime that does not flicker. Drawdowns are negative fractions.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import msgspec

RegimeName = Literal["NORMAL", "RECOVERY", "ELEVATED", "CRISIS"]


class Levels(msgspec.Struct, frozen=True, kw_only=True):
    """Where regimes are entered and left; entering is harder than staying."""

    crisis_enter_index: float = 40.0
    crisis_exit_index: float = 35.0
    crisis_drawdown: float = -0.10
    crisis_exit_drawdown: float = -0.05
    elevated_enter_index: float = 25.0
    elevated_exit_index: float = 20.0
    elevated_enter_drawdown: float = -0.05
    elevated_exit_drawdown: float = -0.03
    recovery_index: float = 20.0
    recovery_drawdown: float = -0.02
    stress_elevated: float = 0.3
    stress_crisis: float = 0.6
    closes_to_confirm: int = 3


LEVELS: Final = Levels()


def raw_regime(
    current: RegimeName, index: float, drawdown: float, momentum: float | None, levels: Levels = LEVELS
) -> RegimeName:
    """What one daily close says on its own, given the regime it finds.

    index: a volatility index such as VIX, in points.  momentum: of the spread; RECOVERY needs it above zero.
    """
    crisis = index >= levels.crisis_enter_index or drawdown <= levels.crisis_drawdown
    left = index < levels.crisis_exit_index and drawdown > levels.crisis_exit_drawdown
    if crisis or (current == "CRISIS" and not left):
        return "CRISIS"
    if index >= levels.elevated_enter_index or drawdown <= levels.elevated_enter_drawdown:
        return "ELEVATED"
    stays = index >= levels.elevated_exit_index or drawdown <= levels.elevated_exit_drawdown
    if current == "ELEVATED" and stays:
        return "ELEVATED"
    shallow = levels.elevated_enter_drawdown <= drawdown <= levels.recovery_drawdown
    if shallow and index < levels.recovery_index and momentum is not None and momentum > 0.0:
        return "RECOVERY"
    return "NORMAL"


class Stress(NamedTuple):
    """The Europe-first score in [0, 1] with its weighted parts."""

    score: float
    volatility: float
    us_volatility: float
    currency: float
    drawdown: float


def europe_stress(v2x: float, vix: float, currency_trend: float, drawdown: float) -> Stress:
    """Weighted stress: V2X .4, VIX .3, EURUSD trend .2, drawdown .1.

    v2x, vix: index points.  currency_trend: annualised mean daily return of EURUSD, negative when the euro falls.
    """
    parts = (
        0.4 * _unit((v2x - 20.0) / 20.0),
        0.3 * _unit((vix - 20.0) / 25.0),
        0.2 * _unit(-currency_trend / 0.10),
        0.1 * _unit(-drawdown / 0.10),
    )
    return Stress(sum(parts), *parts)


def stress_regime(score: float, levels: Levels = LEVELS) -> RegimeName:
    """CRISIS, ELEVATED or NORMAL by the score alone."""
    if score >= levels.stress_crisis:
        return "CRISIS"
    return "ELEVATED" if score >= levels.stress_elevated else "NORMAL"


class Machine(msgspec.Struct):
    """The regime with what is needed to leave it. One step a daily close; a session already seen changes nothing."""

    regime: RegimeName = "NORMAL"
    pending: RegimeName = "NORMAL"
    pending_days: int = 0
    session: int = 0

    def step(self, session: int, raw: RegimeName, closes_to_confirm: int = 3) -> RegimeName:
        """Take one close's reading: CRISIS at once, anything else after enough closes in a row that agree."""
        if session <= self.session:
            return self.regime
        self.session = session
        if raw == self.regime:
            self.pending, self.pending_days = raw, 0
            return raw
        self.pending_days = self.pending_days + 1 if raw == self.pending else 1
        self.pending = raw
        if raw == "CRISIS" or self.pending_days >= closes_to_confirm:
            self.regime, self.pending_days = raw, 0
        return self.regime


def _unit(x: float) -> float:
    return min(1.0, max(0.0, x))
