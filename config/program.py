"""Programs: which sleeves trade, with what capital, over which instruments, under which limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec

from config.execution import ExecutionPolicy
from config.quantities import (
    AnnualShare,
    Capital,
    Count,
    Currency,
    Factor,
    Id,
    Name,
    SessionCount,
    SessionDate,
    Share,
    SignedShare,
    Window,
)
from config.risk import RegimeRules, RiskLimits
from config.settings import FxSettings
from quant.ewmac import SCALARS, root_scalar


class TrendFilter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Size of the index pair by how much the long leg has led the short one.

    enabled: false leaves the pair at full size
    short_sessions: short window of the return difference
    long_sessions: long window
    short_weight_share: weight of the short window; the long one has the rest
    full_size_above: a weighted difference of at least this is full size
    reduced_size_below: at this difference the size has fallen, in a straight line, to reduced_size_share
    reduced_size_share: the size at reduced_size_below, and below it
    flat_below: at or below this difference the pair is closed
    """

    enabled: bool = True
    short_sessions: Window = 60
    long_sessions: Window = 252
    short_weight_share: Share = 0.6
    full_size_above: SignedShare = 0.02
    reduced_size_below: SignedShare = -0.05
    reduced_size_share: Share = 0.25
    flat_below: SignedShare = -0.10

    def __post_init__(self) -> None:
        if not self.flat_below < self.reduced_size_below < self.full_size_above:
            raise ValueError(
                "flat_below < reduced_size_below < full_size_above does not hold | Put the thresholds in this order"
            )
        if self.short_sessions >= self.long_sessions:
            raise ValueError("short_sessions: it is not below long_sessions | Give a shorter window")


class CoreIndexParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Long one index, short another.

    long: product bought
    short: product sold
    notional_share: gross notional of both legs over the sleeve's capital, before the risk scale
    hedge: equal notional, or notional in proportion to beta
    beta_window_sessions: window of the legs' regression
    beta_min: the estimate is never taken to be lower
    beta_max: nor higher
    trend: size by relative trend
    """

    long: Id
    short: Id
    notional_share: Factor = 1.0
    hedge: Literal["equal", "beta"] = "beta"
    beta_window_sessions: Window = 252
    beta_min: Factor = 0.5
    beta_max: Factor = 2.0
    trend: TrendFilter = TrendFilter()

    def __post_init__(self) -> None:
        if self.long == self.short:
            raise ValueError("short: it is the same product as long | Name two different products")
        if self.beta_min > self.beta_max:
            raise ValueError("beta_min: it is above beta_max | Give beta_min <= beta_max")


class TrendParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Volatility-targeted trend following (EWMAC), after Carver.

    instruments: products traded
    weights: share of the sleeve's risk by product; equal when not given
    pairs: fast and slow spans of each rule, in sessions
    scalar_rule: carver takes the published forecast scalars; sqrt takes 15 / sqrt(fast)
    forecast_cap: forecasts are kept within plus and minus this; 10 is the average
    forecast_diversification: multiplier for the diversification of the rules
    instrument_diversification: multiplier for the diversification of the instruments
    vol_target_annual: volatility of the sleeve's capital to aim at
    vol_kind: deviation (exponential standard deviation), root_mean_square, or robust (deviation with a floor)
    vol_span_sessions: span of the estimate
    vol_min_sessions: changes needed before there is an estimate
    vol_slow_share: weight of the estimate's own long-run mean
    buffer_share: no trade within this share of an average position
    capital_mode: fixed capital, compounding with profit and loss, or half: losses shrink it, profits restore it
    most_units: the largest position by product, in units or contracts; no limit where not given
    warmup_sessions: sessions of history before a product may be traded
    """

    instruments: tuple[Id, ...]
    weights: dict[Id, Share] = {}
    pairs: tuple[tuple[Window, Window], ...] = ((16, 64), (32, 128))
    scalar_rule: Literal["carver", "sqrt"] = "carver"
    forecast_cap: Factor = 20.0
    forecast_diversification: Factor = 1.03
    instrument_diversification: Factor = 2.5
    vol_target_annual: AnnualShare = 0.20
    vol_kind: Literal["deviation", "root_mean_square", "robust"] = "deviation"
    vol_span_sessions: Window = 35
    vol_min_sessions: Window = 10
    vol_slow_share: Share = 0.3
    buffer_share: Share = 0.10
    capital_mode: Literal["fixed", "compounding", "half"] = "fixed"
    most_units: dict[Id, Count] = {}
    warmup_sessions: SessionCount = 256

    def __post_init__(self) -> None:
        if not self.instruments:
            raise ValueError("instruments: the list is empty | Name at least one product")
        if not self.pairs:
            raise ValueError("pairs: the list is empty | Give at least one pair such as [16, 64]")
        for fast, slow in self.pairs:
            if fast >= slow:
                raise ValueError(f"pairs: [{fast}, {slow}] has its fast span above its slow one | Write [fast, slow]")
            if self.scalar_rule == "carver" and (fast not in SCALARS or slow != 4 * fast):
                known = ", ".join(f"[{one}, {4 * one}]" for one in SCALARS)
                raise ValueError(
                    f"pairs: no scalar is published for [{fast}, {slow}] | Use scalar_rule: sqrt, or one of {known}"
                )
        for key, named in (("weights", self.weights), ("most_units", self.most_units)):
            for product in named:
                if product not in self.instruments:
                    raise ValueError(f"{key}: {product} is not among the instruments | Add it there, or remove it here")
        if self.weights and (set(self.weights) != set(self.instruments) or sum(self.weights.values()) > 1.000_001):
            raise ValueError("weights: not one for each instrument, adding up to at most 1 | Weigh all, or none")
        repeated = sorted({one for one in self.instruments if self.instruments.count(one) > 1})
        if repeated:
            raise ValueError(f"instruments: {', '.join(repeated)} is named twice | Name each product once")

    def scalars(self) -> tuple[float, ...]:
        """Forecast scalar of each pair, in order."""
        by_root = self.scalar_rule == "sqrt"
        return tuple(root_scalar(fast) if by_root else SCALARS[fast] for fast, _ in self.pairs)


class FxHedgeParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The book's currency exposure, hedged currency by currency with futures.

    hedges: the future by currency; a currency that is not named is left open
    residual_nav_share: exposure per currency that may remain, over net asset value
    residual_by_regime: the same in the regimes named, such as CRISIS
    dead_band_nav_share: the hedge is left alone until the residual leaves its limit by this much of net asset value
    min_trade_nav_share: smaller hedge trades are left out
    """

    hedges: dict[Currency, Id]
    residual_nav_share: Share = 0.02
    residual_by_regime: dict[Literal["NORMAL", "RECOVERY", "ELEVATED", "CRISIS"], Share] = {}
    dead_band_nav_share: Share = 0.005
    min_trade_nav_share: Share = 0.0025


Strategy = Annotated[
    str,
    msgspec.Meta(pattern=r"^[a-z_0-9]+\.[A-Za-z_0-9]+$", extra={"form": "FILE.CLASS, such as breakout.Breakout"}),
]


class _Sleeve(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """Base of the sleeves, told apart by `kind`."""

    id: Id
    capital_share: Share


class CoreIndexSleeve(_Sleeve, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="core_index_rv"):
    """Relative value of two indices.

    id: the sleeve's name in the journal
    capital_share: its share of the program's capital
    params: what it trades and how
    """

    params: CoreIndexParams


class TrendSleeve(_Sleeve, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="trend"):
    """Trend following on futures.

    id: the sleeve's name in the journal
    capital_share: its share of the program's capital
    params: what it trades and how
    """

    params: TrendParams


class FxHedgeSleeve(_Sleeve, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="fx_hedge"):
    """Portfolio currency hedge; not scaled by risk, so its capital_share is usually 0.

    id: the sleeve's name in the journal
    capital_share: its share of the program's capital
    params: what it hedges and how
    """

    params: FxHedgeParams


class CustomSleeve(_Sleeve, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="custom"):
    """A strategy of your own: a class in a file below sleeves/, described in docs/add-a-sleeve.md.

    id: the sleeve's name in the journal
    capital_share: its share of the program's capital
    strategy: file and class; breakout.Breakout is class Breakout in sleeves/breakout.py
    products: products it trades, in the order in which the class is given them
    params: the class's own parameters, checked against its signature
    """

    strategy: Strategy
    products: tuple[Id, ...]
    params: dict[str, Any] = {}

    def __post_init__(self) -> None:
        if not self.products:
            raise ValueError("products: the list is empty | Name at least one product")


Sleeve = CoreIndexSleeve | TrendSleeve | FxHedgeSleeve | CustomSleeve


def traded(sleeve: Sleeve) -> Iterator[tuple[str, str]]:
    """What a sleeve trades: each product with the key, below the sleeve, that names it."""
    match sleeve:
        case CoreIndexSleeve():
            yield sleeve.params.long, "params.long"
            yield sleeve.params.short, "params.short"
        case TrendSleeve():
            yield from ((product, f"params.instruments[{j}]") for j, product in enumerate(sleeve.params.instruments))
        case FxHedgeSleeve():
            yield from ((product, f"params.hedges.{currency}") for currency, product in sleeve.params.hedges.items())
        case CustomSleeve():
            yield from ((product, f"products[{j}]") for j, product in enumerate(sleeve.products))


class Replay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """History to run over.

    first_session: first session that decides, as yyyymmdd
    last_session: last one
    warmup_sessions: sessions before the first that are told as history
    """

    first_session: SessionDate
    last_session: SessionDate
    warmup_sessions: SessionCount = 300

    def __post_init__(self) -> None:
        if self.first_session > self.last_session:
            raise ValueError("first_session: it is after last_session | Exchange the two")


class Program(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One program. risk, regime, execution and fx begin from the settings; keys given here win.

    id: the program's name in run ids and reports
    title: one line for people
    base_currency: the currency of its books
    capital: money at the start, in base currency
    calendar: whose sessions open its decision cycles
    sleeves: the strategies
    universe: products to load beyond those that sleeves, hedges and the regime name
    replay: history that `replay` runs over when it is not told otherwise
    """

    id: Id
    title: Name = "a program"
    base_currency: Currency
    capital: Capital
    calendar: Id = "WEEKDAYS"
    sleeves: tuple[Sleeve, ...]
    universe: tuple[Id, ...] = ()
    replay: Replay | None = None
    risk: RiskLimits = RiskLimits()
    regime: RegimeRules = RegimeRules()
    execution: ExecutionPolicy = ExecutionPolicy()
    fx: FxSettings = FxSettings()

    def __post_init__(self) -> None:
        if not self.sleeves:
            raise ValueError("sleeves: the list is empty | Add a sleeve")
        total = sum(sleeve.capital_share for sleeve in self.sleeves)
        if total > 1.000_001:
            raise ValueError(f"sleeves: their capital_share adds up to {total:.4g}, more than 1 | Share out at most 1")

    def products(self) -> dict[str, str]:
        """Every product the program needs, and the key that first names it."""
        named: dict[str, str] = {}
        for i, sleeve in enumerate(self.sleeves):
            for product, key in traded(sleeve):
                named.setdefault(product, f"sleeves[{i}].{key}")
        for key in ("volatility_index", "europe_volatility_index", "momentum_long", "momentum_short"):
            product = getattr(self.regime, key)
            if product is not None:
                named.setdefault(product, f"regime.{key}")
        for product in self.risk.instrument_shares:
            named.setdefault(product, f"risk.instrument_shares.{product}")
        for j, product in enumerate(self.universe):
            named.setdefault(product, f"universe[{j}]")
        return named
