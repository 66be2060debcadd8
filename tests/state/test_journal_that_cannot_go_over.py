"""A journal that fails on its way from one file to the next: no row is ever in both of them."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

import pytest

from engine.errors import JournalError
from engine.ports import Row
from state.journal import AsyncSqliteJournal, Events, Rotation, SqliteJournal, journal_rows, verify
from state.journal.database import AtomicConnection
from tests.state.facts import DAY_NS, MONDAY_NS, notes


def day(number: int) -> list[Row]:
    """Two rows of a day."""
    return notes(2, after=2 * number, at_ns=MONDAY_NS + number * DAY_NS)


@pytest.fixture
def folder_cannot_be_synced(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next file is there, and whoever made it hears that it failed."""

    def fsync(handle: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fsync)


def whole_with_one_more_day(folder: Path, events: Events) -> bool:
    """Whether the folder, opened anew, goes on where it ended."""
    with SqliteJournal(folder, rotation=Rotation.DAY) as again:
        again.stage(day(2))
    return (
        list(journal_rows(folder, events=events, check=True)) == [*day(0), *day(1), *day(2)]
        and verify(folder, events).ok
    )


def test_nothing_is_written_behind_a_file_that_may_have_been_begun(
    tmp_path: Path, events: Events, request: pytest.FixtureRequest
) -> None:
    journal = SqliteJournal(tmp_path, rotation=Rotation.DAY)
    journal.stage(day(0))
    journal.commit()
    journal.stage(day(1))
    request.getfixturevalue("folder_cannot_be_synced")
    with pytest.raises(JournalError, match="Input/output error"):
        journal.commit()
    request.getfixturevalue("monkeypatch").undo()
    assert len(list(tmp_path.glob("journal-*.sqlite"))) == 2
    journal.stage(day(2))
    with pytest.raises(JournalError, match=r"could not go over to its next file.*open the folder again"):
        journal.commit()
    journal.close()
    assert whole_with_one_more_day(tmp_path, events)


async def test_nor_does_a_live_journal(tmp_path: Path, events: Events, request: pytest.FixtureRequest) -> None:
    journal = AsyncSqliteJournal(tmp_path, rotation=Rotation.DAY)
    journal.stage(day(0))
    await journal.commit_async()
    journal.stage(day(1))
    request.getfixturevalue("folder_cannot_be_synced")
    with pytest.raises(JournalError, match="Input/output error"):
        await journal.commit_async()
    request.getfixturevalue("monkeypatch").undo()
    journal.stage(day(2))
    with pytest.raises(JournalError, match=r"could not go over to its next file.*open the folder again"):
        await journal.commit_async()
    await journal.close()
    assert whole_with_one_more_day(tmp_path, events)


async def test_what_ended_an_engine_is_not_hidden_by_a_journal_that_cannot_be_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def commit(db: AtomicConnection) -> None:
        raise sqlite3.OperationalError("UNIQUE constraint failed: journal.seq")

    monkeypatch.setattr(AtomicConnection, "commit", commit)

    def here() -> None:
        with SqliteJournal(tmp_path / "here") as journal:
            journal.stage(day(0))
            raise RuntimeError("the disk failed first")

    async def beside() -> None:
        async with AsyncSqliteJournal(tmp_path / "beside") as journal:
            journal.stage(day(0))
            raise RuntimeError("the disk failed first")

    def alone() -> None:
        with SqliteJournal(tmp_path / "alone") as journal:
            journal.stage(day(0))

    with pytest.raises(RuntimeError, match="the disk failed first"):
        here()
    with pytest.raises(RuntimeError, match="the disk failed first"):
        await beside()
    with pytest.raises(JournalError, match="UNIQUE"):
        alone()
