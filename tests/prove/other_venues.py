"""Plays at venues of other kinds, without ids or where orders end without us, and what could be wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from model.execution import Alarm, DeclareAbsent, ReleaseInstrument
from model.leases import CancelAfter
from model.orders import ModifyOrder, SubmitOrder, TimeInForce
from model.units import QTY_SCALE
from simulation.exchange import VenueRules
from simulation.stage import Stage, World
from tests.prove.forging import forge, sent, strike
from tests.prove.plays import SECOND, calm

MS = 10**6
WITHOUT_IDS = VenueRules(latency_ns=2 * MS, margin=False, ids_enforced=False)
WITH_A_TIMER = VenueRules(latency_ns=2 * MS, margin=False, cancel_timer=True)
PLAIN = VenueRules(latency_ns=2 * MS, margin=False)
TIMER_S, GOOD_FOR_S = 20.0, 90.0
LEASED = World(execution={"lease": {"timer_s": TIMER_S, "good_for_s": GOOD_FOR_S}})


# -- without ids


def unshown() -> Stage:
    """The wire loses an order, and nothing will ever prove it."""
    stage = Stage(seed=7, rules=WITHOUT_IDS)
    stage.want("ALPHA", 100)
    stage.venue.drop_next_order()
    stage.decide()
    stage.run("3m")
    return calm(stage)


def came_after_all() -> Stage:
    """The wire holds an order back for so long that a person was asked about it."""
    stage = Stage(seed=7, rules=WITHOUT_IDS)
    stage.want("ALPHA", 100)
    stage.venue.delay_next("SubmitOrder", 90 * SECOND)
    stage.decide()
    stage.run("5m")
    return calm(stage)


def doubted_through_a_crash() -> Stage:
    """With an order in doubt the engine dies, and comes up where nothing is traded before a person has looked."""
    stage = unshown()
    stage.crash()
    return calm(stage)


def answered() -> Stage:
    """A person has asked the venue, answers for the order, and releases its contract."""
    stage = unshown()
    (order,) = stage.orders
    stage.tell("orders", DeclareAbsent(order.spec.client_id, "the venue never had it", "author"))
    stage.run("1s")
    stage.tell("system", ReleaseInstrument("ALPHA", "answered for", "author"))
    return calm(stage)


def answered_wrongly() -> Stage:
    """The order was only late: it arrives while nobody hears the venue, and shows itself in a comparison."""
    stage = Stage(seed=7, rules=WITHOUT_IDS)
    stage.tape.size = QTY_SCALE
    stage.want("ALPHA", 100)
    stage.venue.delay_next("SubmitOrder", 200 * SECOND)
    stage.decide()
    stage.run("3m")
    (order,) = stage.orders
    stage.tell("orders", DeclareAbsent(order.spec.client_id, "the venue never had it", "author"))
    stage.run("30s")
    stage.venue.drop_next("OrderAcked")
    for _ in range(10):
        stage.venue.drop_next("Fill")
    stage.run("80s")
    return stage


# -- where orders end without us


def resting(rules: VenueRules, restart_after_ns: int = 5 * SECOND) -> Stage:
    """An order that is filled by one unit each minute."""
    stage = Stage(seed=7, rules=rules, world=LEASED, restart_after_ns=restart_after_ns)
    stage.tape.size = QTY_SCALE
    stage.want("ALPHA", 100)
    stage.decide()
    stage.run("3m")
    return stage


def timed() -> Stage:
    """An order works under a timer that is renewed until it is filled or its time is over."""
    return calm(calm(resting(WITH_A_TIMER)))


def timer_ran_out_over_the_dead() -> Stage:
    stage = resting(WITH_A_TIMER, restart_after_ns=100 * SECOND)
    stage.crash()
    return calm(stage)


def timer_ran_out_over_the_frozen() -> Stage:
    stage = resting(WITH_A_TIMER)
    stage.freeze("90s")
    return calm(stage)


def timer_ran_out_behind_a_cut_link() -> Stage:
    stage = resting(WITH_A_TIMER)
    stage.venue.disconnect()
    stage.run("90s")
    stage.venue.reconnect()
    return calm(stage)


def dated() -> Stage:
    """An order is good for ninety seconds at a time, until its time is over."""
    return calm(calm(resting(PLAIN)))


def good_till_time_ran_out() -> Stage:
    stage = resting(PLAIN, restart_after_ns=200 * SECOND)
    stage.crash()
    return calm(stage)


OTHER_WITNESSES: Mapping[Callable[[], Stage], str] = {
    unshown: "person asked about an order in doubt; never proven absent at a venue without ids",
    came_after_all: "order in doubt came after all",
    doubted_through_a_crash: "an order in doubt outlived its engine; trading waited for an order in doubt",
    answered: "a person answered for an order in doubt",
    timed: "cancel timer set; cancel timer renewed",
    timer_ran_out_over_the_dead: "cancel timer ran out with orders open; lease ran out while the engine was dead",
    timer_ran_out_over_the_frozen: "lease ran out while the process stood still",
    timer_ran_out_behind_a_cut_link: "renewal met a dead link; lease ran out behind a cut link",
    dated: "good-till time renewed",
    good_till_time_ran_out: "good-till time ran out",
}


# -- what could be wrong


def nobody_was_asked(stage: Stage) -> None:
    places = [place for place, row in enumerate(stage.rows) if isinstance(row.event, Alarm)]
    strike(stage, next(place for place in places if stage.rows[place].event.code == "BREAK_ORDER_IN_DOUBT"))  # type: ignore[attr-defined]


def sent_again_without_ids(stage: Stage) -> None:
    stage.wire.append(stage.wire[sent(stage)]._replace(durable_seq=len(stage.rows)))


def left_without_a_timer(stage: Stage) -> None:
    stage.wire[:] = [each for each in stage.wire if not isinstance(each.message, CancelAfter)]


def renewed_no_more(stage: Stage) -> None:
    first = stage.wire[sent(stage, CancelAfter)]
    left_without_a_timer(stage)
    stage.wire.insert(sent(stage), first)


def renewed_too_late(stage: Stage) -> None:
    """The timer went off over an order that the engine had ended otherwise: as if it had not renewed it."""
    order = next(iter(stage.venue.exchange.desk.orders.values()))
    stage.venue.exchange.door.lapses.append(order.closed_ns)


def left_for_the_day(stage: Stage) -> None:
    place = sent(stage)
    order = replace(stage.wire[place].message.order, tif=TimeInForce.DAY, expires_ns=0)  # type: ignore[attr-defined]
    stage.wire[place] = stage.wire[place]._replace(message=SubmitOrder(order))
    forge(stage, next(p for p, row in enumerate(stage.rows) if hasattr(row.event, "spec")), spec=order)


def left_for_good(stage: Stage) -> None:
    place = sent(stage)
    order = replace(stage.wire[place].message.order, tif=TimeInForce.GTC, expires_ns=0)  # type: ignore[attr-defined]
    stage.wire[place] = stage.wire[place]._replace(message=SubmitOrder(order))
    forge(stage, next(p for p, row in enumerate(stage.rows) if hasattr(row.event, "spec")), spec=order)


def changed_for_good(stage: Stage) -> None:
    place = sent(stage, ModifyOrder)
    change = replace(stage.wire[place].message, expires_ns=1 << 62)
    stage.wire[place] = stage.wire[place]._replace(message=change)


LEASE = "orders end without us"
VENUE_DEFECTS: tuple[tuple[str, Callable[[], Stage], Callable[[Stage], None]], ...] = (
    ("doubts asked", unshown, nobody_was_asked),
    ("one order per intent", unshown, sent_again_without_ids),
    (LEASE, timed, left_without_a_timer),
    (LEASE, timed, renewed_no_more),
    (LEASE, timed, renewed_too_late),
    (LEASE, dated, left_for_the_day),
    (LEASE, dated, left_for_good),
    (LEASE, timed, left_for_good),
    (LEASE, dated, changed_for_good),
)
