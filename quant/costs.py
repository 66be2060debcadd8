"""What a trade costs, in money and in Sharpe-ratio units; one-way trades count. Source: Carver (2015), chapter 12."""

from __future__ import annotations

import math


def trade_cost(
    quantity: float,
    price: float,
    multiplier: float,
    half_spread: float,
    per_unit: float = 0.0,
    share_of_notional: float = 0.0,
    per_order: float = 0.0,
) -> float:
    """Money to trade `quantity` once: half the spread, and the largest of the three commissions."""
    size = abs(quantity)
    commission = max(size * per_unit, share_of_notional * size * abs(price) * multiplier, per_order if size else 0.0)
    return size * half_spread * multiplier + commission


def sharpe_cost(cost_of_one: float, daily_volatility: float, multiplier: float, days_root: float = 16.0) -> float:
    """Cost of trading one unit once, as a share of its annual volatility. volatility: daily, in price points."""
    return cost_of_one / (days_root * daily_volatility * multiplier)


def square_root_impact(daily_volatility: float, quantity: float, daily_volume: float, factor: float = 0.75) -> float:
    """Expected price impact by the square-root law, in the unit of the volatility. Raises ValueError without volume."""
    if not daily_volume > 0.0:
        raise ValueError("impact needs a positive daily volume; refuse the trade when it is unknown")
    return factor * daily_volatility * math.sqrt(abs(quantity) / daily_volume)
