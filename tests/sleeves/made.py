"""Inputs for sleeves, made short: a bar, a position, a decision with everything in order unless told otherwise."""

from __future__ import annotations

from model.decisions import CycleOpened, Decide, ExposureLine, Mode, NavMarked, Regime, RiskDecision
from model.market import FxRate, FxSnapshot, ProductBar, Quality
from model.units import CASH_SCALE, PX_SCALE, Cash, Px, Qty


def bar(
    product: str, session: int, adjusted: Px, price: Px | None = None, quality: Quality = Quality.GOOD
) -> ProductBar:
    at = adjusted if price is None else price
    return ProductBar(product, product, session, at, adjusted, at, at, quality, session * 10**9)


def line(instrument: str, quantity: Qty, sleeves: dict[str, Qty], price: Px = PX_SCALE) -> ExposureLine:
    return ExposureLine(instrument, quantity, price, Quality.GOOD, "USD", 0, sleeves)


def decide(
    session: int,
    *,
    lines: tuple[ExposureLine, ...] = (),
    degraded: dict[str, Quality] | None = None,
    rates: dict[str, str] | None = None,
    base: str = "USD",
    rate_quality: Quality = Quality.GOOD,
    scale: float = 1.0,
    regime: Regime = Regime.NORMAL,
    nav: int = 1_000_000,
    currency_exposure: dict[str, Cash] | None = None,
    risk_degraded: tuple[str, ...] = (),
) -> Decide:
    """nav in whole base money; rates as decimal texts of base money per unit."""
    run = f"{session}.1.test"
    quotes = {base: FxRate(base, PX_SCALE, "identity", 0, Quality.GOOD)}
    for currency, rate in (rates or {}).items():
        quotes[currency] = FxRate(currency, round(float(rate) * PX_SCALE), "test", 0, rate_quality)
    cycle = CycleOpened(run, "test", session, 1, 0, "", degraded or {}, {}, {})
    money = nav * CASH_SCALE
    risk = RiskDecision(run, session, Mode.TRADING, regime, scale, 0.12, 0.0, money, "", risk_degraded, 0)
    marked = NavMarked(run, session, money, {base: money}, 0, 0, lines, currency_exposure or {}, {}, (), 0)
    return Decide(cycle, FxSnapshot(base, quotes, 0), risk, marked)
