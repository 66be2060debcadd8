"""From the words of the configuration to the parameters of actors and sleeves: each setting is read here, once."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from actors.comparison import CashBands
from actors.fx import FxRules
from actors.leg_groups import LeggingPolicy
from actors.netting import BasketPolicy
from actors.price_book import FreshnessRules
from actors.pricing import ExecutionPolicy, Style
from actors.regime import RegimeRules
from actors.risk_gate import GateLimits
from actors.risk_scale import RiskRules
from config.execution import ExecutionPolicy as ExecutionSettings
from config.execution import Policy
from config.program import CoreIndexParams, CustomSleeve, FxHedgeParams, Program, TrendParams
from config.risk import RegimeRules as RegimeSettings
from config.risk import RiskLimits
from config.settings import DataSettings, FxSettings
from model.decisions import Regime
from model.instruments import Instrument, Kind
from model.orders import Urgency
from model.units import NS_PER_SECOND, cash
from quant.regime import Levels
from quant.risk_scaling import ScaleRules, VolatilityRules
from sleeves.base import Sleeve
from sleeves.core_index_rv import CoreIndexRules, CoreIndexRv
from sleeves.fx_hedge import FxHedge, FxHedgeRules, HedgeFuture
from sleeves.trend import CapitalMode, Trend, TrendRules

LONGEST_AUCTION_WAIT_S = 31 * 86_400.0
CAPITAL_MODES: dict[str, CapitalMode] = {"fixed": "fixed", "compounding": "full", "half": "half"}


OwnSleeve = Callable[[Program, int, CustomSleeve, Mapping[str, Instrument]], Sleeve]
"""Makes the sleeve of `kind: custom` at a place of a program."""


def seconds_ns(seconds: float) -> int:
    """Whole nanoseconds of a duration in seconds."""
    return round(seconds * NS_PER_SECOND)


def freshness(data: DataSettings) -> FreshnessRules:
    return FreshnessRules(max_age_sessions=data.stale_after_sessions, spike_sigmas=data.suspect_move_sigma)


def fx_rules(fx: FxSettings) -> FxRules:
    return FxRules(max_age_ns=seconds_ns(fx.max_age_s))


def regime_rules(rules: RegimeSettings) -> RegimeRules:
    """Drawdowns are written as positive shares for people, and are negative returns inside."""
    return RegimeRules(
        index_product=rules.volatility_index or "",
        europe_index_product=rules.europe_volatility_index or "",
        us_product=rules.momentum_long or "",
        eu_product=rules.momentum_short or "",
        currency=rules.stress_currency,
        momentum_days=(rules.momentum_fast_sessions, rules.momentum_slow_sessions, rules.momentum_slope_sessions),
        levels=Levels(
            crisis_enter_index=rules.vix_enter_crisis,
            crisis_exit_index=rules.vix_exit_crisis,
            crisis_drawdown=-rules.drawdown_enter_crisis_share,
            crisis_exit_drawdown=-rules.drawdown_exit_crisis_share,
            elevated_enter_index=rules.vix_enter_elevated,
            elevated_exit_index=rules.vix_exit_elevated,
            elevated_enter_drawdown=-rules.drawdown_enter_elevated_share,
            elevated_exit_drawdown=-rules.drawdown_exit_elevated_share,
            recovery_index=rules.vix_recovery,
            recovery_drawdown=-rules.drawdown_recovery_share,
            stress_elevated=rules.stress_enter_elevated,
            stress_crisis=rules.stress_enter_crisis,
            closes_to_confirm=rules.persistence_sessions,
        ),
    )


def risk_rules(limits: RiskLimits) -> RiskRules:
    return RiskRules(
        volatility=VolatilityRules(
            ewma_span=limits.vol_span_sessions,
            rolling_window=limits.vol_rolling_sessions,
            ewma_share=limits.vol_blend_ewma_share,
            prior=limits.vol_prior_annual,
            floor=limits.vol_floor_annual,
            burn_in_floor=limits.vol_burn_in_floor_annual,
            trust_after=limits.vol_trust_after_sessions,
            burn_in=limits.burn_in_sessions,
        ),
        scale=ScaleRules(
            target=limits.vol_target_annual,
            clamp_low=limits.scale_min,
            clamp_high=limits.scale_max,
            limit_normal=limits.state_scale.normal,
            limit_elevated=limits.state_scale.elevated,
            limit_crisis=limits.state_scale.crisis,
            crisis_drawdown=-limits.max_drawdown_share,
            max_gross=limits.max_gross_leverage,
            max_rise=limits.scale_max_rise,
        ),
    )


def gate_limits(limits: RiskLimits, execution: ExecutionSettings) -> GateLimits:
    return GateLimits(
        max_gross_leverage=limits.max_gross_leverage,
        max_net_leverage=limits.max_net_leverage,
        max_order_share=limits.max_order_share,
        max_daily_turnover_share=limits.max_daily_turnover_share,
        max_instrument_share=float("inf") if limits.max_instrument_share is None else limits.max_instrument_share,
        instrument_shares=dict(limits.instrument_shares),
        collar_share=execution.sanity_bps / 10_000,
        max_orders_per_minute=limits.max_orders_per_minute,
        max_intents_per_run=limits.max_orders_per_run,
        min_gap_ns=seconds_ns(limits.min_order_gap_s),
        min_margin_cushion=limits.min_margin_cushion_share,
    )


def execution_policy(execution: ExecutionSettings) -> ExecutionPolicy:
    collars = execution.max_slippage_bps
    return ExecutionPolicy(
        style=Style(execution.policy.value),
        market_orders=execution.allow_market_orders,
        crisis_marketable=execution.crisis_marketable,
        collar_bps={
            Kind.ETF: round(collars.etf),
            Kind.STOCK: round(collars.stock),
            Kind.FUTURE: round(collars.future),
            Kind.FX_SPOT: round(collars.fx_spot),
        },
        default_collar_bps=round(collars.other),
        auction_collar_bps=round(execution.auction_collar_bps),
        sanity_bps=round(execution.sanity_bps),
        quote_fresh_ns=seconds_ns(execution.max_quote_age_s),
        quote_wait_ns=seconds_ns(execution.quote_wait_s),
        ttl_ns={
            Urgency.LOW: seconds_ns(execution.ttl_s),
            Urgency.NORMAL: seconds_ns(execution.ttl_s),
            Urgency.HIGH: seconds_ns(execution.ttl_high_s),
            Urgency.CRISIS: seconds_ns(execution.ttl_crisis_s),
        },
        reprice_every_ns=seconds_ns(execution.replace_interval_s),
        most_reprices=execution.max_replaces,
        ack_within_ns=seconds_ns(execution.ack_within_s),
        timer_ns=seconds_ns(execution.lease.timer_s),
        good_for_ns=seconds_ns(execution.lease.good_for_s),
    )


def sleeve(program: Program, place: int, instruments: Mapping[str, Instrument], own: OwnSleeve) -> Sleeve:
    """The sleeve that stands at a place of the program's list, with the capital it begins with."""
    config = program.sleeves[place]
    if isinstance(config, CustomSleeve):
        return own(program, place, config, instruments)
    capital = float(program.capital) * config.capital_share
    params = config.params
    match params:
        case TrendParams():
            chosen = {name: instruments[name] for name in params.instruments}
            return Trend(id=config.id, instruments=chosen, rules=_trend(params, capital, config.capital_share))
        case CoreIndexParams():
            return _core(config.id, params, instruments, config.capital_share)
        case FxHedgeParams():
            return _hedge(config.id, program, params, instruments)


def _trend(params: TrendParams, capital: float, share: float) -> TrendRules:
    return TrendRules(
        pairs=params.pairs,
        scalars=params.scalars(),
        forecast_cap=params.forecast_cap,
        fdm=params.forecast_diversification,
        risk=params.vol_target_annual,
        idm=params.instrument_diversification,
        weights=dict(params.weights),
        buffer=params.buffer_share,
        volatility=params.vol_kind,
        volatility_span=params.vol_span_sessions,
        volatility_min=params.vol_min_sessions,
        long_volatility_share=params.vol_slow_share,
        warm_up=params.warmup_sessions,
        capital_mode=CAPITAL_MODES[params.capital_mode],
        capital=capital,
        nav_share=share,
        most_units={name: float(units) for name, units in params.most_units.items()},
    )


def _core(name: str, params: CoreIndexParams, instruments: Mapping[str, Instrument], share: float) -> CoreIndexRv:
    trend = params.trend
    equal = params.hedge == "equal"
    shape = ((trend.reduced_size_below, trend.reduced_size_share), (trend.full_size_above, 1.0))
    rules = CoreIndexRules(
        nav_share=share * params.notional_share,
        beta_days=params.beta_window_sessions,
        beta_minimum=min(params.beta_window_sessions, CoreIndexRules().beta_minimum),
        beta_low=1.0 if equal else params.beta_min,
        beta_high=1.0 if equal else params.beta_max,
        short_days=trend.short_sessions,
        long_days=trend.long_sessions,
        short_share=trend.short_weight_share,
        shape=shape if trend.enabled else ((0.0, 1.0),),
        exit_momentum=trend.flat_below if trend.enabled else float("-inf"),
    )
    return CoreIndexRv(id=name, us=instruments[params.long], eu=instruments[params.short], rules=rules)


def _hedge(name: str, program: Program, params: FxHedgeParams, instruments: Mapping[str, Instrument]) -> FxHedge:
    futures = {currency: HedgeFuture(instrument=instruments[product]) for currency, product in params.hedges.items()}
    rules = FxHedgeRules(
        residual_share=params.residual_nav_share,
        by_regime={Regime[regime]: residual for regime, residual in params.residual_by_regime.items()},
        band_share=params.dead_band_nav_share,
        least_trade_share=params.min_trade_nav_share,
    )
    return FxHedge(id=name, base=program.base_currency, futures=futures, rules=rules)


def opening_cash(program: Program) -> dict[str, int]:
    """The books' first cash: the program's capital in its base currency."""
    return {program.base_currency: cash(program.capital)}


def cash_bands(limits: RiskLimits, *, told_to: int = 0) -> CashBands:
    return CashBands(
        told_to=told_to,
        reduce_only_bps=round(limits.reconcile_halt_share * 10_000),
        halt_bps=round(limits.reconcile_emergency_share * 10_000),
    )


def basket_policy(execution: ExecutionSettings) -> BasketPolicy:
    return BasketPolicy(
        min_notional=cash(execution.min_notional_base),
        drift_bps=round(execution.drift_band_share * 10_000),
        roll_as_spread=execution.roll_as_spread,
    )


def legging_policy(execution: ExecutionSettings) -> LeggingPolicy:
    """In auctions no clock runs: legs trade at the closes of their own exchanges, hours apart, and end there."""
    pair = execution.pair
    auction = execution.policy is not Policy.MARKETABLE_LIMIT
    return LeggingPolicy(
        ahead_bps=round(pair.trigger_fill_share * 10_000),
        behind_bps=round(pair.lag_fill_share * 10_000),
        notice_ns=seconds_ns(LONGEST_AUCTION_WAIT_S) if auction else LeggingPolicy().notice_ns,
        unhedged_ns=seconds_ns(LONGEST_AUCTION_WAIT_S if auction else pair.max_legging_s),
        phased=not auction,
    )
