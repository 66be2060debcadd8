"""The life of an actor: every pair of the table, and every pair that it does not have."""

from __future__ import annotations

import itertools

import pytest

from engine.errors import Illegal
from engine.lifecycle import LIFE, TAKES_TURNS, State, Step, after

PAIRS = list(itertools.product(State, Step))


@pytest.mark.parametrize(("state", "step"), PAIRS, ids=[f"{state.value}-{step.value}" for state, step in PAIRS])
def test_every_pair_leads_where_the_table_says_or_is_refused(state: State, step: Step) -> None:
    if (state, step) in LIFE:
        assert after(state, step) is LIFE[state, step]
    else:
        with pytest.raises(Illegal, match=f"{state.value} cannot {step.value}"):
            after(state, step)


def test_a_good_life() -> None:
    state = State.NEW
    for step, expected in (
        (Step.START, State.STARTING),
        (Step.BUILT, State.RECOVERING),
        (Step.RECOVERED, State.RUNNING),
        (Step.DEGRADE, State.DEGRADED),
        (Step.HEAL, State.RUNNING),
        (Step.DRAIN, State.DRAINING),
        (Step.STOP, State.STOPPED),
    ):
        state = after(state, step)
        assert state is expected


def test_anything_may_crash_and_only_a_restart_or_a_quarantine_follows() -> None:
    assert all(after(state, Step.CRASH) is State.FAILED for state in State)
    ways = {step: LIFE[State.FAILED, step] for step in Step if (State.FAILED, step) in LIFE}
    assert ways == {
        Step.CRASH: State.FAILED,
        Step.RESTART: State.RESTARTING,
        Step.QUARANTINE: State.QUARANTINED,
    }


def test_every_state_can_be_reached_from_the_first() -> None:
    reached = {State.NEW}
    while more := {LIFE[state, step] for state, step in LIFE if state in reached} - reached:
        reached |= more
    assert reached == set(State)
    assert {State.RUNNING, State.DEGRADED, State.DRAINING} == TAKES_TURNS
