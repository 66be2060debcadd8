"""A short day on which everything happens: single orders, a pair, orders that work for long, a roll at midnight."""

from __future__ import annotations

from msgspec.structs import replace

from model.units import NS_PER_SECOND
from simulation.prove.days import Day, Word
from simulation.prove.fault import Fault

MS = 10**6
MINUTE_NS = 60 * NS_PER_SECOND
HOUR_NS = 60 * MINUTE_NS
FIRST_NS, SECOND_NS = 5 * NS_PER_SECOND, HOUR_NS
"""When the author decides."""
WORDS = (
    Word(FIRST_NS, "want", "one", "ALPHA", 2_500), Word(FIRST_NS, "want", "one", "GAMMA", 4), Word(FIRST_NS, "decide"),
    Word(SECOND_NS, "want", "two", "ALPHA", 700, "p"), Word(SECOND_NS, "want", "two", "BETA", -1_400, "p"),
    Word(SECOND_NS, "decide"),
)  # fmt: skip
SHORT = Day(
    seed=7, begins_ns=22 * HOUR_NS, length_ns=150 * MINUTE_NS, roll_day=0, latency_ns=2 * MS,
    restarts_ns=5 * NS_PER_SECOND, displayed=1_000, tight=False, resumes=True, decides=True, words=WORDS, faults=(),
)  # fmt: skip


def short_day(*faults: Fault, words: tuple[Word, ...] = (), resumes: bool = True) -> Day:
    """The short day with these faults, and these words of the author besides his own."""
    said = tuple(sorted((*WORDS, *words), key=lambda word: word.at_ns))
    return replace(SHORT, faults=faults, words=said, resumes=resumes)


def fault(name: str, at_ns: int, what: str = "", much: int = 0, lasts_ns: int = 0) -> Fault:
    return Fault(name=name, at_ns=at_ns, what=what, much=much, lasts_ns=lasts_ns)
