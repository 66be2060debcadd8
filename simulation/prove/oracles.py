"""What must hold of every play, whatever went wrong in it. Judged by the venue's record, the wire and the journal.

No oracle asks an actor what it would do; two look at what actors hold (books, mode) to compare it with the facts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from simulation.prove.case import Violation
from simulation.prove.decision_oracles import (
    absence_is_true,
    decided_once,
    differences_lock,
    facts_taken,
    legs_together,
    only_ours_touched,
    prices_believed,
)
from simulation.prove.doubt_oracles import doubts_asked
from simulation.prove.evidence import Evidence
from simulation.prove.halt_oracles import halts_end_orders
from simulation.prove.health_oracles import alarms_once, alive_after_faults, files_whole, mailboxes_bounded
from simulation.prove.lease_oracles import orders_end_without_us
from simulation.prove.money_oracles import COMPARED_WITHIN_NS, book_equals_venue, venue_conserves
from simulation.prove.order_oracles import moves_along_the_tables, one_order_per_intent, permission_before_the_wire
from simulation.prove.wire_oracles import limits_on_the_wire, modes_on_the_wire, prices_on_the_wire
from simulation.stage import Stage

REST_NS = COMPARED_WITHIN_NS
"""A play that goes on for so long after its last fault is judged by every oracle, compared by then or not."""

ALWAYS: Mapping[str, Callable[[Evidence], Iterator[Violation]]] = {
    "one order per intent": one_order_per_intent,
    "permission before the wire": permission_before_the_wire,
    "limits on the wire": limits_on_the_wire,
    "modes on the wire": modes_on_the_wire,
    "prices on the wire": prices_on_the_wire,
    "moves along the tables": moves_along_the_tables,
    "decided once": decided_once,
    "legs together": legs_together,
    "differences lock": differences_lock,
    "absence is true": absence_is_true,
    "facts taken": facts_taken,
    "prices believed": prices_believed,
    "only ours touched": only_ours_touched,
    "orders end without us": orders_end_without_us,
    "halts end orders": halts_end_orders,
    "venue conserves": venue_conserves,
    "mailboxes bounded": mailboxes_bounded,
    "alarms once": alarms_once,
    "files whole": files_whole,
}
WHEN_QUIET: Mapping[str, Callable[[Evidence, int], Iterator[Violation]]] = {
    "book equals venue": book_equals_venue,
    "alive after faults": alive_after_faults,
    "doubts asked": doubts_asked,
}
ORACLES = (*ALWAYS, *WHEN_QUIET)
"""Every promise, by the name under which a violation of it is reported."""


def judge(stage: Stage, *, quiet_since_ns: int) -> list[Violation]:
    """Every promise that the play broke.

    quiet_since_ns: when its last fault was over, and nothing that a fault held back was under way. Two promises are for
    the time after: one is judged from two minutes after it, one when all is at rest.
    """
    seen = Evidence(stage)
    found: list[Violation] = []
    for always in ALWAYS.values():
        found += always(seen)
    for when_quiet in WHEN_QUIET.values():
        found += when_quiet(seen, quiet_since_ns)
    return found
