"""A disk whose power can be cut: what was not synced is lost, kept or torn, sector by sector, as a seed decides."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from simulation.disk.vfs import IOERR_FSYNC, OK, Disk

SECTOR = 512


class Op(NamedTuple):
    """One thing that was done to the disk. `other` is the new name of a file that was renamed.

    what: create, write, truncate, sync, lost_sync, delete, rename, sync_folder, or mark, which is the author's own.
    """

    what: str
    path: str
    offset: int = 0
    data: bytes = b""
    other: str = ""


class _Inode:
    """One file: what is surely on disk, and what was done to it since, in order and with whether that is on disk."""

    def __init__(self) -> None:
        self.sure = bytearray()
        self.since: list[tuple[Op, bool]] = []
        self.forgotten = 0  # so many of those the system believes to have written, and has not

    def sync(self) -> None:
        """Everything but what is forgotten is on disk."""
        kept, done = self.since[: self.forgotten], self.since[self.forgotten :]
        if kept:
            self.since = kept + [(op, True) for op, _ in done]
            self.forgotten = len(self.since)
            return
        for op, _ in done:
            _apply(self.sure, op)
        self.since = []

    def lose_sync(self) -> None:
        """A sync failed: Linux then takes the pages for clean, and no later sync writes them."""
        self.forgotten = len(self.since)


Names = dict[str, _Inode]


class PoweredDisk(Disk):
    """Lets everything through to the real files, and remembers it in order, so that any moment can be cut later.

    Besides SQLite's calls it hears this process's own renames, removals and syncs of folders while `heard` lasts.
    fails: which sync fails, from 1; 0 for none. What it should have written no later sync writes either.
    """

    def __init__(self, *, fails: int = 0) -> None:
        self.ops: list[Op] = []
        self._fails = fails
        self._syncs = 0
        self._new_journals: set[str] = set()

    # -- from SQLite

    def opened(self, path: str, *, new: bool, journal: bool) -> None:
        if new:
            self.ops.append(Op("create", path))
            if journal:
                self._new_journals.add(path)

    def write(self, path: str, offset: int, data: bytes) -> int:
        self.ops.append(Op("write", path, offset, data))
        return OK

    def truncate(self, path: str, size: int) -> int:
        self.ops.append(Op("truncate", path, size))
        return OK

    def sync(self, path: str) -> int:
        self._syncs += 1
        if self._syncs == self._fails:
            self.ops.append(Op("lost_sync", path))
            return IOERR_FSYNC
        self.ops.append(Op("sync", path))
        if path in self._new_journals:  # unixSync does so for a journal that it made
            self._new_journals.discard(path)
            self.ops.append(Op("sync_folder", os.path.dirname(path)))
        return OK

    def delete(self, path: str, *, sync_folder: bool) -> int:
        self.ops.append(Op("delete", path))
        if sync_folder:
            self.ops.append(Op("sync_folder", os.path.dirname(path)))
        return OK

    # -- from the program

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Hear what the program does to names by itself."""
        with (
            mock.patch.object(os, "rename", self._after(os.rename, self._renamed)),
            mock.patch.object(os, "replace", self._after(os.replace, self._renamed)),
            mock.patch.object(os, "unlink", self._after(os.unlink, self._unlinked)),
            mock.patch.object(os, "fsync", self._after(os.fsync, self._fsynced)),
        ):
            yield

    @staticmethod
    def _after(usual: Callable[..., Any], hear: Callable[..., None]) -> Callable[..., Any]:
        def done(*args: Any, **named: Any) -> Any:
            answer = usual(*args, **named)
            hear(*args)
            return answer

        return done

    def _renamed(self, old: Any, new: Any) -> None:
        self.ops.append(Op("rename", os.fspath(old), other=os.fspath(new)))

    def _unlinked(self, path: Any) -> None:
        self.ops.append(Op("delete", os.fspath(path)))

    def _fsynced(self, handle: int) -> None:
        path = os.readlink(f"/proc/self/fd/{handle}")
        if os.path.isdir(path):
            self.ops.append(Op("sync_folder", path))

    def mark(self, number: int) -> None:
        """Note a moment of the author's own, such as a commit that has returned."""
        self.ops.append(Op("mark", "", number))


class Cut:
    """What a power cut leaves after the first `at` operations, on top of the files of `before`.

    ordered: the file system keeps the order in which names changed (ext4, XFS, btrfs do); otherwise any may be lost.
    """

    def __init__(self, ops: list[Op], at: int, seed: int, *, before: dict[str, bytes], ordered: bool = True) -> None:
        self.mark = 0
        self._chance = random.Random(seed)
        self._ordered = ordered
        self._sure: Names = {}
        for path, content in before.items():
            inode = self._sure[path] = _Inode()
            inode.sure[:] = content
        self._live = dict(self._sure)
        self._moves: list[tuple[Op, _Inode | None]] = []
        for op in ops[:at]:
            self._do(op)

    def _do(self, op: Op) -> None:
        live = self._live
        match op.what:
            case "mark":
                self.mark = op.offset
            case "sync":
                live[op.path].sync()
            case "lost_sync":
                live[op.path].lose_sync()
            case "write" | "truncate":
                live[op.path].since.append((op, False))
            case "sync_folder":
                self._sync_folder(op.path)
            case _:
                inode = _Inode() if op.what == "create" else live.get(op.path)
                self._moves.append((op, inode))
                _name(live, op, inode)

    def _sync_folder(self, folder: str) -> None:
        here = [move for move in self._moves if os.path.dirname(move[0].path) == folder]
        for op, inode in here:
            _name(self._sure, op, inode)
            self._moves.remove((op, inode))

    def left(self) -> dict[str, bytes]:
        """Every file that is there when the power comes back, with its content. Write-ahead indexes are not."""
        names = dict(self._sure)
        for op, inode in self._kept_moves():
            _name(names, op, inode)
        found: dict[str, bytes] = {}
        for path, inode in names.items():
            if not path.endswith("-shm"):
                found[path] = self._torn(inode)
        return found

    def _kept_moves(self) -> list[tuple[Op, _Inode | None]]:
        if self._ordered:
            return self._moves[: self._chance.randint(0, len(self._moves))]
        return [move for move in self._moves if self._chance.random() < 0.5]

    def _torn(self, inode: _Inode) -> bytes:
        """The sure content, and a random part of what came after it."""
        content, chance = bytearray(inode.sure), self._chance
        part = chance.choice((0.0, 0.5, 0.9, 1.0))
        for op, done in inode.since:
            if done or op.what == "truncate":
                if done or chance.random() < part:
                    _apply(content, op)
                continue
            for begin in range(0, len(op.data), SECTOR):
                if chance.random() < part:
                    self._sector(content, op.offset + begin, op.data[begin : begin + SECTOR])
                elif chance.random() < 0.1:
                    self._sector(content, op.offset + begin, op.data[begin : begin + chance.randrange(SECTOR)])
        return bytes(content)

    def _sector(self, content: bytearray, offset: int, data: bytes) -> None:
        """Put a sector; what lies between the old end and it is noughts or rubbish, as on a disk."""
        gap = offset - len(content)
        if gap > 0:
            content += self._chance.randbytes(gap) if self._chance.random() < 0.3 else bytes(gap)
        content[offset : offset + len(data)] = data


def _apply(content: bytearray, op: Op) -> None:
    if op.what == "truncate":
        del content[op.offset :]
        return
    content += bytes(max(0, op.offset - len(content)))
    content[op.offset : op.offset + len(op.data)] = op.data


def _name(names: Names, op: Op, inode: _Inode | None) -> None:
    """Let a name be made, moved or removed."""
    if op.what == "create":
        assert inode is not None
        names[op.path] = inode
    elif op.what == "delete":
        names.pop(op.path, None)
    elif inode is not None:
        names.pop(op.path, None)
        names[op.other] = inode


def put(files: dict[str, bytes], folder: Path) -> None:
    """Write files of one folder into another, by their names."""
    folder.mkdir(parents=True)
    for path, content in files.items():
        (folder / os.path.basename(path)).write_bytes(content)


def content_of(folder: Path) -> dict[str, bytes]:
    """Every file of a folder with its content, write-ahead indexes left out; taken when nobody writes."""
    return {str(path): path.read_bytes() for path in sorted(folder.iterdir()) if not path.name.endswith("-shm")}
