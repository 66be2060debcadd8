"""Risk: the limits of the engine and the rules of the regime machine."""

from __future__ import annotations

import msgspec

from config.quantities import AnnualShare, Count, Currency, Factor, Id, Level, Seconds, SessionCount, Share, Window


class RegimeScale(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The most that risk-taking sleeves may use of their size in each regime.

    normal: when nothing is unusual, and in RECOVERY
    elevated: when volatility or the drawdown is raised
    crisis: when either is extreme
    """

    normal: Share = 1.0
    elevated: Share = 0.7
    crisis: Share = 0.3

    def __post_init__(self) -> None:
        if not self.crisis <= self.elevated <= self.normal:
            raise ValueError("crisis <= elevated <= normal does not hold | Give the worse regime the smaller share")


class RiskLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the book may do.

    vol_target_annual: volatility of net asset value to aim at
    vol_floor_annual: volatility is never taken to be lower than this
    vol_prior_annual: volatility assumed until vol_trust_after_sessions returns are known
    vol_burn_in_floor_annual: the estimate is never under this until burn_in_sessions returns are known
    vol_trust_after_sessions: returns needed before the estimate replaces the prior
    vol_span_sessions: span of the fast (EWMA) estimate
    vol_rolling_sessions: window of the slow (plain) estimate
    vol_blend_ewma_share: weight of the fast estimate; the slow one has the rest
    burn_in_sessions: returns of the burn-in
    scale_min: volatility scaling alone never goes below; limits of regime, drawdown and leverage still do
    scale_max: volatility scaling never goes above
    scale_max_rise: the scale rises by no more than this from session to session; it falls at once
    state_scale: the cap on scaling in each regime
    max_drawdown_share: a drawdown of this much forces CRISIS
    max_gross_leverage: gross exposure over net asset value
    max_net_leverage: net exposure over net asset value
    max_order_share: notional of one order over net asset value
    max_daily_turnover_share: traded notional of one session over net asset value
    max_instrument_share: exposure to any one product over net asset value; no limit when not given
    instrument_shares: the same for products that need their own
    max_orders_per_minute: more than this are denied
    max_orders_per_run: more than this in one run are denied
    min_order_gap_s: least time between two orders in one contract
    min_margin_cushion_share: what must be left of equity over the initial margin after a basket, where the broker tells
    reconcile_halt_share: book and venue cash apart by more than this share of net asset value: positions only shrink
    reconcile_emergency_share: apart by more than this: halted
    """

    vol_target_annual: AnnualShare = 0.12
    vol_floor_annual: AnnualShare = 0.08
    vol_prior_annual: AnnualShare = 0.12
    vol_burn_in_floor_annual: AnnualShare = 0.10
    vol_trust_after_sessions: SessionCount = 20
    vol_span_sessions: Window = 20
    vol_rolling_sessions: Window = 60
    vol_blend_ewma_share: Share = 0.7
    burn_in_sessions: SessionCount = 60
    scale_min: Factor = 0.80
    scale_max: Factor = 1.25
    scale_max_rise: Factor = 0.25
    state_scale: RegimeScale = RegimeScale()
    max_drawdown_share: Share = 0.10
    max_gross_leverage: Factor = 2.0
    max_net_leverage: Factor = 1.0
    max_order_share: Factor = 0.10
    max_daily_turnover_share: Factor = 0.50
    max_instrument_share: Factor | None = None
    instrument_shares: dict[Id, Factor] = {}
    max_orders_per_minute: Count = 600
    max_orders_per_run: Count = 500
    min_order_gap_s: Seconds = 0.0
    min_margin_cushion_share: Share = 0.10
    reconcile_halt_share: Share = 0.005
    reconcile_emergency_share: Share = 0.01

    def __post_init__(self) -> None:
        if self.vol_floor_annual > self.vol_target_annual:
            raise ValueError("vol_floor_annual: the floor is above vol_target_annual | Give a floor below the target")
        if self.scale_min > self.scale_max:
            raise ValueError("scale_min: it is above scale_max | Give scale_min <= scale_max")
        if self.max_net_leverage > self.max_gross_leverage:
            raise ValueError("max_net_leverage: net cannot exceed gross leverage | Lower it to max_gross_leverage")
        if self.reconcile_halt_share > self.reconcile_emergency_share:
            raise ValueError(
                "reconcile_halt_share: it is above reconcile_emergency_share | Halt before it is an emergency"
            )


class RegimeRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The regime machine: enter and leave levels of a volatility index and of the book's own drawdown.

    volatility_index: product whose price is the index; empty means drawdown alone
    europe_volatility_index: the same for Europe; with it the Europe-first stress score decides
    stress_currency: currency whose trend against the dollar the stress score reads
    stress_enter_elevated: a score of at least this is ELEVATED
    stress_enter_crisis: a score of at least this is CRISIS
    momentum_long: product on top of the ratio whose trend confirms a recovery; empty means none
    momentum_short: product below the ratio
    momentum_fast_sessions: fast moving average of the ratio
    momentum_slow_sessions: slow moving average of the ratio
    momentum_slope_sessions: window of the fast average's slope
    vix_enter_elevated: at or above, ELEVATED
    vix_exit_elevated: below, no longer ELEVATED
    vix_enter_crisis: at or above, CRISIS at once
    vix_exit_crisis: below, and the drawdown halved, no longer CRISIS
    vix_recovery: RECOVERY needs the index below this
    drawdown_enter_elevated_share: a drawdown of this much is ELEVATED
    drawdown_exit_elevated_share: at less than this no longer ELEVATED
    drawdown_enter_crisis_share: a drawdown of this much is CRISIS at once
    drawdown_exit_crisis_share: at less than this no longer CRISIS
    drawdown_recovery_share: a drawdown between this and drawdown_enter_elevated_share, while healing, is RECOVERY
    persistence_sessions: closes in a row that another regime must last before it is entered; CRISIS needs one
    """

    volatility_index: Id | None = None
    europe_volatility_index: Id | None = None
    stress_currency: Currency = "EUR"
    stress_enter_elevated: Share = 0.3
    stress_enter_crisis: Share = 0.6
    momentum_long: Id | None = None
    momentum_short: Id | None = None
    momentum_fast_sessions: Window = 50
    momentum_slow_sessions: Window = 200
    momentum_slope_sessions: Window = 20
    vix_enter_elevated: Level = 25.0
    vix_exit_elevated: Level = 20.0
    vix_enter_crisis: Level = 40.0
    vix_exit_crisis: Level = 35.0
    vix_recovery: Level = 20.0
    drawdown_enter_elevated_share: Share = 0.05
    drawdown_exit_elevated_share: Share = 0.03
    drawdown_enter_crisis_share: Share = 0.10
    drawdown_exit_crisis_share: Share = 0.05
    drawdown_recovery_share: Share = 0.02
    persistence_sessions: Window = 3

    def __post_init__(self) -> None:
        if not self.vix_exit_elevated <= self.vix_enter_elevated <= self.vix_exit_crisis <= self.vix_enter_crisis:
            raise ValueError(
                "vix_exit_elevated <= vix_enter_elevated <= vix_exit_crisis <= vix_enter_crisis does not hold"
                " | Put the levels in this order"
            )
        if self.drawdown_exit_elevated_share > self.drawdown_enter_elevated_share:
            raise ValueError("drawdown_exit_elevated_share: leaves above where it enters | Lower it")
        if self.drawdown_exit_crisis_share > self.drawdown_enter_crisis_share:
            raise ValueError("drawdown_exit_crisis_share: leaves above where it enters | Lower it")
        if self.stress_enter_elevated > self.stress_enter_crisis:
            raise ValueError("stress_enter_elevated: it is above stress_enter_crisis | Lower it")
        if (self.momentum_long is None) != (self.momentum_short is None):
            raise ValueError("momentum_long and momentum_short belong together | Give both or neither")
