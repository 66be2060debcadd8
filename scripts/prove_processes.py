"""Kill, stop, freeze and starve a real engine that trades with a real exchange process, and show what is left.

    python scripts/prove_processes.py kills --count 300 --work /tmp/drill
    python scripts/prove_processes.py freeze --seconds 30 --work /tmp/drill
    python scripts/prove_processes.py all --work /tmp/drill --json report.json

`hedgerow run` trades every quarter of a second on the real clock; journal and record are real files, and between the
two processes is a socket. After each thing that happens: SQLite's integrity check of every file, the journal's chain,
a reconciliation that ends in trading, and at the end the exchange's own record against the journal. `power` cuts the
power under the journal instead (simulation/disk). Status 0 when nothing was wrong, 1 otherwise.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
if str(HERE.parent) not in sys.path:
    sys.path.insert(0, str(HERE.parent))

from scripts.drill_room import Room, judge_books, judge_files  # noqa: E402  # the checkout has to be found first

BACK_WITHIN_S = 10.0
DURING_THE_START = 0.2
"""Part of the kills that fall between the start of a process and its first trade."""
QUIET_S = 1.0
ILLNESSES = ("write:2:full", "write:90:full", "sync:2:broken", "sync:40:broken", "write:120:broken", "sync:77:broken:1")
SMALL_DISK_KB, LARGE_DISK_KB = 1_200, 64_000


@dataclass
class Report:
    """What one drill came to.

    back_s: seconds from each start of the engine's process until it traded.  worked_s: its processor time until then.
    """

    drill: str
    seed: int = 0
    happened: int = 0
    starts: int = 0
    back_s: list[float] = field(default_factory=list)
    worked_s: list[float] = field(default_factory=list)
    orders: int = 0
    fills: int = 0
    notes: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        took, worked = self.back_s or [0.0], self.worked_s or [0.0]
        verdict = f"{len(self.wrong)} things WRONG" if self.wrong else "nothing lost, doubled or damaged"
        return (
            f"{self.drill}: {self.happened} times, {self.starts} starts, trading after {statistics.median(took):.2f} s"
            f" (p50) and {max(took):.2f} s (longest; {max(worked):.2f} s of work), {self.orders:,} orders,"
            f" {self.fills:,} fills: {verdict}"
        )


def start(room: Room, report: Report, *, illness: str = "") -> int:
    """Start the engine; the last row before."""
    after = room.last_row()
    room.start(illness=illness)
    report.starts += 1
    return after


def back(room: Room, report: Report, after: int) -> None:
    """Wait until it trades, and note how long that took. After a halt a person lets it go on."""
    took_s = room.trading(after)
    report.back_s.append(round(took_s, 3))
    report.worked_s.append(room.worked_s())
    if took_s > BACK_WITHIN_S:
        load = os.getloadavg()[0] / (os.cpu_count() or 1)
        report.wrong.append(
            f"start {report.starts}: trading only after {took_s:.1f} s, of which it worked {report.worked_s[-1]:.1f} s"
            f" ({load:.1f} processes wanted each processor)"
        )


def up(room: Room, report: Report) -> None:
    """Have an engine that trades."""
    if room.engine is None or room.engine.poll() is not None:
        back(room, report, start(room, report))


def stop(room: Room) -> None:
    """A clean stop of an engine, if one runs."""
    if room.engine is not None and room.engine.poll() is None:
        room.signal(signal.SIGTERM)
        room.ended(60.0)


def rest(room: Room, report: Report) -> None:
    """Let the engine halt, which cancels what works, and stop; then judge the books at rest, and compare once more."""
    room.command("halt", "--reason", "the drill is over")
    if room.until(lambda: room.mode() == "HALTED", 10.0) is None:
        report.wrong.append(f"it did not halt when told to: mode {room.mode()}")
    time.sleep(QUIET_S)
    stop(room)
    after = start(room, report)
    clean = room.until(
        lambda: any(row["complete"] and not row["breaks"] for _, row in room.rows("Reconciled", after)), 20
    )
    if clean is None:
        report.wrong.append(f"the last comparison with the exchange found a difference: {room.said()}")
    stop(room)
    report.wrong += judge_files(room) + judge_books(room)
    report.orders, report.fills = len(room.rows("OrderPlanned")), len(room.rows("Filled"))


def kills(room: Room, count: int, seed: int, say: Callable[[str], None]) -> Report:
    """kill -9 at moments that the seed chooses, some of them while the engine comes up."""
    report, chance = Report("kill -9", seed), random.Random(seed)
    stop(room)
    for number in range(1, count + 1):
        after = start(room, report)
        if chance.random() < DURING_THE_START and number > 1:
            time.sleep(chance.uniform(0.0, 1.5))
        else:
            back(room, report, after)
            time.sleep(chance.uniform(0.0, 1.5))
        room.kill()
        report.happened += 1
        wrong = judge_files(room)
        report.wrong += [f"after kill {number}: {each}" for each in wrong]
        if number % 20 == 0 or wrong:
            say(f"{number} kills, {room.last_row():,} rows, wrong: {report.wrong or 'nothing'}")
    back(room, report, start(room, report))
    return report


def freeze(room: Room, seconds: float, say: Callable[[str], None]) -> Report:
    """SIGSTOP for some seconds, then SIGCONT: it goes on, halts with a reason, or ends itself and is started again."""
    report = Report(f"SIGSTOP {seconds:g} s")
    up(room, report)
    time.sleep(QUIET_S)
    before = room.last_row()
    room.signal(signal.SIGSTOP)
    time.sleep(seconds)
    room.signal(signal.SIGCONT)
    report.happened = 1
    room.until(lambda: room.mode(before) == "HALTED" or len(room.rows("OrderPlanned", before)) > 2, BACK_WITHIN_S)
    assert room.engine is not None
    if room.engine.poll() is not None:
        report.notes.append(f"the watchdog ended the process with status {room.engine.returncode}")
        back(room, report, start(room, report))
    elif room.mode(before) == "HALTED":
        report.notes.append(f"halted: {room.rows('ModeEntered', before)[-1][1]['reason']}")
        resume(room, report)
    else:
        report.notes.append("it went on")
    say(report.notes[-1])
    report.wrong += judge_files(room)
    return report


def resume(room: Room, report: Report) -> None:
    """An operator's word, once the account was compared, as a word before that only asks for a comparison."""
    halted = room.rows("ModeEntered")[-1][0]
    room.until(lambda: any(row["complete"] for _, row in room.rows("Reconciled", halted)), 2 * BACK_WITHIN_S)
    after = room.last_row()
    room.command("resume", "--yes", "--reason", "the drill goes on")
    if room.until(lambda: bool(room.rows("OrderPlanned", after)), 2 * BACK_WITHIN_S) is None:
        report.wrong.append(f"it does not trade after an operator's word: mode {room.mode()}")


def term(room: Room, count: int, seed: int, say: Callable[[str], None]) -> Report:
    """SIGTERM: a clean stop in time, again and again."""
    report, chance = Report("SIGTERM", seed), random.Random(seed)
    longest_s = 0.0
    for _ in range(count):
        up(room, report)
        time.sleep(chance.uniform(0.0, 1.5))
        began_s = time.monotonic()
        room.signal(signal.SIGTERM)
        try:
            status = room.ended(50.0)
        except subprocess.TimeoutExpired:
            report.wrong.append("it did not stop within 50 s")
            room.kill()
            continue
        longest_s = max(longest_s, time.monotonic() - began_s)
        report.happened += 1
        report.wrong += judge_files(room) + ([f"status {status}: {room.said()}"] if status else [])
        if room.mode() != "SAFE_STOP":
            report.wrong.append(f"it stopped in mode {room.mode()}")
    report.notes.append(f"the longest stop took {longest_s:.2f} s")
    say(report.notes[-1])
    up(room, report)
    return report


def ill_disk(room: Room, say: Callable[[str], None], illnesses: tuple[str, ...] = ILLNESSES) -> Report:
    """The journal's disk is full or broken from the n-th call on: the engine ends with one sentence, and comes back."""
    report = Report("ill disk")
    for illness in illnesses:
        stop(room)
        start(room, report, illness=illness)
        down(room, report, illness, say)
        up(room, report)
        time.sleep(QUIET_S)
    return report


def down(room: Room, report: Report, why: str, say: Callable[[str], None]) -> None:
    """The engine has to end by itself, with a status and a sentence, and without an order that is not durable."""
    said_before = room.log.stat().st_size
    report.happened += 1
    try:
        status = room.ended(60.0)
    except subprocess.TimeoutExpired:
        report.wrong.append(f"{why}: it went on")
        room.kill()
        return
    said = room.log.read_bytes()[said_before:].decode(errors="replace").strip().splitlines()
    sentence = next((line for line in reversed(said) if line.startswith("hedgerow: ")), "")
    report.notes.append(f"{why}: status {status}, {sentence}")
    say(report.notes[-1])
    if status == 0 or not sentence:
        report.wrong.append(f"{why}: status {status}, and it said {said[-3:]}")
    report.wrong += [f"{why}: {each}" for each in judge_files(room, half_done=True)]
    report.wrong += [f"{why}: {each}" for each in judge_books(room) if "never planned" in each or "twice" in each]


def full_disk(work: Path, seed: int, say: Callable[[str], None]) -> Report | None:
    """A real file system that is full, and made larger afterwards. None without the right to mount one."""
    place = work / "small-disk"
    place.mkdir(parents=True)
    small = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK_KB}k", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(small, capture_output=True, check=False).returncode:
        return None
    report = Report("full disk", seed)
    try:
        with Room(work / "room", seed=seed) as room:
            room.state = place / "state"
            start(room, report)
            down(room, report, f"a disk of {SMALL_DISK_KB} kB", say)
            subprocess.run(["mount", "-o", f"remount,size={LARGE_DISK_KB}k", str(place)], check=True)
            back(room, report, start(room, report))
            time.sleep(QUIET_S)
            rest(room, report)
    finally:
        subprocess.run(["umount", str(place)], check=False)
    return report


def exchange_dies(room: Room, count: int, seed: int, say: Callable[[str], None]) -> Report:
    """The other side: the exchange process is killed or frozen, and the engine finds its account again."""
    report, chance = Report("the exchange's death", seed), random.Random(seed)
    up(room, report)
    for number in range(count):
        time.sleep(chance.uniform(0.2, 1.5))
        after = room.last_row()
        assert room.exchange is not None
        if number % 4 == 3:
            room.exchange.send_signal(signal.SIGSTOP)
            time.sleep(6.5)
            room.exchange.send_signal(signal.SIGCONT)
        else:
            room.exchange.kill()
            room.exchange.wait()
            time.sleep(chance.uniform(0.0, 1.0))
            room.open_exchange()
        report.happened += 1
        took_s = room.until(functools.partial(_found_again, room, after), 30.0)
        if took_s is None:
            report.wrong.append(f"death {number + 1}: no trade after it, mode {room.mode()}: {room.said()}")
            break
        report.back_s.append(round(took_s, 3))
        report.wrong += judge_files(room)
    say(f"{report.happened} deaths of the exchange")
    return report


def _found_again(room: Room, after: int) -> bool:
    """Whether the account was compared since, and trading went on after that."""
    compared = [seq for seq, row in room.rows("Reconciled", after) if row["complete"] and not row["breaks"]]
    return bool(compared) and bool(room.rows("OrderPlanned", compared[0]))


def storm(room: Room, count: int, seed: int, say: Callable[[str], None]) -> Report:
    """Everything at once: either process killed or frozen, or both killed, and never much time between."""
    report, chance = Report("storm", seed), random.Random(seed)
    for number in range(1, count + 1):
        up(room, report)
        time.sleep(chance.uniform(0.0, 1.2))
        hits = chance.choice((("engine",), ("exchange",), ("engine", "exchange"), ("exchange", "engine"), ("freeze",)))
        for hit in hits:
            if hit == "engine":
                room.kill()
            elif hit == "exchange":
                room.close_exchange(signal.SIGKILL)
            else:
                room.signal(signal.SIGSTOP)
                time.sleep(chance.uniform(0.1, 3.0))
                room.signal(signal.SIGCONT)
            time.sleep(chance.uniform(0.0, 0.1))
        if "exchange" in hits:
            room.open_exchange()
        report.happened += 1
        report.wrong += [f"after {' and '.join(hits)}, {number}: {each}" for each in judge_files(room)]
        if number % 20 == 0:
            say(f"{number} blows, {room.last_row():,} rows, wrong: {report.wrong or 'nothing'}")
    up(room, report)
    return report


def power(work: Path, count: int, seed: int, say: Callable[[str], None]) -> Report:
    """Cut the power under the journal until `count` cuts were made."""
    from simulation.disk.journal_cuts import play

    report, began_s = Report("power cut", seed), time.monotonic()
    rotations = ahead = 0
    while report.happened < count:
        came = play(seed + report.starts, work)
        report.starts += 1
        report.happened += came.cuts
        rotations, ahead = rotations + came.rotations, ahead + came.ahead
        report.wrong += came.wrong
        if report.starts % 10 == 0:
            say(f"{report.happened} power cuts, {len(report.wrong)} wrong")
    rate = report.happened / (time.monotonic() - began_s)
    report.notes.append(f"{rate:.1f} cuts/s, {rotations} new files, {ahead} cuts found a commit that had not returned")
    return report


DRILLS = ("kills", "freeze", "term", "ill-disk", "full-disk", "exchange", "storm", "power")


def play(drill: str, given: argparse.Namespace, work: Path, say: Callable[[str], None]) -> Report | None:
    count, seed = given.count, given.seed
    if drill == "power":
        return power(work, count or 500, seed, say)
    if drill == "full-disk":
        return full_disk(work, seed, say)
    with Room(work, seed=seed) as room:
        if drill == "kills":
            report = kills(room, count or 300, seed, say)
        elif drill == "freeze":
            report = freeze(room, given.seconds, say)
        elif drill == "term":
            report = term(room, count or 10, seed, say)
        elif drill == "exchange":
            report = exchange_dies(room, count or 12, seed, say)
        elif drill == "storm":
            report = storm(room, count or 60, seed, say)
        else:
            report = ill_disk(room, say)
        rest(room, report)
    return report


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("drill", choices=(*DRILLS, "all"))
    parser.add_argument("--count", type=int, default=0, help="how often; each drill has a number of its own")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long the engine is frozen")
    parser.add_argument("--seed", type=int, default=20261120)
    parser.add_argument("--work", type=Path, default=None, help="an empty folder; a temporary one when not given")
    parser.add_argument("--json", type=Path, default=None, help="write the reports there too")
    given = parser.parse_args()
    base = given.work or Path(tempfile.mkdtemp(prefix="drill-"))
    reports = []
    for drill in DRILLS if given.drill == "all" else (given.drill,):
        report = play(drill, given, base / drill, lambda text: print(f"  {text}", file=sys.stderr, flush=True))
        if report is None:
            print(f"{drill}: not played, it needs the right to mount")
            continue
        reports.append(report)
        print(report.sentence, *(f"  {each}" for each in report.notes), sep="\n", flush=True)
        print(*(f"  WRONG: {each}" for each in report.wrong), sep="\n", end="\n" if report.wrong else "", flush=True)
    if given.json:
        given.json.write_text(json.dumps([dataclasses.asdict(report) for report in reports], indent=1))
    return int(any(report.wrong for report in reports))


if __name__ == "__main__":
    sys.exit(main())
