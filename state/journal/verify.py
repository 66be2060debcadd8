"""Is every row there, unchanged and readable? Looks at everything and says exactly what is wrong and what to do."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import msgspec

from engine.errors import JournalError
from state.journal.chain import GENESIS, RowParams, link, snapshot_hash
from state.journal.database import UnfinishedError, explain, open_reader
from state.journal.events import Events
from state.journal.folder import Header, files_in, header_of
from state.journal.migrations import refuse_newer

LEDGER = "ledger.sqlite"

RESTORE = "restore this file from a backup; the engine does not start on it"
START_FIRST = "start the engine, which takes that write back by itself, and look again"
KEEP_AND_ASK = "keep a copy, restore the file from a backup, and find out who changed it"


class Finding(msgspec.Struct, frozen=True):
    """One thing that is wrong. seq: the row, 0 for the file.  fatal: no trading until it is mended."""

    file: str
    seq: int
    code: str
    text: str
    advice: str
    fatal: bool = True

    def __str__(self) -> str:
        where = f"{self.file}, row {self.seq}" if self.seq else self.file
        return f"{where}: {self.text}. {self.advice[0].upper()}{self.advice[1:]}."


class VerifyReport(msgspec.Struct, frozen=True):
    """What was looked at and what was found; `ok` when nothing fatal was."""

    files: tuple[str, ...]
    rows: int
    snapshots: int
    first_seq: int
    last_seq: int
    last_hash: bytes
    findings: tuple[Finding, ...]
    unknown_kinds: dict[str, int]

    @property
    def ok(self) -> bool:
        return not any(finding.fatal for finding in self.findings)


class _Link:
    """Where the chain stands between two files."""

    def __init__(self) -> None:
        self.number = 0
        self.first = 0
        self.seq = 0
        self.hash = GENESIS
        self.sure = True  # everything before was read to its end; at first there is nothing


class _Check:
    """One walk over a folder."""

    def __init__(self, events: Events) -> None:
        self.events = events
        self.findings: list[Finding] = []
        self.link = _Link()
        self.rows = 0
        self.snapshots = 0

    def found(self, path: Path, seq: int, code: str, text: str, advice: str = RESTORE, *, fatal: bool = True) -> None:
        self.findings.append(Finding(path.name, seq, code, text, advice, fatal))

    def file(self, path: Path) -> None:
        try:
            db = open_reader(path)
        except UnfinishedError:
            self._lose(
                path, "UNFINISHED", "its last write was cut off half-way, as by a power cut or a full disk", START_FIRST
            )
            return
        except (JournalError, OSError) as error:
            self._lose(path, "UNREADABLE", str(error).removeprefix(f"{path.name}: "))
            return
        with closing(db):
            try:
                refuse_newer(db, path)
                header = header_of(db, path)
                self._continuity(path, header)
                self._integrity(db, path)
                self._rows(db, path, header)
                self._snapshots(db, path)
            except JournalError as error:
                self._lose(path, "REFUSED", str(error))
            except sqlite3.Error as error:
                self._lose(path, "DAMAGED", f"reading stops after row {self.link.seq}: {explain(error)}")

    def _lose(self, path: Path, code: str, text: str, advice: str = RESTORE) -> None:
        """The rest of this file cannot be read, so what the next one should begin with is not known."""
        self.found(path, 0, code, text, advice)
        self.link.sure = False

    def _continuity(self, path: Path, header: Header) -> None:
        link = self.link
        if not link.number and header.number > 1:
            text = f"this is file {header.number}, and the files before it are not here"
            self.found(path, 0, "BEGINS_LATE", text, "nothing, when they were archived; else restore them", fatal=False)
        elif link.number and header.number != link.number + 1:
            if header.number <= link.number:
                text = (
                    f"this is file {header.number} but stands after file {link.number}: files were swapped or renamed"
                )
                self.found(path, 0, "OUT_OF_ORDER", text, "give the files their own names back")
            else:
                gone = f"file {link.number + 1}" + (
                    f" to {header.number - 1}" if header.number > link.number + 2 else ""
                )
                self.found(path, 0, "MISSING_FILE", f"{gone} before this one is missing", "restore it from a backup")
        elif link.sure and (header.first_seq, header.prev_hash) != (link.seq + 1, link.hash):
            otherwise = f"the file before ends otherwise, at row {link.seq}" if link.number else "no file is before it"
            text = f"it continues row {header.first_seq - 1}, but {otherwise}"
            self.found(path, 0, "BROKEN_JOINT", text, KEEP_AND_ASK)
        link.number, link.seq, link.hash = header.number, header.first_seq - 1, header.prev_hash
        link.first = link.first or header.first_seq

    def _integrity(self, db: sqlite3.Connection, path: Path) -> None:
        answers = [str(row[0]) for row in db.execute("PRAGMA integrity_check(3)")]
        if answers != ["ok"]:
            self.found(path, 0, "DAMAGED", f"SQLite finds damage: {'; '.join(answers).replace(chr(10), ' ')}")

    def _rows(self, db: sqlite3.Connection, path: Path, header: Header) -> None:
        here = self.link
        here.sure = False
        for row in db.execute("SELECT seq, at_ns, actor, kind, cause, body, hash FROM journal ORDER BY seq"):
            self._row(path, row, here)
            here.seq, here.hash = row[0], row[6]
            self.rows += 1
        here.sure = True

    def _row(self, path: Path, row: RowParams, here: _Link) -> None:
        seq, at_ns, actor, kind, cause, body, digest = row
        if seq != here.seq + 1:
            gone = f"row {here.seq + 1}" + (f" to {seq - 1}" if seq > here.seq + 2 else "")
            self.found(path, seq, "MISSING_ROW", f"{gone} before it is missing", KEEP_AND_ASK)
        elif link(here.hash, seq, at_ns, actor, kind, cause, body) != digest:
            text = "its hash is not that of its content and the row before: one of the two was changed"
            self.found(path, seq, "CHANGED_ROW", text, KEEP_AND_ASK)
        if cause >= seq:
            self.found(path, seq, "CAUSE", f"it names row {cause} as its cause, which is not before it", KEEP_AND_ASK)
        self._decode(path, seq, kind, body)

    def _decode(self, path: Path, seq: int, kind: str, body: bytes) -> None:
        try:
            self.events.decode(kind, body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self.found(path, seq, "UNDECODABLE", f"its body is no {kind}: {error}", "use the program that wrote it")

    def _snapshots(self, db: sqlite3.Connection, path: Path) -> None:
        query = "SELECT actor, seq, kind, body, sha256 FROM snapshots ORDER BY seq, actor"
        for actor, seq, kind, body, digest in db.execute(query):
            self.snapshots += 1
            if snapshot_hash(actor, seq, kind, body) != digest:
                self.found(path, seq, "SNAPSHOT", f"the snapshot of {actor} is not what was written", KEEP_AND_ASK)
            elif seq > self.link.seq:
                text = f"the snapshot of {actor} has seen more rows than the journal has: newer rows were lost"
                self.found(path, seq, "LOST_TAIL", text, KEEP_AND_ASK)
            self._decode(path, seq, kind, body)

    def against_ledger(self, ledger: Path) -> None:
        """The ledger remembers how far the journal went when it was last brought up to date."""
        if not ledger.is_file() or not self.link.sure:
            return
        try:
            with closing(sqlite3.connect(f"file:{quote(str(ledger.resolve()))}?mode=ro", uri=True)) as db:
                row = db.execute("SELECT applied_seq, applied_hash FROM applied").fetchone()
        except sqlite3.Error as error:
            self.found(ledger, 0, "LEDGER", f"it cannot be read ({error})", "delete it; it is rebuilt", fatal=False)
            return
        seq, digest = row or (0, GENESIS)
        if seq > self.link.seq:
            text = (
                f"the ledger has seen row {seq} and the journal ends at row {self.link.seq}: the newest rows were lost"
            )
            self.found(ledger, seq, "LOST_TAIL", text, KEEP_AND_ASK)
        elif seq == self.link.seq and digest != self.link.hash:
            self.found(ledger, seq, "CHANGED_ROW", "the ledger has seen another row under this number", KEEP_AND_ASK)


def verify(folder: Path | str, events: Events | None = None) -> VerifyReport:
    """Walk every file, row and snapshot of a journal, read-only; an engine may be writing it meanwhile.

    Raises JournalError only when there is no such folder. The loss of the very newest rows shows against a snapshot or
    the ledger, which remember how far the journal went; nothing else can know of them.
    """
    check = _Check(events or Events.discover())
    files = files_in(Path(folder))
    for path in files:
        check.file(path)
    unknown = dict(check.events.unknown)
    for kind, count in unknown.items():
        text = f"{count} rows are of kind {kind}, which this program does not know"
        check.found(files[-1], 0, "UNKNOWN_KIND", text, "nothing, when a newer program wrote them", fatal=False)
    check.against_ledger(Path(folder) / LEDGER)
    end = check.link
    return VerifyReport(
        tuple(path.name for path in files), check.rows, check.snapshots, end.first, end.seq, end.hash,
        tuple(check.findings), unknown,
    )  # fmt: skip
