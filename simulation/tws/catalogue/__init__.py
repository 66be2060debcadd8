"""What the simulated gateway lists, what it knows of each contract's past, and the market that moves."""

from simulation.tws.catalogue.catalogue import Catalogue
from simulation.tws.catalogue.history import History
from simulation.tws.catalogue.pacing import Asked, Pacing
from simulation.tws.catalogue.paths import ANNOUNCEMENT
from simulation.tws.catalogue.record import Record
from simulation.tws.catalogue.refused import Refused, no_query
from simulation.tws.catalogue.streams import Tick
from simulation.tws.catalogue.tape import Pace, Tape

__all__ = [
    "ANNOUNCEMENT",
    "Asked",
    "Catalogue",
    "History",
    "Pace",
    "Pacing",
    "Record",
    "Refused",
    "Tape",
    "Tick",
    "no_query",
]
