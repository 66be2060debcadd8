"""Kill an engine and the simulated gateway that it trades through, in turn, and show that nothing is lost or doubled.

    python scripts/prove_broker.py kills --count 100 --work /tmp/drill
    python scripts/prove_broker.py kills --count 10 --seed 7 --lake var/lake --json report.json

`hedgerow run` on `venue: {kind: ib}` and `hedgerow gateway --state` are real processes with a socket between them; the
market runs 480 times as fast as life. The program changes its mind every day, for orders that take hours to fill.
A room lasts one trading week: after its kills the engine is halted, and book and broker have to be equal. Status 0 when
nothing was wrong, 1 otherwise.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import json
import random
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
if str(HERE.parent) not in sys.path:
    sys.path.insert(0, str(HERE.parent))

from scripts.broker_judges import judge_now, judge_rest  # noqa: E402  # the checkout has to be found first
from scripts.broker_room import DECIDES, PACE, BrokerRoom  # noqa: E402

FIRST_WEEK = dt.datetime(2021, 6, 7, 4, 0, tzinfo=dt.UTC)
WEEKS = 40
LASTS = dt.timedelta(days=4, hours=14)
"""From Monday's start until Friday evening, when the orders of the day have had their time."""

DURING_THE_START, AT_ANY_TIME, AT_NIGHT = 0.15, 0.10, 0.70
"""Part of the kills that fall into a start, and at a moment of no meaning by day and by night, when nothing is at work;
the rest wait for an order in flight."""
FLIGHTS = ("OrderPlanned", "OrderRepriced", "Filled")
SOON_S, FLIGHT_WITHIN_S, LONGEST_START_S, AT_ONCE_S, AFTERWARDS_S = 20.0, 60.0, 8.0, 0.03, 2.0
BACK_WITHIN_S = 240.0
"""No promise: after so long it will not come back at all."""


@dataclass
class Report:
    """What the kills came to.

    in_flight: kills with orders at work at the broker.  back_s: seconds from each start until it traded again.
    turns: a kill each, or two where the start after it is hit as well.
    """

    seed: int
    killed: dict[str, int] = field(default_factory=lambda: {"engine": 0, "gateway": 0})
    in_flight: int = 0
    back_s: dict[str, list[float]] = field(default_factory=lambda: {"engine": [], "gateway": []})
    turns: int = 0
    weeks: int = 0
    orders: int = 0
    fills: int = 0
    alarms: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    @property
    def kills(self) -> int:
        return sum(self.killed.values())

    @property
    def sentence(self) -> str:
        verdict = f"{len(self.wrong)} things WRONG" if self.wrong else "nothing lost, doubled or damaged"
        back = ", ".join(
            f"{who}'s death {statistics.median(took):.1f} s (p50) and {max(took):.1f} s (longest)"
            for who, took in self.back_s.items()
            if took
        )
        return (
            f"kill -9: {self.killed['engine']} of the engine, {self.killed['gateway']} of the gateway, {self.in_flight}"
            f" with orders at work; trading again after the {back}; {self.weeks} weeks, {self.orders:,} orders,"
            f" {self.fills:,} executions: {verdict}"
        )


class Week:
    """One room, from Monday until Friday evening."""

    def __init__(self, room: BrokerRoom, report: Report, chance: random.Random, say: Callable[[str], None]) -> None:
        self.room, self.report, self.chance, self.say = room, report, chance, say
        self.ends_ns = (
            int((dt.datetime.strptime(room.begins, "%Y%m%d %H:%M").replace(tzinfo=dt.UTC) + LASTS).timestamp()) * 10**9
        )

    def play(self, count: int) -> None:
        """Kill until the week is over or so many kills were made, then let everything come to rest."""
        room, last = self.room, self.report.kills + count
        self.again("engine")
        self.back("engine", 0)
        while self.report.kills < last and room.market_ns() < self.ends_ns:
            self.moment()
            who = ("engine", "gateway")[self.report.turns % 2]
            self.report.turns += 1
            self.kill(who)
            self.again(who)
            if self.report.kills < last and self.chance.random() < DURING_THE_START:
                time.sleep(self.chance.uniform(0.0, LONGEST_START_S))
                self.kill(who)
                self.again(who)
            self.back(who, self.after)
        self.rest()
        self.report.weeks += 1

    # -- one kill

    def moment(self) -> None:
        """Wait for an order in flight, mostly; where a decision is near, for the orders that it makes.

        Half of the kills then come within milliseconds, between a commit, a request and its answer.
        """
        room, after, drawn = self.room, self.room.last_row(), self.chance.random()
        works = bool(room.kept().at_work)
        kinds: tuple[str, ...] = ()
        if not room.rows("OrderPlanned") or self._until_decision_s() < SOON_S or (not works and drawn >= AT_NIGHT):
            kinds = FLIGHTS[:1]
        elif works and drawn >= AT_ANY_TIME:
            kinds = FLIGHTS
        seen_s = None
        if kinds:
            within_s = FLIGHT_WITHIN_S if len(kinds) == 1 else FLIGHT_WITHIN_S / 4
            seen_s = room.until(lambda: any(room.rows(kind, after) for kind in kinds), within_s, 0.005)
        longest_s = self.chance.choice((AT_ONCE_S, AFTERWARDS_S))
        time.sleep(self.chance.uniform(0.0, longest_s if seen_s is not None else AFTERWARDS_S))

    def _until_decision_s(self) -> float:
        now = dt.datetime.fromtimestamp(self.room.market_ns() / 1e9, dt.UTC)
        due = dt.datetime.strptime(DECIDES, "%H:%M").replace(year=now.year, month=now.month, day=now.day, tzinfo=dt.UTC)
        if due < now:
            due += dt.timedelta(days=1)
        return (due - now).total_seconds() / PACE if due.weekday() < 5 else float("inf")

    def kill(self, who: str) -> None:
        room, report = self.room, self.report
        if room.engine is not None and room.engine.poll() is not None:
            report.wrong.append(f"the engine ended by itself with status {room.engine.returncode}: {room.said()}")
        if who == "engine":
            room.kill()
        else:
            room.kill_gateway()
        report.killed[who] += 1
        report.in_flight += bool(room.kept().at_work)
        wrong = judge_now(room)
        report.wrong += [f"after kill {report.kills} ({who}): {each}" for each in wrong]
        self.after, self.since_ns = room.last_row(), room.market_ns()

    def again(self, who: str) -> None:
        self.started_s = time.monotonic()
        if who == "engine":
            self.room.start()
        else:
            self.room.open_exchange()

    def back(self, who: str, after: int) -> None:
        """Wait until it trades: a mode that says so, behind a complete comparison that found nothing different."""
        room, since_ns = self.room, self.room.market_ns()
        found_s = room.until(
            lambda: room.compared(after, since_ns) and room.mode(after if who == "engine" else 0) == "TRADING",
            BACK_WITHIN_S,
        )
        if found_s is None:
            last = room.rows("Reconciled", after)[-1:]
            reasons = [row["reason"] for _, row in room.rows("ModeEntered")[-1:]]
            raise RuntimeError(
                f"it does not trade again after kill {self.report.kills} ({who}): mode {room.mode()} {reasons},"
                f" last comparison {last}, the engine said {room.said()}, the gateway {room.gateway_said()}"
            )
        took_s = round(time.monotonic() - self.started_s, 2)
        if self.report.kills:
            self.report.back_s[who].append(took_s)
        self.say(
            f"{self.report.kills} kills, {self.report.in_flight} in flight; trading {took_s} s"
            f" after the start of the {who}; wrong: {self.report.wrong or 'nothing'}, alarms: {room.alarms()}"
        )

    # -- the end

    def rest(self) -> None:
        """Halt, which cancels what works; stop, start, and wait for a comparison behind the last settlement; judge."""
        room, report = self.room, self.report
        room.command("halt", "--reason", "the drill is over")
        if room.until(lambda: room.mode() == "HALTED" and not room.kept().at_work, BACK_WITHIN_S) is None:
            report.wrong.append(f"it did not halt when told to: mode {room.mode()}, {room.kept().at_work}")
        room.signal(signal.SIGTERM)
        room.ended(60.0)
        after, since_ns = room.last_row(), room.market_ns()
        room.start()
        compared_s = room.until(
            lambda: room.compared(after, max(since_ns, room.settled_ns()), at_rest=True), BACK_WITHIN_S
        )
        if compared_s is None:
            report.wrong.append(f"no comparison at rest without a difference: {room.rows('Reconciled', after)[-1:]}")
        report.wrong += [f"at rest: {each}" for each in judge_rest(room)]
        report.orders += len(room.rows("OrderPlanned"))
        report.fills += len(room.kept().trades)
        report.alarms = dict(Counter(report.alarms) + Counter(room.alarms()))


def kills(work: Path, lake: Path, count: int, seed: int, say: Callable[[str], None]) -> Report:
    """kill -9 of engine and gateway in turn, week after week, at moments that the seed chooses."""
    report, chance = Report(seed), random.Random(seed)
    first = chance.randrange(WEEKS)
    while report.kills < count and not report.wrong:
        begins = FIRST_WEEK + dt.timedelta(weeks=(first + report.weeks) % WEEKS)
        folder = work / f"week-{begins:%Y%m%d}"
        with BrokerRoom(folder, lake, f"{begins:%Y%m%d %H:%M}", seed=seed + report.weeks) as room:
            say(f"the week of {begins:%Y-%m-%d} in {folder}")
            try:
                Week(room, report, chance, say).play(count - report.kills)
            except RuntimeError as error:
                report.wrong.append(str(error))
    return report


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("drill", choices=("kills",))
    parser.add_argument("--count", type=int, default=100, help="how many kills")
    parser.add_argument("--seed", type=int, default=20261120)
    parser.add_argument(
        "--lake", type=Path, default=Path("var/lake"), help="recorded prices, as `hedgerow data` makes them"
    )
    parser.add_argument("--work", type=Path, default=None, help="an empty folder; a temporary one when not given")
    parser.add_argument("--json", type=Path, default=None, help="write the report there too")
    given = parser.parse_args()
    work = given.work or Path(tempfile.mkdtemp(prefix="drill-"))
    if not (given.lake / "manifest.json").is_file():
        parser.error(f"--lake {given.lake} is no lake; make one with `hedgerow data import FOLDER --to {given.lake}`")
    report = kills(
        work, given.lake, given.count, given.seed, lambda text: print(f"  {text}", file=sys.stderr, flush=True)
    )
    print(report.sentence, f"  alarms: {report.alarms or 'none'}", sep="\n", flush=True)
    print(*(f"  WRONG: {each}" for each in report.wrong), sep="\n", end="\n" if report.wrong else "", flush=True)
    if given.json:
        given.json.write_text(json.dumps(dataclasses.asdict(report), indent=1))
    return int(bool(report.wrong))


if __name__ == "__main__":
    sys.exit(main())
