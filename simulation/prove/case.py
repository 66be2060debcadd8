"""What a case of the proof is called, and what was found in it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from engine.ports import Row
from state.journal.chain import Chain

PROCESS = "process:"
"""What stands before the name of a case that the whole process plays, with files, on a virtual event loop."""


class Violation(msgspec.Struct, frozen=True):
    """A promise that was broken: which oracle saw it, what it saw, and when (virtual UTC ns)."""

    oracle: str
    text: str
    at_ns: int


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """One case, played and judged.

    case: its name, which is all that is needed to play it again: `cut:SCENARIO:FATE:NUMBER[+NUMBER]` or
    `seed:NUMBER[+FAULT...][@SECONDS]`, a day with all its faults and hours or only these; either after `PROCESS`.
    reached: how often each interesting state was seen.  journal_hash: SHA-256 over the durable rows.
    simulated_ns: virtual time played.  messages: handled by actors.  tail: the last events, for a person.
    """

    case: str
    violations: tuple[Violation, ...]
    reached: dict[str, int]
    crashes: int
    simulated_ns: int
    messages: int
    journal_hash: str
    tail: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


def digest(rows: Iterable[Row]) -> str:
    """What `journal_hash` says of rows: the last link of the chain that a journal on disk would have."""
    chain = Chain()
    chain.add(rows)
    return chain.last_hash.hex()
