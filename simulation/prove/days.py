"""Whole simulated days: what an author wants, what chance breaks, and what is left when everything is calm again.

A day is drawn from its seed alone, with one generator for each concern, and played on virtual time. Its faults end at
a known moment; a quarter of an hour of calm follows, in which the engine must find its feet, and then it is judged.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from functools import lru_cache
from heapq import heappop, heappush
from random import Random

import msgspec

from model.decisions import Mode, ReduceOnly
from model.units import NS_PER_DAY, NS_PER_SECOND
from simulation.prove.case import PROCESS, Verdict, Violation, digest
from simulation.prove.catalogue import CATALOGUE, draw
from simulation.prove.fault import Fault
from simulation.prove.oracles import judge
from simulation.prove.scene import Disk, Scene
from simulation.prove.sometimes import reached
from simulation.prove.terms import Terms, draw_terms
from simulation.stage import FolderJournal, World
from simulation.stage.world import ALPHA, BETA, GAMMA, opens_ns

MINUTE_NS = 60 * NS_PER_SECOND
HOUR_NS = 60 * MINUTE_NS
CALM_NS = 15 * MINUTE_NS
ANSWER_NS = 130 * NS_PER_SECOND
"""When, before that, the author answers for orders in doubt on some days: the judges have looked for two minutes."""
LAST_WISH_NS = 150 * NS_PER_SECOND
"""When, in the calm, the author decides once more on some days."""
MOST_FAULTS = 12
LAST_EVENTS = 50
DRAWN_TO_DECISIONS = 0.75
TIGHT = {
    "max_order_share": 0.04,
    "max_daily_turnover_share": 0.12,
    "max_gross_leverage": 0.10,
    "max_net_leverage": 0.06,
}


class Word(msgspec.Struct, frozen=True):
    """What the author says at a moment: want, decide, halt, reduce, resume, or release of what is locked."""

    at_ns: int
    verb: str
    sleeve: str = ""
    product: str = ""
    units: int = 0
    pair: str = ""


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """One day as it was drawn. Times count from its beginning, `begins_ns` after a midnight.

    restarts_ns: how long the engine stays down after it died.  displayed: units in each quote.  resumes, decides,
    answers: what the author says in the calm; answers are for orders that the engine cannot find out about.  spreads:
    futures are rolled by one order for both contracts.
    """

    seed: int
    begins_ns: int
    length_ns: int
    roll_day: int
    latency_ns: int
    restarts_ns: int
    displayed: int
    resumes: bool
    decides: bool
    tight: bool
    words: tuple[Word, ...]
    faults: tuple[Fault, ...]
    answers: bool = False
    terms: Terms = Terms()
    spreads: bool = False


# -- drawing


def draw_day(seed: int) -> Day:
    """The day of a seed: the same one in every process and on every machine."""
    shape = _chance(seed, "shape")
    whole = shape.random() < 0.3
    begins_ns = shape.randrange(24 * 60) * MINUTE_NS if whole else shape.randint(15 * 60, 16 * 60) * MINUTE_NS
    after_the_close_ns = shape.randint(30, 120) * MINUTE_NS
    length_ns = 24 * HOUR_NS if whole else 24 * HOUR_NS - begins_ns + after_the_close_ns
    words = _words(_chance(seed, "author"), length_ns)
    terms = draw_terms(_chance(seed, "ids"), _chance(seed, "lease"))
    faults = _faults(_chance(seed, "faults"), length_ns, words)
    return Day(
        seed=seed, begins_ns=begins_ns, length_ns=length_ns,
        roll_day=0 if shape.random() < 0.4 else 4,
        latency_ns=shape.choice((50, 2_000, 2_000, 40_000, 900_000)) * 1_000,
        restarts_ns=shape.choice((1, 5, 20, 90)) * NS_PER_SECOND,
        displayed=shape.choice((1_000, 300, 100)), resumes=shape.random() < 0.5, decides=shape.random() < 0.7,
        tight=_chance(seed, "limits").random() < 0.4,
        words=words, faults=tuple(fault for fault in faults if terms.can_be(fault)), terms=terms,
        answers=_chance(seed, "answers").random() < 0.5, spreads=_chance(seed, "spreads").random() < 0.5,
    )  # fmt: skip


def _chance(seed: int, concern: str) -> Random:
    return Random(f"{concern} of day {seed}")


def _words(chance: Random, length_ns: int) -> tuple[Word, ...]:
    words: list[Word] = []
    for place in range(chance.randint(3, 5 + length_ns // (6 * HOUR_NS))):
        latest_ns = 10 * MINUTE_NS if place == 0 else length_ns - 5 * MINUTE_NS
        at_ns = chance.randrange(NS_PER_SECOND, latest_ns)
        for _ in range(chance.randint(1, 3)):
            words += _wishes(chance, at_ns)
        words.append(Word(at_ns, "decide"))
        if chance.random() < 0.3:
            words.append(Word(at_ns + chance.randint(60, 500) * NS_PER_SECOND, "decide"))
    if chance.random() < 0.3:
        words.append(Word(chance.randrange(length_ns // 2, length_ns), "release"))
    if chance.random() < 0.35:
        at_ns = chance.randrange(length_ns)
        words.append(Word(at_ns, chance.choice(("halt", "halt", "reduce"))))
        words.append(Word(at_ns + chance.choice((1, 30, 600, 3_600)) * NS_PER_SECOND, "resume"))
    return tuple(sorted((word for word in words if word.at_ns < length_ns), key=lambda word: word.at_ns))


def _wishes(chance: Random, at_ns: int) -> list[Word]:
    """One wish, or two that trade together or not at all. Some are larger than what is displayed, few than allowed."""
    size = chance.choice((1, 100, 900, 900, 4_000, 4_000, 4_000, 12_000, 30_000))
    units, contracts = chance.randint(-size, size), chance.randint(-30, 30)
    shape = chance.choice(("one alpha", "one gamma", "two alpha", "two beta", "two pair", "one pair"))
    if shape == "two pair":
        return [Word(at_ns, "want", "two", ALPHA, units, "p"), Word(at_ns, "want", "two", BETA, -2 * units, "p")]
    if shape == "one pair":
        return [Word(at_ns, "want", "one", ALPHA, units, "q"), Word(at_ns, "want", "one", GAMMA, -contracts, "q")]
    sleeve, product = shape.split()
    return [Word(at_ns, "want", sleeve, product.upper(), contracts if product == "gamma" else units)]


def _faults(chance: Random, length_ns: int, words: Sequence[Word]) -> tuple[Fault, ...]:
    decisions = [word.at_ns for word in words if word.verb == "decide"]
    faults = []
    for _ in range(chance.randint(0, MOST_FAULTS)):
        at_ns = chance.randrange(length_ns)
        if decisions and chance.random() < DRAWN_TO_DECISIONS:
            at_ns = chance.choice(decisions) + chance.randrange(chance.choice((2, 90, 300, 1_200)) * NS_PER_SECOND)
        faults.append(draw(chance, min(at_ns, length_ns - MINUTE_NS)))
    return tuple(sorted(faults, key=lambda fault: fault.at_ns))


# -- playing


class Playing:
    """One day on its way: what is still to happen, in order."""

    def __init__(self, day: Day, disk: Disk | FolderJournal | None = None) -> None:
        self.day = day
        self.scene = Scene(
            day.seed, world=_world(day.roll_day, day.tight, day.terms, day.spreads),
            begins_ns=opens_ns(0) + day.begins_ns, rules=day.terms.rules(day.latency_ns),
            restart_after_ns=day.restarts_ns, displayed=day.displayed, disk=disk or Disk(),
        )  # fmt: skip
        self.quiet_since_ns = 0
        self._acts: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0
        for word in day.words:
            self._at(self._ns(word.at_ns), lambda word=word: _say(self.scene, word))  # type: ignore[misc]
        for fault in day.faults:
            self._at(self._ns(fault.at_ns), lambda fault=fault: self._begin(fault))  # type: ignore[misc]

    def _ns(self, since_ns: int) -> int:
        return self.scene.begins_ns + since_ns

    def _at(self, at_ns: int, act: Callable[[], None]) -> None:
        self._count += 1
        heappush(self._acts, (at_ns, self._count, act))

    def _begin(self, fault: Fault) -> None:
        """Let a fault happen; one that lasts ends so long after it did, or with the day."""
        entry = CATALOGUE[fault.name]
        entry.begin(self.scene, fault)
        end = entry.end
        if end is not None:
            until_ns = min(self.scene.now_ns + fault.lasts_ns, self._ns(self.day.length_ns))
            self._at(until_ns, lambda: end(self.scene, fault))

    def play(self) -> None:
        """The day, then the calm."""
        scene, ends_ns = self.scene, self._ns(self.day.length_ns)
        while self._acts and self._acts[0][0] <= ends_ns:
            at_ns, _, act = heappop(self._acts)
            scene.run(max(0, at_ns - scene.now_ns))
            act()
        scene.run(max(0, ends_ns - scene.now_ns))
        self.quiet_since_ns = max(scene.relent(), scene.now_ns)
        if self.day.resumes and scene.mode is not Mode.TRADING:
            scene.resume()
        if self.day.answers:
            scene.run(ANSWER_NS)
            scene.answer()
            scene.run(NS_PER_SECOND)
            scene.release()
        if self.day.decides:
            scene.run(LAST_WISH_NS)
            scene.decide()
        until_ns = self.quiet_since_ns + CALM_NS
        midnight_ns = until_ns // NS_PER_DAY * NS_PER_DAY
        if until_ns - midnight_ns < CALM_NS:
            until_ns = midnight_ns + CALM_NS  # a day's settlement is no rest
        scene.run(until_ns - scene.now_ns)


def _say(scene: Scene, word: Word) -> None:
    if word.verb == "want":
        scene.want(word.product, word.units, sleeve=word.sleeve, pair=word.pair)
    elif word.verb == "decide":
        scene.decide()
    elif word.verb == "halt":
        scene.halt()
    elif word.verb == "reduce":
        scene.tell("system", ReduceOnly("the author says so", "author"))
    elif word.verb == "release":
        scene.release()
    else:
        scene.resume()


@lru_cache
def _world(roll_day: int, tight: bool, terms: Terms, spreads: bool) -> World:
    execution = {"lease": terms.lease(), "roll_as_spread": spreads}
    return World(roll_day=roll_day, risk=TIGHT if tight else None, execution=execution)


# -- judging


class Name(msgspec.Struct, frozen=True):
    """A case's name taken apart: `seed:7`, or `seed:7+0+3` for two of its faults alone, or `seed:7+0@5400` for the
    first 5400 seconds of that; `process:seed:7` plays the whole process, on files."""

    seed: int
    keep: tuple[int, ...] | None = None
    seconds: int = 0
    whole: bool = False

    @classmethod
    def read(cls, case: str) -> Name:
        """Raises ValueError for a name that is none."""
        kind, _, rest = case.removeprefix(PROCESS).partition(":")
        rest, _, seconds = rest.partition("@")
        seed, *keep = rest.split("+")
        try:
            if kind != "seed":
                raise ValueError
            kept = tuple(int(each) for each in keep if each) if keep else None
            if "@" in case and not int(seconds):
                raise ValueError
            return cls(int(seed), kept, int(seconds or 0), case.startswith(PROCESS))
        except ValueError:
            raise ValueError(f"{case!r} is no day: write seed:NUMBER, such as seed:7") from None

    def __str__(self) -> str:
        keep = "" if self.keep is None else "+" + "+".join(map(str, self.keep))
        return f"{PROCESS * self.whole}seed:{self.seed}{keep}" + (f"@{self.seconds}" if self.seconds else "")

    def day(self) -> Day:
        """The day, with the faults and the length that the name leaves it."""
        day = draw_day(self.seed)
        faults = day.faults
        if self.keep is not None:
            faults = tuple(fault for place, fault in enumerate(faults) if place in self.keep)
        if self.seconds:
            length_ns = min(day.length_ns, self.seconds * NS_PER_SECOND)
            faults = tuple(fault for fault in faults if fault.at_ns < length_ns)
            day = msgspec.structs.replace(day, length_ns=length_ns)
        return msgspec.structs.replace(day, faults=faults)


def play(case: str, keep: Sequence[int] | None = None) -> Verdict:
    """Play one day and judge it. keep: places, from 0, of the only faults to let happen.

    Raises ValueError for a name that is none.
    """
    name = Name.read(case)
    if keep is not None:
        name = msgspec.structs.replace(name, keep=tuple(keep))
    return play_day(name.day(), str(name), FolderJournal() if name.whole else None)


def play_day(day: Day, case: str = "", disk: Disk | FolderJournal | None = None) -> Verdict:
    """Play a day that was drawn, or written by hand. disk: what the journal is on, a healthy one in memory if None."""
    playing = Playing(day, disk)
    with playing.scene as scene:
        try:
            playing.play()
            violations = judge(scene, quiet_since_ns=playing.quiet_since_ns)
        except Exception:
            violations = [Violation("nothing escapes the engine", traceback.format_exc(), scene.now_ns)]
        return _verdict(day, case, scene, violations)


def _verdict(day: Day, case: str, scene: Scene, violations: list[Violation]) -> Verdict:
    return Verdict(
        case=case or f"seed:{day.seed}", violations=tuple(violations), reached=dict(reached(scene)),
        crashes=len(scene.crashes) + len(scene.stops), simulated_ns=scene.now_ns - scene.begins_ns,
        messages=scene.handled(), journal_hash=digest(scene.rows), tail=_tail(scene) if violations else (),
        faults=tuple(str(fault) for fault in day.faults),
    )  # fmt: skip


def _tail(scene: Scene) -> tuple[str, ...]:
    return tuple(f"{row.seq} {row.at_ns} {row.actor} {row.event}" for row in scene.rows[-LAST_EVENTS:])
