"""The journal: every fact in order, durable before the world is touched, and impossible to change unseen."""

from state.journal.events import Events, RawEvent
from state.journal.folder import Rotation
from state.journal.memory import MemoryJournal
from state.journal.reader import Recovered, causes, export, journal_rows, recover, row_at
from state.journal.verify import Finding, VerifyReport, verify
from state.journal.writer import AsyncSqliteJournal, SqliteJournal

__all__ = [
    "AsyncSqliteJournal",
    "Events",
    "Finding",
    "MemoryJournal",
    "RawEvent",
    "Recovered",
    "Rotation",
    "SqliteJournal",
    "VerifyReport",
    "causes",
    "export",
    "journal_rows",
    "recover",
    "row_at",
    "verify",
]
