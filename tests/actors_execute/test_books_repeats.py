"""What the venue tells again, and how long the books know that they have it."""

from __future__ import annotations

import msgspec
import pytest

from actors.portfolio import Portfolio
from engine.effects import Journal
from engine.message import Event
from model.execution import AskBooks
from model.orders import CashMoved, SettledLine, Settlement, VenueCash, VenueSnapshot
from model.units import cash
from tests.actors_execute.test_books import DAY, T0, Office

PAID = cash("1")


def interest(number: int, at_ns: int) -> CashMoved:
    return CashMoved(f"interest-{number}", "interest", "EUR", PAID, "", at_ns)


def told(office: Office, *moves: CashMoved, since_ns: int, settlements: tuple[Settlement, ...] = ()) -> None:
    """A snapshot that reaches back to a moment."""
    money = VenueCash("EUR", office.actor.books.cash["EUR"])
    taken = VenueSnapshot(
        "snap", "v", since_ns, T0 + office.day * DAY, True, True, (), (), (), (), (money,), moves, settlements
    )
    office.say(AskBooks(ask_id="a", snapshot=taken))


def euros(actor: Portfolio) -> int:
    return actor.books.cash["EUR"]


def rows(office: Office) -> list[Event]:
    return [each.event for each in office.told if isinstance(each, Journal)]


def again(office: Office) -> tuple[Portfolio, Portfolio]:
    """The same books after a restart, from their rows and from their snapshot."""
    folded, kept = office.new(office.money), office.new(office.money)
    for row in rows(office):
        if (fold := folded.folds.get(type(row))) is not None:
            getattr(folded, fold)(row)
    snapshot = office.actor.snapshot()
    kept.restore(msgspec.msgpack.decode(msgspec.msgpack.encode(snapshot), type=type(snapshot)))
    return folded, kept


def test_a_venue_that_tells_all_it_ever_told_again_doubles_nothing() -> None:
    """The last 512 ids were known, and the 513th last was paid again."""
    office = Office()
    moves = [interest(number, T0 + number) for number in range(600)]
    lines = (SettledLine("EUROSTX", "EUR", 1, 0, 0),)
    settled = [Settlement(f"day-{number}", 20240101, lines, T0 + number) for number in range(600)]
    for each in (*moves, *settled):
        office.say(each)
    for actor in (office.actor, *again(office)):
        office.actor = actor
        told(office, *moves, since_ns=T0, settlements=tuple(settled))
        assert euros(actor) == cash("1000000") + 600 * PAID


def month(office: Office, days: int = 60) -> None:
    """One payment each day, and a comparison that reaches back to the day before."""
    for number in range(days):
        office.say(interest(number, T0 + number * DAY))
        told(office, since_ns=T0 + (number - 1) * DAY)
        office.close()


def test_what_no_snapshot_can_reach_is_forgotten_and_not_taken_again() -> None:
    office = Office()
    month(office)
    for actor in (office.actor, *again(office)):
        # the last day's mark was on day 60, and thirty days are kept
        assert list(actor.books.seen_ids) == [f"interest-{number}" for number in range(30, 60)]
        office.actor = actor
        for number in (0, 29, 30, 59):
            office.say(interest(number, T0 + number * DAY))
        assert euros(actor) == cash("1000000") + 60 * PAID


def test_a_payment_that_is_told_three_weeks_late_is_taken() -> None:
    office = Office()
    month(office)
    office.say(interest(1_000, T0 + 39 * DAY))
    assert euros(office.actor) == cash("1000000") + 61 * PAID


def test_what_a_snapshot_still_reaches_is_known_however_old_it_is() -> None:
    office = Office()
    for number in range(60):
        office.say(interest(number, T0 + number * DAY))
        told(office, since_ns=T0 + 9 * DAY)  # no comparison was clean since
        office.close()
    assert list(office.actor.books.seen_ids) == [f"interest-{number}" for number in range(9, 60)]


@pytest.mark.parametrize("days", [1, 400])
def test_nothing_is_forgotten_as_long_as_nothing_was_compared(days: int) -> None:
    office = Office()
    for number in range(days):
        office.say(interest(number, T0 + number * DAY))
        office.close()
    assert len(office.actor.books.seen_ids) == days


def test_a_snapshot_of_before_ids_had_their_times_is_read() -> None:
    office = Office()
    month(office, days=3)
    old = msgspec.structs.replace(office.actor.snapshot(), seen_ns=(), floor_ns=0)
    actor = office.new(office.money)
    actor.restore(old)
    office.actor = actor
    office.say(interest(0, T0))
    assert euros(actor) == cash("1000000") + 3 * PAID
