"""What the simulated gateway lists, what it knows of each contract's past, and the market that moves."""

from simulation.tws.catalogue.catalogue import Catalogue
from simulation.tws.catalogue.refused import Refused

__all__ = ["Catalogue", "Refused"]
