"""Portfolio currency hedge: FX futures keep what a rate change could cost within a share of net asset value.

What counts is money that a rate revalues (cash, unsettled variation, funds priced abroad), not the notional of futures;
hedges already held count at the currency they buy and sell, not at the currency they are quoted in.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from model.decisions import Decide, Regime, Want
from model.instruments import Instrument
from model.market import ProductBar, Quality
from model.units import CASH_SCALE, PX_SCALE, QTY_SCALE, Cash, Px, Qty, qty
from sleeves.base import Wanted, held_by, hold, missed, trusted_rate


class HedgeFuture(msgspec.Struct, frozen=True, kw_only=True):
    """A future on `buys`, priced in the instrument's currency. Its multiplier is the size in units of `buys`.

    buys: empty means that one of the hedged and the base currency that the price is not in.
    """

    instrument: Instrument
    buys: str = ""


class FxHedgeRules(msgspec.Struct, frozen=True, kw_only=True):
    """residual_share: of net asset value, left unhedged per currency; by_regime replaces it in the regimes named.

    band_share: of net asset value, by which a residual may leave its limit before anything is traded.
    least_trade_share: of net asset value, under which no trade is worth it.
    """

    residual_share: float = 0.02
    by_regime: dict[Regime, float] = {}
    band_share: float = 0.005
    least_trade_share: float = 0.0025


class FxHedge:
    """One future per foreign currency. It holds what it has while a price, a rate or the exposure is unknown."""

    hedges = True

    def __init__(self, *, id: str, base: str, futures: Mapping[str, HedgeFuture], rules: FxHedgeRules) -> None:
        """futures: per foreign currency. Raises ValueError for a future that does not trade it against the base."""
        self.id = id
        self.base = base
        self.rules = rules
        self.futures = {currency: _bought(future, currency, base) for currency, future in futures.items()}
        for currency, future in self.futures.items():
            if {future.buys, future.instrument.currency} != {currency, base}:
                raise ValueError(
                    f"{future.instrument.id} trades {future.buys} against {future.instrument.currency}; "
                    f"it cannot hedge {currency} for a book in {base}"
                )
        self.products = tuple(future.instrument.id for future in self.futures.values())
        self._prices: dict[str, tuple[int, Px]] = {}

    def on_bar(self, bar: ProductBar) -> None:
        if bar.product not in self.products or bar.quality is not Quality.GOOD:
            return
        if bar.session > self._prices.get(bar.product, (0, 0))[0]:
            self._prices[bar.product] = (bar.session, bar.price)

    def decide(self, decide: Decide) -> Wanted:
        held = held_by(self.id, decide)
        wants, degraded = [], []
        for currency, future in self.futures.items():
            product = future.instrument.id
            missing = self._missing(currency, product, decide)
            if missing:
                wants.append(hold(product, missing))
                degraded.append(product)
            else:
                wants.append(self._want(currency, future, held.get(product, 0), decide))
        return Wanted(tuple(wants), tuple(degraded))

    def state(self) -> bytes:
        return msgspec.msgpack.encode(self._prices)

    def load(self, state: bytes) -> None:
        self._prices = msgspec.msgpack.decode(state, type=dict[str, tuple[int, int]])

    def _missing(self, currency: str, product: str, decide: Decide) -> str:
        quality = decide.cycle.degraded.get(product)
        if quality is not None:
            return f"its price is {quality.name}"
        if product not in self._prices:
            return "no price of it was ever seen"
        gap = missed(decide, product, self._prices[product][0])
        if gap:
            return gap
        if trusted_rate(decide.fx, currency) is None:
            return f"no trusted rate of {currency}"
        if decide.portfolio.nav <= 0:
            return "the book has no value to measure a residual by"
        return ""

    def _want(self, currency: str, future: HedgeFuture, held: Qty, decide: Decide) -> Want:
        rules, product = self.rules, future.instrument.id
        nav = decide.portfolio.nav / CASH_SCALE
        rate = trusted_rate(decide.fx, currency) or math.nan
        exposure: Cash = decide.portfolio.currency_exposure.get(currency, 0)
        unhedged = exposure / CASH_SCALE * rate
        lot = float(future.instrument.lot)
        each = self._one(currency, future) * rate * lot
        lots = held / QTY_SCALE / lot
        residual = unhedged + lots * each
        limit = rules.by_regime.get(decide.risk.regime, rules.residual_share) * nav
        wanted = _nearest_within(unhedged, each, limit)
        facts = {
            "unhedged": unhedged,
            "residual": residual,
            "limit": limit,
            "fx": rate,
            "lot_exposure": each,
            "lots_held": lots,
            "lots_wanted": float(wanted),
        }
        idle = abs(residual) <= limit + rules.band_share * nav and not _hedges_nothing(unhedged, lots * each, limit)
        if idle or abs((wanted - lots) * each) < rules.least_trade_share * nav:
            return Want(product, held, f"{currency} residual is inside its band", facts)
        reason = f"{currency} residual {residual:,.0f} {self.base} is brought to {unhedged + wanted * each:,.0f}"
        return Want(product, wanted * qty(future.instrument.lot), reason, facts)

    def _one(self, currency: str, future: HedgeFuture) -> float:
        """Units of `currency` that one long contract adds: its size, or minus what it pays for its size."""
        size = float(future.instrument.multiplier)
        if future.buys == currency:
            return size
        return -size * self._prices[future.instrument.id][1] / PX_SCALE


def _bought(future: HedgeFuture, currency: str, base: str) -> HedgeFuture:
    if future.buys:
        return future
    return msgspec.structs.replace(future, buys=base if future.instrument.currency == currency else currency)


def _nearest_within(unhedged: float, each: float, limit: float) -> int:
    """The fewest whole lots that bring unhedged + lots x each within +- limit, or the nearest to zero if none does."""
    if abs(unhedged) <= limit:
        return 0
    edge = math.copysign(limit, unhedged)
    lots = math.ceil((abs(unhedged) - abs(edge)) / abs(each) - 1e-9)
    signed = lots if (unhedged > 0) != (each > 0) else -lots
    nearest = round(-unhedged / each)
    return signed if abs(unhedged + signed * each) <= max(limit, abs(unhedged + nearest * each)) else nearest


def _hedges_nothing(unhedged: float, hedge: float, limit: float) -> bool:
    """Whether the hedge outlived its exposure: it points the same way, or the exposure alone is within the limit."""
    return hedge != 0.0 and (hedge * unhedged >= 0.0 or (abs(unhedged) <= limit and abs(hedge) > abs(unhedged)))
