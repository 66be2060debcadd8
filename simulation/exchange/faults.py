"""What goes wrong on the wire, said in advance: the n-th message of a kind is dropped, delayed, doubled or swapped."""

from __future__ import annotations

import enum
from collections import Counter

import msgspec


class Harm(enum.Enum):
    """What happens to one message."""

    DROP = "drop"
    DELAY = "delay"
    DUPLICATE = "duplicate"
    SWAP = "swap"  # it arrives just after the next message that goes the same way
    TRUNCATE = "truncate"  # a snapshot loses its end markers: `complete` is False and its lists are empty


class Fault(msgspec.Struct, frozen=True):
    """`kind` is the class name of a message (`SubmitOrder`, `OrderAcked`, `Fill`, ...); `nth` counts from 1."""

    kind: str
    nth: int
    harm: Harm
    delay_ns: int = 0


class FaultPlan:
    """A list of faults. Counting starts with the plan: it is a test's tool and no part of the venue's record."""

    def __init__(self, *faults: Fault) -> None:
        self._faults = {(fault.kind, fault.nth): fault for fault in faults}
        if len(self._faults) != len(faults):
            raise ValueError("two faults name the same message; give each (kind, nth) once")
        self._seen: Counter[str] = Counter()
        self.happened: list[Fault] = []

    def next(self, kind: str, harm: Harm, delay_ns: int = 0) -> None:
        """Harm the next message of a kind that is not to be harmed already."""
        nth = self._seen[kind] + 1
        while (kind, nth) in self._faults:
            nth += 1
        self._faults[kind, nth] = Fault(kind, nth, harm, delay_ns)

    def relent(self) -> None:
        """Harm nothing more than what was harmed already."""
        self._faults.clear()

    def harm(self, kind: str) -> Fault | None:
        """The fault of the next message of this kind, if any; the message is counted."""
        self._seen[kind] += 1
        fault = self._faults.get((kind, self._seen[kind]))
        if fault is not None:
            self.happened.append(fault)
        return fault
