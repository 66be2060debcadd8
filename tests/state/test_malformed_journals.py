"""A damaged journal is told from a whole one, with the place and what to do; and looking never makes it worse."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from engine.errors import JournalError
from engine.ports import Row
from state.journal import Events, Rotation, SqliteJournal, VerifyReport, journal_rows, recover, verify
from state.journal.chain import link, snapshot_hash
from state.ledger import Ledger
from tests.state.facts import Counted, Noted, notes, write
from tests.state.test_journal import days, write_days

ONE = "journal-20230102.sqlite"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One file of 200 rows, and a snapshot as of row 100."""
    with SqliteJournal(tmp_path, rotation=Rotation.NEVER) as journal:
        journal.stage(notes(200))
        journal.write_snapshots(100, [("counter", Counted(100))])
    return tmp_path


@pytest.fixture
def week(tmp_path: Path) -> Path:
    """Five files of two rows, each but the first with a snapshot."""
    write_days(tmp_path, days(5), Rotation.DAY)
    return tmp_path


def edit(path: Path, sql: str, *values: object) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(sql, values)


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 0x10
    path.write_bytes(content)


def looked_at(folder: Path, events: Events) -> VerifyReport:
    """The report; the files are the same afterwards, bit by bit."""

    def digests() -> list[tuple[str, str]]:
        names = (path for path in sorted(folder.glob("*.sqlite")) if path.is_file())
        return [(path.name, hashlib.sha256(path.read_bytes()).hexdigest()) for path in names]

    before = digests()
    report = verify(folder, events)
    assert digests() == before
    return report


def codes(report: VerifyReport) -> list[tuple[str, int, str]]:
    return [(finding.file, finding.seq, finding.code) for finding in report.findings]


def test_a_whole_journal_has_nothing_to_report(week: Path, events: Events) -> None:
    report = looked_at(week, events)
    assert (report.ok, report.rows, report.snapshots, report.findings) == (True, 10, 4, ())


def test_an_edited_body_is_named_by_its_row(folder: Path, events: Events) -> None:
    edit(folder / ONE, "UPDATE journal SET body = ? WHERE seq = 57", b"\x81\xa4text\xa3lie")
    report = looked_at(folder, events)
    assert codes(report) == [(ONE, 57, "CHANGED_ROW")]
    assert not report.ok
    assert str(report.findings[0]) == (
        f"{ONE}, row 57: its hash is not that of its content and the row before: one of the two was changed. "
        "Keep a copy, restore the file from a backup, and find out who changed it."
    )
    with pytest.raises(JournalError, match="row 57 does not follow row 56"):
        list(recover(folder, events, whole=True).rows)


@pytest.mark.parametrize("column", ["at_ns", "cause"])
def test_an_edited_number_is_named_by_its_row(folder: Path, events: Events, column: str) -> None:
    edit(folder / ONE, f"UPDATE journal SET {column} = {column} - 1 WHERE seq = 120")
    assert codes(looked_at(folder, events)) == [(ONE, 120, "CHANGED_ROW")]
    with pytest.raises(JournalError, match="row 120 does not follow row 119"):
        list(recover(folder, events).rows)


def test_an_edited_row_with_a_new_hash_breaks_the_row_after(folder: Path, events: Events) -> None:
    with closing(sqlite3.connect(folder / ONE, isolation_level=None)) as db:
        prev = db.execute("SELECT hash FROM journal WHERE seq = 56").fetchone()[0]
        seq, at_ns, actor, kind, cause = db.execute(
            "SELECT seq, at_ns, actor, kind, cause FROM journal WHERE seq = 57"
        ).fetchone()
        body = b"\x81\xa4text\xa3lie"
        forged = link(prev, seq, at_ns, actor, kind, cause, body)
        db.execute("UPDATE journal SET body = ?, hash = ? WHERE seq = 57", (body, forged))
    assert codes(looked_at(folder, events)) == [(ONE, 58, "CHANGED_ROW")]


def test_a_deleted_row_is_missed(folder: Path, events: Events) -> None:
    edit(folder / ONE, "DELETE FROM journal WHERE seq = 150")
    report = looked_at(folder, events)
    assert codes(report) == [(ONE, 151, "MISSING_ROW")]
    assert "row 150 before it is missing" in report.findings[0].text
    with pytest.raises(JournalError, match="row 151 does not follow row 149"):
        list(recover(folder, events).rows)


def test_deleted_rows_are_missed_as_a_range(folder: Path, events: Events) -> None:
    edit(folder / ONE, "DELETE FROM journal WHERE seq BETWEEN 101 AND 110")
    report = looked_at(folder, events)
    assert "row 101 to 110 before it is missing" in report.findings[0].text


def test_the_row_that_recovery_begins_after_is_missed(folder: Path, events: Events) -> None:
    edit(folder / ONE, "DELETE FROM journal WHERE seq = 100")
    with pytest.raises(JournalError, match="row 100 is missing"):
        list(recover(folder, events).rows)


def test_deleted_newest_rows_show_against_a_snapshot(folder: Path, events: Events) -> None:
    edit(folder / ONE, "DELETE FROM journal WHERE seq > 90")
    report = looked_at(folder, events)
    assert codes(report) == [(ONE, 100, "LOST_TAIL")]


def test_deleted_newest_rows_show_against_the_ledger(folder: Path, events: Events) -> None:
    Ledger(folder, events).close()
    edit(folder / ONE, "DELETE FROM journal WHERE seq > 190")
    assert codes(looked_at(folder, events)) == [("ledger.sqlite", 200, "LOST_TAIL")]


def test_another_newest_row_shows_against_the_ledger(folder: Path, events: Events) -> None:
    Ledger(folder, events).close()
    edit(folder / ONE, "DELETE FROM journal WHERE seq = 200")
    write(folder, [notes(1, after=199)[0]])
    assert codes(looked_at(folder, events)) == [("ledger.sqlite", 200, "CHANGED_ROW")]


def test_a_damaged_ledger_is_only_a_note(folder: Path, events: Events) -> None:
    (folder / "ledger.sqlite").write_bytes(b"not a database" * 100)
    report = verify(folder, events)
    assert (report.ok, codes(report)) == (True, [("ledger.sqlite", 0, "LEDGER")])


def test_a_file_cut_in_half_is_damage(folder: Path, events: Events) -> None:
    size = (folder / ONE).stat().st_size
    os.truncate(folder / ONE, size // 2)
    report = looked_at(folder, events)
    assert not report.ok
    assert "damaged inside (cut short or bits changed); restore it from a backup" in str(report.findings[0])


def test_a_file_cut_inside_its_first_page_is_refused(folder: Path, events: Events) -> None:
    os.truncate(folder / ONE, 50)
    assert not looked_at(folder, events).ok
    with pytest.raises(JournalError, match=ONE):
        SqliteJournal(folder)


def test_a_bit_flipped_in_the_file_header_is_refused(folder: Path, events: Events) -> None:
    flip(folder / ONE, 3)
    report = looked_at(folder, events)
    assert codes(report) == [(ONE, 0, "UNREADABLE")]
    assert "its first page is damaged; restore it from a backup" in report.findings[0].text
    for use in (SqliteJournal, lambda where: recover(where, events)):
        with pytest.raises(JournalError, match="its first page is damaged"):
            use(folder)


def test_a_bit_flipped_in_a_body_is_named_by_its_row(folder: Path, events: Events) -> None:
    flip(folder / ONE, (folder / ONE).read_bytes().index(b"note 133") + 2)
    report = looked_at(folder, events)
    assert codes(report)[0] == (ONE, 133, "CHANGED_ROW")


def test_a_bit_flipped_in_a_page_of_the_tree_is_damage(folder: Path, events: Events) -> None:
    with closing(sqlite3.connect(folder / ONE)) as db:
        root = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'journal'").fetchone()[0]
        size = db.execute("PRAGMA page_size").fetchone()[0]
    flip(folder / ONE, (root - 1) * size)
    report = looked_at(folder, events)
    assert not report.ok
    assert report.findings[0].code == "DAMAGED"
    with pytest.raises(JournalError, match="damaged inside"):
        list(journal_rows(folder, events=events))


def test_no_flipped_bit_anywhere_goes_unseen_or_crashes(folder: Path, events: Events) -> None:
    """Every 97th byte: the rows are as written, or something fatal is reported; nothing else is raised."""
    path = folder / ONE
    whole, written = path.read_bytes(), notes(200)
    for at in range(0, len(whole), 97):
        flip(path, at)
        report = verify(folder, events)
        if report.ok:
            assert list(journal_rows(folder, events=events)) == written, f"byte {at}"
        path.write_bytes(whole)


def test_a_missing_middle_file_is_named(week: Path, events: Events) -> None:
    (week / "journal-20230104.sqlite").unlink()
    report = looked_at(week, events)
    assert codes(report) == [("journal-20230105.sqlite", 0, "MISSING_FILE")]
    assert report.findings[0].text == "file 3 before this one is missing"
    with pytest.raises(JournalError, match="is file 4 and file 3 is missing: restore it"):
        SqliteJournal(week)


def test_archived_first_files_are_only_a_note(week: Path, events: Events) -> None:
    for day in ("02", "03"):
        (week / f"journal-202301{day}.sqlite").unlink()
    report = looked_at(week, events)
    assert (report.ok, codes(report)) == (True, [("journal-20230104.sqlite", 0, "BEGINS_LATE")])
    assert recover(week, events).last_seq == 10


def test_swapped_files_are_named(week: Path, events: Events) -> None:
    first, second = week / "journal-20230103.sqlite", week / "journal-20230104.sqlite"
    aside = week / "aside"
    first.rename(aside)
    second.rename(first)
    aside.rename(second)
    report = looked_at(week, events)
    assert not report.ok
    assert ("journal-20230104.sqlite", 0, "OUT_OF_ORDER") in codes(report)


def test_a_file_of_another_journal_does_not_join(
    week: Path, events: Events, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    batches = days(5)
    batches[2][0] = Row(5, batches[2][0].at_ns, "orders", 0, Noted("another history"))
    write_days(other, batches, Rotation.DAY)
    (other / "journal-20230103.sqlite").replace(week / "journal-20230103.sqlite")
    report = looked_at(week, events)
    assert codes(report) == [("journal-20230104.sqlite", 0, "BROKEN_JOINT")]


def test_a_newer_version_is_refused_in_one_sentence(folder: Path, events: Events) -> None:
    edit(folder / ONE, "PRAGMA user_version = 99")
    words = f"{ONE} has version 99 and this program knows up to 1: use the newer program"
    assert looked_at(folder, events).findings[0].text == words
    uses: list[Callable[[], object]] = [
        lambda: SqliteJournal(folder),
        lambda: recover(folder, events),
        lambda: list(journal_rows(folder, events=events)),
    ]
    for use in uses:
        with pytest.raises(JournalError, match=words):
            use()


def test_another_programs_database_is_refused(folder: Path, events: Events) -> None:
    (folder / ONE).unlink()
    edit(folder / ONE, "CREATE TABLE cookies (name TEXT)")
    assert codes(looked_at(folder, events)) == [(ONE, 0, "UNREADABLE")]
    with pytest.raises(JournalError, match="is not a Hedgerow journal: take it out of the journal's folder"):
        SqliteJournal(folder)


def test_an_empty_file_is_refused(folder: Path, events: Events) -> None:
    (folder / ONE).write_bytes(b"")
    assert codes(looked_at(folder, events)) == [(ONE, 0, "UNREADABLE")]
    with pytest.raises(JournalError, match=f"{ONE} is empty: restore it from a backup"):
        SqliteJournal(folder)
    assert (folder / ONE).read_bytes() == b""


def test_a_text_file_is_refused(folder: Path, events: Events) -> None:
    (folder / ONE).write_text("dear diary\n" * 100)
    assert codes(looked_at(folder, events)) == [(ONE, 0, "UNREADABLE")]


def test_a_folder_in_place_of_a_file_is_refused(folder: Path, events: Events) -> None:
    (folder / ONE).unlink()
    (folder / ONE).mkdir()
    assert codes(looked_at(folder, events)) == [(ONE, 0, "UNREADABLE")]
    with pytest.raises(JournalError, match=f"{ONE} is a folder"):
        recover(folder, events)
    with pytest.raises(JournalError, match=ONE):
        SqliteJournal(folder)


def test_a_file_that_may_not_be_read_says_so(folder: Path, events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root reads everything, so the refusal is made here."""

    def refuse(*_args: object, **_options: object) -> sqlite3.Connection:
        raise sqlite3.OperationalError("unable to open database file")

    monkeypatch.setattr("state.journal.database.sqlite3.connect", refuse)
    report = verify(folder, events)
    assert "cannot be opened; check that the file and its folder may be read" in report.findings[0].text


def test_a_changed_snapshot_is_named(folder: Path, events: Events) -> None:
    edit(folder / ONE, "UPDATE snapshots SET body = ?", b"\x81\xa5count\x07")
    assert codes(looked_at(folder, events)) == [(ONE, 100, "SNAPSHOT")]
    with pytest.raises(JournalError, match="the snapshot of counter at row 100 is damaged"):
        recover(folder, events)


def test_a_snapshot_that_fits_no_class_is_named(folder: Path, events: Events) -> None:
    body = b"\x81\xa5count\xa1x"
    digest = snapshot_hash("counter", 100, "Counted", body)
    edit(folder / ONE, "UPDATE snapshots SET body = ?, sha256 = ?", body, digest)
    assert codes(looked_at(folder, events)) == [(ONE, 100, "UNDECODABLE")]
    with pytest.raises(JournalError, match="is no Counted that this program knows"):
        recover(folder, events)


def test_a_body_that_fits_no_class_is_named(folder: Path, events: Events) -> None:
    edit(folder / ONE, "UPDATE journal SET kind = 'Counted' WHERE seq = 9")
    assert codes(looked_at(folder, events)) == [(ONE, 9, "CHANGED_ROW"), (ONE, 9, "UNDECODABLE")]
    with pytest.raises(JournalError, match="row 9 is no Counted that this program knows"):
        list(journal_rows(folder, events=events))


def test_a_file_without_its_header_is_refused(folder: Path, events: Events) -> None:
    edit(folder / ONE, "DELETE FROM header")
    assert codes(looked_at(folder, events)) == [(ONE, 0, "REFUSED")]
    with pytest.raises(JournalError, match="has lost its header"):
        SqliteJournal(folder)


def test_a_file_without_its_tables_is_refused(folder: Path, events: Events) -> None:
    edit(folder / ONE, "DROP TABLE journal")
    report = looked_at(folder, events)
    assert "its tables are missing" in report.findings[0].text
    with pytest.raises(JournalError, match="its tables are missing"):
        SqliteJournal(folder)


def test_a_folder_that_is_not_there_is_said_plainly(tmp_path: Path, events: Events) -> None:
    with pytest.raises(JournalError, match="does not exist: give the folder that the engine writes to"):
        verify(tmp_path / "nowhere", events)
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="is not a folder"):
        verify(tmp_path / "file", events)


def test_an_empty_folder_is_a_whole_journal_of_nothing(tmp_path: Path, events: Events) -> None:
    report = verify(tmp_path, events)
    assert (report.ok, report.rows, report.files) == (True, 0, ())
