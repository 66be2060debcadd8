"""What happens to actors that crash: dead letter, rebuild, one replay of truth, quarantine, safe stop."""

from __future__ import annotations

import traceback

from engine.actor import Actor
from engine.cell import Cell
from engine.clock import Clock
from engine.deadletters import DeadLetter, DeadLetters, Reason
from engine.errors import EngineError, Illegal, JournalError
from engine.lifecycle import State, Step
from engine.message import Lane, Message, Poisoned, Quarantined
from engine.notices import Happened, Listener, Notice
from engine.perform import Performer
from engine.recovery import Recover, fold
from engine.supervise import Branch, Child, Supervisor

NEVER_REBUILT = frozenset({State.NEW, State.STOPPED, State.QUARANTINED})


class Wards:
    """Carries out what the supervisor decides. `alarms_to` names the actor that is told Poisoned and Quarantined."""

    def __init__(
        self, tree: Branch, cells: dict[str, Cell], clock: Clock, performer: Performer, dead: DeadLetters,
        notify: Listener, recover: Recover | None, alarms_to: str,
    ) -> None:  # fmt: skip
        self._cells = cells
        self._clock = clock
        self._performer = performer
        self._dead = dead
        self._notify = notify
        self._recover = recover
        self._alarms_to = alarms_to
        self._supervisor = Supervisor(tree, self)
        self.recovered: set[str] = set()  # brought back by the caller: `begin` need not
        self._fatal: EngineError | None = None
        self.halt_asked = False

    def begin(self, cell: Cell) -> None:
        """Build, recover and start an actor for the first time; a crash here is judged like any other."""
        try:
            self._raise_up(cell)
        except Exception as crash:
            self.fell_in_rebuild(cell.child, crash)
            if self.fatal is None:
                self._supervisor.revive(cell.name, self._clock.now_ns)
        else:
            cell.open()

    def _raise_up(self, cell: Cell) -> None:
        """From STARTING or RESTARTING to RUNNING."""
        actor = cell.actor
        if actor is None:
            actor = cell.child.build()
            cell.adopt(actor)
        actor.clock = self._clock
        cell.step(Step.BUILT)
        if self._recover is not None and cell.name not in self.recovered:
            durable = self._recover(actor)
            outbox = self._performer.outbox
            fold(actor, outbox.pending, outbox.durable_seq if durable is None else durable)
        self.recovered.discard(cell.name)
        cell.step(Step.RECOVERED)
        self._performer.perform(cell, actor.on_start(), 0)

    def rebuild(self, child: Child) -> None:
        """A new actor in the same cell: its unread messages stay, its timers and asks are forgotten."""
        cell = self._cells[child.name]
        if cell.state in NEVER_REBUILT:
            return
        if child.before_restart is not None:
            self._tell_first(*child.before_restart)
        cell.step(Step.RESTART)
        self._revive(cell)

    def _revive(self, cell: Cell) -> None:
        self._performer.timers.cancel_all(cell.name)
        if self._recover is None and cell.actor is not None and _remembers(cell.actor):
            raise EngineError(f"{cell.name} cannot be rebuilt: the kernel was given no `recover` for its state")
        cell.actor = None
        self._raise_up(cell)
        cell.restarts += 1
        if cell not in cell.ready:
            cell.open()
        self._notify(Notice(Happened.RESTARTED, cell.name))

    def _tell_first(self, name: str, message: Message) -> None:
        """Have a message handled before anything is rebuilt."""
        other = self._cells[name]
        if other.takes_turns and type(message) in other.table:
            try:
                self._performer.perform(other, other.table[type(message)](message), 0)
            except Exception as crash:
                self._bury(other, message, "supervisor", crash, Reason.CRASH)
                self.fail(EngineError(f"{name} could not take {type(message).__name__} before a restart"))
        else:
            other.put(message, 0, "supervisor")

    def fell(self, cell: Cell, message: Message, cause: int, sender: str, crash: Exception) -> None:
        """A handler raised: bury the message, revive the actor, and replay a truth message once."""
        self._bury(cell, message, sender, crash, Reason.CRASH)
        self._crash_and_revive(cell)
        if message.lane is not Lane.TRUTH or not cell.takes_turns:
            return
        try:
            self._performer.perform(cell, cell.table[type(message)](message), cause)
        except Exception as again:
            self._bury(cell, message, sender, again, Reason.POISON)
            self._alarm(Happened.POISONED, cell.name, Poisoned(cell.name, message))
            self.halt_asked = True
            self._notify(Notice(Happened.HALT, cell.name, f"{type(message).__name__} crashed it twice"))
            self._crash_and_revive(cell)

    def _crash_and_revive(self, cell: Cell) -> None:
        self._bench(cell)
        cell.step(Step.CRASH)
        self._supervisor.revive(cell.name, self._clock.now_ns)

    def _bury(self, cell: Cell, message: Message, sender: str, crash: Exception, reason: Reason) -> None:
        now_ns = self._clock.now_ns
        text = "".join(traceback.format_exception(crash))
        self._dead.add(DeadLetter(now_ns, cell.name, sender, reason, message, cell.age_ns(now_ns), text))
        self._notify(Notice(Happened.CRASHED, cell.name, text))

    def fell_in_rebuild(self, child: Child, crash: Exception) -> None:
        """An actor raised while it was built, recovered or started. A journal that cannot be read ends the engine."""
        cell = self._cells[child.name]
        self._bench(cell)
        cell.step(Step.CRASH)
        self._notify(Notice(Happened.CRASHED, child.name, "".join(traceback.format_exception(crash))))
        if isinstance(crash, JournalError):
            self.fail(crash)

    def quarantine(self, child: Child) -> None:
        """Shut an actor out: what it had not read and what comes are dead letters, its timers are forgotten."""
        cell = self._cells[child.name]
        if cell.state in NEVER_REBUILT:
            return
        if cell.state is not State.FAILED:
            cell.step(Step.CRASH)
        cell.step(Step.QUARANTINE)
        self.shut(cell, Reason.QUARANTINED)
        self._alarm(Happened.QUARANTINED, cell.name, Quarantined(cell.name))

    def drain(self, cell: Cell) -> None:
        """Let an actor say its last effects. One that raises here has none; it is not rebuilt to die."""
        if cell.state not in (State.RUNNING, State.DEGRADED) or cell.actor is None:
            return
        cell.step(Step.DRAIN)
        try:
            self._performer.perform(cell, cell.actor.on_stop(), 0)
        except Exception as crash:
            self._notify(Notice(Happened.CRASHED, cell.name, "".join(traceback.format_exception(crash))))

    def shut(self, cell: Cell, reason: Reason) -> None:
        """Let a cell take nothing more, and bury what it had not read."""
        self._bench(cell)
        self._performer.timers.cancel_all(cell.name)
        now_ns = self._clock.now_ns
        age_ns = cell.age_ns(now_ns)
        for message, sender in cell.shut():
            self._dead.add(DeadLetter(now_ns, cell.name, sender, reason, message, age_ns))

    def release(self, name: str) -> None:
        """End a quarantine: rebuild the actor with a fresh budget."""
        cell = self._cells[name]
        if cell.state is not State.QUARANTINED:
            raise Illegal(f"{name} is {cell.state.value}, not quarantined")
        cell.step(Step.RESTART)
        self._supervisor.forgive(name)
        self._notify(Notice(Happened.RELEASED, name))
        try:
            self._revive(cell)
        except Exception as crash:
            self.fell_in_rebuild(cell.child, crash)
            self._supervisor.revive(name, self._clock.now_ns)

    def _alarm(self, happened: Happened, who: str, message: Message) -> None:
        self._notify(Notice(happened, who))
        owner = self._cells.get(self._alarms_to)
        if owner is not None and owner.name != who:
            owner.put(message, 0, "supervisor")

    @property
    def fatal(self) -> EngineError | None:
        """Why the engine must stop."""
        return self._fatal

    def fail(self, error: EngineError) -> None:
        """Ask for a safe stop; the first reason is kept."""
        if self._fatal is None:
            self._fatal = error
            self._performer.outbox.busy = True  # a driver looks for the reason
            self._notify(Notice(Happened.SAFE_STOP, "engine", str(error)))

    @staticmethod
    def _bench(cell: Cell) -> None:
        """Take a cell out of the ready queue until it is opened again."""
        if cell in cell.ready:
            cell.ready.remove(cell)
        cell.queued = True


def _remembers(actor: Actor) -> bool:
    """Has state that only the journal can bring back."""
    return bool(actor.folds) or type(actor).snapshot is not Actor.snapshot
