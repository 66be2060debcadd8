"""Greeks of a European option on a forward, after Black (1976), for the tick of kind 13 that a gateway sends.

No interest and no dividends: the forward is the underlying's recorded price and premiums are not discounted. That is a
model's figure, as the protocol calls it; recorded premiums are what trades.
"""

from __future__ import annotations

import math

import msgspec

DAYS_PER_YEAR = 365.0
LOWEST, HIGHEST = 1e-4, 9.0


class Greeks(msgspec.Struct, frozen=True):
    """implied_vol: a year, 0.2 is 20 %.  vega: for one point of volatility (0.01).  theta: for one day."""

    implied_vol: float
    delta: float
    gamma: float
    vega: float
    theta: float
    price: float
    under_price: float


def black(forward: float, strike: float, years: float, vol: float, right: str) -> float:
    """The undiscounted premium of a call (C) or put (P). Source: Black, The pricing of commodity contracts (1976)."""
    if years <= 0 or vol <= 0:
        return max(0.0, forward - strike if right == "C" else strike - forward)
    spread = vol * math.sqrt(years)
    d1 = math.log(forward / strike) / spread + spread / 2
    call = forward * _normal(d1) - strike * _normal(d1 - spread)
    return call if right == "C" else call - forward + strike


def implied_vol(premium: float, forward: float, strike: float, years: float, right: str) -> float | None:
    """The volatility that gives a premium, by bisection; None below the intrinsic value or above any volatility."""
    if years <= 0 or forward <= 0 or strike <= 0:
        return None
    low, high = LOWEST, HIGHEST
    if not black(forward, strike, years, low, right) < premium < black(forward, strike, years, high, right):
        return None
    for _ in range(60):
        middle = (low + high) / 2
        if black(forward, strike, years, middle, right) < premium:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def greeks(premium: float, forward: float, strike: float, years: float, right: str) -> Greeks | None:
    """Everything at the implied volatility of a premium; None where it has none."""
    vol = implied_vol(premium, forward, strike, years, right)
    if vol is None:
        return None
    spread = vol * math.sqrt(years)
    d1 = math.log(forward / strike) / spread + spread / 2
    density = math.exp(-d1 * d1 / 2) / math.sqrt(2 * math.pi)
    return Greeks(
        implied_vol=vol,
        delta=_normal(d1) - (0.0 if right == "C" else 1.0),
        gamma=density / (forward * spread),
        vega=forward * density * math.sqrt(years) / 100,
        theta=-forward * density * vol / (2 * math.sqrt(years)) / DAYS_PER_YEAR,
        price=premium,
        under_price=forward,
    )


def _normal(x: float) -> float:
    return (1 + math.erf(x / math.sqrt(2))) / 2
