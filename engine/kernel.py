"""The kernel: one ready queue, all actors, and the rule that nothing leaves before it is durable."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from engine import wiring
from engine.cell import Cell, CellStatus
from engine.clock import Clock, RunningClock
from engine.deadletters import DeadLetter, DeadLetters, Reason
from engine.effects import Ref
from engine.errors import EngineError, Overflow, WiringError
from engine.lifecycle import State, Step
from engine.mailbox import FULL, Mailbox, make_inlet
from engine.memory import MemoryJournal
from engine.message import Event, Message, Request, Told
from engine.notices import Happened, Listener, Notice
from engine.outbox import Outbox
from engine.perform import Performer
from engine.ports import AsyncJournalWriter, JournalWriter, Port, Row
from engine.recovery import Recover, Snapshots, fold, restore
from engine.runloop import MANY, Run, make_door, make_run
from engine.schedule import SLICE_MESSAGES, Fair, Scheduler
from engine.supervise import Branch, leaves
from engine.timers import NEVER, Timers
from engine.ward import Wards

SLICE_NS = 2_000_000
SLOW_NS = 50_000_000
SHUT = {State.QUARANTINED: Reason.QUARANTINED, State.STOPPED: Reason.STOPPED}


class KernelStatus(msgspec.Struct, frozen=True):
    """Counters since the start; `waiting` is port messages that wait for a commit."""

    turns: int
    messages: int
    dead_letters: int
    slow_handlers: int
    last_seq: int
    durable_seq: int
    waiting: int
    intake_paused: bool
    cells: tuple[CellStatus, ...]


class Kernel:
    """Runs every actor of one tree. Not for use from more than one thread.

    clock: refreshed before each message unless it is virtual.  scheduler: None is fair.
    journal: None is a journal in memory.  on_event: hears of crashes, restarts, dead letters and the like.
    recover: brings a freshly built actor back from snapshot and journal; it returns the last seq that it used, or None
    for "all that is durable". Without it an actor that has state to recover cannot be restarted, except from a journal
    in memory.  alarms_to: the actor that is told `Poisoned` and `Quarantined`.
    """

    def __init__(
        self, *, clock: Clock, scheduler: Scheduler | None = None,
        journal: JournalWriter | AsyncJournalWriter | None = None, on_event: Listener | None = None,
        recover: Recover | None = None, alarms_to: str = "", dead_letters: DeadLetters | None = None,
    ) -> None:  # fmt: skip
        self.clock = clock
        self.dead_letters = DeadLetters() if dead_letters is None else dead_letters
        self.notify: Listener = on_event or (lambda notice: None)
        self.waker: Callable[[], None] | None = None  # set by a host that sleeps; called once per sleep
        self.current: Cell | None = None  # whose handler runs now, and since when: for a watchdog
        self.turns = 0
        self.share = SLICE_MESSAGES
        self.live = isinstance(clock, RunningClock)
        self._slice_ns = int(SLICE_NS * clock.pace)
        self.scheduler = None if scheduler is None or type(scheduler) is Fair else scheduler
        self.outbox = Outbox(journal or MemoryJournal(), self._undelivered)
        self._recover = recover or _from_memory(self.outbox.journal)
        self._alarms_to = alarms_to
        self.ready: collections.deque[Cell] = collections.deque()
        self._cells: dict[str, Cell] = {}
        self._ports: dict[str, Port] = {}
        self._given: list[Ref[Any]] = []
        self.swollen: list[Cell] = []
        self._performer = Performer(self, clock, self._cells, self._ports, self.dead_letters, self.outbox)
        self._wards: Wards
        self.run: Run  # the innermost loop, for drivers
        self._started = False

    # -- building

    def host(self, tree: Branch) -> None:
        """Build every actor of the tree. Once; nothing runs yet."""
        if self._cells:
            raise WiringError("a kernel hosts one tree")
        for child in leaves(tree):
            cell = self._cells[child.name] = Cell(child, self, self.ready)
            cell.adopt(child.build())
        self._wards = Wards(
            tree, self._cells, self.clock, self._performer, self.dead_letters, self._notified, self._recover,
            self._alarms_to,
        )  # fmt: skip
        self.run = make_run(self, self._performer.perform, self._wards)

    def attach(self, port: Port) -> None:
        """Let actors send to this port by its name."""
        if port.name in self._ports:
            raise WiringError(f"two ports are named {port.name!r}")
        self._ports[port.name] = port

    def ref(self, name: str) -> Ref[Any]:
        """A reference to an actor; it must exist when the kernel starts."""
        made: Ref[Any] = Ref(name)
        made.cell = self._cells.get(name)
        if made.cell is None:
            if self._started:
                raise WiringError(f"there is no actor {name!r}")
            self._given.append(made)
        return made

    def actor(self, name: str) -> Any:
        """The actor that lives under this name now. For tests and status pages; a restart replaces it."""
        return self._cells[name].actor

    def recover_from(self, rows: Iterable[Row], snapshots: Snapshots | None = None) -> int:
        """Bring all actors back in one pass over the journal, before the start; returns the last seq seen."""
        actors = [cell.actor for cell in self._cells.values() if cell.actor is not None]
        self._wards.recovered.update(actor.name for actor in actors)
        return restore(actors, rows, snapshots)

    def start(self, names: Iterable[str] | None = None) -> None:
        """Check the wiring, then recover and start these actors (all of them when None) in tree order."""
        if not self._started:
            if not self._cells:
                raise WiringError("host a tree before the start")
            wiring.check(self._cells, self._given)
            self._started = True
        chosen = None if names is None else set(names)
        for cell in self._cells.values():
            if cell.state is State.NEW and (chosen is None or cell.name in chosen):
                cell.step(Step.START)
                self._wards.begin(cell)
        self._nudge()

    def _nudge(self) -> None:
        """Somebody acted outside a turn: a sleeping host must look."""
        if self.waker is not None:
            self.waker()

    # -- messages from outside

    def tell(self, to: str | Ref[Any], message: Message, cause: int = 0, sender: str = "") -> Told:
        """Put a message into an actor's mailbox. For ports, drivers and tests; actors yield `Tell`."""
        cell = self._cells.get(to) if type(to) is str else to.cell  # type: ignore[union-attr]
        if cell is None or cell.home is not self:
            cell = None if isinstance(to, str) else self._performer.cell_of(to)
            if cell is None:
                self._performer.nobody(sender, to if isinstance(to, str) else to.name, message)
                return FULL
        put = cell.put
        return put(message, cause, sender)

    def inlet(self, to: str | Ref[Any]) -> Callable[[Message], Told]:
        """`tell` for one actor and a fast feed: the name is looked up once."""
        return make_inlet(self._known(to))

    def door(self, to: str | Ref[Any]) -> Callable[[Message], Told]:
        """An inlet for a source on virtual time: while all is quiet its message is handled before it returns."""
        return make_door(self, self._known(to), self._performer.perform, self._wards)

    def _known(self, to: str | Ref[Any]) -> Cell:
        cell = self._cells.get(to) if isinstance(to, str) else self._performer.cell_of(to)
        if cell is None:
            raise WiringError(f"there is no actor {to!r}")
        return cell

    def ask(
        self, to: str | Ref[Any], request: Request, deadline_ns: int, answered: Callable[[Message], None]
    ) -> Callable[[], None]:
        """Ask for somebody outside: `answered` hears `Replied` or `Expired` once. Returns how to stop listening.

        Raises EngineError when the request is not taken.
        """
        cell = self._known(to)
        told, name = self._performer.ask_from_outside(cell, request, deadline_ns, answered)
        if told is FULL:
            raise EngineError(f"{cell.name} does not take {type(request).__name__} now")
        return lambda: self._performer.forget_caller(name)

    # -- running

    def turn(self) -> bool:
        """At most 64 messages or 2 ms. True if work remains."""
        if not self._started:
            self.start()
        self.turns += 1
        if self.live:
            self.clock.refresh()
            started_ns = self.clock.now_ns
            last = self.run(SLICE_MESSAGES, started_ns + self._slice_ns)
            self.clock.refresh()
            took_ns = self.clock.real_ns(self.clock.now_ns - started_ns)
            if took_ns > SLOW_NS and last is not None:
                self._slow(last, took_ns)
        else:
            self.run(SLICE_MESSAGES, NEVER)
        self.current = None
        if self.outbox.waiting:
            self.outbox.release(self.outbox.durable_seq)
        return bool(self.ready)

    def settle(self) -> bool:
        """Run until no actor is ready. True if nothing is left to do: no row to commit, no port message that waits."""
        if not self._started:
            self.start()
        while self.ready:
            self.turns += 1
            self.run(MANY, NEVER)
        self.current = None
        return not self.outbox.busy

    def _slow(self, message: Message, took_ns: int) -> None:
        """The last handler of a turn held everybody up: a turn ends 2 ms after its start, or with the handler then."""
        if self.current is not None:
            self.current.slow += 1
            text = f"{type(message).__name__} took {took_ns // 1_000_000} ms"
            self.notify(Notice(Happened.SLOW, self.current.name, text))

    def pick(self) -> Cell:
        """Ask the scheduler for the next actor and its share."""
        assert self.scheduler is not None
        index, self.share = self.scheduler.pick(self.ready)
        cell = self.ready[index]
        del self.ready[index]
        return cell

    def afterwards(self, cell: Cell, took: int) -> None:
        """What a slice may have left to do besides its messages."""
        if not cell.queued and (
            cell.control or cell.truth or cell.work
        ):  # its share was used up: it stands at the end of the queue again
            cell.mark(self.clock.now_ns)
            cell.queued = True
            self.ready.append(cell)
        if self.scheduler is not None:
            self.scheduler.picked(cell.name, took)
        if self.swollen:
            self._deflate()
        outbox = self.outbox
        if outbox.waiting and outbox.waiting[0][0] <= outbox.durable_seq:
            outbox.release(outbox.durable_seq)

    # -- durability and time

    @property
    def timers(self) -> Timers:
        """What is set and when the soonest is due."""
        return self._performer.timers

    @property
    def staged(self) -> list[Row]:
        """Rows that the journal has not been given yet."""
        return self.outbox.staged

    def hand_over(self) -> int:
        """Give the staged rows to the journal; returns the last seq it has. Follow with its commit and `release`."""
        return self.outbox.hand_over()

    def release(self, durable_seq: int | None = None) -> int:
        """Rows up to `durable_seq` (None: all that were handed over) are on disk: deliver what waited for them."""
        seq = self.outbox.handed_seq if durable_seq is None else durable_seq
        return self.outbox.release(seq)

    def commit(self) -> int:
        """Hand over, commit and release, for journals that commit at once; returns how many port messages went out."""
        return self.outbox.commit()

    @property
    def quiet(self) -> bool:
        """No actor is ready, no row is on its way to the disk, no port message waits."""
        outbox = self.outbox
        return not (self.ready or outbox.staged or outbox.handed or outbox.waiting)

    def fire_timers(self) -> int:
        """Tell the owners of all that is due at `clock.now_ns`; returns how many."""
        return self._performer.timers.fire(self.clock.now_ns)

    # -- lives

    def drain(self, names: Iterable[str]) -> None:
        """Let these actors say their last effects (`on_stop`); they still take messages until `stop`."""
        for name in names:
            self._wards.drain(self._cells[name])
        self._nudge()

    def stop(self, names: Iterable[str]) -> None:
        """End drained actors: what they had not read, and what still comes, are dead letters."""
        for name in names:
            if self._cells[name].state is State.DRAINING:
                self._cells[name].step(Step.STOP)
                self._wards.shut(self._cells[name], Reason.STOPPED)

    def set_degraded(self, name: str, degraded: bool) -> None:
        """Mark an actor as running on stale or missing input, or as well again."""
        cell = self._cells[name]
        if degraded is not (cell.state is State.DEGRADED):
            cell.step(Step.DEGRADE if degraded else Step.HEAL)

    def release_quarantine(self, name: str) -> None:
        """Rebuild a quarantined actor; only an operator's command should do this."""
        self._wards.release(name)

    def fail(self, error: EngineError) -> None:
        """Ask the host for a safe stop."""
        self._wards.fail(error)

    def dismantle(self) -> None:
        """Come apart, for whoever makes thousands: a kernel is a knot that otherwise only the collector undoes."""
        for cell in self._cells.values():
            cell.dismantle()
        for part in (self._wards, self._performer, self.outbox, self):
            vars(part).clear()

    @property
    def fatal(self) -> EngineError | None:
        """Why the engine must stop, or None."""
        return self._wards.fatal

    @property
    def halt_asked(self) -> bool:
        """A truth message was poison: nothing may be traded until somebody has looked."""
        return self._wards.halt_asked

    @property
    def intake_paused(self) -> bool:
        """A truth lane is over its soft bound: sources hold back until it is half empty."""
        return bool(self.swollen)

    def snapshots(self) -> dict[str, tuple[int, Event]]:
        """(last seq, state) of every running actor that gives snapshots."""
        given = {}
        for cell in self._cells.values():
            state = cell.actor.snapshot() if cell.takes_turns and cell.actor is not None else None
            if state is not None:
                given[cell.name] = (self.outbox.last_seq, state)
        return given

    def status(self) -> KernelStatus:
        cells = tuple(cell.status(self.clock.now_ns) for cell in self._cells.values())
        return KernelStatus(
            turns=self.turns, messages=sum(cell.handled for cell in cells), dead_letters=self.dead_letters.total,
            slow_handlers=sum(cell.slow for cell in cells), last_seq=self.outbox.last_seq,
            durable_seq=self.outbox.durable_seq, waiting=len(self.outbox.waiting), intake_paused=self.intake_paused,
            cells=cells,
        )  # fmt: skip

    # -- what mailboxes and ports report (see engine.mailbox.Desk)

    def unwelcome(self, box: Mailbox, message: Message, sender: str) -> Told:
        """A mailbox has no place for this type: no handler, or the actor is shut out or stopped."""
        assert isinstance(box, Cell)
        reason = SHUT.get(box.state, Reason.NO_HANDLER)
        self.dead_letters.add(DeadLetter(self.clock.now_ns, box.name, sender, reason, message))
        return FULL

    def overflowed(self, box: Mailbox, message: Message, sender: str) -> Told:
        """A lane that must never fill is full: the message is kept as a dead letter, and the engine stops."""
        assert isinstance(box, Cell)
        self.dead_letters.add(DeadLetter(self.clock.now_ns, box.name, sender, Reason.OVERFLOW, message))
        kind = type(message)
        self.fail(Overflow(f"{box.name} holds {kind.bound} unread {kind.__name__}"))
        return FULL

    def swelled(self, box: Mailbox, message: Message) -> None:
        """A lane passed its soft bound."""
        assert isinstance(box, Cell)
        if box not in self.swollen:
            self.swollen.append(box)
            self.notify(Notice(Happened.INTAKE_PAUSED, box.name, f"over {message.bound} {type(message).__name__}"))

    def _deflate(self) -> None:
        for cell in [cell for cell in self.swollen if cell.shrink()]:
            self.swollen.remove(cell)
            self.notify(Notice(Happened.INTAKE_RESUMED, cell.name))

    def _notified(self, notice: Notice) -> None:
        self.notify(notice)

    def _undelivered(self, sender: Cell, port: Port, message: Message, cause: int, traceback: str) -> None:
        """A port refused a message, or raised over it: its sender is told."""
        if traceback:
            letter = DeadLetter(self.clock.now_ns, port.name, sender.name, Reason.PORT, message, 0, traceback)
            self.dead_letters.add(letter)
            self.notify(Notice(Happened.PORT_FAILED, port.name, traceback))
        self._performer.refuse(sender, port.name, message, cause, raised=bool(traceback))


def _from_memory(journal: object) -> Recover | None:
    """How to recover from a journal in memory; None for others."""
    return (lambda actor: fold(actor, journal.rows)) if isinstance(journal, MemoryJournal) else None
