"""The law of a run: one decision cycle of one program, planned at most once and traded at most once. Pure."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from state.law import Clause, Note, Outcome, enact, move, refuse, stay


class RunState(enum.StrEnum):
    PLANNED = "PLANNED"
    SUBMITTED = "SUBMITTED"
    FILLED = "FILLED"
    DONE = "DONE"
    ABORTED = "ABORTED"


class RunEvent(enum.StrEnum):
    """What can happen to a run. SUBMITTED: its first order may leave.  ENDED: its last order is terminal."""

    PLANNED_AGAIN = "PLANNED_AGAIN"
    SUBMITTED = "SUBMITTED"
    NOTHING_TO_SEND = "NOTHING_TO_SEND"
    ENDED = "ENDED"
    SETTLED = "SETTLED"
    ABORTED = "ABORTED"
    RESTARTED = "RESTARTED"


PLANNED, SUBMITTED, FILLED, DONE, ABORTED = RunState
E = RunEvent

TERMINAL = (DONE, ABORTED)
_TERMINAL = frozenset(TERMINAL)

SAME_PLAN = Note("SAME_PLAN", "planned and not sent: the same intents are driven on")
TRADED_ONCE = Note("TRADED_ONCE", "the run has left the house: it is reconciled, never traded again", alarm=True)
DUPLICATE = Note("DUPLICATE", "the same fact again; nothing changes")
RECONCILE = Note("RECONCILE", "orders may be out: ask the venue, send nothing new")
NO_ORDERS = Note("NO_ORDERS", "bands, gates or risk left nothing to send")
GIVEN_UP = Note("GIVEN_UP", "a halt, a denial or an operator ended the run; its orders end by their own law")
OVER = Note("OVER", "the run is over; nothing changes")
ORDERS_OUT = Note("ORDERS_OUT", "a run with orders out cannot have had nothing to send", alarm=True)
NOT_SUBMITTED = Note("NOT_SUBMITTED", "no order of the run has left, so none can have ended", alarm=True)
NOT_ENDED = Note("NOT_ENDED", "orders of the run are still open: it cannot settle", alarm=True)

LAW: Mapping[RunEvent, tuple[Clause[RunState], ...]] = {
    E.PLANNED_AGAIN: (stay(PLANNED, note=SAME_PLAN), refuse(SUBMITTED, FILLED, DONE, ABORTED, note=TRADED_ONCE)),
    E.SUBMITTED: (
        move(PLANNED, to=SUBMITTED),
        stay(SUBMITTED, note=DUPLICATE),
        refuse(FILLED, DONE, ABORTED, note=TRADED_ONCE),
    ),
    E.NOTHING_TO_SEND: (
        move(PLANNED, to=DONE, note=NO_ORDERS),
        refuse(SUBMITTED, FILLED, note=ORDERS_OUT),
        stay(DONE, ABORTED, note=OVER),
    ),
    E.ENDED: (
        move(SUBMITTED, to=FILLED),
        refuse(PLANNED, note=NOT_SUBMITTED),
        stay(FILLED, note=DUPLICATE),
        stay(DONE, ABORTED, note=OVER),
    ),
    E.SETTLED: (
        move(FILLED, to=DONE),
        refuse(PLANNED, note=NOT_SUBMITTED),
        refuse(SUBMITTED, note=NOT_ENDED),
        stay(DONE, ABORTED, note=OVER),
    ),
    E.ABORTED: (
        move(PLANNED, SUBMITTED, to=ABORTED, note=GIVEN_UP),
        stay(FILLED, DONE, note=OVER),
        stay(ABORTED, note=DUPLICATE),
    ),
    E.RESTARTED: (
        stay(PLANNED, note=SAME_PLAN),
        stay(SUBMITTED, FILLED, note=RECONCILE),
        stay(DONE, ABORTED, note=OVER),
    ),
}

TABLE: Mapping[tuple[RunState, RunEvent], Outcome[RunState]] = enact(RunState, RunEvent, LAW)


def next_state(state: RunState, event: RunEvent) -> Outcome[RunState]:
    """What `event` does to a run in `state`. Total: every pair has an answer."""
    return TABLE[state, event]


def is_terminal(state: RunState) -> bool:
    return state in _TERMINAL
