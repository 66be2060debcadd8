"""Where messages go that nobody took: kept for a while, counted for ever."""

from __future__ import annotations

import collections
import enum
from collections.abc import Callable, Iterator

import msgspec

from engine.message import Message


class Reason(enum.Enum):
    """Why a message was not handled."""

    CRASH = "crash"  # its handler raised
    POISON = "poison"  # its handler raised again on the rebuilt actor
    NO_HANDLER = "no handler"
    NOBODY = "nobody"  # no actor or port of that name
    QUARANTINED = "quarantined"
    STOPPED = "stopped"
    LATE_REPLY = "late reply"
    OVERFLOW = "overflow"
    PORT = "port"  # the port raised while it was handed the message


class DeadLetter(msgspec.Struct, frozen=True, gc=False):
    """One undelivered message. `age_ns` is how long it had waited, as far as its mailbox knows."""

    at_ns: int
    to: str
    sender: str
    reason: Reason
    message: Message
    age_ns: int = 0
    traceback: str = ""


class DeadLetters:
    """The last `capacity` dead letters, oldest first, and a count of every one by reason."""

    def __init__(self, capacity: int = 1_000, heard: Callable[[DeadLetter], None] | None = None) -> None:
        self._letters: collections.deque[DeadLetter] = collections.deque(maxlen=capacity)
        self._heard = heard
        self.counts: dict[Reason, int] = dict.fromkeys(Reason, 0)

    def add(self, letter: DeadLetter) -> None:
        self.counts[letter.reason] += 1
        self._letters.append(letter)
        if self._heard is not None:
            self._heard(letter)

    @property
    def total(self) -> int:
        """Every dead letter since the start, forgotten ones included."""
        return sum(self.counts.values())

    def __len__(self) -> int:
        return len(self._letters)

    def __iter__(self) -> Iterator[DeadLetter]:
        return iter(self._letters)
