"""Oracles of what is remembered and believed: decisions, differences, absence, prices, and whose orders are touched."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from model.combos import as_legs, contracts_of
from model.decisions import (
    DayMarked,
    InstrumentLocked,
    InstrumentReleased,
    RegimeDecided,
    RiskDecision,
    RunPlanned,
    Targets,
)
from model.execution import Alarm, Break, Reconciled, Severity, SleevesCrossed
from model.instruments import product_of
from model.order_events import OrderPlanned
from model.orders import (
    CashMoved,
    Fill,
    Filled,
    Purpose,
    Settlement,
    VenueCashMoved,
    VenueFact,
    VenueSettled,
    VenueSnapshot,
)
from model.units import NS_PER_SECOND, Px, Qty
from simulation.prove.case import Violation
from simulation.prove.evidence import Evidence, ours
from simulation.stage.world import PRICES

ANSWERED_NS = NS_PER_SECOND
"""How long a difference that was found may stand without the lock that follows from it."""
UNIT = 3
"""No price of a play wanders or jumps so many fold: what differs by more is another unit."""


# -- decisions


def decided_once(seen: Evidence) -> Iterator[Violation]:
    """A run has one regime, one scale and one answer of each sleeve, and a session one regime: restarts change none."""
    name = "decided once"
    made: set[tuple[str, str]] = set()
    for row in seen.rows:
        if isinstance(row.event, RegimeDecided | RiskDecision):
            what = (type(row.event).__name__, row.event.run_id)
            if what in made:
                yield Violation(name, f"{what[0]} of run {what[1]} was made twice", row.at_ns)
            made.add(what)
    sessions: dict[int, RegimeDecided] = {}
    for row, regime in seen.of(RegimeDecided):
        first = sessions.setdefault(regime.session, regime)
        if (first.regime, first.facts) != (regime.regime, regime.facts):
            yield Violation(name, f"the regime of session {regime.session} was decided twice", row.at_ns)
    answers: set[tuple[str, str]] = set()
    for row, targets in seen.of(Targets):
        answer = (targets.sleeve, targets.run_id)
        if answer in answers:
            yield Violation(name, f"{targets.sleeve} answered run {targets.run_id} twice", row.at_ns)
        answers.add(answer)


def legs_together(seen: Evidence) -> Iterator[Violation]:
    """What a sleeve wants as a pair is planned whole, or not at all. Rolls, and legs that are there, wait for none."""
    wants = {(targets.run_id, targets.sleeve): targets for _, targets in seen.of(Targets)}
    for row, run in seen.of(RunPlanned):
        going = {product_of(intent.instrument) for intent in run.intents}
        left_out = {denial.instrument for denial in run.left_out} - going  # what goes was left out for another sleeve
        for intent in run.intents:
            product = product_of(intent.instrument)
            for share in () if intent.purpose is Purpose.ROLL else intent.shares:
                answer = wants.get((run.run_id, share.sleeve))
                mine = [] if answer is None else answer.wants
                pair = next((want.pair for want in mine if want.product == product), "")
                for want in mine:
                    if not pair or want.pair != pair or want.product == product or want.product not in left_out:
                        continue
                    if _held_by(seen, share.sleeve, want.product, row.seq) != want.quantity:
                        text = f"{intent.id}: {product} goes, and {want.product}, of the same pair, does not"
                        yield Violation("legs together", text, row.at_ns)


def _held_by(seen: Evidence, sleeve: str, product: str, seq: int) -> Qty:
    """What a sleeve had of a product just before a row."""
    parts = {event.fill.exec_id: event for row, event in seen.of(Filled) if row.seq < seq}
    for event in list(parts.values()):
        parts.pop(event.fill.corrects, None)
    traded = [(event.fill.instrument, event.shares) for event in parts.values()]
    traded += [(event.instrument, event.shares) for row, event in seen.of(SleevesCrossed) if row.seq < seq]
    return sum(
        share.quantity
        for contract, shares in traded
        for share in shares
        if share.sleeve == sleeve and product_of(contract) == product
    )


# -- differences and locks


def differences_lock(seen: Evidence) -> Iterator[Violation]:
    """A difference that only a person can explain locks its instrument, and nothing in it increases until released."""
    name = "differences lock"
    locks = _locks(seen)
    for row, comparison in seen.of(Reconciled):
        for each in comparison.breaks:
            if not _locking(each) or seen.now_ns - row.at_ns < ANSWERED_NS:
                continue
            for contract in _subject(seen, each):
                if not _held(locks, contract, row.seq) and not _follows(seen, locks, contract, row.seq, row.at_ns):
                    yield Violation(name, f"{each.text}, and {contract} was not locked", row.at_ns)
    for leaving in seen.leavings:
        intent, (row, _) = leaving.planned.intent, seen.planned[leaving.planned.spec.client_id]
        increases = not intent.reduces and not leaving.reduces
        for contract in contracts_of(intent.instrument) if increases else ():
            if _held(locks, contract, row.seq, before_ns=row.at_ns):
                yield Violation(name, f"{intent.id} increases, and {contract} is locked", row.at_ns)


def _locking(found: Break) -> bool:
    return found.severity is Severity.LOCK and found.kind != "UNKNOWN_ORDER"


def _subject(seen: Evidence, found: Break) -> tuple[str, ...]:
    """The contracts that a difference is in: one of an order names the order."""
    plan = seen.planned.get(found.subject)
    return contracts_of(plan[1].spec.instrument if plan is not None else found.subject)


Locks = Mapping[str, list[tuple[int, int, bool]]]


def _locks(seen: Evidence) -> Locks:
    """(seq, moment, locked or released) by instrument."""
    found: dict[str, list[tuple[int, int, bool]]] = {}
    for row in seen.rows:
        if isinstance(row.event, InstrumentLocked | InstrumentReleased):
            locked = isinstance(row.event, InstrumentLocked)
            found.setdefault(row.event.instrument, []).append((row.seq, row.at_ns, locked))
    return found


def _held(locks: Locks, instrument: str, seq: int, before_ns: int = 1 << 62) -> bool:
    """Whether it was locked before a row; a lock of that very moment, or later, does not count."""
    words = locks.get(instrument, ())
    state = [locked for at, at_ns, locked in words if at < seq and (at_ns < before_ns or not locked)]
    return bool(state) and state[-1]


def _follows(seen: Evidence, locks: Locks, instrument: str, seq: int, at_ns: int) -> bool:
    """Whether the lock came at once, or the engine died before it could."""
    soon = at_ns + ANSWERED_NS
    if any(locked and at > seq and when <= soon for at, when, locked in locks.get(instrument, ())):
        return True
    boot = next((each.seq for each in seen.boots if each.seq > seq), 0)
    said = [row.at_ns for row in seen.rows if seq < row.seq < boot]
    return bool(boot) and (not said or said[-1] <= soon)


# -- what is believed


def facts_taken(seen: Evidence) -> Iterator[Violation]:
    """What the engine is told is in the journal at once: executions, payments and orders of ours.

    Told by itself, or in an answer that the engine compares with. What a correction replaced may come after it.
    """
    taken_ns = {("execution", fill.corrects): 0 for fill in seen.fills} | _first_rows(seen)
    compared = {row.id for _, row in seen.of(Reconciled) if row.complete}
    poisoned = [row.at_ns for row, alarm in seen.of(Alarm) if alarm.code == "POISONED"]
    excused = [*seen.stage.deaths, *poisoned]
    for at_ns, fact in seen.stage.facts:
        for name in _names(fact, compared):
            if taken_ns.get(name, seen.now_ns) <= at_ns + ANSWERED_NS:
                continue
            if not any(at_ns <= each <= at_ns + ANSWERED_NS for each in excused) and not _died_silent(seen, at_ns):
                taken_ns[name] = at_ns
                yield Violation("facts taken", f"{' '.join(name)} was told and not taken", at_ns)
    for row, filled in seen.of(Filled):
        plan = seen.planned.get(filled.fill.client_id)
        if plan is not None and plan[0].seq < row.seq and filled.run_id != plan[1].intent.run_id:
            text = f"execution {filled.fill.exec_id} of {filled.fill.client_id} was given to another order"
            yield Violation("facts taken", text, row.at_ns)


def _died_silent(seen: Evidence, at_ns: int) -> bool:
    """Whether nothing became durable any more between a moment and the engine's death: a slow disk can take minutes."""
    death_ns = next((each for each in seen.stage.deaths if each >= at_ns), None)
    return death_ns is not None and not any(at_ns < row.at_ns < death_ns for row in seen.rows)


def _first_rows(seen: Evidence) -> dict[tuple[str, str], int]:
    """When each fact was first in the journal."""
    found: dict[tuple[str, str], int] = {}
    for row in seen.rows:
        event = row.event
        if isinstance(event, Filled):
            found.setdefault(("execution", event.fill.exec_id), row.at_ns)
            if event.voids:
                found.setdefault(("execution", event.voids), row.at_ns)
        elif isinstance(event, VenueCashMoved):
            found.setdefault(("payment", event.move.id), row.at_ns)
        elif isinstance(event, VenueSettled):
            found.setdefault(("settlement", event.settlement.id), row.at_ns)
        elif isinstance(event, OrderPlanned):
            found.setdefault(("order", event.spec.client_id), row.at_ns)
    return found


def _names(fact: VenueFact, compared: Collection[str]) -> Iterator[tuple[str, str]]:
    """Of what a fact must become rows."""
    if isinstance(fact, Fill):
        yield "execution", fact.exec_id
    elif isinstance(fact, CashMoved):
        yield "payment", fact.id
    elif isinstance(fact, Settlement):
        yield "settlement", fact.id
    elif isinstance(fact, VenueSnapshot) and fact.id in compared:
        for each in (*fact.fills, *fact.moves, *fact.settlements):
            yield from _names(each, compared)
        yield from (("order", order.client_id) for order in fact.orders if ours(order.client_id))


def absence_is_true(seen: Evidence) -> Iterator[Violation]:
    """No order is proven absent that the venue had when it was asked, and none at all where it enforces no ids."""
    asked_ns = {question.id: request.at_ns for request, question in seen.questions}
    for client_id, steps in seen.moved.items():
        order = seen.venue_orders.get(client_id)
        for row, step in steps:
            at_ns = asked_ns.get(step.evidence)
            if step.event == "PROVEN_ABSENT" and not seen.ids_enforced:
                text = f"{client_id} was taken for absent, and at this venue nothing can prove that"
                yield Violation("absence is true", text, row.at_ns)
            if step.event == "PROVEN_ABSENT" and order is not None and at_ns is not None and order.arrived_ns < at_ns:
                text = f"{client_id} was proven absent, and the venue had had it for {at_ns - order.arrived_ns} ns"
                yield Violation("absence is true", text, row.at_ns)


def prices_believed(seen: Evidence) -> Iterator[Violation]:
    """No day is marked, and nothing is decided, at a price in another unit."""
    name = "prices believed"
    for row, day in seen.of(DayMarked):
        for contract, price in day.prices.items():
            if _other_unit(contract, price):
                yield Violation(name, f"the day {day.session} is marked with {contract} at {price}", row.at_ns)
    for row, run in seen.of(RunPlanned):
        for intent in (leg for each in run.intents for leg in as_legs(each)):
            if _other_unit(intent.instrument, intent.reference):
                text = f"{intent.id} was decided with {intent.instrument} at {intent.reference}"
                yield Violation(name, text, row.at_ns)


def _other_unit(contract: str, price: Px) -> bool:
    usual = PRICES.get(product_of(contract), 0)
    return bool(usual and price) and not usual <= abs(price) * UNIT <= usual * UNIT * UNIT


def only_ours_touched(seen: Evidence) -> Iterator[Violation]:
    """No order that does not carry our prefix is cancelled, changed or taken over."""
    name = "only ours touched"
    for request, cancel in seen.cancels:
        if not ours(cancel.client_id):
            yield Violation(name, f"{cancel.client_id} is not ours, and its cancel left", request.at_ns)
    for request, change in seen.modifies:
        if not ours(change.client_id):
            yield Violation(name, f"{change.client_id} is not ours, and its change left", request.at_ns)
    for client_id, (row, _) in seen.planned.items():
        if not ours(client_id):
            yield Violation(name, f"{client_id} is not ours, and was taken over", row.at_ns)
