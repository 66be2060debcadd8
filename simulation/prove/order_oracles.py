"""Oracles of orders: one for each intent, none without permission, and every step along the tables."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from model.decisions import Mode, ModeEntered, RunMoved, RunPlanned
from model.order_events import OrderPlanned, OrderRenewed, OrderRepriced
from model.orders import OrderSpec
from model.units import Px
from simulation.exchange.faults import Harm
from simulation.prove.case import Violation
from simulation.prove.evidence import Evidence, Submit
from simulation.stage.engine import COMPARISON
from state import order_law, run_law, system_law

DURABLE, PLANNED = "DURABLE", "PLANNED"
LOW = (Mode.REDUCE_ONLY, Mode.HALTED)
MACHINES = ("policy", "reconciler", "system")

RUN_MOVES = frozenset((state, outcome.state) for (state, _), outcome in run_law.TABLE.items() if outcome.moved)
MODE_MOVES = frozenset((mode, outcome.state) for (mode, _), outcome in system_law.TABLE.items() if outcome.moved)
ORDER_MOVES = frozenset(
    (state, event, outcome.state) for (state, event), outcome in order_law.TABLE.items() if outcome.moved
)


# -- one order for each intent


def one_order_per_intent(seen: Evidence) -> Iterator[Violation]:
    """An order leaves once, and again only after durable proof that the venue never had it.

    Where the venue enforces no ids there is no such proof: it leaves once, and the venue has one of it.
    """
    name = "one order per intent"
    for client_id, submits in seen.sent.items():
        for before, after in pairwise(submits):
            if not seen.ids_enforced:
                text = f"{client_id} left twice, and the venue enforces no ids"
                yield Violation(name, text, after.request.at_ns)
            elif not _proved_absent(seen, client_id, before, after):
                text = f"{client_id} left twice, and no durable proof of absence stands between"
                yield Violation(name, text, after.request.at_ns)
        again = seen.duplicates.get(client_id, 0)
        if again and len(submits) > 1 and not _wire_did(seen, client_id, again):
            text = f"the venue was sent {client_id} {again} times again, and the wire did not do that"
            yield Violation(name, text, submits[-1].request.at_ns)
        order = seen.venue_orders.get(client_id)
        if order is not None and order.filled > submits[0].message.order.quantity:
            text = f"{client_id} is for {submits[0].message.order.quantity}, and the venue filled {order.filled}"
            yield Violation(name, text, seen.now_ns)
    yield from _taken_twice(seen, name)
    yield from _planned_twice(seen, name)


def _proved_absent(seen: Evidence, client_id: str, before: Submit, after: Submit) -> bool:
    """Whether a proof stands between, of a time when what had left must have arrived."""
    first, last = before.request.durable_seq, after.request.durable_seq
    settled_ns = before.request.at_ns + COMPARISON.settle_ns
    between = [(row, step.event) for row, step in seen.moved.get(client_id, ()) if first < row.seq <= last]
    proofs = [row.seq for row, event in between if event == "PROVEN_ABSENT" and row.at_ns >= settled_ns]
    return bool(proofs) and any(event == "RESENT" and row.seq > proofs[0] for row, event in between)


def _wire_did(seen: Evidence, client_id: str, again: int) -> bool:
    """The wire may double a request, or bring one so late that it was proven absent meanwhile."""
    harms = seen.harmed.get(client_id, ())
    late = any(each.harm is Harm.SWAP or each.delay_ns >= COMPARISON.settle_ns for each in harms)
    return late or again <= sum(each.harm is Harm.DUPLICATE for each in harms)


def _taken_twice(seen: Evidence, name: str) -> Iterator[Violation]:
    """By the venue's own record: orders of ours that are not the first under their ids."""
    for venues_name, order in seen.venue_orders.items():
        client_id = order.spec.client_id
        if venues_name != client_id:
            yield Violation(name, f"the venue has one more order under {client_id}", order.arrived_ns)


def _planned_twice(seen: Evidence, name: str) -> Iterator[Violation]:
    known: dict[str, str] = {}
    for row, event in seen.of(OrderPlanned):
        client_id, intent = event.spec.client_id, event.intent.id
        if intent in known:
            yield Violation(name, f"intent {intent} was planned as {known[intent]} and again as {client_id}", row.at_ns)
        known[intent] = client_id


# -- permission


def permission_before_the_wire(seen: Evidence) -> Iterator[Violation]:
    """No order leaves without an earlier durable plan of just that order, and that without a durable approval."""
    name = "permission before the wire"
    for submit in seen.submits:
        order, request = submit.message.order, submit.request
        plan = seen.planned.get(order.client_id)
        if plan is None or plan[0].seq > request.durable_seq:
            yield Violation(name, f"{order.client_id} left before its plan was durable", request.at_ns)
            continue
        row, planned = plan
        if planned.spec != order:
            yield Violation(name, f"{order.client_id} left as another order than was planned", request.at_ns)
        if not _approved(seen, planned, row.seq):
            yield Violation(name, f"{order.client_id} left without a durable approval before its plan", request.at_ns)
    permitted = {event.change_id: (row, {event.limit}) for row, event in seen.of(OrderRepriced)}
    for row, renewed in seen.of(OrderRenewed):
        permitted[renewed.change_id] = (row, _limits(seen, renewed.client_id, row.seq))
    for request, change in seen.modifies:
        found = permitted.get(change.change_id)
        if found is None or found[0].seq > request.durable_seq or change.limit not in found[1]:
            yield Violation(name, f"{change.change_id} left before just that change was durable", request.at_ns)


def _approved(seen: Evidence, planned: OrderPlanned, seq: int) -> bool:
    """Whether a row before the plan approves just what the order does."""
    intent = planned.intent
    return _does(planned.spec, planned) and any(
        row.seq < seq and intent in answer.intents for row, answer in seen.approved.get(planned.approval, ())
    )


def _limits(seen: Evidence, client_id: str, seq: int) -> set[Px]:
    """Every limit that an order was given before a row: a renewal changes none, and answers may come late."""
    given = {event.limit for row, event in seen.of(OrderRepriced) if event.client_id == client_id and row.seq < seq}
    return given | {seen.planned[client_id][1].spec.limit}


def _does(order: OrderSpec, planned: OrderPlanned) -> bool:
    intent = planned.intent
    return (order.client_id, order.instrument, order.side, order.quantity) == (
        intent.id, intent.instrument, intent.side, intent.quantity,
    )  # fmt: skip


# -- the tables


def moves_along_the_tables(seen: Evidence) -> Iterator[Violation]:
    """Every step of an order, a run and the mode is one that its law allows, from where the last one ended."""
    yield from _order_moves(seen)
    yield from _run_moves(seen)
    yield from _mode_moves(seen)


def _order_moves(seen: Evidence) -> Iterator[Violation]:
    name = "moves along the tables"
    for client_id, steps in seen.moved.items():
        plan = seen.planned.get(client_id)
        if plan is None or plan[0].seq > steps[0][0].seq:
            yield Violation(name, f"{client_id} moved before it was planned", steps[0][0].at_ns)
        state = DURABLE
        for row, step in steps:
            if step.was != state:
                yield Violation(name, f"{client_id} moved from {step.was} and was in {state}", row.at_ns)
            if (step.was, step.event, step.now) not in ORDER_MOVES:
                text = f"{client_id}: {step.event} does not lead from {step.was} to {step.now}"
                yield Violation(name, text, row.at_ns)
            state = step.now


def _run_moves(seen: Evidence) -> Iterator[Violation]:
    name = "moves along the tables"
    planned: dict[str, int] = {}
    for row, plan in seen.of(RunPlanned):
        if plan.run_id in planned:
            yield Violation(name, f"run {plan.run_id} was planned twice", row.at_ns)
        planned[plan.run_id] = row.seq
    states: dict[str, str] = {}
    for row, step in seen.of(RunMoved):
        run = step.run_id
        if planned.get(run, row.seq) >= row.seq:
            yield Violation(name, f"run {run} moved before it was planned", row.at_ns)
        was = states.get(run, PLANNED)
        if (was, step.status) not in RUN_MOVES:
            yield Violation(name, f"nothing leads run {run} from {was} to {step.status}", row.at_ns)
        states[run] = step.status


def _mode_moves(seen: Evidence) -> Iterator[Violation]:
    name = "moves along the tables"
    mode, held_low = Mode.BOOT, False
    for row, step in seen.of(ModeEntered):
        if step.was is not mode and step.was is not Mode.BOOT:  # every start begins in BOOT
            yield Violation(name, f"the mode left {step.was.value} and was {mode.value}", row.at_ns)
        if (step.was, step.mode) not in MODE_MOVES:
            yield Violation(name, f"nothing leads from {step.was.value} to {step.mode.value}", row.at_ns)
        if step.mode is Mode.TRADING and held_low and step.by in MACHINES:
            yield Violation(name, f"what had been stopped began to trade by {step.by}, not by a person", row.at_ns)
        mode = step.mode
        held_low = mode in LOW or (held_low and mode is not Mode.TRADING)
