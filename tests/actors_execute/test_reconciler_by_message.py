"""The reconciler alone, message by message: exactly what it asks, keeps, hands over and says, and when."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from actors.reconciler import LEAST_RETRY_NS, ReconcileDue, ReconcilePolicy, Reconciler, ReconcilerKept
from engine.clock import VirtualClock
from engine.effects import Ask, CancelTimer, Effect, Journal, Ref, SetTimer, Tell, ToPort
from engine.message import Expired, Message, Refused, Replied
from model.decisions import Halt, Mode, ModeChanged, ReduceOnly
from model.execution import (
    Alarm,
    AskBooks,
    AskOrders,
    BooksBroke,
    BooksCompared,
    Break,
    DayOver,
    KnownOrder,
    LockInstrument,
    OrdersKnown,
    ProvenAbsent,
    QueryOrders,
    Reconciled,
    ReconcileNow,
    Severity,
)
from model.orders import Fill, OpenOrder, RequestSnapshot, Side, VenueDown, VenueSnapshot, VenueUp
from model.units import NS_PER_SECOND as SECOND

T0 = 1_704_207_600 * SECOND
ORDERS, PORTFOLIO, SYSTEM = Ref[Any]("orders"), Ref[Any]("portfolio"), Ref[Any]("system")
HOUR = 3600 * SECOND
POLICY = ReconcilePolicy(
    every_ns=60 * SECOND, settle_ns=5 * SECOND, overlap_ns=HOUR, retry_ns=30 * SECOND, answer_within_ns=10 * SECOND
)
FILL = Fill("x1", "hr-1", "v1", "A", Side.BUY, 5, 7, 0, "EUR", T0)
OURS = OpenOrder("hr-1", "v1", "A", Side.BUY, 10, 5, 7)
THEIRS = OpenOrder("manual", "v2", "A", Side.BUY, 10, 0, 7)
UP, DOWN = VenueUp("fake", "acc", True, T0), VenueDown("fake", "gone", T0)
OLD = KnownOrder("hr-1", "A", "UNKNOWN", 0, T0 - HOUR)


class Desk:
    """One reconciler on a clock; ids of its requests are read from what it sends, never made up."""

    def __init__(self, policy: ReconcilePolicy = POLICY, **more: Any) -> None:
        self.actor = Reconciler(orders=ORDERS, portfolio=PORTFOLIO, system=SYSTEM, policy=policy, **more)
        self.actor.name = "reconciler"
        self.actor.clock = self.clock = VirtualClock(T0)

    def start(self) -> list[Effect]:
        return list(self.actor.on_start() or ())

    def say(self, message: Message) -> list[Effect]:
        return list(getattr(self.actor, self.actor.handlers[type(message)])(message) or ())

    def pass_time(self, seconds: int) -> None:
        self.clock.advance(self.clock.now_ns + seconds * SECOND)

    def taken(self, asked: RequestSnapshot, **more: Any) -> VenueSnapshot:
        whole = VenueSnapshot(asked.id, "fake", asked.since_ns, self.clock.now_ns, True, True, (), (), (), (), ())
        return msgspec.structs.replace(whole, **more)

    def compare(self, *breaks: Break, known: OrdersKnown | None = None, **more: Any) -> list[Effect]:
        """One whole comparison; returns its last step."""
        asked = request(self.say(ReconcileNow("test")))
        self.say(self.taken(asked, **more))
        self.say(Replied(f"{asked.id}/orders", known or OrdersKnown((), ())))
        return self.say(Replied(f"{asked.id}/books", BooksCompared(("A", "EUR"), ("B",), breaks)))


def request(effects: list[Effect]) -> RequestSnapshot:
    [sent] = [each for each in effects if isinstance(each, ToPort)]
    assert sent.port == "venue"
    assert isinstance(sent.message, RequestSnapshot)
    return sent.message


def rows(effects: list[Effect]) -> list[Reconciled]:
    return [each.event for each in effects if isinstance(each, Journal) and isinstance(each.event, Reconciled)]


def why(desk: Desk, effects: list[Effect]) -> str:
    """The reason that the row of a request will carry."""
    [row] = rows(desk.say(desk.taken(request(effects), complete=False)))
    return row.why.partition(":")[0]


def broken(kind: str = "POSITION", severity: Severity = Severity.LOCK, subject: str = "A", ours: int = 1) -> Break:
    return Break(kind, subject, ours, 2, severity, f"{subject} differs")


def retry(at_ns: int) -> SetTimer:
    return SetTimer("answer", at_ns, ReconcileDue("no answer"))


# -- when


def test_it_begins_with_a_whole_look_at_the_venue_and_sets_its_round() -> None:
    effects = Desk().start()
    asked = request(effects)
    assert asked.since_ns == 0
    round_ = SetTimer("round", T0 + 60 * SECOND, ReconcileDue("timer"))
    assert effects == [ToPort("venue", asked), retry(T0 + 30 * SECOND), round_]
    desk = Desk()
    assert why(desk, desk.start()) == "boot"


def test_a_period_of_zero_sets_no_round() -> None:
    assert [type(each) for each in Desk(every_ns=0).start()] == [ToPort, SetTimer]
    assert Desk(every_ns=1).actor.policy == msgspec.structs.replace(POLICY, every_ns=1)
    everyday = Reconciler(orders=ORDERS, portfolio=PORTFOLIO, system=SYSTEM)
    assert everyday.policy == ReconcilePolicy()
    assert (everyday.venue, Desk(venue="other").actor.venue) == ("venue", "other")


def test_no_two_requests_have_one_id_even_at_the_same_moment() -> None:
    desk = Desk()
    ids = [request(desk.start()).id, request(desk.say(UP)).id, request(desk.say(UP)).id]
    assert len(set(ids)) == 3
    assert ids == [f"rc-{T0}-{number}" for number in (1, 2, 3)]


def test_a_link_that_is_back_is_asked_at_once_and_a_lost_one_ends_what_was_under_way() -> None:
    desk = Desk()
    first = request(desk.start())
    second = desk.say(UP)
    assert desk.say(desk.taken(first)) == []
    assert why(desk, second) == "link up"
    third = request(desk.say(ReconcileNow("again")))
    desk.say(desk.taken(third))
    assert desk.say(DOWN) == []
    assert desk.say(Replied(f"{third.id}/orders", OrdersKnown((), ()))) == []
    assert request(desk.say(ReconcileNow("nothing is under way"))).id != third.id


def test_orders_of_unknown_fate_are_looked_up_when_the_venue_had_time_to_know_of_them() -> None:
    due = ReconcileDue("unknown order")
    assert Desk().say(QueryOrders(("hr-1",))) == [SetTimer("query", T0 + 5 * SECOND, due)]
    desk = Desk()
    assert why(desk, desk.say(due)) == "unknown order"


def test_a_comparison_that_is_under_way_is_not_begun_again() -> None:
    desk = Desk()
    desk.start()
    assert desk.say(ReconcileNow("now")) == []
    assert desk.say(ModeChanged(Mode.RECONCILING, "test")) == []
    assert desk.say(ReconcileDue("unknown order")) == []
    [next_round] = desk.say(ReconcileDue("timer"))
    assert next_round == SetTimer("round", T0 + 60 * SECOND, ReconcileDue("timer"))


def test_silence_is_answered_by_asking_again_also_in_the_middle() -> None:
    desk = Desk()
    first = request(desk.start())
    desk.pass_time(30)
    effects = desk.say(ReconcileDue("no answer"))
    assert request(effects).id != first.id
    assert effects[1:] == [retry(T0 + 60 * SECOND)]
    assert why(desk, effects) == "no answer"


def test_its_round_compares_and_sets_the_next_round() -> None:
    desk = Desk()
    effects = desk.say(ReconcileDue("timer"))
    assert [type(each) for each in effects] == [ToPort, SetTimer, SetTimer]
    assert effects[2] == SetTimer("round", T0 + 60 * SECOND, ReconcileDue("timer"))
    assert why(desk, effects) == "timer"


@pytest.mark.parametrize("mode", Mode)
def test_only_the_mode_that_ends_with_a_comparison_asks_for_one(mode: Mode) -> None:
    desk = Desk()
    effects = desk.say(ModeChanged(mode, "test"))
    assert bool(effects) == (mode is Mode.RECONCILING)
    if effects:
        assert why(desk, effects) == "mode"


def test_a_request_asked_for_by_a_person_says_why() -> None:
    desk = Desk()
    assert why(desk, desk.say(ReconcileNow("end of day"))) == "end of day"


def test_a_snapshot_reaches_back_before_the_last_clean_comparison_and_never_before_time() -> None:
    desk = Desk()
    desk.compare()
    desk.pass_time(5)
    assert request(desk.say(ReconcileNow("again"))).since_ns == T0 - HOUR
    early = Desk(msgspec.structs.replace(POLICY, overlap_ns=2 * T0))
    early.compare()
    assert request(early.say(ReconcileNow("again"))).since_ns == 0


# -- step by step


def test_a_snapshot_hands_its_executions_over_first_and_asks_for_the_book_of_orders() -> None:
    desk = Desk()
    asked = request(desk.start())
    desk.pass_time(1)
    ask = Ask(ORDERS, AskOrders(ask_id=f"{asked.id}/orders", ids=("hr-1",)), T0 + 11 * SECOND)
    assert desk.say(desk.taken(asked, orders=(OURS, THEIRS), fills=(FILL,))) == [Tell(ORDERS, FILL), ask]


def test_the_book_of_orders_gets_the_evidence_and_then_the_books_are_asked() -> None:
    desk = Desk()
    asked = request(desk.start())
    snapshot = desk.taken(asked)
    desk.say(snapshot)
    desk.pass_time(1)
    ask = Ask(PORTFOLIO, AskBooks(ask_id=f"{asked.id}/books", snapshot=snapshot), T0 + 11 * SECOND)
    absent = ProvenAbsent("hr-1", asked.id, T0)
    assert desk.say(Replied(f"{asked.id}/orders", OrdersKnown((OLD,), ()))) == [Tell(ORDERS, absent), ask]


def test_a_comparison_ends_in_one_row_with_both_halves() -> None:
    desk = Desk()
    asked = request(desk.start())
    desk.say(desk.taken(asked, orders=(THEIRS,)))
    fresh = KnownOrder("hr-2", "A", "SENT", 0, T0)
    desk.say(Replied(f"{asked.id}/orders", OrdersKnown((OLD, fresh), ())))
    desk.pass_time(2)
    note = broken("CASH", Severity.NOTE, "EUR")
    row = Reconciled(
        asked.id, "boot", True, ("hr-1", "A", "EUR"), ("hr-2", "B"), (note,), 1, T0 + 2 * SECOND
    )  # fmt: skip
    done = desk.say(Replied(f"{asked.id}/books", BooksCompared(("A", "EUR"), ("B",), (note,))))
    assert done == [CancelTimer("answer"), Journal(row), Tell(SYSTEM, row)]
    assert desk.say(Replied(f"{asked.id}/books", BooksCompared((), (), ()))) == []
    assert desk.say(ReconcileNow("free again"))


def test_an_incomplete_snapshot_leaves_a_row_and_patience() -> None:
    desk = Desk()
    asked = request(desk.start())
    desk.pass_time(1)
    at_ns = T0 + SECOND
    row = Reconciled(asked.id, "boot: the snapshot is not complete", False, (), (), (), 0, at_ns)
    effects = desk.say(desk.taken(asked, complete=False))
    assert effects == [Journal(row), Tell(SYSTEM, row), retry(at_ns + 30 * SECOND)]
    assert desk.say(desk.taken(asked)) == []
    assert desk.say(ReconcileNow("free again"))


@pytest.mark.parametrize(("step", "who"), [("orders", "orders"), ("books", "portfolio")])
def test_an_actor_that_does_not_answer_makes_the_comparison_incomplete(step: str, who: str) -> None:
    desk = Desk()
    asked = request(desk.start())
    desk.say(desk.taken(asked))
    assert desk.say(Expired(f"another/{step}", who)) == []
    [row] = rows(desk.say(Expired(f"{asked.id}/{step}", who)))
    assert (row.why, row.complete, row.at_ns) == (f"boot: {who} did not answer", False, T0)
    assert desk.say(Expired(f"{asked.id}/{step}", who)) == []


def test_answers_that_belong_to_nothing_or_come_out_of_turn_change_nothing() -> None:
    desk = Desk()
    assert desk.say(Replied("/orders", OrdersKnown((), ()))) == []
    asked = request(desk.start())
    assert desk.say(Replied(f"{asked.id}/orders", OrdersKnown((), ()))) == []
    desk.say(desk.taken(asked))
    assert desk.say(Replied("old/orders", OrdersKnown((), ()))) == []
    assert desk.say(Replied(f"{asked.id}/books", BooksCompared((), (), ()))) == []
    assert desk.say(Replied(f"{asked.id}/orders", ReconcileNow("no answer to this"))) == []
    assert rows(desk.say(Replied(f"{asked.id}/orders", OrdersKnown((), ())))) == []


def test_a_request_that_the_port_did_not_take_is_tried_again_later() -> None:
    desk = Desk()
    asked = request(desk.start())
    effects = desk.say(Refused("venue", asked))
    [row] = rows(effects)
    assert row.why == "boot: the venue port did not take the request"
    assert retry(T0 + 30 * SECOND) in effects
    assert desk.say(Refused("orders", FILL)) == []


def test_an_order_without_proof_is_looked_up_again_when_proof_can_be_had() -> None:
    later = KnownOrder("hr-1", "A", "UNKNOWN", 0, T0 + HOUR)
    [*_, timer] = Desk().compare(known=OrdersKnown((later,), ()))
    assert timer == SetTimer("query", T0 + HOUR + 5 * SECOND, ReconcileDue("unknown order"))
    young = KnownOrder("hr-1", "A", "UNKNOWN", 0, T0 - 2 * SECOND)
    [*_, timer] = Desk().compare(known=OrdersKnown((young,), ()))
    assert timer == SetTimer("query", T0 + 3 * SECOND, ReconcileDue("unknown order"))
    eager = Desk(msgspec.structs.replace(POLICY, settle_ns=0))
    [*_, timer] = eager.compare(known=OrdersKnown((young,), ()), at_ns=T0 - 3 * SECOND)
    assert timer == SetTimer("query", T0 + LEAST_RETRY_NS, ReconcileDue("unknown order"))


def test_an_order_from_before_what_the_venue_tells_is_not_asked_for_for_ever() -> None:
    desk = Desk()
    effects = desk.compare(known=OrdersKnown((OLD,), ()), since_ns=T0)
    assert [each for each in effects if isinstance(each, SetTimer)] == []
    [lock] = [each.message for each in effects if isinstance(each, Tell) and isinstance(each.message, LockInstrument)]
    assert lock.instrument == "A"


def test_an_order_in_doubt_locks_its_instrument_and_asks_a_person_once() -> None:
    desk, known = Desk(), OrdersKnown((OLD,), ())
    text = "hr-1 in A is not shown, and here that proves nothing: ask the venue what became of it"
    each = Break("ORDER_IN_DOUBT", "hr-1", 0, 0, Severity.LOCK, text)
    lock = Tell(SYSTEM, LockInstrument("A", text, "reconciler"))
    [done, row, said, locked, told] = desk.compare(known=known, ids_enforced=False)
    assert isinstance(row, Journal)
    assert (done, said, locked, told) == (CancelTimer("answer"), alarm(each), lock, Tell(SYSTEM, row.event))
    [_, _, locked_again, _] = desk.compare(known=known, ids_enforced=False)
    assert locked_again == lock


def test_a_spread_in_doubt_locks_both_its_contracts() -> None:
    spread = msgspec.structs.replace(OLD, instrument="A@202403-202406")
    told = Desk().compare(known=OrdersKnown((spread,), ()), ids_enforced=False)
    locked = [each.message.instrument for each in told if isinstance(each, Tell) and each.to == SYSTEM
              and isinstance(each.message, LockInstrument)]  # fmt: skip
    assert locked == ["A@202403", "A@202406"]


# -- orders whose day is over


YESTERDAYS = KnownOrder("hr-1", "A", "UNKNOWN", 0, T0 - 24 * HOUR, lapses=True)
NOT_AGAIN = "hr-1 in A is not open any more, and its day is over, but "


def next_day(desk: Desk, *orders: KnownOrder, breaks: tuple[Break, ...] = (), seconds: int = 5) -> list[Effect]:
    """A comparison with a venue that tells nothing of yesterday, some time after the one before."""
    desk.pass_time(seconds)
    return desk.compare(*breaks, known=OrdersKnown(orders, ()), since_ns=T0 - HOUR, ids_enforced=False)


def told_orders(effects: list[Effect]) -> list[Message]:
    return [each.message for each in effects if isinstance(each, Tell) and each.to == ORDERS]


def locked(effects: list[Effect]) -> list[str]:
    words = [each.message for each in effects if isinstance(each, Tell) and isinstance(each.message, LockInstrument)]
    return [each.instrument for each in words]


def test_two_looks_in_a_row_and_equal_positions_end_an_order_whose_day_is_over() -> None:
    desk = Desk()
    first = next_day(desk, YESTERDAYS)
    [row] = rows(first)
    assert [(each.kind, each.subject) for each in row.breaks] == [("UNKNOWN_ORDER", "hr-1")]
    assert (told_orders(first), locked(first)) == ([], [])
    assert first[-1] == SetTimer("query", desk.clock.now_ns + 5 * SECOND, ReconcileDue("unknown order"))
    second = next_day(desk, YESTERDAYS)
    [row] = rows(second)
    assert (row.passed, row.breaks) == (True, ())
    assert told_orders(second) == [DayOver("hr-1", True, row.id, desk.clock.now_ns)]
    assert not [each for each in second if isinstance(each, SetTimer)]


def test_a_working_order_whose_day_is_over_is_unknown_by_the_first_look_and_over_by_the_second() -> None:
    desk = Desk()
    desk.pass_time(5)
    asked = request(desk.say(ReconcileNow("test")))
    desk.say(desk.taken(asked, since_ns=T0 - HOUR))
    working = msgspec.structs.replace(YESTERDAYS, state="WORKING")
    effects = desk.say(Replied(f"{asked.id}/orders", OrdersKnown((working,), ())))
    assert told_orders(effects) == [DayOver("hr-1", False, asked.id, desk.clock.now_ns)]
    [row] = rows(desk.say(Replied(f"{asked.id}/books", BooksCompared(("A",), (), ()))))
    assert (row.passed, row.compared) == (True, ("hr-1", "A"))
    [over] = told_orders(next_day(desk, YESTERDAYS))
    assert isinstance(over, DayOver)
    assert over.proved


def test_looks_that_are_too_near_or_have_a_lost_link_between_them_are_one() -> None:
    desk = Desk()
    next_day(desk, YESTERDAYS)
    near = next_day(desk, YESTERDAYS, seconds=4)
    assert told_orders(near) == []
    assert near[-1] == SetTimer("query", desk.clock.now_ns + SECOND, ReconcileDue("unknown order"))
    desk.say(DOWN)
    assert told_orders(next_day(desk, YESTERDAYS, seconds=60)) == []
    next_day(desk, seconds=60)  # shown in between
    assert told_orders(next_day(desk, YESTERDAYS, seconds=60)) == []
    assert len(told_orders(next_day(desk, YESTERDAYS))) == 1


def test_a_position_that_differs_leaves_the_order_in_doubt_and_its_instrument_locked_until_it_is_equal() -> None:
    desk, differs = Desk(), broken()
    next_day(desk, YESTERDAYS, breaks=(differs,))
    for _ in range(2):
        effects = next_day(desk, YESTERDAYS, breaks=(differs,))
        assert (told_orders(effects), set(locked(effects))) == ([], {"A"})
        text = f"{NOT_AGAIN}the positions in A differ: find what it filled, and repair the books"
        assert rows(effects)[0].breaks == (Break("ORDER_IN_DOUBT", "hr-1", 0, 0, Severity.LOCK, text), differs)
        assert not [each for each in effects if isinstance(each, SetTimer)]
    assert len(told_orders(next_day(desk, YESTERDAYS))) == 1


def test_where_the_venue_tells_no_position_a_person_is_asked() -> None:
    """A spot pair delivers cash; no position says what it filled."""
    pair = msgspec.structs.replace(YESTERDAYS, instrument="B")
    desk = Desk()
    next_day(desk, pair)
    effects = next_day(desk, pair)
    assert (told_orders(effects), locked(effects)) == ([], ["B"])


def test_a_spread_is_over_only_when_the_positions_in_both_its_contracts_are_equal() -> None:
    spread = msgspec.structs.replace(YESTERDAYS, instrument="A@202403-202406")
    for near, far, over in [("A@202403", "A@202406", True), ("A@202403", "B", False), ("B", "A@202406", False)]:
        desk, effects = Desk(), list[Effect]()
        for _ in range(2):
            desk.pass_time(5)
            asked = request(desk.say(ReconcileNow("test")))
            desk.say(desk.taken(asked, since_ns=T0 - HOUR))
            effects = desk.say(Replied(f"{asked.id}/orders", OrdersKnown((spread,), ())))
            [ask] = [each.request for each in effects if isinstance(each, Ask)]
            assert isinstance(ask, AskBooks)
            assert ask.flat == ("A@202403", "A@202406")
            effects = desk.say(Replied(f"{asked.id}/books", BooksCompared((near, far), (), ())))
        assert [isinstance(each, DayOver) for each in told_orders(effects)] == [True] * over


@pytest.mark.parametrize(
    ("other", "over"),
    [
        (msgspec.structs.replace(YESTERDAYS, client_id="hr-2"), True),
        (msgspec.structs.replace(YESTERDAYS, client_id="hr-2", side=Side.SELL), False),
        (msgspec.structs.replace(YESTERDAYS, client_id="hr-2", side=Side.SELL, lapses=False), False),
        (msgspec.structs.replace(YESTERDAYS, client_id="hr-2", side=Side.SELL, lapses=False, state="WORKING"), False),
        (msgspec.structs.replace(YESTERDAYS, client_id="hr-2", side=Side.SELL, instrument="B"), True),
    ],
)
def test_executions_of_another_unseen_order_that_could_hide_its_own_leave_it_to_a_person(
    other: KnownOrder, over: bool
) -> None:
    desk = Desk()
    next_day(desk, YESTERDAYS, other)
    effects = next_day(desk, YESTERDAYS, other)
    ended = [each.client_id for each in told_orders(effects) if isinstance(each, DayOver)]
    assert ("hr-1" in ended) is over


def test_an_order_in_doubt_is_not_asked_for_before_its_round() -> None:
    """It was asked for every five seconds, for ever."""
    doubtful = Desk().compare(known=OrdersKnown((OLD,), ()), ids_enforced=False)
    assert not [each for each in doubtful if isinstance(each, SetTimer)]
    fresh = KnownOrder("hr-2", "A", "UNKNOWN", 0, T0)
    [*_, timer] = Desk().compare(known=OrdersKnown((OLD, fresh), ()), ids_enforced=False)
    assert timer == SetTimer("query", T0 + 5 * SECOND, ReconcileDue("unknown order"))


def test_proof_that_could_be_had_at_this_very_moment_waits_for_the_next_look() -> None:
    """A snapshot older than now missed it: looking again at once would spin."""
    edge = KnownOrder("hr-1", "A", "UNKNOWN", 0, T0 - 5 * SECOND)
    [*_, timer] = Desk().compare(known=OrdersKnown((edge,), ()), at_ns=T0 - 1)
    assert timer == SetTimer("query", T0 + 5 * SECOND, ReconcileDue("unknown order"))


# -- breaks


def answers(effects: list[Effect]) -> list[Effect]:
    """What a comparison does besides its row."""
    return [
        each
        for each in effects
        if not (isinstance(each, CancelTimer | SetTimer))
        and not isinstance(getattr(each, "event", None), Reconciled)
        and not isinstance(getattr(each, "message", None), Reconciled)
    ]


def alarm(each: Break, at_ns: int = T0) -> Journal:
    return Journal(Alarm(f"BREAK_{each.kind}", each.subject, each.text, at_ns))


ASKED = {
    Severity.NOTE: [],
    Severity.LOCK: [Tell(SYSTEM, LockInstrument("A", "A differs", "reconciler"))],
    Severity.REDUCE_ONLY: [Tell(SYSTEM, ReduceOnly("A differs", "reconciler"))],
    Severity.HALT: [Tell(SYSTEM, Halt("A differs", "reconciler"))],
}


@pytest.mark.parametrize("severity", Severity)
def test_each_difference_asks_for_just_what_its_grade_says_and_wakes_a_person_once(severity: Severity) -> None:
    desk, each = Desk(), broken(severity=severity)
    first = answers(desk.compare(each))
    wanted = ASKED[severity]
    if severity is Severity.NOTE:
        assert first == []
    elif severity is Severity.LOCK:
        assert first == [*wanted, alarm(each)]
    else:
        assert first == [alarm(each), *wanted]
    # a lock is asked for again: whoever released it without a repair has not made the books equal
    assert answers(desk.compare(each)) == (wanted if severity is Severity.LOCK else [])


def test_every_difference_is_answered_also_behind_a_note_and_one_that_was_said() -> None:
    desk = Desk()
    said, note, new = broken(subject="S"), broken("CASH", Severity.NOTE, "N"), broken("CASH", Severity.HALT, "EUR")
    desk.compare(said)
    effects = answers(desk.compare(note, said, new))
    assert effects[-2:] == [alarm(new), Tell(SYSTEM, Halt("EUR differs", "reconciler"))]
    assert Tell(SYSTEM, LockInstrument("S", "S differs", "reconciler")) in effects


def test_a_difference_that_changes_wakes_a_person_again() -> None:
    desk = Desk()
    desk.compare(broken())
    desk.pass_time(1)
    assert alarm(broken(ours=9), T0 + SECOND) in desk.compare(broken(ours=9))


def test_a_clean_comparison_forgets_what_was_said() -> None:
    desk = Desk()
    desk.compare(broken())
    desk.compare()
    assert alarm(broken()) in desk.compare(broken())


def test_an_order_of_unknown_fate_alarms_and_locks_nothing_because_its_own_state_does() -> None:
    for kind in ("UNKNOWN_ORDER", "ORDER_IN_DOUBT"):
        each = broken(kind, Severity.LOCK, "hr-1")
        assert answers(Desk().compare(each)) == [alarm(each)]


def test_a_difference_found_outside_a_comparison_is_answered_as_one_within() -> None:
    each = broken(severity=Severity.HALT)
    assert Desk().say(BooksBroke((each,))) == [alarm(each), *ASKED[Severity.HALT]]


# -- recovery


def test_only_a_clean_comparison_moves_the_moment_from_which_the_next_one_looks() -> None:
    desk = Desk()
    desk.compare(broken())
    assert desk.actor.snapshot() == ReconcilerKept(1, 0)
    desk.pass_time(7)
    desk.compare(at_ns=T0 + 3)
    assert desk.actor.snapshot() == ReconcilerKept(2, T0 + 3)


def test_its_rows_and_its_snapshot_bring_it_back() -> None:
    clean = Reconciled("a", "boot", True, (), (), (), 0, T0 + 1)
    desk = Desk()
    for row in (clean, msgspec.structs.replace(clean, complete=False, at_ns=T0 + 2)):
        desk.actor.fold_reconciled(row)
    assert desk.actor.snapshot() == ReconcilerKept(2, T0 + 1)
    again = Desk()
    again.actor.restore(ReconcilerKept(2, T0 + 1))
    assert again.actor.snapshot() == ReconcilerKept(2, T0 + 1)
    assert request(again.start()) == RequestSnapshot(f"rc-{T0}-3", T0 + 1 - HOUR)
