"""What stands around an engine at live pace: the account's lease, health, heartbeat, and a thread that watches."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.board import Board
from config.secrets import resolve
from config.settings import Settings
from engine.kernel import Kernel
from engine.ports import Port, Row
from engine.watch import Stall, Watchdog
from model.decisions import ModeEntered
from model.execution import ActorPulse
from ports.guardian import ClosingPlan, Heartbeat, HeartbeatPort, PlanDeposit, SealedFile
from ports.guardian import heartbeat as beats
from ports.guardian import plan as plans
from ports.health import HealthPort
from ports.lease import HeldLease, LeasePort
from state.lease import Holder, LeaseError, LeaseStore
from state.process_id import this_process

STALL_S = 10.0
NS = 10**9


def lease_store(settings: Settings) -> LeaseStore:
    """The lease of the account that these settings trade. Raises LeaseError."""
    venue = str(type(settings.venue).__struct_config__.tag)
    return LeaseStore(Path(settings.lease.dir), venue, settings.venue.account)


def deposit_key(settings: Settings) -> bytes:
    """What signs heartbeats and plans; empty when none is configured. Raises SecretError."""
    reference = settings.guardian.deposit_key
    return resolve(reference).reveal().encode() if reference else b""


def beat_file(settings: Settings, state_dir: Path) -> SealedFile[Heartbeat]:
    return SealedFile(state_dir / beats.FILE, Heartbeat, deposit_key(settings))


def plan_file(settings: Settings, state_dir: Path) -> SealedFile[ClosingPlan]:
    return SealedFile(state_dir / plans.FILE, ClosingPlan, deposit_key(settings))


class Guard:
    """Holds the account while it is open, and shows to the outside that the engine lives.

    board: what the last durable row made of it; it must have taken each row before `fold` does.
    stalled: hears of a handler that holds the process, before the process is ended for it.
    """

    def __init__(self, settings: Settings, state_dir: Path, board: Board, stalled: Callable[[Stall], None]) -> None:
        """Raises LeaseError while another engine trades the account."""
        self._settings, self._state_dir, self._board, self._stalled = settings, state_dir, board, stalled
        self._process = this_process()
        self.lease = HeldLease(
            lease_store(settings), Holder(str(state_dir.resolve()), self._process), settings.lease.ttl_s
        )
        self._plan: PlanDeposit | None = None
        if settings.guardian.deposit_key is not None:
            valid_ns = int(settings.guardian.plan_valid_s * NS)
            self._plan = PlanDeposit(plan_file(settings, state_dir), lambda: board.positions, valid_ns, time.time_ns)

    def __enter__(self) -> Guard:
        return self

    def __exit__(self, *ended: Any) -> None:
        with contextlib.suppress(LeaseError):  # it ends by itself
            self.lease.release()

    def fold(self, row: Row) -> None:
        """Take one durable row."""
        if self._plan is not None:
            self._plan.fold(row)
        if self.lease.standing.fenced and isinstance(row.event, ModeEntered) and row.event.by == "guardian":
            with contextlib.suppress(LeaseError):  # the next start halts once more
                self.lease.heard()

    def ports(self, kernel: Kernel) -> list[Port]:
        """Those that speak for the engine, or to its watchdog."""

        def pulse() -> beats.Pulse:
            status = kernel.status()
            return beats.Pulse(
                self._board.mode.value, status.messages, sum(cell.depth for cell in status.cells), status.durable_seq,
                status.last_seq - status.durable_seq,
            )  # fmt: skip

        beating = HeartbeatPort(
            beat_file(self._settings, self._state_dir), self._process, pulse=pulse,
            clean=lambda: kernel.fatal is None, each_beat=self._plan.renew if self._plan else lambda: None,
        )  # fmt: skip
        return [HealthPort(lambda: health_figures(kernel)), LeasePort(self.lease, lambda: kernel.clock.now_ns), beating]

    @contextmanager
    def watching(self, kernel: Kernel) -> Iterator[None]:
        """A thread ends the process when one handler holds it: the next start reconciles first. Raises LeaseError."""
        self.lease.take()  # recovery may have lasted longer than a term
        thread = Watchdog(kernel, limit_s=STALL_S, report=self._stalled, trip=lambda stall: os._exit(70))
        thread.start()
        try:
            yield
        finally:
            thread.stop()


def health_figures(kernel: Kernel) -> tuple[int, int, tuple[ActorPulse, ...]]:
    """How long disk and handlers take is told in the world's time, whatever the engine's clock makes of it."""
    now_ns, real_ns = kernel.clock.now_ns, kernel.clock.real_ns
    waiting = kernel.outbox.pending
    age_ns = real_ns(now_ns - waiting[0].at_ns) if waiting else 0
    cells = kernel.status().cells
    return now_ns, age_ns, tuple(ActorPulse(cell.actor, real_ns(cell.age_ns), cell.restarts) for cell in cells)
