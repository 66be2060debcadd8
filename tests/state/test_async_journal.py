"""The live host's journal: the loop goes on during a commit, and nothing is half done when something breaks."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import JournalError
from engine.ports import AsyncJournalWriter, Row
from state.journal import AsyncSqliteJournal, Events, Rotation, SqliteJournal, journal_rows, recover, verify
from state.journal.database import AtomicConnection, explain
from state.journal.writer import Batch
from tests.state.facts import Counted, Noted, notes, write
from tests.state.test_journal import Counter, days


def live_connections() -> list[threading.Thread]:
    """Threads of aiosqlite that still run, after a moment to end."""
    workers = [thread for thread in threading.enumerate() if "connection_worker" in thread.name]
    for worker in workers:
        worker.join(5)
    return [worker for worker in workers if worker.is_alive()]


async def test_rows_are_there_after_the_awaited_commit(tmp_path: Path, events: Events) -> None:
    async with AsyncSqliteJournal(tmp_path) as journal:
        writer: AsyncJournalWriter = journal
        writer.stage(notes(3))
        await writer.commit_async()
        assert journal.durable_seq == 3
        assert list(journal_rows(tmp_path, events=events)) == notes(3)
    assert not live_connections()


async def test_both_writers_make_the_same_file(tmp_path: Path, events: Events) -> None:
    written = notes(10)
    async with AsyncSqliteJournal(tmp_path / "live") as journal:
        for n in range(5):
            journal.stage(written[2 * n : 2 * n + 2])
            await journal.commit_async()
    write(tmp_path / "replay", written)
    assert recover(tmp_path / "live", events).last_hash == recover(tmp_path / "replay", events).last_hash
    write(tmp_path / "live", notes(1, after=10))
    assert verify(tmp_path / "live", events).ok


async def test_rows_staged_during_a_commit_form_the_next_group(tmp_path: Path, events: Events) -> None:
    async with AsyncSqliteJournal(tmp_path) as journal:

        async def one(seq: int) -> int:
            journal.stage(notes(1, after=seq - 1))
            await journal.commit_async()
            assert journal.durable_seq >= seq
            return journal.durable_seq

        done = await asyncio.gather(*(one(seq) for seq in range(1, 41)))
        # the first commit began before the others were staged; all of those went together
        assert sorted(set(done)) in ([40], [1, 40])
    assert [row.seq for row in journal_rows(tmp_path, events=events)] == list(range(1, 41))


async def test_a_cancelled_commit_still_ends_as_a_whole(tmp_path: Path, events: Events) -> None:
    async with AsyncSqliteJournal(tmp_path) as journal:
        journal.stage(notes(1))
        await journal.commit_async()
        for n in range(1, 30):
            journal.stage(notes(2, after=2 * n - 1))
            waiting = asyncio.ensure_future(journal.commit_async())
            for _ in range(n % 4):
                await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        await journal.commit_async()
        assert journal.durable_seq == 59
    assert verify(tmp_path, events).ok
    assert recover(tmp_path, events).last_seq == 59


async def test_a_commit_asked_for_at_the_moment_another_ends_does_not_spin(tmp_path: Path, events: Events) -> None:
    """Found by a hung run: the ended flush was waited for again and again, and nothing else could run."""

    class Prompt(AsyncSqliteJournal):
        """Asks for another commit in the very step in which a flush ends."""

        asked: asyncio.Task[None] | None = None

        async def _write(self, batch: Batch) -> None:
            await super()._write(batch)
            if self.asked is None:
                self.stage(notes(1, after=self.last_seq))
                self.asked = asyncio.ensure_future(self.commit_async())

    journal = Prompt(tmp_path)
    async with journal:
        journal.stage(notes(1))
        await journal.commit_async()
        assert journal.asked is not None
        await journal.asked
        assert journal.durable_seq == 2
        journal.stage(notes(1, after=2))
        await journal.commit_async()
    assert recover(tmp_path, events).last_seq == 3
    assert verify(tmp_path, events).ok


async def test_a_new_file_begins_each_day_under_a_live_host_too(tmp_path: Path, events: Events) -> None:
    counter = Counter()
    async with AsyncSqliteJournal(tmp_path, rotation=Rotation.DAY) as journal:
        journal.snapshots_from(counter.snapshots)
        for batch in days(3):
            journal.stage(batch)
            counter.seq = batch[-1].seq
            await journal.commit_async()
    report = verify(tmp_path, events)
    assert report.ok
    assert len(report.files) == 3
    assert recover(tmp_path, events).snapshots == {"counter": (6, Counted(6))}


async def test_a_snapshot_alone_can_be_committed_live(tmp_path: Path, events: Events) -> None:
    async with AsyncSqliteJournal(tmp_path) as journal:
        journal.stage(notes(1))
        await journal.commit_async()
        journal.write_snapshots(1, [("a", Counted(1))])
        await journal.commit_async()
    assert recover(tmp_path, events).snapshots == {"a": (1, Counted(1))}


async def test_a_closed_live_journal_takes_nothing_more(tmp_path: Path) -> None:
    journal = AsyncSqliteJournal(tmp_path)
    await journal.close()
    await journal.close()
    journal.stage(notes(1))
    with pytest.raises(JournalError, match="is closed"):
        await journal.commit_async()
    SqliteJournal(tmp_path).close()


@contextlib.contextmanager
def full_disk(folder: Path, *, left: int) -> Iterator[None]:
    """A real one: the system lets no file grow by more than `left` bytes beyond the write-ahead file."""
    size = next(folder.glob("*.sqlite-wal")).stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + left, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("group", [1, 5, 400])
@pytest.mark.parametrize("left", [0, 10_000])
def test_a_failing_disk_leaves_nothing_half_written_and_the_rows_staged(
    tmp_path: Path, events: Events, left: int, group: int
) -> None:
    more = [Row(row.seq, row.at_ns, "orders", 0, Noted("x" * 20_000)) for row in notes(group, after=2)]
    with SqliteJournal(tmp_path) as journal:
        journal.stage(notes(2))
        journal.commit()
        journal.stage(more)
        with (
            full_disk(tmp_path, left=left),
            pytest.raises(JournalError, match=r"journal-20230102\.sqlite: the disk failed; check it"),
        ):
            journal.commit()
        assert (journal.durable_seq, journal.last_seq) == (2, 2 + group)
        assert [row.seq for row in journal_rows(tmp_path, events=events)] == [1, 2]
        journal.commit()
        assert journal.durable_seq == 2 + group
    assert list(journal_rows(tmp_path, events=events)) == [*notes(2), *more]
    assert verify(tmp_path, events).ok


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("database or disk is full", "the disk is full; free space, then start again (database or disk is full)"),
        ("database is locked", "another program holds it; stop that program (database is locked)"),
        ("something new", "something new"),
    ],
)
def test_sqlites_words_are_told_with_what_to_do(said: str, told: str) -> None:
    assert explain(sqlite3.OperationalError(said)) == told


async def test_a_failing_disk_is_told_to_everyone_who_waits(tmp_path: Path, events: Events) -> None:
    async with AsyncSqliteJournal(tmp_path) as journal:
        journal.stage(notes(2))
        await journal.commit_async()
        journal.stage(notes(3, after=2))
        with full_disk(tmp_path, left=0):
            told = await asyncio.gather(journal.commit_async(), journal.commit_async(), return_exceptions=True)
        assert [type(error) for error in told] == [JournalError, JournalError]
        assert journal.durable_seq == 2
        await journal.commit_async()
        assert journal.durable_seq == 5
    assert verify(tmp_path, events).ok


async def test_a_flush_torn_by_the_loops_end_ends_the_journal(tmp_path: Path, events: Events) -> None:
    journal = AsyncSqliteJournal(tmp_path)
    try:
        journal.stage(notes(1))
        await journal.commit_async()
        journal.stage(notes(1, after=1))
        waiting = asyncio.ensure_future(journal.commit_async())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        others = [task for task in asyncio.all_tasks() if task not in (asyncio.current_task(), waiting)]
        for task in others:  # as asyncio.run does on its way out
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        with pytest.raises(JournalError, match="only the disk knows"):
            await journal.commit_async()
    finally:
        await journal.close()
    assert recover(tmp_path, events).last_seq in (1, 2)
    assert verify(tmp_path, events).ok


async def test_a_file_that_cannot_be_opened_leaves_no_thread_behind(tmp_path: Path) -> None:
    async with AsyncSqliteJournal(tmp_path) as journal:
        journal.stage(notes(1))
        await journal.commit_async()
    journal = AsyncSqliteJournal(tmp_path)
    try:
        (tmp_path / "journal-20230102.sqlite").write_bytes(b"no database at all, and long enough to be read" * 100)
        journal.stage(notes(1, after=1))
        with pytest.raises(JournalError, match=r"not an SQLite file"):
            await journal.commit_async()
    finally:
        with pytest.raises(JournalError, match=r"not an SQLite file"):
            await journal.close()
    assert not live_connections()


def test_a_process_that_fails_to_open_its_journal_ends(tmp_path: Path) -> None:
    """A thread that is no daemon once kept such a process alive for ever."""
    write(tmp_path, notes(1))
    code = """
import asyncio, pathlib, sys
from state.journal import AsyncSqliteJournal
from tests.state.facts import notes

async def main():
    async with AsyncSqliteJournal(sys.argv[1]) as journal:
        pathlib.Path(sys.argv[1], "journal-20230102.sqlite").write_bytes(b"spoiled" * 1000)
        journal.stage(notes(1, after=1))
        await journal.commit_async()

asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 1
    assert "JournalError" in done.stderr


async def test_a_disk_that_hangs_at_the_close_is_said_and_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go = threading.Event()
    real = AtomicConnection.close

    def hang(db: AtomicConnection) -> None:
        let_go.wait(30)
        real(db)

    monkeypatch.setattr("state.journal.writer.CLOSE_TIMEOUT_S", 0.02)
    monkeypatch.setattr(AtomicConnection, "close", hang)
    journal = AsyncSqliteJournal(tmp_path)
    journal.stage(notes(1))
    await journal.commit_async()
    with pytest.raises(JournalError, match=r"did not close in 0.02 s, the disk hangs: end the process"):
        await journal.close()
    let_go.set()
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    await asyncio.gather(*others)
    assert not live_connections()


async def test_a_first_file_that_cannot_be_made_leaves_the_rows_staged(
    tmp_path: Path, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with SqliteJournal(tmp_path / "replay") as plain:
        async with AsyncSqliteJournal(tmp_path / "live") as live:
            plain.stage(notes(2))
            live.stage(notes(2))
            with monkeypatch.context() as patch:
                patch.setattr(Path, "rename", refuse)
                with pytest.raises(JournalError, match="No space left on device"):
                    plain.commit()
                with pytest.raises(JournalError, match="No space left on device"):
                    await live.commit_async()
            assert plain.durable_seq == live.durable_seq == 0
            plain.commit()
            await live.commit_async()
    assert verify(tmp_path / "replay", events).last_seq == verify(tmp_path / "live", events).last_seq == 2
