"""Laws that hold whatever order actors are run in."""

from __future__ import annotations

import collections
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.drive import VirtualDriver
from engine.effects import Effects, Journal, Ref, SetTimer, Tell, Yields
from engine.errors import Diverged
from engine.kernel import Kernel
from engine.memory import MemoryJournal
from engine.message import Message, Told
from engine.schedule import Fair, Pick, Recorded, Recording, Scheduler, Seeded
from engine.supervise import Child
from tests.engine.kit import Acting, Counted, Fact, Heard, Note, Price, Small, heard_by, kernel_of


class Relay(Acting):
    """Passes every note on with its own name, twice, and facts once."""

    def __init__(self, to: str) -> None:
        super().__init__(self.relay)
        self.to = Ref[Note | Fact](to)
        self.sent = 0

    def relay(self, actor: Acting, message: Message) -> Yields:
        for _ in range(2):
            self.sent += 1
            yield Tell(self.to, Note(self.sent, self.name))
        yield Tell(self.to, Fact(self.sent))
        yield Journal(Counted(self.sent))


RELAYS = ("r1", "r2", "r3")


def relay_house(scheduler: Scheduler, journal: MemoryJournal | None = None) -> Kernel:
    relays = [Child(name, lambda: Relay("sink")) for name in RELAYS]
    return kernel_of(*relays, Child("sink", Heard), scheduler=scheduler, journal=journal)


def drive(kernel: Kernel, plan: Iterable[str]) -> list[Message]:
    for name in plan:
        kernel.tell(name, Note(0))
    VirtualDriver(kernel).settle()
    return heard_by(kernel, "sink")


PLANS = st.lists(st.sampled_from(RELAYS), max_size=40)


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32), plan=PLANS)
def test_whatever_the_seed_each_sender_is_heard_in_order_and_nothing_is_lost_or_doubled(
    seed: int, plan: list[str]
) -> None:
    heard = drive(relay_house(Seeded(seed)), plan)
    told = collections.Counter(plan)
    for name in RELAYS:
        numbers = [note.n for note in heard if isinstance(note, Note) and note.sender == name]
        assert numbers == list(range(1, 2 * told[name] + 1))
    assert sum(isinstance(message, Fact) for message in heard) == len(plan)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32), plan=PLANS)
def test_the_same_seed_makes_the_same_trace(seed: int, plan: list[str]) -> None:
    traces = []
    for _ in range(2):
        journal, recording = MemoryJournal(), Recording(Seeded(seed))
        traces.append((drive(relay_house(recording, journal), plan), journal.rows, recording.picks))
    assert traces[0] == traces[1]


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32), plan=PLANS)
def test_a_recording_replays_to_the_same_journal(seed: int, plan: list[str]) -> None:
    journal, again = MemoryJournal(), MemoryJournal()
    recording = Recording(Seeded(seed))
    heard = drive(relay_house(recording, journal), plan)
    assert drive(relay_house(Recorded(recording.picks), again), plan) == heard
    assert again.rows == journal.rows


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.one_of(
            st.integers(0, 9).map(Small),
            st.tuples(st.sampled_from("xyz"), st.integers(0, 9)).map(lambda p: Price(*p)),
            st.integers(0, 9).map(Fact),
            st.just(None),  # a turn
        ),
        max_size=60,
    )
)
def test_bounds_hold_and_every_message_is_handled_replaced_or_refused(script: list[Message | None]) -> None:
    kernel = kernel_of(Child("a", Heard))
    told: collections.Counter[Told] = collections.Counter()
    unread: collections.Counter[type[Message]] = collections.Counter()
    for message in script:
        if message is None:
            kernel.settle()
            unread.clear()
            continue
        answer = kernel.tell("a", message)
        told[answer] += 1
        unread[type(message)] += answer is Told.OK
        assert unread[Small] <= Small.bound
        assert unread[Price] <= 3
    kernel.settle()
    cell = kernel.status().cells[0]
    assert len(heard_by(kernel, "a")) == told[Told.OK] == cell.handled
    assert (cell.skips, cell.refusals) == (told[Told.REPLACED], told[Told.FULL])


def test_different_seeds_try_different_orders() -> None:
    def order(seed: int) -> tuple[Message, ...]:
        return tuple(drive(relay_house(Seeded(seed)), RELAYS * 3))

    assert len({order(seed) for seed in range(20)}) > 10
    assert repr(Seeded(7)) == "Seeded(7)"


def test_fair_is_round_robin_and_can_be_recorded() -> None:
    recording = Recording(Fair())
    drive(relay_house(recording), RELAYS)
    assert recording.picks == [("r1", 1), ("r2", 1), ("r3", 1), ("sink", 9)]
    plain = relay_house(Fair())
    assert drive(plain, RELAYS) == drive(relay_house(Recorded(recording.picks)), RELAYS)


@pytest.mark.parametrize(
    ("picks", "match"),
    [
        ([("r1", 1)], "ends after 1 picks, but r2 is ready"),
        ([("sink", 1)], "sink is not ready, r1, r2, r3 are"),
        ([("r1", 2)], "r1 took 1 messages, recorded were 2"),
    ],
)
def test_a_replay_that_diverges_says_where(picks: list[Pick], match: str) -> None:
    with pytest.raises(Diverged, match=match):
        drive(relay_house(Recorded(picks)), RELAYS)


def test_a_timer_and_its_seed_belong_to_the_trace() -> None:
    class Ticker(Heard):
        def on_start(self) -> Effects:
            return [SetTimer("t", 10, Note(1))]

    kernel = kernel_of(Child("a", Ticker), scheduler=Seeded(1))
    VirtualDriver(kernel).run()
    assert heard_by(kernel, "a") == [Note(1)]
