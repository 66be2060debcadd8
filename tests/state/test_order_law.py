"""The law of an order, pair by pair from the table, and the promises that the table must keep."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from state.law import Answer
from state.order_law import AT_RISK, TABLE, TERMINAL, OrderEvent, OrderState, is_at_risk, is_terminal, next_state

S, E = OrderState, OrderEvent

FILLS = (E.PARTIALLY_FILLED, E.FILLED, E.LATE_FILL, E.FILL_CORRECTED)
OUR_OWN_ACTS = (E.COMMITTED, E.HANDED_TO_WIRE, E.RESENT, E.MODIFY_SENT, E.CANCEL_SENT)
NO_EVIDENCE = (*OUR_OWN_ACTS, E.ACK_OVERDUE, E.DISCONNECTED, E.RESTARTED)
LIVE = [each for each in S if each is not S.LOST]
PAIRS = [pytest.param(state, event, id=f"{state}-{event}") for state in S for event in E]


@pytest.mark.parametrize(("state", "event"), PAIRS)
def test_every_pair_has_one_answer_that_keeps_its_word(state: OrderState, event: OrderEvent) -> None:
    outcome = next_state(state, event)
    assert outcome is TABLE[state, event]
    assert (outcome.state is not state) == outcome.moved == (outcome.answer is Answer.MOVE)
    assert outcome.note.name
    assert outcome.note.text
    if outcome.refused:
        assert outcome.note.alarm, "a defect must wake a person"


@pytest.mark.parametrize("event", E)
@pytest.mark.parametrize("state", TERMINAL)
def test_an_ended_order_stays_ended(state: OrderState, event: OrderEvent) -> None:
    assert next_state(state, event).state is state


@pytest.mark.parametrize("event", FILLS)
@pytest.mark.parametrize("state", S)
def test_a_fill_is_never_refused(state: OrderState, event: OrderEvent) -> None:
    assert not next_state(state, event).refused


@pytest.mark.parametrize("event", [E.PARTIALLY_FILLED, E.FILLED, E.LATE_FILL])
@pytest.mark.parametrize("state", TERMINAL)
def test_a_fill_after_the_end_wakes_a_person(state: OrderState, event: OrderEvent) -> None:
    assert next_state(state, event).note.name == "LATE_FILL"
    assert next_state(state, event).note.alarm


def arrivals(at: OrderState) -> Iterator[tuple[OrderState, OrderEvent]]:
    return ((state, event) for (state, event), outcome in TABLE.items() if outcome.moved and outcome.state is at)


def test_lost_is_reached_only_by_proof_by_a_persons_word_or_by_a_port_that_sent_nothing() -> None:
    assert set(arrivals(S.LOST)) == {
        (S.UNKNOWN, E.PROVEN_ABSENT),
        (S.UNKNOWN, E.DECLARED_ABSENT),
        (S.DURABLE, E.NOT_SENT),
        (S.UNKNOWN, E.NOT_SENT),
    }


def test_a_port_that_says_that_nothing_left_is_not_believed_of_what_it_said_it_had_sent() -> None:
    assert next_state(S.SENT, E.NOT_SENT).state is S.UNKNOWN
    for state in (S.PLANNED, S.WORKING, *TERMINAL, S.LOST):
        assert next_state(state, E.NOT_SENT).state is state


def test_a_persons_word_changes_nothing_that_is_known() -> None:
    for state in set(S) - {S.UNKNOWN}:
        assert next_state(state, E.DECLARED_ABSENT).state is state


def test_an_order_whose_day_is_over_is_never_one_that_may_be_sent_again() -> None:
    assert next_state(S.WORKING, E.NO_LONGER_SHOWN).state is S.UNKNOWN
    assert next_state(S.UNKNOWN, E.NO_LONGER_SHOWN).state is S.UNKNOWN
    assert next_state(S.UNKNOWN, E.DAY_OVER).state is S.EXPIRED
    assert S.LOST not in {next_state(each, event).state for event in (E.NO_LONGER_SHOWN, E.DAY_OVER) for each in LIVE}


def test_durable_is_reached_only_by_the_commit() -> None:
    assert list(arrivals(S.DURABLE)) == [(S.PLANNED, E.COMMITTED)]


def test_bytes_leave_only_for_an_order_that_was_made_durable() -> None:
    assert set(arrivals(S.SENT)) == {(S.DURABLE, E.HANDED_TO_WIRE), (S.LOST, E.RESENT)}
    assert next_state(S.PLANNED, E.HANDED_TO_WIRE).refused


@pytest.mark.parametrize("event", NO_EVIDENCE)
def test_only_the_venues_word_ends_unknown(event: OrderEvent) -> None:
    assert next_state(S.UNKNOWN, event).state is S.UNKNOWN


def test_a_failed_request_and_a_partial_fill_are_no_status_of_an_unknown_order() -> None:
    for event in (E.CANCEL_REJECTED, E.MODIFY_REJECTED, E.PARTIALLY_FILLED, E.DUPLICATE_ID):
        assert next_state(S.UNKNOWN, event).state is S.UNKNOWN


@pytest.mark.parametrize(
    ("event", "found"),
    [
        (E.SEEN_OPEN, S.WORKING),
        (E.SEEN_FILLED, S.FILLED),
        (E.SEEN_CANCELLED, S.CANCELLED),
        (E.SEEN_REJECTED, S.REJECTED),
        (E.SEEN_EXPIRED, S.EXPIRED),
        (E.PROVEN_ABSENT, S.LOST),
    ],
)
def test_what_the_venue_shows_of_an_unknown_order_is_what_it_becomes(event: OrderEvent, found: OrderState) -> None:
    assert next_state(S.UNKNOWN, event).state is found


@pytest.mark.parametrize("state", [S.PLANNED, S.DURABLE, S.SENT, S.WORKING])
def test_an_order_that_may_have_left_is_unknown_after_a_restart(state: OrderState) -> None:
    assert next_state(state, E.RESTARTED).state is S.UNKNOWN


@pytest.mark.parametrize("event", [E.ACK_OVERDUE, E.DISCONNECTED])
def test_silence_and_a_lost_link_leave_a_sent_order_unknown_but_not_a_working_one(event: OrderEvent) -> None:
    assert next_state(S.DURABLE, event).state is S.UNKNOWN
    assert next_state(S.SENT, event).state is S.UNKNOWN
    assert next_state(S.WORKING, event).state is S.WORKING
    assert next_state(S.PLANNED, event).state is S.PLANNED


@pytest.mark.parametrize("state", S)
@pytest.mark.parametrize("event", [E.MODIFY_REJECTED, E.CANCEL_REJECTED])
def test_a_failed_modify_or_cancel_never_changes_an_order(state: OrderState, event: OrderEvent) -> None:
    assert next_state(state, event).answer is Answer.STAY


@pytest.mark.parametrize("state", [state for state in S if state is not S.WORKING])
def test_only_a_working_order_may_be_modified(state: OrderState) -> None:
    assert next_state(state, E.MODIFY_SENT).refused


@pytest.mark.parametrize("state", [state for state in S if state is not S.LOST])
def test_only_a_lost_order_may_be_sent_again(state: OrderState) -> None:
    assert next_state(state, E.RESENT).refused


def test_a_cancel_may_follow_its_order_at_once_but_not_its_end() -> None:
    for state in (S.PLANNED, *AT_RISK):
        assert next_state(state, E.CANCEL_SENT).answer is Answer.STAY
    for state in (*TERMINAL, S.LOST):
        assert next_state(state, E.CANCEL_SENT).refused


def test_a_fill_before_the_ack_proves_that_the_order_works() -> None:
    assert next_state(S.SENT, E.PARTIALLY_FILLED).state is S.WORKING
    assert next_state(S.SENT, E.FILLED).state is S.FILLED
    assert next_state(S.FILLED, E.ACKED).state is S.FILLED


@pytest.mark.parametrize("event", [event for event in E if event not in NO_EVIDENCE and TABLE[S.LOST, event].moved])
def test_a_sign_of_life_after_proof_of_absence_wakes_a_person(event: OrderEvent) -> None:
    assert next_state(S.LOST, event).note.name == "PROOF_WRONG"
    assert next_state(S.LOST, event).note.alarm


def test_absence_proves_nothing_while_an_order_is_on_its_way() -> None:
    for state in (S.DURABLE, S.SENT):
        assert next_state(state, E.PROVEN_ABSENT).state is state


def test_an_acknowledged_order_that_vanishes_is_unknown_before_it_can_be_lost() -> None:
    outcome = next_state(S.WORKING, E.PROVEN_ABSENT)
    assert outcome.state is S.UNKNOWN
    assert outcome.note.alarm


@pytest.mark.parametrize("end", TERMINAL)
def test_an_order_seen_open_after_its_end_is_a_contradiction(end: OrderState) -> None:
    assert next_state(end, E.SEEN_OPEN).note.name == "CONTRADICTED"


def test_every_state_is_reachable_and_every_living_state_can_end() -> None:
    def reach(start: OrderState) -> list[OrderState]:
        seen = [start]
        for state in seen:
            seen += dict.fromkeys(
                outcome.state
                for (was, _), outcome in TABLE.items()
                if was is state and not outcome.note.alarm and outcome.state not in seen
            )
        return seen

    assert sorted(reach(S.PLANNED)) == sorted(S)
    for state in (S.DURABLE, S.SENT, S.WORKING, S.UNKNOWN, S.LOST):
        assert [end for end in TERMINAL if end in reach(state)] == list(TERMINAL)


def test_risk_counts_what_may_be_at_the_venue() -> None:
    assert [state for state in S if is_at_risk(state)] == [S.DURABLE, S.SENT, S.WORKING, S.UNKNOWN]
    assert [state for state in S if is_terminal(state)] == [S.FILLED, S.CANCELLED, S.REJECTED, S.EXPIRED]
