"""The whole engine on a virtual clock: crash it, starve it, lie to it, and see what it did."""

from simulation.stage.cuts import CrashError, Cuts
from simulation.stage.folder import FolderJournal
from simulation.stage.loop import VirtualLoop
from simulation.stage.stage import Stage, duration_ns
from simulation.stage.world import World

__all__ = ["CrashError", "Cuts", "FolderJournal", "Stage", "VirtualLoop", "World", "duration_ns"]
