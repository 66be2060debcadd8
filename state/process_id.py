"""Which process somebody is: a number alone is given again after its process has died, with the start it is not."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import msgspec

STATE, STARTED = 0, 19
"""Places in /proc/PID/stat after the name of the program: the state, and the start in clock ticks since boot."""


class ProcessId(msgspec.Struct, frozen=True):
    """One process for ever. boot: of the machine.  started: clock ticks from then on; 0 where nobody can tell."""

    host: str
    boot: str
    pid: int
    started: int


def this_process() -> ProcessId:
    """Who we are."""
    return process_of(os.getpid())


def process_of(pid: int) -> ProcessId:
    """The process of this machine that has a number now."""
    return ProcessId(socket.gethostname(), _boot(), pid, _stat(pid)[1])


def lives(process: ProcessId) -> bool | None:
    """Whether a process still exists, stopped or not; None for one of another machine, or where nobody can tell."""
    if process.host != socket.gethostname() or not process.started:
        return None
    if process.boot != _boot():
        return False
    state, started = _stat(process.pid)
    return started == process.started and state not in ("Z", "X")


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _stat(pid: int) -> tuple[str, int]:
    """(state, start) of a process; ("", 0) when there is none."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return after_name[STATE], int(after_name[STARTED])
    except (OSError, IndexError, ValueError):
        return "", 0
