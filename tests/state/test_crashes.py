"""Whatever stops the process, what was acknowledged is there and what was not is not half there."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from engine.errors import JournalError
from engine.ports import Row
from state.journal import Events, Rotation, SqliteJournal, journal_rows, recover, verify
from tests.state.facts import DAY_NS, MONDAY_NS, Counted, Noted, notes

KINDS = Events([Noted, Counted])


class Crashes(RuleBasedStateMachine):
    """Stage, commit, crash and reopen in any order. A crash is the folder as it lies on disk at that moment."""

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp(prefix="hedgerow-crashes-"))
        self.life = 0
        self.gone: list[SqliteJournal] = []
        self.durable: list[Row] = []
        self.staged: list[Row] = []
        self.state_seq = 0
        self.now_ns = MONDAY_NS

    @initialize()
    def start(self) -> None:
        self.open()

    def open(self) -> None:
        self.journal = SqliteJournal(self.folder, rotation=Rotation.DAY)
        self.journal.snapshots_from(lambda: {"counter": (self.journal.last_seq, Counted(self.journal.last_seq))})

    @property
    def folder(self) -> Path:
        return self.home / str(self.life)

    @rule(count=st.integers(0, 5), hours=st.integers(0, 20))
    def stage(self, count: int, hours: int) -> None:
        self.now_ns += hours * DAY_NS // 24
        rows = notes(count, after=self.journal.last_seq, at_ns=self.now_ns)
        self.journal.stage(rows)
        self.staged += rows

    @rule()
    def snapshot(self) -> None:
        seq = self.journal.last_seq
        self.journal.write_snapshots(seq, [("counter", Counted(seq))])

    @rule()
    def commit(self) -> None:
        self.journal.commit()
        self.durable += self.staged
        self.staged = []

    @rule()
    def crash(self) -> None:
        left = self.folder
        self.life += 1
        shutil.copytree(left, self.folder)
        self.gone.append(self.journal)  # whatever it still does, it does to a folder that nobody looks at again
        self.staged = []
        self.open()

    @invariant()
    def exactly_the_committed_rows_are_there(self) -> None:
        if not self.folder.exists():
            return
        assert list(journal_rows(self.folder, events=KINDS)) == self.durable

    @invariant()
    def recovery_ends_at_the_last_committed_row(self) -> None:
        if not self.folder.exists():
            return
        recovered = recover(self.folder, KINDS)
        seen = max((seq for seq, _ in recovered.snapshots.values()), default=0)
        rows = list(recovered.rows)
        assert recovered.last_seq == len(self.durable)
        assert seen <= recovered.last_seq
        assert [row.seq for row in rows] == list(range(seen + 1, recovered.last_seq + 1))
        assert verify(self.folder, KINDS).ok

    def teardown(self) -> None:
        for journal in (*self.gone, self.journal):
            journal.close()
        shutil.rmtree(self.home)


TestCrashes = Crashes.TestCase
TestCrashes.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


@pytest.mark.parametrize(
    "step", ["pathlib.Path.rename", "state.journal.folder._sync_folder", "state.journal.writer.carried"]
)
def test_a_crash_at_any_step_of_a_rotation_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def crash(*_: object) -> None:
        raise JournalError("the process ends here")

    journal = SqliteJournal(tmp_path, rotation=Rotation.DAY)
    journal.snapshots_from(lambda: {"counter": (journal.last_seq, Counted(journal.last_seq))})
    journal.stage(notes(2))
    journal.commit()
    journal.stage(notes(2, after=2, at_ns=MONDAY_NS + DAY_NS))
    with monkeypatch.context() as patch:
        patch.setattr(step, crash)
        with pytest.raises(JournalError, match="the process ends here"):
            journal.commit()
    journal.close()
    check_after_kill(tmp_path, 4)
    with SqliteJournal(tmp_path, rotation=Rotation.DAY) as again:
        again.stage(notes(2, after=4, at_ns=MONDAY_NS + 2 * DAY_NS))
    check_after_kill(tmp_path, 6)


WRITER = """
import sys
from state.journal import Rotation, SqliteJournal
from tests.state.facts import MONDAY_NS, DAY_NS, notes

journal = SqliteJournal(sys.argv[1], rotation=Rotation.DAY)
seq = journal.last_seq
while True:
    size = 1 + seq % 7
    journal.stage(notes(size, after=seq, at_ns=MONDAY_NS + seq // 200 * DAY_NS))
    journal.commit()
    seq += size
    print(seq, flush=True)
"""

LIVE_WRITER = """
import asyncio, sys
from state.journal import AsyncSqliteJournal, Rotation
from tests.state.facts import MONDAY_NS, DAY_NS, notes

async def main():
    journal = AsyncSqliteJournal(sys.argv[1], rotation=Rotation.DAY)
    seq = journal.last_seq
    while True:
        size = 1 + seq % 7
        journal.stage(notes(size, after=seq, at_ns=MONDAY_NS + seq // 200 * DAY_NS))
        await journal.commit_async()
        seq += size
        print(seq, flush=True)

asyncio.run(main())
"""


def killed_after(code: str, folder: Path, lines: int) -> int:
    """Run a writer, kill it with SIGKILL in the middle of its work; returns the last row that it acknowledged."""
    with subprocess.Popen([sys.executable, "-c", code, folder], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        acknowledged = 0
        for _ in range(lines):
            acknowledged = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().splitlines()
    whole = [int(line) for line in rest if line]
    return whole[-1] if whole else acknowledged


def check_after_kill(folder: Path, acknowledged: int) -> None:
    report = verify(folder, KINDS)
    assert report.ok, report.findings
    assert report.last_seq >= acknowledged
    found = list(journal_rows(folder, events=KINDS))
    assert [row.seq for row in found] == list(range(1, report.last_seq + 1))
    assert all(row.event == Noted(f"note {row.seq}") for row in found)


def test_a_killed_writer_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    for lines in (1, 60, 200):
        check_after_kill(tmp_path, killed_after(WRITER, tmp_path, lines))


def test_a_killed_live_writer_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    for lines in (1, 60, 200):
        check_after_kill(tmp_path, killed_after(LIVE_WRITER, tmp_path, lines))
