"""A door: what a source tells while all is quiet is handled before it returns, and otherwise waits its turn."""

from __future__ import annotations

from engine.deadletters import Reason
from engine.drive import ASK, Due, VirtualDriver
from engine.effects import Effects, Journal, Ref, Tell, ToPort
from engine.kernel import Kernel
from engine.message import Message, Told
from engine.schedule import Seeded
from engine.supervise import Child
from engine.timers import NEVER
from tests.engine.kit import Acting, Boom, Box, Counted, Fact, Heard, Note, Stop, heard_by, kernel_of


def passing(to: str) -> Acting:
    ref = Ref[Message](to)
    return Acting(lambda actor, message: (Tell(ref, message),))


def test_what_comes_while_all_is_quiet_is_handled_at_once_down_to_the_last_hop() -> None:
    kernel = kernel_of(Child("a", lambda: passing("b")), Child("b", lambda: passing("c")), Child("c", Heard))
    door = kernel.door("a")
    assert door(Note(1)) is Told.OK  # the references are bound by the first tell
    kernel.settle()
    assert door(Note(2)) is Told.OK
    assert heard_by(kernel, "c") == [Note(1), Note(2)]
    assert [cell.handled for cell in kernel.status().cells] == [2, 2, 2]


def test_what_comes_while_somebody_has_unread_messages_waits_behind_them() -> None:
    kernel = kernel_of(Child("a", lambda: passing("b")), Child("b", Heard))
    door = kernel.door("a")
    kernel.tell("b", Note(1))
    door(Note(2))
    assert heard_by(kernel, "b") == []
    kernel.settle()
    assert heard_by(kernel, "b") == [Note(1), Note(2)]


def test_what_a_handler_wants_besides_one_tell_is_done_as_ever() -> None:
    def act(actor: Acting, message: Message) -> Effects:
        return [Journal(Counted(1)), ToPort("box", Note(9)), Tell(Ref("b"), message), Tell(Ref("a"), Stop())]

    box = Box()
    kernel = kernel_of(
        Child("a", lambda: Acting(lambda actor, m: act(actor, m) if m == Note(1) else None)), Child("b", Heard)
    )
    kernel.attach(box)
    kernel.door("a")(Note(1))
    assert (box.got, heard_by(kernel, "b")) == ([], [])
    VirtualDriver(kernel).settle()
    assert (box.got, heard_by(kernel, "b"), heard_by(kernel, "a")) == ([(Note(9), 1)], [Note(1)], [Note(1), Stop()])


def test_nothing_overtakes_a_row_that_waits_for_its_commit() -> None:
    kernel = kernel_of(Child("a", lambda: Acting(lambda actor, m: [Journal(Counted(1))])))
    door = kernel.door("a")
    door(Note(1))
    door(Note(2))
    assert heard_by(kernel, "a") == [Note(1)]
    VirtualDriver(kernel).settle()
    assert heard_by(kernel, "a") == [Note(1), Note(2)]


def test_a_crash_behind_a_door_is_judged_like_any_other() -> None:
    def act(actor: Acting, message: Message) -> Effects:
        if isinstance(message, Boom):
            raise ValueError("no")
        return None

    kernel = kernel_of(Child("a", lambda: passing("b")), Child("b", lambda: Acting(act)))
    door = kernel.door("a")
    door(Note(1))
    kernel.settle()
    assert door(Boom()) is Told.OK
    letters = list(kernel.dead_letters)
    assert [(letter.to, letter.sender, letter.reason) for letter in letters] == [("b", "a", Reason.CRASH)]
    kernel.settle()
    door(Fact(2))
    assert heard_by(kernel, "b") == [Fact(2)]  # built anew


def test_a_message_that_is_not_taken_is_a_dead_letter_here_too() -> None:
    kernel = kernel_of(Child("a", Heard))
    assert kernel.door("a")(Boom()) is Told.FULL
    assert [letter.reason for letter in kernel.dead_letters] == [Reason.NO_HANDLER]


def test_a_scheduler_is_asked_as_ever() -> None:
    kernel = kernel_of(Child("a", Heard), scheduler=Seeded(7))
    kernel.door("a")(Note(1))
    assert heard_by(kernel, "a") == []
    kernel.settle()
    assert heard_by(kernel, "a") == [Note(1)]


class Noted:
    """A source that notes when it is due, and counts how often it is asked."""

    def __init__(self, kernel: Kernel, *moments: int) -> None:
        self._door = kernel.door("a")
        self._moments = list(moments)
        self.due = Due()
        self.asked = 0

    def next_ns(self) -> int | None:
        self.asked += 1
        self.due.at_ns = self._moments[0] if self._moments else NEVER
        return self._moments[0] if self._moments else None

    def fire(self, now_ns: int) -> None:
        self._door(Note(self._moments.pop(0)))
        if self._moments:
            self.due.at_ns = self._moments[0]
        else:
            self.due.at_ns = ASK


def test_a_source_that_notes_when_it_is_due_is_asked_only_when_it_says_so() -> None:
    kernel = kernel_of(Child("a", Heard))
    source = Noted(kernel, 10, 20, 30)
    VirtualDriver(kernel, [source]).run()
    assert (heard_by(kernel, "a"), source.asked) == ([Note(10), Note(20), Note(30)], 2)
