"""The runtime's laws as Markdown, for documents that a test keeps equal to the code.

python -m engine.tables
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.lifecycle import LIFE, State, Step
from engine.message import Control, Event, Expired, Message, Poisoned, Quarantined, Refused, Replied, Request

MEANING = {
    "SAFE_STOP": "a defect: safe stop",
    "KEEP": "never dropped: alarm, pause intake, keep",
    "REFUSE": "`FULL`, and `Refused` to an actor",
    "WAIT": "`FULL`: the source waits",
}
BASES = (Control, Poisoned, Quarantined, Event, Replied, Expired, Refused, Message, Request)


def mailbox_table(types: Iterable[type[Message]] = BASES) -> str:
    """One line a message type: its lane, its bound and what a full lane means."""
    lines = ["| message | lane | bound | when full |", "|---|---|---:|---|"]
    for kind in types:
        slot = "" if kind.slot_field is None else f", one for each `{kind.slot_field}`: the latest wins"
        bound = f"{kind.bound:,}" if kind.slot_field is None else "1"
        lines.append(
            f"| `{kind.__name__}` | {kind.lane.name.lower()} | {bound} | {MEANING[kind.when_full.name]}{slot} |"
        )
    return "\n".join(lines)


def lifecycle_table() -> str:
    """States down, steps across; an empty place is refused."""
    steps = list(Step)
    lines = ["| | " + " | ".join(step.value for step in steps) + " |", "|---" * (len(steps) + 1) + "|"]
    for state in State:
        ends = [LIFE[state, step].value if (state, step) in LIFE else "" for step in steps]
        lines.append(f"| **{state.value}** | " + " | ".join(ends) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(mailbox_table(), lifecycle_table(), sep="\n\n")
