"""One life of the engine on the stage: built, recovered, driven, and dropped when it dies."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import NamedTuple

from actors.assembly import Assembly
from actors.market_data import MarketData
from actors.reconciler import ReconcilePolicy
from engine.actor import Actor
from engine.clock import Clock, VirtualClock
from engine.drive import Source, VirtualDriver
from engine.kernel import Kernel
from engine.notices import Notice
from engine.recovery import restore
from engine.schedule import Seeded
from model.decisions import Mode
from model.orders import VenueFact
from model.units import NS_PER_SECOND
from ports.simulated import SimulatedVenue
from simulation.exchange import Exchange
from simulation.stage.cuts import CommittingStore, CutAsyncJournal, CutJournal, CutPort, Ear, Request, Store
from simulation.stage.script import Script
from simulation.stage.world import World

COMPARISON = ReconcilePolicy(
    every_ns=300 * NS_PER_SECOND, settle_ns=5 * NS_PER_SECOND, overlap_ns=3_600 * NS_PER_SECOND,
    retry_ns=10 * NS_PER_SECOND, answer_within_ns=10 * NS_PER_SECOND,
)  # fmt: skip


class Around(NamedTuple):
    """What a life finds around it, and what outlives it.

    cut: hears of each boundary.  noticed: hears of the runtime.  wire, facts: what left for the venue and what it said.
    remind: has the last bars told again.
    """

    world: World
    script: Script
    exchange: Exchange
    seed: int
    cut: Callable[[str], None]
    snapshot_every_rows: int
    noticed: Callable[[Notice], None]
    wire: list[Request]
    facts: list[tuple[int, VenueFact]]
    remind: Callable[[], None]


class Life(ABC):
    """The production actors on the stage's clock, from one start to one crash."""

    kernel: Kernel
    port: SimulatedVenue

    def _build(self, around: Around, clock: Clock, store: Store, journal: CutJournal | CutAsyncJournal) -> CutPort:
        """Bring the actors together on what is durable."""
        recovered = store.recover()
        self._store = store
        self._remind = around.remind
        self.kernel = Kernel(
            clock=clock, scheduler=Seeded(around.seed), journal=journal, on_event=around.noticed, alarms_to="system",
            recover=self._rebuild,
        )  # fmt: skip
        world = around.world
        assembly = Assembly(
            world.configuration, rolls=world.rolls, calendars=world.sessions, auto_trade=True, reconcile=COMPARISON,
            own=around.script.sleeve, watched=False,
        )  # fmt: skip
        self.kernel.host(assembly.tree())
        self.kernel.recover_from(recovered.rows, recovered.snapshots)
        journal.snapshots = lambda: {} if self.kernel.ready else self.kernel.snapshots()
        self.port = SimulatedVenue(around.exchange, outside=Ear(self.kernel, clock, around.facts), clock=clock)
        return CutPort(self.port, around.cut, store, clock, around.wire)

    def _rebuild(self, actor: Actor) -> int:
        """Bring one crashed actor back from what is durable; market data is told its last bars again."""
        recovered = self._store.recover()
        restore([actor], recovered.rows, recovered.snapshots)
        if isinstance(actor, MarketData):
            self._remind()
        return recovered.last_seq

    @property
    @abstractmethod
    def now_ns(self) -> int:
        """The time on the process's clock."""

    @abstractmethod
    def begin(self, sources: Sequence[Source]) -> None:
        """Start the actors and open the session with the venue."""

    @abstractmethod
    def run(self, until_ns: int, stop: Callable[[], bool] | None = None) -> None:
        """Let everything happen up to a moment; `stop` is asked after each step. Raises what ended the engine."""

    @abstractmethod
    def jump(self, to_ns: int) -> None:
        """Time passed while the process stood still."""

    @abstractmethod
    def go_down(self) -> None:
        """What SIGTERM does: every actor says its last effects, and they become durable."""

    @abstractmethod
    def bury(self) -> None:
        """The process is dead; whatever is left of it reaches nothing any more."""

    @property
    def mode(self) -> Mode:
        mode: Mode = self.kernel.actor("system").mode
        return mode


class KernelLife(Life):
    """The kernel alone, without an event loop, at some thousand times the speed of life."""

    def __init__(self, around: Around, store: CommittingStore, now_ns: int) -> None:
        self.clock = VirtualClock(now_ns)
        journal = CutJournal(store, around.cut, around.snapshot_every_rows)
        self._venue = self._build(around, self.clock, store, journal)
        self.kernel.attach(self._venue)

    def begin(self, sources: Sequence[Source]) -> None:
        self._driver = VirtualDriver(self.kernel, (*sources, self._venue))
        self.kernel.start()
        self.port.connect()

    @property
    def now_ns(self) -> int:
        return self.clock.now_ns

    def run(self, until_ns: int, stop: Callable[[], bool] | None = None) -> None:
        self._driver.run(until_ns, stop=stop)

    def jump(self, to_ns: int) -> None:
        self.clock.advance(to_ns)

    def go_down(self) -> None:
        self.kernel.drain([cell.actor for cell in self.kernel.status().cells])
        self._driver.settle()

    def bury(self) -> None:
        self.kernel.dismantle()
        for part in (self.port, self._venue, self._driver, self):
            vars(part).clear()
