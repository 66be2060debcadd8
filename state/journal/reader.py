"""Reading the journal, while an engine writes it or after: rows, causes, and everything that a restart needs."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import IO

import msgspec

from engine.errors import JournalError
from engine.message import Event
from engine.ports import Row
from state.journal.chain import GENESIS, RowParams, link, snapshot_hash
from state.journal.database import open_reader, translated
from state.journal.events import Events, RawEvent
from state.journal.folder import Header, ordered, tail_of

COLUMNS = "seq, at_ns, actor, kind, cause, body, hash"


class Recovered(msgspec.Struct, frozen=True):
    """What a restart begins with; `snapshots` and `rows` are made for `engine.recovery.restore`.

    snapshots: newest state per actor with the seq that it has seen.  rows: everything after the oldest of those, in
    order, read as it is consumed and checked against the chain.  last_*: the end of the journal; 0 and GENESIS for
    an empty folder.
    """

    snapshots: dict[str, tuple[int, Event]]
    rows: Iterator[Row]
    last_seq: int
    last_hash: bytes
    last_at_ns: int


def recover(folder: Path | str, events: Events | None = None, *, whole: bool = False) -> Recovered:
    """Newest snapshots and the rows after them. Raises JournalError for a journal that cannot be trusted.

    whole: give every row that there is, for actors that keep no snapshots.
    """
    folder = Path(folder)
    events = events or Events.discover()
    tail = tail_of(folder) if folder.is_dir() else None
    if tail is None:
        return Recovered({}, iter(()), 0, GENESIS, 0)
    snapshots = _snapshots(tail.path, events)
    first = 1 if whole or not snapshots else min(seq for seq, _ in snapshots.values()) + 1
    rows = journal_rows(folder, first_seq=first, last_seq=tail.last_seq, events=events, check=True)
    return Recovered(snapshots, rows, tail.last_seq, tail.last_hash, tail.last_at_ns)


def _snapshots(path: Path, events: Events) -> dict[str, tuple[int, Event]]:
    found: dict[str, tuple[int, Event]] = {}
    with closing(open_reader(path)) as db, translated(path):
        query = "SELECT actor, max(seq), kind, body, sha256 FROM snapshots GROUP BY actor ORDER BY actor"
        for actor, seq, kind, body, digest in db.execute(query):
            if snapshot_hash(actor, seq, kind, body) != digest:
                raise JournalError(f"{path.name}: the snapshot of {actor} at row {seq} is damaged: run verify")
            found[actor] = (seq, _decoded(path, seq, kind, body, events))
    return found


def journal_rows(
    folder: Path | str,
    *,
    first_seq: int = 1,
    last_seq: int | None = None,
    kinds: Iterable[str] = (),
    actors: Iterable[str] = (),
    events: Events | None = None,
    check: bool = False,
) -> Iterator[Row]:
    """Rows in order, oldest first, over all files. Both ends are included; empty filters let everything pass.

    check: verify the hash chain on the way (only without filters). Raises JournalError for what cannot be read.
    """
    events = events or Events.discover()
    kinds, actors = tuple(kinds), tuple(actors)
    end = 2**63 - 1 if last_seq is None else last_seq
    where, values = _filters(first_seq, end, kinds, actors)
    files = ordered(Path(folder))
    for place, (path, header) in enumerate(files):
        if header.first_seq > end or (place + 1 < len(files) and files[place + 1][1].first_seq <= first_seq):
            continue
        with closing(open_reader(path)) as db, translated(path):
            cursor: Iterable[RowParams] = db.execute(
                f"SELECT {COLUMNS} FROM journal WHERE {where} ORDER BY seq", values
            )
            if check and not (kinds or actors):
                cursor = _checked(db, path, header, first_seq, cursor)
            yield from _rows(path, cursor, events)


def _filters(
    first: int, last: int, kinds: tuple[str, ...], actors: tuple[str, ...]
) -> tuple[str, tuple[int | str, ...]]:
    where = "seq BETWEEN ? AND ?"
    for column, wanted in (("kind", kinds), ("actor", actors)):
        if wanted:
            where += f" AND {column} IN ({', '.join('?' * len(wanted))})"
    return where, (first, last, *kinds, *actors)


def _rows(path: Path, cursor: Iterable[RowParams], events: Events) -> Iterator[Row]:
    decode = events.decode
    for seq, at_ns, actor, kind, cause, body, _ in cursor:
        try:
            event = decode(kind, body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise JournalError(f"{path.name}: row {seq} is no {kind} that this program knows: {error}") from error
        yield Row(seq, at_ns, actor, cause, event)


def _decoded(path: Path, seq: int, kind: str, body: bytes, events: Events) -> Event:
    try:
        return events.decode(kind, body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise JournalError(f"{path.name}: the snapshot at row {seq} is no {kind} that this program knows") from error


def _checked(
    db: sqlite3.Connection, path: Path, header: Header, first_seq: int, cursor: Iterable[RowParams]
) -> Iterator[RowParams]:
    """The same rows; raises JournalError at the first one that does not follow the row before it."""
    seq, prev = header.first_seq - 1, header.prev_hash
    if first_seq > header.first_seq:
        before = db.execute("SELECT seq, hash FROM journal WHERE seq = ?", (first_seq - 1,)).fetchone()
        if before is None:
            raise JournalError(f"{path.name}: row {first_seq - 1} is missing: run the journal's verify command")
        seq, prev = before
    for row in cursor:
        digest = link(prev, row[0], row[1], row[2], row[3], row[4], row[5])
        if row[0] != seq + 1 or digest != row[6]:
            raise JournalError(f"{path.name}: row {row[0]} does not follow row {seq}: run the journal's verify command")
        seq, prev = row[0], digest
        yield row


def row_at(folder: Path | str, seq: int, events: Events | None = None) -> Row:
    """One row. Raises JournalError when the journal does not have it."""
    for row in journal_rows(folder, first_seq=seq, last_seq=seq, events=events):
        return row
    raise JournalError(f"the journal in {folder} has no row {seq}")


def causes(folder: Path | str, seq: int, events: Events | None = None) -> list[Row]:
    """The row and what led to it, newest first: its cause, the cause of that, and so on to a row without one."""
    chain: list[Row] = []
    while seq:
        row = row_at(folder, seq, events)
        chain.append(row)
        if row.cause >= seq:
            raise JournalError(f"row {seq} names row {row.cause} as its cause, which is not before it: run verify")
        seq = row.cause
    return chain


def export(rows: Iterable[Row], to: IO[bytes]) -> int:
    """Write rows as JSON lines; returns how many. A row of an unknown kind carries its body in base64."""
    encoder = msgspec.json.Encoder()
    count = 0
    for row in rows:
        raw = type(row.event) is RawEvent
        line = {
            "seq": row.seq,
            "at_ns": row.at_ns,
            "actor": row.actor,
            "cause": row.cause,
            "kind": row.event.kind if isinstance(row.event, RawEvent) else type(row.event).__name__,
            "event": {"unknown": row.event.body} if raw and isinstance(row.event, RawEvent) else row.event,
        }
        to.write(encoder.encode(line) + b"\n")
        count += 1
    return count
