"""A disk that fails: full, or broken, from the n-th call on, until it is well again."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from simulation.disk.vfs import FULL, IOERR_DELETE, IOERR_FSYNC, IOERR_TRUNCATE, IOERR_WRITE, OK, Disk

FULL_DISK, BROKEN = "full", "broken"
CALLS = ("write", "sync")


class Illness(NamedTuple):
    """What fails and when. call: write or sync, the one that is counted.  nth: from 1.  how: full or broken.

    lasts: how many of those calls fail; 0 for all that follow.
    """

    call: str
    nth: int
    how: str = BROKEN
    lasts: int = 0

    @classmethod
    def of(cls, text: str) -> Illness:
        """From `write:37:full` or `sync:4:broken:1`. Raises ValueError for anything else."""
        call, _, rest = text.partition(":")
        nth, _, rest = rest.partition(":")
        how, _, lasts = rest.partition(":")
        if call not in CALLS or how not in (FULL_DISK, BROKEN) or not nth.isdigit() or (lasts and not lasts.isdigit()):
            raise ValueError(f"{text!r} is no illness of a disk: write such as write:37:full or sync:4:broken:1")
        return cls(call, int(nth), how, int(lasts or 0))


class FailingDisk(Disk):
    """Counts calls on files that concern it, and fails as the illness says.

    Once it fails, a full disk takes no write any more; a broken one neither writes, syncs, truncates nor deletes.
    concerns: which paths count and fail.  well: asked at each failure; True heals it for good.
    """

    def __init__(
        self, illness: Illness | None, *, concerns: Callable[[str], bool] = lambda path: True,
        well: Callable[[], bool] = lambda: False,
    ) -> None:  # fmt: skip
        self.calls = dict.fromkeys(CALLS, 0)
        self.failed = 0
        self._illness = illness
        self._concerns = concerns
        self._well = well

    def write(self, path: str, offset: int, data: bytes) -> int:
        return self._ill("write", path, IOERR_WRITE)

    def sync(self, path: str) -> int:
        return self._ill("sync", path, IOERR_FSYNC)

    def truncate(self, path: str, size: int) -> int:
        return self._ill("", path, IOERR_TRUNCATE)

    def delete(self, path: str, *, sync_folder: bool) -> int:
        return self._ill("", path, IOERR_DELETE)

    def _ill(self, call: str, path: str, broken: int) -> int:
        if not self._concerns(path):
            return OK
        if call:
            self.calls[call] += 1
        illness = self._illness
        if illness is None or not self._has_begun(illness):
            return OK
        if self._well():
            self._illness = None
            return OK
        if illness.how == FULL_DISK and call != "write":
            return OK
        if illness.lasts and call != illness.call:
            return OK  # a passing failure is of one kind of call
        self.failed += 1
        return FULL if illness.how == FULL_DISK else broken

    def _has_begun(self, illness: Illness) -> bool:
        calls = self.calls[illness.call]
        return calls >= illness.nth and (not illness.lasts or calls < illness.nth + illness.lasts)
