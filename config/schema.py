"""The schema in one place: settings of an engine, programs, instrument files."""

from config.execution import Collars, ExecutionPolicy, PairPolicy, Policy
from config.program import (
    CoreIndexParams,
    CoreIndexSleeve,
    CustomSleeve,
    FxHedgeParams,
    FxHedgeSleeve,
    Program,
    Replay,
    Sleeve,
    TrendFilter,
    TrendParams,
    TrendSleeve,
)
from config.risk import RegimeRules, RegimeScale, RiskLimits
from config.settings import (
    DataSettings,
    EngineSettings,
    FxSettings,
    JournalSettings,
    LoggingSettings,
    MetricsSettings,
    Settings,
    SimulatedVenue,
)
from config.universe import CommissionEntry, InstrumentEntry, InstrumentFile, RollEntry

__all__ = [
    "Collars",
    "CommissionEntry",
    "CoreIndexParams",
    "CoreIndexSleeve",
    "CustomSleeve",
    "DataSettings",
    "EngineSettings",
    "ExecutionPolicy",
    "FxHedgeParams",
    "FxHedgeSleeve",
    "FxSettings",
    "InstrumentEntry",
    "InstrumentFile",
    "JournalSettings",
    "LoggingSettings",
    "MetricsSettings",
    "PairPolicy",
    "Policy",
    "Program",
    "RegimeRules",
    "RegimeScale",
    "Replay",
    "RiskLimits",
    "RollEntry",
    "Settings",
    "SimulatedVenue",
    "Sleeve",
    "TrendFilter",
    "TrendParams",
    "TrendSleeve",
]
