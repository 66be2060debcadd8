"""The errors of the runtime, one tree.

EngineError
├─ WiringError      the tree, a handler table or a reference is wrong: refused at start-up
├─ JournalError     the journal cannot be written or read: no journal, no trading
├─ Overflow         a lane that must never fill is full: safe stop
└─ Exhausted        a supervisor's restart budget is spent
"""

from __future__ import annotations

from typing import ClassVar


class EngineError(Exception):
    """Base: `code` is stable, the text says what happened, `next` what to do."""

    code: ClassVar[str] = "ENGINE"
    next: ClassVar[str] = "read the log around this moment"


class WiringError(EngineError):
    code = "WIRING"
    next = "mend the wiring; the engine does not start with it"


class JournalError(EngineError):
    code = "JOURNAL"
    next = "check the disk, then run the journal's verify command before the next start"


class Overflow(EngineError):
    code = "OVERFLOW"
    next = "report it with the log: a control lane must never fill"


class Exhausted(EngineError):
    code = "RESTARTS_SPENT"
    next = "read the dead letters for the traceback, mend the cause, start again"
