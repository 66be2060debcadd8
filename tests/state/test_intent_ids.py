"""The same decision always has the same id, and no two decisions share one."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from model.decisions import run_id
from model.orders import ORDER_PREFIX, Side, intent_id

RUN = "20230103.1.trend.abcdef012345"
LOT = 10**8


def test_the_id_is_the_hash_of_the_decision() -> None:
    # printf '%s' '20230103.1.trend.abcdef012345|SP500@202306|1|300000000|trend|0|0' | sha256sum
    assert intent_id(RUN, "SP500@202306", Side.BUY, 3 * LOT, "trend", 0, 0) == "hr-4d86b523adc8786b10779c9d"


def test_two_runs_of_one_day_do_not_share_orders() -> None:
    first, second = (run_id("trend", 20230103, number, "same inputs") for number in (1, 2))
    assert first != second
    assert intent_id(first, "ES", Side.BUY, LOT, "trend", 0, 0) != intent_id(second, "ES", Side.BUY, LOT, "trend", 0, 0)


def test_legs_attempts_sides_sleeves_and_sizes_of_one_run_all_differ() -> None:
    decisions = itertools.product(
        ("ES", "ES@202306", "NQ"), Side, (LOT, 2 * LOT, 11 * LOT), ("trend", "carry"), range(4), range(4)
    )
    ids = [intent_id(RUN, *decision) for decision in decisions]
    assert len(set(ids)) == len(ids) == 3 * 2 * 3 * 2 * 4 * 4


def test_ids_fit_the_smallest_reference_field() -> None:
    made = intent_id(RUN, "a very long instrument name" * 5, Side.SELL, 10**17, "sleeve", 99, 99)
    assert len(made) == 27
    assert made.startswith(ORDER_PREFIX)
    assert made.isascii()


names = st.text("ABC@.0123456789", min_size=1, max_size=12)
decisions = st.tuples(
    names, names, st.sampled_from(Side), st.integers(1, 10**15), names, st.integers(0, 20), st.integers(0, 20)
)


@given(decisions, decisions)
def test_ids_are_equal_exactly_when_decisions_are(
    one: tuple[str, str, Side, int, str, int, int], other: tuple[str, str, Side, int, str, int, int]
) -> None:
    assert (intent_id(*one) == intent_id(*other)) == (one == other)
