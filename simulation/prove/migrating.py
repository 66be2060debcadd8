"""The seventh scenario: the engine dies with an order in flight, and a newer program dies migrating its journal."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.ports import Row
from model.units import NS_PER_SECOND
from simulation.prove.case import Violation
from simulation.prove.scenarios import MINUTE_NS, MS, THIN
from simulation.stage import CrashError, Cuts, Stage
from simulation.stage.folder import temporary_folder
from state.journal import Events, MemoryJournal, Recovered, SqliteJournal, journal_rows, recover, verify
from state.journal.folder import files_in
from state.journal.migrations import MIGRATIONS, Migration, knowing, migrate

REBUILT = Migration(
    MIGRATIONS[-1].number + 1,
    (
        """CREATE TABLE rebuilt (
            seq INTEGER PRIMARY KEY,
            at_ns INTEGER NOT NULL,
            actor TEXT NOT NULL,
            kind TEXT NOT NULL,
            cause INTEGER NOT NULL,
            body BLOB NOT NULL,
            hash BLOB NOT NULL,
            engine TEXT NOT NULL DEFAULT ''
        ) STRICT""",
        """INSERT INTO rebuilt (seq, at_ns, actor, kind, cause, body, hash)
            SELECT seq, at_ns, actor, kind, cause, body, hash FROM journal""",
        "DROP TABLE journal",
        "ALTER TABLE rebuilt RENAME TO journal",
    ),
)
WIDENED = Migration(
    REBUILT.number + 1,
    (
        "ALTER TABLE snapshots ADD COLUMN engine TEXT NOT NULL DEFAULT ''",
        "CREATE INDEX journal_by_kind ON journal (kind)",
    ),
)
NEWER = (*MIGRATIONS, REBUILT, WIDENED)
"""What a program of the future knows: a table that is written anew, and one that grows a column."""


class CutConnection(sqlite3.Connection):
    """Passes a boundary before and after everything that a migration does to its file."""

    cut: Callable[[str], None]

    def execute(self, sql: str, *rest: Any) -> sqlite3.Cursor:
        if sql.startswith("SELECT") or sql == "PRAGMA user_version":
            return super().execute(sql, *rest)
        what = " ".join(sql.split()[:3])
        self.cut(f"before {what}")
        done = super().execute(sql, *rest)
        self.cut(f"after {what}")
        return done

    def backup(self, target: sqlite3.Connection, **options: Any) -> None:
        self.cut("before the backup")
        super().backup(target, **options)
        self.cut("after the backup")


class OldJournal(MemoryJournal):
    """Rows of an older program. Once `left` it is a file, which whoever recovers from it migrates first.

    A death leaves the folder as it is on disk at that moment; the next try finds a copy of that.  broken: what the
    newer program read otherwise than it was written.
    """

    def __init__(self, cuts: Cuts) -> None:
        super().__init__()
        self.cuts = cuts
        self.broken: list[str] = []
        self._place = temporary_folder()
        self._tries = 0
        self._left = False

    @property
    def folder(self) -> Path:
        return Path(self._place.name, str(self._tries))

    def discard(self) -> None:
        """Remove its files."""
        self._place.cleanup()

    def leave(self) -> None:
        """The older program wrote its last row: what is durable is in a file of its version."""
        with SqliteJournal(self.folder) as old:
            old.stage(self.rows[: self.committed])
            for actor, (seq, event) in self._snapshots.items():
                old.write_snapshots(seq, [(actor, event)])
        self._left = True

    def recover(self) -> Recovered:
        if not self._left:
            return super().recover()
        with knowing(NEWER):
            for path in files_in(self.folder):
                with closing(sqlite3.connect(path, isolation_level=None, factory=CutConnection)) as db:
                    db.cut = self._cut
                    migrate(db, path)
                    self._every_step_taken(db)
            SqliteJournal(self.folder).close()
            self._read_back(self.rows[: self.committed])
        self._left = False
        return super().recover()

    def _cut(self, where: str) -> None:
        try:
            self.cuts(where)
        except CrashError:
            found = self.folder
            self._tries += 1
            shutil.copytree(found, self.folder)
            raise

    def _every_step_taken(self, db: sqlite3.Connection) -> None:
        """A version number is a promise: the file has what each step up to it brought."""
        taken = [number for (number,) in db.execute("SELECT number FROM migrations ORDER BY number")]
        if taken != [step.number for step in NEWER]:
            self.broken.append(f"the file says that it is of the newest version, and took the steps {taken}")

    def _read_back(self, written: list[Row]) -> None:
        """From here on what the file says is all that there is."""
        events = _events()
        report = verify(self.folder, events)
        if not report.ok:
            self.broken.append(f"verify says: {report}")
        self.rows = list(journal_rows(self.folder, events=events, check=True))
        if self.rows != written:
            self.broken.append(f"{len(written)} rows were written and {len(self.rows)} read, not the same")
        self.committed, self.last_seq = len(self.rows), self.rows[-1].seq
        snapshots = recover(self.folder, events).snapshots
        if snapshots != self._snapshots:
            self.broken.append("the snapshots are not those that were written")
        self._snapshots = snapshots

    def violations(self, stage: Stage) -> list[Violation]:
        return [Violation("migration", text, stage.now_ns) for text in self.broken]


def migration(stage: Stage) -> None:
    """An order is on its way to the venue when the engine dies; the program that comes up is a newer one."""
    assert isinstance(stage.journal, OldJournal)
    stage.want("ALPHA", 3 * THIN)
    stage.decide()
    stage.run(MINUTE_NS - NS_PER_SECOND + MS)
    stage.crash()
    stage.journal.leave()
    stage.run("190s")


@lru_cache(maxsize=1)
def _events() -> Events:
    return Events.discover()
