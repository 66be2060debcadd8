"""The sleeve for drills: another wish in each decision, the same one whenever that decision is taken again."""

from __future__ import annotations

import pytest

from config.loader import load_instruments
from model.market import Quality
from model.units import PX_SCALE, QTY_SCALE
from sleeves.base import Seat
from sleeves.drill import Drill
from tests.sleeves.made import bar, decide

PRODUCTS = ("SP500", "GOLD")
SEAT = Seat("drill", tuple(load_instruments(["futures.yaml"])[name] for name in PRODUCTS), 1e6, 1.0)
DAYS = range(20240101, 20240131)


def test_every_decision_wants_something_else_within_bounds() -> None:
    sleeve = Drill(SEAT, most_units=7)
    wishes = [sleeve.decide(decide(day)).wants for day in DAYS]
    assert len({tuple(want.quantity for want in wants) for wants in wishes}) > 20
    assert all(abs(want.quantity) <= 7 * QTY_SCALE for wants in wishes for want in wants)
    assert all(want.quantity % QTY_SCALE == 0 for wants in wishes for want in wants)
    assert {want.product for wants in wishes for want in wants} == set(PRODUCTS)


def test_a_decision_that_is_taken_again_after_a_restart_wants_the_same() -> None:
    one, other = Drill(SEAT), Drill(SEAT)
    one.on_bar(bar("SP500", 20240101, 100 * PX_SCALE))
    other.load(one.state())
    assert [one.decide(decide(day)) for day in DAYS] == [other.decide(decide(day)) for day in DAYS]


def test_a_product_without_a_trusted_price_is_kept() -> None:
    wants = Drill(SEAT).decide(decide(20240102, degraded={"GOLD": Quality.STALE})).wants
    assert [(want.product, want.hold) for want in wants] == [("SP500", False), ("GOLD", True)]


def test_a_drill_without_units_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 is needed"):
        Drill(SEAT, most_units=0)
