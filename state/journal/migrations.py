"""Numbered steps from an older shape of a database to the newest: forward only, each once, after a backup copy."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path

import msgspec

from engine.errors import JournalError
from state.journal import schema

CREATE_MIGRATIONS = """CREATE TABLE IF NOT EXISTS migrations (
    number INTEGER PRIMARY KEY, checksum BLOB NOT NULL
) STRICT"""


class Migration(msgspec.Struct, frozen=True):
    """One step: `number` is the `user_version` that it leads to."""

    number: int
    statements: tuple[str, ...]

    @property
    def checksum(self) -> bytes:
        return sha256("\x00".join(self.statements).encode()).digest()


MIGRATIONS: tuple[Migration, ...] = (Migration(1, schema.V1),)
_known: list[tuple[Migration, ...]] = [MIGRATIONS]


def known() -> tuple[Migration, ...]:
    """The steps of this program."""
    return _known[-1]


@contextmanager
def knowing(steps: tuple[Migration, ...]) -> Iterator[None]:
    """For as long as this lasts the program is another version of itself, for proofs of what an upgrade does."""
    _known.append(steps)
    try:
        yield
    finally:
        _known.pop()


def version_of(db: sqlite3.Connection) -> int:
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    return version


def refuse_newer(db: sqlite3.Connection, path: Path, steps: Sequence[Migration] = ()) -> None:
    """Raises JournalError when `path` was written by a program that knows more than `steps`, or `known` when empty."""
    version, newest = version_of(db), (steps or known())[-1].number
    if version > newest:
        raise JournalError(
            f"{path.name} has version {version} and this program knows up to {newest}: use the newer program"
        )


def migrate(db: sqlite3.Connection, path: Path, steps: Sequence[Migration] = ()) -> int:
    """Bring `db` (open at `path`, autocommit) to the newest version; returns how many steps were taken.

    steps: all there are; those that the program knows when empty.
    A file that holds something is first copied to `<name>.v<version>.backup`. Each step is one transaction with its
    version number. Raises JournalError for a newer version, or when a step taken earlier is not the one known here.
    """
    steps = steps or known()
    refuse_newer(db, path, steps)
    version = version_of(db)
    if version:
        _check_taken(db, path, steps)
    todo = [step for step in steps if step.number > version]
    if todo and version:
        _back_up(db, path.with_name(f"{path.name}.v{version}.backup"))
    for step in todo:
        _take(db, path, step)
    return len(todo)


def _check_taken(db: sqlite3.Connection, path: Path, steps: Sequence[Migration]) -> None:
    taken = dict(db.execute("SELECT number, checksum FROM migrations ORDER BY number"))
    for step in steps:
        if step.number in taken and taken[step.number] != step.checksum:
            raise JournalError(
                f"{path.name} was brought to version {step.number} by another step than this program's: "
                "use the program that wrote it"
            )


def _back_up(db: sqlite3.Connection, to: Path) -> None:
    with closing(sqlite3.connect(to)) as copy:
        db.backup(copy)


def _take(db: sqlite3.Connection, path: Path, step: Migration) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        for statement in step.statements:
            db.execute(statement)
        db.execute(CREATE_MIGRATIONS)
        db.execute("INSERT INTO migrations (number, checksum) VALUES (?, ?)", (step.number, step.checksum))
        db.execute(f"PRAGMA user_version = {step.number}")
        db.execute("COMMIT")
    except sqlite3.Error as error:
        db.execute("ROLLBACK")
        raise JournalError(f"{path.name} could not be brought to version {step.number}: {error}") from error
