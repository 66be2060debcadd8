"""What a snapshot proves about orders, order by order, to the last field."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from actors.evidence import Findings, examine, ours
from model.execution import (
    AdoptOrder,
    Break,
    DayOver,
    KnownOrder,
    OrdersKnown,
    ProvenAbsent,
    SeenAtVenue,
    Severity,
)
from model.orders import ClosedOrder, OpenOrder, Side, VenueSnapshot
from model.units import NS_PER_SECOND as SECOND

T0 = 1_704_207_600 * SECOND
SETTLE = 5 * SECOND
EMPTY = VenueSnapshot("snap", "venue", 0, T0, True, True, (), (), (), (), ())


def snapshot(**more: Any) -> VenueSnapshot:
    return msgspec.structs.replace(EMPTY, **more)


def known(name: str, state: str = "UNKNOWN", filled: int = 0, planned_ns: int = T0 - 60 * SECOND) -> KnownOrder:
    return KnownOrder(name, "A", state, filled, planned_ns)


def resting(name: str, filled: int = 0) -> OpenOrder:
    return OpenOrder(name, f"venue-{name}", "A", Side.BUY, 10, filled, 7)


def look(venue: VenueSnapshot, *orders: KnownOrder, unknown: tuple[str, ...] = ()) -> Findings:
    return examine(venue, OrdersKnown(orders, unknown), SETTLE)


def test_nothing_on_either_side_proves_nothing() -> None:
    assert look(EMPTY) == Findings((), (), (), (), 0, 0)


def test_an_order_that_rests_at_the_venue_is_shown_with_what_it_has_filled() -> None:
    seen = SeenAtVenue("hr-1", "WORKING", "venue-hr-1", 4, "snap", T0)
    assert look(snapshot(orders=(resting("hr-1", 4),)), known("hr-1")) == Findings((seen,), (), ("hr-1",), (), 0)


@pytest.mark.parametrize(("ours_filled", "news"), [(3, True), (4, False), (5, False)])
def test_a_working_order_is_news_only_when_the_venue_has_filled_more(ours_filled: int, news: bool) -> None:
    found = look(snapshot(orders=(resting("hr-1", 4),)), known("hr-1", "WORKING", ours_filled))
    assert (bool(found.evidence), found.compared) == (news, ("hr-1",))


def test_an_order_that_ended_is_shown_with_how_it_ended() -> None:
    ended = ClosedOrder("hr-1", "venue-1", "CANCELLED", 4)
    seen = SeenAtVenue("hr-1", "CANCELLED", "venue-1", 4, "snap", T0)
    assert look(snapshot(closed=(ended,)), known("hr-1", "WORKING")) == Findings((seen,), (), ("hr-1",), (), 0)


def test_an_order_that_was_never_there_is_proven_absent() -> None:
    assert look(EMPTY, known("hr-1")) == Findings((ProvenAbsent("hr-1", "snap", T0),), (), ("hr-1",), (), 0)


def test_each_order_is_judged_by_itself_and_a_lost_one_ends_nothing() -> None:
    found = look(
        snapshot(orders=(resting("hr-3"),)), known("hr-1", "LOST"), known("hr-2", "SENT", planned_ns=T0), known("hr-3")
    )
    assert [each.client_id for each in found.evidence if isinstance(each, SeenAtVenue)] == ["hr-3"]
    assert (found.compared, found.skipped) == (("hr-1", "hr-3"), ("hr-2",))


def test_an_answer_that_is_not_complete_leaves_an_unknown_order_unknown_and_says_so() -> None:
    text = "hr-1 in A is not shown, and that proves nothing yet"
    wanted = Break("UNKNOWN_ORDER", "hr-1", 4, 0, Severity.LOCK, text)
    asked = known("hr-1", filled=4)
    found = look(snapshot(complete=False), asked)
    assert found == Findings((), (wanted,), ("hr-1",), (), 0, T0 - 55 * SECOND, (), (asked,))


def test_an_order_from_before_what_the_venue_tells_is_in_doubt_for_good() -> None:
    """A broker tells nothing of the days before: nobody asks it again for ever, a person is asked instead."""
    text = "hr-1 in A is not shown, and from before what it tells that proves nothing: ask the venue what became of it"
    wanted = Break("ORDER_IN_DOUBT", "hr-1", 4, 0, Severity.LOCK, text)
    asked = known("hr-1", filled=4)
    found = look(snapshot(since_ns=T0 - 59 * SECOND), asked)
    assert found == Findings((), (wanted,), ("hr-1",), (), 0, 0, (("A", text),), (asked,))


def test_an_order_from_just_before_what_the_venue_tells_is_looked_for_until_it_must_be_shown() -> None:
    found = look(snapshot(since_ns=T0 - 3 * SECOND), known("hr-1", planned_ns=T0 - 4 * SECOND))
    assert [each.kind for each in found.breaks] == ["UNKNOWN_ORDER"]
    assert found.provable_ns == T0 + SECOND


@pytest.mark.parametrize("more", [{}, {"since_ns": T0}])
def test_at_a_venue_without_ids_an_order_that_is_not_shown_in_time_is_in_doubt_for_good(more: dict[str, Any]) -> None:
    text = "hr-1 in A is not shown, and here that proves nothing: ask the venue what became of it"
    wanted = Break("ORDER_IN_DOUBT", "hr-1", 4, 0, Severity.LOCK, text)
    asked = known("hr-1", filled=4, planned_ns=T0 - SETTLE)
    found = look(snapshot(ids_enforced=False, **more), asked)
    assert found == Findings((), (wanted,), ("hr-1",), (), 0, 0, (("A", text),), (asked,))


@pytest.mark.parametrize("more", [{"ids_enforced": False}, {"ids_enforced": False, "complete": False}])
def test_before_it_must_be_shown_a_later_look_may_tell(more: dict[str, Any]) -> None:
    text = "hr-1 in A is not shown, and that proves nothing yet"
    wanted = Break("UNKNOWN_ORDER", "hr-1", 0, 0, Severity.LOCK, text)
    planned_ns = T0 if "complete" in more else T0 - SETTLE + 1
    asked = known("hr-1", planned_ns=planned_ns)
    found = look(snapshot(**more), asked)
    assert found == Findings((), (wanted,), ("hr-1",), (), 0, planned_ns + SETTLE, (), (asked,))


def test_an_answer_that_is_not_complete_puts_no_order_in_doubt() -> None:
    assert look(snapshot(ids_enforced=False, complete=False), known("hr-1")).doubts == ()


def test_each_order_in_doubt_is_told_beside_those_that_a_later_look_may_tell() -> None:
    found = look(snapshot(ids_enforced=False), known("hr-1"), known("hr-2", planned_ns=T0), known("hr-3"))
    assert [(each.kind, each.subject) for each in found.breaks] == [
        ("ORDER_IN_DOUBT", "hr-1"), ("UNKNOWN_ORDER", "hr-2"), ("ORDER_IN_DOUBT", "hr-3"),
    ]  # fmt: skip
    assert [text.partition(" ")[0] for _, text in found.doubts] == ["hr-1", "hr-3"]
    assert found.provable_ns == T0 + SETTLE


YESTERDAY = T0 - 10 * 3600 * SECOND
TODAY = snapshot(since_ns=T0 - 3600 * SECOND, ids_enforced=False)
"""A look at a venue that tells nothing of yesterday."""


def lapsed(state: str = "WORKING", **more: Any) -> KnownOrder:
    """Acknowledged yesterday, and good for that day."""
    return msgspec.structs.replace(known("hr-1", state, planned_ns=YESTERDAY), lapses=True, **more)


def test_a_working_order_of_a_day_that_is_over_and_not_open_any_more_is_told_so_and_proves_nothing_more() -> None:
    found = look(TODAY, lapsed())
    assert found == Findings((DayOver("hr-1", False, "snap", T0),), (), ("hr-1",), (), 0, over=(lapsed(),))
    assert look(TODAY, lapsed("UNKNOWN")) == Findings((), (), ("hr-1",), (), 0, over=(lapsed("UNKNOWN"),))


@pytest.mark.parametrize(
    ("venue", "order"),
    [
        (TODAY, known("hr-1", "WORKING", planned_ns=YESTERDAY)),  # good till cancelled, or never acknowledged
        (msgspec.structs.replace(TODAY, complete=False), lapsed()),
        (msgspec.structs.replace(TODAY, since_ns=YESTERDAY), lapsed()),  # the venue would tell how it ended
        (TODAY, lapsed(resent_ns=TODAY.since_ns)),
        (msgspec.structs.replace(TODAY, since_ns=T0), lapsed(resent_ns=T0 - SETTLE + 1)),
        (TODAY, lapsed("SENT")),
        (TODAY, lapsed("LOST")),
    ],
)
def test_no_other_order_is_over_with_its_day(venue: VenueSnapshot, order: KnownOrder) -> None:
    found = look(venue, order)
    assert (found.over, found.evidence) == ((), ())


def test_an_order_of_yesterday_that_is_still_open_or_shown_as_ended_is_what_is_shown() -> None:
    assert look(msgspec.structs.replace(TODAY, orders=(resting("hr-1"),)), lapsed()).over == ()
    ended = ClosedOrder("hr-1", "venue-1", "CANCELLED", 0)
    found = look(msgspec.structs.replace(TODAY, closed=(ended,)), lapsed())
    assert (found.over, [type(each) for each in found.evidence]) == ((), [SeenAtVenue])


def test_the_window_includes_both_of_its_ends() -> None:
    planned = T0 - SETTLE
    absent = (ProvenAbsent("hr-1", "snap", T0),)
    assert look(snapshot(since_ns=planned), known("hr-1", planned_ns=planned)).evidence == absent
    assert look(snapshot(since_ns=planned + 1), known("hr-1", planned_ns=planned)).evidence == ()
    assert look(snapshot(since_ns=planned), known("hr-1", planned_ns=planned + 1)).evidence == ()


def test_the_time_to_ask_again_is_when_every_order_can_be_proven() -> None:
    first, last = known("hr-1", planned_ns=T0 + 9), known("hr-2", planned_ns=T0 + 5)
    assert look(EMPTY, first, last).provable_ns == look(EMPTY, last, first).provable_ns == T0 + 9 + SETTLE
    again = KnownOrder("hr-1", "A", "UNKNOWN", 0, T0 - 60 * SECOND, T0 + 7)
    assert look(EMPTY, again).provable_ns == T0 + 7 + SETTLE


def test_an_order_of_ours_that_the_book_never_had_is_adopted_and_a_foreign_one_only_counted() -> None:
    lost, known_one, manual = resting("hr-lost"), resting("hr-1"), resting("manual")
    venue = snapshot(orders=(manual, lost, known_one, resting("other")))
    assert ours(venue) == ("hr-lost", "hr-1")
    found = look(venue, known("hr-1", "WORKING"), unknown=("hr-lost",))
    assert found.evidence == (AdoptOrder(lost, "snap", T0),)
    assert found.foreign == 2


# -- what works of an order


ASKED_NS = T0 - 30 * SECOND


def changing(asked: int = 9, limit_ns: int = ASKED_NS) -> KnownOrder:
    """A working order at 7, of which another limit was asked for."""
    return KnownOrder("hr-1", "A", "WORKING", 0, T0 - 60 * SECOND, 0, 7, "hr-1/1", asked, limit_ns)


def at(limit: int) -> VenueSnapshot:
    return snapshot(orders=(msgspec.structs.replace(resting("hr-1"), limit=limit),))


def told(limit: int, change_id: str = "hr-1/1") -> tuple[SeenAtVenue, ...]:
    return (SeenAtVenue("hr-1", "WORKING", "venue-hr-1", 0, "snap", T0, limit, change_id),)


def test_a_change_that_had_time_to_arrive_is_settled_by_what_works() -> None:
    assert look(at(9), changing()).evidence == told(9)
    assert look(at(7), changing()).evidence == told(7)  # it was lost
    assert look(at(8), changing()).evidence == told(8)  # the venue made something else of it


def test_a_change_on_its_way_is_settled_only_by_the_limit_that_was_asked_for() -> None:
    on_its_way = T0 - SETTLE + 1
    assert look(at(9), changing(limit_ns=on_its_way)).evidence == told(9)
    assert look(at(7), changing(limit_ns=on_its_way)).evidence == ()
    assert look(at(7), changing(limit_ns=T0 - SETTLE)).evidence == told(7)


def test_a_longer_life_on_its_way_asks_for_no_other_limit_and_is_not_settled_by_the_one_there_is() -> None:
    assert look(at(7), changing(asked=7, limit_ns=T0 - SETTLE + 1)).evidence == ()
    assert look(at(7), changing(asked=7)).evidence == told(7)


def test_a_limit_that_nobody_here_asked_for_is_told_and_the_one_we_know_is_not() -> None:
    quiet = KnownOrder("hr-1", "A", "WORKING", 0, T0 - 60 * SECOND, 0, 7)
    assert look(at(7), quiet).evidence == ()
    assert look(at(6), quiet).evidence == told(6, "")
    assert look(at(0), quiet).evidence == ()  # the venue does not say
    answered_since = KnownOrder("hr-1", "A", "WORKING", 0, T0 - 60 * SECOND, 0, 7, "", 0, T0)
    assert look(at(6), answered_since).evidence == ()


def test_an_order_without_a_limit_has_none_at_the_venue_either() -> None:
    market = KnownOrder("hr-1", "A", "WORKING", 0, T0 - 60 * SECOND)
    assert look(at(6), market).evidence == ()
