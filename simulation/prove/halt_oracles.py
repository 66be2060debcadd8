"""The oracle of halts: what works at the venue when trading is halted does not work on."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from model.decisions import Mode, ModeEntered
from model.orders import VenueUp
from model.units import NS_PER_SECOND
from simulation.exchange.book import OPEN
from simulation.prove.case import Violation
from simulation.prove.evidence import Evidence
from simulation.prove.lease_oracles import well

NAME = "halts end orders"
ENDED_WITHIN_NS = 20 * NS_PER_SECOND
"""How long after a halt, or after the link is there again, an order may work on while nothing is wrong."""
ASKED_AGAIN_NS = 35 * NS_PER_SECOND
"""How much longer for each message about a cancel that the wire has harmed."""
CANCELS = frozenset(("CancelAtVenue", "OrderCancelled", "CancelRejected"))
ENDING = (Mode.TRADING, Mode.REDUCE_ONLY)


def halts_end_orders(seen: Evidence) -> Iterator[Violation]:
    """While trading is halted, an order of ours ends within seconds of the halt, or of the link's return.

    A halt ends with a person's word and not with a restart. What the wire does to a cancel takes longer, but with each
    session it is asked for anew; nothing is asked of an engine that is dead, stands still, or was built anew.
    """
    rows = seen.of(ModeEntered)
    halts = [row.at_ns for row, event in rows if event.mode is Mode.HALTED]
    if not halts:
        return
    halted = Halted(seen, halts, [row.at_ns for row, event in rows if event.mode in ENDING])
    for client_id, order in seen.venue_orders.items():
        plan = seen.planned.get(order.spec.client_id)
        if plan is not None:
            known_ns = max(order.arrived_ns, plan[0].at_ns)  # one that was adopted is planned when it is found
            closed_ns = order.closed_ns if order.state != OPEN else seen.now_ns
            yield from halted.worked_on(client_id, known_ns, closed_ns)
            yield from halted.forgotten(client_id, known_ns, closed_ns)


class Halted:
    """When trading was halted, until somebody let it go on; and when the engine heard that its link stands."""

    def __init__(self, seen: Evidence, halts: list[int], ends: list[int]) -> None:
        self.seen, self.halts, self.ends = seen, halts, ends
        self.greeted = [at_ns for at_ns, fact in seen.stage.facts if isinstance(fact, VenueUp)]
        self.patience_ns = _patience_ns(seen)

    def worked_on(self, client_id: str, known_ns: int, closed_ns: int) -> Iterator[Violation]:
        """An order that is still open long after the halt, after the link was back, or after it was found."""
        for since_ns in sorted({*self.halts, *self.greeted, known_ns}):
            until_ns = since_ns + self.patience_ns
            if known_ns <= since_ns and until_ns < closed_ns and self._all_the_time(since_ns, until_ns):
                text = f"{client_id} worked on for {self.patience_ns / NS_PER_SECOND:g} s of a halt"
                yield Violation(NAME, text, until_ns)
                return

    def forgotten(self, client_id: str, known_ns: int, closed_ns: int) -> Iterator[Violation]:
        """An order whose end was not asked for in a new session: what was asked in the last one may be lost with it."""
        asked = [request.at_ns for request, cancel in self.seen.cancels if cancel.client_id == client_id]
        for since_ns in self.greeted:
            until_ns = since_ns + ENDED_WITHIN_NS
            if any(since_ns <= each <= until_ns for each in asked):
                continue
            if known_ns < since_ns and until_ns < closed_ns and self._all_the_time(since_ns, until_ns):
                yield Violation(NAME, f"nobody asked for the end of {client_id} when the link was back", until_ns)
                return

    def _all_the_time(self, since_ns: int, until_ns: int) -> bool:
        """Whether trading was halted all the time, and nothing kept the engine from ending what was open."""
        place = bisect_right(self.halts, since_ns)
        if not place or any(self.halts[place - 1] <= each <= until_ns for each in self.ends):
            return False
        return well(self.seen, since_ns + 1, until_ns)


def _patience_ns(seen: Evidence) -> int:
    """How long a cancel may take in this play."""
    harmed = [fault for fault in seen.stage.venue.faults.happened if fault.kind in CANCELS]
    late_ns = max((fault.delay_ns for fault in harmed), default=0)
    latency_ns: int = seen.stage.venue.exchange.rules.latency_ns
    return ENDED_WITHIN_NS + 2 * latency_ns + ASKED_AGAIN_NS * len(harmed) + late_ns
