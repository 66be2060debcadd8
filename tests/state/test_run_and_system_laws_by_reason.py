"""The laws of runs and modes read across: where each event leads, and for which pairs each reason is given."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from model.decisions import Mode
from state import run_law, system_law
from state.law import Answer
from state.run_law import RunEvent, RunState
from state.system_law import OPERATOR_EVENTS, SystemEvent

R, RE = RunState, RunEvent
M, SE = Mode, SystemEvent

RunPairs = set[tuple[RunState, RunEvent]]
ModePairs = set[tuple[Mode, SystemEvent]]


# -- runs


def of_runs(states: Iterable[RunState], *events: RunEvent) -> RunPairs:
    return {(state, event) for state in states for event in events}


OVER = (R.DONE, R.ABORTED)
OUT = (R.SUBMITTED, R.FILLED)
RUN_MOVES: dict[RunState, RunPairs] = {
    R.SUBMITTED: {(R.PLANNED, RE.SUBMITTED)},
    R.FILLED: {(R.SUBMITTED, RE.ENDED)},
    R.DONE: {(R.FILLED, RE.SETTLED), (R.PLANNED, RE.NOTHING_TO_SEND)},
    R.ABORTED: of_runs((R.PLANNED, R.SUBMITTED), RE.ABORTED),
}
RUN_REASONS: dict[str, RunPairs] = {
    "SAME_PLAN": of_runs([R.PLANNED], RE.PLANNED_AGAIN, RE.RESTARTED),
    "TRADED_ONCE": of_runs((*OUT, *OVER), RE.PLANNED_AGAIN) | of_runs((R.FILLED, *OVER), RE.SUBMITTED),
    "DUPLICATE": {(R.SUBMITTED, RE.SUBMITTED), (R.FILLED, RE.ENDED), (R.ABORTED, RE.ABORTED)},
    "RECONCILE": of_runs(OUT, RE.RESTARTED),
    "NO_ORDERS": {(R.PLANNED, RE.NOTHING_TO_SEND)},
    "GIVEN_UP": of_runs((R.PLANNED, R.SUBMITTED), RE.ABORTED),
    "OVER": of_runs(OVER, RE.NOTHING_TO_SEND, RE.ENDED, RE.SETTLED, RE.RESTARTED)
    | of_runs((R.FILLED, R.DONE), RE.ABORTED),
    "ORDERS_OUT": of_runs(OUT, RE.NOTHING_TO_SEND),
    "NOT_SUBMITTED": of_runs([R.PLANNED], RE.ENDED, RE.SETTLED),
    "NOT_ENDED": {(R.SUBMITTED, RE.SETTLED)},
}
RUN_DEFECTS = {"TRADED_ONCE", "ORDERS_OUT", "NOT_SUBMITTED", "NOT_ENDED"}


@pytest.mark.parametrize("event", RE)
@pytest.mark.parametrize("state", R)
def test_a_run_moves_on_its_one_way_and_is_otherwise_where_it_was(state: RunState, event: RunEvent) -> None:
    leads = [to for to, pairs in RUN_MOVES.items() if (state, event) in pairs]
    outcome = run_law.next_state(state, event)
    assert [outcome.state] == (leads or [state])
    assert outcome.moved == bool(leads)


@pytest.mark.parametrize("event", RE)
@pytest.mark.parametrize("state", R)
def test_each_answer_about_a_run_has_its_reason_and_a_person_wakes_for_our_own_defects(
    state: RunState, event: RunEvent
) -> None:
    outcome = run_law.next_state(state, event)
    reasons = [name for name, pairs in RUN_REASONS.items() if (state, event) in pairs]
    assert [outcome.note.name] == (reasons or ["AS_PLANNED"])
    assert outcome.note.alarm == outcome.refused == (outcome.note.name in RUN_DEFECTS)


# -- modes


def of_modes(modes: Iterable[Mode], *events: SystemEvent) -> ModePairs:
    return {(mode, event) for mode in modes for event in events}


RUNNING = (M.BOOT, M.RECONCILING, M.OBSERVING, M.TRADING, M.REDUCE_ONLY, M.HALTED)
"""All but SAFE_STOP, which nothing leaves."""
COMPARED = (M.OBSERVING, M.TRADING, M.REDUCE_ONLY, M.HALTED)
"""Those that the engine enters only after a complete comparison with the venue, or by a halt."""
UNCOMPARED = (M.BOOT, M.RECONCILING)

MODE_MOVES: dict[Mode, ModePairs] = {
    M.RECONCILING: {(M.BOOT, SE.STARTED)} | of_modes(COMPARED, SE.RESUMED_UNRECONCILED),
    M.OBSERVING: {(M.RECONCILING, SE.RECONCILED)},
    M.TRADING: {(M.OBSERVING, SE.AUTO_TRADE)} | of_modes((M.OBSERVING, M.REDUCE_ONLY, M.HALTED), SE.RESUMED),
    M.REDUCE_ONLY: {(M.TRADING, SE.REDUCED)} | of_modes((M.OBSERVING, M.TRADING, M.HALTED), SE.RESUMED_REDUCING),
    M.HALTED: of_modes(set(RUNNING) - {M.HALTED}, SE.HALTED),
    M.SAFE_STOP: of_modes(RUNNING, SE.STOPPED),
}
MODE_REASONS: dict[str, ModePairs] = {
    "TIMED_OUT": of_modes(RUNNING, SE.SNAPSHOT_INCOMPLETE),
    "BREAK_STANDS": of_modes(UNCOMPARED, SE.BREAK_FOUND),
    "LOCKED": of_modes(COMPARED, SE.BREAK_FOUND),
    "IN_ORDER": of_modes(COMPARED, SE.RECONCILED),
    "RECONCILE_FIRST": {(M.BOOT, SE.RECONCILED)}
    | of_modes(UNCOMPARED, SE.RESUMED, SE.RESUMED_REDUCING)
    | of_modes(RUNNING, SE.RESUMED_UNRECONCILED),
    "POLICY": {(M.OBSERVING, SE.AUTO_TRADE)},
    "NOT_FROM_HERE": of_modes((*UNCOMPARED, M.REDUCE_ONLY, M.HALTED), SE.AUTO_TRADE),
    "OPERATOR": MODE_MOVES[M.TRADING] - {(M.OBSERVING, SE.AUTO_TRADE)}
    | MODE_MOVES[M.REDUCE_ONLY] - {(M.TRADING, SE.REDUCED)},
    "DUPLICATE": of_modes([M.TRADING], SE.AUTO_TRADE, SE.RESUMED)
    | of_modes([M.REDUCE_ONLY], SE.REDUCED, SE.RESUMED_REDUCING)
    | {(M.HALTED, SE.HALTED), (M.SAFE_STOP, SE.STOPPED)},
    "HOLDS_LOWER": of_modes((*UNCOMPARED, M.OBSERVING, M.HALTED), SE.REDUCED),
    "AUTOMATIC": {(M.TRADING, SE.REDUCED)} | MODE_MOVES[M.HALTED] | MODE_MOVES[M.SAFE_STOP],
    "STARTS_ONCE": of_modes(set(M) - {M.BOOT}, SE.STARTED),
    "OVER": of_modes([M.SAFE_STOP], SE.AUTO_TRADE, *OPERATOR_EVENTS),
    "STOPPING": of_modes([M.SAFE_STOP], SE.SNAPSHOT_INCOMPLETE, SE.BREAK_FOUND, SE.RECONCILED, SE.REDUCED, SE.HALTED),
}
MODE_WAKES = {"BREAK_STANDS", "LOCKED", "STARTS_ONCE", "OVER"}
MODE_REFUSED = (
    MODE_REASONS["STARTS_ONCE"]
    | MODE_REASONS["NOT_FROM_HERE"]
    | MODE_REASONS["OVER"]
    | MODE_REASONS["RECONCILE_FIRST"] - of_modes(RUNNING, SE.RESUMED_UNRECONCILED)
)


@pytest.mark.parametrize("event", SE)
@pytest.mark.parametrize("mode", M)
def test_each_event_leads_the_system_where_it_should_or_leaves_it(mode: Mode, event: SystemEvent) -> None:
    leads = [to for to, pairs in MODE_MOVES.items() if (mode, event) in pairs]
    outcome = system_law.next_state(mode, event)
    assert [outcome.state] == (leads or [mode])
    assert outcome.moved == bool(leads)


@pytest.mark.parametrize("event", SE)
@pytest.mark.parametrize("mode", M)
def test_each_answer_about_the_system_has_its_reason_and_the_reason_says_whether_a_person_wakes(
    mode: Mode, event: SystemEvent
) -> None:
    outcome = system_law.next_state(mode, event)
    reasons = [name for name, pairs in MODE_REASONS.items() if (mode, event) in pairs]
    assert [outcome.note.name] == (reasons or ["AS_PLANNED"])
    assert outcome.note.alarm == (outcome.note.name in MODE_WAKES)


@pytest.mark.parametrize("event", SE)
@pytest.mark.parametrize("mode", M)
def test_what_cannot_be_asked_of_a_mode_is_refused_and_nothing_else(mode: Mode, event: SystemEvent) -> None:
    assert (system_law.next_state(mode, event).answer is Answer.REFUSE) == ((mode, event) in MODE_REFUSED)
