"""The law of the connection's life, and the calendar of a gateway's absences."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from ports.ib.lifecycle import IN_SESSION, TABLE, Link, LinkEvent, LinkState
from ports.ib.maintenance import WINDOWS, midnight_ns, window_at
from state.law import Answer

PAIRS = [(state, event) for state in LinkState for event in LinkEvent]


def moment(text: str, zone: str = "America/New_York") -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 10**9


@pytest.mark.parametrize(("state", "event"), PAIRS)
def test_every_pair_has_one_answer_and_only_a_proof_leads_to_ready(state: LinkState, event: LinkEvent) -> None:
    outcome = TABLE[state, event]
    assert outcome.answer is not Answer.REFUSE
    if outcome.moved:
        assert (outcome.state is LinkState.READY) == (event is LinkEvent.PROVED and state is LinkState.PROVING)


@pytest.mark.parametrize("state", IN_SESSION)
@pytest.mark.parametrize("event", [LinkEvent.SOCKET_LOST, LinkEvent.SILENT, LinkEvent.STOPPED, LinkEvent.ID_IN_USE])
def test_whatever_ends_a_session_leads_to_waiting(state: LinkState, event: LinkEvent) -> None:
    assert TABLE[state, event].state is LinkState.WAITING


def test_a_link_that_was_degraded_must_be_proved_again() -> None:
    link = Link()
    events = (
        LinkEvent.DUE, LinkEvent.OPENED, LinkEvent.PROVED, LinkEvent.UPSTREAM_LOST, LinkEvent.PROVED,
        LinkEvent.UPSTREAM_BACK, LinkEvent.PROVED,
    )  # fmt: skip
    states = [link.step(event).state for event in events]
    assert states == [
        LinkState.OPENING, LinkState.PROVING, LinkState.READY, LinkState.DEGRADED, LinkState.DEGRADED,
        LinkState.PROVING, LinkState.READY,
    ]  # fmt: skip
    assert link.ready


def test_a_restored_link_is_proved_again_even_when_its_loss_was_never_heard() -> None:
    assert TABLE[LinkState.READY, LinkEvent.UPSTREAM_BACK].state is LinkState.PROVING


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("2026-08-09T02:00", "weekly log-in"),  # a Sunday
        ("2026-08-10T02:00", ""),
        ("2026-08-10T23:50", "nightly reset, Americas"),
        ("2026-08-11T00:30", "nightly reset, Americas"),
        ("2026-08-11T00:50", ""),
        ("2026-08-11T10:00", ""),
    ],
)
def test_the_calendar_knows_when_a_gateway_is_expected_to_be_away(text: str, name: str) -> None:
    found = window_at(moment(text))
    assert (found.name if found else "") == name


def test_only_the_weekly_log_in_asks_a_person_for_something() -> None:
    assert [window.name for window in WINDOWS if window.todo] == ["weekly log-in"]


def test_midnight_is_the_gateways_own_over_a_change_to_summer_time() -> None:
    at_ns = moment("2026-03-08T12:00")
    assert midnight_ns(at_ns, "America/New_York") == moment("2026-03-08T00:00")
    assert at_ns - midnight_ns(at_ns, "America/New_York") == 11 * 3600 * 10**9
