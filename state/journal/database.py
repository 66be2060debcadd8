"""One SQLite connection: how it is opened, and the one way in which it writes."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

from engine.errors import JournalError
from state.journal.schema import APPLICATION_ID

Statement = tuple[str, Sequence[tuple[object, ...]]]

WRITE_AHEAD = "PRAGMA journal_mode = WAL"
WRITER_PRAGMAS = (
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA wal_autocheckpoint = 1000",  # pages: a short file is soon reused, and syncs in two thirds of the time
    "PRAGMA cache_size = -16000",
)


class UnfinishedError(JournalError):
    """A power cut or a full disk left a write half done. Who only reads may not take it back; the next start does."""


class AtomicConnection(sqlite3.Connection):
    """`commit` writes everything given by `give` in one transaction, or nothing.

    Begin, write and commit are one call, so a cancelled task, or another user of the same connection, can never stand
    in the middle of them.
    """

    _given: Sequence[Statement] = ()

    def give(self, *statements: Statement) -> None:
        """What the next `commit` writes."""
        self._given = statements

    def commit(self) -> None:
        given, self._given = self._given, ()
        if len(given) == 1 and len(given[0][1]) == 1:
            self.execute(given[0][0], given[0][1][0])  # a lone statement is a transaction by itself
            return
        self.execute("BEGIN IMMEDIATE")
        try:
            for sql, params in given:
                self.executemany(sql, params)
            self.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self.execute("ROLLBACK")
            raise


def open_writer(path: Path) -> AtomicConnection:
    """A read-write connection to an existing file, durable at each commit. May be used from one thread at a time.

    Raises JournalError where the file stays in another mode than write-ahead.
    """
    db = sqlite3.connect(path, isolation_level=None, factory=AtomicConnection, check_same_thread=False)
    try:
        # fetched, or its error is lost: test_a_failure_while_a_file_goes_over_to_write_ahead_is_not_lost
        (mode,) = db.execute(WRITE_AHEAD).fetchone()
        if mode != "wal":
            raise JournalError(
                f"{path.name} stays in mode {mode!r} instead of write-ahead, in which a power cut could take back what"
                " was committed: check the disk, and that its file system is not one of a network"
            )
        for pragma in WRITER_PRAGMAS:
            db.execute(pragma)
    except BaseException:
        db.close()
        raise
    return db


def open_reader(path: Path) -> sqlite3.Connection:
    """A read-only connection. Raises JournalError when there is no such file or it is not a journal's."""
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise JournalError(f"{path.name} {what}: a journal file is expected there")
    uri = f"file:{quote(str(path.resolve()))}?mode=ro"
    if not os.access(path.parent, os.W_OK) and not path.with_name(f"{path.name}-wal").exists():
        uri += "&immutable=1"  # a write-ahead file cannot be made in a read-only folder, and none is there to read
    with translated(path):
        db = sqlite3.connect(uri, uri=True, isolation_level=None)
        try:
            check_is_ours(db, path)
        except BaseException:
            db.close()
            raise
    return db


def check_is_ours(db: sqlite3.Connection, path: Path) -> None:
    """Raises JournalError for an empty file or the database of another program."""
    if path.stat().st_size == 0:
        raise JournalError(f"{path.name} is empty: restore it from a backup, or take it away if it never held a row")
    found = db.execute("PRAGMA application_id").fetchone()[0]
    if found != APPLICATION_ID:
        raise JournalError(f"{path.name} is not a Hedgerow journal: take it out of the journal's folder")


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Say SQLite's errors about `path` as JournalError, in one sentence with what to do."""
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorname", "") == "SQLITE_READONLY_ROLLBACK":
            raise UnfinishedError(
                f"{path.name}: the last write was cut off half-way; start the engine, which takes it back by itself"
            ) from error
        raise JournalError(f"{path.name}: {explain(error)}") from error
    except OSError as error:
        raise JournalError(f"{path.name}: {error.strerror or error}") from error


def explain(error: sqlite3.Error) -> str:
    """What an SQLite error means for the one who runs the engine."""
    text = str(error)
    for sign, meaning in (
        ("not a database", "not an SQLite file, or its first page is damaged; restore it from a backup"),
        ("malformed", "damaged inside (cut short or bits changed); restore it from a backup"),
        ("full", "the disk is full; free space, then start again"),
        ("disk I/O", "the disk failed; check it before the next start"),
        ("unable to open", "cannot be opened; check that the file and its folder may be read"),
        ("locked", "another program holds it; stop that program"),
        ("readonly", "may not be written; check the rights of the file and its folder"),
        ("no such table", "its tables are missing; restore it from a backup"),
    ):
        if sign in text:
            return f"{meaning} ({text})"
    return text
