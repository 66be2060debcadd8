"""`hedgerow prove`: crash the whole engine everywhere, let it live through bad days, and judge what is left."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import click

from app.options import json_option

if TYPE_CHECKING:
    from app.proof_tally import Proof, Tally
    from app.proof_workers import Workers
    from simulation.prove.case import Verdict

SHRINK, DAY, PROCESS = "shrink ", "seed:", "process:"
SEEDS_A_PROCESS = 10
MOST_SHRUNK = 5
SAY_EVERY_S = 20.0
INTERRUPTED = "interrupted"


class ProofError(Exception):
    """A proof that cannot begin."""

    code: ClassVar[str] = "PROOF"

    def __init__(self, what: str, next_step: str) -> None:
        super().__init__(what)
        self.next = next_step


@click.command()
@click.option("--seeds", type=click.IntRange(min=0), default=100, show_default=True, help="How many simulated days.")
@click.option("--from", "first", type=click.IntRange(min=0), default=1, show_default=True, help="The first seed.")
@click.option(
    "--processes", type=click.IntRange(min=0), default=None,
    help="How many of them also with the whole process on files (default: one in ten); with any, its crashes, too.",
)  # fmt: skip
@click.option("--cuts", default="all", show_default=True, metavar="all|none|SCENARIO", help="Which crash cases.")
@click.option("--jobs", type=click.IntRange(min=1), default=None, help="Processes (default: one for each core).")
@click.option("--case", "named", multiple=True, metavar="NAME", help="Play this case only, and tell its story.")
@click.option("--report", type=click.Path(path_type=Path), help="Folder for proof.json, proof.html and journals.txt.")
@json_option
def prove(
    seeds: int, first: int, processes: int | None, cuts: str, jobs: int | None, named: tuple[str, ...],
    report: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Crash the whole engine at every boundary, let it live through days full of faults, and judge what is left.

    A crash case kills it before or after one commit, message or snapshot, while the venue does one of the things that
    venues do. A seed is a day of faults. The judges read the venue's own record and the journal only. Most cases are
    played by the kernel alone; some by the whole process, with its event loop and its files. Needs no network and
    writes nothing but the report.
    """
    from app.proof_show import findings, tables
    from app.proof_tally import ENOUGH_PROCESSES, ENOUGH_SEEDS, Tally, maker
    from app.proof_workers import Workers
    from simulation.prove.sometimes import SOMETIMES

    whole = seeds // SEEDS_A_PROCESS if processes is None else processes
    cases = _named(named) if named else _asked(seeds, first, cuts, whole)
    if report is not None:
        _make(report)
    at_once = min(jobs or os.cpu_count() or 1, len(cases))
    made, tally, began = maker(at_once), Tally(SOMETIMES, keep=bool(named)), time.monotonic()
    with Workers(at_once, play) as workers:
        stopped = _played(workers, cases, tally, quiet=as_json)
    proof = tally.proof(
        made, len(cases), time.monotonic() - began, stopped=stopped,
        enough=not named and cuts == "all" and seeds >= ENOUGH_SEEDS and whole >= ENOUGH_PROCESSES,
    )  # fmt: skip
    if report is not None:
        _write(report, proof, tally)
    if as_json:
        from app.proof_report import document

        click.echo(document(proof))
    elif named:
        _tell(tally)
    else:
        _print(tables(proof))
        click.echo("\n".join(findings(proof)))
        if report is not None:
            click.echo(f"report: {report / 'proof.html'}")
    sys.exit(130 if stopped == INTERRUPTED else int(not proof.holds))


def play(task: str) -> Verdict:
    """Play one case, or find the smallest part of a day that is violated still (`shrink seed:NUMBER`)."""
    from simulation.prove import crashes, days, shrink

    if task.startswith(SHRINK):
        return shrink.shrink(task.removeprefix(SHRINK))
    return days.play(task) if _is_day(task) else crashes.play(task)


def _is_day(case: str) -> bool:
    return case.removeprefix(PROCESS).startswith(DAY)


# -- which cases


def _named(names: Sequence[str]) -> list[str]:
    from simulation.prove.crashes import Case
    from simulation.prove.days import Name

    for name in names:
        try:
            Name.read(name) if _is_day(name) else Case.read(name)
        except ValueError as error:
            raise ProofError(
                str(error), "a violation names its case; `hedgerow prove --report DIR` names all"
            ) from None
    return list(dict.fromkeys(names))


def _asked(seeds: int, first: int, cuts: str, processes: int) -> list[str]:
    days = [f"{DAY}{number}" for number in range(first, first + max(seeds, processes))]
    whole = [PROCESS + day for day in days[:processes]]
    cases = [*_crash_cases(cuts, whole=bool(processes)), *days[:seeds], *whole]
    if not cases:
        raise ProofError("--cuts none and --seeds 0 leave nothing to play", "name a scenario, all cuts, or some seeds")
    return cases


def _crash_cases(cuts: str, *, whole: bool) -> list[str]:
    from simulation.prove import crashes

    if cuts == "none":
        return []
    with _busy("finding every boundary"):
        cases = [*crashes.cases(), *(crashes.whole_cases() if whole else ())]
    if cuts == "all":
        return cases
    known: dict[str, list[str]] = {}
    for case in cases:
        known.setdefault(crashes.Case.read(case).scenario, []).append(case)
    if cuts not in known:
        raise ProofError(f"--cuts {cuts}: there is no such scenario", f"write all, none, or one of {', '.join(known)}")
    return known[cuts]


# -- playing


def _played(workers: Workers, cases: Sequence[str], tally: Tally, *, quiet: bool) -> str:
    """Play and add up all cases; why not all were, or nothing."""
    usual = signal.signal(signal.SIGTERM, _interrupt)  # whoever limits the time is told what was found until then
    try:
        with _progress(len(cases), tally, quiet=quiet) as moved:
            for one in workers.play(cases):
                tally.add(one.verdict, one.seconds)
                moved()
        if tally.cases < len(cases):
            return f"{workers.deaths} processes died, and more would"
        days = [case for case in sorted(tally.failed) if _is_day(case)]
        for one in workers.play(SHRINK + case for case in days[:MOST_SHRUNK]):
            tally.shrunk(one.case.removeprefix(SHRINK), one.verdict)
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        signal.signal(signal.SIGTERM, usual)
    return ""


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


@contextmanager
def _progress(wanted: int, tally: Tally, *, quiet: bool) -> Iterator[Callable[[], None]]:
    """A bar on a terminal; a line now and then elsewhere."""
    if quiet:
        yield lambda: None
    elif sys.stderr.isatty():
        with _bar() as bar:
            task = bar.add_task("", total=wanted)
            yield lambda: bar.update(task, completed=tally.cases, description=_violated(tally))
    else:
        click.echo(f"playing {wanted:,} cases", err=True)
        said = [time.monotonic()]

        def line() -> None:
            if time.monotonic() - said[0] > SAY_EVERY_S:
                said[0] = time.monotonic()
                click.echo(f"{tally.cases:,} of {wanted:,} cases, {_violated(tally)}", err=True)

        yield line


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    return Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True)


def _busy(text: str) -> Any:
    from rich.console import Console

    return Console(stderr=True).status(text) if sys.stderr.isatty() else nullcontext()


def _violated(tally: Tally) -> str:
    return f"{len(tally.failed)} violated"


# -- telling


def _print(tables: Any) -> None:
    from rich.console import Console

    wide = None if sys.stdout.isatty() else 120
    Console(file=sys.stdout, width=wide, highlight=False).print(tables)


def _tell(tally: Tally) -> None:
    from app.proof_show import failure_story, story

    for verdict in tally.kept:
        failure = tally.failed.get(verdict.case)
        click.echo("\n".join(failure_story(failure) if failure else story(verdict)))
        states = sorted(name for name, times in verdict.reached.items() if times)
        click.echo("\n".join(["  states reached", *(f"    {name}" for name in states)]))


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "proof.json").touch()
    except OSError as error:
        raise ProofError(f"--report {folder}: {error.strerror}", "name a folder that can be written to") from None


def _write(folder: Path, proof: Proof, tally: Tally) -> None:
    from app.proof_page import page
    from app.proof_report import document

    (folder / "proof.json").write_text(document(proof) + "\n", encoding="utf-8")
    (folder / "proof.html").write_text(page(proof), encoding="utf-8")
    (folder / "journals.txt").write_text(tally.journals(), encoding="utf-8")
