"""The commit is the permission: rows on their way to the journal, and port messages that wait for them."""

from __future__ import annotations

import collections
import traceback
from collections.abc import Callable
from typing import Any

from engine.errors import JournalError
from engine.message import Event, Message, Told
from engine.ports import AsyncJournalWriter, JournalWriter, Port, Row


class Outbox:
    """Numbers rows, and lets a port message go when every row staged before it is durable."""

    def __init__(
        self, journal: JournalWriter | AsyncJournalWriter, undelivered: Callable[[Any, Port, Message, int, str], None]
    ) -> None:
        self.journal = journal
        self.staged: list[Row] = []  # not yet given to the journal
        self.handed: list[Row] = []  # given to the journal, not yet known to be durable
        self.last_seq = self.durable_seq = journal.last_seq
        self.waiting: collections.deque[tuple[int, Port, Message, int, Any]] = collections.deque()
        self.busy = False  # something is staged, handed over or waiting
        self._undelivered = undelivered

    def stage(self, at_ns: int, actor: str, cause: int, event: Event) -> int:
        """Number a fact; returns its seq."""
        self.busy = True
        self.last_seq = seq = self.last_seq + 1
        self.staged.append(Row(seq, at_ns, actor, cause, event))
        return seq

    def post(self, port: Port, message: Message, cause: int, sender: Any) -> None:
        """Hand `message` to the port once all rows staged so far are durable."""
        self.busy = True
        self.waiting.append((self.last_seq, port, message, cause, sender))

    def hand_over(self) -> int:
        """Give the staged rows to the journal; returns the last seq it now has."""
        if self.staged:
            rows, self.staged = self.staged, []
            self.handed.extend(rows)
            self.journal.stage(rows)
        return self.handed_seq

    @property
    def handed_seq(self) -> int:
        return self.handed[-1].seq if self.handed else self.durable_seq

    def commit(self) -> int:
        """Make all staged rows durable, then deliver what waited for them; returns how many messages."""
        if self.staged or self.handed:
            seq = self.hand_over()
            commit = getattr(self.journal, "commit", None)
            if commit is None:
                raise JournalError("this journal commits only under an async host")
            commit()
            return self.release(seq)
        return self.release(self.durable_seq)

    def release(self, durable_seq: int) -> int:
        """Rows up to `durable_seq` are on disk: deliver in order what waited for them; returns how many messages."""
        if durable_seq > self.durable_seq:
            self.durable_seq = durable_seq
            self.handed = [row for row in self.handed if row.seq > durable_seq]
        waiting = self.waiting
        delivered = 0
        while waiting and waiting[0][0] <= self.durable_seq:
            _, port, message, cause, sender = waiting.popleft()
            delivered += 1
            try:
                told = port.deliver(message, cause)
            except Exception:
                self._undelivered(sender, port, message, cause, traceback.format_exc())
            else:
                if told is Told.FULL:
                    self._undelivered(sender, port, message, cause, "")
        self.busy = bool(self.staged or self.handed or waiting)
        return delivered

    @property
    def pending(self) -> list[Row]:
        """Rows that are not yet known to be durable."""
        return self.handed + self.staged
