"""The journal without a disk: the same doors, nothing kept after the process ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from engine import memory
from engine.errors import JournalError
from engine.message import Event
from engine.recovery import Snapshots
from state.journal.chain import GENESIS
from state.journal.reader import Recovered


class MemoryJournal(memory.MemoryJournal):
    """Rows in a list. Only what was committed is there to recover from, as on a disk."""

    def __init__(self) -> None:
        super().__init__()
        self._snapshots: dict[str, tuple[int, Event]] = {}
        self._staged_snapshots: dict[str, tuple[int, Event]] = {}

    @property
    def durable_seq(self) -> int:
        return self.rows[self.committed - 1].seq if self.committed else 0

    def snapshots_from(self, source: Callable[[], Snapshots]) -> None:
        """A journal without files never begins a new one, so it never asks."""

    def write_snapshots(self, seq: int, snapshots: Iterable[tuple[str, Event]]) -> None:
        if seq > self.last_seq:
            raise JournalError(f"a snapshot of row {seq} was given before the row; the last one is {self.last_seq}")
        self._staged_snapshots.update({actor: (seq, event) for actor, event in snapshots})

    def commit(self) -> None:
        super().commit()
        self._snapshots.update(self._staged_snapshots)
        self._staged_snapshots = {}

    async def commit_async(self) -> None:
        self.commit()

    def recover(self) -> Recovered:
        """What a restart would find now."""
        durable = self.rows[: self.committed]
        first = min((seq for seq, _ in self._snapshots.values()), default=0) + 1
        rows = (row for row in durable if row.seq >= first)
        last = durable[-1] if durable else None
        return Recovered(dict(self._snapshots), rows, last.seq if last else 0, GENESIS, last.at_ns if last else 0)

    def crash(self) -> None:
        """Forget what a power cut would take: everything that was staged and not committed."""
        del self.rows[self.committed :]
        self.last_seq = self.durable_seq
        self._staged_snapshots = {}

    def close(self) -> None:
        """Commit what is staged."""
        self.commit()
