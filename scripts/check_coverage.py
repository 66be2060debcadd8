"""Demand branch coverage of the rooms that money depends on: the runtime, what survives a crash, and orders.

Runs the tests of those rooms under coverage and fails below the floor: python3 run test --cover
More words go to pytest: python3 run test --cover -x
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
FLOOR = 95.0
"""Percent of branches, and of lines, in each group."""

GROUPS = {
    "engine": ("engine/",),
    "state": ("state/",),
    "state/journal": ("state/journal/",),
    "state/lake": ("state/lake/",),
    "actors/orders.py": ("actors/orders.py",),
    "actors/order_book.py": ("actors/order_book.py",),
    "actors/order_desk.py": ("actors/order_desk.py",),
    "actors/order_pacing.py": ("actors/order_pacing.py",),
    "actors/order_reports.py": ("actors/order_reports.py",),
}
TESTS = ("engine", "state", "orders", "actors_decide", "actors_execute", "data", "guardian", "stage")


class Share(NamedTuple):
    """What of a group ran: lines, and ways out of its forks."""

    group: str
    lines: float
    branches: float

    @property
    def enough(self) -> bool:
        return self.lines >= FLOOR and self.branches >= FLOOR


def shares(report: Mapping[str, Mapping[str, Mapping[str, int]]]) -> list[Share]:
    """The share of every group, from the `files` of coverage's JSON report. Raises ValueError for an empty group."""
    found = []
    for group, prefixes in GROUPS.items():
        sums = [file["summary"] for name, file in report.items() if name.replace(os.sep, "/").startswith(prefixes)]
        if not sums:
            raise ValueError(f"no file of {group} was measured")

        def total(what: str, sums: Sequence[Mapping[str, int]] = sums) -> int:
            return sum(one[what] for one in sums)

        lines = 100 * total("covered_lines") / max(1, total("num_statements"))
        branches = 100 * total("covered_branches") / max(1, total("num_branches"))
        found.append(Share(group, lines, branches))
    return found


def measure(words: Sequence[str]) -> tuple[int, list[Share]]:
    """Run the tests; pytest's status, and the shares when it is 0."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "coverage.json"
        command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--cov-branch", f"--cov-report=json:{report}"]
        command += [f"--cov={room}" for room in ("engine", "state", "actors")]
        command += [*words, *(f"tests/{name}" for name in TESTS)]
        environment = {**os.environ, "COVERAGE_FILE": str(Path(folder) / "data")}
        status = subprocess.run(command, check=False, cwd=ROOT, env=environment).returncode
        if status:
            return status, []
        return 0, shares(json.loads(report.read_text())["files"])


def main(words: Sequence[str]) -> int:
    status, found = measure(words)
    for share in found:
        verdict = "" if share.enough else f"   below {FLOOR:g} %"
        print(f"{share.group:26} lines {share.lines:6.2f} %   branches {share.branches:6.2f} %{verdict}")
    return status or int(not all(share.enough for share in found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
