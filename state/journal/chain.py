"""The hash chain: every row names all rows before it, so that no row can be changed, lost or moved unseen."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from hashlib import sha256

import msgspec

from engine.errors import JournalError
from engine.message import Event
from engine.ports import Row
from state.journal.events import RawEvent

GENESIS = bytes(32)

RowParams = tuple[int, int, str, str, int, bytes, bytes]
SnapshotParams = tuple[str, int, str, bytes, bytes]

_pack = struct.Struct(">qqq").pack
_encode = msgspec.msgpack.Encoder().encode
_heads: dict[tuple[str, str], bytes] = {}


def link(prev_hash: bytes, seq: int, at_ns: int, actor: str, kind: str, cause: int, body: bytes) -> bytes:
    """SHA-256 of the previous row's hash and everything in this row. Texts carry their length, so none can shift."""
    return sha256(prev_hash + _pack(seq, at_ns, cause) + _head(actor, kind) + body).digest()


def snapshot_hash(actor: str, seq: int, kind: str, body: bytes) -> bytes:
    return sha256(_pack(seq, 0, 0) + _head(actor, kind) + body).digest()


def encoded(event: Event) -> tuple[str, bytes]:
    """Kind and body of a fact. Raises JournalError for what msgpack cannot hold."""
    if type(event) is RawEvent:
        return event.kind, event.body
    kind = type(event).__name__
    try:
        return kind, _encode(event)
    except (TypeError, ValueError, OverflowError) as error:
        raise JournalError(f"{kind} cannot be written to the journal: {error}") from error


def snapshot_params(actor: str, seq: int, event: Event) -> SnapshotParams:
    kind, body = encoded(event)
    return actor, seq, kind, body, snapshot_hash(actor, seq, kind, body)


class Chain:
    """The end of the journal so far; turns rows into what the table stores."""

    __slots__ = ("last_hash", "last_seq")

    def __init__(self, last_seq: int = 0, last_hash: bytes = GENESIS) -> None:
        self.last_seq = last_seq
        self.last_hash = last_hash

    def add(self, rows: Iterable[Row]) -> list[RowParams]:
        """Encode and chain rows; all or none. Raises JournalError for a gap or a fact that cannot be encoded."""
        seq, prev = self.last_seq, self.last_hash
        encode, pack, heads = _encode, _pack, _heads
        added: list[RowParams] = []
        for row in rows:
            if row.seq != seq + 1:
                raise JournalError(f"row {row.seq} cannot follow row {seq}: the journal has no gaps")
            seq, at_ns, actor, cause, event = row.seq, row.at_ns, row.actor, row.cause, row.event
            kind = type(event).__name__
            if kind == "RawEvent":
                kind, body = encoded(event)
            else:
                try:
                    body = encode(event)
                except (TypeError, ValueError, OverflowError) as error:
                    raise JournalError(f"{kind} of {actor} cannot be written to the journal: {error}") from error
            head = heads.get((actor, kind)) or _head(actor, kind)
            prev = sha256(prev + pack(seq, at_ns, cause) + head + body).digest()
            added.append((seq, at_ns, actor, kind, cause, body, prev))
        self.last_seq, self.last_hash = seq, prev
        return added


def _head(actor: str, kind: str) -> bytes:
    head = _heads.get((actor, kind))
    if head is None:
        who, what = actor.encode(), kind.encode()
        head = _heads[actor, kind] = struct.pack(">HH", len(who), len(what)) + who + what
    return head
