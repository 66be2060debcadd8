"""Every crash: each boundary of each scenario, each fate of what was in flight, and a second crash on the way up."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from functools import lru_cache
from types import TracebackType
from typing import NamedTuple

from engine.collector import seldom
from model.units import NS_PER_SECOND
from simulation.prove.case import PROCESS, Verdict, Violation, digest
from simulation.prove.fates import NOTHING, Doom, Fate, InFlight, in_flight
from simulation.prove.migrating import OldJournal, migration
from simulation.prove.oracles import judge
from simulation.prove.scenarios import SCENARIOS, Scenario, world
from simulation.prove.sometimes import reached
from simulation.stage import Cuts, FolderJournal, Stage
from simulation.stage.world import opens_ns

LATENCY_NS = 2 * 10**6
SNAPSHOT_EVERY_ROWS = 12
DOWN_NS = (2 * NS_PER_SECOND, 7 * NS_PER_SECOND)
"""How long the engine is down after an even and an odd cut: absence is not yet, and already, provable on its return."""
REST_NS = 125 * NS_PER_SECOND
"""How long a play goes on after the last thing that went wrong: an oracle gives the engine 120 s to find its feet."""
RECOVERY_NS = 30 * NS_PER_SECOND
"""How long after the engine came back a second crash is tried at every boundary."""
LAST_EVENTS = 25
MIGRATION = Scenario(migration)
ALL: Mapping[str, Scenario] = {**SCENARIOS, "migration": MIGRATION}
ON_ITS_WAY = InFlight(("an order",), requests=True)


PATTERN = re.compile(
    rf"(?P<whole>{PROCESS})?cut:(?P<scenario>\w+):(?P<fate>{'|'.join(Fate)}):(?P<cuts>[1-9]\d*(\+[1-9]\d*)*)"
)


class Case(NamedTuple):
    """A name taken apart. whole: the whole process dies, with its files."""

    scenario: str
    fate: Fate
    cuts: tuple[int, ...]
    whole: bool = False

    @classmethod
    def read(cls, name: str) -> Case:
        """Raises ValueError for a name that `cases` would not give."""
        found = PATTERN.fullmatch(name)
        if found is None or found["scenario"] not in (SCENARIOS if found["whole"] else ALL):
            raise ValueError(
                f"{name!r} is no crash case: cut:SCENARIO:FATE:NUMBER[+NUMBER] is, as in cut:pair:silent:41"
            )
        cuts = tuple(int(each) for each in found["cuts"].split("+"))
        return cls(found["scenario"], Fate(found["fate"]), cuts, bool(found["whole"]))

    @property
    def name(self) -> str:
        return f"{PROCESS * self.whole}cut:{self.scenario}:{self.fate}:{'+'.join(map(str, self.cuts))}"


class Played(Stage):
    """A stage whose venue decides, each time the engine dies, what became of what was in flight."""

    def __init__(
        self, scenario: Scenario, fate: Fate, cuts: Cuts, down_ns: int = DOWN_NS[1], *, whole: bool = False
    ) -> None:  # fmt: skip
        self.doom = Doom(fate)
        self.down_ns = down_ns
        self.up_ns = 0
        self.messages = 0
        self.begins_ns = opens_ns(0) + scenario.begins
        self.old = OldJournal(cuts) if scenario is MIGRATION else None
        super().__init__(
            scenario.seed, world=world(scenario.roll_day, scenario.ttl_s, scenario.terms, scenario.spreads),
            rules=scenario.terms.rules(LATENCY_NS),
            journal=FolderJournal() if whole else self.old,
            cuts=Cuts() if self.old else cuts, begins_ns=self.begins_ns, restart_after_ns=down_ns,
            snapshot_every_rows=SNAPSHOT_EVERY_ROWS, sources=(self.doom,),
        )  # fmt: skip

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.old is not None:
            self.old.discard()
        super().__exit__(kind, error, at)

    def crash(self) -> None:
        if self.life is None:
            return
        self.messages += self.life.kernel.status().messages
        super().crash()
        self.up_ns = self.now_ns + self.down_ns
        self.doom.befall(self.venue, self.tape.prices.mids, self.now_ns, self.up_ns)

    @classmethod
    def of(cls, case: Case, cuts: Cuts) -> Played:
        """The stage of a case."""
        return cls(ALL[case.scenario], case.fate, cuts, DOWN_NS[case.cuts[0] % 2], whole=case.whole)

    @property
    def quiet_since_ns(self) -> int:
        """When the engine last came up: what a venue says of its own accord after that is lost no more."""
        return max(self.up_ns, self.begins_ns)

    def come_to_rest(self) -> None:
        self.run(max(1, self.quiet_since_ns + REST_NS - self.now_ns))


class Looking(Cuts):
    """Notes at each boundary when it was passed, and what a crash there would leave to the venue."""

    def __init__(self, *at: int) -> None:
        super().__init__(*at)
        self.stage: Stage | None = None
        self.moments: list[int] = []
        self.seen: list[InFlight] = []

    def __call__(self, where: str) -> None:
        stage = self.stage
        self.moments.append(0 if stage is None else stage.now_ns)
        self.seen.append(NOTHING if stage is None else in_flight(stage.venue.exchange))
        super().__call__(where)


@lru_cache
def survey(scenario: str, *, whole: bool = False) -> tuple[InFlight, ...]:
    """What is in flight at each boundary of a scenario that is played without a crash.

    In the migration that is what was in flight when the old program died, all the way.
    """
    looking = Looking()
    with Played(ALL[scenario], Fate.SILENT, looking, whole=whole) as stage:
        looking.stage = stage
        ALL[scenario].play(stage)
    return tuple(looking.seen) if ALL[scenario] is not MIGRATION else (ON_ITS_WAY,) * len(looking.seen)


def recovery(case: Case) -> range:
    """The boundaries that the engine passes on its way up after the only crash of a case."""
    looking = Looking(*case.cuts)
    with Played.of(case, looking) as stage:
        looking.stage = stage
        ALL[case.scenario].play(stage)
        stage.run(max(1, stage.up_ns + RECOVERY_NS - stage.now_ns))
        over = bisect_right(looking.moments, stage.up_ns + RECOVERY_NS, lo=case.cuts[-1])
    return range(case.cuts[-1] + 1, over + 1)


def cases(double: bool = True) -> list[str]:
    """Every case by name, always in the same order.

    A fate that could make no difference at a boundary, because nothing was in flight, is left out (see `left_out`).
    With `double` each crash is also followed by a second one at each boundary of the recovery from the first; to know
    those, each single crash is played once. A migration is cut twice under one fate: it does not look at orders. Where
    a timer is renewed every two seconds crashes are single: their recoveries are nothing but renewals.
    """
    names = []
    for scenario in ALL:
        for number, left in enumerate(survey(scenario), start=1):
            for fate in left.fates():
                case = Case(scenario, fate, (number,))
                twice = double and ALL[scenario].twice and (ALL[scenario] is not MIGRATION or fate is Fate.SILENT)
                names.append(case.name)
                names += [Case(scenario, fate, (number, second)).name for second in (recovery(case) if twice else ())]
    return names


def whole_cases() -> list[str]:
    """Each single crash of the whole process, in every scenario but the migration, which cuts files of its own."""
    return [
        Case(scenario, fate, (number,), whole=True).name
        for scenario in SCENARIOS
        for number, left in enumerate(survey(scenario, whole=True), start=1)
        for fate in left.fates()
    ]


def left_out() -> int:
    """How many pairs of boundary and fate are no case: nothing was in flight that the fate could have befallen."""
    return sum(len(Fate) - len(left.fates()) for scenario in ALL for left in survey(scenario))


def play(case: str) -> Verdict:
    """Play one case and judge it. Raises ValueError for a name that is none."""
    read = Case.read(case)
    with seldom(), Played.of(read, Cuts(*read.cuts)) as stage:
        ALL[read.scenario].play(stage)
        stage.come_to_rest()
        violations = _missed(stage, read)
        violations += judge(stage, quiet_since_ns=stage.quiet_since_ns)
        if stage.old is not None:
            violations += stage.old.violations(stage)
        return Verdict(
            case=case, violations=tuple(violations), reached=dict(reached(stage)), crashes=len(stage.crashes),
            simulated_ns=stage.now_ns - stage.begins_ns, messages=stage.messages + _handled(stage),
            journal_hash=digest(stage.rows), tail=_tail(stage) if violations else (),
            faults=tuple(f"{crash}; {read.fate}" for crash in stage.crashes),
        )  # fmt: skip


def _missed(stage: Played, case: Case) -> list[Violation]:
    """A cut that no crash came of: the enumeration would claim more than it played."""
    died = [crash.number for crash in stage.crashes]
    if died == list(case.cuts):
        return []
    return [Violation("enumeration", f"it was to die at {list(case.cuts)} and died at {died}", stage.now_ns)]


def _handled(stage: Stage) -> int:
    return 0 if stage.life is None else stage.life.kernel.status().messages


def _tail(stage: Stage) -> tuple[str, ...]:
    return tuple(f"{row.seq} {row.at_ns} {row.actor} {row.event}" for row in stage.rows[-LAST_EVENTS:])
