"""Cases that come to whatever their seed says, for tests of those who play and count them."""

from __future__ import annotations

import os
import time

from simulation.prove.case import Verdict, Violation

RAISES, DIES, HANGS, BREAKS = 3, 5, 7, 11


def verdict(case: str, *violations: Violation, faults: tuple[str, ...] = ()) -> Verdict:
    """A day with two crashes and ten messages."""
    return Verdict(
        case=case, violations=violations, reached={"a fill while the link is down": 1}, crashes=2,
        simulated_ns=43_200 * 10**9, messages=10, journal_hash=f"hash of {case}", tail=("the last event of " + case,),
        faults=faults,
    )  # fmt: skip


def play(task: str) -> Verdict:
    """A good day, but for the four seeds that are named above. What is left of the last one is its third fault."""
    case = task.removeprefix("shrink ")
    number = int(case.partition(":")[2].partition("+")[0])
    if number == RAISES:
        raise ArithmeticError("three is too many")
    if number == DIES:
        os._exit(9)
    if number == HANGS:
        time.sleep(3_600)
    if number == BREAKS:
        seen = Violation("one order", "the venue holds <two> orders for one intent", 1_704_067_200 * 10**9)
        if task != case:
            return verdict(f"{case}+2", seen, faults=("the one that matters",))
        return verdict(case, seen, faults=("one", "two", "the one that matters"))
    return verdict(case)


def fall(task: str) -> Verdict:
    """Every case kills its process."""
    os._exit(1)
