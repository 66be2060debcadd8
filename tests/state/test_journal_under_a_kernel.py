"""A real kernel on the journal: what an actor knew is what it knows after a restart, over files and years."""

from __future__ import annotations

from pathlib import Path

from engine.actor import Actor
from engine.clock import VirtualClock
from engine.drive import VirtualDriver
from engine.effects import Effects, Journal
from engine.kernel import Kernel
from engine.message import Event
from engine.supervise import Branch, Child
from state.journal import Events, Rotation, SqliteJournal, recover, verify
from tests.state.facts import DAY_NS, MONDAY_NS, Counted, Noted


class Diary(Actor):
    """Journals what it is told and counts it."""

    def __init__(self) -> None:
        self.count = 0

    def on_noted(self, noted: Noted) -> Effects:
        self.count += 1
        return [Journal(noted)]

    def fold_noted(self, noted: Noted) -> None:
        self.count += 1

    def snapshot(self) -> Counted:
        return Counted(self.count)

    def restore(self, snapshot: Event) -> None:
        assert isinstance(snapshot, Counted)
        self.count = snapshot.count


def tree_of(diary: Diary) -> Branch:
    return Branch("root", (Child("diary", lambda: diary),))


def test_an_actor_comes_back_from_its_snapshot_and_the_rows_after_it(tmp_path: Path, events: Events) -> None:
    told = 0
    for life in range(4):
        diary = Diary()
        with SqliteJournal(tmp_path, rotation=Rotation.YEAR) as journal:
            recovered = recover(tmp_path, events)
            kernel = Kernel(clock=VirtualClock(MONDAY_NS + life * 200 * DAY_NS), journal=journal)
            kernel.host(tree_of(diary))
            kernel.recover_from(recovered.rows, recovered.snapshots)
            journal.snapshots_from(kernel.snapshots)
            assert diary.count == told
            driver = VirtualDriver(kernel)
            for _ in range(3):
                kernel.tell("diary", Noted("hello"))
                driver.settle()
                told += 1
    report = verify(tmp_path, events)
    assert report.ok
    assert (report.rows, len(report.files)) == (12, 2)
    assert recover(tmp_path, events).snapshots == {"diary": (7, Counted(7))}
