"""Verify at its edges: empty folders, first files, the damage that SQLite finds, and what the ledger can witness."""

from __future__ import annotations

import shutil
import sqlite3
import struct
from contextlib import closing
from pathlib import Path

import pytest

from engine.errors import JournalError
from simulation.disk.journal_cuts import EVENTS
from state.journal import Events, Rotation, SqliteJournal, recover, verify
from state.journal.chain import GENESIS
from state.journal.verify import KEEP_AND_ASK, RESTORE, START_FIRST, Finding
from state.ledger import Ledger
from tests.processes.test_power_cut import half_done
from tests.state.facts import Counted, notes, write
from tests.state.test_journal import days, write_days
from tests.state.test_journal_to_the_letter import ONE, TWO, edit, found, ledger


def test_an_empty_folder_ends_where_a_journal_begins(tmp_path: Path, events: Events) -> None:
    report = verify(tmp_path, events)
    assert (report.first_seq, report.last_seq, report.last_hash) == (0, 0, GENESIS)


def test_a_write_that_was_cut_off_is_told_with_what_takes_it_back(tmp_path: Path) -> None:
    place = half_done(tmp_path)
    [file] = place.glob("*.sqlite")
    text = "its last write was cut off half-way, as by a power cut or a full disk"
    assert found(place, EVENTS) == [Finding(file.name, 0, "UNFINISHED", text, START_FIRST, True)]
    told = f"{file.name}: the last write was cut off half-way; start the engine, which takes it back by itself"
    with pytest.raises(JournalError) as refused:
        recover(place, EVENTS)
    assert str(refused.value) == told


def test_a_file_that_stops_in_its_middle_says_after_which_row(tmp_path: Path, events: Events) -> None:
    write_days(tmp_path, days(2), Rotation.DAY)
    edit(tmp_path / TWO, "DROP TABLE snapshots")
    why = "its tables are missing; restore it from a backup (no such table: snapshots)"
    assert found(tmp_path, events) == [Finding(TWO, 0, "DAMAGED", f"reading stops after row 4: {why}", RESTORE, True)]


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A file of 200 rows with the states of two actors."""
    with SqliteJournal(tmp_path) as journal:
        journal.stage(notes(200))
        journal.write_snapshots(5, [("alice", Counted(5)), ("bruno", Counted(6))])
    return tmp_path / ONE


def root_of(path: Path, table: str) -> int:
    """Where the first page of a table or index begins."""
    with closing(sqlite3.connect(path)) as db:
        root: int = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()[0]
        size: int = db.execute("PRAGMA page_size").fetchone()[0]
    return (root - 1) * size


def said_by_sqlite(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as db:
        return [row[0] for row in db.execute("PRAGMA integrity_check")]


def test_all_damage_that_sqlite_finds_is_told_in_one_line(kept: Path, events: Events) -> None:
    """Two entries of an index that the table does not have, which no read of the table would show."""
    content, index = bytearray(kept.read_bytes()), root_of(kept, "sqlite_autoindex_snapshots_1")
    for name in (b"alice", b"bruno"):
        content[content.index(name, index)] ^= 0x20
    kept.write_bytes(content)
    said = said_by_sqlite(kept)
    assert len(said) == 2
    text = f"SQLite finds damage: {said[0]}; {said[1]}"
    assert found(kept.parent, events) == [Finding(ONE, 0, "DAMAGED", text, RESTORE, True)]


def test_what_sqlite_says_in_several_lines_is_told_in_one(kept: Path, events: Events) -> None:
    """Pages at the end that belong to nothing."""
    size = 4096
    content = bytearray(kept.read_bytes()) + bytes(2 * size)
    content[28:32] = struct.pack(">I", len(content) // size)
    kept.write_bytes(content)
    [said] = said_by_sqlite(kept)
    lines = said.splitlines()
    assert len(lines) > 1
    text = f"SQLite finds damage: {' '.join(lines)}"
    assert found(kept.parent, events) == [Finding(ONE, 0, "DAMAGED", text, RESTORE, True)]


def test_a_journal_without_its_first_file_begins_late(tmp_path: Path, events: Events) -> None:
    write_days(tmp_path, days(2), Rotation.DAY)
    (tmp_path / ONE).unlink()
    text, advice = (
        "this is file 2, and the files before it are not here",
        "nothing, when they were archived; else restore them",
    )
    assert found(tmp_path, events) == [Finding(TWO, 0, "BEGINS_LATE", text, advice, False)]


def test_a_copy_of_a_file_beside_it_is_out_of_order(tmp_path: Path, events: Events) -> None:
    write_days(tmp_path, days(1), Rotation.DAY)
    shutil.copy(tmp_path / ONE, tmp_path / TWO)
    text = "this is file 1 but stands after file 1: files were swapped or renamed"
    assert found(tmp_path, events) == [
        Finding(TWO, 0, "OUT_OF_ORDER", text, "give the files their own names back", True)
    ]


def test_a_first_file_that_lost_its_first_rows_together_with_their_place_is_found_out(
    tmp_path: Path, events: Events
) -> None:
    """Nobody stands before the first file, so it begins with row 1 and nothing before it."""
    write(tmp_path, notes(9))
    with closing(sqlite3.connect(tmp_path / ONE)) as db:
        [(digest,)] = db.execute("SELECT hash FROM journal WHERE seq = 4").fetchall()
    edit(tmp_path / ONE, "DELETE FROM journal WHERE seq <= 4")
    edit(tmp_path / ONE, "UPDATE header SET first_seq = 5, prev_hash = ?", digest)
    text = "it continues row 4, but no file is before it"
    assert found(tmp_path, events) == [Finding(ONE, 0, "BROKEN_JOINT", text, KEEP_AND_ASK, True)]


# -- the ledger


def test_a_ledger_bears_witness_to_a_journal_that_is_gone_altogether(tmp_path: Path, events: Events) -> None:
    write(tmp_path, notes(3))
    Ledger(tmp_path, events).close()
    (tmp_path / ONE).unlink()
    text = "the ledger has seen row 3 and the journal ends at row 0: the newest rows were lost"
    assert found(tmp_path, events) == [Finding("ledger.sqlite", 3, "LOST_TAIL", text, KEEP_AND_ASK, True)]


def test_a_ledger_of_nothing_bears_witness_to_nothing(tmp_path: Path, events: Events) -> None:
    for name in ("empty", "of one row"):
        (tmp_path / name).mkdir()
    Ledger(tmp_path / "empty", events).close()
    assert found(tmp_path / "empty", events) == []
    write(tmp_path / "of one row", notes(1))
    ledger(tmp_path / "of one row", 9, GENESIS)
    edit(tmp_path / "of one row" / "ledger.sqlite", "DELETE FROM applied")
    assert found(tmp_path / "of one row", events) == []
    assert recover(tmp_path / "of one row", events).last_seq == 1
