"""Each finding of verify word for word, and the journal's promises at their edges."""

from __future__ import annotations

import asyncio
import io
import json
import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from engine.errors import JournalError
from engine.message import Event
from engine.ports import Row
from state.journal import (
    AsyncSqliteJournal,
    Events,
    RawEvent,
    Rotation,
    SqliteJournal,
    causes,
    export,
    journal_rows,
    recover,
    row_at,
    verify,
)
from state.journal.chain import GENESIS
from state.journal.database import AtomicConnection
from state.journal.verify import KEEP_AND_ASK, RESTORE, Finding
from tests.state.facts import DAY_NS, MONDAY_NS, Counted, Noted, notes, rows, write
from tests.state.test_journal import days, write_days

ONE, TWO = "journal-20230102.sqlite", "journal-20230103.sqlite"


def edit(path: Path, sql: str, *values: object) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(sql, values)


def found(folder: Path, events: Events) -> list[Finding]:
    return list(verify(folder, events).findings)


# -- findings, word for word


@pytest.mark.parametrize(
    ("gone", "said"), [("= 4", "row 4"), ("BETWEEN 4 AND 5", "row 4 to 5"), ("BETWEEN 4 AND 6", "row 4 to 6")]
)
def test_missing_rows_are_named_from_the_first_to_the_last(
    tmp_path: Path, events: Events, gone: str, said: str
) -> None:
    write(tmp_path, notes(9))
    edit(tmp_path / ONE, f"DELETE FROM journal WHERE seq {gone}")
    after = {"= 4": 5, "BETWEEN 4 AND 5": 6}.get(gone, 7)
    assert found(tmp_path, events) == [
        Finding(ONE, after, "MISSING_ROW", f"{said} before it is missing", KEEP_AND_ASK, True)
    ]


@pytest.mark.parametrize(("cause", "wrong"), [(1, False), (2, True), (3, True)])
def test_a_cause_stands_before_its_effect(tmp_path: Path, events: Events, cause: int, wrong: bool) -> None:
    write(tmp_path, [*notes(1), Row(2, MONDAY_NS, "a", cause, Noted("x"))])
    text = f"it names row {cause} as its cause, which is not before it"
    assert found(tmp_path, events) == ([Finding(ONE, 2, "CAUSE", text, KEEP_AND_ASK, True)] if wrong else [])


def test_a_body_that_does_not_fit_its_kind_is_said_of_a_row_and_of_a_snapshot(tmp_path: Path, events: Events) -> None:
    with SqliteJournal(tmp_path) as journal:
        journal.stage(rows([RawEvent("Noted", b"\x01")]))
        journal.write_snapshots(1, [("a", RawEvent("Counted", b"\x01"))])
    first, second = found(tmp_path, events)
    assert (first.file, first.seq, first.code, first.fatal) == (ONE, 1, "UNDECODABLE", True)
    assert first.text.startswith("its body is no Noted: Expected `object`")
    assert second.text.startswith("its body is no Counted: Expected `object`")
    assert first.advice == "use the program that wrote it"
    with pytest.raises(JournalError, match=f"{ONE}: row 1 is no Noted that this program knows: Expected"):
        list(journal_rows(tmp_path, events=events))
    with pytest.raises(JournalError, match=f"{ONE}: the snapshot at row 1 is no Counted that this program knows"):
        recover(tmp_path, events)


def test_rows_of_an_unknown_kind_are_counted_and_are_no_defect(tmp_path: Path, events: Events) -> None:
    write(tmp_path, rows([RawEvent("Newer", b"\x80"), RawEvent("Newer", b"\x80"), Noted("x")]))
    report = verify(tmp_path, events)
    text = "2 rows are of kind Newer, which this program does not know"
    advice = "nothing, when a newer program wrote them"
    assert report.findings == (Finding(ONE, 0, "UNKNOWN_KIND", text, advice, False),)
    assert (report.ok, report.unknown_kinds) == (True, {"Newer": 2})
    assert str(report.findings[0]) == f"{ONE}: {text}. Nothing, when a newer program wrote them."


def test_a_changed_snapshot_and_one_from_the_future_are_told_apart(tmp_path: Path, events: Events) -> None:
    with SqliteJournal(tmp_path) as journal:
        journal.stage(notes(3))
        journal.write_snapshots(2, [("a", Counted(2))])
        journal.write_snapshots(3, [("b", Counted(3))])
    edit(tmp_path / ONE, "UPDATE snapshots SET body = ? WHERE actor = 'a'", b"\x81\xa5count\x07")
    edit(tmp_path / ONE, "DELETE FROM journal WHERE seq = 3")
    newer = "the snapshot of b has seen more rows than the journal has: newer rows were lost"
    assert found(tmp_path, events) == [
        Finding(ONE, 2, "SNAPSHOT", "the snapshot of a is not what was written", KEEP_AND_ASK, True),
        Finding(ONE, 3, "LOST_TAIL", newer, KEEP_AND_ASK, True),
    ]


def test_where_the_last_file_cannot_be_read_the_ledger_is_no_witness_against_the_others(
    tmp_path: Path, events: Events
) -> None:
    write_days(tmp_path, days(2), Rotation.DAY)
    (tmp_path / TWO).write_bytes(b"no database at all, and longer than a page header would ever have to be" * 9)
    ledger(tmp_path, 9, GENESIS)
    [finding] = found(tmp_path, events)
    assert (finding.file, finding.seq, finding.code, finding.advice) == (TWO, 0, "UNREADABLE", RESTORE)
    assert not finding.text.startswith(TWO)
    assert finding.fatal


def test_files_that_are_not_there_are_named_from_the_first_to_the_last(tmp_path: Path, events: Events) -> None:
    write_days(tmp_path, days(5), Rotation.DAY)
    (tmp_path / TWO).unlink()
    third = "journal-20230104.sqlite"
    text, advice = "file 2 before this one is missing", "restore it from a backup"
    assert found(tmp_path, events) == [Finding(third, 0, "MISSING_FILE", text, advice, True)]
    (tmp_path / third).unlink()
    assert [each.text for each in found(tmp_path, events)] == ["file 2 to 3 before this one is missing"]
    (tmp_path / ONE).unlink()
    late = "this is file 4, and the files before it are not here"
    advice = "nothing, when they were archived; else restore them"
    report = verify(tmp_path, events)
    assert report.findings == (Finding("journal-20230105.sqlite", 0, "BEGINS_LATE", late, advice, False),)
    assert (report.ok, report.first_seq, report.last_seq, report.rows) == (True, 9, 10, 2)


def test_files_under_each_others_names_are_out_of_order(tmp_path: Path, events: Events) -> None:
    write_days(tmp_path, days(2), Rotation.DAY)
    (tmp_path / ONE).rename(tmp_path / "journal-20230109.sqlite")
    text = "this is file 1 but stands after file 2: files were swapped or renamed"
    finding = Finding("journal-20230109.sqlite", 0, "OUT_OF_ORDER", text, "give the files their own names back", True)
    assert finding in found(tmp_path, events)


def test_a_file_that_does_not_continue_the_one_before_is_a_broken_joint(tmp_path: Path, events: Events) -> None:
    write_days(tmp_path, days(2), Rotation.DAY)
    edit(tmp_path / ONE, "DELETE FROM journal WHERE seq = 4")
    text = "it continues row 4, but the file before ends otherwise, at row 3"
    assert found(tmp_path, events) == [Finding(TWO, 0, "BROKEN_JOINT", text, KEEP_AND_ASK, True)]


def ledger(folder: Path, seq: int, digest: bytes) -> None:
    with closing(sqlite3.connect(folder / "ledger.sqlite", isolation_level=None)) as db:
        db.execute("CREATE TABLE applied (applied_seq INTEGER, applied_hash BLOB)")
        db.execute("INSERT INTO applied VALUES (?, ?)", (seq, digest))


def test_the_ledger_bears_witness_to_rows_that_are_gone_or_others(tmp_path: Path, events: Events) -> None:
    for name in ("ahead", "other", "behind", "equal", "broken"):
        write(tmp_path / name, notes(3))
    end = verify(tmp_path / "equal", events).last_hash
    ledger(tmp_path / "ahead", 4, GENESIS)
    ledger(tmp_path / "other", 3, GENESIS)
    ledger(tmp_path / "behind", 2, GENESIS)
    ledger(tmp_path / "equal", 3, end)
    edit(tmp_path / "broken" / "ledger.sqlite", "CREATE TABLE another (x)")
    lost = "the ledger has seen row 4 and the journal ends at row 3: the newest rows were lost"
    assert found(tmp_path / "ahead", events) == [Finding("ledger.sqlite", 4, "LOST_TAIL", lost, KEEP_AND_ASK, True)]
    other = "the ledger has seen another row under this number"
    assert found(tmp_path / "other", events) == [Finding("ledger.sqlite", 3, "CHANGED_ROW", other, KEEP_AND_ASK, True)]
    assert found(tmp_path / "behind", events) == found(tmp_path / "equal", events) == []
    [unread] = found(tmp_path / "broken", events)
    assert (unread.file, unread.seq, unread.code, unread.fatal) == ("ledger.sqlite", 0, "LEDGER", False)
    assert unread.text == "it cannot be read (no such table: applied)"
    assert unread.advice == "delete it; it is rebuilt"


# -- reading


def test_an_empty_folder_recovers_to_the_very_beginning(tmp_path: Path, events: Events) -> None:
    for folder in (tmp_path, tmp_path / "not there"):
        nothing = recover(folder, events)
        assert (nothing.snapshots, list(nothing.rows)) == ({}, [])
        assert (nothing.last_seq, nothing.last_hash, nothing.last_at_ns) == (0, GENESIS, 0)


def test_recovery_reads_to_the_end_that_it_saw_and_not_what_was_written_since(tmp_path: Path, events: Events) -> None:
    write(tmp_path, notes(2))
    recovered = recover(tmp_path, events)
    write(tmp_path, notes(2, after=2))
    assert list(recovered.rows) == notes(2)


def test_a_file_without_its_snapshots_is_named(tmp_path: Path, events: Events) -> None:
    write(tmp_path, notes(1))
    edit(tmp_path / ONE, "DROP TABLE snapshots")
    with pytest.raises(JournalError, match=f"{ONE}: its tables are missing"):
        recover(tmp_path, events)


def test_a_row_that_is_not_there_is_not_answered_by_the_next_one(tmp_path: Path, events: Events) -> None:
    write(tmp_path, notes(3))
    edit(tmp_path / ONE, "DELETE FROM journal WHERE seq = 2")
    assert row_at(tmp_path, 3, events) == notes(3)[2]
    with pytest.raises(JournalError, match="has no row 2"):
        row_at(tmp_path, 2, events)


def test_causes_are_told_in_the_kinds_that_they_are_asked_in(tmp_path: Path, events: Events) -> None:
    write(tmp_path, notes(3))
    assert causes(tmp_path, 3, events) == notes(3)[::-1]


def test_rows_are_exported_one_a_line_and_an_unknown_kind_keeps_its_body() -> None:
    to = io.BytesIO()
    assert export([Row(1, 5, "a", 0, Noted("x")), Row(2, 6, "b", 1, RawEvent("Newer", b"\x80"))], to) == 2
    assert [json.loads(line) for line in to.getvalue().splitlines()] == [
        {"seq": 1, "at_ns": 5, "actor": "a", "cause": 0, "kind": "Noted", "event": {"text": "x"}},
        {"seq": 2, "at_ns": 6, "actor": "b", "cause": 1, "kind": "Newer", "event": {"unknown": "gA=="}},
    ]


def test_both_ends_of_a_range_are_read_and_no_file_beyond_them(tmp_path: Path, events: Events) -> None:
    write_days(tmp_path, days(4), Rotation.DAY)
    for first, last in ((1, 8), (2, 3), (3, 3), (3, 4), (4, 5), (8, 8)):
        seen = [row.seq for row in journal_rows(tmp_path, first_seq=first, last_seq=last, events=events, check=True)]
        assert seen == list(range(first, last + 1))
    assert [row.seq for row in journal_rows(tmp_path, first_seq=7, events=events)] == [7, 8]
    assert list(journal_rows(tmp_path, first_seq=9, events=events)) == []


def test_kinds_and_actors_narrow_each_other(tmp_path: Path, events: Events) -> None:
    mixed = [Row(1, 1, "a", 0, Noted("x")), Row(2, 2, "b", 0, Noted("x")), Row(3, 3, "a", 0, Counted(1))]
    write(tmp_path, mixed)

    def seqs(kinds: tuple[str, ...] = (), actors: tuple[str, ...] = ()) -> list[int]:
        return [row.seq for row in journal_rows(tmp_path, kinds=kinds, actors=actors, events=events)]

    assert seqs(kinds=("Noted",)) == [1, 2]
    assert seqs(actors=("a",)) == [1, 3]
    assert seqs(kinds=("Noted",), actors=("a",)) == [1]
    assert seqs(kinds=("Noted", "Counted"), actors=("b", "a")) == [1, 2, 3]


def test_a_row_before_the_first_one_asked_for_is_where_the_check_begins(tmp_path: Path, events: Events) -> None:
    write(tmp_path, notes(4))
    edit(tmp_path / ONE, "DELETE FROM journal WHERE seq = 2")
    with pytest.raises(JournalError, match=f"{ONE}: row 2 is missing: run the journal's verify command"):
        list(journal_rows(tmp_path, first_seq=3, events=events, check=True))
    with pytest.raises(JournalError, match=f"{ONE}: row 3 does not follow row 1: run the journal's verify command"):
        list(journal_rows(tmp_path, events=events, check=True))


# -- writing


def test_the_hash_of_a_snapshot_is_the_one_computed_by_hand(tmp_path: Path) -> None:
    """sha256 of seq and two zeros (8 bytes each, big-endian), lengths (2 bytes), texts, body."""
    with SqliteJournal(tmp_path) as journal:
        journal.stage(notes(1))
        journal.write_snapshots(1, [("a", Counted(1))])
    with closing(sqlite3.connect(tmp_path / ONE)) as db:
        [kept] = db.execute("SELECT sha256 FROM snapshots").fetchall()
    head = bytes(7) + b"\x01" + bytes(16) + b"\x00\x01\x00\x07" + b"aCounted"
    assert kept == (sha256(head + b"\x81\xa5count\x01").digest(),)


def test_a_finished_file_stands_alone_without_a_write_ahead_file(tmp_path: Path) -> None:
    write_days(tmp_path, days(2), Rotation.DAY)
    content = (tmp_path / ONE).read_bytes()
    assert content[18:20] == b"\x01\x01", "the SQLite header says: no write-ahead"
    assert not (tmp_path / f"{ONE}-wal").exists()


def test_a_file_that_somebody_reads_may_be_finished_too(tmp_path: Path, events: Events) -> None:
    first, second = days(2)
    with SqliteJournal(tmp_path, rotation=Rotation.DAY) as journal:
        journal.stage(first)
        journal.commit()
        with closing(sqlite3.connect(tmp_path / ONE, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM journal").fetchone()
            journal.stage(second)
            journal.commit()
            journal.stage(notes(1, after=4, at_ns=MONDAY_NS + DAY_NS))
            journal.commit()
    assert (verify(tmp_path, events).ok, verify(tmp_path, events).rows) == (True, 5)


def test_snapshots_of_a_failed_commit_are_written_by_the_next(
    tmp_path: Path, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: AtomicConnection) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with SqliteJournal(tmp_path) as journal:
        journal.stage(notes(2))
        journal.write_snapshots(1, [("a", Counted(1))])
        with monkeypatch.context() as patch:
            patch.setattr(AtomicConnection, "commit", fail)
            with pytest.raises(JournalError, match=f"{ONE}: the disk is full"):
                journal.commit()
        journal.write_snapshots(2, [("b", Counted(2))])
        journal.commit()
    assert recover(tmp_path, events).snapshots == {"a": (1, Counted(1)), "b": (2, Counted(2))}


def test_a_file_waits_one_more_period_for_actors_that_have_nothing_to_give(tmp_path: Path) -> None:
    """The first file is of Monday; its state cannot be had on Tuesday, and Wednesday begins without it."""

    def not_now() -> dict[str, tuple[int, Event]]:
        return {}

    def files() -> int:
        return len(list(tmp_path.glob("*.sqlite")))

    with SqliteJournal(tmp_path, rotation=Rotation.DAY) as journal:
        journal.snapshots_from(not_now)
        for seq, at_ns in enumerate((0, DAY_NS, 2 * DAY_NS - 1), start=1):
            journal.stage(notes(1, after=seq - 1, at_ns=MONDAY_NS + at_ns))
            journal.commit()
            assert files() == 1
        journal.stage(notes(1, after=3, at_ns=MONDAY_NS + 2 * DAY_NS))
        journal.commit()
        assert files() == 2


async def test_the_live_journal_rotates_as_it_is_told(tmp_path: Path) -> None:
    async with AsyncSqliteJournal(tmp_path, rotation=Rotation.MONTH) as journal:
        for batch in days(3):
            journal.stage(batch)
            await journal.commit_async()
    assert verify(tmp_path).files == (ONE,)


async def test_a_live_commit_returns_only_when_its_snapshots_are_durable_too(tmp_path: Path, events: Events) -> None:
    async with AsyncSqliteJournal(tmp_path) as journal:
        journal.stage(notes(1))
        await journal.commit_async()
        journal.write_snapshots(1, [("a", Counted(1))])
        await journal.commit_async()
        assert recover(tmp_path, events).snapshots == {"a": (1, Counted(1))}


async def test_a_live_commit_that_fails_names_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: AtomicConnection) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    async with AsyncSqliteJournal(tmp_path) as journal:
        journal.stage(notes(1))
        await journal.commit_async()
        journal.stage(notes(1, after=1))
        with monkeypatch.context() as patch:
            patch.setattr(AtomicConnection, "commit", fail)
            with pytest.raises(JournalError, match=f"{ONE}: the disk is full"):
                await journal.commit_async()
    assert verify(tmp_path).last_seq == 2


async def test_an_empty_live_commit_writes_nothing(tmp_path: Path) -> None:
    async with AsyncSqliteJournal(tmp_path) as journal:
        await journal.commit_async()
    assert verify(tmp_path).files == ()


async def test_a_live_commit_waits_for_rows_that_another_has_under_way_and_for_no_later_ones(tmp_path: Path) -> None:
    async with AsyncSqliteJournal(tmp_path) as journal:
        journal.stage(notes(2))
        first = asyncio.ensure_future(journal.commit_async())
        for _ in range(3):
            await asyncio.sleep(0)  # the first one has taken the rows, and its thread writes them
        second = asyncio.ensure_future(journal.commit_async())
        await asyncio.sleep(0)
        journal.stage(notes(1, after=2))
        await second
        assert journal.durable_seq == 2
        await first
