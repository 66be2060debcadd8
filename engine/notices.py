"""What the runtime says about itself to logs, status pages and the host: one small struct, one listener."""

from __future__ import annotations

import enum
from collections.abc import Callable

import msgspec


class Happened(enum.Enum):
    """The kinds of notice."""

    CRASHED = "crashed"
    RESTARTED = "restarted"
    QUARANTINED = "quarantined"
    RELEASED = "released"
    POISONED = "poisoned"
    HALT = "halt"  # the engine must halt: whoever owns the modes does it
    SAFE_STOP = "safe stop"
    DEAD_LETTER = "dead letter"
    SLOW = "slow handler"
    INTAKE_PAUSED = "intake paused"
    INTAKE_RESUMED = "intake resumed"
    PORT_FAILED = "port failed"
    PORT_RESTARTED = "port restarted"
    STAGE = "stage"  # a stage of start or stop begins
    STAGE_LATE = "stage late"  # a stage of stop ran out of its budget


class Notice(msgspec.Struct, frozen=True):
    """Something worth a log line. `who` is an actor, a port or a stage."""

    happened: Happened
    who: str
    text: str = ""


Listener = Callable[[Notice], None]
