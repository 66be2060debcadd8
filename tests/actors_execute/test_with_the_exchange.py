"""The executing actors against the simulated exchange: every day the two accounts agree to the micro."""

from __future__ import annotations

import random
from decimal import Decimal

import msgspec
import pytest

from engine.schedule import Seeded
from model.decisions import DayMarked, Mode, ModeEntered
from model.execution import Reconciled, ReconcileNow
from model.instruments import Commission
from model.market import BarClosed
from model.orders import Filled
from model.sessions import Session, Sessions
from model.units import px, qty
from simulation.exchange import Exchange, VenueRules
from tests.actors_execute.kit import START_CASH, UNIVERSE, House, want

HOUR = 3_600 * 10**9
DAY = 24 * HOUR
START = 18_267 * DAY  # 2020-01-06T00:00:00Z, a Monday
DAYS = 15
FIRST = 20200106
FEES = Commission(per_unit=Decimal("0.37"), per_order=Decimal("1.25"))
LISTED = {
    name: msgspec.structs.replace(each, commission=FEES, half_spread=Decimal("0.013"),
                                  initial_margin_share=Decimal("0.1"))
    for name, each in UNIVERSE.items() if name != "C"
}  # fmt: skip


def calendar(name: str) -> Sessions:
    return Sessions(
        name, [Session(FIRST + i, START + i * DAY + 9 * HOUR, START + i * DAY + 17 * HOUR) for i in range(DAYS + 2)]
    )


@pytest.mark.parametrize("seed", range(8))
def test_two_weeks_of_trading_leave_no_difference(seed: int) -> None:
    exchange = Exchange(
        instruments=LISTED, sessions={"XETR": calendar("XETR"), "CME": calendar("CME")}, cash={"EUR": START_CASH},
        base_currency="EUR", fx={"EUR": 10**9}.get, rules=VenueRules(unknown_size_fills=True),
    )  # fmt: skip
    house = House(exchange=exchange, at_ns=START, scheduler=Seeded(seed), phased=False, compare_every_s=3_600).open()
    exchange.connect(house.clock.now_ns)
    house.run(5)
    chance = random.Random(seed)
    prices = {"A": 100.0, "B": 50.0, "F@202003": 3000.0}
    for day in range(DAYS):
        house.driver.run(START + day * DAY + 10 * HOUR)
        for name in prices:
            prices[name] *= 1 + chance.gauss(0, 0.02)
        texts = {name: f"{price:.4f}" for name, price in prices.items()}
        wants = {
            who: (want("A", str(chance.randint(-50, 50))), want("B", str(chance.randint(-50, 50))),
                  want("F", str(chance.randint(-3, 3))))
            for who in ("a", "b")
        }  # fmt: skip
        house.decide(wants, texts, session=FIRST + day, contracts={"A": "A", "B": "B", "F": "F@202003"})
        house.driver.run(START + day * DAY + 17 * HOUR)
        for name, text in texts.items():
            at = px(text)
            exchange.on_bar(BarClosed(name, FIRST + day, at, at, at, at, qty(10**6), house.clock.now_ns))
        house.run(60)
        house.kernel.tell("reconciler", ReconcileNow("end of day"))
        house.run(60)
        row = house.rows(Reconciled)[-1]
        assert row.complete
        assert row.breaks == (), f"day {day}, seed {seed}"
    assert len(house.rows(Filled)) > 30
    assert exchange.duplicates == 0
    assert [row.mode for row in house.rows(ModeEntered)][-1] is Mode.TRADING
    last = house.rows(DayMarked)[-1]
    assert last.cash_base + last.open_value == last.nav
    causes = last.variation_total + last.fx_total + last.financing_total + last.flows_total - last.fees_total
    assert abs(START_CASH + causes - last.nav) < 10_000
