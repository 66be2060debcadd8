"""The power goes off under the journal: what a commit acknowledged is there afterwards, whole and in order."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from unittest import mock

import pytest

from engine.errors import JournalError
from engine.ports import Row
from model.execution import Alarm
from simulation.disk import Cut, PoweredDisk, under
from simulation.disk.journal_cuts import EVENTS, play
from simulation.disk.power import Op, put
from state.journal import Rotation, SqliteJournal, database, folder, verify

SEEDS = (3, 20, 41)
"""41 showed that a file which failed to go over to write-ahead was written all the same."""
UNSYNCED = tuple("PRAGMA synchronous = NORMAL" if "FULL" in each else each for each in database.WRITER_PRAGMAS)


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_that_was_acknowledged_is_lost_or_torn(seed: int, tmp_path: Path) -> None:
    report = play(seed, tmp_path, cuts=6, commits=12)
    assert report.wrong == []
    assert report.cuts == 10
    assert report.rotations > 0


def test_some_lives_had_a_sync_that_failed_before_the_power_went(tmp_path: Path) -> None:
    assert sum(play(seed, tmp_path, cuts=1, commits=6).ill for seed in SEEDS) > 0


def test_a_journal_that_does_not_wait_for_the_disk_is_found_out(tmp_path: Path) -> None:
    with mock.patch.object(database, "WRITER_PRAGMAS", UNSYNCED):
        reports = [play(seed, tmp_path, cuts=6, commits=8) for seed in range(3)]
    assert any("were acknowledged and" in said for report in reports for said in report.wrong)


def test_a_new_file_whose_name_is_not_synced_is_found_out(tmp_path: Path) -> None:
    """The rows are in the file, and the file is nowhere."""
    with (
        mock.patch.object(folder, "_sync_folder", return_value=None),
        mock.patch.object(PoweredDisk, "opened", _opened_without_folder),
    ):
        reports = [play(seed, tmp_path, cuts=6, commits=8) for seed in range(3)]
    assert any(report.wrong for report in reports)


def _opened_without_folder(disk: PoweredDisk, path: str, *, new: bool, journal: bool) -> None:
    """As on a system whose write-ahead file does not take its folder to disk with it."""
    if new:
        disk.ops.append(Op("create", path))


def rows(first: int, last: int) -> list[Row]:
    return [Row(seq, seq, "author", 0, Alarm("WRITTEN", str(seq), "", seq)) for seq in range(first, last + 1)]


def half_done(tmp_path: Path) -> Path:
    """A folder after a power cut while a new file goes over to write-ahead: its old rollback journal is back."""
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    disk = PoweredDisk()
    with under(disk), disk.heard(), SqliteJournal(before.resolve(), rotation=Rotation.NEVER) as journal:
        journal.stage(rows(1, 3))
        journal.commit()
    deleted = [
        place for place, op in enumerate(disk.ops) if op.what == "delete" and re.search("sqlite-journal", op.path)
    ]
    put(Cut(disk.ops, deleted[0], seed=1, before={}).left(), after)
    return after


def test_a_write_that_a_power_cut_left_half_done_is_said_as_what_it_is(tmp_path: Path) -> None:
    place = half_done(tmp_path)
    assert list(place.glob("*-journal"))
    report = verify(place, EVENTS)
    assert [finding.code for finding in report.findings] == ["UNFINISHED"]
    assert "Start the engine" in str(report.findings[0])
    with SqliteJournal(place, rotation=Rotation.NEVER) as journal:
        assert journal.last_seq == 0
    assert verify(place, EVENTS).ok
    assert not list(place.glob("*-journal"))


def test_a_failure_while_a_file_goes_over_to_write_ahead_is_not_lost(tmp_path: Path) -> None:
    """Else it stays in the mode in which the removal of a file is the commit, and nobody syncs a removal: seed 41."""
    switching = [place for place, path in enumerate(synced(tmp_path / "healthy")) if path.endswith("sqlite-journal")]
    with under(PoweredDisk(fails=switching[-1] + 1)), SqliteJournal(tmp_path / "ill") as journal:
        journal.stage(rows(1, 3))
        with pytest.raises(JournalError, match="the disk failed"):
            journal.commit()
        assert journal.durable_seq == 0


def test_a_file_that_cannot_be_in_write_ahead_mode_is_not_written() -> None:
    with pytest.raises(JournalError, match="stays in mode 'memory' instead of write-ahead"):
        database.open_writer(Path(":memory:"))


def synced(place: Path) -> list[str]:
    """Every file that is synced while a journal is begun, in order."""
    disk = PoweredDisk()
    with under(disk), SqliteJournal(place) as journal:
        journal.stage(rows(1, 3))
        journal.commit()
    return [op.path for op in disk.ops if op.what == "sync"]


def test_the_layer_leaves_no_trace_when_it_is_taken_out(tmp_path: Path) -> None:
    disk = PoweredDisk()
    with under(disk), closing(sqlite3.connect(tmp_path / "a.sqlite")) as db:
        db.execute("CREATE TABLE one (x)")
    heard = len(disk.ops)
    with closing(sqlite3.connect(tmp_path / "a.sqlite")) as db:
        db.execute("INSERT INTO one VALUES (1)")
        db.commit()
    assert heard > 0
    assert len(disk.ops) == heard
