"""One engine process: configuration, journal, venue, feed and actors, brought together and run."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import structlog

from actors import parameters as read
from actors.assembly import Assembly
from actors.market_data import MarketData
from actors.reconciler import ReconcilePolicy
from app import facts
from app.board import Board
from app.end import End
from app.guard import Guard
from app.identity import claim
from app.kept_board import KeptBoard
from app.logs import row_logger
from app.own_sleeves import own_sleeve
from app.rates import LakeRates
from app.recorded_sessions import recorded_venue
from app.sessions import FIRST, calendars, calendars_for, newest_bar
from app.watched_journal import WatchedJournal, WatchedSyncJournal
from config.loader import Configuration
from config.settings import IBVenue
from config.settings import SimulatedVenue as SimulatedSettings
from engine.actor import Actor
from engine.clock import Clock, VirtualClock
from engine.drive import Source, VirtualDriver
from engine.host import Host
from engine.kernel import Kernel
from engine.notices import Happened, Notice
from engine.port_supervisor import PortCare
from engine.ports import Port, Row
from engine.pulse import Pace
from engine.recovery import restore
from engine.stages import StopPlan
from engine.watch import Stall
from model.rolls import RollSchedule
from model.units import NS_PER_DAY, NS_PER_SECOND
from ports.control import ControlPort
from ports.feed import FeedPlan, RecordedFeed
from ports.metrics import MetricsPort
from ports.simulated import SimulatedVenue
from ports.simulated.venue import unfenced
from simulation.exchange import Exchange, PutOffRecord, RecordError, SqliteRecord, VenueRecord, VenueRules
from state.journal import AsyncSqliteJournal, MemoryJournal, Recovered, Rotation, SqliteJournal, recover
from state.lake import Lake

JOURNAL, VENUE = "journal", "venue.sqlite"
Watched = WatchedJournal | WatchedSyncJournal
NS_PER_MINUTE = 60 * NS_PER_SECOND
SECONDS_PER_DAY = 86_400.0
DAILY = ReconcilePolicy(every_ns=NS_PER_DAY, settle_ns=1_000, overlap_ns=60 * NS_PER_SECOND)
"""The simulated exchange in the process takes requests in order and at once, and books nothing late."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What to run. first, last: sessions that decide (yyyymmdd). days_per_second: pace of market time, None for as fast
    as it goes. band: what screens say, PAPER or REPLAY. control: take an operator's commands.
    at_live_pace: a second is a second, so the watchdog may judge how late things are, a lease holds the account, and a
    guardian hears a heartbeat. A replay's account is a file in its own state folder: it needs none of these."""

    configuration: Configuration
    state_dir: Path
    lake: Lake
    first: int
    last: int
    days_per_second: float | None = None
    band: str = "REPLAY"
    auto_trade: bool = True
    control: bool = True
    metrics_port: int | None = None
    log_level: str = "warning"
    on_row: Callable[[Row], None] | None = None
    at_live_pace: bool = False
    reconcile: ReconcilePolicy = DAILY
    venue_record: Callable[[Path], VenueRecord] = SqliteRecord


def session_ns(session: int) -> int:
    """Midnight UTC at which an exchange date (yyyymmdd) begins."""
    day = date(session // 10_000, session // 100 % 100, session % 100)
    return (day - date(1970, 1, 1)).days * NS_PER_DAY


class EngineProcess:
    """Everything of one engine. Build it, `await run()`, and it has stopped; `board` can be read at any time."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        configuration, settings = wanted.configuration, wanted.configuration.settings
        self.program = configuration.program
        self.log = structlog.get_logger("engine")
        self.calendars = calendars_for(configuration)
        self.days = calendars(Path(settings.data.cache_dir)).sessions(self.program.calendar)
        self.events = facts.events()
        self.crashed: list[str] = []  # actors that fell and were built again, once for each time
        self.board = Board(self.program.id, self.program.base_currency, wanted.band, settings.venue.account)
        self.kept_board = KeptBoard(self.board, wanted.state_dir)
        self.guard: Guard | None = None
        self.host: Host
        self.exchange: Exchange
        self._record: VenueRecord | None = None
        self._flush: Callable[[], None] = lambda: None  # makes durable what the venue has said
        self.started = False  # recovered and ready; before that an error is about the folder, not about the engine
        self.feed: RecordedFeed

    async def run(self) -> None:
        """Recover, reconcile, trade until the end or a stop. Raises what made the engine stop."""
        with self._guarded() as self.guard:
            self._claim()
            await self._journalled()

    async def _journalled(self) -> None:
        if self.wanted.days_per_second is None:  # time waits for the disk anyway: no thread to hand each commit to
            with SqliteJournal(self._folder, rotation=self._rotation) as here:
                await self._hosted(lambda heard: WatchedSyncJournal(here, heard, self._snapshot_every))
            return
        async with AsyncSqliteJournal(self._folder, rotation=self._rotation) as beside:
            await self._hosted(lambda heard: WatchedJournal(beside, heard, self._snapshot_every))

    async def _hosted(self, watched: Callable[[list[Callable[[Row], None]]], Watched]) -> None:
        metrics = None if self.wanted.metrics_port is None else MetricsPort(self.wanted.metrics_port, self._runtime)
        journal = watched([*self._listeners(), *([metrics.fold] if metrics else [])])
        try:
            venue, sources = self._assemble(journal)
            self.host = self._host(venue, sources, metrics)
            if metrics is not None and self.board.day is not None:
                metrics.recall(self.board.day, self.board.peak)
            self.started = True
            with self.guard.watching(self.kernel) if self.guard else nullcontext():
                await self.host.run()
            self._flush()
        finally:
            self._close_record()

    def run_here(self) -> None:
        """The same replay in this thread: no event loop, no pace, nobody to speak to, every commit waited for.

        What a listener of durable rows raises ends it at that row, as a crash would.
        """
        self._claim()
        with SqliteJournal(self._folder, rotation=self._rotation) as inner:
            journal = WatchedSyncJournal(inner, self._listeners(), self._snapshot_every)
            try:
                self._drive(*self._assemble(journal))
            finally:
                self._close_record()

    def _drive(self, venue: SimulatedVenue, sources: list[Source]) -> None:
        self.kernel.attach(venue)
        driver = VirtualDriver(self.kernel, sources)
        driver.run(self._end_ns)
        everyone = [cell.actor for cell in self.kernel.status().cells]
        self.kernel.drain(everyone)
        driver.settle()
        self.kernel.stop(everyone)
        self._flush()

    def _close_record(self) -> None:
        """Let go of the venue's file: the last to close leaves it whole, without a write-ahead file beside it."""
        if self._record is not None:
            self._record.close()

    @property
    def halted(self) -> str:
        """Why it may not trade any more without a word from a person; empty when it may."""
        return str(self.kernel.fatal or self.board.halted)

    def stop(self, reason: str) -> None:
        """Go down in stages."""
        self.log.info("stopping", reason=reason)
        self.host.request_stop()

    # -- building

    def _assemble(self, journal: Watched) -> tuple[SimulatedVenue, list[Source]]:
        """Bring everything together for a run on the state folder itself."""
        recovered, record = recover(self._folder, self.events), self.wanted.state_dir / VENUE
        if recovered.last_seq and not record.is_file():
            raise RecordError(f"{record} is missing, and the journal has {recovered.last_seq} rows about it")
        venue = self._build(journal, recovered, record)
        journal.write_first(self._flush)
        journal.snapshots_from(lambda: self.kernel.snapshots() if not self.kernel.ready else {})
        venue.connect()
        return venue, [self.feed, venue]

    def _host(self, venue: SimulatedVenue, sources: list[Source], metrics: MetricsPort | None) -> Host:
        end = End(self._end_ns)
        host = Host(
            self.kernel,
            ports=self._ports(venue, metrics),
            care={"venue": PortCare(essential=True)},
            sources=[*sources, end],
            stop=StopPlan(stop_timeout_s=self.wanted.configuration.settings.engine.stop_timeout_s),
            pace=self._pace(),
            signals=True,
        )
        end.stop = host.request_stop
        return host

    def _claim(self) -> None:
        wanted = self.wanted
        claim(wanted.state_dir, wanted.configuration.settings.mode, self.program, wanted.first)

    @property
    def _folder(self) -> Path:
        return self.wanted.state_dir / JOURNAL

    @property
    def _rotation(self) -> Rotation:
        return Rotation(self.wanted.configuration.settings.journal.rotate)

    @property
    def _snapshot_every(self) -> int:
        return self.wanted.configuration.settings.journal.snapshot_every_rows

    @property
    def _end_ns(self) -> int:
        return session_ns(self.wanted.last) + NS_PER_DAY - 1

    def _listeners(self) -> list[Callable[[Row], None]]:
        wanted = self.wanted
        guard = [self.guard.fold] if self.guard else []
        return [self.kept_board.fold, row_logger(wanted.log_level), *guard, *([wanted.on_row] if wanted.on_row else [])]

    def _guarded(self) -> Guard | nullcontext[None]:
        """At live pace the account's lease. Raises LeaseError while another engine trades it."""
        wanted = self.wanted
        if not wanted.at_live_pace:
            return nullcontext()
        return Guard(wanted.configuration.settings, wanted.state_dir, self.board, self._stalled)

    def rehearse(self, journal: MemoryJournal, recovered: Recovered, venue_record: Path) -> VirtualDriver:
        """The same actors without a host, on copies of journal and venue: for a look at what they would do."""
        journal.last_seq = recovered.last_seq
        venue = self._build(journal, recovered, venue_record)
        self.kernel.attach(venue)
        driver = VirtualDriver(self.kernel, (self.feed, venue))
        venue.connect()
        driver.run(max(self.kernel.clock.now_ns, recovered.last_at_ns))  # the venue's record may end earlier
        return driver

    def _build(self, journal: Watched | MemoryJournal, recovered: Recovered, venue_record: Path) -> SimulatedVenue:
        """Exchange, clock, kernel and feed, recovered to where the venue's record ends."""
        wanted = self.wanted
        self._record = record = wanted.venue_record(venue_record)
        if wanted.days_per_second is None:
            self._record = put_off = PutOffRecord(record)
            self._flush = put_off.flush
        self.exchange = self.exchange_on(self._record)
        start_ns = max(session_ns(wanted.first), self.exchange.committed_ns)
        clock = VirtualClock(start_ns)
        rolls = wanted.lake.roll_schedule(self._products())
        self.kernel = self._kernel(clock, journal, rolls)
        self._recover(recovered)
        token = self.guard.lease.token if self.guard else unfenced
        venue = SimulatedVenue(self.exchange, outside=self.kernel, clock=clock, token=token)
        self.feed = RecordedFeed(
            lake=wanted.lake,
            plan=self._plan(recovered),
            outside=self.kernel,
            rolls=rolls,
            resume_ns=start_ns,
            listeners=(venue.on_price,),
        )
        return venue

    def _kernel(self, clock: Clock, journal: Watched | MemoryJournal, rolls: RollSchedule) -> Kernel:
        wanted = self.wanted
        assembly = Assembly(
            wanted.configuration,
            rolls=rolls,
            calendars=self.calendars,
            auto_trade=wanted.auto_trade and not (self.guard and self.guard.lease.standing.fenced),
            reconcile=wanted.reconcile,
            own=own_sleeve,
            watched=wanted.at_live_pace,
            heartbeat="heartbeat" if self.guard else "",
            pace=clock.pace,
            broker=isinstance(wanted.configuration.settings.venue, IBVenue),
        )
        kernel = Kernel(clock=clock, journal=journal, on_event=self._noticed, recover=self._rebuild, alarms_to="system")
        kernel.host(assembly.tree())
        return kernel

    def _ports(self, venue: Port, metrics: MetricsPort | None) -> list[Port]:
        ports: list[Port] = [venue]
        if self.wanted.control:
            ports.append(ControlPort(self.wanted.state_dir, self.board.status, self.stop))
        if metrics is not None:
            ports.append(metrics)
        return [*ports, *(self.guard.ports(self.kernel) if self.guard else [])]

    def _pace(self) -> Pace | None:
        days = self.wanted.days_per_second
        return None if days is None else Pace(days * SECONDS_PER_DAY, asyncio.get_running_loop().time)

    def exchange_on(self, record: VenueRecord) -> Exchange:
        """The venue of this configuration, as a record left it."""
        wanted, configuration = self.wanted, self.wanted.configuration
        currencies = self._currencies()
        rates = LakeRates(wanted.lake, self.program.base_currency, currencies)
        instruments, sessions = recorded_venue(wanted.lake, configuration.instruments, self.calendars)
        venue = configuration.settings.venue
        paper = venue if isinstance(venue, SimulatedSettings) else SimulatedSettings()
        exchange = Exchange(
            instruments=instruments,
            sessions=sessions,
            cash=read.opening_cash(self.program),
            base_currency=self.program.base_currency,
            fx=rates,
            rules=VenueRules(unknown_size_fills=True, cancel_timer=paper.cancel_timer, ids_enforced=paper.ids_enforced),
            record=record,
        )
        rates.now_ns = lambda: exchange.now_ns
        return exchange

    def _products(self) -> list[str]:
        return sorted(self.wanted.configuration.instruments)

    def _currencies(self) -> list[str]:
        """Currencies of which a rate is needed. The record is in dollars: for a dollar program they need none."""
        base = self.program.base_currency
        needed = {one.currency for one in self.wanted.configuration.instruments.values()} | {base}
        return sorted(needed - {"USD"} if base == "USD" else needed)

    def _plan(self, recovered: Recovered) -> FeedPlan:
        wanted = self.wanted
        warmup = self.program.replay.warmup_sessions if self.program.replay else 300
        days = self.days
        before = [one.date for one in days.between(FIRST, wanted.first)] or [wanted.first]
        first = newest_bar(recovered) or before[max(0, len(before) - 1 - warmup)]
        return FeedPlan(
            products=self._products(),
            first=first,
            last=wanted.last,
            currencies=self._currencies(),
            base=self.program.base_currency,
            cycle_ns=self._cycle_ns,
            sessions=[one.date for one in days.between(first, wanted.last)],
        )

    def _cycle_ns(self, session: int) -> int:
        """When the decisions of a session are taken."""
        settings = self.wanted.configuration.settings.engine
        hours, minutes = settings.cycle_time_utc.split(":")
        day = session if settings.cycle_day == "same" else self._next_session(session)
        return session_ns(day) + (int(hours) * 60 + int(minutes)) * NS_PER_MINUTE

    def _next_session(self, session: int) -> int:
        """The program's session after one."""
        dates = self.days.columns[0]
        return dates[min(bisect_right(dates, session), len(dates) - 1)]

    # -- what the runtime says

    def _recover(self, recovered: Recovered) -> None:
        self.kernel.recover_from(list(recovered.rows), recovered.snapshots)
        if not recovered.last_seq:
            return
        self.kept_board.catch_up(self._folder, recovered.last_seq, self.events)
        self.board.starting()

    def _rebuild(self, actor: Actor) -> int:
        """Bring one crashed actor back from the journal; market data is told again what it has not kept."""
        recovered = recover(self.wanted.state_dir / JOURNAL, self.events)
        restore([actor], recovered.rows, recovered.snapshots)
        if isinstance(actor, MarketData):
            self.feed.rewind(session_ns(self._plan(recovered).first), self.kernel.clock.now_ns)
        return recovered.last_seq

    def _noticed(self, notice: Notice) -> None:
        quiet = (Happened.STAGE, Happened.INTAKE_PAUSED, Happened.INTAKE_RESUMED)
        write = self.log.info if notice.happened in quiet else self.log.warning
        write(notice.happened.value, who=notice.who, text=notice.text)
        if notice.happened is Happened.CRASHED:
            self.crashed.append(notice.who)

    def _stalled(self, stall: Stall) -> None:
        self.log.error("stalled", actor=stall.actor, stalled_ns=stall.stalled_ns, stack=stall.stack)

    def _runtime(self) -> Mapping[str, float]:
        status = self.kernel.status()
        return {
            "turns": status.turns,
            "messages": status.messages,
            "dead_letters": status.dead_letters,
            "slow_handlers": status.slow_handlers,
            "journal_rows": status.durable_seq,
        }
