"""The interesting states of a play: a proof that never reached one of them has not tried it.

Read from the journal, the wire, the venue's record and the runtime's notices, as the oracles read them. How often a
state was reached counts orders, rows or crashes, whatever it is a state of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from simulation.prove.sometimes_crashes import CRASHES
from simulation.prove.sometimes_house import HOUSE
from simulation.prove.sometimes_orders import ORDERS
from simulation.prove.sometimes_venues import VENUES
from simulation.prove.story import Story
from simulation.stage import Stage

STATES: Mapping[str, Callable[[Story], int]] = {**ORDERS, **VENUES, **CRASHES, **HOUSE}
SOMETIMES = tuple(STATES)
"""Every state by its name."""


def reached(stage: Stage) -> Counter[str]:
    """How often the play reached each state; one that it never reached is not there."""
    story = Story(stage)
    found: Counter[str] = Counter()
    for name, count in STATES.items():
        times = count(story)
        if times:
            found[name] = times
    return found
