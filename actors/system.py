"""The system's mode: down by itself, up by an operator's word or a written policy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.actor import Actor
from engine.effects import Effect, Effects, Journal, Ref, Tell
from engine.message import Event, Poisoned, Quarantined
from model.decisions import (
    Halt,
    InstrumentLocked,
    InstrumentReleased,
    Mode,
    ModeChanged,
    ModeEntered,
    ReduceOnly,
    Resume,
)
from model.execution import Alarm, LockInstrument, Reconciled, ReleaseInstrument
from model.orders import VenueDown, VenueUp
from state.system_law import SystemEvent, next_state

E = SystemEvent
SLEEVE = "sleeve."
LOW = (Mode.REDUCE_ONLY, Mode.HALTED)
TELLING = (Mode.TRADING, *LOW)
"""What a run ended in; the modes of starting and stopping say nothing about it."""


class SystemKept(Event, frozen=True, gc=False):
    """The system's snapshot."""

    mode: Mode
    ended_in: Mode
    locked: dict[str, str]


class System(Actor):
    """Own the mode. Every change is journalled first and told to everyone after.

    After a start the mode is RECONCILING until the reconciler has compared a complete snapshot without a break. With
    `auto_trade` trading then begins by itself, unless the last run ended lower: what was halted needs a person.
    """

    def __init__(
        self,
        *,
        listeners: Sequence[Ref[Any]],
        lock_listeners: Sequence[Ref[Any]] | None = None,
        auto_trade: bool = False,
    ) -> None:
        self.listeners = tuple(listeners)
        self.lock_listeners = tuple(lock_listeners or (Ref("risk"), Ref("orders")))
        self.auto_trade = auto_trade
        self.mode = Mode.BOOT
        self.ended_in = Mode.BOOT
        self.reconciled = False
        self.said = ""
        self.locked: dict[str, str] = {}

    def on_start(self) -> Effects:
        self.mode = Mode.BOOT
        self.reconciled = False
        self.said = ""
        effects = self._step(E.STARTED, "start", "system")
        now_ns = self.clock.now_ns
        for instrument, reason in self.locked.items():
            effects += [Tell(each, InstrumentLocked(instrument, reason, now_ns)) for each in self.lock_listeners]
        return effects

    def on_stop(self) -> Effects:
        return self._step(E.STOPPED, "the engine stops", "system")

    def _step(self, event: SystemEvent, reason: str, by: str) -> list[Effect]:
        was = self.mode
        outcome = next_state(was, event)
        self.mode = outcome.state
        effects: list[Effect] = []
        if outcome.moved:
            now_ns = self.clock.now_ns
            if self.mode in TELLING:
                self.ended_in = self.mode
            effects.append(Journal(ModeEntered(self.mode, was, reason, by, now_ns)))
            changed = ModeChanged(self.mode, reason)
            effects += [Tell(each, changed) for each in self.listeners]
        if outcome.refused or outcome.note.alarm:
            text = f"{event} in {was.value}: {outcome.note.text}; {reason}"
            effects.append(Journal(Alarm(f"MODE_{outcome.note.name}", was.value, text, self.clock.now_ns)))
        return effects

    # -- words

    def on_command(self, command: Halt | ReduceOnly | Resume) -> Effects:
        if isinstance(command, Halt):
            return self._step(E.HALTED, command.reason, command.by)
        if isinstance(command, ReduceOnly):
            return self._step(E.REDUCED, command.reason, command.by)
        if self.reconciled:
            return self._step(E.RESUMED, command.reason, command.by)
        return self._step(E.RESUMED_UNRECONCILED, command.reason, command.by)

    def on_link(self, link: VenueUp | VenueDown) -> Effects:
        """While the link is down the book may fall behind: an operator's word waits for a new comparison."""
        if isinstance(link, VenueUp):
            return None
        self.reconciled = False
        return [Journal(Alarm("LINK_DOWN", link.venue, link.reason, self.clock.now_ns))]

    def on_reconciled(self, row: Reconciled) -> Effects:
        if not row.complete:
            return self._step(E.SNAPSHOT_INCOMPLETE, row.why, "reconciler")
        self.reconciled = row.passed
        if not row.passed:
            return self._break_stands("; ".join(each.text for each in row.breaks)[:400])
        was, self.said = self.mode, ""
        effects = self._step(E.RECONCILED, row.id, "reconciler")
        if not self.auto_trade or was is not Mode.RECONCILING:
            return effects
        if self.ended_in in LOW:
            text = f"the last run ended in {self.ended_in.value}: resume when you have looked into it"
            return [*effects, Journal(Alarm("NEEDS_OPERATOR", self.ended_in.value, text, self.clock.now_ns))]
        return effects + self._step(E.AUTO_TRADE, "auto_trade", "policy")

    def _break_stands(self, texts: str) -> list[Effect]:
        """Say a break once in each mode: every comparison finds it again until a person has repaired it."""
        said = f"{self.mode.value}: {texts}"
        if said == self.said:
            return []
        self.said = said
        return self._step(E.BREAK_FOUND, texts, "reconciler")

    def on_lock(self, word: LockInstrument | ReleaseInstrument) -> Effects:
        now_ns = self.clock.now_ns
        row: InstrumentLocked | InstrumentReleased
        if isinstance(word, LockInstrument):
            if word.instrument in self.locked:
                return None
            self.locked[word.instrument] = word.reason
            row = InstrumentLocked(word.instrument, word.reason, now_ns)
        else:
            if self.locked.pop(word.instrument, None) is None:
                return None
            row = InstrumentReleased(word.instrument, word.by, word.reason, now_ns)
        return [Journal(row), *(Tell(each, row) for each in self.lock_listeners)]

    def on_engine_report(self, report: Poisoned | Quarantined) -> Effects:
        """What the runtime could not heal: a truth that nobody could take, an actor that fails for ever."""
        now_ns = self.clock.now_ns
        if isinstance(report, Quarantined):
            text = f"{report.actor} is quarantined"
            effects: list[Effect] = [Journal(Alarm("QUARANTINED", report.actor, text, now_ns))]
            return effects if report.actor.startswith(SLEEVE) else effects + self._step(E.HALTED, text, "engine")
        kind = type(report.message).__name__
        text = f"{report.actor} crashed twice on {kind}"
        effects = [Journal(Alarm("POISONED", report.actor, text, now_ns))]
        instrument = getattr(report.message, "instrument", "")
        if instrument:
            effects += self.on_lock(LockInstrument(instrument, text, "engine")) or []
        return effects + self._step(E.HALTED, text, "engine")

    # -- recovery

    def fold_mode(self, row: ModeEntered) -> None:
        self.mode = row.mode
        if row.mode in TELLING:
            self.ended_in = row.mode

    def fold_lock(self, row: InstrumentLocked | InstrumentReleased) -> None:
        if isinstance(row, InstrumentLocked):
            self.locked[row.instrument] = row.reason
        else:
            self.locked.pop(row.instrument, None)

    def snapshot(self) -> SystemKept:
        return SystemKept(self.mode, self.ended_in, dict(self.locked))

    def restore(self, snapshot: Event) -> None:
        assert isinstance(snapshot, SystemKept)
        self.mode, self.ended_in, self.locked = snapshot.mode, snapshot.ended_in, dict(snapshot.locked)
