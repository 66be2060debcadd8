"""Prices of orders: the worked examples of the specification, and laws over all prices."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors import pricing
from actors.contracts import Contract
from model.instruments import Instrument, Kind, TickStep
from model.market import Quote
from model.orders import Side
from model.units import px, qty

CENT = Contract(
    "X", Instrument(id="X", kind=Kind.ETF, venue="V", currency="EUR", calendar="C",
                    ticks=(TickStep(Decimal(0), Decimal("0.01")),)),
)  # fmt: skip
STEPPED = Contract(
    "Y", Instrument(id="Y", kind=Kind.STOCK, venue="V", currency="EUR", calendar="C",
                    ticks=(TickStep(Decimal(0), Decimal("0.001")), TickStep(Decimal(10), Decimal("0.005")))),
)  # fmt: skip


def quote(bid: str, ask: str) -> Quote:
    return Quote("X", px(bid), px(ask), qty(1), qty(1), 0)


def test_marketable_buy_of_the_worked_example() -> None:
    # bid 99.98, ask 100.02, collar 10 bp: min(100.02 + .25 * .04, 100.00 * 1.001) = min(100.03, 100.10)
    collar = pricing.collar_of(CENT, Side.BUY, px("100"), 10)
    assert collar == px("100.10")
    assert pricing.marketable(CENT, Side.BUY, quote("99.98", "100.02"), collar) == px("100.03")


def test_marketable_sell_is_its_mirror() -> None:
    collar = pricing.collar_of(CENT, Side.SELL, px("100"), 10)
    assert collar == px("99.90")
    assert pricing.marketable(CENT, Side.SELL, quote("99.98", "100.02"), collar) == px("99.97")


def test_second_reprice_of_the_worked_example() -> None:
    # 100.02 + (100.10 - 100.02) * min(1, .5 + .2) = 100.076, on the tick of a cent
    assert pricing.rung(CENT, Side.BUY, px("100.02"), px("100.10"), 2) == px("100.08")


@pytest.mark.parametrize(("step", "price"), [(0, "100.06"), (3, "100.084"), (5, "100.10"), (9, "100.10")])
def test_the_ladder_climbs_from_half_way_to_the_collar(step: int, price: str) -> None:
    fine = Contract("Z", Instrument(id="Z", kind=Kind.ETF, venue="V", currency="EUR", calendar="C",
                                    ticks=(TickStep(Decimal(0), Decimal("0.001")),)))  # fmt: skip
    assert pricing.rung(fine, Side.BUY, px("100.02"), px("100.10"), step) == px(price)


def test_a_collar_of_a_negative_price_is_worse_for_each_side() -> None:
    # crude oil of May 2020 settled at -37.63; 100 bp of its size is .3763
    assert pricing.collar_of(CENT, Side.BUY, px("-37.63"), 100) == px("-37.26")
    assert pricing.collar_of(CENT, Side.SELL, px("-37.63"), 100) == px("-38.00")


def test_the_tick_follows_the_size_of_the_price() -> None:
    assert STEPPED.to_tick(px("9.9994"), up=True) == px("10.000")
    assert STEPPED.to_tick(px("12.3421"), up=False) == px("12.340")
    assert STEPPED.tick_at(px("-12")) == px("0.005")


SIDES = st.sampled_from(list(Side))
PRICES = st.integers(-(10**14), 10**14).filter(lambda price: price != 0)


@given(SIDES, PRICES, st.integers(0, 10**10), st.integers(0, 500), st.integers(0, 9))
def test_no_price_ever_leaves_its_collar(side: Side, middle: int, half: int, bps: int, step: int) -> None:
    market = Quote("X", middle - half, middle + half, 1, 1, 0)
    collar = pricing.collar_of(CENT, side, middle, bps)
    base = market.ask if side is Side.BUY else market.bid
    for price in (pricing.marketable(CENT, side, market, collar), pricing.rung(CENT, side, base, collar, step)):
        assert (collar - price) * side >= 0
        assert price % CENT.tick_at(price) == 0
        assert (pricing.shifted(middle, bps, side) - price) * side >= 0


@given(SIDES, st.integers(10**9, 10**13), st.integers(1, 10**8))
def test_each_rung_is_at_least_as_eager_as_the_one_before(side: Side, base: int, width: int) -> None:
    collar = CENT.to_tick(base + side * width * 10, up=side is Side.SELL)
    rungs = [pricing.rung(CENT, side, base, collar, step) * side for step in range(7)]
    if (collar - base) * side >= 0:
        assert rungs == sorted(rungs)
    assert rungs[-1] * side == collar
