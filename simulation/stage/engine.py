"""One life of the engine on the stage: built, recovered, driven, and dropped when it dies."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from actors.assembly import Assembly
from actors.market_data import MarketData
from actors.reconciler import ReconcilePolicy
from engine.actor import Actor
from engine.clock import VirtualClock
from engine.drive import Source, VirtualDriver
from engine.kernel import Kernel
from engine.notices import Notice
from engine.recovery import restore
from engine.schedule import Scheduler
from model.decisions import Mode
from model.orders import VenueFact
from model.units import NS_PER_SECOND
from ports.simulated import SimulatedVenue
from simulation.exchange import Exchange
from simulation.stage.cuts import CutJournal, CutPort, Ear, Keeping, Request
from simulation.stage.script import Script
from simulation.stage.world import World
from state.journal import Recovered

COMPARISON = ReconcilePolicy(
    every_ns=300 * NS_PER_SECOND, settle_ns=5 * NS_PER_SECOND, overlap_ns=3_600 * NS_PER_SECOND,
    retry_ns=10 * NS_PER_SECOND, answer_within_ns=10 * NS_PER_SECOND,
)  # fmt: skip


class Life:
    """The production actors on the stage's clock, from one start to one crash."""

    def __init__(
        self, world: World, script: Script, exchange: Exchange, *, now_ns: int, journal: Keeping,
        recovered: Recovered, cut: Callable[[str], None], scheduler: Scheduler | None, snapshot_every_rows: int,
        noticed: Callable[[Notice], None], wire: list[Request],
        facts: list[tuple[int, VenueFact]], remind: Callable[[], None],
    ) -> None:  # fmt: skip
        self.clock = VirtualClock(now_ns)
        self.journal = CutJournal(journal, cut, snapshot_every_rows)
        self._durable = journal
        self._remind = remind
        self.kernel = Kernel(
            clock=self.clock, scheduler=scheduler, journal=self.journal, on_event=noticed, alarms_to="system",
            recover=self._rebuild,
        )  # fmt: skip
        assembly = Assembly(
            world.configuration, rolls=world.rolls, calendars=world.sessions, auto_trade=True, reconcile=COMPARISON,
            own=script.sleeve, watched=False,
        )  # fmt: skip
        self.kernel.host(assembly.tree())
        self.kernel.recover_from(recovered.rows, recovered.snapshots)
        self.journal.snapshots = lambda: {} if self.kernel.ready else self.kernel.snapshots()
        self.port = SimulatedVenue(exchange, outside=Ear(self.kernel, self.clock, facts), clock=self.clock)
        self.venue = CutPort(self.port, cut, journal, self.clock, wire)
        self.kernel.attach(self.venue)

    def _rebuild(self, actor: Actor) -> int:
        """Bring one crashed actor back from what is durable; market data is told its last bars again."""
        recovered = self._durable.recover()
        restore([actor], recovered.rows, recovered.snapshots)
        if isinstance(actor, MarketData):
            self._remind()
        return recovered.last_seq

    def begin(self, sources: Sequence[Source]) -> None:
        """Start the actors and open the session with the venue."""
        self.driver = VirtualDriver(self.kernel, (*sources, self.venue))
        self.kernel.start()
        self.port.connect()

    @property
    def mode(self) -> Mode:
        mode: Mode = self.kernel.actor("system").mode
        return mode
