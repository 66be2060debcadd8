"""The journal's folder: which files it has, in which order, and who may write to it."""

from __future__ import annotations

import contextlib
import datetime as dt
import enum
import fcntl
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from engine.errors import JournalError, NoJournalError
from state.journal import schema
from state.journal.chain import GENESIS, SnapshotParams
from state.journal.database import check_is_ours, open_reader, translated
from state.journal.migrations import migrate, refuse_newer

NS = 10**9


class Rotation(enum.Enum):
    """How long one file lasts, in engine time (UTC). It ends with the first commit that reaches past its period."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"
    NEVER = "never"

    def ends_ns(self, began_ns: int) -> int:
        """The end of the period in which `began_ns` lies."""
        if self is Rotation.NEVER:
            return 2**63 - 1
        day = dt.datetime.fromtimestamp(began_ns // NS, tz=dt.UTC).date()
        if self is Rotation.DAY:
            end = day + dt.timedelta(days=1)
        elif self is Rotation.MONTH:
            end = (day.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
        else:
            end = dt.date(day.year + 1, 1, 1)
        return int(dt.datetime(end.year, end.month, end.day, tzinfo=dt.UTC).timestamp()) * NS


class Header(NamedTuple):
    """The first facts of a file. prev_hash: hash of the last row of the file before it."""

    number: int
    first_seq: int
    prev_hash: bytes
    began_ns: int


class Tail(NamedTuple):
    """Where a journal ends: the newest file, and its last row (or that of the file before, when it has none yet)."""

    path: Path
    header: Header
    last_seq: int
    last_hash: bytes
    last_at_ns: int


class FolderLock:
    """One writer per folder. Raises JournalError when another engine holds it."""

    def __init__(self, folder: Path) -> None:
        self._file = (folder / "journal.lock").open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.seek(0)
            holder = self._file.read().strip() or "unknown"
            self._file.close()
            raise JournalError(
                f"another engine (process {holder}) writes the journal in {folder}: stop it, or use another folder"
            ) from None
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def release(self) -> None:
        self._file.close()


def files_in(folder: Path) -> list[Path]:
    """Journal files, by name. Raises JournalError when there is no such folder."""
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise NoJournalError(f"the journal's folder {folder} {what}: give the folder that the engine writes to")
    return sorted(folder.glob("journal-*.sqlite"))


def header_of(db: sqlite3.Connection, path: Path) -> Header:
    row = db.execute(schema.SELECT_HEADER).fetchone()
    if row is None:
        raise JournalError(f"{path.name} has lost its header: restore it from a backup")
    return Header(*row)


def ordered(folder: Path) -> list[tuple[Path, Header]]:
    """Files with their headers, oldest first. Raises JournalError for one that is unreadable, newer or missing."""
    found = []
    for path in files_in(folder):
        with closing(open_reader(path)) as db, translated(path):
            refuse_newer(db, path)
            found.append((path, header_of(db, path)))
    found.sort(key=lambda item: item[1].number)
    for place, (path, header) in enumerate(found, start=found[0][1].number if found else 1):
        if header.number != place:
            raise JournalError(f"{path.name} is file {header.number} and file {place} is missing: restore it")
    return found


def tail_of(folder: Path) -> Tail | None:
    """Where the journal ends; None for a folder without one."""
    files = ordered(folder)
    if not files:
        return None
    path, header = files[-1]
    last = (header.first_seq - 1, header.began_ns, header.prev_hash)
    with closing(open_reader(path)) as db, translated(path):
        last = db.execute(schema.SELECT_LAST).fetchone() or last
    return Tail(path, header, last[0], last[2], last[1])


def prepare(folder: Path) -> Tail | None:
    """Make the folder ready for its writer (who holds the lock): clean up, migrate every file, find the end."""
    for path in folder.glob("journal-*.sqlite.new"):
        path.unlink()  # a rotation that did not come to its end; everything in it is in the file before
    for path in files_in(folder):
        with translated(path), closing(sqlite3.connect(path, isolation_level=None)) as db:
            check_is_ours(db, path)
            migrate(db, path)
    return tail_of(folder)


def begin_file(folder: Path, after: Tail | None, began_ns: int, snapshots: list[SnapshotParams]) -> Tail:
    """A new file that continues the chain after `after`, with what every actor knew at that moment. Appears whole."""
    number = after.header.number + 1 if after else 1
    last_seq, last_hash = (after.last_seq, after.last_hash) if after else (0, GENESIS)
    header = Header(number, last_seq + 1, last_hash, began_ns)
    day = dt.datetime.fromtimestamp(began_ns // NS, tz=dt.UTC).strftime("%Y%m%d")
    path = folder / f"journal-{day}.sqlite"
    if path.exists():
        path = folder / f"journal-{day}-{number:06d}.sqlite"
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    with translated(path):
        with closing(sqlite3.connect(new, isolation_level=None)) as db:
            db.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
            db.execute("PRAGMA synchronous = FULL")
            migrate(db, new)
            db.execute("BEGIN IMMEDIATE")
            db.execute(schema.INSERT_HEADER, header)
            db.executemany(schema.INSERT_SNAPSHOT, snapshots)
            db.execute("COMMIT")
        new.rename(path)
        _sync_folder(folder)
    return Tail(path, header, last_seq, last_hash, began_ns)


def seal(path: Path) -> None:
    """Leave a finished file as one plain file, without a write-ahead file beside it, unless somebody is reading it."""
    with contextlib.suppress(sqlite3.Error), closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as db:
        db.execute("PRAGMA journal_mode = DELETE")


def carried(path: Path, given: frozenset[str]) -> list[SnapshotParams]:
    """The newest snapshot in `path` of each actor that is not in `given` (it was down when the file ended)."""
    with closing(open_reader(path)) as db, translated(path):
        rows = db.execute("SELECT actor, max(seq), kind, body, sha256 FROM snapshots GROUP BY actor ORDER BY actor")
        return [row for row in rows if row[0] not in given]


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
