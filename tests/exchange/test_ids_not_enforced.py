"""A venue that does not look at ids: what arrives twice under one is two orders, and everything shows them as two."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from model.orders import Fill, ModifyOrder, OrderAcked, TimeInForce
from model.units import px, qty
from simulation.exchange import (
    Exchange,
    Fault,
    FaultPlan,
    Harm,
    MemoryRecord,
    SqliteRecord,
    VenueRecord,
    VenueRules,
    digest,
)
from tests.exchange.kit import at, bar, buy, close_of, venue

LOOSE = VenueRules(ids_enforced=False, unknown_size_fills=True)
GTC = TimeInForce.GTC


def twice(exchange: Exchange) -> list[OrderAcked]:
    """The same order, sent twice."""
    for hour in (10, 11):
        exchange.submit(buy("a", "CSPX", "10", limit="90", tif=GTC), at(1, hour))
    return [fact for fact in exchange.take(at(1, 11)) if isinstance(fact, OrderAcked)]


def test_an_order_that_arrives_twice_is_two_orders() -> None:
    exchange = venue(rules=LOOSE)
    first, second = twice(exchange)
    assert first.client_id == second.client_id == "a"
    assert first.venue_id != second.venue_id
    snapshot = exchange.snapshot("s", 0)
    assert not snapshot.ids_enforced
    assert [(order.client_id, order.venue_id) for order in snapshot.orders] == [
        ("a", first.venue_id), ("a", second.venue_id),
    ]  # fmt: skip
    assert exchange.duplicates == 1


def test_both_fill_each_by_executions_of_its_own() -> None:
    exchange = venue(rules=LOOSE)
    twice(exchange)
    exchange.on_bar(bar("CSPX", 1, ["91", "91", "88", "89"]))
    fills = [fact for fact in exchange.take(close_of(1)) if isinstance(fact, Fill)]
    assert [(fill.client_id, fill.quantity) for fill in fills] == [("a", qty(10))] * 2
    assert len({fill.exec_id for fill in fills}) == len({fill.venue_id for fill in fills}) == 2
    assert exchange.account.markets["CSPX"].quantity == qty(20)


def test_the_second_order_is_corrected_as_itself() -> None:
    exchange = venue(rules=LOOSE)
    twice(exchange)
    exchange.on_bar(bar("CSPX", 1, ["91", "91", "88", "89"]))
    *_, second = (fact for fact in exchange.take(close_of(1)) if isinstance(fact, Fill))
    exchange.back_office.correct(second.exec_id, 0, 0)
    filled = Counter({order.venue_id: order.filled for order in exchange.desk.orders.values()})
    assert filled[second.venue_id] == 0
    assert filled.total() == qty(10)


def test_words_about_the_id_are_about_the_first_order() -> None:
    exchange = venue(rules=LOOSE)
    first, second = twice(exchange)
    exchange.modify(ModifyOrder("a", "c1", px("89")), at(1, 12))
    assert {order.venue_id: order.limit for order in exchange.snapshot("s", 0).orders} == {
        first.venue_id: px("89"), second.venue_id: px("90"),
    }  # fmt: skip
    exchange.cancel("a", at(1, 13))
    assert [order.venue_id for order in exchange.snapshot("s", 0).orders] == [second.venue_id]


def test_each_lapses_at_its_own_time() -> None:
    exchange = venue(rules=LOOSE)
    for hour in (12, 13):
        exchange.submit(buy("a", "CSPX", limit="90", tif=TimeInForce.GTD, expires_ns=at(1, hour)), at(1, 10))
    exchange.take(at(1, 12))
    assert len(exchange.snapshot("s", 0).orders) == 1
    exchange.take(at(1, 13))
    assert exchange.snapshot("s", 0).orders == ()


def test_a_request_that_the_wire_doubles_makes_two_orders_of_one_sending() -> None:
    plan = FaultPlan(Fault("SubmitOrder", 1, Harm.DUPLICATE))
    exchange = venue(rules=LOOSE, faults=plan)
    exchange.submit(buy("a", "CSPX", limit="90"), at(1, 10))
    exchange.take(at(1, 10))
    assert len(exchange.snapshot("s", 0).orders) == 2


@pytest.mark.parametrize("kept_in", ["memory", "sqlite"])
def test_a_venue_that_was_killed_between_the_two_ends_like_one_that_was_not(kept_in: str, tmp_path: Path) -> None:
    def new(name: str) -> VenueRecord:
        return MemoryRecord() if kept_in == "memory" else SqliteRecord(tmp_path / name)

    def live(record: VenueRecord, *, killed: bool) -> str:
        exchange = venue(record=record, rules=LOOSE)
        for deed in range(5):
            if deed < 2:
                exchange.submit(buy("a", "CSPX", limit="90", tif=GTC), at(1, 10 + deed))
            elif deed == 2:
                exchange.cancel("a", at(1, 12))
            elif deed == 3:
                exchange.submit(buy("a", "CSPX", limit="90", tif=GTC), at(1, 13))
            else:
                exchange.on_bar(bar("CSPX", 1, ["91", "91", "88", "89"]))
            exchange.take(close_of(1) if deed == 4 else at(1, 10 + deed))
            if killed:
                exchange = venue(record=record, rules=LOOSE)
        assert len(exchange.snapshot("s", 0).closed) == 3
        return digest(record)

    assert live(new("killed"), killed=True) == live(new("whole"), killed=False)
