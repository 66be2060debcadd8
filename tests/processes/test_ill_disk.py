"""A disk that fails at any one call: the journal says so, and holds exactly what it acknowledged."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from engine.errors import JournalError
from engine.ports import Row
from model.execution import Alarm
from simulation.disk import FailingDisk, Illness, under
from simulation.disk.journal_cuts import EVENTS
from state.journal import AsyncSqliteJournal, Rotation, SqliteJournal, journal_rows, verify

DAY_NS = 86_400 * 10**9
COMMITS = 6


def row(seq: int) -> Row:
    return Row(seq, seq * DAY_NS // 3, "author", seq - 1, Alarm("WRITTEN", str(seq), "x" * 700, seq))


def write(folder: Path) -> int:
    """Commit row by row, over three midnights, until the disk fails; the last row that was acknowledged."""
    with SqliteJournal(folder, rotation=Rotation.DAY) as journal:
        for seq in range(1, COMMITS + 1):
            journal.stage([row(seq)])
            try:
                journal.commit()
            except JournalError:
                return journal.durable_seq
    return COMMITS


async def write_beside(folder: Path) -> int:
    async with AsyncSqliteJournal(folder, rotation=Rotation.DAY) as journal:
        for seq in range(1, COMMITS + 1):
            journal.stage([row(seq)])
            try:
                await journal.commit_async()
            except JournalError:
                return journal.durable_seq
    return COMMITS


def calls(folder: Path, call: str) -> int:
    """How often a run on a healthy disk makes a call."""
    disk = FailingDisk(None)
    with under(disk):
        write(folder)
    return disk.calls[call]


@pytest.mark.parametrize(("call", "how"), [("write", "full"), ("write", "broken"), ("sync", "broken")])
def test_each_call_that_fails_costs_nothing_that_was_acknowledged(call: str, how: str, tmp_path: Path) -> None:
    for nth in range(1, calls(tmp_path / "healthy", call) + 1, 4):
        folder = tmp_path / f"{nth}"
        acknowledged, said = 0, "the disk"
        disk = FailingDisk(Illness(call, nth, how))
        with under(disk):
            try:
                acknowledged = write(folder)
            except JournalError as error:
                said = str(error)
        assert "the disk" in said
        assert disk.failed > 0
        judge(folder, acknowledged, f"{call} {nth} {how}")


def test_a_passing_failure_is_said_and_the_journal_beside_the_loop_goes_on(tmp_path: Path) -> None:
    for nth in range(1, calls(tmp_path / "healthy", "sync") + 1, 5):
        folder = tmp_path / f"{nth}"
        with under(FailingDisk(Illness("sync", nth, lasts=1))):
            try:
                acknowledged = asyncio.run(write_beside(folder))
            except JournalError:
                acknowledged = 0
        judge(folder, acknowledged, f"sync {nth} once")


def judge(folder: Path, acknowledged: int, case: str) -> None:
    """Open the folder again on a disk that is well."""
    with SqliteJournal(folder, rotation=Rotation.DAY) as journal:
        found = journal.last_seq
        journal.stage([row(found + 1)])
    assert found >= acknowledged, case
    assert list(journal_rows(folder, events=EVENTS, check=True)) == [row(n) for n in range(1, found + 2)], case
    assert verify(folder, EVENTS).findings == (), case


@pytest.mark.parametrize("text", ["", "write", "write:x:full", "read:1:full", "write:1:tired", "sync:1:broken:x"])
def test_an_illness_that_is_none_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match="write such as write:37:full"):
        Illness.of(text)


def test_a_disk_that_gets_well_takes_writes_again(tmp_path: Path) -> None:
    well = False
    disk = FailingDisk(Illness.of("write:1:full"), well=lambda: well)
    with under(disk):
        with pytest.raises(JournalError, match="full"):
            write(tmp_path / "j")
        well = True
        assert write(tmp_path / "j") == COMMITS
    assert verify(tmp_path / "j", EVENTS).ok
