"""One engine process on a venue outside of it: the real clock, a socket, and prices that nobody recorded before."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from actors.market_data import MarketData
from actors.reconciler import ReconcilePolicy
from app.process import EngineProcess, Wanted
from app.watched_journal import WatchedJournal
from config.loader import Configuration
from config.settings import ProcessVenue
from engine.actor import Actor
from engine.clock import Clock, LiveClock
from engine.host import Host
from engine.port_supervisor import PortCare
from engine.ports import Port
from engine.recovery import restore
from engine.stages import StopPlan
from model.rolls import RollSchedule
from model.units import NS_PER_SECOND
from ports.metrics import MetricsPort
from ports.remote_venue import Address, RemoteVenue
from ports.simulated.venue import unfenced
from state.journal import AsyncSqliteJournal, Recovered, recover
from state.lake import Lake
from state.lake.manifest import Manifest

COMPARE_EVERY_NS = 60 * NS_PER_SECOND
OVERLAP_NS = 3_600 * NS_PER_SECOND
RETRY_NS = 5 * NS_PER_SECOND


class NoLake(Lake):
    """A lake without anything in it: what an outside venue trades is not recorded here."""

    def __init__(self) -> None:
        self.manifest = Manifest()


def outside(configuration: Configuration, state: Path, metrics_port: int | None) -> OutsideProcess:
    """The engine of a configuration whose venue is a process. Its comparison waits as long as the venue needs."""
    settings, venue = configuration.settings, configuration.settings.venue
    assert isinstance(venue, ProcessVenue)
    settle_ns = int(venue.settle_s * NS_PER_SECOND)
    policy = ReconcilePolicy(every_ns=COMPARE_EVERY_NS, settle_ns=settle_ns, overlap_ns=OVERLAP_NS, retry_ns=RETRY_NS)
    wanted = Wanted(
        configuration=configuration,
        state_dir=state,
        lake=NoLake(),
        first=0,
        last=0,
        band="PAPER",
        auto_trade=settings.engine.auto_trade,
        metrics_port=settings.metrics.port if metrics_port is None and settings.metrics.enabled else metrics_port,
        log_level=settings.logging.level,
        at_live_pace=True,
        reconcile=policy,
    )
    return OutsideProcess(wanted, venue.address)


class LiveProcess(EngineProcess, ABC):
    """The same engine as any other: only the clock, the venue's port and where prices come from are different."""

    async def run(self) -> None:
        """Recover, reconcile, trade until a stop. Raises what made the engine stop."""
        with self._guarded() as self.guard:
            self._claim()
            await self._outside()

    async def _outside(self) -> None:
        async with AsyncSqliteJournal(self._folder, rotation=self._rotation) as journal:
            port = self.wanted.metrics_port
            metrics = None if port is None else MetricsPort(port, self._runtime)
            listeners = [*self._listeners(), *([metrics.fold] if metrics else [])]
            self.host = self._live(WatchedJournal(journal, listeners, self._snapshot_every), metrics)
            self.started = True
            with self.guard.watching(self.kernel) if self.guard else nullcontext():
                await self.host.run()

    def _live(self, journal: WatchedJournal, metrics: MetricsPort | None) -> Host:
        clock = self._clock()
        self.kernel = self._kernel(clock, journal, self._rolls(clock))
        recovered = recover(self._folder, self.events)
        self._recover(recovered)
        journal.snapshots_from(lambda: self.kernel.snapshots() if not self.kernel.ready else {})
        return Host(
            self.kernel,
            ports=self._ports(self._connect(clock, recovered), metrics),
            care={"venue": PortCare(essential=True)},
            stop=StopPlan(stop_timeout_s=self.wanted.configuration.settings.engine.stop_timeout_s),
            signals=True,
        )

    def _clock(self) -> Clock:
        return LiveClock()

    def _rolls(self, clock: Clock) -> RollSchedule:
        return RollSchedule({})

    @abstractmethod
    def _connect(self, clock: Clock, recovered: Recovered) -> Port:
        """The venue's port."""

    @property
    def _token(self) -> Callable[[], int | None]:
        return self.guard.lease.token if self.guard else unfenced


class OutsideProcess(LiveProcess):
    """An engine on a simulated exchange in a process of its own, which tells its recorded prices as well."""

    def __init__(self, wanted: Wanted, address: str) -> None:
        super().__init__(wanted)
        self.address = address
        self._venue: RemoteVenue

    def _connect(self, clock: Clock, recovered: Recovered) -> Port:
        self._venue = RemoteVenue(Address.of(self.address), now_ns=lambda: clock.now_ns, token=self._token)
        return self._venue

    def _rebuild(self, actor: Actor) -> int:
        """Bring one crashed actor back from the journal; the exchange tells market data its last bars again."""
        recovered = recover(self._folder, self.events)
        restore([actor], recovered.rows, recovered.snapshots)
        if isinstance(actor, MarketData):
            self._venue.tell_market_again()
        return recovered.last_seq
