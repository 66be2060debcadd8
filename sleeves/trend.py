"""Trend: EWMAC forecasts at several speeds, positions in proportion to forecast over volatility, traded with inertia.

Source: Carver, Systematic Trading (2015) and Advanced Futures Trading Strategies (2023), strategies nine and ten.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from model.decisions import Decide, Want
from model.instruments import Instrument
from model.market import ProductBar, Quality
from model.units import CASH_SCALE, PX_SCALE, QTY_SCALE, Px, Qty, qty
from quant.buffering import average_position, buffered
from quant.ewmac import SCALARS, clip, combine, forecast
from quant.volatility import (
    EwmaDeviation,
    RobustVolatility,
    RootMeanSquare,
    robust_volatility,
    span_alpha,
)
from sleeves.base import SCALE_UNKNOWN, Wanted, held_by, hold, hold_all, missed, trusted_rate

Volatility = EwmaDeviation | RootMeanSquare | RobustVolatility
VolatilityName = Literal["deviation", "root_mean_square", "robust"]
CapitalMode = Literal["fixed", "full", "half"]


class TrendRules(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of the sleeve; defaults are Carver's.

    pairs: (fast, slow) spans.  scalars: one per pair, the source's table when empty; forecast_weights equal when empty.
    risk: annual volatility target of the sleeve's capital.  idm: instrument diversification multiplier.
    weights: share of the sleeve's risk per product, equal when empty.  most_units: cap of the position per product.
    capital: base currency; used as it is when `fixed`, as the most when `half`.  nav_share: of the program's net asset
    value, for `full` and `half`.  warm_up: bars that lead to no position.
    """

    pairs: tuple[tuple[int, int], ...] = ((8, 32), (16, 64), (32, 128), (64, 256))
    scalars: tuple[float, ...] = ()
    forecast_weights: tuple[float, ...] = ()
    forecast_cap: float = 20.0
    fdm: float = 1.13
    risk: float = 0.20
    idm: float = 2.5
    weights: dict[str, float] = {}
    buffer: float = 0.10
    volatility: VolatilityName = "deviation"
    volatility_span: int = 35
    volatility_min: int = 10
    long_volatility_share: float = 0.0
    warm_up: int = 256
    capital_mode: CapitalMode = "full"
    capital: float = 0.0
    nav_share: float = 1.0
    most_units: dict[str, float] = {}


class Series(msgspec.Struct):
    """What is remembered of one product: exponential means of the stitched level, volatility of its changes."""

    means: list[float]
    volatility: Volatility
    session: int = 0
    bars: int = 0
    adjusted: Px = 0
    price: Px = 0
    points_vol: float = float("nan")


class _Facts(msgspec.Struct, frozen=True):
    currency: str
    multiplier: float
    share: float
    lot: float
    lot_qty: Qty
    most: float


class Trend:
    """Long what rises, short what falls, each sized to its share of a volatility target."""

    hedges = False

    def __init__(self, *, id: str, instruments: dict[str, Instrument], rules: TrendRules) -> None:
        if not instruments:
            raise ValueError(f"trend sleeve {id} has no products; name at least one")
        self.id = id
        self.products = tuple(instruments)
        self.rules = rules
        scalars = rules.scalars or tuple(_scalar(fast) for fast, _ in rules.pairs)
        self._mix = rules.forecast_weights or (1.0 / len(rules.pairs),) * len(rules.pairs)
        if not len(scalars) == len(self._mix) == len(rules.pairs):
            raise ValueError(f"trend sleeve {id}: give one scalar and one forecast weight per pair, or none")
        spans = sorted({span for pair in rules.pairs for span in pair})
        self._spans = tuple(spans)
        self._alphas = tuple(span_alpha(span) for span in spans)
        self._legs = tuple(
            (f"forecast_{fast}_{slow}", spans.index(fast), spans.index(slow), scalar)
            for (fast, slow), scalar in zip(rules.pairs, scalars, strict=True)
        )
        self._facts = {name: self._static(name, each) for name, each in instruments.items()}
        self._currencies = tuple(sorted({each.currency for each in self._facts.values()}))
        self._series = {name: Series([], _volatility(rules)) for name in instruments}

    def on_bar(self, bar: ProductBar) -> None:
        series = self._series.get(bar.product)
        if series is None or bar.session <= series.session or bar.quality is not Quality.GOOD:
            return
        if bar.previous > series.session and series.bars:
            return
        series.session = bar.session
        series.price = bar.price
        adjusted = bar.adjusted
        level = adjusted / PX_SCALE
        means = series.means
        if not series.bars:
            series.means = [level] * len(self._spans)
        else:
            series.points_vol = series.volatility.update((adjusted - series.adjusted) / PX_SCALE)
            for i, alpha in enumerate(self._alphas):
                means[i] += alpha * (level - means[i])
        series.adjusted = adjusted
        series.bars += 1

    def decide(self, decide: Decide) -> Wanted:
        if SCALE_UNKNOWN in decide.risk.degraded:
            return hold_all(self.products, "the risk scale is unknown", SCALE_UNKNOWN)
        capital = self._capital(decide.portfolio.nav / CASH_SCALE) * decide.risk.scale
        held = held_by(self.id, decide)
        bad = decide.cycle.degraded
        rates = {currency: trusted_rate(decide.fx, currency) for currency in self._currencies}
        wants, degraded = [], []
        for product in self.products:
            quality, rate = bad.get(product), rates[self._facts[product].currency]
            if quality is not None:
                wants.append(hold(product, f"its price is {quality.name}"))
            elif rate is None:
                wants.append(hold(product, f"no trusted rate of {self._facts[product].currency}"))
            else:
                wants.append(self._want(decide, product, held.get(product, 0), capital, rate))
            if wants[-1].hold:
                degraded.append(product)
        return Wanted(tuple(wants), tuple(degraded))

    def state(self) -> bytes:
        return msgspec.msgpack.encode(self._series)

    def load(self, state: bytes) -> None:
        kept = msgspec.msgpack.decode(state, type=dict[str, Series])
        for name, series in kept.items():
            if name in self._series and len(series.means) in (0, len(self._spans)):
                self._series[name] = series

    def _want(self, decide: Decide, product: str, held: Qty, capital: float, rate: float) -> Want:
        rules, series, static = self.rules, self._series[product], self._facts[product]
        volatility = series.points_vol
        gap = missed(decide, product, series.session)
        if gap:
            return hold(product, gap)
        if series.bars <= rules.warm_up:
            return hold(product, f"{series.bars} of {rules.warm_up} warm-up bars seen")
        if not volatility > 0.0:
            return hold(product, "its volatility is unknown or nought")
        means = series.means
        facts: dict[str, float] = {}
        for name, fast, slow, scalar in self._legs:
            facts[name] = forecast(means[fast], means[slow], volatility, scalar, rules.forecast_cap)
        combined = combine(facts.values(), self._mix, rules.fdm, rules.forecast_cap)
        average = average_position(capital, rules.risk, static.share, volatility * static.multiplier * rate)
        optimal = clip(average * combined / 10.0, static.most)
        band = buffered(held / QTY_SCALE, optimal, average, rules.buffer, static.lot)
        quantity = round(band.position / static.lot) * static.lot_qty if band.traded else held
        facts["forecast"] = combined
        facts["volatility"] = volatility
        facts["price"] = series.price / PX_SCALE
        facts["average"] = average
        facts["optimal"] = optimal
        facts["low"] = band.low
        facts["high"] = band.high
        facts["fx"] = rate
        facts["held"] = held / QTY_SCALE
        return Want(product, quantity, _reason(combined, held, quantity), facts)

    def _capital(self, nav: float) -> float:
        rules = self.rules
        if rules.capital_mode == "fixed":
            return rules.capital
        share = max(0.0, rules.nav_share * nav)
        return min(rules.capital, share) if rules.capital_mode == "half" else share

    def _static(self, product: str, instrument: Instrument) -> _Facts:
        rules = self.rules
        weight = rules.weights.get(product, 0.0) if rules.weights else 1.0 / len(self.products)
        return _Facts(
            instrument.currency,
            float(instrument.multiplier),
            weight * rules.idm,
            float(instrument.lot),
            qty(instrument.lot),
            rules.most_units.get(product, float("inf")),
        )


def _scalar(fast: int) -> float:
    scalar = SCALARS.get(fast)
    if scalar is None:
        raise ValueError(f"no published scalar for a fast span of {fast}; give `scalars`, one per pair")
    return scalar


def _volatility(rules: TrendRules) -> Volatility:
    span, minimum = float(rules.volatility_span), rules.volatility_min
    if rules.volatility == "root_mean_square":
        return RootMeanSquare(span, minimum)
    if rules.volatility == "robust":
        return robust_volatility(span, minimum, long_share=rules.long_volatility_share)
    return EwmaDeviation(span, minimum)


def _reason(combined: float, held: Qty, quantity: Qty) -> str:
    side = "up" if combined > 0 else "down" if combined < 0 else "nowhere"
    if quantity == held:
        return f"trend {side} ({combined:+.1f}): the position is inside its band"
    return f"trend {side} ({combined:+.1f}): the position left its band, go to the nearer edge"
