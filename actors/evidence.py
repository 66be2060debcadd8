"""What a venue's snapshot proves about orders. Pure: evidence in, evidence out, nothing invented."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from model.execution import (
    AdoptOrder,
    Break,
    DayOver,
    KnownOrder,
    OrdersKnown,
    ProvenAbsent,
    SeenAtVenue,
    Severity,
)
from model.orders import ORDER_PREFIX, OpenOrder, VenueSnapshot
from model.units import Px
from state.order_law import OrderState

UNKNOWN_ORDER, IN_DOUBT = "UNKNOWN_ORDER", "ORDER_IN_DOUBT"
UNKNOWN, WORKING, LOST = OrderState.UNKNOWN, OrderState.WORKING, OrderState.LOST
Evidence = SeenAtVenue | ProvenAbsent | DayOver | AdoptOrder


class Findings(msgspec.Struct, frozen=True, gc=False):
    """Evidence to hand to the order manager, what stays unexplained, and orders that are not ours.

    provable_ns: from when on a snapshot proves something about every order that this one could not; 0 for none.
    doubts: contracts with an order of which this venue can never prove that it is absent, and what to say of it.
    unshown: orders that are not shown and of which nothing is proved.  over: orders whose day is over and which are not
    open any more, as far as this snapshot says; what they filled is for the positions to say.
    """

    evidence: tuple[Evidence, ...]
    breaks: tuple[Break, ...]
    compared: tuple[str, ...]
    skipped: tuple[str, ...]
    foreign: int
    provable_ns: int = 0
    doubts: tuple[tuple[str, str], ...] = ()
    unshown: tuple[KnownOrder, ...] = ()
    over: tuple[KnownOrder, ...] = ()


def ours(snapshot: VenueSnapshot) -> tuple[str, ...]:
    """Open orders at the venue with our prefix."""
    return tuple(order.client_id for order in snapshot.orders if order.client_id.startswith(ORDER_PREFIX))


def examine(snapshot: VenueSnapshot, known: OrdersKnown, settle_ns: int) -> Findings:
    """Compare a complete snapshot with the open orders of the book.

    Absence proves something only where the venue enforces ids, and the snapshot covers the first sending and
    `settle_ns` after the last. An order that is not shown by then at a venue without ids, or that left before what the
    venue still tells, is in doubt until the venue shows it: no later look will tell. One that the venue acknowledged in
    the days of which it does not tell, and that ended with them, is `over`. One planned after the snapshot was taken is
    left out.
    """
    at_venue = {order.client_id: order for order in snapshot.orders}
    closed = {order.client_id: order for order in snapshot.closed}
    evidence: list[Evidence] = []
    compared: list[str] = []
    skipped: list[str] = []
    unshown, over = list[KnownOrder](), list[KnownOrder]()
    for order in known.open:
        seen = at_venue.get(order.client_id)
        ended = closed.get(order.client_id)
        compared.append(order.client_id)
        if seen is not None:
            evidence += _open(snapshot, order, seen, settle_ns)
        elif ended is not None:
            evidence.append(_seen(snapshot, order, ended.state, ended.venue_id, ended.filled))
        elif order.state == LOST:
            continue
        elif proves_absence(snapshot, order, settle_ns):
            evidence.append(ProvenAbsent(order.client_id, snapshot.id, snapshot.at_ns))
        elif day_is_over(snapshot, order, settle_ns):
            over.append(order)
            if order.state == WORKING:
                evidence.append(DayOver(order.client_id, False, snapshot.id, snapshot.at_ns))
        elif order.state == UNKNOWN:
            unshown.append(order)
        else:
            compared.pop()
            skipped.append(order.client_id)
            if order.state == WORKING and order.planned_ns < snapshot.since_ns:
                unshown.append(order)
    missing = set(known.unknown)
    evidence += [
        AdoptOrder(order, snapshot.id, snapshot.at_ns) for order in snapshot.orders if order.client_id in missing
    ]
    foreign = sum(not order.client_id.startswith(ORDER_PREFIX) for order in snapshot.orders)
    breaks, doubts, provable_ns = _left_open(snapshot, unshown, settle_ns)
    return Findings(
        tuple(evidence), breaks, tuple(compared), tuple(skipped), foreign, provable_ns, doubts, tuple(unshown),
        tuple(over),
    )  # fmt: skip


def _left_open(
    snapshot: VenueSnapshot, unshown: Iterable[KnownOrder], settle_ns: int
) -> tuple[tuple[Break, ...], tuple[tuple[str, str], ...], int]:
    """What is said of UNKNOWN orders that stay so, which of them are in doubt, and when a look may prove the others."""
    said = [(order, _unshown(snapshot, order, settle_ns)) for order in unshown if order.state == UNKNOWN]
    doubts = tuple((order.instrument, each.text) for order, each in said if each.kind == IN_DOUBT)
    left = (max(order.planned_ns, order.resent_ns) for order, each in said if each.kind != IN_DOUBT)
    return tuple(each for _, each in said), doubts, max((each + settle_ns for each in left), default=0)


def _open(snapshot: VenueSnapshot, order: KnownOrder, seen: OpenOrder, settle_ns: int) -> list[Evidence]:
    """What is news of an order that is open there."""
    limit = _limit(snapshot, order, seen, settle_ns)
    if order.state == WORKING and seen.filled <= order.filled and not limit:
        return []
    shown = _seen(snapshot, order, WORKING, seen.venue_id, seen.filled)
    return [msgspec.structs.replace(shown, limit=limit, change_id=order.change_id if limit else "")]


def _limit(snapshot: VenueSnapshot, order: KnownOrder, seen: OpenOrder, settle_ns: int) -> Px:
    """What works by this snapshot, where that is news or settles a change; 0 otherwise.

    What the snapshot shows of a change on its way proves nothing, unless it is what was asked for.
    """
    if not (order.limit and seen.limit):
        return 0
    if not order.change_id:
        return seen.limit if seen.limit != order.limit and order.limit_ns < snapshot.at_ns else 0
    taken = seen.limit == order.asked != order.limit
    return seen.limit if taken or order.limit_ns + settle_ns <= snapshot.at_ns else 0


def proves_absence(snapshot: VenueSnapshot, order: KnownOrder, settle_ns: int) -> bool:
    """Whether an order that the snapshot does not show can never have reached the venue, or has left it."""
    covered = snapshot.complete and snapshot.since_ns <= order.planned_ns
    return covered and snapshot.ids_enforced and _settled(snapshot, order, settle_ns)


def day_is_over(snapshot: VenueSnapshot, order: KnownOrder, settle_ns: int) -> bool:
    """Whether an order that the snapshot does not show was acknowledged, and ended in the time it tells nothing of."""
    before = max(order.planned_ns, order.resent_ns) < snapshot.since_ns
    at_venue = order.lapses and order.state in (WORKING, UNKNOWN)
    return at_venue and snapshot.complete and before and _settled(snapshot, order, settle_ns)


def _settled(snapshot: VenueSnapshot, order: KnownOrder, settle_ns: int) -> bool:
    return max(order.planned_ns, order.resent_ns) + settle_ns <= snapshot.at_ns


def _unshown(snapshot: VenueSnapshot, order: KnownOrder, settle_ns: int) -> Break:
    """An order that is not there and not proven absent: a later look will tell, or nothing ever will."""
    kind, text = UNKNOWN_ORDER, "is not shown, and that proves nothing yet"
    if snapshot.complete and _settled(snapshot, order, settle_ns):
        here = "from before what it tells" if snapshot.ids_enforced else "here"
        kind, text = IN_DOUBT, f"is not shown, and {here} that proves nothing: ask the venue what became of it"
    return Break(
        kind, order.client_id, order.filled, 0, Severity.LOCK, f"{order.client_id} in {order.instrument} {text}"
    )


def _seen(snapshot: VenueSnapshot, order: KnownOrder, state: str, venue_id: str, filled: int) -> SeenAtVenue:
    return SeenAtVenue(order.client_id, state, venue_id, filled, snapshot.id, snapshot.at_ns)
