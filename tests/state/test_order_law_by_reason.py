"""The order law read across: what each kind of word makes of an order, and for which pairs each reason is given."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from state.law import Answer
from state.order_law import AT_RISK, TERMINAL, OrderEvent, OrderState, next_state

S, E = OrderState, OrderEvent
Pairs = set[tuple[OrderState, OrderEvent]]

RESTS = (E.ACKED, E.SEEN_OPEN, E.MODIFY_CONFIRMED)
PARTS = (E.PARTIALLY_FILLED, E.LATE_FILL)
WHOLE = (E.FILLED, E.SEEN_FILLED)
ENDS = {
    S.CANCELLED: (E.CANCEL_CONFIRMED, E.SEEN_CANCELLED),
    S.REJECTED: (E.REJECTED, E.SEEN_REJECTED),
    S.EXPIRED: (E.EXPIRED, E.SEEN_EXPIRED),
}
WITHOUT_A_FILL = tuple(ENDS)
ENDED = tuple(event for events in ENDS.values() for event in events)
WORD = (*RESTS, *PARTS, *WHOLE, *ENDED, E.DUPLICATE_ID)
"""All that shows that the venue has, or had, the order."""

BECOMES = {
    **dict.fromkeys(RESTS, S.WORKING),
    **dict.fromkeys(WHOLE, S.FILLED),
    **{event: end for end, events in ENDS.items() for event in events},
}
KEEPS_WORKING = (
    E.COMMITTED, E.HANDED_TO_WIRE, E.ACKED, *PARTS, E.FILL_CORRECTED, E.DUPLICATE_ID, E.ACK_OVERDUE, E.DISCONNECTED,
    E.NOT_SENT, E.SEEN_OPEN, E.MODIFY_SENT, E.MODIFY_CONFIRMED, E.MODIFY_REJECTED, E.CANCEL_SENT, E.CANCEL_REJECTED,
    E.RESENT, E.DECLARED_ABSENT, E.DAY_OVER,
)  # fmt: skip
LOOKS = (E.NO_LONGER_SHOWN, E.DAY_OVER)
SIGNS_OF_LIFE = (*WORD, E.HANDED_TO_WIRE)


def pairs(states: Iterable[OrderState], events: Iterable[OrderEvent]) -> Pairs:
    return {(state, event) for event in events for state in states}


REASONS: dict[str, Pairs] = {
    "BEFORE_COMMIT": pairs([S.PLANNED], WORD),
    "PROOF_WRONG": pairs([S.LOST], SIGNS_OF_LIFE),
    "LATE_FILL": pairs(TERMINAL, (*PARTS, E.FILLED)),
    "CONTRADICTED": pairs([S.FILLED], ENDED)
    | pairs(TERMINAL, [E.SEEN_OPEN])
    | pairs(WITHOUT_A_FILL, [E.SEEN_FILLED]),
    "OTHER_END": pairs(WITHOUT_A_FILL, ENDED) - {(end, event) for end, events in ENDS.items() for event in events},
    "DUPLICATE": {(end, event) for end, events in ENDS.items() for event in events}
    | pairs([state for state in S if state is not S.PLANNED], [E.COMMITTED])
    | pairs([S.SENT, S.WORKING, S.UNKNOWN], [E.HANDED_TO_WIRE])
    | pairs([S.WORKING], [E.ACKED, E.SEEN_OPEN])
    | {(S.FILLED, E.SEEN_FILLED), (S.LOST, E.PROVEN_ABSENT), (S.LOST, E.NOT_SENT)},
    "AFTER_THE_END": pairs(
        TERMINAL,
        (
            E.HANDED_TO_WIRE, E.ACKED, E.DUPLICATE_ID, E.DISCONNECTED, E.NOT_SENT, E.RESTARTED, E.PROVEN_ABSENT,
            E.MODIFY_CONFIRMED, E.MODIFY_REJECTED, E.CANCEL_REJECTED,
        ),
    )
    | pairs([S.LOST], [E.DISCONNECTED, E.RESTARTED])
    | pairs([*TERMINAL, S.LOST], LOOKS),
    "CORRECTION": pairs(S, [E.FILL_CORRECTED]),
    "PARTIAL": pairs([S.WORKING], PARTS),
    "FILL_IS_NO_STATUS": pairs([S.UNKNOWN], PARTS),
    "NOT_DURABLE": {(S.PLANNED, E.HANDED_TO_WIRE)},
    "VENUE_HAS_IT": pairs(AT_RISK, [E.DUPLICATE_ID]),
    "COMMIT_OVERDUE": {(S.PLANNED, E.ACK_OVERDUE)},
    "STALE_TIMER": pairs([S.WORKING, S.UNKNOWN, *TERMINAL, S.LOST], [E.ACK_OVERDUE]),
    "MAY_HAVE_LEFT": pairs([S.DURABLE, S.SENT], [E.ACK_OVERDUE, E.DISCONNECTED])
    | {(S.UNKNOWN, E.DISCONNECTED), (S.SENT, E.NOT_SENT)}
    | pairs([S.PLANNED, *AT_RISK], [E.RESTARTED]),
    "NOTHING_LEFT_YET": pairs([S.PLANNED], [E.DISCONNECTED, E.NOT_SENT, E.PROVEN_ABSENT, *LOOKS]),
    "NEVER_LEFT": pairs([S.DURABLE, S.UNKNOWN], [E.NOT_SENT]),
    "LINK_DOWN": pairs([S.WORKING], [E.DISCONNECTED, E.NOT_SENT]),
    "ADOPTED": pairs([S.DURABLE, S.SENT, S.UNKNOWN], [E.SEEN_OPEN, E.MODIFY_CONFIRMED])
    | pairs(AT_RISK, [E.SEEN_FILLED]),
    "VANISHED": {(S.WORKING, E.PROVEN_ABSENT)},
    "IN_FLIGHT": pairs([S.DURABLE, S.SENT], [E.PROVEN_ABSENT, *LOOKS]),
    "UNSHOWN": pairs([S.WORKING, S.UNKNOWN], [E.NO_LONGER_SHOWN]),
    "DAY_IS_OVER": {(S.UNKNOWN, E.DAY_OVER)},
    "SHOWN_AGAIN": {(S.WORKING, E.DAY_OVER)},
    "DECLARED": {(S.UNKNOWN, E.DECLARED_ABSENT)},
    "NOT_IN_DOUBT": pairs([state for state in S if state is not S.UNKNOWN], [E.DECLARED_ABSENT]),
    "ONLY_LOST": pairs([state for state in S if state is not S.LOST], [E.RESENT]),
    "ONLY_WORKING": pairs([state for state in S if state is not S.WORKING], [E.MODIFY_SENT]),
    "MODIFY_PENDING": {(S.WORKING, E.MODIFY_SENT)},
    "MODIFIED": {(S.WORKING, E.MODIFY_CONFIRMED)},
    "MODIFY_FAILED": pairs([S.PLANNED, *AT_RISK, S.LOST], [E.MODIFY_REJECTED]),
    "CANCEL_PENDING": pairs([S.PLANNED, *AT_RISK], [E.CANCEL_SENT]),
    "NOTHING_TO_CANCEL": pairs([*TERMINAL, S.LOST], [E.CANCEL_SENT]),
    "CANCEL_FAILED": pairs([S.PLANNED, *AT_RISK, S.LOST], [E.CANCEL_REJECTED]),
}  # fmt: skip
WAKES = {
    "BEFORE_COMMIT", "PROOF_WRONG", "LATE_FILL", "CONTRADICTED", "NOT_DURABLE", "COMMIT_OVERDUE", "VANISHED",
    "ONLY_LOST", "ONLY_WORKING", "NOTHING_TO_CANCEL",
}  # fmt: skip
DEFECTS = {"NOT_DURABLE", "ONLY_LOST", "ONLY_WORKING", "NOTHING_TO_CANCEL"}


@pytest.mark.parametrize("event", E)
@pytest.mark.parametrize("state", S)
def test_every_pair_has_its_reason_and_the_reason_says_whether_a_person_wakes(
    state: OrderState, event: OrderEvent
) -> None:
    outcome = next_state(state, event)
    reasons = [name for name, held in REASONS.items() if (state, event) in held]
    assert [outcome.note.name] == (reasons or ["AS_PLANNED"])
    assert outcome.note.alarm == (outcome.note.name in WAKES)
    assert (outcome.answer is Answer.REFUSE) == (outcome.note.name in DEFECTS)


@pytest.mark.parametrize("event", BECOMES)
@pytest.mark.parametrize("state", [S.PLANNED, *AT_RISK, S.LOST])
def test_an_order_becomes_what_the_venue_says_of_it_whatever_we_thought(state: OrderState, event: OrderEvent) -> None:
    assert next_state(state, event).state is BECOMES[event]


@pytest.mark.parametrize("event", PARTS)
def test_a_fill_in_part_proves_that_an_order_on_its_way_works_and_nothing_of_one_unsure(event: OrderEvent) -> None:
    for state in (S.DURABLE, S.SENT):
        assert next_state(state, event).state is S.WORKING
    for state in (S.PLANNED, S.UNKNOWN, S.LOST):
        assert next_state(state, event).state is S.UNKNOWN


def test_an_id_that_the_venue_has_already_leaves_its_order_to_be_asked_for() -> None:
    for state in (S.PLANNED, S.DURABLE, S.SENT, S.UNKNOWN, S.LOST):
        assert next_state(state, E.DUPLICATE_ID).state is S.UNKNOWN


@pytest.mark.parametrize("event", KEEPS_WORKING)
def test_only_an_end_a_restart_or_its_absence_moves_a_working_order(event: OrderEvent) -> None:
    assert next_state(S.WORKING, event).state is S.WORKING


@pytest.mark.parametrize("state", [S.PLANNED, *AT_RISK, S.LOST])
def test_a_correction_of_an_execution_moves_no_order(state: OrderState) -> None:
    assert next_state(state, E.FILL_CORRECTED).state is state


def test_the_same_step_again_and_a_step_that_came_too_late_change_nothing() -> None:
    for state in (*AT_RISK, S.LOST):
        assert next_state(state, E.COMMITTED).state is state
    for state in (S.SENT, S.UNKNOWN):
        assert next_state(state, E.HANDED_TO_WIRE).state is state
    for event in (E.ACK_OVERDUE, E.DISCONNECTED, E.RESTARTED, E.PROVEN_ABSENT, E.DECLARED_ABSENT):
        assert next_state(S.LOST, event).state is S.LOST
    assert next_state(S.PLANNED, E.PROVEN_ABSENT).state is S.PLANNED


def test_bytes_that_left_for_an_order_proven_absent_make_its_fate_unknown() -> None:
    assert next_state(S.LOST, E.HANDED_TO_WIRE).state is S.UNKNOWN
