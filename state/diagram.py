"""The laws drawn for people: Mermaid diagrams and tables in markdown, made from the tables themselves.

`python -m state.diagram docs` writes `docs/order-law.md`; a test holds the page to the tables.
"""

from __future__ import annotations

import enum
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from model.decisions import Mode
from state import order_law, run_law, system_law
from state.law import AS_PLANNED, Answer, Note, Outcome

S = TypeVar("S", bound=enum.Enum)
E = TypeVar("E", bound=enum.Enum)

PAGE = "order-law.md"

PREFACE = """# The laws of orders, runs and modes

Generated from `state/order_law.py`, `state/run_law.py` and `state/system_law.py` by `python -m state.diagram docs`;
change the tables, not this page.

Every pair of a state and an event has one answer. A name alone is a move to that state. `·` keeps the state, `✗` keeps
it too and reports a defect of ours; the name beside it is the reason, explained below each table. **!** wakes a person;
such moves are left out of the diagrams.
"""


def mermaid(table: Mapping[tuple[S, E], Outcome[S]], start: S, ends: Iterable[S]) -> str:
    """A state diagram of the ordinary moves (those that wake a person are in the table); shared ways share an arrow."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for (state, event), outcome in table.items():
        if outcome.answer is Answer.MOVE and not outcome.note.alarm:
            arrows.setdefault((state.value, outcome.state.value), []).append(event.value)
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {start.value}"]
    lines += [f"    {was} --> {now}: {', '.join(events)}" for (was, now), events in arrows.items()]
    lines += [f"    {end.value} --> [*]" for end in ends]
    return "\n".join([*lines, "```"])


def markdown(table: Mapping[tuple[S, E], Outcome[S]]) -> str:
    """All answers, one row per event, and what the reasons mean."""
    states = list(dict.fromkeys(state for state, _ in table))
    events = list(dict.fromkeys(event for _, event in table))
    lines = [
        "| event | " + " | ".join(state.value for state in states) + " |",
        "|---|" + "---|" * len(states),
    ]
    for event in events:
        cells = (_cell(table[state, event]) for state in states)
        lines.append(f"| {event.value} | " + " | ".join(cells) + " |")
    notes: dict[str, Note] = {}
    for outcome in table.values():
        if outcome.note != AS_PLANNED:
            notes.setdefault(outcome.note.name, outcome.note)
    lines += ["", "| reason | meaning |", "|---|---|"]
    lines += [f"| {n.name}{' **!**' if n.alarm else ''} | {n.text} |" for n in sorted(notes.values())]
    return "\n".join(lines)


def _cell(outcome: Outcome[S]) -> str:
    note = "" if outcome.note == AS_PLANNED else outcome.note.name
    alarm = " **!**" if outcome.note.alarm else ""
    if outcome.answer is Answer.MOVE:
        return f"{outcome.state.value}{f' ({note})' if note else ''}{alarm}"
    return f"{'·' if outcome.answer is Answer.STAY else '✗'} {note}{alarm}"


def page() -> str:
    """The whole of `docs/order-law.md`."""
    acts = tuple(system_law.Act)
    allowed = ["| mode | " + " | ".join(acts) + " |", "|---|" + "---|" * len(acts)]
    for mode in Mode:
        marks = ("yes" if system_law.allows(mode, act) else "–" for act in acts)
        allowed.append(f"| {mode.value} | " + " | ".join(marks) + " |")
    return "\n\n".join(
        (
            PREFACE.strip(),
            "## An order",
            mermaid(order_law.TABLE, order_law.PLANNED, order_law.TERMINAL),
            markdown(order_law.TABLE),
            "## A run",
            mermaid(run_law.TABLE, run_law.PLANNED, run_law.TERMINAL),
            markdown(run_law.TABLE),
            "## The system",
            mermaid(system_law.TABLE, system_law.BOOT, (system_law.SAFE_STOP,)),
            markdown(system_law.TABLE),
            "What may leave the process in each mode:",
            "\n".join(allowed) + "\n",
        )
    )


def write(folder: Path) -> Path:
    """Write the page into `folder`; returns where it is."""
    path = folder / PAGE
    path.write_text(page(), encoding="utf-8")
    return path


if __name__ == "__main__":
    print(write(Path(sys.argv[1] if len(sys.argv) > 1 else "docs")))
