"""Lanes, bounds, slots, and what a full lane means."""

from __future__ import annotations

import pytest

from engine.deadletters import Reason
from engine.drive import VirtualDriver
from engine.effects import Ref, SetTimer, Tell
from engine.errors import Overflow
from engine.message import Message, Refused, Told
from engine.notices import Happened, Notice
from engine.supervise import Child
from tests.engine.kit import (
    Acting,
    Boom,
    Fact,
    Heard,
    Note,
    OneAtATime,
    Patient,
    Price,
    Small,
    Stop,
    heard_by,
    kernel_of,
)


def test_control_goes_before_truth_and_truth_before_work() -> None:
    kernel = kernel_of(Child("a", Heard))
    for message in (Note(1), Fact(1), Stop(1), Note(2), Fact(2), Stop(2)):
        assert kernel.tell("a", message) is Told.OK
    kernel.settle()
    assert heard_by(kernel, "a") == [Stop(1), Stop(2), Fact(1), Fact(2), Note(1), Note(2)]


def test_control_that_arrives_in_the_middle_of_a_slice_goes_next() -> None:
    def act(actor: Acting, message: Message) -> list[Tell] | None:
        return [Tell(Ref("a"), Stop())] if message == Note(1) else None

    kernel = kernel_of(Child("a", lambda: Acting(act)))
    for n in (1, 2, 3):
        kernel.tell("a", Note(n))
    kernel.settle()
    assert heard_by(kernel, "a") == [Note(1), Stop(), Note(2), Note(3)]


@pytest.mark.parametrize(("kind", "bound"), [(Small, 3), (Patient, 2)])
def test_a_full_lane_refuses_and_takes_again_when_there_is_room(kind: type[Small | Patient], bound: int) -> None:
    kernel = kernel_of(Child("a", Heard))
    told = [kernel.tell("a", kind(n)) for n in range(bound + 2)]
    assert told == [Told.OK] * bound + [Told.FULL] * 2
    assert kernel.tell("a", Note(1)) is Told.OK  # another type has a bound of its own
    assert kernel.status().cells[0].refusals == 2
    kernel.settle()
    assert kernel.tell("a", kind(9)) is Told.OK


def test_the_bound_of_a_type_counts_only_that_type() -> None:
    kernel = kernel_of(Child("a", Heard))
    for n in range(10):
        assert kernel.tell("a", Note(n)) is Told.OK
    assert [kernel.tell("a", Small(n)) for n in range(4)] == [Told.OK] * 3 + [Told.FULL]


def test_an_actor_whose_message_is_refused_is_told_so() -> None:
    class Sender(Acting):
        def on_refused(self, refused: Refused) -> None:
            self.heard.append(refused)

    bound = Ref[Small]("b")
    kernel = kernel_of(
        Child("a", lambda: Sender(lambda actor, m: [Tell(bound, Small(n)) for n in range(4)])), Child("b", Heard)
    )
    for n in (0, 1):  # the second time the reference knows its cell
        kernel.tell("a", Note(n))
        kernel.settle()
    assert heard_by(kernel, "a") == [Note(0), Refused("b", Small(3)), Note(1), Refused("b", Small(3))]
    assert heard_by(kernel, "b") == [Small(0), Small(1), Small(2)] * 2


def test_the_only_tell_of_a_handler_may_be_refused_too() -> None:
    class Sender(Acting):
        def on_refused(self, refused: Refused) -> None:
            self.heard.append(refused)

    bound = Ref[Message]("b")
    kernel = kernel_of(
        Child("a", lambda: Sender(lambda actor, m: (Tell(bound, m),))), Child("b", Heard), Child("c", Heard)
    )
    for message in (Note(1), Boom(), Note(2)):
        kernel.tell("a", message)
        kernel.settle()
    assert heard_by(kernel, "b") == [Note(1), Note(2)]
    assert heard_by(kernel, "a") == [Note(1), Boom(), Refused("b", Boom()), Note(2)]


def test_a_refusal_that_nobody_handles_is_a_dead_letter() -> None:
    kernel = kernel_of(
        Child("a", lambda: Acting(lambda actor, m: [Tell(Ref("b"), Small(n)) for n in range(4)])), Child("b", Heard)
    )
    kernel.tell("a", Note(0))
    kernel.settle()
    (letter,) = kernel.dead_letters
    assert (letter.to, letter.reason, letter.message) == ("a", Reason.NO_HANDLER, Refused("b", Small(3)))


def test_truth_is_kept_over_its_bound_and_pauses_the_intake_until_half_is_read() -> None:
    said: list[Notice] = []
    kernel = kernel_of(Child("a", Heard), on_event=said.append)
    assert [kernel.tell("a", Fact(n)) for n in range(7)] == [Told.OK] * 7
    assert kernel.status().intake_paused
    assert kernel.status().cells[0].over_bound == 3
    kernel.settle()
    assert not kernel.status().intake_paused
    assert heard_by(kernel, "a") == [Fact(n) for n in range(7)]
    assert [notice.happened for notice in said] == [Happened.INTAKE_PAUSED, Happened.INTAKE_RESUMED]


def test_the_intake_stays_paused_while_more_than_half_is_unread() -> None:
    paused: list[bool] = []
    kernel = kernel_of(Child("a", Heard), scheduler=OneAtATime(lambda: paused.append(kernel.intake_paused)))
    for n in range(5):
        kernel.tell("a", Fact(n))
    kernel.settle()
    assert paused == [True, True, True, False, False]  # two of a bound of four were left after three


def test_a_full_control_lane_is_a_defect_that_stops_the_engine() -> None:
    kernel = kernel_of(Child("a", Heard))
    assert [kernel.tell("a", Stop(n)) for n in range(3)] == [Told.OK, Told.OK, Told.FULL]
    assert isinstance(kernel.fatal, Overflow)
    assert [(letter.reason, letter.message) for letter in kernel.dead_letters] == [(Reason.OVERFLOW, Stop(2))]
    with pytest.raises(Overflow):
        VirtualDriver(kernel).run()


def test_the_latest_of_a_slot_takes_the_place_of_the_unread_one() -> None:
    kernel = kernel_of(Child("a", Heard))
    told = [kernel.tell("a", Price(symbol, value)) for symbol, value in (("x", 1), ("y", 2), ("x", 3), ("z", 4))]
    assert told == [Told.OK, Told.OK, Told.REPLACED, Told.OK]
    assert kernel.status().cells[0].skips == 1
    kernel.settle()
    assert heard_by(kernel, "a") == [Price("x", 3), Price("y", 2), Price("z", 4)]
    assert kernel.tell("a", Price("x", 5)) is Told.OK  # it was read
    kernel.settle()
    assert heard_by(kernel, "a")[-1] == Price("x", 5)


def test_a_storm_of_quotes_costs_one_slot_and_the_newest_is_seen() -> None:
    kernel = kernel_of(Child("a", Heard))
    for n in range(100_000):
        kernel.tell("a", Price("x", n))
    assert kernel.status().cells[0].depth == 1
    kernel.settle()
    assert heard_by(kernel, "a") == [Price("x", 99_999)]


def test_a_timer_that_fires_again_unread_has_one_place() -> None:
    class Ticks(Acting):
        def on_start(self) -> list[SetTimer]:
            return [SetTimer("t", 5, Note(1))]

    kernel = kernel_of(Child("a", lambda: Ticks(lambda actor, m: [SetTimer("t", 9, Note(3))])), Child("b", Heard))
    kernel.clock.advance(5)
    assert kernel.fire_timers() == 1
    owner = kernel.ref("a").cell
    kernel.timers.set(owner, "t", 6, Note(2), 0)  # as if the actor had set it again before it read the first
    kernel.tell("a", Fact(1))
    kernel.clock.advance(6)
    assert kernel.fire_timers() == 1
    assert kernel.status().cells[0].depth == 2
    kernel.settle()
    assert heard_by(kernel, "a") == [Fact(1), Note(2)]


def test_a_message_to_nobody_or_to_no_handler_is_a_dead_letter() -> None:
    kernel = kernel_of(Child("a", Heard))
    assert kernel.tell("ghost", Note(1), sender="feed") is Told.FULL
    assert kernel.tell("a", Boom()) is Told.FULL
    assert [(letter.to, letter.sender, letter.reason) for letter in kernel.dead_letters] == [
        ("ghost", "feed", Reason.NOBODY),
        ("a", "", Reason.NO_HANDLER),
    ]
    assert kernel.status().dead_letters == 2


def test_an_actor_that_tells_nobody_is_refused() -> None:
    class Sender(Acting):
        def on_refused(self, refused: Refused) -> None:
            self.heard.append(refused)

    kernel = kernel_of(
        Child(
            "a",
            lambda: Sender(lambda actor, m: [Tell(Ref("ghost"), m), Tell(Ref("a"), Stop())] if m == Boom() else None),
        )
    )
    kernel.tell("a", Boom())
    kernel.settle()
    assert heard_by(kernel, "a")[:3] == [Boom(), Stop(), Refused("ghost", Boom())]


def test_an_inlet_is_a_tell_with_the_name_looked_up() -> None:
    kernel = kernel_of(Child("a", Heard))
    put = kernel.inlet(kernel.ref("a"))
    assert put(Note(1)) is Told.OK
    kernel.settle()
    assert heard_by(kernel, "a") == [Note(1)]


def test_a_backlog_says_how_old_it_is() -> None:
    def later() -> None:
        kernel.clock.advance(kernel.clock.now_ns + 10)
        ages.append(kernel.status().cells[0].age_ns)

    ages: list[int] = []
    kernel = kernel_of(Child("a", Heard), scheduler=OneAtATime(later))
    for n in range(4):
        kernel.tell("a", Note(n))
    kernel.settle()
    assert ages == [10, 20, 30, 0]
