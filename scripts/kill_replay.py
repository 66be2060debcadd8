"""Kill a replay again and again, and show that nothing of it was lost, changed or sent twice.

    python scripts/kill_replay.py --program spine --from 20060103 --to 20081231 --kills 20 --seed 7 --work /tmp/kills

A first run goes through without interruption. A second one is killed with SIGKILL at moments that the seed chooses,
each after a random number of durable rows or a random time on the wall, and started again every time. At the end both
must agree: the content hash of orders and fills, the books of every session, what the exchange holds, and no client id
twice at the exchange. Status 0 when they do, 1 when they do not.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])}
"""Of the engines: this checkout's rooms, in the folder from which the script was called."""
POLL_S = 0.005
LONGEST_S = 3_600.0
BY_CLOCK = 0.3
"""Part of the kills whose moment is a time on the wall, so that some fall into the start itself."""


@dataclass(frozen=True, kw_only=True)
class Replay:
    """What is replayed, and where its state goes."""

    program: str
    first: int
    last: int
    settings: Sequence[str] = ()

    def command(self, state: Path) -> list[str]:
        words = ["replay", "--program", self.program, "--from", str(self.first), "--to", str(self.last)]
        words += ["--state", str(state), "--no-report", "--json"]
        for setting in (*self.settings, "logging.level=error"):
            words += ["--set", setting]
        return [sys.executable, "-m", "app", *words]


@dataclass(frozen=True)
class Outcome:
    """What a state folder came to. venue: positions and cash of the exchange.  days: (session, books in one hash)."""

    content: str
    orders: int
    fills: int
    duplicates: int
    days: list[tuple[int, str]]
    venue: str


@dataclass
class Kill:
    """One kill: what was waited for, the journal's last row then, and how long that start had lived."""

    by: str
    at_row: int
    lived_s: float


@dataclass
class Report:
    """Both runs and every kill between."""

    unbroken: Outcome
    killed: Outcome
    kills: list[Kill] = field(default_factory=list)

    @property
    def differences(self) -> list[str]:
        """What is not as it should be, one sentence each."""
        one, two = self.unbroken, self.killed
        found = []
        if one.content != two.content:
            found.append(f"the content hash is {two.content[:12]}, and {one.content[:12]} without kills")
        if (one.orders, one.fills) != (two.orders, two.fills):
            found.append(f"{two.orders} orders and {two.fills} fills, and {one.orders} and {one.fills} without kills")
        wrong = [a[0] for a, b in zip(one.days, two.days, strict=False) if a != b]
        if wrong or len(one.days) != len(two.days):
            where = f", first on {wrong[0]}" if wrong else ""
            found.append(f"the books of {len(two.days)} sessions differ from those of {len(one.days)}{where}")
        if one.venue != two.venue:
            found.append("the exchange holds other positions or cash")
        found += [f"the exchange saw {each.duplicates} client ids twice" for each in (one, two) if each.duplicates]
        return found


def start(replay: Replay, state: Path, log: Path) -> subprocess.Popen[bytes]:
    """A replay in a process of its own; everything it says goes to `log`."""
    with log.open("ab") as out:
        return subprocess.Popen(replay.command(state), env=ENVIRONMENT, stdout=out, stderr=out)


def finish(replay: Replay, state: Path, log: Path) -> None:
    """Run to the end. Raises RuntimeError with the last lines it said when it ends badly."""
    status = start(replay, state, log).wait(LONGEST_S)
    if status:
        raise RuntimeError(f"the replay ended with status {status}: {log.read_text()[-2000:]}")


def rows_in(state: Path) -> int:
    """The last durable row of a journal that is being written; 0 for none."""
    files = sorted((state / "journal").glob("journal-*.sqlite"))
    for path in reversed(files):
        try:
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=0.2)) as db:
                last = db.execute("SELECT max(seq) FROM journal").fetchone()[0]
        except sqlite3.Error:
            continue
        if last:
            return int(last)
    return 0


def moment(chance: random.Random, rows_left: int, kills_left: int) -> tuple[str, float]:
    """(what to wait for, how much of it): seconds, or rows since that start, few enough to leave some for the rest."""
    if chance.random() < BY_CLOCK:
        return "seconds", chance.uniform(0.2, 2.5)
    return "rows", 1 + chance.randrange(max(1, 3 * rows_left // (2 * kills_left + 2)))


def kill_at(process: subprocess.Popen[bytes], state: Path, by: str, amount: float) -> Kill | None:
    """Wait for the moment and kill; None when the replay came to its end before."""
    began_s, first = time.monotonic(), rows_in(state)
    while process.poll() is None:
        lived_s = time.monotonic() - began_s
        reached = lived_s >= amount if by == "seconds" else rows_in(state) - first >= amount
        if reached:
            process.send_signal(signal.SIGKILL)
            process.wait()
            return Kill(by, rows_in(state), round(lived_s, 2))
        time.sleep(POLL_S)
    if process.returncode:
        raise RuntimeError(f"the replay ended by itself with status {process.returncode}: read its log")
    return None


def outcome(state: Path) -> Outcome:
    """Read what a state folder came to."""
    from msgspec.json import encode

    from app import facts
    from app.reports import days
    from simulation.exchange import SqliteRecord
    from state.content import content_hash
    from state.journal import journal_rows

    events = facts.events()
    counts = {"OrderPlanned": 0, "Filled": 0}
    for row in journal_rows(state / "journal", kinds=tuple(counts), events=events):
        counts[type(row.event).__name__] += 1
    record = SqliteRecord(state / "venue.sqlite")
    saved = record.load()
    record.close()
    assert saved is not None, f"{state} has no record of the exchange"
    held = sorted((each.instrument, each.quantity) for each in saved.book.positions if each.quantity)
    return Outcome(
        content=content_hash(state / "journal", events),
        orders=counts["OrderPlanned"],
        fills=counts["Filled"],
        duplicates=len(saved.duplicates),
        days=[(day.session, sha256(encode(day, order="deterministic")).hexdigest()) for day in days(state)],
        venue=json.dumps([held, sorted(saved.book.cash.items())]),
    )


def torture(replay: Replay, work: Path, kills: int, seed: int, say: Callable[[str], None]) -> Report:
    """Run once without and once with kills, in fresh folders under `work`, and compare."""
    whole, broken = work / "unbroken", work / "killed"
    for folder in (whole, broken):
        if folder.exists():
            raise FileExistsError(f"{folder} exists: name an empty folder with --work")
    work.mkdir(parents=True, exist_ok=True)
    finish(replay, whole, work / "unbroken.log")
    report = Report(outcome(whole), outcome(whole))
    say(f"without kills: {report.unbroken.orders:,} orders, {report.unbroken.fills:,} fills")
    rows, chance = rows_in(whole), random.Random(seed)
    for left in range(kills, 0, -1):
        by, amount = moment(chance, rows - rows_in(broken), left)
        kill = kill_at(start(replay, broken, work / "killed.log"), broken, by, amount)
        if kill is None:
            break
        report.kills.append(kill)
        say(f"kill {len(report.kills)} at row {kill.at_row:,} of about {rows:,}, {kill.lived_s:g} s after its start")
    finish(replay, broken, work / "killed.log")
    report.killed = outcome(broken)
    return report


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--program", default="spine")
    parser.add_argument("--from", dest="first", type=int, default=20060103, metavar="YYYYMMDD")
    parser.add_argument("--to", dest="last", type=int, default=20081231, metavar="YYYYMMDD")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--work", type=Path, required=True, help="an empty folder for both runs")
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--json", dest="as_json", action="store_true")
    given = parser.parse_args()
    replay = Replay(program=given.program, first=given.first, last=given.last, settings=given.settings)
    report = torture(replay, given.work, given.kills, given.seed, lambda text: print(text, file=sys.stderr, flush=True))
    if given.as_json:
        print(json.dumps({"kills": [asdict(kill) for kill in report.kills], "differences": report.differences}))
    else:
        for difference in report.differences:
            print(f"DIFFERENT: {difference}")
        verdict = "not the same" if report.differences else "the same orders, fills, books and no id twice"
        print(f"seed {given.seed}, {len(report.kills)} kills: {verdict}; content {report.killed.content}")
    return 1 if report.differences else 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    ENVIRONMENT.setdefault("PYTHONHASHSEED", "0")
    sys.exit(main())
