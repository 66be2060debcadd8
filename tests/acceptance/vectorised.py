"""The trend sleeve once more, as a table: Carver's formulas on the published contracts, with pandas and whole columns.

Positions are fractions of contracts and costs are left out: what is compared is how the sleeve moves, day by day.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

SCALARS = {(16, 64): 3.75, (32, 128): 2.65}
"""Forecast scalars as published (Carver, Systematic Trading, 2015)."""
FDM = 1.03
"""Forecast diversification of the two slowest of Carver's speeds (Advanced Futures Trading Strategies, 2023)."""


def stitched_changes(rows: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Price and daily change of the contract held; a roll is measured in the new contract, or left out."""
    rows = rows.dropna(subset=["price"]).set_index("date")
    price = rows.price
    rolled = rows.price_contract != rows.price_contract.shift()
    joined = rolled & (rows.forward_contract.shift() == rows.price_contract)
    change = price.diff()
    change[joined] = price[joined] - rows.forward.shift()[joined]
    change[rolled & ~joined] = 0.0
    return price, change.fillna(0.0)


def positions(level: pd.Series, change: pd.Series, risk: float, buffer: float) -> pd.Series:
    """Points of price held per unit of capital after inertia; `risk` is the annual target of this product alone."""
    vol = change.ewm(span=35).std()
    forecast = sum(
        ((level.ewm(span=fast).mean() - level.ewm(span=slow).mean()) / vol * scalar).clip(-20, 20) / len(SCALARS)
        for (fast, slow), scalar in SCALARS.items()
    )
    average = risk / 16.0 / vol
    wanted = (average * (forecast * FDM).clip(-20, 20) / 10.0).to_numpy()
    width = (average * buffer).to_numpy()
    held, now = np.zeros(len(wanted)), 0.0
    for day in range(257, len(wanted)):
        now = min(max(now, wanted[day] - width[day]), wanted[day] + width[day])
        held[day] = now
    return pd.Series(held, index=level.index)


def trend_returns(table: pd.DataFrame, products: Sequence[str], target: float, idm: float) -> pd.Series:
    """Daily profit of the sleeve per unit of its capital: decided at a close, traded at the next, earned after it."""
    earned = {}
    for name in products:
        price, change = stitched_changes(table[table.instrument == name])
        level = change.cumsum() + price.iloc[0]
        held = positions(level, change, target * idm / len(products), 0.10)
        earned[name] = held.shift(2) * change
    return pd.DataFrame(earned).fillna(0.0).sum(axis=1)


def contracts(folder: Path, since: str) -> pd.DataFrame:
    table = pd.read_parquet(folder / "contracts.parquet")
    return table[table.date >= since]
