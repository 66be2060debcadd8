"""A layer between SQLite and the system, of this process alone: it hears every write, sync and delete, and may fail it.

SQLite is built for such layers (https://sqlite.org/vfs.html). This one is put in through ctypes under the library that
the module `sqlite3` uses itself, so that what is tried is the program's own code and not a copy of its statements.
"""

from __future__ import annotations

import _sqlite3
import ctypes as c
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

OK, IOERR, FULL = 0, 10, 13
IOERR_WRITE, IOERR_FSYNC, IOERR_TRUNCATE, IOERR_DELETE = (IOERR | part << 8 for part in (3, 4, 6, 10))
CREATE = 0x4
JOURNALS = 0x800 | 0x4000 | 0x80000
"""Flags of a rollback journal, a super journal and a write-ahead file: their first sync syncs their folder too."""

I64, P = c.c_int64, c.c_void_p
_Close = c.CFUNCTYPE(c.c_int, P)
_Write = c.CFUNCTYPE(c.c_int, P, P, c.c_int, I64)
_Truncate = c.CFUNCTYPE(c.c_int, P, I64)
_Sync = c.CFUNCTYPE(c.c_int, P, c.c_int)
_Open = c.CFUNCTYPE(c.c_int, P, P, P, c.c_int, P)
_Delete = c.CFUNCTYPE(c.c_int, P, P, c.c_int)


class _Methods(c.Structure):
    """sqlite3_io_methods; what is not heard stays what it was."""

    _fields_ = (
        ("version", c.c_int), ("close", _Close), ("read", P), ("write", _Write), ("truncate", _Truncate),
        ("sync", _Sync), ("rest", P * 14),
    )  # fmt: skip


class _File(c.Structure):
    _fields_ = (("methods", c.POINTER(_Methods)),)


class _Vfs(c.Structure):
    """sqlite3_vfs."""

    _fields_ = (
        ("version", c.c_int), ("size", c.c_int), ("longest", c.c_int), ("next", P), ("name", c.c_char_p), ("data", P),
        ("open", _Open), ("delete", _Delete), ("rest", P * 14),
    )  # fmt: skip


class Disk:
    """What a layer does at each call; this one does nothing. Answer OK to let the call go on, else SQLite's code.

    May be called from any thread, and must not raise.
    """

    def opened(self, path: str, *, new: bool, journal: bool) -> None:
        """A file was opened: whether it was not there before, and whether it is a journal of SQLite's own."""

    def write(self, path: str, offset: int, data: bytes) -> int:
        return OK

    def truncate(self, path: str, size: int) -> int:
        return OK

    def sync(self, path: str) -> int:
        return OK

    def delete(self, path: str, *, sync_folder: bool) -> int:
        return OK


class _Layer:
    """The layer itself: registered once, as a copy of the system's own with five functions in front of it."""

    def __init__(self) -> None:
        self.disk = Disk()
        self._lib: Any = c.CDLL(_sqlite3.__file__)  # finds the library that the module is bound to
        self._lib.sqlite3_vfs_find.restype = c.POINTER(_Vfs)
        found = self._lib.sqlite3_vfs_find(None)
        self._usual = found
        self._ours = _Vfs.from_buffer_copy(found.contents)
        self._paths: dict[int, str] = {}
        self._tables: dict[int, tuple[Any, _Methods]] = {}
        self._kept = (_Open(self._open), _Delete(self._delete))
        self._ours.name, self._ours.next = b"hedgerow-ill", None
        self._ours.open, self._ours.delete = self._kept
        self._functions = (
            _Close(self._close), _Write(self._write), _Truncate(self._truncate), _Sync(self._sync),
        )  # fmt: skip

    def put_in(self) -> None:
        self._lib.sqlite3_vfs_register(c.byref(self._ours), 1)

    def take_out(self) -> None:
        self._lib.sqlite3_vfs_unregister(c.byref(self._ours))
        self._lib.sqlite3_vfs_register(self._usual, 1)

    def _open(self, vfs: int, name: int, file: int, flags: int, out: int) -> int:
        path = os.fsdecode(c.string_at(name)) if name else ""
        new = bool(path) and bool(flags & CREATE) and not os.path.exists(path)
        code: int = self._usual.contents.open(c.addressof(self._usual.contents), name, file, flags, out)
        head = _File.from_address(file)
        if code == OK and head.methods and path:
            self._paths[file] = path
            head.methods = c.pointer(self._in_front_of(head.methods))
            self.disk.opened(path, new=new, journal=bool(flags & JOURNALS))
        return code

    def _in_front_of(self, usual: Any) -> _Methods:
        """The methods that a file gets instead of `usual`, made once for each table of the system's."""
        where = c.addressof(usual.contents)
        known = self._tables.get(where)
        if known is None:
            ours = _Methods.from_buffer_copy(usual.contents)
            ours.close, ours.write, ours.truncate, ours.sync = self._functions
            known = self._tables[where] = (_Methods.from_address(where), ours)
            self._tables[c.addressof(ours)] = known
        return known[1]

    def _of(self, file: int) -> Any:
        """The system's own methods of a file."""
        return self._tables[c.addressof(_File.from_address(file).methods.contents)][0]

    def _close(self, file: int) -> int:
        code: int = self._of(file).close(file)
        self._paths.pop(file, None)
        return code

    def _write(self, file: int, data: int, size: int, offset: int) -> int:
        code = self.disk.write(self._paths[file], offset, c.string_at(data, size))
        return code or int(self._of(file).write(file, data, size, offset))

    def _truncate(self, file: int, size: int) -> int:
        return self.disk.truncate(self._paths[file], size) or int(self._of(file).truncate(file, size))

    def _sync(self, file: int, flags: int) -> int:
        return self.disk.sync(self._paths[file]) or int(self._of(file).sync(file, flags))

    def _delete(self, vfs: int, name: int, sync_folder: int) -> int:
        path = os.fsdecode(c.string_at(name))
        code = self.disk.delete(path, sync_folder=bool(sync_folder))
        return code or int(self._usual.contents.delete(c.addressof(self._usual.contents), name, sync_folder))


_LAYER: list[_Layer] = []


@contextmanager
def under(disk: Disk) -> Iterator[None]:
    """Every database that this process opens within lives on `disk`. Not for two at a time."""
    if not _LAYER:
        _LAYER.append(_Layer())  # for ever: a connection that outlives the block still calls into it
    layer = _LAYER[0]
    layer.disk = disk
    layer.put_in()
    try:
        yield
    finally:
        layer.take_out()
        layer.disk = Disk()
