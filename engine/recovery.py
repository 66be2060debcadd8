"""State from facts: a snapshot, then every later row of the journal, folded in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from engine.actor import Actor
from engine.message import Event
from engine.ports import Row

Snapshots = Mapping[str, tuple[int, Event]]
Recover = Callable[[Actor], int | None]


class _Folder:
    """One actor that is being recovered: which rows are its own, and what it does with each kind."""

    __slots__ = ("after_seq", "everyone", "folds", "whose")

    def __init__(self, actor: Actor, after_seq: int) -> None:
        self.after_seq = after_seq
        self.everyone = "*" in actor.folds_rows_of
        self.whose = {actor.name, *actor.folds_rows_of}
        self.folds: dict[type[Event], Callable[[Any], None]] = {
            kind: getattr(actor, method) for kind, method in actor.folds.items()
        }


def restore(actors: Iterable[Actor], rows: Iterable[Row], snapshots: Snapshots | None = None) -> int:
    """Bring actors back to what the rows say, in one pass over them; returns the last seq seen.

    Each actor folds the rows that it journalled itself, and those of the actors named in `folds_rows_of`. Rows up to
    the seq of its snapshot are left out: they are in the snapshot.
    """
    folders = []
    last = 0
    for actor in actors:
        seq, snapshot = (snapshots or {}).get(actor.name, (0, None))
        if snapshot is not None:
            actor.restore(snapshot)
        folders.append(_Folder(actor, seq))
        last = max(last, seq)
    return max(last, _fold(folders, rows))


def fold(actor: Actor, rows: Iterable[Row], after_seq: int = 0) -> int:
    """Fold the rows after `after_seq` that concern one actor; returns the last seq seen."""
    return _fold([_Folder(actor, after_seq)], rows)


def _fold(folders: list[_Folder], rows: Iterable[Row]) -> int:
    last = 0
    by_kind: dict[type[Event], list[_Folder]] = {}
    for folder in folders:
        for kind in folder.folds:
            by_kind.setdefault(kind, []).append(folder)
    for row in rows:
        last = row.seq
        for folder in by_kind.get(type(row.event), ()):
            if row.seq > folder.after_seq and (folder.everyone or row.actor in folder.whose):
                folder.folds[type(row.event)](row.event)
    return last
