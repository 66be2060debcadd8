"""What the proof costs: kernel messages under a seeded scheduler, simulated days and crash cases, a core.

    python -m benchmarks.proof [--messages 200000] [--days 40] [--crashes 400] [--processes 10] [--rounds 3]
                               [--json FILE]

Messages: tokens run round a ring of eight actors, under the seeded scheduler, under the fair one, and in a bare loop
over a deque that calls the same handlers. Days: seeds 1 to N with faults and judges, against the same days with no
fault. Crash cases: every n-th of all, with their judges, against the scenarios undisturbed and unjudged. Processes:
days that the whole process lives, with its loop and its files, against the kernel alone. Each against its floor in
the same rounds, in processor seconds of this process; a line gives the least disturbed round.
"""

from __future__ import annotations

import argparse
import collections
import gc
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from engine.actor import Actor
from engine.clock import VirtualClock
from engine.collector import seldom
from engine.effects import Ref, Tell
from engine.kernel import Kernel
from engine.message import Message
from engine.schedule import Scheduler, Seeded
from engine.supervise import Branch, Child
from simulation.prove import crashes, days
from simulation.prove.case import PROCESS, Verdict
from simulation.stage import Cuts

RING = 8
TOKENS = 32
WANTED = {"crash cases": 300.0, "simulated days": 10.0}


class Token(Message, frozen=True, gc=False):
    left: int


class Post(Actor):
    """Passes a token on until it is spent."""

    def __init__(self, next_one: str) -> None:
        self.n = 0
        self.next = Ref[Token](next_one)

    def on_token(self, token: Token) -> tuple[Tell, ...]:
        self.n += 1
        return (Tell(self.next, Token(token.left - 1)),) if token.left else ()


def ring(messages: int, scheduler: Scheduler | None) -> Callable[[], None]:
    """A kernel in whose ring so many messages wait to be handled."""
    kernel = Kernel(clock=VirtualClock(), scheduler=scheduler)
    names = [f"post{place}" for place in range(RING)]
    kernel.host(Branch("root", tuple(Child(names[i], partial(Post, names[(i + 1) % RING])) for i in range(RING))))
    kernel.start()
    for token in range(TOKENS):
        kernel.tell(names[token % RING], Token(messages // TOKENS - 1))

    def run() -> None:
        while not kernel.settle():
            kernel.commit()
        handled = sum(kernel.actor(name).n for name in names)
        assert handled == messages // TOKENS * TOKENS, f"{handled} of {messages} messages were handled"

    return run


def bare(messages: int) -> Callable[[], None]:
    """The same handlers, called from a loop over a deque."""
    posts = [Post(str((place + 1) % RING)) for place in range(RING)]
    waiting: collections.deque[tuple[int, Any]] = collections.deque(
        (token % RING, Token(messages // TOKENS - 1)) for token in range(TOKENS)
    )

    def run() -> None:
        while waiting:
            place, token = waiting.popleft()
            for tell in posts[place].on_token(token):
                waiting.append((int(tell.to.name), tell.message))

    return run


def seconds(do: Callable[[], object]) -> float:
    gc.collect()
    began = time.process_time()
    do()
    return time.process_time() - began


def messages(count: int) -> dict[str, float]:
    """Processor seconds for so many messages, by who calls the handlers."""
    return {
        "seeded scheduler": seconds(ring(count, Seeded(7))),
        "fair scheduler": seconds(ring(count, None)),
        "a bare loop": seconds(bare(count)),
    }


def best(rounds: int, measure: Callable[[], dict[str, float]]) -> dict[str, float]:
    """The least disturbed round of each."""
    found = [measure() for _ in range(rounds)]
    return {name: min(one[name] for one in found) for name in found[0]}


def crash_cases(some: list[str]) -> dict[str, float]:
    """Processor seconds of cases with their crashes and judges, and of the same scenarios undisturbed."""

    def undisturbed() -> None:
        for name in some:
            case = crashes.Case.read(name)
            with crashes.Played.of(case, Cuts()) as stage:
                crashes.ALL[case.scenario].play(stage)
                stage.come_to_rest()

    return {"crash cases": seconds(lambda: holding(crashes.play, some)), "undisturbed": seconds(undisturbed)}


def simulated_days(count: int) -> dict[str, float]:
    """Processor seconds of days with faults and judges, and of the same days with no fault."""
    seeds = [f"seed:{number}" for number in range(1, count + 1)]
    return {
        "simulated days": seconds(lambda: holding(days.play, seeds)),
        "without faults": seconds(lambda: holding(partial(days.play, keep=()), seeds)),
    }


def whole_processes(count: int) -> dict[str, float]:
    """Processor seconds of days that the whole process lives, and of the same days of the kernel alone."""
    seeds = [f"seed:{number}" for number in range(1, count + 1)]
    return {
        "days of a process": seconds(lambda: holding(days.play, [PROCESS + each for each in seeds])),
        "days of the kernel alone": seconds(lambda: holding(days.play, seeds)),
    }


def holding(play: Callable[[str], Verdict], cases: list[str]) -> None:
    """Play them; a figure of a broken engine is worth nothing."""
    with seldom():
        for case in cases:
            violations = play(case).violations
            assert not violations, f"{case}: {violations}"


def show(many: int, taken: dict[str, float]) -> None:
    first = next(iter(taken.values()))
    for name, value in taken.items():
        wanted = WANTED.get(name)
        verdict = "" if wanted is None else f"  {wanted:g} wanted: {'yes' if many / value >= wanted else 'NO'}"
        print(f"{name:<38}{many / value:>12,.1f}{first / value:>17.2f}{verdict}")
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--days", type=int, default=40)
    parser.add_argument("--crashes", type=int, default=400)
    parser.add_argument("--processes", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the figures there")
    given = parser.parse_args()
    every = crashes.cases()
    some = every[:: max(1, len(every) // given.crashes)]
    work: dict[str, tuple[int, Callable[[], dict[str, float]]]] = {
        "messages": (given.messages, lambda: messages(given.messages)),
        "crash cases": (len(some), lambda: crash_cases(some)),
        "days": (given.days, lambda: simulated_days(given.days)),
        "processes": (given.processes, lambda: whole_processes(given.processes)),
    }
    print(f"{'':<38}{'a second':>12}{'times the first':>17}")
    found = {}
    for name, (many, measure) in work.items():
        found[name] = best(given.rounds, measure)
        show(many, found[name])
    if given.json:
        about = {"python": sys.version.split()[0], **vars(given), "json": None, "crashes": len(some)}
        given.json.write_text(json.dumps(about | {"seconds": found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
