"""The errors of the runtime, one tree.

EngineError
├─ WiringError      the tree, a handler table or a reference is wrong: refused at start-up
├─ JournalError     the journal cannot be written or read: no journal, no trading
│  └─ NoJournalError  there is none where one was looked for
├─ Overflow         a lane that must never fill is full: safe stop
├─ Exhausted        a supervisor's restart budget is spent
├─ Fatal            a port that the engine cannot live without has failed for good
├─ Diverged         a replay no longer does what the recording did
└─ Illegal          a lifecycle was asked for a step that its table does not have
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


class NoJournalError(JournalError):
    """There is none where one was looked for; no disk is to blame."""

    code = "NO_JOURNAL"
    next = "name the folder of an engine, or begin one with `hedgerow run` or `hedgerow replay`"


class Overflow(EngineError):  # noqa: N818
    code = "OVERFLOW"
    next = "report it with the log: a control lane must never fill"


class Exhausted(EngineError):  # noqa: N818
    code = "RESTARTS_SPENT"
    next = "read the dead letters for the traceback, mend the cause, start again"


class Fatal(EngineError):  # noqa: N818
    code = "PORT_LOST"
    next = "mend what the port connects to, then start again"


class Diverged(EngineError):  # noqa: N818
    code = "DIVERGED"
    next = "compare code and inputs with those of the recording"


class Illegal(EngineError):  # noqa: N818
    code = "LIFECYCLE"
    next = "report it with the log: an actor was moved through a step that does not exist"
