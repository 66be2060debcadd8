"""Settings of one engine: where it keeps state, what venue it trades on, and the limits its programs start from.

Each section documents its keys one to a line; the table in docs/configuration.md is made from these docstrings.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from config.execution import ExecutionPolicy
from config.quantities import (
    Count,
    Id,
    PathText,
    PositiveSeconds,
    Rows,
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
    stop_timeout_s: when whoever runs the process kills it after asking it to stop; the stages of a stop end 10 s before
    max_restarts: crashes of one actor within restart_window_s before it is quarantined or the engine stops
    restart_window_s: the window of max_restarts
    """

    auto_trade: bool = False
    cycle_time_utc: UtcTime = "23:15"
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

    account: the account's name on screens and in status
    """

    account: Id = "PAPER"


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
    venue: SimulatedVenue = SimulatedVenue()
    risk: RiskLimits = RiskLimits()
    regime: RegimeRules = RegimeRules()
    execution: ExecutionPolicy = ExecutionPolicy()
    fx: FxSettings = FxSettings()
    data: DataSettings = DataSettings()
    logging: LoggingSettings = LoggingSettings()
    metrics: MetricsSettings = MetricsSettings()

    def __post_init__(self) -> None:
        if self.mode == "live" and isinstance(self.venue, SimulatedVenue):
            raise ValueError("mode: live needs a real venue, and this one is simulated | Write mode: paper")
