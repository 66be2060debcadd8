"""Hunt the seeded bugs: python -m tests.seeded_bugs [--bug NAME]... [--cuts N] [--seeds N] [--json FILE] [--record]

Every bug is put into an engine of its own, and crash cases and days are played until a judge speaks; the healthy engine
is played under the cases that showed it. Crash cases come in an order that was drawn once. Status 1 when a bug is not
found. With --record the suite's own record is what was found now.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

from tests.seeded_bugs.bug import Bug
from tests.seeded_bugs.catalogue import BUGS, by_name
from tests.seeded_bugs.hunt import Find, Hunted, Worker, hunt
from tests.seeded_bugs.record import RECORD, Record, merged, read, written

CUTS, DAYS = 300, 250


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.seeded_bugs", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--bug", action="append", metavar="NAME", default=[], help="only this one; may be repeated")
    parser.add_argument("--cuts", type=int, metavar="N", default=CUTS, help=f"crash cases to play for each ({CUTS})")
    parser.add_argument("--seeds", type=int, metavar="N", default=DAYS, help=f"days to play for each bug ({DAYS})")
    parser.add_argument("--jobs", type=int, metavar="J", default=2, help="bugs to hunt at one time (2)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was found there")
    parser.add_argument("--record", action="store_true", help="keep what was found for the suite and the pages")
    return parser.parse_args(words)


def hunted(
    bugs: Iterable[Bug], cases: Sequence[str], seeds: int, jobs: int, told: Callable[[list[Hunted]], object]
) -> list[Hunted]:
    """Hunt several at a time; `told` hears of all that are over after each: a hunt that is broken off is not lost."""
    over: list[Hunted] = []

    def one(bug: Bug) -> None:
        with Worker() as healthy:
            over.append(hunt(bug, cases, seeds, healthy))
        print(line(over[-1]), flush=True)
        told(over)

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(one, bugs))
    return over


def line(found: Hunted) -> str:
    best = found.best
    if best is None:
        return f"{found.bug:46} NOT FOUND"
    return f"{found.bug:46} {best.oracle:28} {best.case:28} crash {_after(found.crash)}, day {_after(found.day)}"


def _after(find: Find | None) -> str:
    return "-" if find is None else str(find.played)


def main(words: Sequence[str] | None = None) -> int:
    from simulation.prove.crashes import cases

    wanted = arguments(words)
    bugs = [by_name(name) for name in wanted.bug] or list(BUGS)
    names = cases(double=False)
    Random("seeded bugs").shuffle(names)
    del names[wanted.cuts :]
    print(f"{len(bugs)} bugs, {len(names)} crash cases, {wanted.seeds} days", flush=True)

    def kept(found: Iterable[Hunted]) -> Record:
        record = Record(len(names), wanted.seeds, {each.bug: each for each in found})
        if wanted.json:
            wanted.json.write_text(written(record), encoding="utf-8")
        return record

    found = hunted(bugs, names, wanted.seeds, wanted.jobs, kept)
    if wanted.record:
        whole = merged(read(), found) if wanted.bug else kept(found)
        RECORD.write_text(written(whole), encoding="utf-8")
    missed = [each.bug for each in found if each.best is None]
    print(f"{len(found) - len(missed)} of {len(found)} found" + (f"; not: {', '.join(missed)}" if missed else ""))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
