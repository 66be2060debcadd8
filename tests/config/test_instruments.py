"""The shipped instruments against their source, real prices and facts known from outside."""

from __future__ import annotations

import csv
import importlib.util
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from types import ModuleType

import pyarrow.parquet
import pytest

from config.calendars import CALENDARS
from config.loader import INSTRUMENTS, load, load_instruments
from config.program import CoreIndexSleeve, TrendSleeve
from model.instruments import Instrument, Kind
from model.units import px, px_from_float, qty

ROOT = Path(__file__).resolve().parents[2]
FUTURES = ROOT.parent / "shared" / "data" / "futures"


@lru_cache(maxsize=1)
def shipped() -> dict[str, Instrument]:
    return load_instruments(sorted(path.name for path in INSTRUMENTS.glob("*.yaml")))


@lru_cache(maxsize=1)
def source() -> dict[str, dict[str, str]]:
    with (FUTURES / "instruments.csv").open(encoding="utf-8") as file:
        return {row["instrument"]: row for row in csv.DictReader(file)}


@lru_cache(maxsize=1)
def recorded() -> dict[str, list[tuple[int, float]]]:
    """(yyyymmdd, price) of each product, in time order."""
    table = pyarrow.parquet.read_table(FUTURES / "contracts.parquet", columns=["date", "instrument", "price"])
    found: dict[str, list[tuple[int, float]]] = {}
    columns = (table.column(name).to_pylist() for name in ("date", "instrument", "price"))
    for date, name, price in zip(*columns, strict=True):
        if price is not None and price == price:
            found.setdefault(name, []).append((date.year * 10_000 + date.month * 100 + date.day, price))
    return {name: sorted(rows) for name, rows in found.items()}


def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_futures", ROOT / "scripts" / "make_futures_instruments.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def futures() -> list[Instrument]:
    """Those that come from the source: the Swiss micro is priced there but not recorded."""
    return [one for one in shipped().values() if one.id in recorded()]


def test_the_futures_file_is_what_the_script_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    maker().main([str(FUTURES), str(tmp_path / "futures.yaml")])
    assert (tmp_path / "futures.yaml").read_text() == (INSTRUMENTS / "futures.yaml").read_text()


def test_every_core_future_with_contracts_is_there_with_the_facts_of_the_source() -> None:
    wanted = {name for name, row in source().items() if row["core"] == "True" and name in recorded()}
    assert len(wanted) >= 60
    assert wanted <= set(shipped())
    for one in futures():
        row = source()[one.id]
        assert float(one.multiplier) == pytest.approx(float(row["point_size"]), rel=1e-9), one.id
        assert float(one.half_spread) == pytest.approx(float(row["half_spread"]), rel=1e-9), one.id
        assert float(one.commission.per_unit) == float(row["commission_per_contract"]), one.id
        assert one.currency == row["currency"], one.id
        assert one.roll is not None
        assert one.roll.hold_cycle == row["hold_cycle"], one.id
        assert one.roll.offset_days == int(row["roll_offset_days"]), one.id


def test_the_ticks_are_those_of_the_exchanges() -> None:
    # Contract specifications of CME, CBOT, Eurex, ICE, HKEX and OSE: the value of one tick of one contract.
    worth = {
        "SP500": "12.5", "NASDAQ": "5", "US2": "7.8125", "US5": "7.8125", "US10": "15.625", "US20": "31.25",
        "EUR": "6.25", "EUR_micro": "1.25", "JPY": "6.25", "GBP": "6.25", "MXP": "5", "GOLD": "10", "COPPER": "12.5",
        "CRUDE_W": "10", "GAS_US": "10", "HEATOIL": "4.2", "CORN": "12.5", "SOYBEAN": "12.5", "SOYOIL": "6",
        "SUGAR11": "11.2", "COCOA": "10", "LIVECOW": "10", "BUND": "10", "BTP": "10", "SHATZ": "5", "EUROSTX": "10",
        "EURO600": "5", "V2X": "5", "VIX": "50", "HANG": "50", "JGB": "10000", "GILT": "10", "EU-BANKS": "2.5",
    }  # fmt: skip
    for name, money in worth.items():
        one = shipped()[name]
        assert one.ticks[0].tick * one.multiplier == Decimal(money), name


def test_recent_closes_lie_on_the_ticks() -> None:
    """Where a tick is too coarse the prices of the last year give it away. Some sources average bid and ask."""
    averaged = {"AEX_mini", "IBEX", "IRON", "AUD_micro", "EUR_micro"}
    for one in futures():
        if one.ticks and one.id not in averaged:
            prices = [price for _, price in recorded()[one.id][-250:]]
            on_tick = sum(abs(one.nearest_tick(px_from_float(price)) - px_from_float(price)) <= 60 for price in prices)
            assert on_tick >= 0.95 * len(prices), f"{one.id}: {on_tick} of {len(prices)}"


def test_every_product_has_a_calendar_a_lot_and_a_round_trip_of_money() -> None:
    for one in shipped().values():
        assert one.calendar in CALENDARS
        assert one.on_lot(qty(1)), one.id
        assert one.value(px("100"), qty(1)) == int(100 * one.multiplier * 10**6), one.id
    assert len(shipped()) >= 180


def test_no_isin_and_no_id_is_used_twice() -> None:
    isins = [one.isin for one in shipped().values() if one.isin]
    assert len(isins) == len(set(isins))


def test_the_wrong_identities_of_the_european_universe_are_corrected() -> None:
    europe = shipped()
    assert "DAX" in europe["EXS1"].name
    assert "EURO STOXX 50" in europe["SXRT"].name
    assert "EURO STOXX 50" in europe["EXW1"].name
    assert "CS51" not in europe
    assert "Telecommunications" in europe["EXV2"].name
    assert "Retail" in europe["EXH8"].name
    assert "Oil & Gas" in europe["EXH1"].name
    assert "Financial Services" in europe["EXH2"].name
    assert "Industrial" in europe["EXH4"].name
    assert europe["EU-BANKS"].multiplier == 50
    assert all(not one.tradeable for one in europe.values() if one.kind is Kind.INDEX)
    assert all(not europe[one].tradeable for one in ("SPY", "XLE", "XLU", "EWI"))


def test_pence_lines_are_sterling_and_euro_lines_in_london_are_not() -> None:
    europe = shipped()
    pence = {one.id for one in europe.values() if one.price_magnifier == 100}
    assert pence == {"SMEA", "IUKD"}
    assert {europe[one].currency for one in pence} == {"GBP"}
    assert (europe["IEAC"].currency, europe["CSPX"].currency) == ("EUR", "USD")


def test_a_european_fund_has_the_ticks_of_the_directive() -> None:
    # RTS 11, most liquid band: 0.005 from 20, 0.01 from 50, 0.1 from 500.
    fund = shipped()["SXRT"]
    assert fund.tick_at(px("19.99")) == px("0.002")
    assert fund.tick_at(px("49.99")) == px("0.005")
    assert fund.tick_at(px("50")) == px("0.01")
    assert fund.tick_at(px("612.3")) == px("0.1")


def test_the_spine_trades_thirty_products_recorded_since_before_2006() -> None:
    spine = load("spine")
    core, trend, _ = spine.program.sleeves
    assert isinstance(core, CoreIndexSleeve)
    assert isinstance(trend, TrendSleeve)
    assert len(trend.params.instruments) >= 30
    for product in (*trend.params.instruments, core.params.long, core.params.short):
        days = recorded()[product]
        assert days[0][0] < 20060101, product
        assert days[-1][0] >= 20230801, product
    assert set(spine.program.products()) == set(spine.instruments)


def test_the_demo_says_that_nobody_can_buy_what_it_trades() -> None:
    demo = load("demo")
    for one in demo.instruments.values():
        assert "on paper" in one.name or not one.tradeable
