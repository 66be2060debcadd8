"""Every pair of the order table, reached and provoked by messages only; what the table says is what the book shows."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.message import Message, Refused
from model.decisions import Mode, ModeChanged
from model.execution import DayOver, ProvenAbsent, SeenAtVenue
from model.order_events import OrderMoved
from model.orders import (
    CancelOrder,
    CancelRejected,
    Filled,
    Intent,
    ModifyRejected,
    OrderAcked,
    OrderCancelled,
    OrderExpired,
    OrderModified,
    OrderRejected,
    OrderSent,
    OrderSpec,
    OrderType,
    SubmitOrder,
    TimeInForce,
    VenueDown,
)
from model.units import px, qty
from state.order_law import TABLE, OrderEvent, OrderState
from tests.orders.kit import T0, Bench, fill, intent, place

E, S = OrderEvent, OrderState


def order_in(state: OrderState) -> tuple[Bench, Intent]:
    """A bench with one order of ten that was brought to `state` the ordinary way, with nothing filled unless FILLED."""
    bench, one = Bench(), intent(limit="100")
    way: dict[OrderState, list[Message]] = {
        S.DURABLE: [],
        S.SENT: [OrderSent(one.id, T0)],
        S.WORKING: [OrderAcked(one.id, "v1", T0)],
        S.UNKNOWN: [VenueDown("x", "gone", T0)],
        S.FILLED: [OrderAcked(one.id, "v1", T0), fill(one, "10", exec_id="first")],
        S.CANCELLED: [OrderAcked(one.id, "v1", T0), OrderCancelled(one.id, 0, "asked", T0)],
        S.REJECTED: [OrderRejected(one.id, "NO", "no", T0)],
        S.EXPIRED: [OrderAcked(one.id, "v1", T0), OrderExpired(one.id, 0, T0)],
        S.LOST: [VenueDown("x", "gone", T0), ProvenAbsent(one.id, "snap", T0)],
    }
    bench.say(place(one))
    for message in way[state]:
        bench.say(message)
    assert bench.state(one) == state
    return bench, one


def seen(state: str) -> Callable[[Intent], Message]:
    return lambda one: SeenAtVenue(one.id, state, "v1", 0, "snap", T0)


def planned(one: Intent) -> OrderSpec:
    return OrderSpec(
        client_id=one.id, instrument=one.instrument, side=one.side, quantity=one.quantity, type=OrderType.LIMIT,
        tif=TimeInForce.DAY, limit=one.limit,
    )  # fmt: skip


PROVOKE: dict[OrderEvent, Callable[[Intent], Message]] = {
    E.HANDED_TO_WIRE: lambda one: OrderSent(one.id, T0),
    E.ACKED: lambda one: OrderAcked(one.id, "v1", T0),
    E.PARTIALLY_FILLED: lambda one: fill(one, "4", exec_id="x"),
    E.FILLED: lambda one: fill(one, "10", exec_id="x"),
    E.CANCEL_CONFIRMED: lambda one: OrderCancelled(one.id, 0, "by us", T0),
    E.REJECTED: lambda one: OrderRejected(one.id, "MARGIN", "no", T0),
    E.DUPLICATE_ID: lambda one: OrderRejected(one.id, "DUPLICATE_ID", "seen", T0),
    E.EXPIRED: lambda one: OrderExpired(one.id, 0, T0),
    E.DISCONNECTED: lambda one: VenueDown("x", "gone", T0),
    E.NOT_SENT: lambda one: Refused("venue", SubmitOrder(planned(one))),
    E.SEEN_OPEN: seen("WORKING"),
    E.SEEN_FILLED: seen("FILLED"),
    E.SEEN_CANCELLED: seen("CANCELLED"),
    E.SEEN_REJECTED: seen("REJECTED"),
    E.SEEN_EXPIRED: seen("EXPIRED"),
    E.PROVEN_ABSENT: lambda one: ProvenAbsent(one.id, "snap", T0),
    E.NO_LONGER_SHOWN: lambda one: DayOver(one.id, False, "snap", T0),
    E.DAY_OVER: lambda one: DayOver(one.id, True, "snap", T0),
    E.MODIFY_CONFIRMED: lambda one: OrderModified(one.id, "c1", px("101"), T0),
    E.MODIFY_REJECTED: lambda one: ModifyRejected(one.id, "c1", "NO", "no", T0),
    E.CANCEL_REJECTED: lambda one: CancelRejected(one.id, "NO", "no", T0),
    E.CANCEL_SENT: lambda one: CancelOrder(one.id, "by us"),
}
REACHED = [state for state in OrderState if state is not S.PLANNED]


def law(state: OrderState, event: OrderEvent) -> OrderState:
    """The table's answer, with the two events that depend on what is filled already."""
    if event in (E.PARTIALLY_FILLED, E.FILLED) and state in (S.FILLED, S.CANCELLED, S.REJECTED, S.EXPIRED):
        event = E.LATE_FILL
    return TABLE[state, event].state


@pytest.mark.parametrize("event", PROVOKE, ids=str)
@pytest.mark.parametrize("state", REACHED, ids=str)
def test_an_order_goes_where_the_table_says(state: OrderState, event: OrderEvent) -> None:
    bench, one = order_in(state)
    before = len(bench.rows(OrderMoved))
    bench.say(PROVOKE[event](one))
    steps = [row for row in bench.rows(OrderMoved)[before:] if row.client_id == one.id]
    wanted = law(state, event)
    if wanted is state:
        assert steps == []
        assert bench.state(one) == state
    else:
        assert (steps[0].was, steps[0].now, steps[0].event) == (state, wanted, event)


@pytest.mark.parametrize("state", REACHED, ids=str)
def test_a_fill_counts_in_every_state(state: OrderState) -> None:
    bench, one = order_in(state)
    bench.say(fill(one, "4", exec_id="late"))
    assert [row.fill.exec_id for row in bench.rows(Filled)][-1] == "late"
    assert [each.fill.exec_id for each in bench.tells("portfolio", Filled)][-1] == "late"


@pytest.mark.parametrize("state", REACHED, ids=str)
def test_a_restart_leaves_only_ended_and_lost_orders_certain(state: OrderState) -> None:
    bench, one = order_in(state)
    again = Bench(rows=bench.journal())
    assert again.state(one) == TABLE[state, E.RESTARTED].state or state is S.LOST
    assert again.submits(one) == (1 if state is S.LOST else 0)


@pytest.mark.parametrize("state", REACHED, ids=str)
def test_an_overdue_acknowledgement_makes_only_sent_orders_unknown(state: OrderState) -> None:
    bench, one = order_in(state)
    bench.wait(31)
    assert bench.state(one) == TABLE[state, E.ACK_OVERDUE].state


@pytest.mark.parametrize("state", REACHED, ids=str)
def test_the_snapshot_brings_every_state_back(state: OrderState) -> None:
    bench, one = order_in(state)
    kept = bench.actor.snapshot()
    again = Bench(kept=kept)
    assert again.state(one) == TABLE[state, E.RESTARTED].state or state is S.LOST


@pytest.mark.parametrize("state", REACHED, ids=str)
def test_halting_asks_to_cancel_what_may_still_fill(state: OrderState) -> None:
    bench, _ = order_in(state)
    bench.say(ModeChanged(Mode.HALTED, "test"))
    cancels = [each for each in bench.told if type(getattr(each, "message", None)).__name__ == "CancelAtVenue"]
    # an order whose fate is unknown because the link is down is cancelled when the link is back
    assert len(cancels) == (1 if state in (S.DURABLE, S.SENT, S.WORKING) else 0)


def test_an_order_never_filled_more_than_once_by_one_execution() -> None:
    bench, one = order_in(S.WORKING)
    bench.say(fill(one, "4", exec_id="same"))
    bench.say(fill(one, "4", exec_id="same"))
    assert bench.last(one).filled == qty("4")
    assert len(bench.rows(Filled)) == 1
