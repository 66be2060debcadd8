"""Hunts a bug: crash cases, then days, each until the first violation that it alone causes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import NamedTuple

from tests.seeded_bugs.bug import ROOT, Bug

ENUMERATION = "enumeration"
"""The crash did not come: a bug moves the boundaries too, and that alone finds nothing."""


FEW_DAYS = 12
"""How many days are played for a bug that a crash case shows already."""
SECOND_LOOK = 60
"""How many cases more are played for another one that shows the same bug."""


class Seen(NamedTuple):
    """One violation of one case."""

    oracle: str
    text: str


class Worker:
    """A process of `tests.seeded_bugs.worker`, with a bug or with none."""

    def __init__(self, bug: str = "") -> None:
        command = [sys.executable, "-m", "tests.seeded_bugs.worker", *([bug] if bug else [])]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()

    def play(self, case: str) -> list[Seen]:
        """The violations of a case. Raises RuntimeError when the process has died."""
        told, heard = self._process.stdin, self._process.stdout
        assert told is not None
        assert heard is not None
        told.write(f"{case}\n")
        told.flush()
        line = heard.readline()
        if not line:
            raise RuntimeError(f"the worker died of {case}")
        return [Seen(each["oracle"], each["text"]) for each in json.loads(line)["violations"]]


class Find(NamedTuple):
    """How a bug was found: by which oracle, in which case, and how many of that kind were played, that one included.

    text: what the oracle saw, or the last line of what escaped.
    """

    oracle: str
    text: str
    case: str
    played: int


class Hunted(NamedTuple):
    """What came of one bug; None: not found among those crash cases, or those days.

    also: further cases that show it, so that one changed scenario does not leave it unseen.
    """

    bug: str
    crash: Find | None
    day: Find | None
    also: tuple[str, ...] = ()

    @property
    def best(self) -> Find | None:
        """A crash case is the shorter story."""
        return self.crash or self.day

    @property
    def cases(self) -> tuple[str, ...]:
        """Every case that is known to show it, the shortest story first."""
        return (*(find.case for find in (self.crash, self.day) if find is not None), *self.also)


def hunt(bug: Bug, cases: Sequence[str], seeds: int, healthy: Worker) -> Hunted:
    """Play crash cases, then days, each until the bug shows; a case that the healthy engine fails too shows nothing."""
    days = [f"seed:{seed}" for seed in range(seeds)]
    with Worker(bug.name) as sick:
        crash = first(sick, healthy, cases)
        day = first(sick, healthy, days if crash is None else days[:FEW_DAYS])
        more = list(cases[: -SECOND_LOOK - 1 : -1]) if crash is not None else []
        more += [] if crash is not None or day is None else days[day.played : day.played + SECOND_LOOK]
        other = first(sick, healthy, more)
    return Hunted(bug.name, crash, day, () if other is None else (other.case,))


def first(sick: Worker, healthy: Worker, cases: Iterable[str]) -> Find | None:
    """The first case that the bug alone spoils."""
    for number, case in enumerate(cases, start=1):
        seen = [each for each in sick.play(case) if each.oracle != ENUMERATION]
        if seen and not healthy.play(case):
            oracle, text = seen[0]
            return Find(oracle, text.strip().splitlines()[-1], case, number)
    return None
