"""A full week of real history through the broker's gateway, with both sleeves of the first program."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter

import pytest

from actors.variation import VariationFound
from app import facts
from model.decisions import Approved, DayMarked, Mode
from model.execution import Alarm, Reconciled
from model.margin import MarginHeard
from model.orders import Filled
from model.units import NS_PER_SECOND
from state.journal.verify import verify
from tests.acceptance.broker_kit import Rehearsal, at_ns

pytestmark = pytest.mark.timeout(600)

BEGINS, ENDS = "2021-06-07T13:00", "2021-06-14T19:00"
KNOWN = 20210604
"""Friday: what follows the engine hears from the gateway alone."""

SESSIONS = [20210604, 20210607, 20210608, 20210609, 20210610, 20210611]


def equal(here: Rehearsal) -> None:
    """The book is the broker's, to the lot and to the millionth of a unit of money."""
    assert here.ours() == here.theirs()


async def the_week(here: Rehearsal) -> None:
    life = here.start()
    while here.loop.now_ns < at_ns(ENDS):
        await asyncio.sleep(6 * 3_600)
        if life.done():
            life.result()
        equal(here)
    here.process.stop("the week is over")
    await life


@pytest.fixture(scope="module")
def week(places: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Rehearsal:
    made = Rehearsal(places, BEGINS, KNOWN, tmp_path_factory.mktemp("week") / "state", seed=1)
    made.run(the_week)
    return made


def test_every_day_is_decided_once_and_in_order(week: Rehearsal) -> None:
    assert [row.event.session for row in week.rows if isinstance(row.event, DayMarked)] == SESSIONS


def test_both_sleeves_trade_and_both_continents(week: Rehearsal) -> None:
    fills = [row.event for row in week.rows if isinstance(row.event, Filled)]
    sleeves = {share.sleeve for each in fills for share in each.shares}
    assert sleeves >= {"core", "trend"}
    assert {each.fill.instrument.partition("@")[0] for each in fills} >= {"SP500", "EURO600", "DAX", "US10", "CORN"}


def test_a_future_is_rolled_on_its_day(week: Rehearsal) -> None:
    """The record's calendar rolls the S&P on Wednesday the 9th."""
    fills = [row.event.fill for row in week.rows if isinstance(row.event, Filled)]
    rolled = [each for each in fills if each.instrument.startswith("SP500@") and _day(each.at_ns) == "2021-06-09"]
    assert {each.instrument for each in rolled} == {"SP500@202106", "SP500@202109"}
    held, _ = week.ours()
    assert "SP500@202106" not in held


def test_settlements_that_nobody_tells_are_found_every_day(week: Rehearsal) -> None:
    found = [row.event for row in week.rows if isinstance(row.event, VariationFound)]
    assert {_day(each.at_ns) for each in found} >= {f"2021-06-{day:02d}" for day in (7, 8, 9, 10, 11)}
    assert {each.currency for each in found} == {"USD", "EUR"}
    assert [each for each in found if each.residual] == []


def test_no_comparison_ever_fails_and_nothing_alarms(week: Rehearsal) -> None:
    compared = [row.event for row in week.rows if isinstance(row.event, Reconciled)]
    assert len(compared) > 7 * 24 * 60
    assert [each for each in compared if each.breaks] == []
    assert Counter(row.event.code for row in week.rows if isinstance(row.event, Alarm)) == {}


def test_the_journal_is_whole_and_the_engine_stopped_by_itself(week: Rehearsal) -> None:
    assert verify(week.state / "journal", facts.events()).ok
    assert week.process.kernel.actor("system").mode is Mode.SAFE_STOP
    assert week.process.crashed == []


def _day(at_ns: int) -> str:
    return f"{dt.datetime.fromtimestamp(at_ns // NS_PER_SECOND, dt.UTC):%Y-%m-%d}"


def test_the_broker_said_what_margin_a_basket_needs_before_it_was_approved(week: Rehearsal) -> None:
    heard = [(row.seq, row.event) for row in week.rows if isinstance(row.event, MarginHeard)]
    approved = {row.event.id: (row.seq, row.event) for row in week.rows if isinstance(row.event, Approved)}
    assert heard
    for seq, margin in heard:
        told, (approved_seq, answer) = margin.told, approved[margin.told.id]
        assert (told.unknown, told.available) == ("", told.equity - told.initial)
        assert told.initial > 0
        assert approved_seq > seq
        assert set(margin.asked) <= {each.id for each in answer.intents}
