"""Going on after a restart: at once when only this actor was rebuilt, after a comparison when the process was."""

from __future__ import annotations

from engine.clock import Clock
from engine.effects import Effect, SetTimer
from engine.message import Message
from model.decisions import Mode

PLACING_MODES = (Mode.TRADING, Mode.REDUCE_ONLY)
RESUME_AFTER_S = 1


class ResumeDue(Message, frozen=True, gc=False):
    """If the mode is still one that places, nobody restarted but this actor."""


class Resuming:
    """Says once after a start when to go on.

    A new process is told RECONCILING before its timer is due, and then waits for the mode that lets it place. An actor
    that alone was rebuilt is told nothing: the mode it read from the journal still stands.
    """

    __slots__ = ("due", "mode")

    def __init__(self) -> None:
        self.due = False
        self.mode = Mode.BOOT

    def started(self, clock: Clock) -> list[Effect]:
        """There is something to go on with."""
        self.due = True
        return [SetTimer("resume", clock.after(RESUME_AFTER_S), ResumeDue())]

    def may_now(self) -> bool:
        """True once, in a mode that places."""
        if not self.due or self.mode not in PLACING_MODES:
            return False
        self.due = False
        return True
