"""What kind of venue a day is played at, and how long orders outlive the engine there."""

from __future__ import annotations

from random import Random

import msgspec

from simulation.exchange import VenueRules
from simulation.exchange.faults import Harm
from simulation.prove.fault import Fault

WITHOUT_IDS = 0.2
WITH_A_TIMER = 0.2
GOOD_FOR_A_WHILE = 0.15
TIMERS_S = (5.0, 20.0, 60.0)
GOOD_FOR_S = (20.0, 90.0, 400.0)
DOUBLED = f"{Harm.DUPLICATE.value} SubmitOrder"


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """Of one day. timer_s: of a venue that has a cancel timer, 0 for none.  good_for_s: of orders, 0 for a day."""

    ids_enforced: bool = True
    timer_s: float = 0.0
    good_for_s: float = 0.0

    def rules(self, latency_ns: int) -> VenueRules:
        return VenueRules(
            latency_ns=latency_ns, margin=False, cancel_timer=self.timer_s > 0, ids_enforced=self.ids_enforced
        )

    def lease(self) -> dict[str, float]:
        """The program's settings of this name."""
        return {"timer_s": self.timer_s, "good_for_s": self.good_for_s}

    def can_be(self, fault: Fault) -> bool:
        """Whether anybody could survive it: what the wire doubles to a venue without ids is two orders at once."""
        return self.ids_enforced or fault.what != DOUBLED


def draw_terms(ids: Random, lease: Random) -> Terms:
    """One venue in five enforces no ids; of all, some have a cancel timer, and at some others orders end soon."""
    enforced, kind = ids.random() >= WITHOUT_IDS, lease.random()
    if kind < WITH_A_TIMER:
        return Terms(ids_enforced=enforced, timer_s=lease.choice(TIMERS_S))
    if kind < WITH_A_TIMER + GOOD_FOR_A_WHILE:
        return Terms(ids_enforced=enforced, good_for_s=lease.choice(GOOD_FOR_S))
    return Terms(ids_enforced=enforced)
