"""Numbers at the edge: floats there, exact integers here."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.units import PX_SCALE, QTY_SCALE, cash, px, qty
from ports.ib.wire_numbers import UNSET, UNSET_WHOLE, amount_in, cash_in, known, px_in, px_out, qty_in, qty_out

TICKS = [px("0.0001"), px("0.0005"), px("0.005"), px("0.01"), px("0.25"), px("1")]


@given(st.sampled_from(TICKS), st.integers(1, 10**7), st.sampled_from([1, 100]))
def test_every_price_on_a_tick_comes_back_as_it_left(tick: int, steps: int, magnifier: int) -> None:
    price = tick * steps
    assert px_in(px_out(price, magnifier), magnifier) == price


@given(st.integers(1, 10**9), st.sampled_from([1, 10, 10**8]))
def test_every_quantity_comes_back_as_it_left(units: int, scale: int) -> None:
    quantity = units * QTY_SCALE // scale
    assert qty_in(float(qty_out(quantity))) == quantity


def test_pence_at_the_edge_are_pounds_inside() -> None:
    assert px_in(751.25, 100) == px("7.5125")
    assert px_out(px("7.5125"), 100) == 751.25


def test_whole_quantities_are_written_without_a_point() -> None:
    assert str(qty_out(qty("100"))) == "100"
    assert str(qty_out(qty("0.5"))) == "0.5"


@pytest.mark.parametrize("value", [UNSET, UNSET_WHOLE, float("nan"), float("inf"), None, "1.5", True])
def test_what_is_unset_is_no_number(value: object) -> None:
    assert not known(value)


@pytest.mark.parametrize("value", [UNSET, float("nan")])
def test_an_unset_price_is_refused_and_not_taken_for_a_huge_one(value: float) -> None:
    with pytest.raises(ValueError, match="is no price"):
        px_in(value)
    with pytest.raises(ValueError, match="is no amount"):
        cash_in(value)


def test_amounts_of_a_what_if_may_be_unknown() -> None:
    assert amount_in("1.7976931348623157E308") is None
    assert amount_in("") is None
    assert amount_in("N/A") is None
    assert amount_in("-12.5") == cash("-12.5")
    assert px_in(1e-05) == PX_SCALE // 100_000
