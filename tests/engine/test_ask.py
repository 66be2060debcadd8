"""Questions, answers, and answers that come too late."""

from __future__ import annotations

import pytest

from engine.actor import Actor
from engine.deadletters import DeadLetter, DeadLetters, Reason
from engine.drive import VirtualDriver
from engine.effects import Ask, Effects, Ref, Reply, SetTimer, Tell
from engine.errors import EngineError, WiringError
from engine.message import Expired, Message, Refused, Replied
from engine.supervise import Branch, Child
from tests.engine.kit import Answer, Boom, Heard, Note, Question, kernel_of


class Asker(Actor):
    def __init__(self, ask_id: str = "q", to: str = "oracle") -> None:
        self.heard: list[Message] = []
        self.ask_id = ask_id
        self.to = to

    def on_note(self, note: Note) -> Effects:
        return [Ask(Ref(self.to), Question(n=note.n, ask_id=self.ask_id), deadline_ns=100)]

    def on_end(self, message: Replied | Expired | Refused) -> Effects:
        self.heard.append(message)
        return None


class Oracle(Actor):
    """Answers at once, or later for negative questions."""

    def __init__(self) -> None:
        self.open: list[Question] = []

    def on_question(self, question: Question) -> Effects:
        if question.n < 0:
            self.open.append(question)
            return [SetTimer("later", -question.n, Note(0))]
        return [Reply(question, Answer(question.n * 2))]

    def on_note(self, note: Note) -> Effects:
        return [Reply(question, Answer(-1)) for question in self.open]


def test_an_answer_in_time_comes_as_replied_and_nothing_expires() -> None:
    kernel = kernel_of(Child("asker", Asker), Child("oracle", Oracle))
    kernel.tell("asker", Note(21))
    VirtualDriver(kernel).run()
    assert kernel.actor("asker").heard == [Replied("q", Answer(42))]
    assert kernel.clock.now_ns == 0


def test_no_answer_in_time_is_expired_and_a_late_one_is_a_dead_letter() -> None:
    kernel = kernel_of(Child("asker", Asker), Child("oracle", Oracle))
    kernel.tell("asker", Note(-500))
    VirtualDriver(kernel).run()
    assert kernel.actor("asker").heard == [Expired("q", "oracle")]
    assert [(letter.reason, letter.message, letter.to) for letter in kernel.dead_letters] == [
        (Reason.LATE_REPLY, Answer(-1), "asker")
    ]


def test_an_ask_without_an_id_is_given_one() -> None:
    kernel = kernel_of(Child("asker", lambda: Asker("")), Child("oracle", Oracle))
    kernel.tell("asker", Note(1))
    kernel.tell("asker", Note(2))
    VirtualDriver(kernel).run()
    first, second = kernel.actor("asker").heard
    assert first.answer == Answer(2)
    assert second.answer == Answer(4)
    assert first.ask_id != second.ask_id


@pytest.mark.parametrize(("to", "reason"), [("ghost", Reason.NOBODY), ("deaf", Reason.NO_HANDLER)])
def test_an_ask_that_is_not_taken_is_refused_and_does_not_expire(to: str, reason: Reason) -> None:
    kernel = kernel_of(Child("asker", lambda: Asker(to=to)), Child("deaf", Heard))
    kernel.tell("asker", Note(1))
    VirtualDriver(kernel).run()
    (refused,) = kernel.actor("asker").heard
    assert (type(refused), refused.to) == (Refused, to)
    assert [letter.reason for letter in kernel.dead_letters] == [reason]


def test_somebody_outside_may_ask_too() -> None:
    heard: list[Message] = []
    kernel = kernel_of(Child("oracle", Oracle), Child("deaf", Heard))
    kernel.ask("oracle", Question(n=4), 100, heard.append)
    kernel.ask(kernel.ref("oracle"), Question(n=-500), 100, heard.append)
    forget = kernel.ask("oracle", Question(n=-500), 100, heard.append)
    forget()
    VirtualDriver(kernel).run()
    assert [type(message) for message in heard] == [Replied, Expired]
    assert kernel.dead_letters.counts[Reason.LATE_REPLY] == 2
    with pytest.raises(EngineError, match="does not take"):
        kernel.ask("deaf", Question(n=1), 100, heard.append)
    with pytest.raises(WiringError):
        kernel.ask("ghost", Question(n=1), 100, heard.append)


def test_dead_letters_are_bounded_counted_and_heard() -> None:
    heard: list[DeadLetter] = []
    dead = DeadLetters(capacity=2, heard=heard.append)
    kernel = kernel_of(Child("a", Heard), dead_letters=dead)
    for n in range(3):
        kernel.tell("a", Boom(n))
    assert [letter.message for letter in dead] == [Boom(1), Boom(2)]
    assert (len(dead), dead.total, len(heard)) == (2, 3, 3)


class Wired(Heard):
    shared: Ref[Note] = Ref("b")

    def __init__(self, *names: str) -> None:
        super().__init__()
        self.many = [Ref[Note](name) for name in names]
        self.named = {name: Ref[Note](name) for name in names}


class Slotted(Heard):
    __slots__ = ("to",)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.to = Ref[Note](name)


def test_references_to_nobody_are_refused_at_the_start_all_at_once() -> None:
    with pytest.raises(WiringError, match=r"x.*y.*z.*The actors are: a, b, c"):
        kernel_of(Child("a", lambda: Wired("x", "y")), Child("b", Heard), Child("c", lambda: Slotted("z")))
    kernel = kernel_of(Child("a", lambda: Wired("b")), Child("b", Heard))
    assert Wired.shared.cell is kernel.ref("b").cell
    with pytest.raises(WiringError):
        kernel.ref("x")
    with pytest.raises(WiringError):
        kernel.inlet("x")
    unstarted = kernel_of(Child("a", Heard), start=False)
    unstarted.ref("later")
    with pytest.raises(WiringError, match="later"):
        unstarted.start()


@pytest.mark.parametrize(
    ("child", "match"),
    [
        (Child("a", Heard, sends=(("b", Boom),)), "Boom to b, which has no handler"),
        (Child("a", Heard, sends=(("x", Note),)), "Note to 'x'"),
        (Child("a", Heard, before_restart=("x", Note(1))), "'x' told Note"),
        (Child("a", Heard, before_restart=("b", Boom())), "'b' told Boom"),
    ],
)
def test_what_is_declared_is_checked(child: Child, match: str) -> None:
    with pytest.raises(WiringError, match=match):
        kernel_of(child, Child("b", Heard))


def test_what_is_declared_rightly_is_accepted() -> None:
    kernel = kernel_of(Child("a", Heard, sends=(("b", Note),), before_restart=("b", Note(1))), Child("b", Heard))
    assert len(kernel.status().cells) == 2


def test_two_kernels_may_share_a_reference() -> None:
    shared = Ref[Note]("b")

    class Teller(Asker):
        def on_note(self, note: Note) -> Effects:
            return [Tell(shared, note), Tell(shared, note)]

    kernels = [kernel_of(Branch("x", (Child("a", Teller),)), Child("b", Heard)) for _ in range(2)]
    for n, kernel in enumerate([*kernels, *kernels]):
        kernel.tell("a", Note(n))
        kernel.settle()
    assert [kernel.actor("b").heard for kernel in kernels] == [
        [Note(0)] * 2 + [Note(2)] * 2,
        [Note(1)] * 2 + [Note(3)] * 2,
    ]


def _handlers(**methods: object) -> type[Actor]:
    return type("Bad", (Actor,), methods)


def test_handlers_are_found_by_annotation_or_refused() -> None:
    def no_message(self: Actor) -> None: ...
    def untyped(self: Actor, message) -> None: ...  # type: ignore[no-untyped-def]
    def not_a_message(self: Actor, message: int) -> None: ...
    def note(self: Actor, note: Note) -> None: ...

    for methods, match in (
        ({"on_x": no_message}, "one annotated"),
        ({"on_x": untyped}, "one annotated"),
        ({"on_x": not_a_message}, "not a Message"),
        ({"on_x": note, "on_y": note}, "two handlers for Note"),
        ({"fold_x": note}, "not a Event"),
    ):
        with pytest.raises(WiringError, match=match):
            _handlers(**methods)


def test_an_actor_that_only_gives_snapshots_cannot_restore() -> None:
    class Half(Heard):
        pass

    with pytest.raises(NotImplementedError, match="Half"):
        Half().restore(None)  # type: ignore[arg-type]
    assert repr(Ref("x")) == "Ref('x')"
