"""The simulated exchange: orders against replayed prices, money to the micro, a record that outlives a kill."""

from simulation.exchange.exchange import Exchange
from simulation.exchange.faults import Fault, FaultPlan, Harm
from simulation.exchange.put_off import PutOffRecord
from simulation.exchange.record import MemoryRecord, RecordError, VenueRecord, digest
from simulation.exchange.rules import Reject, VenueRules
from simulation.exchange.sqlite_record import SqliteRecord

__all__ = [
    "Exchange",
    "Fault",
    "FaultPlan",
    "Harm",
    "MemoryRecord",
    "PutOffRecord",
    "RecordError",
    "Reject",
    "SqliteRecord",
    "VenueRecord",
    "VenueRules",
    "digest",
]
