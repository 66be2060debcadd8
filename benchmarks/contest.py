"""One workload, ours and others', in the same run: rounds in alternation, ratios of what the rounds agree on.

A peer's script runs in an interpreter that has the peer, prints one JSON line with `wall` and `cpu` seconds of its
engine alone, and is named by a path on the command line: nothing of it is kept here. Ratios are of processor seconds:
every engine here works in one thread, and a machine that others use as well stretches mostly the wall's.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import statistics
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec


class Outcome(msgspec.Struct, frozen=True):
    """One run: wall and processor seconds, how many prices it saw and how many trades it made."""

    wall_s: float
    cpu_s: float
    events: int
    trades: int


class Seconds(msgspec.Struct, frozen=True):
    """One run on the wall and on the processor."""

    wall: float
    cpu: float


class Peer(msgspec.Struct, frozen=True):
    """Another engine: its script, how much slower it has to be, and the options of its own."""

    name: str
    script: str
    slower: float
    options: tuple[str, ...] = ()


Run = Callable[[], Outcome]


def arguments(about: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers-dir", type=Path, help="folder of the peers' scripts")
    parser.add_argument("--peers-python", default="", help="an interpreter that has the peers")
    parser.add_argument("--json", type=Path, help="append the figures, one line a run")
    return parser


class Contest:
    """Runs everything in alternation and says how many times slower each peer is than ours."""

    def __init__(self, name: str, asked: argparse.Namespace, peers: Sequence[Peer], options: Sequence[str]) -> None:
        self._name = name
        self._asked = asked
        self._peers = tuple(peers) if asked.peers_dir and asked.peers_python else ()
        self._options = tuple(options)

    def run(self, ours: Mapping[str, Run]) -> None:
        """Measure, print the table, append the JSON. The first of `ours` is what peers are compared with."""
        took: dict[str, list[Seconds]] = {name: [] for name in [*ours, *(peer.name for peer in self._peers)]}
        said: dict[str, Outcome] = {}
        for _ in range(self._asked.rounds):
            for name, run in ours.items():
                gc.collect()
                said[name] = outcome = run()
                took[name].append(Seconds(outcome.wall_s, outcome.cpu_s))
            for peer in self._peers:
                took[peer.name].append(self._elsewhere(peer))
        self._tell(took, said)

    def _elsewhere(self, peer: Peer) -> Seconds:
        script = (self._asked.peers_dir / peer.script).resolve()
        command = [self._asked.peers_python, "-W", "ignore", str(script), *self._options, *peer.options]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=script.parent)
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        if done.returncode or not lines:
            raise SystemExit(f"{peer.name}: {' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
        record = json.loads(lines[-1])
        return Seconds(min(record["wall"]), min(record["cpu"]))

    def _tell(self, took: Mapping[str, list[Seconds]], said: Mapping[str, Outcome]) -> None:
        cpu = {name: statistics.median(each.cpu for each in runs) for name, runs in took.items()}
        wall = {name: statistics.median(each.wall for each in runs) for name, runs in took.items()}
        first = next(iter(said))
        ratios = {name: cpu[name] / cpu[first] for name in took}
        least = {peer.name: f"{peer.slower:g}" for peer in self._peers}
        print(f"\n{self._name}; {len(took[first])} rounds, medians")
        print("| | processor s | wall s | times ours | at least |\n|---|---:|---:|---:|---:|")
        for name in took:
            print(f"| {name} | {cpu[name]:.2f} | {wall[name]:.2f} | {ratios[name]:.2f} | {least.get(name, '')} |")
        peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        for name, outcome in said.items():
            print(f"{name}: {outcome.events:,} prices, {outcome.trades:,} trades, {peak_mib:.0f} MiB at most")
        if self._asked.json is not None:
            record = {
                "bench": self._name, "processor_s": cpu, "wall_s": wall, "ratios": ratios, "at_least": least,
                "trades": {name: outcome.trades for name, outcome in said.items()},
            }  # fmt: skip
            with self._asked.json.open("a") as sink:
                sink.write(json.dumps(record) + "\n")
