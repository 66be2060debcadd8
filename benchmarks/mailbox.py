"""What a tell costs: one producer, one actor, a million small messages through real mailboxes.

    python -m benchmarks.mailbox [--n 1000000] [--rounds 5] [--peers-python PYTHON] [--json FILE]

Designs run in alternation, so that a slow spell falls on all; a line gives the least disturbed of its rounds, seconds a
million. On a busy machine many short rounds say more than a few long ones. Every design makes its messages and
dispatches them by type to a method. Peers are measured by another interpreter that has them, in the same rounds.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

from benchmarks import mailbox_peers
from benchmarks.mailbox_peers import BOUND, PEERS, Design, asyncio_queue, method_call, took
from engine.actor import Actor
from engine.clock import Clock, LiveClock, VirtualClock
from engine.effects import Effects, Ref, Tell
from engine.kernel import Kernel
from engine.message import Message
from engine.supervise import Branch, Child

LOT = 256
TARGETS = {"method call": (3.0, "at most"), "asyncio.Queue": (2.0, "at least"), "nautilus": (3.0, "at least"),
           "pykka": (15.0, "at least")}  # fmt: skip


class Ticked(Message, frozen=True, gc=False):
    bound: ClassVar[int] = BOUND

    seq: int
    price: float


class Slotted(Ticked, frozen=True, gc=False):
    slot_field: ClassVar[str | None] = "seq"


class Sink(Actor):
    def __init__(self) -> None:
        self.n = 0

    def on_tick(self, tick: Ticked | Slotted) -> None:
        self.n += 1


class Forward(Actor):
    def __init__(self) -> None:
        self.to = Ref[Ticked | Slotted]("sink")

    def on_tick(self, tick: Ticked | Slotted) -> Effects:
        return (Tell(self.to, tick),)


def kernel(clock: Clock) -> Kernel:
    made = Kernel(clock=clock)
    made.host(Branch("root", (Child("forward", Forward), Child("sink", Sink))))
    made.start()
    return made


def tell(n: int) -> float:
    ours = kernel(VirtualClock())
    to, put = ours.ref("sink"), ours.tell
    began = time.perf_counter()
    for first in range(0, n, LOT):
        for k in range(first, min(n, first + LOT)):
            put(to, Ticked(k, 1.5))
        ours.settle()
    return took(began, ours.actor("sink"), n)


def inlet(n: int, name: str = "sink", clock: Callable[[], Clock] = VirtualClock) -> float:
    ours = kernel(clock())
    put = ours.inlet(name)
    began = time.perf_counter()
    for first in range(0, n, LOT):
        for k in range(first, min(n, first + LOT)):
            put(Ticked(k, 1.5))
        ours.settle()
    return took(began, ours.actor("sink"), n)


def slots(n: int) -> float:
    ours = kernel(VirtualClock())
    put = ours.inlet("forward")
    began = time.perf_counter()
    for first in range(0, n, LOT):
        for k in range(min(n - first, LOT)):
            put(Slotted(k, 1.5))
        ours.settle()
    return took(began, ours.actor("sink"), n)


OURS: dict[str, Design] = {
    "kernel, inlet": inlet,
    "kernel, tell by reference": tell,
    "kernel, inlet, live clock": lambda n: inlet(n, clock=LiveClock),
    "kernel, two hops": lambda n: inlet(n, "forward"),
    "kernel, two hops in conflation slots": slots,
}


def elsewhere(python: str, name: str) -> Design:
    """A peer measured by another interpreter, with the same number of messages."""

    def run(n: int) -> float:
        command = [python, str(Path(mailbox_peers.__file__)), name, str(n)]
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    return run


def peers(python: str) -> Iterator[tuple[str, Design | None]]:
    for name, (module, design) in PEERS.items():
        if python:
            probe = subprocess.run([python, "-c", f"import {module}"], capture_output=True, check=False)
            yield name, elsewhere(python, name) if probe.returncode == 0 else None
        else:
            yield name, design if importlib.util.find_spec(module) else None


def measure(designs: dict[str, Design], n: int, rounds: int) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in designs}
    for _ in range(rounds):
        for name, design in designs.items():
            gc.collect()
            times[name].append(design(n))
    return {name: min(values) for name, values in times.items()}


def report(seconds: dict[str, float], absent: list[str]) -> dict[str, Any]:
    ours = seconds["kernel, inlet"]
    print(f"{'a million tells':<40}{'seconds':>9}{'to ours':>9}")
    for name, value in seconds.items():
        print(f"{name:<40}{value:>9.3f}{value / ours:>9.2f}")
    for name in absent:
        print(f"{name:<40}   absent: give --peers-python an interpreter that has it")
    verdicts = {}
    for name, (factor, sense) in TARGETS.items():
        if name in seconds:
            ratio = ours / seconds[name] if sense == "at most" else seconds[name] / ours
            verdicts[name] = ratio <= factor if sense == "at most" else ratio >= factor
            print(f"{name}: {ratio:.1f}, {sense} {factor:g} wanted: {'yes' if verdicts[name] else 'NO'}")
    return {"seconds": seconds, "absent": absent, "targets_met": verdicts}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers-python", default="", help="an interpreter that has nautilus_trader and pykka")
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args()
    found = dict(peers(options.peers_python))
    designs: dict[str, Design] = {"method call": method_call, **OURS, "asyncio.Queue": asyncio_queue}
    designs |= {name: design for name, design in found.items() if design is not None}
    seconds = measure(designs, options.n, options.rounds)
    result = report(seconds, [name for name, design in found.items() if design is None])
    if options.json:
        about = {"python": sys.version.split()[0], "n": options.n, "rounds": options.rounds}
        options.json.write_text(json.dumps(about | result, indent=2) + "\n")


if __name__ == "__main__":
    main()
