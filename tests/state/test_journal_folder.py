"""The journal's folder: names, days and locks, what each refusal says, and what a failure takes back."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from engine.errors import JournalError
from engine.message import Event
from engine.ports import Row
from state.journal import (
    AsyncSqliteJournal,
    Events,
    MemoryJournal,
    Rotation,
    SqliteJournal,
    journal_rows,
    recover,
    verify,
)
from state.journal.chain import GENESIS
from state.journal.database import AtomicConnection, explain, open_writer
from state.journal.folder import files_in
from state.journal.migrations import MIGRATIONS, Migration, migrate
from state.journal.schema import INSERT_ROW
from tests.state.facts import DAY_NS, MONDAY_NS, Counted, Noted, notes, write
from tests.state.test_journal import days, write_days
from tests.state.test_journal_to_the_letter import ONE, TWO, edit


@pytest.fixture(params=["Pacific/Auckland", "America/Los_Angeles"])
def far_from_greenwich(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def names(folder: Path) -> list[str]:
    return [path.name for path in files_in(folder)]


# -- days


@pytest.mark.usefixtures("far_from_greenwich")
@pytest.mark.parametrize("hour", [0, 12, 23])
def test_a_day_begins_and_ends_in_utc_wherever_the_machine_stands(tmp_path: Path, hour: int) -> None:
    at_ns = MONDAY_NS + hour * DAY_NS // 24
    assert Rotation.DAY.ends_ns(at_ns) == MONDAY_NS + DAY_NS
    write(tmp_path, notes(1, at_ns=at_ns))
    assert names(tmp_path) == [ONE]


def test_the_last_nanosecond_of_a_day_is_still_of_that_day(tmp_path: Path) -> None:
    last = MONDAY_NS + DAY_NS - 1
    assert Rotation.DAY.ends_ns(last) == MONDAY_NS + DAY_NS
    write(tmp_path, notes(1, at_ns=last), rotation=Rotation.DAY)
    write(tmp_path, notes(1, after=1, at_ns=last + 1), rotation=Rotation.DAY)
    write(tmp_path, notes(1, after=2, at_ns=last + 2), rotation=Rotation.DAY)
    assert names(tmp_path) == [ONE, TWO]


# -- opening


def test_a_journal_makes_every_folder_on_the_way_to_it(tmp_path: Path) -> None:
    folder = tmp_path / "of a program" / "of a year" / "journal"
    write(folder, notes(1))
    assert names(folder) == [ONE]


def test_the_process_that_holds_a_folder_is_named_and_no_earlier_one(tmp_path: Path) -> None:
    (tmp_path / "journal.lock").write_text("99999999999")
    told = f"another engine (process {os.getpid()}) writes the journal in {tmp_path}: stop it, or use another folder"
    with SqliteJournal(tmp_path):
        for _ in range(2):
            with pytest.raises(JournalError) as refused:
                SqliteJournal(tmp_path)
            assert str(refused.value) == told
    write(tmp_path, notes(1))


def test_a_holder_that_has_not_said_its_number_yet_is_unknown(tmp_path: Path) -> None:
    with SqliteJournal(tmp_path):
        os.truncate(tmp_path / "journal.lock", 0)
        with pytest.raises(JournalError, match=r"^another engine \(process unknown\) writes the journal in "):
            SqliteJournal(tmp_path)


def test_a_path_that_is_no_folder_says_which_and_what_to_give(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for name, what in (("file", "is not a folder"), ("nowhere", "does not exist")):
        with pytest.raises(JournalError) as refused:
            verify(tmp_path / name)
        path = tmp_path / name
        told = f"the journal's folder {path} {what}: give the folder that the engine writes to"
        assert str(refused.value) == told


def test_a_link_to_a_file_that_is_gone_does_not_exist(tmp_path: Path, events: Events) -> None:
    write(tmp_path / "old", notes(1))
    (tmp_path / ONE).symlink_to(tmp_path / "old" / ONE)
    assert list(journal_rows(tmp_path, events=events)) == notes(1)
    (tmp_path / "old" / ONE).unlink()
    with pytest.raises(JournalError, match=f"^{ONE} does not exist: a journal file is expected there$"):
        recover(tmp_path, events)


def test_a_file_without_its_table_of_headers_is_named(tmp_path: Path, events: Events) -> None:
    write(tmp_path, notes(1))
    edit(tmp_path / ONE, "DROP TABLE header")
    for use in (SqliteJournal, lambda folder: recover(folder, events)):
        with pytest.raises(JournalError, match=f"^{ONE}: its tables are missing; restore it from a backup"):
            use(tmp_path)


def test_a_step_of_another_program_says_which_program_to_use(tmp_path: Path) -> None:
    write(tmp_path, notes(1))
    other = Migration(MIGRATIONS[0].number, ("CREATE TABLE other (seq INTEGER) STRICT",))
    words = f"{ONE} was brought to version 1 by another step than this program's: use the program that wrote it"
    with closing(sqlite3.connect(tmp_path / ONE, isolation_level=None)) as db, pytest.raises(JournalError) as refused:
        migrate(db, tmp_path / ONE, (other,))
    assert str(refused.value) == words


# -- words


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("file is not a database", "not an SQLite file, or its first page is damaged; restore it from a backup"),
        ("database disk image is malformed", "damaged inside (cut short or bits changed); restore it from a backup"),
        ("database or disk is full", "the disk is full; free space, then start again"),
        ("disk I/O error", "the disk failed; check it before the next start"),
        ("unable to open database file", "cannot be opened; check that the file and its folder may be read"),
        ("database is locked", "another program holds it; stop that program"),
        ("attempt to write a readonly database", "may not be written; check the rights of the file and its folder"),
        ("no such table: journal", "its tables are missing; restore it from a backup"),
    ],
)
def test_each_word_of_sqlite_is_told_with_what_to_do(said: str, told: str) -> None:
    assert explain(sqlite3.OperationalError(said)) == f"{told} ({said})"


def test_a_word_of_the_system_is_told_without_its_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = [OSError(28, "No space left on device"), OSError("the drive was taken away")]
    for failure, told in zip(failures, ("No space left on device", "the drive was taken away"), strict=True):

        def refuse(*_: object, failure: OSError = failure) -> None:
            raise failure

        with SqliteJournal(tmp_path) as journal, monkeypatch.context() as patch:
            journal.stage(notes(1))
            patch.setattr(Path, "rename", refuse)
            with pytest.raises(JournalError) as refused:
                journal.commit()
            patch.undo()
            journal.close()
        assert str(refused.value) == f"{ONE}: {told}"
        (tmp_path / ONE).unlink()


def test_a_file_that_stays_out_of_write_ahead_says_what_to_check() -> None:
    with pytest.raises(JournalError) as refused:
        open_writer(Path(":memory:"))
    assert str(refused.value) == (
        ":memory: stays in mode 'memory' instead of write-ahead, in which a power cut could take back what was "
        "committed: check the disk, and that its file system is not one of a network"
    )


# -- writing


def test_a_commit_that_sqlite_refuses_takes_back_all_of_it_and_the_next_one_works(tmp_path: Path) -> None:
    """A row that is there already fails alone, without the whole transaction: it has to be taken back."""
    write(tmp_path, notes(2))
    new, again = ((seq, MONDAY_NS, "a", "Noted", 0, b"", bytes(32)) for seq in (3, 1))
    with closing(open_writer(tmp_path / ONE)) as db:
        db.give((INSERT_ROW, [new, again]))
        with pytest.raises(sqlite3.IntegrityError):
            db.commit()
        assert not db.in_transaction
        assert db.execute("SELECT count(*) FROM journal").fetchone() == (2,)
        db.give((INSERT_ROW, [new, (4, *new[1:])]))
        db.commit()
        assert db.execute("SELECT count(*) FROM journal").fetchone() == (4,)


def test_a_connection_goes_from_the_thread_that_opened_it_to_the_one_that_writes(tmp_path: Path) -> None:
    write(tmp_path, notes(1))
    opened: list[AtomicConnection] = []
    thread = threading.Thread(target=lambda: opened.append(open_writer(tmp_path / ONE)))
    thread.start()
    thread.join()
    with closing(opened[0]) as db:
        assert db.execute("SELECT count(*) FROM journal").fetchone() == (1,)


def test_states_may_be_written_before_the_first_row(tmp_path: Path, events: Events) -> None:
    with SqliteJournal(tmp_path) as journal:
        journal.write_snapshots(0, [("a", Counted(7))])
    recovered = recover(tmp_path, events)
    assert recovered.snapshots == {"a": (0, Counted(7))}
    assert (recovered.last_seq, recovered.last_hash, recovered.last_at_ns) == (0, GENESIS, 0)
    assert verify(tmp_path, events).ok
    write(tmp_path, notes(2))
    assert list(recover(tmp_path, events).rows) == notes(2)


@pytest.fixture
async def heard() -> list[str]:
    """What the loop was told of that nobody waited for."""
    told: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(str(context["message"])))
    return told


async def test_a_live_journal_leaves_nothing_to_the_loop(tmp_path: Path, heard: list[str]) -> None:
    async with AsyncSqliteJournal(tmp_path, rotation=Rotation.DAY) as journal:
        for batch in days(2):
            journal.stage(batch)
            await journal.commit_async()
    assert heard == []


async def test_a_flush_that_is_torn_is_told_to_who_waits_and_not_to_the_loop(tmp_path: Path, heard: list[str]) -> None:
    journal = AsyncSqliteJournal(tmp_path)
    journal.stage(notes(1))
    await journal.commit_async()
    journal.stage(notes(1, after=1))
    waiting = asyncio.ensure_future(journal.commit_async())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for task in asyncio.all_tasks() - {asyncio.current_task(), waiting}:
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await journal.close()
    assert heard == []


async def test_a_close_that_the_disk_refuses_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = AtomicConnection.close

    def refuse(db: AtomicConnection) -> None:
        real(db)
        raise sqlite3.OperationalError("disk I/O error")

    journal = AsyncSqliteJournal(tmp_path)
    journal.stage(notes(1))
    await journal.commit_async()
    monkeypatch.setattr(AtomicConnection, "close", refuse)
    with pytest.raises(JournalError, match=f"^{ONE}: the disk failed; check it"):
        await journal.close()


def test_the_older_states_of_a_damaged_file_are_missed_in_its_name(tmp_path: Path) -> None:
    """A new file would begin with them."""
    first, second = days(2)
    with SqliteJournal(tmp_path, rotation=Rotation.DAY) as journal:
        journal.stage(first)
        journal.commit()
        edit(tmp_path / ONE, "DROP TABLE snapshots")
        journal.stage(second)
        with pytest.raises(JournalError, match=f"^{ONE}: its tables are missing"):
            journal.commit()


# -- reading


def test_no_file_is_read_that_holds_none_of_the_rows(tmp_path: Path, events: Events) -> None:
    """The second of three files has rows 5 and 6: a day's first commit still goes to the file of the day before."""
    write_days(tmp_path, days(4), Rotation.DAY)
    for name in (ONE, "journal-20230104.sqlite"):
        edit(tmp_path / name, "DROP TABLE journal")
    assert [row.seq for row in journal_rows(tmp_path, first_seq=5, last_seq=6, events=events)] == [5, 6]
    with pytest.raises(JournalError, match=f"^{ONE}: its tables are missing"):
        list(journal_rows(tmp_path, first_seq=4, last_seq=6, events=events))


def test_the_file_before_the_last_is_not_read_for_what_is_in_the_last(tmp_path: Path, events: Events) -> None:
    write_days(tmp_path, days(2), Rotation.DAY)
    newest = notes(2, after=4, at_ns=MONDAY_NS + DAY_NS)
    write(tmp_path, newest)
    edit(tmp_path / ONE, "DROP TABLE journal")
    assert list(journal_rows(tmp_path, first_seq=5, events=events)) == newest


@pytest.mark.parametrize(
    ("kinds", "actors", "seqs"), [(["Counted"], [], [2, 4, 6]), ([], ["b"], [1, 3, 5]), (["Noted"], ["b"], [1, 3, 5])]
)
def test_some_of_the_rows_are_no_chain_and_are_not_checked_as_one(
    tmp_path: Path, events: Events, kinds: list[str], actors: list[str], seqs: list[int]
) -> None:
    write(tmp_path, [Row(n, n, "ab"[n % 2], 0, Noted("x") if n % 2 else Counted(n)) for n in range(1, 7)])
    rows = journal_rows(tmp_path, kinds=kinds, actors=actors, events=events, check=True)
    assert [row.seq for row in rows] == seqs


def test_rows_that_are_only_in_the_write_ahead_file_are_read_where_nothing_may_be_written(
    tmp_path: Path, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may write everywhere, so the question is answered for it here."""
    with SqliteJournal(tmp_path) as journal:
        journal.stage(notes(3))
        journal.commit()
        monkeypatch.setattr(os, "access", lambda *_: False)
        assert list(journal_rows(tmp_path, events=events)) == notes(3)


# -- the journal in memory


def test_a_restart_finds_in_memory_what_it_would_find_on_disk(tmp_path: Path, events: Events) -> None:
    memory = MemoryJournal()
    states: list[tuple[int, list[tuple[str, Event]]]] = [(0, []), (3, [("a", Counted(3)), ("b", Counted(1))])]
    for seq, given in states:
        with SqliteJournal(tmp_path) as disk:
            for journal in (memory, disk):
                journal.stage(notes(seq, after=journal.last_seq))
                journal.write_snapshots(seq, given)
                journal.stage(notes(2 * seq, after=seq))
                journal.commit()
        kept, written = memory.recover(), recover(tmp_path, events)
        assert list(kept.rows) == list(written.rows)
        assert kept.snapshots == written.snapshots
        assert (kept.last_seq, kept.last_at_ns) == (written.last_seq, written.last_at_ns)
        assert kept.last_hash == GENESIS


def test_a_restart_without_any_state_begins_at_the_first_row_in_memory() -> None:
    journal = MemoryJournal()
    journal.stage(notes(3))
    journal.commit()
    assert list(journal.recover().rows) == notes(3)


def test_a_crash_takes_what_was_staged_in_memory_and_nothing_else() -> None:
    journal = MemoryJournal()
    journal.stage(notes(2))
    journal.write_snapshots(1, [("a", Counted(1))])
    journal.commit()
    journal.stage(notes(2, after=2))
    journal.write_snapshots(4, [("a", Counted(4))])
    journal.crash()
    assert (journal.last_seq, journal.durable_seq) == (2, 2)
    journal.stage(notes(1, after=2))
    journal.commit()
    recovered = journal.recover()
    assert recovered.snapshots == {"a": (1, Counted(1))}
    assert [row.seq for row in recovered.rows] == [2, 3]
