"""A stitched level moves by what the holder of the contracts would have made."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from model.rolls import Roll
from state.lake.lake import Bars
from state.lake.stitch import stitch


def bars_of(rows: list[tuple[int, int, int]]) -> Bars:
    """Bars from (session, contract, close); each session is one nanosecond later than the one before."""
    ordered = sorted(rows)
    session, contract, close = (np.array(column, np.int64) for column in zip(*ordered, strict=True))
    at_ns = np.searchsorted(np.unique(session), session).astype(np.int64)
    return Bars("X", contract, session, at_ns, close, close, close, close, np.zeros(len(close), np.int64))


def test_the_difference_at_the_roll_is_taken_out_of_the_past() -> None:
    rows = [(1, 202303, 100), (2, 202303, 103), (2, 202306, 110), (3, 202303, 104), (3, 202306, 112), (4, 202306, 113)]
    joined = stitch(bars_of(rows), [Roll(session=2, from_contract=202303, to_contract=202306, decided=1)])
    assert joined.contract.tolist() == [202303, 202303, 202306, 202306]
    assert joined.price.tolist() == [100, 103, 112, 113]
    assert joined.level.tolist() == [107, 110, 112, 113]  # +3 in the old contract, then +2 and +1 in the new one
    assert joined.unjoined == ()


def test_a_roll_without_a_common_price_is_named_and_not_hidden() -> None:
    rows = [(1, 202303, 100), (2, 202303, 103), (3, 202306, 112)]
    joined = stitch(bars_of(rows), [Roll(session=2, from_contract=202303, to_contract=202306, decided=1)])
    assert joined.level.tolist() == [100, 103, 112]
    assert joined.unjoined == (2,)


def test_a_roll_that_is_still_to_come_is_no_fault() -> None:
    rows = [(1, 202303, 100), (2, 202303, 103), (2, 202306, 110)]
    joined = stitch(bars_of(rows), [Roll(session=3, from_contract=202303, to_contract=202306, decided=2)])
    assert joined.contract.tolist() == [202303, 202303]
    assert joined.level.tolist() == [100, 103]
    assert joined.unjoined == ()


@given(
    closes=st.lists(st.tuples(st.integers(-500, 500), st.integers(-500, 500), st.integers(-500, 500)), min_size=6),
    data=st.data(),
)
def test_every_move_is_that_of_the_contract_held_the_night_before(
    closes: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    """Three contracts priced on every session, two rolls anywhere: no other price may enter a move."""
    months = (202303, 202306, 202309)
    last = len(closes)
    first_roll = data.draw(st.integers(2, last - 2))
    second_roll = data.draw(st.integers(first_roll + 1, last))
    rolls = [
        Roll(session=first_roll, from_contract=months[0], to_contract=months[1], decided=first_roll - 1),
        Roll(session=second_roll, from_contract=months[1], to_contract=months[2], decided=second_roll - 1),
    ]
    rows = [(day, m, row[i]) for day, row in enumerate(closes, start=1) for i, m in enumerate(months)]
    joined = stitch(bars_of(rows), rolls)
    for day in range(2, last + 1):
        held = sum(day > roll.session for roll in rolls)
        move = closes[day - 1][held] - closes[day - 2][held]
        assert joined.level[day - 1] - joined.level[day - 2] == move
