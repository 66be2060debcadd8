"""The port named `venue` in front of the simulated exchange."""

from ports.simulated.venue import SimulatedVenue, VirtualVenue

__all__ = ["SimulatedVenue", "VirtualVenue"]
