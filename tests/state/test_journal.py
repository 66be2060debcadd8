"""What was committed is there, in order and unchanged; what was not is not."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from engine.errors import JournalError
from engine.message import Event
from engine.ports import JournalWriter, Row
from state.journal import (
    Events,
    MemoryJournal,
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
from tests.state.facts import DAY_NS, MONDAY_NS, Counted, Noted, an_intent, filled, moved, notes, planned, rows, write


def test_rows_come_back_as_they_were(tmp_path: Path, events: Events) -> None:
    intent = an_intent()
    written = rows(
        [
            planned(intent),
            moved(intent, "ACKED", "SENT", "WORKING", venue="v-1"),
            filled(intent, "x1", 1, 2),
            Noted("é€"),
        ]
    )
    write(tmp_path, written)
    assert list(journal_rows(tmp_path, events=events)) == written


def test_staged_rows_are_not_there_before_their_commit(tmp_path: Path, events: Events) -> None:
    with SqliteJournal(tmp_path) as journal:
        journal.stage(notes(3))
        journal.commit()
        journal.stage(notes(2, after=3))
        assert (journal.last_seq, journal.durable_seq) == (5, 3)
        assert [row.seq for row in journal_rows(tmp_path, events=events)] == [1, 2, 3]
        journal.commit()
        assert [row.seq for row in journal_rows(tmp_path, events=events)] == [1, 2, 3, 4, 5]


def test_closing_commits_what_is_staged(tmp_path: Path, events: Events) -> None:
    with SqliteJournal(tmp_path) as journal:
        journal.stage(notes(2))
    assert recover(tmp_path, events).last_seq == 2


def test_an_empty_commit_writes_nothing(tmp_path: Path) -> None:
    with SqliteJournal(tmp_path) as journal:
        journal.commit()
    assert not list(tmp_path.glob("*.sqlite"))
    assert recover(tmp_path).last_seq == 0


def test_a_gap_or_a_repeat_is_refused_and_nothing_of_it_is_staged(tmp_path: Path, events: Events) -> None:
    with SqliteJournal(tmp_path) as journal:
        journal.stage(notes(2))
        with pytest.raises(JournalError, match="row 5 cannot follow row 3"):
            journal.stage([*notes(1, after=2), *notes(1, after=4)])
        with pytest.raises(JournalError, match="row 2 cannot follow row 2"):
            journal.stage(notes(1, after=1))
        journal.stage(notes(1, after=2))
        journal.commit()
    assert [row.event for row in journal_rows(tmp_path, events=events)] == [Noted(f"note {n}") for n in (1, 2, 3)]


def test_a_fact_that_cannot_be_encoded_names_itself(tmp_path: Path) -> None:
    with SqliteJournal(tmp_path) as journal:
        with pytest.raises(JournalError, match="Counted of orders cannot be written to the journal"):
            journal.stage(rows([Counted(2**80)]))
        with pytest.raises(JournalError, match="Counted cannot be written to the journal"):
            journal.write_snapshots(0, [("a", Counted(1)), ("b", Counted(2**80))])
        assert journal.last_seq == 0
    assert not list(tmp_path.glob("*.sqlite"))


def test_the_chain_goes_on_when_the_folder_is_opened_again(tmp_path: Path, events: Events) -> None:
    write(tmp_path, notes(3))
    write(tmp_path, notes(3, after=3))
    report = verify(tmp_path, events)
    assert report.ok
    assert (report.rows, report.last_seq, len(report.files)) == (6, 6, 1)
    assert report.last_hash == recover(tmp_path, events).last_hash


def test_the_first_hash_is_the_one_computed_by_hand(tmp_path: Path, events: Events) -> None:
    """sha256 of 32 zero bytes, seq, at_ns and cause (8 bytes each, big-endian), lengths (2 bytes), texts, body."""
    from hashlib import sha256

    write(tmp_path, [Row(1, 5, "a", 0, Noted("x"))])
    body = b"\x81\xa4text\xa1x"  # msgpack: map of 1, str "text", str "x"
    head = bytes(7) + b"\x01" + bytes(7) + b"\x05" + bytes(8) + b"\x00\x01\x00\x05" + b"aNoted"
    assert verify(tmp_path, events).last_hash == sha256(bytes(32) + head + body).digest()


def test_a_second_engine_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    with SqliteJournal(tmp_path):
        with pytest.raises(JournalError, match=rf"another engine \(process {os.getpid()}\) writes the journal"):
            SqliteJournal(tmp_path)
        code = "import sys; from state.journal import SqliteJournal; SqliteJournal(sys.argv[1])"
        done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=False)
        assert "another engine" in done.stderr
    SqliteJournal(tmp_path).close()


def test_a_closed_journal_takes_nothing_more(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path)
    journal.close()
    journal.close()
    journal.stage(notes(1))
    with pytest.raises(JournalError, match="is closed"):
        journal.commit()


# -- files


def days(count: int, per_day: int = 2) -> list[list[Row]]:
    return [notes(per_day, after=day * per_day, at_ns=MONDAY_NS + day * DAY_NS) for day in range(count)]


class Counter:
    """An actor that counts rows, as the kernel would show it."""

    def __init__(self) -> None:
        self.seq = 0

    def snapshots(self) -> dict[str, tuple[int, Event]]:
        return {"counter": (self.seq, Counted(self.seq))}


def write_days(folder: Path, batches: list[list[Row]], rotation: Rotation) -> None:
    counter = Counter()
    with SqliteJournal(folder, rotation=rotation) as journal:
        journal.snapshots_from(counter.snapshots)
        for batch in batches:
            journal.stage(batch)
            counter.seq = batch[-1].seq
            journal.commit()


def test_a_new_file_begins_each_day_with_the_state_of_every_actor(tmp_path: Path, events: Events) -> None:
    write_days(tmp_path, days(4), Rotation.DAY)
    names = [path.name for path in sorted(tmp_path.glob("*.sqlite"))]
    assert names == [f"journal-202301{day:02d}.sqlite" for day in (2, 3, 4, 5)]
    assert verify(tmp_path, events).ok
    recovered = recover(tmp_path, events)
    assert recovered.snapshots == {"counter": (8, Counted(8))}
    assert list(recovered.rows) == []
    assert (recovered.last_seq, recovered.last_at_ns) == (8, MONDAY_NS + 3 * DAY_NS + 1_000_000)
    assert [row.seq for row in journal_rows(tmp_path, events=events)] == list(range(1, 9))


@pytest.mark.parametrize(
    ("rotation", "files"), [(Rotation.DAY, 400), (Rotation.MONTH, 14), (Rotation.YEAR, 2), (Rotation.NEVER, 1)]
)
def test_a_file_lasts_as_long_as_the_settings_say(tmp_path: Path, rotation: Rotation, files: int) -> None:
    began = MONDAY_NS
    crossed = sum(rotation.ends_ns(began + day * DAY_NS) <= began + (day + 1) * DAY_NS for day in range(399))
    assert crossed + 1 == files  # 2023-01-02 and 399 days on, to 2024-02-05


def test_a_replay_of_years_has_one_file_a_year(tmp_path: Path, events: Events) -> None:
    year = 365 * DAY_NS
    batches = [notes(1, after=n, at_ns=MONDAY_NS + n * year) for n in range(5)]
    write_days(tmp_path, batches, Rotation.YEAR)
    names = [path.name for path in sorted(tmp_path.glob("*.sqlite"))]
    # 2024 is a leap year: 365 days after 2024-01-02 is 2025-01-01
    assert names == [f"journal-{day}.sqlite" for day in (20230102, 20240102, 20250101, 20260101, 20270101)]
    assert verify(tmp_path, events).ok


def test_without_anyone_to_ask_recovery_reads_back_to_the_last_snapshot(tmp_path: Path, events: Events) -> None:
    with SqliteJournal(tmp_path, rotation=Rotation.DAY) as journal:
        for day, batch in enumerate(days(4)):
            journal.stage(batch)
            if day == 1:
                journal.write_snapshots(3, [("counter", Counted(3))])
            journal.commit()
    recovered = recover(tmp_path, events)
    assert recovered.snapshots == {"counter": (3, Counted(3))}
    assert [row.seq for row in recovered.rows] == [4, 5, 6, 7, 8]
    assert [row.seq for row in recover(tmp_path, events, whole=True).rows] == list(range(1, 9))


def test_an_actor_that_is_down_when_a_file_ends_keeps_its_older_state(tmp_path: Path, events: Events) -> None:
    counter = Counter()
    with SqliteJournal(tmp_path, rotation=Rotation.DAY) as journal:
        journal.snapshots_from(counter.snapshots)
        for day, batch in enumerate(days(3)):
            journal.stage(batch)
            counter.seq = batch[-1].seq
            if day == 0:
                journal.write_snapshots(1, [("quarantined", Noted("as of row 1"))])
            journal.commit()
    recovered = recover(tmp_path, events)
    assert recovered.snapshots == {"counter": (6, Counted(6)), "quarantined": (1, Noted("as of row 1"))}
    assert [row.seq for row in recovered.rows] == [2, 3, 4, 5, 6]


def test_a_file_is_not_begun_while_actors_are_ahead_of_the_rows(tmp_path: Path, events: Events) -> None:
    """A state that has seen rows not yet durable must not become durable before them."""
    counter = Counter()
    with SqliteJournal(tmp_path, rotation=Rotation.DAY) as journal:
        journal.snapshots_from(counter.snapshots)
        first, second, third = days(3)
        for batch, seen in ((first, 2), (second, 5), (third, 6)):
            journal.stage(batch)
            counter.seq = seen
            journal.commit()
    assert [path.name[-11:] for path in sorted(tmp_path.glob("*.sqlite"))] == ["0102.sqlite", "0104.sqlite"]
    assert recover(tmp_path, events).snapshots == {"counter": (6, Counted(6))}


def test_a_file_waits_for_a_quiet_moment_but_not_for_ever(tmp_path: Path, events: Events) -> None:
    """Between two messages there is no state that belongs to a row, and the source answers with nothing."""
    with SqliteJournal(tmp_path, rotation=Rotation.DAY) as journal:
        quiet: dict[str, tuple[int, Event]] = {}
        journal.snapshots_from(lambda: quiet)
        for day, batch in enumerate(days(7)):
            journal.stage(batch)
            if day == 0:
                journal.write_snapshots(1, [("counter", Counted(1))])
            quiet = {"counter": (batch[-1].seq, Counted(batch[-1].seq))} if day == 4 else {}
            journal.commit()
    names = [path.stem[-4:] for path in sorted(tmp_path.glob("*.sqlite"))]
    # the first day ends on the 3rd, when all is busy; on the 4th it has waited long enough; on the 6th all is quiet
    assert names == ["0102", "0104", "0106", "0108"]
    assert verify(tmp_path, events).ok
    recovered = recover(tmp_path, events)
    assert recovered.snapshots == {"counter": (10, Counted(10))}
    assert [row.seq for row in recovered.rows] == [11, 12, 13, 14]


def test_two_files_of_one_day_do_not_overwrite_each_other(tmp_path: Path, events: Events) -> None:
    """A folder that rotated by year and is opened by day: the new file would carry the old one's name."""
    from state.journal.folder import begin_file, prepare

    write(tmp_path, notes(2))
    begin_file(tmp_path, prepare(tmp_path), MONDAY_NS, [])
    write(tmp_path, notes(2, after=2))
    names = [path.name for path in sorted(tmp_path.glob("*.sqlite"))]
    assert names == ["journal-20230102-000002.sqlite", "journal-20230102.sqlite"]
    assert [row.seq for row in journal_rows(tmp_path, events=events)] == [1, 2, 3, 4]


def test_a_rotation_that_was_cut_off_leaves_nothing_behind(tmp_path: Path, events: Events) -> None:
    write(tmp_path, notes(2))
    (tmp_path / "journal-20230103.sqlite.new").write_bytes(b"half a file")
    write(tmp_path, notes(1, after=2))
    assert not list(tmp_path.glob("*.new"))
    assert verify(tmp_path, events).ok


def test_a_finished_file_stands_alone(tmp_path: Path) -> None:
    write_days(tmp_path, days(2), Rotation.DAY)
    assert not (tmp_path / "journal-20230102.sqlite-wal").exists()


# -- snapshots and recovery


def test_the_newest_snapshot_counts_and_rows_follow_the_oldest_of_them(tmp_path: Path, events: Events) -> None:
    with SqliteJournal(tmp_path) as journal:
        journal.stage(notes(6))
        journal.write_snapshots(2, [("a", Counted(2)), ("b", Counted(20))])
        journal.write_snapshots(5, [("a", Counted(5))])
    recovered = recover(tmp_path, events)
    assert recovered.snapshots == {"a": (5, Counted(5)), "b": (2, Counted(20))}
    assert [row.seq for row in recovered.rows] == [3, 4, 5, 6]


def test_a_snapshot_ahead_of_its_rows_is_refused(tmp_path: Path) -> None:
    with SqliteJournal(tmp_path) as journal:
        journal.stage(notes(2))
        with pytest.raises(JournalError, match="snapshot of row 3 was given before the row"):
            journal.write_snapshots(3, [("a", Counted(3))])


def test_a_snapshot_alone_can_be_committed(tmp_path: Path, events: Events) -> None:
    with SqliteJournal(tmp_path) as journal:
        journal.stage(notes(2))
        journal.commit()
        journal.write_snapshots(2, [("a", Counted(2))])
        journal.commit()
        assert journal.last_seq == 2
    assert recover(tmp_path, events).snapshots == {"a": (2, Counted(2))}


def test_nothing_is_recovered_from_a_folder_that_is_not_there(tmp_path: Path) -> None:
    recovered = recover(tmp_path / "nowhere")
    assert (recovered.snapshots, list(recovered.rows), recovered.last_seq) == ({}, [], 0)


# -- reading


def test_rows_are_found_by_range_kind_and_actor(tmp_path: Path, events: Events) -> None:
    mixed = [Row(n, MONDAY_NS, "ab"[n % 2], 0, Noted(str(n)) if n % 3 else Counted(n)) for n in range(1, 10)]
    write(tmp_path, mixed)

    def seqs(found: Iterator[Row]) -> list[int]:
        return [row.seq for row in found]

    assert seqs(journal_rows(tmp_path, first_seq=3, last_seq=5, events=events)) == [3, 4, 5]
    assert seqs(journal_rows(tmp_path, kinds=["Counted"], events=events)) == [3, 6, 9]
    assert seqs(journal_rows(tmp_path, actors=["a"], events=events)) == [2, 4, 6, 8]
    assert seqs(journal_rows(tmp_path, kinds=["Counted"], actors=["a"], events=events)) == [6]
    assert row_at(tmp_path, 7, events) == mixed[6]
    with pytest.raises(JournalError, match="has no row 10"):
        row_at(tmp_path, 10, events)


def test_causes_lead_back_to_what_began_it(tmp_path: Path, events: Events) -> None:
    links = {1: 0, 2: 0, 3: 1, 4: 2, 5: 3}
    write(tmp_path, [Row(seq, MONDAY_NS, "a", cause, Noted(str(seq))) for seq, cause in links.items()])
    assert [row.seq for row in causes(tmp_path, 5, events)] == [5, 3, 1]
    assert [row.seq for row in causes(tmp_path, 4, events)] == [4, 2]


def test_a_cause_that_is_not_before_its_row_is_refused(tmp_path: Path, events: Events) -> None:
    write(tmp_path, [Row(1, MONDAY_NS, "a", 1, Noted("of itself"))])
    with pytest.raises(JournalError, match="names row 1 as its cause"):
        causes(tmp_path, 1, events)
    assert [finding.code for finding in verify(tmp_path, events).findings] == ["CAUSE"]


def test_rows_are_exported_as_json_lines(tmp_path: Path, events: Events) -> None:
    write(tmp_path, rows([Noted("one"), Counted(2)]))
    out = io.BytesIO()
    assert export(journal_rows(tmp_path, events=events), out) == 2
    first, second = (json.loads(line) for line in out.getvalue().splitlines())
    assert first == {
        "seq": 1, "at_ns": MONDAY_NS, "actor": "orders", "cause": 0, "kind": "Noted", "event": {"text": "one"}
    }  # fmt: skip
    assert second["event"] == {"count": 2}


def test_an_unknown_kind_is_kept_reported_and_written_back_unchanged(tmp_path: Path, events: Events) -> None:
    write(tmp_path / "old", rows([Noted("one"), Counted(2)]))
    few = Events([Noted])
    kept = list(journal_rows(tmp_path / "old", events=few))
    assert kept[1].event == RawEvent("Counted", msgspec.msgpack.encode({"count": 2}))
    assert few.unknown == {"Counted": 1}
    report = verify(tmp_path / "old", Events([Noted]))
    assert report.ok
    assert [finding.code for finding in report.findings] == ["UNKNOWN_KIND"]
    out = io.BytesIO()
    export(kept, out)
    assert json.loads(out.getvalue().splitlines()[1])["kind"] == "Counted"
    write(tmp_path / "new", kept)
    assert list(journal_rows(tmp_path / "new", events=events))[1].event == Counted(2)
    assert verify(tmp_path / "new", events).last_hash == verify(tmp_path / "old", events).last_hash


def test_two_classes_of_one_name_are_refused() -> None:
    known = Noted

    def another() -> type[Event]:
        class Noted(Event, frozen=True, gc=False):
            count: int

        return Noted

    with pytest.raises(JournalError, match=r"tests.state.facts and tests.state.test_journal both define Noted"):
        Events([known, another()])


def test_a_journal_is_read_while_it_is_written(tmp_path: Path, events: Events) -> None:
    with SqliteJournal(tmp_path) as journal:
        for n in range(5):
            journal.stage(notes(1, after=n))
            journal.commit()
            assert [row.seq for row in journal_rows(tmp_path, events=events)] == list(range(1, n + 2))
            assert verify(tmp_path, events).ok


def test_a_journal_in_a_read_only_folder_can_be_read(
    tmp_path: Path, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may write everywhere, so the question is answered for it here."""
    write(tmp_path, notes(2))
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert [row.seq for row in journal_rows(tmp_path, events=events)] == [1, 2]
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["journal-20230102.sqlite", "journal.lock"]


# -- the journal in memory


def test_the_journal_in_memory_has_the_same_doors(events: Events) -> None:
    journal = MemoryJournal()
    writer: JournalWriter = journal
    journal.snapshots_from(dict)
    writer.stage(notes(3))
    writer.commit()
    journal.write_snapshots(2, [("a", Counted(2))])
    writer.stage(notes(2, after=3))
    recovered = journal.recover()
    assert (recovered.snapshots, recovered.last_seq, journal.durable_seq) == ({}, 3, 3)
    journal.close()
    recovered = journal.recover()
    assert recovered.snapshots == {"a": (2, Counted(2))}
    assert [row.seq for row in recovered.rows] == [3, 4, 5]
    with pytest.raises(JournalError, match="before the row"):
        journal.write_snapshots(9, [])


async def test_the_journal_in_memory_commits_for_a_live_host_too() -> None:
    journal = MemoryJournal()
    assert journal.recover().last_seq == journal.durable_seq == 0
    journal.stage(notes(1))
    await journal.commit_async()
    assert journal.durable_seq == 1
