"""Core index relative value: long the US index, short the European one, beta cancelled, each leg in its own currency.

The size follows relative momentum: the pair is held in full while the US leads, reduced when it lags, and closed when
it lags badly. Both legs are traded or none.
"""

from __future__ import annotations

import msgspec

from model.decisions import Decide, Want
from model.instruments import Instrument
from model.market import ProductBar, Quality
from model.units import CASH_SCALE, PX_SCALE, Qty, qty
from quant.beta import beta_neutral_legs, rolling_beta
from quant.levels import PairedLevels
from quant.trend_filter import SHAPE, Shape, blended_momentum, permitted
from sleeves.base import SCALE_UNKNOWN, Wanted, hold_all, missed, trusted_rate


class CoreIndexRules(msgspec.Struct, frozen=True, kw_only=True):
    """nav_share: gross size of both legs, as a share of net asset value.

    beta_days: window of the beta of overlapping `beta_period`-day returns, of which `beta_minimum` must be there; the
    figure is kept within beta_low and beta_high.  short_days, long_days, short_share: relative momentum.  shape:
    (momentum, share of the full size) points.  exit_momentum: at or under it the pair is closed.
    """

    nav_share: float = 0.15
    beta_days: int = 252
    beta_period: int = 5
    beta_minimum: int = 120
    beta_low: float = 0.5
    beta_high: float = 2.0
    short_days: int = 60
    long_days: int = 252
    short_share: float = 0.6
    shape: Shape = SHAPE
    exit_momentum: float = -0.10


class CoreIndexRv:
    """Long `us`, short `eu`. Until there is history enough nothing is held; when a price is missing, what there is."""

    hedges = False

    def __init__(self, *, id: str, us: Instrument, eu: Instrument, rules: CoreIndexRules) -> None:
        self.id = id
        self.us, self.eu, self.rules = us, eu, rules
        self.products = (us.id, eu.id)
        keep = max(rules.long_days, rules.short_days, rules.beta_days + rules.beta_period)
        self._levels = PairedLevels(keep)
        self._prices: dict[str, int] = {}

    def on_bar(self, bar: ProductBar) -> None:
        if bar.product not in self.products or bar.quality is not Quality.GOOD:
            return
        is_us = bar.product == self.us.id
        known = self._levels.first if is_us else self._levels.second
        if bar.session > known.session >= (bar.previous if known.session else 0):
            self._prices[bar.product] = bar.price
            self._levels.update(is_us, bar.session, float(bar.price), float(bar.adjusted))

    def decide(self, decide: Decide) -> Wanted:
        if SCALE_UNKNOWN in decide.risk.degraded:
            return hold_all(self.products, "the risk scale is unknown", SCALE_UNKNOWN, self.id)
        for leg in (self.us, self.eu):
            quality = decide.cycle.degraded.get(leg.id)
            if quality is not None:
                return hold_all(self.products, f"the price of {leg.id} is {quality.name}", leg.id, self.id)
            known = self._levels.first if leg is self.us else self._levels.second
            gap = missed(decide, leg.id, known.session)
            if gap:
                return hold_all(self.products, gap, leg.id, self.id)
            if trusted_rate(decide.fx, leg.currency) is None:
                return hold_all(self.products, f"no trusted rate of {leg.currency}", leg.currency, self.id)
        rules, levels = self.rules, self._levels
        momentum = blended_momentum(levels.firsts, levels.seconds, rules.short_days, rules.long_days, rules.short_share)
        beta = rolling_beta(levels.firsts, levels.seconds, rules.beta_days, rules.beta_period, rules.beta_minimum)
        if momentum is None or beta is None:
            days = len(levels.firsts)
            return hold_all(self.products, f"{days} common days are too few for momentum and beta", "history", self.id)
        if not beta > 0.0:
            return hold_all(self.products, f"a beta of {beta:.2f} offers no offsetting leg", "beta", self.id)
        return self._size(decide, momentum, min(rules.beta_high, max(rules.beta_low, beta)), beta)

    def state(self) -> bytes:
        return msgspec.msgpack.encode((self._levels, self._prices))

    def load(self, state: bytes) -> None:
        levels, self._prices = msgspec.msgpack.decode(state, type=tuple[PairedLevels, dict[str, int]])
        levels.keep = self._levels.keep
        self._levels = levels

    def _size(self, decide: Decide, momentum: float, beta: float, measured: float) -> Wanted:
        share = permitted(momentum, self.rules.shape, self.rules.exit_momentum)
        gross = decide.portfolio.nav / CASH_SCALE * self.rules.nav_share * decide.risk.scale * share.multiplier
        us_money, eu_money = beta_neutral_legs(max(0.0, gross), beta)
        us, us_facts = self._leg(self.us, us_money, decide)
        eu, eu_facts = self._leg(self.eu, -eu_money, decide)
        if not us or not eu:
            us = eu = 0
        facts = {
            "momentum": momentum,
            "multiplier": share.multiplier,
            "beta": measured,
            "scale": decide.risk.scale,
            "gross": gross,
        }
        if share.options_only:
            reason = f"the US lags by {-momentum:.1%}: the pair is closed"
        elif gross > 0.0 and not us:
            reason = "one leg is smaller than a lot, so neither is held"
        else:
            reason = f"relative momentum {momentum:+.1%} permits {share.multiplier:.0%} of the pair"
        return Wanted(
            (
                Want(self.us.id, us, reason, {**facts, **us_facts}, pair=self.id),
                Want(self.eu.id, eu, reason, {**facts, **eu_facts}, pair=self.id),
            ),
            (),
        )

    def _leg(self, leg: Instrument, money: float, decide: Decide) -> tuple[Qty, dict[str, float]]:
        """Whole lots worth `money` of base currency: converted into the leg's currency before the price divides it."""
        rate = trusted_rate(decide.fx, leg.currency) or float("nan")
        price = self._prices[leg.id] / PX_SCALE
        local = money / rate
        lots = round(local / (price * float(leg.multiplier)) / float(leg.lot))
        return lots * qty(leg.lot), {"money": money, "fx": rate, "price": price}
