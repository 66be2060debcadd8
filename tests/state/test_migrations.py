"""Older files are brought forward once, after a copy; newer and foreign ones are left alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from engine.errors import JournalError
from state.journal import Events, SqliteJournal, journal_rows, verify
from state.journal.migrations import MIGRATIONS, Migration, knowing, migrate, version_of
from tests.state.facts import notes, write

ONE = "journal-20230102.sqlite"
NEXT = Migration(2, ("CREATE TABLE marks (seq INTEGER PRIMARY KEY) STRICT", "INSERT INTO marks VALUES (7)"))
FAULTY = Migration(2, ("CREATE TABLE marks (seq INTEGER PRIMARY KEY) STRICT", "INSERT INTO nowhere VALUES (7)"))


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        return version_of(db)


def bring(path: Path, *steps: Migration) -> int:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        return migrate(db, path, (*MIGRATIONS, *steps))


@pytest.fixture
def old(tmp_path: Path) -> Path:
    write(tmp_path, notes(5))
    return tmp_path / ONE


def test_a_new_file_has_the_newest_version_and_no_backup(old: Path) -> None:
    assert version(old) == MIGRATIONS[-1].number
    assert not list(old.parent.glob("*.backup"))


def test_an_older_file_is_copied_and_brought_forward_once(old: Path, events: Events) -> None:
    assert bring(old, NEXT) == 1
    assert bring(old, NEXT) == 0
    backup = old.with_name(f"{ONE}.v1.backup")
    assert (version(old), version(backup)) == (2, 1)
    with closing(sqlite3.connect(backup)) as db:
        assert db.execute("SELECT count(*) FROM journal").fetchone() == (5,)
    with closing(sqlite3.connect(old)) as db:
        assert db.execute("SELECT seq FROM marks").fetchall() == [(7,)]


def test_a_step_that_fails_leaves_the_file_as_it_was(old: Path, events: Events) -> None:
    with pytest.raises(JournalError, match=f"{ONE} could not be brought to version 2: no such table: nowhere"):
        bring(old, FAULTY)
    assert version(old) == 1
    assert verify(old.parent, events).ok
    assert [row.seq for row in journal_rows(old.parent, events=events)] == [1, 2, 3, 4, 5]
    assert bring(old, NEXT) == 1


def test_a_step_that_was_changed_after_it_was_taken_is_noticed(old: Path) -> None:
    bring(old, NEXT)
    with pytest.raises(JournalError, match="was brought to version 2 by another step than this program's"):
        bring(old, Migration(2, ("CREATE TABLE other (seq INTEGER) STRICT",)))


def test_opening_the_folder_brings_every_file_forward(old: Path, events: Events) -> None:
    with knowing((*MIGRATIONS, NEXT)):
        with SqliteJournal(old.parent) as journal:
            journal.stage(notes(1, after=5))
        assert version(old) == 2
        assert [row.seq for row in journal_rows(old.parent, events=events)] == [1, 2, 3, 4, 5, 6]
    with pytest.raises(JournalError, match="has version 2 and this program knows up to 1"):
        SqliteJournal(old.parent)


def test_the_steps_that_were_shipped_are_never_edited() -> None:
    """Their checksums, written down when they were shipped."""
    assert {step.number: step.checksum.hex()[:16] for step in MIGRATIONS} == {1: "10fd80cf74c9b308"}
