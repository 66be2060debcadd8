"""States that belong to one kind of venue: without ids, with a cancel timer, or where orders are good for a while."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from model.decisions import Mode
from model.execution import Alarm, Reconciled
from model.leases import CancelAfter
from model.order_events import OrderRenewed
from model.orders import TimeInForce
from simulation.exchange.book import WorkingOrder
from simulation.prove.doubt_oracles import IN_DOUBT
from simulation.prove.lease_oracles import Lease, ended_by_its_lease
from simulation.prove.story import Story

GTD = TimeInForce.GTD


def _asked(story: Story) -> dict[str, int]:
    """Orders that a person was asked about, and the row that did."""
    found: dict[str, int] = {}
    for row, alarm in story.of(Alarm):
        if alarm.code == f"BREAK_{IN_DOUBT}":
            found.setdefault(alarm.subject, row.seq)
    return found


def _came_after_all(story: Story) -> int:
    return sum(story.states.get(name) not in ("UNKNOWN", "LOST") for name in _asked(story))


def _through_a_crash(story: Story) -> int:
    """Lives that ended with an order in doubt that a person had been asked about."""
    asked = _asked(story)
    return sum(
        left.states.get(name) == "UNKNOWN" and seq < left.next.seq
        for left in story.lives
        for name, seq in asked.items()
    )


def _trading_waits(story: Story) -> int:
    """Comparisons after a start that left the mode where it was because of an order in doubt."""
    return sum(
        any(each.kind == IN_DOUBT for each in comparison.breaks) and story.mode_at(row.seq) is Mode.RECONCILING
        for row, comparison in story.of(Reconciled)
    )


def _lapsed(story: Story) -> list[WorkingOrder]:
    """Orders that ended of their lease."""
    if not Lease.of(story).term_ns:
        return []
    mine = (order for name, order in story.venue_orders.items() if name in story.planned)
    return [order for order in mine if ended_by_its_lease(story, order)]


def _by(*, dated: bool) -> Callable[[Story], int]:
    return lambda story: sum((order.spec.tif is GTD) is dated for order in _lapsed(story))


def _while_dead(story: Story) -> int:
    return sum(left.last_ns < order.closed_ns < left.next.at_ns for order in _lapsed(story) for left in story.lives)


def _while_standing_still(story: Story) -> int:
    stalls = story.stage.stalls
    return sum(any(began < order.closed_ns < over for began, over in stalls) for order in _lapsed(story))


def _behind_a_cut_link(story: Story) -> int:
    exchange = story.stage.venue.exchange
    return sum(not exchange.linked(order.closed_ns, order.closed_ns) for order in _lapsed(story)) - _while_dead(story)


def _renewals(story: Story) -> int:
    return sum(type(word.message) is CancelAfter for word in story.words)


def _refused(story: Story) -> int:
    return sum(type(request.message) is CancelAfter for request in story.refused)


VENUES: Mapping[str, Callable[[Story], int]] = {
    "person asked about an order in doubt": lambda story: len(_asked(story)),
    "never proven absent at a venue without ids": lambda story: len(story.doubted),
    "order in doubt came after all": _came_after_all,
    "an order in doubt outlived its engine": _through_a_crash,
    "trading waited for an order in doubt": _trading_waits,
    "a person answered for an order in doubt": lambda story: story.steps["DECLARED_ABSENT in UNKNOWN"],
    "cancel timer set": lambda story: int(_renewals(story) > 0),
    "cancel timer renewed": lambda story: max(0, _renewals(story) - 1),
    "renewal met a dead link": _refused,
    "cancel timer ran out with orders open": _by(dated=False),
    "good-till time renewed": lambda story: len(story.of(OrderRenewed)),
    "good-till time ran out": _by(dated=True),
    "lease ran out while the engine was dead": _while_dead,
    "lease ran out while the process stood still": _while_standing_still,
    "lease ran out behind a cut link": _behind_a_cut_link,
}
