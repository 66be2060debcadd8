"""Settings of one engine: where it keeps state, what venue it trades on, and the limits its programs start from.

Each section documents its keys one to a line; the table in docs/configuration.md is made from these docstrings.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from config.execution import ExecutionPolicy
from config.quantities import (
    Count,
    Days,
    Id,
    Mebibytes,
    Name,
    PathText,
    PositiveSeconds,
    Rows,
    SessionCount,
    Share,
    Sigma,
    TcpPort,
    UnitJump,
    UtcTime,
)
from config.risk import RegimeRules, RiskLimits


class EngineSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the process lives.

    state_dir: folder of the journal, the control socket and the caches; relative to the working directory
    auto_trade: go from OBSERVING to TRADING without an operator's `resume`
    cycle_time_utc: when a live engine closes the session and decides, if its feed does not say so itself
    basket_wait_s: how long the basket waits for a sleeve before that sleeve is taken to hold
    stop_timeout_s: how long a stop may drain before the process ends anyway
    max_restarts: crashes of one actor within restart_window_s before it is quarantined or the engine stops
    restart_window_s: the window of max_restarts
    """

    state_dir: PathText = "var/paper"
    auto_trade: bool = False
    cycle_time_utc: UtcTime = "21:30"
    basket_wait_s: PositiveSeconds = 5.0
    stop_timeout_s: PositiveSeconds = 10.0
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

    account: the account's name in reports
    """

    account: Id = "PAPER"


class FxSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Currency rates.

    max_age_s: an older rate is stale and sizes nothing; four days carry daily fixings over a long weekend
    largest_move_share: a larger change waits until it is seen twice
    """

    max_age_s: PositiveSeconds = 345_600.0
    largest_move_share: Share = 0.20


class DataSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where market data is kept.

    lake_dir: folder of the market-data lake
    cache_dir: folder of derived tables that may be deleted, such as sessions
    """

    lake_dir: PathText = "var/lake"
    cache_dir: PathText = "var/cache"


class QualityRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a price may be trusted.

    max_age_sessions: a product whose last bar is more of its own sessions old is stale
    spike_sigma: a move of more usual daily moves waits for the next bar to confirm it
    move_span_sessions: span of the usual move
    move_min_sessions: moves needed before there is a usual one
    least_move_share: a move under this share of the price is never a spike
    unit_jump_ratio: a ratio of two prices that means another unit (pence for pounds), never a move
    """

    max_age_sessions: SessionCount = 0
    spike_sigma: Sigma = 8.0
    move_span_sessions: Days = 35
    move_min_sessions: Days = 20
    least_move_share: Share = 0.001
    unit_jump_ratio: UnitJump = 40


class LoggingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the process says of itself.

    level: the least serious line that is written
    format: lines for people or one JSON object a line
    file: also write here; relative to state_dir, nothing means standard error alone
    max_file_mib: begin a new file at this size
    keep_files: how many old files are kept
    """

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["console", "json"] = "console"
    file: Name | None = None
    max_file_mib: Mebibytes = 64
    keep_files: Count = 5


class MetricsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Prometheus.

    enabled: serve /metrics
    host: address to listen on; keep it local unless something in front asks for a password
    port: port to listen on; 0 lets the system choose
    sample_s: how often gauges are read
    """

    enabled: bool = False
    host: Name = "127.0.0.1"
    port: TcpPort = 9464
    sample_s: PositiveSeconds = 5.0


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
    quality: QualityRules = QualityRules()
    data: DataSettings = DataSettings()
    logging: LoggingSettings = LoggingSettings()
    metrics: MetricsSettings = MetricsSettings()

    def __post_init__(self) -> None:
        if self.mode == "live" and isinstance(self.venue, SimulatedVenue):
            raise ValueError("mode: live needs a real venue, and this one is simulated | Write mode: paper")
