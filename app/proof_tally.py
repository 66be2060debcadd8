"""What a run of the proof came to: figures by kind of case, states reached, and every violation."""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import msgspec

from simulation.prove.case import PROCESS, Verdict

DAYS, PROCESS_DAYS = "days", "days/process"
"""The lines of the table on which simulated days stand."""
ENOUGH_SEEDS, ENOUGH_PROCESSES = 1_000, 100


class Line(msgspec.Struct):
    """A line of the table. seconds: of processor time."""

    cases: int = 0
    violated: int = 0
    crashes: int = 0
    messages: int = 0
    simulated_ns: int = 0
    seconds: float = 0.0

    def add(self, verdict: Verdict, seconds: float) -> None:
        self.cases += 1
        self.violated += bool(verdict.violations)
        self.crashes += verdict.crashes
        self.messages += verdict.messages
        self.simulated_ns += verdict.simulated_ns
        self.seconds += seconds

    def merge(self, other: Line) -> None:
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def rate(self) -> float:
        """Cases per second and core."""
        return self.cases / self.seconds if self.seconds else 0.0


class Maker(msgspec.Struct, frozen=True, kw_only=True):
    """What ran, where and when: enough to run it again."""

    command: str
    version: str
    commit: str
    python: str
    machine: str
    started: str
    jobs: int


class Failure(msgspec.Struct, frozen=True):
    """A violated case, by its name, and the verdict on it or on the smallest part of it that is violated still."""

    case: str
    verdict: Verdict

    @property
    def again(self) -> str:
        """The command that plays it again and tells its story."""
        return f"hedgerow prove --case '{self.verdict.case}'"


class Proof(msgspec.Struct, kw_only=True):
    """The document that a run leaves.

    wanted: cases that were asked for.  lines: see `line_of`.  enough: whether the run was
    large enough that a state never reached is a failure.  stopped: why it ended early.  fingerprint: of the journals of
    all cases; two runs of the same cases agree on it.
    """

    maker: Maker
    wanted: int
    seconds: float
    lines: dict[str, Line]
    reached: dict[str, int]
    enough: bool
    fingerprint: str
    failed: list[Failure]
    stopped: str = ""

    @property
    def total(self) -> Line:
        whole = Line()
        for line in self.lines.values():
            whole.merge(line)
        return whole

    @property
    def never(self) -> list[str]:
        """States that no case reached."""
        return [name for name, times in self.reached.items() if not times]

    @property
    def holds(self) -> bool:
        """Every case was played, none was violated, and a large run reached every state."""
        return not (self.failed or self.stopped or (self.enough and self.never))


def maker(jobs: int) -> Maker:
    """This program, on this machine, now."""
    return Maker(
        command=shlex.join(["hedgerow", *sys.argv[1:]]), version=metadata.version("hedgerow"), commit=_commit(),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        machine=f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        started=datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%SZ"), jobs=jobs,
    )  # fmt: skip


def _commit() -> str:
    """What is checked out, `+` behind it when files differ from it; empty outside a checkout."""
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return ""
    words = ["git", "-C", str(root), "describe", "--always", "--abbrev=12", "--exclude=*", "--dirty=+"]
    try:
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def line_of(case: str) -> str:
    """The line of the table on which a case stands: `SCENARIO FATE`, `SCENARIO/process FATE`, or one for days."""
    whole = case.startswith(PROCESS)
    kind, _, rest = case.removeprefix(PROCESS).partition(":")
    if kind != "cut":
        return PROCESS_DAYS if whole else DAYS
    scenario, _, rest = rest.partition(":")
    return f"{scenario}{'/process' * whole} {rest.partition(':')[0]}"


class Tally:
    """Takes verdicts as they come, in any order; the sum does not depend on it.

    states: those of interest.  keep: remember every verdict, for a few cases.
    """

    def __init__(self, states: Sequence[str], *, keep: bool = False) -> None:
        self.lines: dict[str, Line] = {}
        self.reached = dict.fromkeys(states, 0)
        self.failed: dict[str, Failure] = {}
        self.kept: list[Verdict] = []
        self._keep = keep
        self._journals: list[str] = []

    def add(self, verdict: Verdict, seconds: float) -> None:
        """Count a case that was played."""
        self.lines.setdefault(line_of(verdict.case), Line()).add(verdict, seconds)
        for name, times in verdict.reached.items():
            self.reached[name] = self.reached.get(name, 0) + times
        if verdict.violations:
            self.failed[verdict.case] = Failure(verdict.case, verdict)
        if self._keep:
            self.kept.append(verdict)
        self._journals.append(f"{verdict.case} {verdict.journal_hash}\n")

    @property
    def cases(self) -> int:
        return len(self._journals)

    def shrunk(self, case: str, verdict: Verdict) -> None:
        """Tell the story of a violated case by a smaller one that is violated too."""
        if verdict.violations:
            self.failed[case] = Failure(case, verdict)

    def journals(self) -> str:
        """A line for each case: its name and the hash of its journal, sorted, so that two runs can be compared."""
        return "".join(sorted(self._journals))

    def proof(self, maker: Maker, wanted: int, seconds: float, *, enough: bool, stopped: str = "") -> Proof:
        """The document of all that was added."""
        digest = hashlib.sha256(self.journals().encode())
        return Proof(
            maker=maker, wanted=wanted, seconds=seconds, lines=dict(sorted(self.lines.items())), reached=self.reached,
            enough=enough, fingerprint=digest.hexdigest(), failed=[self.failed[case] for case in sorted(self.failed)],
            stopped=stopped,
        )  # fmt: skip
