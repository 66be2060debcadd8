"""The engine dies in the awkward moments of two days at the broker, and goes on as if it had not."""

from __future__ import annotations

from collections import Counter

import pytest

from actors.variation import VariationFound
from app import facts
from model.decisions import DayMarked, Mode, RunPlanned
from model.execution import Alarm
from model.order_events import OrderPlanned
from model.orders import Filled
from state.journal.verify import verify
from tests.acceptance.broker_kit import ACCOUNT, Rehearsal

MOMENTS = (
    "2021-06-07T13:59:55",  # a decision is about to be taken
    "2021-06-07T14:00:12",  # its orders are at work
    "2021-06-07T14:00:40",  # and again, while the first life's orders are being looked for
    "2021-06-07T20:01:30",  # Chicago's stock index futures are settled, and nobody has heard of their closes
    "2021-06-07T21:06:00",  # closes were heard, perhaps not booked
    "2021-06-08T14:30:00",  # in the middle of the next day's orders
)
ENDS = "2021-06-08T19:00"


@pytest.fixture(scope="module")
def days(places: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Rehearsal:
    async def two_days(here: Rehearsal) -> None:
        for moment in MOMENTS:
            life = here.start()
            await here.until(moment)
            if life.done():
                life.result()
            await here.crash(life)
        life = here.start()
        await here.until(ENDS)
        await here.at_rest()
        here.process.stop("the days are over")
        await life

    made = Rehearsal(places, "2021-06-07T13:00", 20210604, tmp_path_factory.mktemp("days") / "state", seed=3)
    made.run(two_days)
    return made


def test_the_book_is_the_brokers_after_all(days: Rehearsal) -> None:
    assert days.ours() == days.theirs()
    assert days.ours()[0]


def test_each_session_is_marked_once_and_planned_once(days: Rehearsal) -> None:
    assert [row.event.session for row in days.journal() if isinstance(row.event, DayMarked)] == [20210604, 20210607]
    assert [row.event.session for row in days.journal() if isinstance(row.event, RunPlanned)] == [20210604, 20210607]


def test_each_plan_is_one_order_at_the_broker_at_most(days: Rehearsal) -> None:
    planned = Counter(row.event.spec.client_id for row in days.journal() if isinstance(row.event, OrderPlanned))
    tickets = days.gateway.house.broker._blotter.tickets.values()  # the truth that the engine must not see
    there = Counter(each.order.order_ref for each in tickets)
    assert set(planned.values()) == {1}
    assert set(there.values()) == {1}
    assert set(there) <= set(planned)


def test_every_execution_is_booked_once(days: Rehearsal) -> None:
    booked = Counter(row.event.fill.exec_id for row in days.journal() if isinstance(row.event, Filled))
    done = days.gateway.house.broker.books[ACCOUNT].exchange.desk.fills
    assert set(booked.values()) == {1}
    assert len(booked) == len(done)


def test_settlements_are_found_through_the_crashes(days: Rehearsal) -> None:
    assert {row.event.currency for row in days.journal() if isinstance(row.event, VariationFound)} == {"USD", "EUR"}


def test_nothing_alarms_but_what_a_crash_explains(days: Rehearsal) -> None:
    codes = {row.event.code for row in days.journal() if isinstance(row.event, Alarm)}
    assert codes == set()
    assert days.process.kernel.actor("system").mode is Mode.SAFE_STOP


def test_the_journal_is_whole(days: Rehearsal) -> None:
    assert verify(days.state / "journal", facts.events()).ok
