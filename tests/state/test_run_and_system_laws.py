"""A run trades once; the system's modes go down by themselves and up by a person's word."""

from __future__ import annotations

import enum
import itertools

import pytest

from model.decisions import Mode
from state import run_law, system_law
from state.law import Answer, Note, enact, move, refuse, stay
from state.run_law import RunEvent, RunState
from state.system_law import Act, SystemEvent, allows, may_place

R, RE = RunState, RunEvent
M, SE = Mode, SystemEvent

RUN_PAIRS = [pytest.param(state, event, id=f"{state}-{event}") for state in R for event in RE]
MODE_PAIRS = [pytest.param(mode, event, id=f"{mode.value}-{event}") for mode in M for event in SE]


@pytest.mark.parametrize(("state", "event"), RUN_PAIRS)
def test_every_pair_of_a_run_has_one_answer(state: RunState, event: RunEvent) -> None:
    outcome = run_law.next_state(state, event)
    assert (outcome.state is not state) == (outcome.answer is Answer.MOVE)
    assert outcome.note.text
    if run_law.is_terminal(state):
        assert outcome.state is state


def test_a_run_goes_from_its_plan_to_its_end() -> None:
    state = R.PLANNED
    for event, then in ((RE.SUBMITTED, R.SUBMITTED), (RE.ENDED, R.FILLED), (RE.SETTLED, R.DONE)):
        state = run_law.next_state(state, event).state
        assert state is then


@pytest.mark.parametrize("state", [R.SUBMITTED, R.FILLED, R.DONE, R.ABORTED])
def test_a_run_that_left_the_house_is_never_planned_again(state: RunState) -> None:
    assert run_law.next_state(state, RE.PLANNED_AGAIN).refused


@pytest.mark.parametrize("state", [R.FILLED, R.DONE, R.ABORTED])
def test_a_run_that_ended_sends_nothing_more(state: RunState) -> None:
    assert run_law.next_state(state, RE.SUBMITTED).refused


def test_a_restart_changes_no_run() -> None:
    for state in R:
        assert run_law.next_state(state, RE.RESTARTED).answer is Answer.STAY


@pytest.mark.parametrize(("mode", "event"), MODE_PAIRS)
def test_every_pair_of_the_system_has_one_answer(mode: Mode, event: SystemEvent) -> None:
    outcome = system_law.next_state(mode, event)
    assert (outcome.state is not mode) == (outcome.answer is Answer.MOVE)
    assert outcome.note.text


def test_the_engine_starts_by_reconciling_and_trades_only_after_it() -> None:
    mode = M.BOOT
    for event in (SE.STARTED, SE.RECONCILED, SE.AUTO_TRADE):
        mode = system_law.next_state(mode, event).state
    assert mode is M.TRADING
    into_trading = [
        (was, event)
        for (was, event), outcome in system_law.TABLE.items()
        if outcome.moved and outcome.state is M.TRADING
    ]
    assert into_trading == [
        (M.OBSERVING, SE.AUTO_TRADE),
        (M.OBSERVING, SE.RESUMED),
        (M.REDUCE_ONLY, SE.RESUMED),
        (M.HALTED, SE.RESUMED),
    ]


def test_nothing_but_an_operators_word_allows_more_than_before() -> None:
    """Starting up and the written policy after a clean start are the two exceptions, and neither follows a halt."""
    permitted = (*system_law.OPERATOR_EVENTS, SE.STARTED, SE.RECONCILED, SE.AUTO_TRADE)
    for (mode, event), outcome in system_law.TABLE.items():
        grown = [act for act in Act if allows(outcome.state, act) and not allows(mode, act)]
        if grown and (mode, event) != (M.BOOT, SE.HALTED) and (mode, event) != (M.BOOT, SE.STOPPED):
            assert event in permitted, f"{event} lets {grown} out of {mode.value}"
    for event, mode in itertools.product((SE.AUTO_TRADE, SE.RECONCILED, SE.STARTED), (M.HALTED, M.REDUCE_ONLY)):
        assert system_law.next_state(mode, event).state is mode


def test_an_incomplete_answer_ends_no_reconciliation() -> None:
    for event in (SE.SNAPSHOT_INCOMPLETE, SE.BREAK_FOUND):
        assert system_law.next_state(M.RECONCILING, event).state is M.RECONCILING


@pytest.mark.parametrize("event", SE)
def test_a_safe_stop_is_final(event: SystemEvent) -> None:
    assert system_law.next_state(M.SAFE_STOP, event).state is M.SAFE_STOP


def test_a_halt_stops_from_every_running_mode() -> None:
    for mode in (M.BOOT, M.RECONCILING, M.OBSERVING, M.TRADING, M.REDUCE_ONLY):
        assert system_law.next_state(mode, SE.HALTED).state is M.HALTED


def test_what_may_be_placed_in_each_mode() -> None:
    assert [mode for mode in M if may_place(mode, reduces=False)] == [M.TRADING]
    assert [mode for mode in M if may_place(mode, reduces=True)] == [M.TRADING, M.REDUCE_ONLY]
    assert [mode for mode in M if not allows(mode, Act.CANCEL)] == [M.BOOT]


class Lamp(enum.Enum):
    OFF = "off"
    ON = "on"


class Push(enum.Enum):
    UP = "up"
    DOWN = "down"


WHY = Note("WHY", "because")


def test_a_law_with_a_gap_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no clause answers Push.UP in Lamp.ON, Push.DOWN in Lamp.OFF"):
        enact(Lamp, Push, {Push.UP: (move(Lamp.OFF, to=Lamp.ON),), Push.DOWN: (move(Lamp.ON, to=Lamp.OFF),)})


def test_a_law_that_answers_twice_is_refused() -> None:
    with pytest.raises(ValueError, match=r"two clauses answer Push.UP in Lamp.ON"):
        enact(Lamp, Push, {Push.UP: (stay(Lamp.ON, note=WHY), refuse(Lamp.ON, note=WHY))})


def test_a_move_to_the_same_state_is_refused() -> None:
    with pytest.raises(ValueError, match="say STAY"):
        enact(Lamp, Push, {Push.UP: (move(Lamp.ON, to=Lamp.ON),)})
