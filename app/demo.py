"""The demo: an engine process of its own, killed with SIGKILL half way, started again, and checked against a run that
nobody disturbed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from app import facts
from app.process import JOURNAL
from ports.control import ControlError, request
from state.content import content_hash
from state.journal.verify import verify

POLL_S = 0.25
START_WITHIN_S = 60.0

Frame = Callable[[dict[str, Any], str], None]


class DemoError(Exception):
    """The demo could not be shown."""

    code: ClassVar[str] = "DEMO"
    next: ClassVar[str] = "the engine's own words are in engine.log of the demo's state folder"


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown. first, last: sessions as yyyymmdd.  seconds: how long the history is to take on the screen."""

    program: str
    first: int
    last: int
    seconds: float
    folder: Path
    overrides: tuple[str, ...]

    @property
    def days_per_second(self) -> float:
        from app.process import session_ns

        return (session_ns(self.last) - session_ns(self.first)) / 86_400e9 / self.seconds


class Outcome(msgspec.Struct, frozen=True):
    """What the demo came to. same: the killed run and the undisturbed one have equal order and fill rows."""

    killed_at: str
    rows_at_kill: int
    recovered_s: float
    journal_holds: bool
    killed_hash: str
    whole_hash: str
    status: dict[str, Any]

    @property
    def same(self) -> bool:
        return self.killed_hash == self.whole_hash


class Engine:
    """One engine process on a state folder."""

    def __init__(self, stage: Stage, state: Path, speed: str) -> None:
        self.state = state
        state.parent.mkdir(parents=True, exist_ok=True)
        self._log = (stage.folder / f"{state.name}.log").open("ab")
        command = [sys.executable, "-m", "app", "replay", "--program", stage.program, "--state", str(state)]
        command += ["--from", str(stage.first), "--to", str(stage.last), "--speed", speed, "--no-report", "--json"]
        for override in ("logging.level=warning", *stage.overrides):
            command += ["--set", override]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)

    def status(self) -> dict[str, Any] | None:
        """What the engine says of itself; None while it starts or when it has ended."""
        try:
            found: dict[str, Any] = request(self.state, "status", timeout_s=2.0)["status"]
        except ControlError:
            return None
        return found

    def kill(self) -> None:
        """As a power cut to the process: no handler runs, nothing is flushed."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(20)
            self.process.kill()
        self._log.close()


def show(stage: Stage, frame: Frame) -> Outcome:
    """Run the demo; `frame` is given every status with a headline. Raises DemoError when an engine ends badly."""
    with _undisturbed(stage) as whole:
        state = stage.folder / "engine"
        speed = f"{stage.days_per_second:.3f}"
        half = stage.first + (stage.last - stage.first) // 2
        engine = Engine(stage, state, speed)
        try:
            shown = _watch(engine, frame, "trading real history on the simulated exchange", until=half)
            engine.kill()
        finally:
            engine.close()
        rows = shown["journal_seq"]
        killed_at = shown["now"]
        frame(shown, f"engine process {engine.process.pid} killed with SIGKILL at {killed_at}")
        holds = verify(state / JOURNAL, facts.events()).ok
        began = time.monotonic()
        engine = Engine(stage, state, speed)
        try:
            first = _first_status(engine)
            recovered_s = time.monotonic() - began
            frame(first, f"started again: recovered and reconciled in {recovered_s:.1f} s")
            last = _watch(engine, frame, f"after SIGKILL at {killed_at} and a restart")
        finally:
            engine.close()
        frame(last, "waiting for the undisturbed run that this one is compared with")
        if whole.process.wait() != 0:
            raise DemoError("the undisturbed run ended badly")
    events = facts.events()
    return Outcome(
        killed_at=killed_at,
        rows_at_kill=rows,
        recovered_s=recovered_s,
        journal_holds=holds and verify(state / JOURNAL, events).ok,
        killed_hash=content_hash(state / JOURNAL, events),
        whole_hash=content_hash(whole.state / JOURNAL, events),
        status=last,
    )


@contextlib.contextmanager
def _undisturbed(stage: Stage) -> Iterator[Engine]:
    """The same replay without a kill, as fast as it goes, behind the curtain."""
    engine = Engine(stage, stage.folder / "undisturbed", "max")
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, engine.process.pid, 15)
    try:
        yield engine
    finally:
        engine.close()


def _first_status(engine: Engine) -> dict[str, Any]:
    deadline = time.monotonic() + START_WITHIN_S
    while time.monotonic() < deadline:
        status = engine.status()
        if status is not None and status["mode"] in ("OBSERVING", "TRADING"):
            return status
        if engine.process.poll() is not None:
            break
        time.sleep(0.02)
    raise DemoError(f"the engine on {engine.state} did not come up within {START_WITHIN_S:g} s")


def _watch(engine: Engine, frame: Frame, headline: str, until: int = 0) -> dict[str, Any]:
    """Show the engine until it ends, or until a session (yyyymmdd) has been marked."""
    shown = _first_status(engine)
    while True:
        frame(shown, headline)
        if until and shown["session"] >= until:
            return shown
        if engine.process.poll() is not None:
            break
        time.sleep(POLL_S)
        shown = engine.status() or shown
    if engine.process.returncode != 0 or until:
        raise DemoError(f"the engine on {engine.state} ended with status {engine.process.returncode}")
    return shown


def sentences(outcome: Outcome, summary: dict[str, Any]) -> Sequence[str]:
    """The one-page summary."""
    status = outcome.status
    years = summary["sessions"] / 256
    verdict = "the same" if outcome.same else "NOT the same"
    return (
        f"{summary['sessions']:,} sessions ({years:.0f} years), {summary['orders']:,} orders, "
        f"{summary['fills']:,} fills.",
        f"Net asset value {summary['first nav']:,.2f} → {summary['last nav']:,.2f} {status['currency']}; "
        f"days on which the books did not balance to the micro: {summary['unbalanced days']}.",
        f"Killed with SIGKILL at {outcome.killed_at} (journal row {outcome.rows_at_kill:,}); "
        f"started again, recovered and reconciled in {outcome.recovered_s:.1f} s.",
        f"Hash chain of the journal after the kill and at the end: {'holds' if outcome.journal_holds else 'BROKEN'}.",
        f"Client order ids that the exchange saw twice: {summary['duplicate ids']}.",
        f"Order and fill rows of the killed run and of an undisturbed one: {verdict} ({outcome.killed_hash[:16]}).",
    )
