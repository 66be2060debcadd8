"""The oracle of orders in doubt: what becomes of one that a venue without ids does not show."""

from __future__ import annotations

from collections.abc import Iterator

from model.combos import contracts_of
from model.decisions import InstrumentLocked, InstrumentReleased
from model.execution import Alarm, Reconciled
from model.units import NS_PER_SECOND
from simulation.prove.case import Violation
from simulation.prove.evidence import Evidence

ASKED_WITHIN_NS = 120 * NS_PER_SECOND
LOCKED_AGAIN_NS = 330 * NS_PER_SECOND
"""How long a contract may be free that a person released while its order is in doubt: until the next comparison."""
IN_DOUBT = "ORDER_IN_DOUBT"


def doubts_asked(seen: Evidence, quiet_since_ns: int) -> Iterator[Violation]:
    """Where absence cannot be proved an unseen order stays UNKNOWN, its contract is locked, and an alarm asks a person.

    At rest nothing else is UNKNOWN there: what the venue has it has shown.
    """
    if seen.ids_enforced or seen.now_ns - quiet_since_ns < ASKED_WITHIN_NS:
        return
    name = "doubts asked"
    asked = {alarm.subject for _, alarm in seen.of(Alarm) if alarm.code == f"BREAK_{IN_DOUBT}"}
    for client_id in seen.doubted:
        if client_id not in asked:
            yield Violation(name, f"{client_id} is in doubt, and no alarm asks a person", seen.now_ns)
        for contract in contracts_of(seen.planned[client_id][1].spec.instrument):
            if not _locked(seen, contract):
                yield Violation(name, f"{client_id} is in doubt, and {contract} is not locked", seen.now_ns)
    for client_id, state in seen.states.items():
        if state == "UNKNOWN" and client_id not in seen.doubted:
            yield Violation(name, f"{client_id} is UNKNOWN, and the venue has shown it", seen.now_ns)


def _locked(seen: Evidence, contract: str) -> bool:
    locks = [(row.at_ns, True) for row, event in seen.of(InstrumentLocked) if event.instrument == contract]
    words = [(row.at_ns, False) for row, event in seen.of(InstrumentReleased) if event.instrument == contract]
    if not locks:
        return False
    at_ns, locked = max((*words, *locks))
    return locked or seen.now_ns - at_ns < LOCKED_AGAIN_NS


def stands_in_doubt(seen: Evidence) -> bool:
    """Whether the last comparison found nothing but orders that are in doubt: after a start trading waits for them."""
    compared = [row.breaks for _, row in seen.of(Reconciled) if row.complete]
    return bool(compared and compared[-1]) and all(
        each.kind == IN_DOUBT and each.subject in seen.doubted for each in compared[-1]
    )
