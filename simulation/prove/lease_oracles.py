"""The oracle of order leases: orders end without us, and only without us."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from engine.notices import Happened
from model.decisions import Mode, ModeEntered
from model.leases import CancelAfter
from model.orders import ModifyOrder, OrderType, Purpose, SubmitOrder, TimeInForce
from model.units import NS_PER_SECOND
from simulation.exchange.book import EXPIRED, OPEN, WorkingOrder
from simulation.prove.case import Violation
from simulation.prove.evidence import Evidence, Submit

GTC, GTD = TimeInForce.GTC, TimeInForce.GTD
NAME = "orders end without us"
RENEWALS_PER_TERM = 3
CHANGES = frozenset(("ModifyOrder", "OrderModified", "ModifyRejected"))


class Lease(NamedTuple):
    """How long orders outlive our words: all of them by a timer, or each by its good-till time; 0 for neither."""

    timer_ns: int
    good_for_ns: int
    latency_ns: int

    @classmethod
    def of(cls, seen: Evidence) -> Lease:
        terms, rules = seen.stage.world.configuration.program.execution.lease, seen.stage.venue.exchange.rules
        timer_ns = round(terms.timer_s * NS_PER_SECOND) if rules.cancel_timer else 0
        return cls(timer_ns, 0 if timer_ns else round(terms.good_for_s * NS_PER_SECOND), rules.latency_ns)

    @property
    def term_ns(self) -> int:
        return self.timer_ns or self.good_for_ns

    @property
    def renewed_ns(self) -> int:
        """In so long a healthy engine has said a word, and the venue has heard it."""
        return self.term_ns // RENEWALS_PER_TERM + NS_PER_SECOND + 2 * self.latency_ns


def orders_end_without_us(seen: Evidence) -> Iterator[Violation]:
    """No order outlives its lease, however the engine is lost; and none ends of it while engine and link are well.

    Orders that protect a position are good till cancelled: they are meant to outlive us.
    """
    lease = Lease.of(seen)
    if not lease.term_ns:
        return
    yield from _left_for_ever(seen, lease)
    words = _words(seen, lease)
    for order in seen.venue_orders.values():
        client_id = order.spec.client_id
        if client_id not in seen.planned or order.spec.tif is GTC:
            continue
        if not lease.timer_ns and order.spec.tif is not GTD:
            continue
        mine = words.get("" if lease.timer_ns else client_id, [])
        yield from _outlives(seen, lease, order, mine)
        if ended_by_its_lease(seen, order):
            yield from _ends_early(seen, lease, order)


# -- as it leaves


def _left_for_ever(seen: Evidence, lease: Lease) -> Iterator[Violation]:
    """Orders that leave without a lease, and changes that give them more than one."""
    submits = {id(submit.request): submit for submit in seen.submits}
    runs_until_ns = 0
    for request in seen.words:
        message = request.message
        if isinstance(message, CancelAfter):
            runs_until_ns = request.at_ns + message.within_ns
        elif isinstance(message, SubmitOrder):
            text = _unleased(seen, lease, submits[id(request)], timed=request.at_ns < runs_until_ns)
            if text:
                yield Violation(NAME, f"{message.order.client_id} {text}", request.at_ns)
        elif isinstance(message, ModifyOrder) and lease.good_for_ns:
            sent = seen.sent.get(message.client_id)
            dated = sent is not None and sent[0].message.order.tif is GTD
            if dated and not 0 < message.expires_ns <= request.at_ns + lease.good_for_ns:
                yield Violation(NAME, f"{message.change_id} is good till {message.expires_ns}", request.at_ns)


def _unleased(seen: Evidence, lease: Lease, submit: Submit, *, timed: bool) -> str:
    """What is wrong with an order as it leaves, or nothing."""
    order = submit.message.order
    plan = seen.planned.get(order.client_id)
    protects = plan is not None and plan[1].intent.purpose is Purpose.PROTECT
    if protects and order.type is OrderType.LIMIT:
        return "" if order.tif is GTC else f"protects, and is {order.tif.value}"
    if order.tif is GTC:
        return "is good till cancelled, and protects nothing"
    if lease.timer_ns:
        return "" if timed else "left, and no timer ran at the venue"
    if order.type is not OrderType.LIMIT:
        return ""
    dated = order.tif is GTD and order.expires_ns <= submit.request.at_ns + lease.good_for_ns
    return "" if dated else f"left as {order.tif.value}, till {order.expires_ns}"


# -- at the venue


def _words(seen: Evidence, lease: Lease) -> dict[str, list[int]]:
    """When words left that make orders live on: by client id, or under no name those for all."""
    found: dict[str, list[int]] = {}
    for request in seen.words:
        message = request.message
        if isinstance(message, CancelAfter):
            found.setdefault("", []).append(request.at_ns)
        elif isinstance(message, SubmitOrder):
            found.setdefault(message.order.client_id, []).append(request.at_ns)
        elif isinstance(message, ModifyOrder):
            found.setdefault(message.client_id, []).append(request.at_ns)
    return found


def _outlives(seen: Evidence, lease: Lease, order: WorkingOrder, words: list[int]) -> Iterator[Violation]:
    """Open at the venue without a lease: at its end, now, or whenever the engine died.

    An order that the wire held back, or that an earlier journal sent, can come when no lease runs: an engine that is
    there leases it as soon as it knows.
    """
    steps = seen.moved.get(order.spec.client_id, ())
    known_ns = next((row.at_ns for row, _ in steps if row.at_ns >= order.arrived_ns), seen.now_ns)
    until_ns = order.closed_ns if order.state != OPEN else seen.now_ns
    for at_ns in (*(each for each in seen.stage.deaths if order.arrived_ns < each < until_ns), until_ns):
        place = bisect_right(words, at_ns)
        lapsed_ns = (words[place - 1] if place else 0) + lease.term_ns + lease.latency_ns
        if at_ns <= lapsed_ns:
            continue
        free_ns = max(order.arrived_ns, lapsed_ns, known_ns)
        since_ns = at_ns - lease.renewed_ns
        if order.arrived_ns <= lapsed_ns or (free_ns < since_ns and well(seen, since_ns, at_ns - 1)):
            text = f"{order.spec.client_id} was open without a lease"
            yield Violation(NAME, text, at_ns)
            return


def ended_by_its_lease(seen: Evidence, order: WorkingOrder) -> bool:
    """Whether the venue ended it because nobody said a word: by its timer, or at its good-till time."""
    if order.spec.tif is GTD:
        return order.state == EXPIRED and order.closed_ns == order.expires_ns
    return order.state == "CANCELLED" and order.closed_ns in seen.stage.venue.exchange.door.lapses


def _ends_early(seen: Evidence, lease: Lease, order: WorkingOrder) -> Iterator[Violation]:
    """Ended by its lease while nothing kept the engine from renewing it."""
    since_ns = order.closed_ns - lease.renewed_ns
    if order.arrived_ns >= since_ns or not well(seen, since_ns, order.closed_ns):
        return
    if lease.timer_ns or _could_be_changed(seen, order.spec.client_id, since_ns, order.closed_ns):
        text = f"{order.spec.client_id} ended of its lease, and nothing kept the engine from renewing it"
        yield Violation(NAME, text, order.closed_ns)


def well(seen: Evidence, since_ns: int, until_ns: int) -> bool:
    """Whether the engine lived and moved all the time, its link stood, and its order manager was never built anew."""
    stage = seen.stage
    if any(each.happened is Happened.CRASHED and each.who == "orders" for each in stage.notices):
        return False
    if any(began <= until_ns and since_ns <= over for began, over in stage.stalls):
        return False
    boots = [row.at_ns for row in seen.boots]
    if any(since_ns <= each <= until_ns for each in (*boots, *stage.deaths)):
        return False
    up_ns = max((each for each in boots if each < since_ns), default=0)
    alive = bool(up_ns) and not any(up_ns <= each < since_ns for each in stage.deaths)
    return alive and stage.venue.exchange.linked(since_ns, until_ns)


def _could_be_changed(seen: Evidence, client_id: str, since_ns: int, until_ns: int) -> bool:
    """Whether an order could be modified all the time, and no answer to a change was lost."""
    if any(fault.kind in CHANGES for fault in seen.stage.venue.faults.happened):
        return False
    if any(cancel.client_id == client_id for _, cancel in seen.cancels):
        return False
    modes = seen.of(ModeEntered)
    if any(since_ns <= row.at_ns <= until_ns for row, _ in modes):
        return False
    entered = [event.mode for row, event in modes if row.at_ns < since_ns]
    steps = [(row.at_ns, step.now) for row, step in seen.moved.get(client_id, ())]
    before = [state for at_ns, state in steps if at_ns < since_ns]
    moved = any(since_ns <= at_ns < until_ns for at_ns, _ in steps)
    return entered[-1:] == [Mode.TRADING] and before[-1:] == ["WORKING"] and not moved
