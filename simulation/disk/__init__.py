"""A disk that can be made ill: under the same sqlite3 that production uses, and under nothing else."""

from simulation.disk.failing import FailingDisk, Illness
from simulation.disk.power import Cut, PoweredDisk
from simulation.disk.vfs import Disk, under

__all__ = ["Cut", "Disk", "FailingDisk", "Illness", "PoweredDisk", "under"]
