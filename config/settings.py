"""Settings of one engine: where it keeps state, what venue it trades on, and the limits its programs start from.

Each section documents its keys one to a line; the table in docs/configuration.md is made from these docstrings.
"""

from __future__ import annotations

from typing import Literal
from zoneinfo import available_timezones

import msgspec

from config.execution import ExecutionPolicy
from config.quantities import (
    Count,
    Id,
    Name,
    PathText,
    PositiveSeconds,
    Rows,
    SecretRef,
    SessionCount,
    Sigma,
    TcpPort,
    UtcTime,
)
from config.risk import RegimeRules, RiskLimits


class EngineSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the process lives.

    auto_trade: go from OBSERVING to TRADING without an operator's `resume`
    cycle_time_utc: when a session's decisions are taken, after the last close of the day
    cycle_day: same day, or the program's next session, when the legs of two continents are open together
    stop_timeout_s: when whoever runs the process kills it after asking it to stop; the stages of a stop end 10 s before
    max_restarts: crashes of one actor within restart_window_s before it is quarantined or the engine stops
    restart_window_s: the window of max_restarts
    """

    auto_trade: bool = False
    cycle_time_utc: UtcTime = "23:15"
    cycle_day: Literal["same", "next"] = "same"
    stop_timeout_s: PositiveSeconds = 60.0
    max_restarts: Count = 3
    restart_window_s: PositiveSeconds = 600.0


class JournalSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file of facts.

    rotate: begin a new file each day, month or year, or never
    snapshot_every_rows: write the actors' snapshots after this many rows, so that a restart folds fewer
    """

    rotate: Literal["day", "month", "year", "never"] = "month"
    snapshot_every_rows: Rows = 50_000


class _Venue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """Base of the venues, told apart by `kind`."""


class SimulatedVenue(_Venue, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="simulated"):
    """The exchange inside the process: paper trading and replay.

    account: the account's name on screens and in status, and of its lease
    cancel_timer: the venue ends our orders when it does not hear from us in time, as some venues do on request
    ids_enforced: the venue refuses a second order under an id; many do not, and then absence proves nothing
    """

    account: Id = "PAPER"
    cancel_timer: bool = False
    ids_enforced: bool = True


class LeaseSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One engine for each account: what `hedgerow run` takes before it begins, and gives back at its end.

    dir: folder of the leases, one and the same for all engines that could trade an account
    ttl_s: an engine that has not renewed for this long trades no more, and another may take its place
    """

    dir: PathText = "var/lease"
    ttl_s: PositiveSeconds = 15.0


class GuardianSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The process beside the engine that ends what a dead one has left (`hedgerow guardian`).

    lapse_s: an engine without a sign of life for this long is fenced and its orders are cancelled
    flatten: also close positions, by the plan that the engine left and by nothing else
    plan_valid_s: an older plan closes nothing; the engine leaves a new one long before
    deposit_key: signs heartbeats and plans, known to engine and guardian; flatten needs it
    own_key: signs what the guardian did and opens its session to the venue; the engine need not know it
    alert: a command and its words, which is given each deed as a line of JSON on its input
    """

    lapse_s: PositiveSeconds = 15.0
    flatten: bool = False
    plan_valid_s: PositiveSeconds = 900.0
    deposit_key: SecretRef | None = None
    own_key: SecretRef | None = None
    alert: tuple[Name, ...] = ()

    def __post_init__(self) -> None:
        if self.flatten and self.deposit_key is None:
            raise ValueError("deposit_key: flatten needs it, for a plan that anybody can write is no plan | Name a key")


class ProcessVenue(_Venue, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="exchange_process"):
    """A simulated exchange in a process of its own (`python -m simulation.exchange_process`), for drills and proofs.

    address: where it listens, the path of a Unix socket or a port of this machine such as 127.0.0.1:7500
    account: the account's name on screens and in status
    settle_s: how long after sending an order the exchange surely knows of it
    """

    address: PathText
    account: Id = "PAPER"
    settle_s: PositiveSeconds = 1.0

    def __post_init__(self) -> None:
        host, _, port = self.address.rpartition(":")
        here = host in ("127.0.0.1", "localhost") and port.isdigit() and 0 < int(port) < 65_536
        if not (here or "/" in self.address):
            raise ValueError(
                "address: it is neither a socket's path nor a port of this machine | Write such as 127.0.0.1:7500"
            )


class IBVenue(_Venue, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="ib"):
    """An account at Interactive Brokers, by a gateway or workstation that runs beside the engine.

    account: the exact account id; paper accounts begin with D
    host: where the gateway runs
    port: the gateway's API port; by default 4001 is live and 4002 paper, of a workstation 7496 and 7497
    client_id: always the same one: orders are known by it
    data_lines: how many market data subscriptions the account has
    messages_per_s: what the gateway takes from a program
    day_zone: the zone whose midnight begins the gateway's day
    adaptive: priority of the broker's adaptive algorithm by instrument; none where not given
    delayed: quotes that come late may lead to orders; on paper only
    clock: the file in which a simulated gateway says what time its market has; on paper only
    """

    account: Id
    host: Name = "127.0.0.1"
    port: TcpPort = 4002
    client_id: Count = 17
    data_lines: Count = 100
    messages_per_s: Count = 50
    day_zone: Name = "America/New_York"
    adaptive: dict[Id, Literal["Urgent", "Normal", "Patient"]] = {}
    delayed: bool = False
    clock: PathText | None = None

    def __post_init__(self) -> None:
        if self.day_zone not in available_timezones():
            raise ValueError(f"day_zone: {self.day_zone} is no time zone | Write one such as America/New_York")
        if self.messages_per_s < 1:
            raise ValueError("messages_per_s: nothing could be sent | Give at least 1")


class FxSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Currency rates.

    max_age_s: an older rate is stale and sizes nothing; four days carry daily fixings over a long weekend
    """

    max_age_s: PositiveSeconds = 345_600.0


class DataSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where market data is kept, and when a price may be trusted.

    lake_dir: folder of the market-data lake
    cache_dir: folder of derived tables that may be deleted, such as sessions
    stale_after_sessions: a product whose last bar is more of its own sessions old is stale
    suspect_move_sigma: a move of more usual daily moves waits for the next bar to confirm it
    """

    lake_dir: PathText = "var/lake"
    cache_dir: PathText = "var/cache"
    stale_after_sessions: SessionCount = 0
    suspect_move_sigma: Sigma = 8.0


class LoggingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the process says of itself.

    level: the least serious line that is written
    """

    level: Literal["debug", "info", "warning", "error"] = "info"


class MetricsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Prometheus.

    enabled: serve /metrics on this machine
    port: port to listen on; 0 lets the system choose
    """

    enabled: bool = False
    port: TcpPort = 9464


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One engine.

    mode: paper or live; live needs a venue that is not simulated
    instruments: files of instruments; a bare name is looked up among the shipped ones
    """

    mode: Literal["paper", "live"] = "paper"
    instruments: tuple[PathText, ...] = ("futures.yaml", "europe.yaml", "demo.yaml")
    engine: EngineSettings = EngineSettings()
    journal: JournalSettings = JournalSettings()
    venue: SimulatedVenue | ProcessVenue | IBVenue = SimulatedVenue()
    risk: RiskLimits = RiskLimits()
    regime: RegimeRules = RegimeRules()
    execution: ExecutionPolicy = ExecutionPolicy()
    fx: FxSettings = FxSettings()
    data: DataSettings = DataSettings()
    logging: LoggingSettings = LoggingSettings()
    metrics: MetricsSettings = MetricsSettings()
    lease: LeaseSettings = LeaseSettings()
    guardian: GuardianSettings = GuardianSettings()

    def __post_init__(self) -> None:
        if self.mode == "live" and isinstance(self.venue, SimulatedVenue | ProcessVenue):
            raise ValueError("mode: live needs a real venue, and this one is simulated | Write mode: paper")
        if isinstance(self.venue, IBVenue):
            _check_account(self.mode, self.venue)


def _check_account(mode: str, venue: IBVenue) -> None:
    """Raises ValueError where mode and account do not belong together."""
    paper = venue.account.startswith("D")
    if mode == "paper" and not paper:
        raise ValueError(
            f"venue.account: {venue.account} is no paper account, and mode is paper | "
            "Give the account that begins with D, or write mode: live"
        )
    if mode == "live" and paper:
        raise ValueError(f"venue.account: {venue.account} is a paper account | Write mode: paper, or the live account")
    if mode == "live" and (venue.delayed or venue.clock):
        key = "delayed" if venue.delayed else "clock"
        raise ValueError(f"venue.{key}: it is for paper accounts only | Remove it, or write mode: paper")
