"""One workload, ours and others', in the same run: rounds in alternation, ratios of what the rounds agree on.

A peer's script runs in an interpreter that has the peer, prints one JSON line with `wall` seconds of its engine alone,
and is named by a path on the command line: nothing of it is kept here.
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
        walls: dict[str, list[float]] = {name: [] for name in [*ours, *(peer.name for peer in self._peers)]}
        said: dict[str, Outcome] = {}
        for _ in range(self._asked.rounds):
            for name, run in ours.items():
                gc.collect()
                said[name] = run()
                walls[name].append(said[name].wall_s)
            for peer in self._peers:
                walls[peer.name].append(self._elsewhere(peer))
        self._tell(walls, said)

    def _elsewhere(self, peer: Peer) -> float:
        script = (self._asked.peers_dir / peer.script).resolve()
        command = [self._asked.peers_python, "-W", "ignore", str(script), *self._options, *peer.options]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=script.parent)
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        if done.returncode or not lines:
            raise SystemExit(f"{peer.name}: {' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
        return float(min(json.loads(lines[-1])["wall"]))

    def _tell(self, walls: Mapping[str, list[float]], said: Mapping[str, Outcome]) -> None:
        first = next(iter(said))
        base = statistics.median(walls[first])
        least = {peer.name: peer.slower for peer in self._peers}
        print(f"{self._name}: {len(walls[first])} rounds")
        print(f"| {'':28} | median s | least s | times ours | at least |")
        print("|---|---:|---:|---:|---:|")
        for name, seconds in walls.items():
            middle = statistics.median(seconds)
            target = f"{least[name]:g}" if name in least else ""
            print(f"| {name:28} | {middle:8.2f} | {min(seconds):7.2f} | {middle / base:10.1f} | {target:>8} |")
        for name, outcome in said.items():
            print(f"{name}: {outcome.events:,} prices, {outcome.trades:,} trades, {outcome.cpu_s:.2f} s of processor")
        print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
        if self._asked.json is not None:
            record = {
                "bench": self._name,
                "seconds": {name: seconds for name, seconds in walls.items()},
                "ratios": {name: statistics.median(walls[name]) / base for name in walls},
                "trades": {name: outcome.trades for name, outcome in said.items()},
            }
            with self._asked.json.open("a") as sink:
                sink.write(json.dumps(record) + "\n")
