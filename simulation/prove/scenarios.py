"""The canonical scenarios: what an author does with the stage while the engine is crashed under him.

An author speaks by the clock. A word that the engine must have heard, such as a halt, is said again until it is
obeyed, as an operator would; a wish needs no repeating, because the sleeve asks for it at every decision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import takewhile
from typing import NamedTuple

from engine.ports import Row
from model.decisions import Mode, ModeEntered
from model.units import NS_PER_DAY, NS_PER_SECOND, QTY_SCALE
from simulation.prove.terms import Terms
from simulation.stage import Stage, World

MS = 10**6
MINUTE_NS = 60 * NS_PER_SECOND
THIN = 1_000  # units that each quote of the stage displays: an order of more rests
FEW = 20  # units that are displayed where a future rests too

BEFORE_MIDNIGHT_NS = 3 * MINUTE_NS
PATIENCE = 8


class Scenario(NamedTuple):
    """`play` acts on a stage that has just begun; `begins` is how long after the first midnight that is.

    ttl_s: how long an order lives; it is repriced every minute.  terms: what kind of venue it is at.  twice: each of
    its crashes is followed by second ones.  spreads: a future is rolled by one order for both contracts.
    """

    play: Callable[[Stage], None]
    seed: int = 7
    ttl_s: float = 120.0
    begins: int = 0
    roll_day: int = 4
    terms: Terms = Terms()
    twice: bool = True
    spreads: bool = False


def single(stage: Stage) -> None:
    """One order, filled at the first quote."""
    stage.want("ALPHA", 100)
    stage.decide()
    stage.run("130s")


def pair(stage: Stage) -> None:
    """Two legs that trade together or not at all; one of them needs two quotes."""
    stage.want("ALPHA", 700, sleeve="two", pair="p")
    stage.want("BETA", -1_400, sleeve="two", pair="p")
    stage.decide()
    stage.run("200s")


def modify(stage: Stage) -> None:
    """More than is displayed: the rest waits at its limit and is repriced while it fills in parts."""
    stage.want("ALPHA", 4 * THIN)
    stage.decide()
    stage.run("250s")


def cancel(stage: Stage) -> None:
    """Time to live ends with a quote: the cancel of one order loses the race, the other's wins after a part filled."""
    stage.want("ALPHA", -3 * THIN)
    stage.want("BETA", -4 * THIN, sleeve="two")
    stage.decide()
    stage.run("250s")


def roll(stage: Stage) -> None:
    """A future is bought before midnight, and the decisions of midnight move it to the next contract."""
    stage.want("GAMMA", 3)
    stage.decide()
    stage.run("310s")


def spread(stage: Stage) -> None:
    """The same move by one order for both contracts, of which no quote shows enough: it trades in parts."""
    stage.want("GAMMA", 3)
    stage.decide()
    stage.run("70s")
    stage.tape.size = 2 * QTY_SCALE
    stage.run("240s")


def halt(stage: Stage) -> None:
    """Halted with three orders open, of which some fill while their cancels are on the way; then resumed."""
    stage.tape.size = FEW * QTY_SCALE
    stage.want("ALPHA", -2 * FEW)
    stage.want("GAMMA", -3 * FEW)
    stage.want("BETA", -5 * FEW, sleeve="two")
    stage.decide()
    stage.run(2 * MINUTE_NS - NS_PER_SECOND - MS)
    say(stage, lambda: stage.halt("the author halts"), Mode.HALTED)
    stage.run("90s")
    say(stage, lambda: stage.resume("the author resumes"), Mode.TRADING)
    stage.decide()
    stage.run("70s")


def cut_off(stage: Stage) -> None:
    """Halted with an order open: its cancel is lost, the link falls, and is there again after four seconds."""
    stage.tape.size = FEW * QTY_SCALE
    stage.want("ALPHA", 6 * FEW)
    stage.decide()
    stage.run("65s")
    stage.venue.drop_next("CancelAtVenue")
    if stage.life is not None:
        stage.halt("the author halts")
    stage.run("1s")
    stage.venue.disconnect()
    stage.run("4s")
    if stage.life is not None:  # one that boots connects by itself
        stage.venue.reconnect()
    if not any(isinstance(row.event, ModeEntered) and row.event.mode is Mode.HALTED for row in stage.rows):
        say(stage, lambda: stage.halt("the author halts"), Mode.HALTED)
    stage.run("70s")


def unenforced(stage: Stage) -> None:
    """The pair at a venue that enforces no ids: that a leg is not there cannot be proved, and it is not sent again."""
    pair(stage)


def leased(stage: Stage) -> None:
    """An order works under a cancel timer that is over before the engine is back from every other crash."""
    stage.want("ALPHA", 2 * THIN)
    stage.decide()
    stage.run("67s")


def say(stage: Stage, word: Callable[[], None], mode: Mode) -> None:
    """Say something until the journal says that the engine obeyed, or for so long that an oracle will find it stuck."""
    spoken_ns = stage.now_ns
    for _ in range(PATIENCE):
        word()
        stage.run("10s")
        if any(isinstance(row.event, ModeEntered) and row.event.mode is mode for row in since(stage, spoken_ns)):
            return


def since(stage: Stage, at_ns: int) -> Iterator[Row]:
    """Durable rows from a moment on, newest first."""
    return takewhile(lambda row: row.at_ns >= at_ns, reversed(stage.rows))


SCENARIOS: Mapping[str, Scenario] = {
    "single": Scenario(single),
    "pair": Scenario(pair),
    "modify": Scenario(modify, ttl_s=600.0),
    "cancel": Scenario(cancel),
    "roll": Scenario(roll, begins=NS_PER_DAY - BEFORE_MIDNIGHT_NS, roll_day=0),
    "spread": Scenario(spread, begins=NS_PER_DAY - BEFORE_MIDNIGHT_NS, roll_day=0, spreads=True),
    "halt": Scenario(halt),
    "cut_off": Scenario(cut_off, ttl_s=600.0, twice=False),
    "unenforced": Scenario(unenforced, terms=Terms(ids_enforced=False)),
    "leased": Scenario(leased, terms=Terms(timer_s=6.0), twice=False),
}


@lru_cache
def world(roll_day: int, ttl_s: float, terms: Terms, spreads: bool = False) -> World:
    """The world of a scenario: made once, and shared by every play."""
    execution = {"ttl_s": ttl_s, "lease": terms.lease(), "roll_as_spread": spreads}
    return World(roll_day=roll_day, execution=execution)
