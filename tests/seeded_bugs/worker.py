"""One process, one engine: plays the cases it is told, with the bug it is given or with none.

Usage: python -m tests.seeded_bugs.worker [BUG]; case names come on its input, a line each, verdicts go out as JSON.
"""

from __future__ import annotations

import json
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TextIO

from tests.seeded_bugs.catalogue import by_name
from tests.seeded_bugs.hook import infect

Told = dict[str, str]
PATIENCE_S = 60
ESCAPED = "nothing escapes the engine"


class StuckError(BaseException):
    """A play did not end. Not an Exception: nothing in the engine may take it for a crash of an actor."""


@contextmanager
def patience(seconds: int) -> Iterator[None]:
    """Raise StuckError in a play that takes longer than any does in a healthy engine."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise StuckError(f"the play did not end within {seconds} s")

    usual = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, usual)


def violations(case: str) -> list[Told]:
    """Play a case of either kind; oracle and text of every violation."""
    from simulation.prove import crashes, days  # only now: the bug must be there before the engine is loaded

    verdict = days.play(case) if case.startswith("seed:") else crashes.play(case)
    return [{"oracle": each.oracle, "text": each.text} for each in verdict.violations]


def played(case: str) -> list[Told]:
    """The violations of one case; what escapes the engine, or never ends, is one too."""
    try:
        with patience(PATIENCE_S):
            return violations(case)
    except StuckError as stuck:
        return [{"oracle": ESCAPED, "text": str(stuck)}]
    except Exception:
        return [{"oracle": ESCAPED, "text": traceback.format_exc()}]


def work(names: TextIO, told: TextIO) -> None:
    for line in names:
        case = line.strip()
        told.write(json.dumps({"case": case, "violations": played(case)}) + "\n")
        told.flush()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        infect(by_name(sys.argv[1]))
    work(sys.stdin, sys.stdout)
