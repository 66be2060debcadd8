"""A proof on a terminal: its tables, its violations, and the story of one case."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from app.proof_tally import DAYS, PROCESS_DAYS, Failure, Line, Proof
from model.units import NS_PER_DAY, NS_PER_SECOND
from simulation.prove.case import Verdict

MOST_TOLD = 10
LAST_EVENTS, WIDTH = 15, 240
FIGURES = ("cases", "violated", "crashes", "messages", "virtual days", "per second and core")


def tables(proof: Proof) -> RenderableType:
    """The figures: cases by scenario and fate, then totals by kind."""
    return Group(*([_by_fate(proof)] if axes(proof)[0] else []), _totals(proof))


def _by_fate(proof: Proof) -> Table:
    scenarios, fates = axes(proof)
    table = Table(title="crash cases by scenario and fate", title_justify="left", box=None, pad_edge=False)
    table.add_column("scenario")
    for fate in fates:
        table.add_column(fate.replace("_", " "), justify="right")
    for scenario in scenarios:
        table.add_row(scenario, *(_cell(proof.lines.get(f"{scenario} {fate}")) for fate in fates))
    return table


def _cell(line: Line | None) -> Text:
    if line is None:
        return Text("–")
    return Text(f"{line.cases:,}") if not line.violated else Text(f"{line.violated:,} of {line.cases:,}", style="red")


def axes(proof: Proof) -> tuple[list[str], list[str]]:
    """Scenarios and fates of the crash cases, each in the order in which it first stands in the table."""
    pairs = [name.split(" ") for name in proof.lines if name not in (DAYS, PROCESS_DAYS)]
    return list(dict.fromkeys(pair[0] for pair in pairs)), list(dict.fromkeys(pair[1] for pair in pairs))


def _totals(proof: Proof) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for name in FIGURES:
        table.add_column(name, justify="right")
    for name, line in kinds(proof):
        table.add_row(name, *cells(line))
    return table


def kinds(proof: Proof) -> Iterator[tuple[str, Line]]:
    """The sums over crash cases and over days, of the kernel alone and of whole processes, those that there are."""
    sums = {name: Line() for name in ("crash cases", "seeded days", "process crashes", "process days")}
    for name, line in proof.lines.items():
        if name in (DAYS, PROCESS_DAYS):
            kind = "seeded days" if name == DAYS else "process days"
        else:
            kind = "process crashes" if "/process " in name else "crash cases"
        sums[kind].merge(line)
    return ((name, line) for name, line in sums.items() if line.cases)


def cells(line: Line) -> tuple[str, ...]:
    """The figures of a line as they are shown."""
    return (
        f"{line.cases:,}", f"{line.violated:,}", f"{line.crashes:,}", f"{line.messages:,}",
        f"{line.simulated_ns / NS_PER_DAY:,.1f}", f"{line.rate:,.1f}",
    )  # fmt: skip


def findings(proof: Proof) -> list[str]:
    """The sentences at the end: what was violated, what never happened, and the verdict."""
    said: list[str] = []
    for failure in proof.failed[:MOST_TOLD]:
        said += ["", *(_cropped(line) for line in failure_story(failure, LAST_EVENTS))]
    if len(proof.failed) > MOST_TOLD:
        said += ["", f"and {len(proof.failed) - MOST_TOLD:,} more violated cases; --report DIR names all"]
    never, all_states = proof.never, len(proof.reached)
    said += ["", f"states of interest reached: {all_states - len(never)} of {all_states}"]
    if proof.enough and not proof.stopped:
        said += [f"  never: {name}" for name in never]
    elif never:
        said.append("  only a run of all cuts and 1,000 seeds or more has to reach the others")
    return [*said, f"journals of all cases: {proof.fingerprint[:16]}", "", outcome(proof)]


def outcome(proof: Proof) -> str:
    """The verdict of the whole run in one sentence."""
    cases = proof.total.cases
    if proof.stopped:
        return f"STOPPED after {cases:,} of {proof.wanted:,} cases, {len(proof.failed):,} violated: {proof.stopped}"
    if proof.failed:
        return f"BROKEN: {len(proof.failed):,} of {cases:,} cases violated a promise"
    if not proof.holds:
        return f"INCOMPLETE: no violation in {cases:,} cases, but {len(proof.never)} states were never reached"
    return f"HOLDS: no violation in {cases:,} cases, {proof.seconds:,.0f} s with {proof.maker.jobs} processes"


def moment(at_ns: int) -> str:
    """Virtual time to the microsecond."""
    seconds, ns = divmod(at_ns, NS_PER_SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{ns // 1_000:06}Z"


def _cropped(line: str) -> str:
    return line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"


def story(verdict: Verdict) -> list[str]:
    """One case for a person: what was found, and what was done to the engine."""
    said = [
        f"{verdict.case}: {verdict.crashes} crashes, {verdict.messages:,} messages, "
        f"{verdict.simulated_ns / NS_PER_DAY:.2f} days, journal {verdict.journal_hash[:16] or 'unknown'}"
    ]
    for violation in verdict.violations:
        first, *more = violation.text.strip().splitlines() or [""]
        when = f" at {moment(violation.at_ns)}" if violation.at_ns else ""
        said += [f"  VIOLATED {violation.oracle}{when}: {first}", *(f"    {line}" for line in more)]
    if not verdict.violations:
        said.append("  no violation")
    return [*said, "  faults", *(f"    {fault}" for fault in verdict.faults)] if verdict.faults else said


def events(verdict: Verdict, most: int = 1_000) -> list[str]:
    """The last things that were journalled."""
    tail = verdict.tail[-most:]
    return [f"  last {len(tail)} events", *(f"    {_dated(event)}" for event in tail)] if tail else []


def _dated(event: str) -> str:
    """`SEQ NANOSECONDS ...` with a moment that a person can read; anything else as it is."""
    seq, _, rest = event.partition(" ")
    at_ns, _, what = rest.partition(" ")
    return f"{seq} {moment(int(at_ns))} {what}" if seq.isdigit() and at_ns.isdigit() else event


def failure_story(failure: Failure, most_events: int = 1_000) -> list[str]:
    """The story of a violated case, and how to hear it again."""
    verdict = failure.verdict
    smaller = [] if verdict.case == failure.case else [f"{failure.case} is violated, and so is what is left of it in"]
    return [*smaller, *story(verdict), *events(verdict, most_events), f"  again: {failure.again}"]
