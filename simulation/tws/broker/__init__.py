"""The account and order model behind the simulated gateway: what a broker adds to an exchange. See `Broker`."""

from simulation.tws.broker.broker import Broker, ClientView
from simulation.tws.broker.listing import Catalogue
from simulation.tws.broker.record import BrokerRecord, MemoryBrokerRecord, SqliteBrokerRecord
from simulation.tws.broker.rules import BrokerRules, Permissions, Stories, Story, always, listed, seeded

__all__ = [
    "Broker",
    "BrokerRecord",
    "BrokerRules",
    "Catalogue",
    "ClientView",
    "MemoryBrokerRecord",
    "Permissions",
    "SqliteBrokerRecord",
    "Stories",
    "Story",
    "always",
    "listed",
    "seeded",
]
