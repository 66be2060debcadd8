"""A market's time that is not the world's: a simulated gateway says it in a file, and a rehearsal lives by it."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from engine.clock import PacedClock
from ports.ib.errors import NoMarketClock
from state.process_id import ProcessId, lives, this_process


class ToldTime(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """market_ns: UTC at the market when this machine's monotonic clock read `monotonic_ns`.  pace: how many of the
    market's seconds pass in one.  process: whose time it is; with it the time ends.
    """

    market_ns: int
    monotonic_ns: int
    pace: float
    process: ProcessId

    def at(self, monotonic_ns: int) -> int:
        """The market's time at a reading of the monotonic clock."""
        return self.market_ns + round((monotonic_ns - self.monotonic_ns) * self.pace)


def say_time(path: Path, market_ns: int, monotonic_ns: int, pace: float) -> None:
    """Write the file, whole or not at all.

    Raises NoMarketClock where another living process says its time, and where something else lies there or nothing can.
    """
    if path.exists():
        said = _told(path)
        if lives(said.process) is not False and said.process != this_process():
            raise NoMarketClock(
                f"{path} is the clock of process {said.process.pid}, which lives", "name another file, or end it"
            )
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(msgspec.json.encode(ToldTime(market_ns, monotonic_ns, pace, this_process())) + b"\n")
        os.replace(beside, path)
    except OSError as error:
        raise NoMarketClock(
            f"{path} cannot be written: {error.strerror}", "name a file in a folder that is there"
        ) from None


def unsay_time(path: Path) -> None:
    """The time has ended."""
    with contextlib.suppress(OSError):
        path.unlink()


def left_behind(path: Path) -> ToldTime | None:
    """The time of a process that died since this machine was started, and did not end it; None where none did.

    Raises NoMarketClock where something else lies there.
    """
    if not path.exists():
        return None
    said = _told(path)
    died = lives(said.process) is False and said.process.boot == this_process().boot
    return said if died else None


def market_clock(path: Path, monotonic_ns: Callable[[], int] = time.monotonic_ns) -> PacedClock:
    """The time that a gateway of this machine says. Raises NoMarketClock where none does, or none does any more."""
    said = _told(path)
    if lives(said.process) is not True:
        raise NoMarketClock(
            f"{path} is the clock of process {said.process.pid}, which does not live on this machine any more",
            f"start the gateway again: hedgerow gateway --clock {path}",
        )
    try:
        return PacedClock(said.market_ns, said.monotonic_ns, said.pace, monotonic_ns)
    except ValueError as error:
        raise NoMarketClock(f"{path} is no clock: {error}", "let `hedgerow gateway --clock` write it") from None


def _told(path: Path) -> ToldTime:
    try:
        return msgspec.json.decode(path.read_bytes(), type=ToldTime)
    except FileNotFoundError:
        what, next_step = f"{path} is not there", f"start the gateway first: hedgerow gateway --clock {path}"
    except OSError as error:
        what, next_step = f"{path} cannot be read: {error.strerror}", "name the file of `hedgerow gateway --clock`"
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        what, next_step = f"{path} is no clock of a gateway: {error}", "name the file of `hedgerow gateway --clock`"
    raise NoMarketClock(what, next_step)
