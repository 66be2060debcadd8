"""Crashes: who is rebuilt, how often, and what happens to the message in hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.actor import Actor
from engine.clock import VirtualClock
from engine.deadletters import Reason
from engine.drive import VirtualDriver
from engine.effects import Effects, Journal, Ref, SetTimer, Tell
from engine.errors import Exhausted, Illegal, JournalError, WiringError
from engine.kernel import Kernel
from engine.lifecycle import State
from engine.memory import MemoryJournal
from engine.message import Control, Event, Message, Poisoned, Quarantined, Refused, Told
from engine.notices import Happened, Notice
from engine.recovery import fold, restore
from engine.supervise import (
    ESCALATE,
    ONE_FOR_ALL,
    ONE_FOR_ONE,
    QUARANTINE,
    REST_FOR_ONE,
    SAFE_STOP,
    Branch,
    Budget,
    Child,
    Intensity,
    OnExhausted,
    Strategy,
)
from tests.engine.kit import Acting, Boom, Counted, Fact, Heard, NeverCommits, Note, heard_by, kernel_of

S = 1_000_000_000


def _raises(actor: Acting, message: Message) -> Effects:
    if isinstance(message, Boom):
        raise RuntimeError("boom")
    return None


def fragile(name: str) -> Child:
    return Child(name, lambda: Acting(_raises))


def restarts(kernel: Kernel) -> dict[str, int]:
    return {cell.actor: cell.restarts for cell in kernel.status().cells}


def states(kernel: Kernel) -> dict[str, State]:
    return {cell.actor: cell.state for cell in kernel.status().cells}


def tree(
    strategy: Strategy,
    intensity: Intensity,
    on_exhausted: OnExhausted = ESCALATE,
    on_event: Callable[[Notice], None] | None = None,
) -> Kernel:
    """a, then a branch of b, c, d, then e."""
    branch = Branch("inner", tuple(fragile(name) for name in "bcd"), strategy, intensity, on_exhausted)
    kernel = Kernel(clock=VirtualClock(1), alarms_to="a", on_event=on_event)
    kernel.host(Branch("root", (Child("a", Alarmed), branch, fragile("e"))))
    kernel.start()
    return kernel


class Alarmed(Heard):
    def on_alarm(self, alarm: Poisoned | Quarantined) -> Effects:
        self.heard.append(alarm)
        return None


def crash(kernel: Kernel, name: str) -> None:
    kernel.tell(name, Boom())
    kernel.settle()


@pytest.mark.parametrize(
    ("strategy", "fallen"), [(ONE_FOR_ONE, {"c"}), (REST_FOR_ONE, {"c", "d"}), (ONE_FOR_ALL, {"b", "c", "d"})]
)
def test_a_strategy_says_who_falls(strategy: Strategy, fallen: set[str]) -> None:
    kernel = tree(strategy, Intensity())
    old = {name: kernel.actor(name) for name in "abcde"}
    crash(kernel, "c")
    assert {name for name, count in restarts(kernel).items() if count} == fallen
    assert {name for name in "abcde" if kernel.actor(name) is not old[name]} == fallen
    assert set(states(kernel).values()) == {State.RUNNING}


def test_unread_messages_of_the_fallen_are_kept_in_order() -> None:
    kernel = tree(ONE_FOR_ALL, Intensity())
    kernel.tell("c", Boom())
    for name in "bcd":
        kernel.tell(name, Note(1))
        kernel.tell(name, Fact(1))
        kernel.tell(name, Note(2))
    kernel.settle()
    for name in "cd":
        assert heard_by(kernel, name)[-1] == Note(2)
    assert heard_by(kernel, "d") == [Fact(1), Note(1), Note(2)]
    assert [letter.message for letter in kernel.dead_letters] == [Boom()]


def test_spent_restarts_escalate_to_the_branch_above_which_restarts_the_whole_branch() -> None:
    kernel = tree(ONE_FOR_ONE, Intensity(restarts=1))
    crash(kernel, "c")
    assert restarts(kernel) == {"a": 0, "b": 0, "c": 1, "d": 0, "e": 0}
    crash(kernel, "c")
    assert restarts(kernel) == {"a": 0, "b": 1, "c": 2, "d": 1, "e": 0}
    crash(kernel, "c")  # the branch that was restarted as a whole counts anew
    assert restarts(kernel) == {"a": 0, "b": 1, "c": 3, "d": 1, "e": 0}


def test_spent_restarts_at_the_root_stop_the_engine() -> None:
    kernel = kernel_of(fragile("a"))
    for _ in range(3):
        crash(kernel, "a")
        assert kernel.status().cells[0].state is State.RUNNING
    crash(kernel, "a")
    assert isinstance(kernel.fatal, Exhausted)
    assert kernel.status().cells[0].state is State.FAILED
    kernel.tell("a", Note(1))
    kernel.settle()
    assert kernel.status().cells[0].depth == 1  # a failed actor takes no turns; nothing of it is lost


def test_a_branch_may_stop_the_engine_itself() -> None:
    kernel = tree(ONE_FOR_ONE, Intensity(restarts=0), SAFE_STOP)
    crash(kernel, "c")
    with pytest.raises(Exhausted, match="inner"):
        VirtualDriver(kernel).run()


def test_three_crashes_in_ten_minutes_quarantine_one_sleeve_and_leave_the_others() -> None:
    said: list[Notice] = []
    kernel = tree(ONE_FOR_ONE, Intensity(restarts=2), QUARANTINE, said.append)
    crash(kernel, "b")
    crash(kernel, "b")
    crash(kernel, "c")
    kernel.tell("b", Boom())
    kernel.tell("b", Fact(7))
    kernel.tell("b", Note(7))
    kernel.settle()
    assert states(kernel) == dict.fromkeys("acde", State.RUNNING) | {"b": State.QUARANTINED}
    assert heard_by(kernel, "a") == [Quarantined("b")]
    assert Happened.QUARANTINED in {notice.happened for notice in said}
    assert kernel.tell("b", Fact(8)) is Told.FULL
    assert [letter.message for letter in kernel.dead_letters if letter.reason is Reason.QUARANTINED] == [
        Note(7),
        Fact(8),
    ]
    assert kernel.dead_letters.counts[Reason.QUARANTINED] == 2


def test_an_actor_that_tells_a_quarantined_one_is_refused() -> None:
    class Teller(Acting):
        def on_refused(self, refused: Refused) -> None:
            self.heard.append(refused)

    sleeves = Branch("sleeves", (fragile("s"),), ONE_FOR_ONE, Intensity(restarts=0), QUARANTINE)
    kernel = kernel_of(Child("a", lambda: Teller(lambda actor, m: [Tell(Ref("s"), m)])), sleeves)
    crash(kernel, "s")
    kernel.tell("a", Note(1))
    kernel.settle()
    assert heard_by(kernel, "a") == [Note(1), Refused("s", Note(1))]


def test_of_a_quarantined_actor_only_those_hear_who_want_to() -> None:
    sleeves = Branch("sleeves", (fragile("s"),), ONE_FOR_ONE, Intensity(restarts=0), QUARANTINE)
    kernel = kernel_of(Child("a", lambda: Acting(lambda actor, m: [Tell(Ref("s"), m)])), sleeves)
    crash(kernel, "s")
    kernel.tell("a", Note(1))
    kernel.settle()
    assert kernel.dead_letters.counts[Reason.QUARANTINED] == 1
    assert kernel.dead_letters.counts[Reason.NO_HANDLER] == 0


def test_a_released_actor_is_rebuilt_with_all_its_restarts() -> None:
    kernel = tree(ONE_FOR_ONE, Intensity(restarts=1), QUARANTINE)
    crash(kernel, "b")
    crash(kernel, "b")
    kernel.release_quarantine("b")
    with pytest.raises(Illegal, match="b is running"):
        kernel.release_quarantine("b")
    kernel.tell("b", Note(1))
    crash(kernel, "b")
    assert states(kernel)["b"] is State.RUNNING
    assert kernel.tell("b", Note(2)) is Told.OK


def test_a_budget_forgets_after_a_quiet_spell_and_outside_its_window() -> None:
    budget = Budget(Intensity(restarts=2, window_s=100.0, quiet_reset_s=60.0))
    assert [budget.spend(s * S) for s in (0, 50, 99)] == [True, True, False]
    assert budget.spend(101 * S)  # the first is out of the window
    assert not budget.spend(102 * S)
    assert [budget.spend(s * S) for s in (161, 162)] == [True, True]  # 60 s of quiet


def test_a_truth_message_is_replayed_once_on_the_rebuilt_actor() -> None:
    built: list[int] = []

    def build() -> Actor:
        built.append(1)
        first = len(built) == 1

        def act(actor: Acting, message: Message) -> Effects:
            if message == Fact(1) and first:
                raise RuntimeError("only the first time")
            return None

        return Acting(act)

    kernel = kernel_of(Child("a", build))
    for message in (Fact(1), Fact(2), Note(1)):
        kernel.tell("a", message)
    kernel.settle()
    assert heard_by(kernel, "a") == [Fact(1), Fact(2), Note(1)]
    assert [letter.reason for letter in kernel.dead_letters] == [Reason.CRASH]
    assert not kernel.halt_asked


def test_poison_is_buried_locked_and_halts() -> None:
    def act(actor: Acting, message: Message) -> Effects:
        if message == Fact(1):
            raise RuntimeError("always")
        return None

    said: list[Notice] = []
    kernel = kernel_of(
        Child("a", lambda: Acting(act)), Child("modes", Alarmed), alarms_to="modes", on_event=said.append
    )
    for message in (Fact(1), Fact(2)):
        kernel.tell("a", message)
    kernel.settle()
    assert heard_by(kernel, "a") == [Fact(2)]
    assert heard_by(kernel, "modes") == [Poisoned("a", Fact(1))]
    assert [letter.reason for letter in kernel.dead_letters] == [Reason.CRASH, Reason.POISON]
    assert kernel.halt_asked
    assert restarts(kernel)["a"] == 2
    assert {Happened.HALT, Happened.POISONED} <= {notice.happened for notice in said}


class Halted(Control, frozen=True, gc=False):
    """The engine is halted."""


class Modes(Actor):
    def __init__(self, log: list[str], fails: bool = False) -> None:
        self.log = log
        self.fails = fails

    def on_halted(self, halted: Halted) -> Effects:
        if self.fails:
            raise RuntimeError("modes")
        self.log.append("halted")
        return None


def _risk(log: list[str]) -> Callable[[], Actor]:
    def build() -> Actor:
        log.append("risk built")
        return Acting(_raises)

    return build


def test_risk_is_rebuilt_only_after_the_halt_was_handled() -> None:
    log: list[str] = []
    kernel = kernel_of(
        Child("modes", lambda: Modes(log)), Child("risk", _risk(log), before_restart=("modes", Halted()))
    )
    crash(kernel, "risk")
    assert log == ["risk built", "halted", "risk built"]


def test_a_halt_that_cannot_be_handled_stops_the_engine() -> None:
    log: list[str] = []
    kernel = kernel_of(
        Child("modes", lambda: Modes(log, fails=True)), Child("risk", _risk(log), before_restart=("modes", Halted()))
    )
    crash(kernel, "risk")
    assert "modes could not take Halted" in str(kernel.fatal)


def test_a_halt_for_an_actor_that_is_down_itself_waits_in_its_mailbox() -> None:
    log: list[str] = []
    kernel = kernel_of(
        Child("risk", _risk(log), before_restart=("modes", Halted())), Child("modes", lambda: Modes(log)), start=False
    )
    kernel.start(["risk"])
    crash(kernel, "risk")
    assert log == ["risk built", "risk built"]
    kernel.start()
    kernel.settle()
    assert log[-1] == "halted"


class Ledger(Actor):
    """Counts what it journals; rebuilds from folds, or from a snapshot and later folds."""

    def __init__(self) -> None:
        self.total = 0

    def on_note(self, note: Note) -> Effects:
        if note.n == 13:
            raise RuntimeError("13")
        self.total += note.n
        return [Journal(Counted(note.n))]

    def fold_counted(self, counted: Counted) -> None:
        self.total += counted.n

    def snapshot(self) -> Event:
        return Counted(self.total)

    def restore(self, snapshot: Event) -> None:
        assert isinstance(snapshot, Counted)
        self.total = snapshot.n


class Onlooker(Ledger):
    folds_rows_of = ("ledger",)


class Everyone(Ledger):
    folds_rows_of = ("*",)


def test_a_crashed_actor_is_rebuilt_from_the_journal_and_from_rows_still_on_their_way() -> None:
    journal = MemoryJournal()

    def recover(actor: Actor) -> int:
        return fold(actor, journal.rows[: journal.committed])

    kernel = kernel_of(Child("ledger", Ledger), Child("other", Ledger), journal=journal, recover=recover)
    driver = VirtualDriver(kernel)
    for n in (1, 2):
        kernel.tell("ledger", Note(n))
    kernel.tell("other", Note(100))
    driver.settle()
    kernel.tell("ledger", Note(4))  # staged, not committed when it crashes
    kernel.tell("ledger", Note(13))
    kernel.settle()
    assert kernel.actor("ledger").total == 7
    assert kernel.actor("ledger") is not None
    assert kernel.actor("other").total == 100


def test_boot_recovers_all_actors_in_one_pass_with_their_snapshots() -> None:
    kernel = kernel_of(Child("ledger", Ledger))
    for n in (1, 2, 3):
        kernel.tell("ledger", Note(n))
    VirtualDriver(kernel).settle()
    journal = kernel.outbox.journal
    assert isinstance(journal, MemoryJournal)
    snapshots = kernel.snapshots()
    assert snapshots == {"ledger": (3, Counted(6))}
    kernel.tell("ledger", Note(10))
    VirtualDriver(kernel).settle()

    def never(actor: Actor) -> None:
        raise AssertionError("recovered twice")

    again = kernel_of(
        Child("ledger", Ledger), Child("onlooker", Onlooker), Child("everyone", Everyone), Child("else", Ledger),
        start=False, recover=never,
    )  # fmt: skip
    assert again.recover_from(journal.rows, snapshots) == 4
    again.start()
    assert [again.actor(name).total for name in ("ledger", "onlooker", "everyone", "else")] == [16, 16, 16, 0]


def test_a_journal_in_memory_needs_no_hook() -> None:
    kernel = kernel_of(Child("ledger", Ledger), journal=MemoryJournal())
    for n in (1, 2, 13, 4):
        kernel.tell("ledger", Note(n))
    VirtualDriver(kernel).settle()
    assert kernel.actor("ledger").total == 7


def test_an_actor_with_state_is_not_restarted_blank() -> None:
    kernel = kernel_of(Child("ledger", Ledger), journal=NeverCommits())
    kernel.tell("ledger", Note(1))
    kernel.tell("ledger", Note(13))
    kernel.settle()
    assert isinstance(kernel.fatal, Exhausted)
    assert states(kernel) == {"ledger": State.FAILED}


def test_restore_of_nothing_is_seq_zero() -> None:
    assert restore([], []) == 0


def test_a_hook_without_a_seq_means_all_that_is_durable() -> None:
    journal = MemoryJournal()

    def recover(actor: Actor) -> None:
        fold(actor, journal.rows[: journal.committed])

    kernel = kernel_of(Child("ledger", Ledger), journal=journal, recover=recover)
    kernel.tell("ledger", Note(1))
    kernel.tell("ledger", Note(13))
    kernel.settle()
    assert kernel.actor("ledger").total == 1


def test_an_actor_that_cannot_start_spends_its_restarts() -> None:
    class Unready(Heard):
        def on_start(self) -> Effects:
            raise RuntimeError("not today")

    sleeves = Branch("sleeves", (Child("s", Unready),), ONE_FOR_ONE, Intensity(restarts=2), QUARANTINE)
    kernel = kernel_of(Child("a", Heard), sleeves)
    assert states(kernel) == {"a": State.RUNNING, "s": State.QUARANTINED}


def test_those_that_wait_for_their_rebuild_are_rebuilt_although_one_fails_again() -> None:
    tries: list[str] = []

    class Second(Acting):
        def on_start(self) -> Effects:
            tries.append("c")
            if len(tries) == 2:  # the first rebuild
                raise RuntimeError("again")
            return None

    branch = Branch("inner", (fragile("b"), Child("c", lambda: Second(_raises)), fragile("d")), ONE_FOR_ALL)
    kernel = kernel_of(branch)
    crash(kernel, "b")
    assert set(states(kernel).values()) == {State.RUNNING}
    assert restarts(kernel) == {"b": 2, "c": 1, "d": 1}


def test_a_rebuild_that_fails_for_ever_stops_the_engine() -> None:
    started: list[int] = []

    class Once(Acting):
        def on_start(self) -> Effects:
            started.append(1)
            if len(started) > 1:
                raise RuntimeError("never again")
            return None

    kernel = kernel_of(Child("a", lambda: Once(_raises)))
    crash(kernel, "a")
    assert isinstance(kernel.fatal, Exhausted)
    assert len(started) == 4


def test_a_journal_that_cannot_be_read_ends_the_engine_at_once() -> None:
    def recover(actor: Actor) -> int:
        raise JournalError("torn")

    kernel = kernel_of(fragile("a"), start=False, recover=recover)
    kernel.start()
    assert isinstance(kernel.fatal, JournalError)
    assert states(kernel) == {"a": State.FAILED}


def test_a_journal_lost_between_start_and_crash_ends_the_engine_too() -> None:
    lost: list[bool] = []

    def recover(actor: Actor) -> int:
        if lost:
            raise JournalError("torn")
        return 0

    kernel = kernel_of(fragile("a"), recover=recover)
    lost.append(True)
    crash(kernel, "a")
    assert isinstance(kernel.fatal, JournalError)


def test_a_rebuilt_actor_has_no_timers_of_its_former_self() -> None:
    class Timed(Acting):
        def on_start(self) -> Effects:
            return [SetTimer("own", 100, Note(100))]

    kernel = kernel_of(
        Child("a", lambda: Timed(lambda a, m: [SetTimer("old", 50, Note(50))] if m == Note(1) else _raises(a, m)))
    )
    kernel.tell("a", Note(1))
    crash(kernel, "a")
    VirtualDriver(kernel).run()
    assert heard_by(kernel, "a") == [Note(100)]


def test_names_in_a_tree_are_unique() -> None:
    with pytest.raises(WiringError, match="'a'"):
        kernel_of(fragile("a"), Branch("inner", (fragile("a"),)))
    with pytest.raises(WiringError, match="'root'"):
        kernel_of(fragile("root"))


def test_a_released_actor_that_crashes_at_once_spends_its_restarts_again() -> None:
    broken: list[bool] = []

    class Fickle(Acting):
        def on_start(self) -> Effects:
            if broken:
                raise RuntimeError("still broken")
            return None

    sleeves = Branch("sleeves", (Child("s", lambda: Fickle(_raises)),), ONE_FOR_ONE, Intensity(restarts=1), QUARANTINE)
    kernel = kernel_of(sleeves)
    crash(kernel, "s")
    crash(kernel, "s")
    broken.append(True)
    kernel.release_quarantine("s")
    assert states(kernel) == {"s": State.QUARANTINED}
    broken.clear()
    kernel.release_quarantine("s")
    assert states(kernel) == {"s": State.RUNNING}


def test_a_branch_of_branches_is_quarantined_whole_and_its_quarantined_stay_out_of_restarts() -> None:
    pair = Branch("pair", (fragile("x"), fragile("y")), ONE_FOR_ONE, Intensity(restarts=0))
    sleeves = Branch("sleeves", (pair, fragile("z")), ONE_FOR_ALL, Intensity(restarts=0), QUARANTINE)
    kernel = kernel_of(Branch("all", (sleeves, fragile("w")), ONE_FOR_ALL, Intensity(restarts=5)))
    crash(kernel, "x")
    assert states(kernel) == {"x": State.QUARANTINED, "y": State.QUARANTINED, "z": State.RUNNING, "w": State.RUNNING}
    crash(kernel, "w")
    assert restarts(kernel) == {"x": 0, "y": 0, "z": 1, "w": 1}


def test_a_branch_restarted_as_a_whole_forgets_the_budgets_inside() -> None:
    pair = Branch("pair", (fragile("x"), fragile("y")), ONE_FOR_ONE, Intensity(restarts=1))
    outer = Branch("outer", (pair, fragile("z")), ONE_FOR_ONE, Intensity(restarts=1))
    kernel = kernel_of(outer)
    for _ in range(4):  # x alone, then pair, then x alone again, then outer
        crash(kernel, "x")
    assert restarts(kernel) == {"x": 4, "y": 2, "z": 1}
    assert kernel.fatal is None


def test_a_timer_unread_at_a_quarantine_does_not_block_its_id_after_the_release() -> None:
    class Timed(Acting):
        def on_start(self) -> Effects:
            return [SetTimer("t", self.clock.now_ns + 10, Note(1))]

    sleeves = Branch("sleeves", (Child("s", lambda: Timed(_raises)),), ONE_FOR_ONE, Intensity(restarts=0), QUARANTINE)
    kernel = kernel_of(sleeves)
    kernel.tell("s", Boom())
    kernel.clock.advance(10)
    kernel.fire_timers()  # unread behind the message that crashes
    kernel.settle()
    kernel.release_quarantine("s")
    VirtualDriver(kernel).run()
    assert heard_by(kernel, "s") == [Note(1)]
    assert [letter.message for letter in kernel.dead_letters] == [Boom(), Note(1)]
