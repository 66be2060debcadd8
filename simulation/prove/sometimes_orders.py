"""States of orders, of the wire and of the venue: answers out of order, in doubt, proven, changed, raced."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from model.combos import contracts_of
from model.order_events import OrderRepriced
from model.orders import Fill, SubmitOrder
from model.units import NS_PER_SECOND
from simulation.prove.story import ENDED, Story

FOUND_ENDED = ("SEEN_CANCELLED", "SEEN_REJECTED", "SEEN_EXPIRED")
EARLY = ("DURABLE", "SENT")


def _fill_before_ack(story: Story) -> int:
    return sum(taken.state in EARLY for taken in story.taken)


def _in_parts(story: Story) -> int:
    plans = story.planned
    return sum(
        taken.fill.client_id in plans and 0 < taken.filled < plans[taken.fill.client_id][1].spec.quantity
        for taken in story.taken
    )


def _part_then_end(story: Story) -> int:
    """Ended by something else than its last fill, with a part filled."""
    filled = {taken.fill.client_id for taken in story.taken}
    return sum(state in ENDED and state != "FILLED" and name in filled for name, state in story.states.items())


def _late(story: Story) -> int:
    return sum(taken.state in ENDED and not taken.fill.corrects for taken in story.taken)


def _late_after_cancel(story: Story) -> int:
    return sum(taken.state == "CANCELLED" and not taken.fill.corrects for taken in story.taken)


def _learned(story: Story) -> int:
    """Executions that reached the journal more than a second after they happened."""
    return sum(taken.row.at_ns - taken.fill.at_ns > NS_PER_SECOND for taken in story.taken)


def _given_up(story: Story) -> int:
    return sum(state == "LOST" for state in story.states.values())


def _resent_in_another_life(story: Story) -> int:
    boots = [row.seq for row in story.boots]
    return sum(
        any(story.planned[name][0].seq < boot < row.seq for boot in boots)
        for name, steps in story.moved.items()
        for row, step in steps
        if step.event == "RESENT" and name in story.planned
    )


def _named_again(story: Story) -> int:
    """Orders that the venue gave the name of an earlier one."""
    named = [order.venue_id for order in story.venue_orders.values() if order.venue_id]
    return len(named) - len(set(named))


def _cancel_lost_the_race(story: Story) -> int:
    """It was on its way, and the order filled to the end."""
    asked = {cancel.client_id for _, cancel in story.cancels}
    return sum(story.states.get(name) == "FILLED" for name in asked)


def _cancel_won(story: Story) -> int:
    return sum(
        any(True for _ in story.cancelled_at(name)) for name, state in story.states.items() if state == "CANCELLED"
    )


def _modified_twice(story: Story) -> int:
    changed = [change.client_id for _, change in story.modifies]
    return sum(changed.count(name) > 1 for name in set(changed))


def _filled_after_change(story: Story) -> int:
    changed: dict[str, int] = {}
    for row, event in story.of(OrderRepriced):
        changed.setdefault(event.client_id, row.at_ns)
    return sum(taken.fill.at_ns > changed.get(taken.fill.client_id, taken.fill.at_ns) for taken in story.taken)


def _changed_in_part(story: Story) -> int:
    """A change of an order of which a part had filled at the venue."""
    return sum(
        any(fill.client_id == change.client_id and fill.at_ns < request.at_ns for fill in story.fills)
        for request, change in story.modifies
    )


def _refused_submits(story: Story) -> int:
    return sum(type(request.message) is SubmitOrder for request in story.refused)


def _disconnected(story: Story) -> list[Fill]:
    """What filled while the engine knew the link to be down."""
    outages = story.outages
    return [fill for fill in story.fills if any(down <= fill.at_ns < up for down, up in outages)] if outages else []


def _part_without_link(story: Story) -> int:
    return sum(fill.quantity < story.venue_orders[fill.client_id].quantity for fill in _disconnected(story))


def _spreads(story: Story) -> int:
    return sum(len(contracts_of(plan.spec.instrument)) > 1 for _, plan in story.planned.values())


ORDERS: Mapping[str, Callable[[Story], int]] = {
    "fill before ack": _fill_before_ack,
    "filled in parts": _in_parts,
    "part filled, and the rest ended": _part_then_end,
    "late fill after an end": _late,
    "late fill after a cancel": _late_after_cancel,
    "execution corrected": lambda story: sum(bool(taken.fill.corrects) for taken in story.taken),
    "execution taken twice by the wire": lambda story: story.wire_did["duplicate Fill"],
    "execution lost by the wire": lambda story: story.wire_did["drop Fill"],
    "execution learned late": _learned,
    "ack overdue": lambda story: story.steps["ACK_OVERDUE"],
    "ack lost by the wire": lambda story: story.wire_did["drop OrderAcked"],
    "order lost by the wire": lambda story: story.wire_did["drop SubmitOrder"],
    "order doubled at the venue": lambda story: story.duplicates.total(),
    "order held back by the wire": lambda story: story.wire_did["delay SubmitOrder"],
    "order in doubt when the link fell": lambda story: story.steps["DISCONNECTED"],
    "order met a dead link": _refused_submits,
    "found open by a comparison": lambda story: story.steps["SEEN_OPEN"],
    "found filled by a comparison": lambda story: story.steps["FILLED in UNKNOWN"] + story.steps["SEEN_FILLED"],
    "found ended by a comparison": lambda story: sum(story.steps[event] for event in FOUND_ENDED),
    "absence not yet provable": lambda story: story.breaks["UNKNOWN_ORDER"],
    "proven absent": lambda story: story.steps["PROVEN_ABSENT in UNKNOWN"],
    "proven absent and given up": _given_up,
    "resent after proof of absence": lambda story: story.steps["RESENT"],
    "resent in another life": _resent_in_another_life,
    "venue name used again": _named_again,
    "refused by the venue": lambda story: story.steps["REJECTED"],
    "refused after its ack": lambda story: story.steps["REJECTED in WORKING"],
    "expired": lambda story: story.steps["EXPIRED"] + story.steps["SEEN_EXPIRED"],
    "cancel won": _cancel_won,
    "cancel lost the race": _cancel_lost_the_race,
    "modified": lambda story: len(story.modifies),
    "modified twice": _modified_twice,
    "modified with a part filled": _changed_in_part,
    "filled after a change": _filled_after_change,
    "rolled by a spread": _spreads,
    "fill while disconnected": lambda story: len(_disconnected(story)),
    "partial fill while disconnected": _part_without_link,
}
