"""The trend sleeve against a vectorised reference on real futures, position by position."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from model.instruments import Instrument, Kind
from model.units import QTY_SCALE
from sleeves.trend import Trend, TrendRules
from tests.sleeves.made import bar, decide, line

FUTURES = Path(__file__).resolve().parents[3] / "shared" / "data" / "futures"
PRODUCTS = ("SP500", "US10", "EUR", "GOLD", "CRUDE_W", "CORN", "JPY", "GAS_US")
CAPITAL, RISK, IDM, FDM, SPAN, BUFFER, WARM_UP = 100_000_000.0, 0.20, 2.0, 1.05, 35, 0.10, 256
PAIRS = ((16, 64), (32, 128))


def dollars_per_contract() -> pd.DataFrame:
    """Stitched dollar value of one contract, rounded to cents, on business days from 2008, gaps filled forward."""
    prices = pd.read_parquet(FUTURES / "adjusted.parquet", columns=["date", "instrument", "close"])
    sizes = pd.read_csv(FUTURES / "instruments.csv", index_col="instrument")["point_size"]
    days = pd.bdate_range("2008-01-01", "2023-08-31")
    columns = {}
    for name in PRODUCTS:
        one = prices[prices["instrument"] == name].set_index("date")["close"]
        columns[name] = (one.reindex(days, method="ffill").bfill() * sizes[name]).round(2)
    return pd.DataFrame(columns)


def reference_positions(value: np.ndarray) -> np.ndarray:
    """Contracts wanted at each close, by the rules of the peers' benchmark, all instruments at once."""
    change = np.diff(value, axis=0)
    square = pd.DataFrame(change**2).ewm(span=SPAN, adjust=False).mean().to_numpy()
    vol = np.vstack([np.full(value.shape[1], np.nan), np.sqrt(square)])
    frame = pd.DataFrame(value)
    total = np.zeros_like(value)
    for fast, slow in PAIRS:
        gap = frame.ewm(span=fast, adjust=False).mean() - frame.ewm(span=slow, adjust=False).mean()
        total += np.clip(gap.to_numpy() / vol * 15.0 / np.sqrt(fast), -20, 20)
    forecast = np.clip(FDM * total / len(PAIRS), -20, 20)
    average = CAPITAL * RISK * IDM / value.shape[1] / (vol * 16)
    optimal, width = average * forecast / 10, BUFFER * average
    wanted = np.zeros_like(value)
    now = np.zeros(value.shape[1])
    for t in range(WARM_UP, value.shape[0]):
        now = np.where(now < (optimal - width)[t], np.rint(optimal - width)[t], now)
        now = np.where(now > (optimal + width)[t], np.rint(optimal + width)[t], now)
        wanted[t] = now
    return wanted


@pytest.mark.parametrize("restart_every", [0, 500])
def test_positions_equal_the_vectorised_reference_on_every_day(restart_every: int) -> None:
    value = dollars_per_contract()
    expected = reference_positions(value.to_numpy())
    sleeve = benchmark_sleeve()
    held = dict.fromkeys(PRODUCTS, 0)
    columns = [(name, [round(v * 100) * 10**7 for v in value[name]]) for name in PRODUCTS]
    for t, day in enumerate(value.index):
        if restart_every and t % restart_every == restart_every - 1:
            saved = sleeve.state()
            sleeve = benchmark_sleeve()
            sleeve.load(saved)
        session = int(day.strftime("%Y%m%d"))
        for name, levels in columns:
            sleeve.on_bar(bar(name, session, levels[t]))
        lines = tuple(line(name, quantity, {"trend": quantity}) for name, quantity in held.items())
        for want in sleeve.decide(decide(session, lines=lines)).wants:
            if not want.hold:
                held[want.product] = want.quantity
        assert [held[name] / QTY_SCALE for name in PRODUCTS] == expected[t].tolist(), day


def benchmark_sleeve() -> Trend:
    instruments = {
        name: Instrument(id=name, kind=Kind.FUTURE, venue="SIM", currency="USD", calendar="X", multiplier=Decimal(1))
        for name in PRODUCTS
    }
    rules = TrendRules(
        pairs=PAIRS,
        scalars=tuple(15.0 / fast**0.5 for fast, _ in PAIRS),
        fdm=FDM,
        risk=RISK,
        idm=IDM,
        buffer=BUFFER,
        volatility="root_mean_square",
        volatility_span=SPAN,
        volatility_min=1,
        warm_up=WARM_UP,
        capital_mode="fixed",
        capital=CAPITAL,
    )
    return Trend(id="trend", instruments=instruments, rules=rules)
