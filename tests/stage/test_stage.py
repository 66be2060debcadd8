"""The stage plays what it is told, dies where it is told, and comes up on what was durable."""

from __future__ import annotations

import pytest

from model.decisions import Mode
from simulation.stage import Cuts, Stage, duration_ns
from state.order_law import OrderState


def test_a_wish_becomes_an_order_that_fills_at_the_next_quote() -> None:
    with Stage(seed=7) as stage:
        assert stage.mode is Mode.TRADING
        stage.want("ALPHA", 100)
        stage.decide()
        stage.run("2m")
        order = stage.orders.one()
        assert (order.state, stage.positions) == (OrderState.FILLED, {"ALPHA": 100})


def test_an_order_whose_answers_are_lost_is_unknown_until_the_venue_is_asked() -> None:
    with Stage(seed=7) as stage:
        stage.want("ALPHA", 100)
        stage.decide()
        stage.run("59s")
        stage.venue.drop_next_ack()
        stage.venue.drop_next("Fill")
        stage.run("32s")
        assert stage.orders.one().state is OrderState.UNKNOWN
        stage.run("10s")
        assert (stage.orders.one().state, stage.positions) == (OrderState.FILLED, {"ALPHA": 100})


def test_a_crash_at_any_cut_leaves_one_order_at_the_venue_and_the_same_book() -> None:
    def play(stage: Stage) -> None:
        stage.want("ALPHA", 100)
        stage.decide()
        stage.run("10m")

    whole = Stage(seed=7)
    first = len(whole.cuts.passed) + 1
    play(whole)
    for number in range(first, len(whole.cuts.passed) + 1):
        stage = Stage(seed=7, cuts=Cuts(number))
        play(stage)
        stage.run("1m")
        assert [crash.number for crash in stage.crashes] == [number]
        assert stage.mode is Mode.TRADING
        held = {each.instrument: each.quantity for each in stage.venue.exchange.snapshot("s", 0).positions}
        assert held == {name: units * 10**8 for name, units in stage.positions.items()}
        assert stage.venue.exchange.duplicates == 0
        assert len(stage.venue.exchange.desk.orders) <= 1


def test_the_same_seed_plays_the_same_play_to_the_last_row() -> None:
    def rows(seed: int) -> list[str]:
        with Stage(seed=seed) as stage:
            stage.want("GAMMA", 3)
            stage.want("ALPHA", 5, sleeve="two", pair="p")
            stage.want("BETA", -10, sleeve="two", pair="p")
            stage.decide()
            stage.run("1h")
            return [str(row) for row in stage.rows]

    assert rows(3) == rows(3)
    assert rows(3) != rows(4)


def test_a_dead_engine_cannot_be_looked_into_and_comes_up_by_itself() -> None:
    with Stage() as stage:
        stage.crash()
        assert stage.mode is None
        with pytest.raises(RuntimeError, match="the engine is down"):
            _ = stage.orders
        stage.run("10s")
        assert stage.mode is Mode.TRADING


@pytest.mark.parametrize(
    ("text", "ns"), [("250ms", 250_000_000), ("5s", 5 * 10**9), ("1m", 60 * 10**9), ("2d", 172_800 * 10**9)]
)
def test_a_duration_is_a_number_and_a_unit(text: str, ns: int) -> None:
    assert duration_ns(text) == ns


@pytest.mark.parametrize("text", ["", "5", "s", "1.5s", "-1s", "5 s", "5y"])
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        duration_ns(text)
