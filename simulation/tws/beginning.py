"""The state that a logged gateway began with: copied beside its log, and taken up again when the log is replayed."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from simulation.tws.framelog import FrameLogError

FILES = "*.sqlite"


def place_of(log: Path) -> Path:
    """Where the state of a log lies."""
    return log.with_name(f"{log.name}.state")


def keep_beginning(state: Path, log: Path) -> None:
    """Copy a folder of state beside a log, as it is before the gateway goes on from it. Raises FrameLogError."""
    place = place_of(log)
    try:
        place.mkdir(parents=True, exist_ok=True)
        for old in place.glob(FILES):
            old.unlink()
        _copy(state, place)
    except (OSError, sqlite3.Error) as error:
        raise FrameLogError(f"{state} cannot be copied to {place}: {error}") from None


@contextlib.contextmanager
def beginning(log: Path) -> Iterator[Path]:
    """A folder of the state that a log begins with, to be gone on from; afterwards it is gone. Raises FrameLogError."""
    place = place_of(log)
    if not place.is_dir():
        raise FrameLogError(f"{log} began with a state, and {place} is not there; keep the two together")
    with tempfile.TemporaryDirectory() as folder:
        try:
            _copy(place, Path(folder))
        except (OSError, sqlite3.Error) as error:
            raise FrameLogError(f"{place} cannot be read: {error}") from None
        yield Path(folder)


def _copy(folder: Path, to: Path) -> None:
    """Whole, also what a killed gateway has left in the journals beside its files."""
    for path in sorted(folder.glob(FILES)):
        with (
            contextlib.closing(sqlite3.connect(path)) as old,
            contextlib.closing(sqlite3.connect(to / path.name)) as new,
        ):
            old.backup(new)
