"""Latency, planned faults and a broken link: what the client hears is not always what happened."""

from __future__ import annotations

import pytest

from model.orders import (
    Fill,
    OrderAcked,
    OrderRejected,
    OrderType,
    RequestSnapshot,
    TimeInForce,
    VenueDown,
    VenueFact,
    VenueSnapshot,
    VenueUp,
)
from simulation.exchange import Exchange, Fault, FaultPlan, Harm, VenueRules

from .kit import at, bar, buy, close_of, happen, quote, send, venue

MS = 1_000_000
NOW = at(1, 10)


def quoted(rules: VenueRules | None = None, *faults: Fault) -> Exchange:
    exchange = venue(rules=rules, faults=FaultPlan(*faults))
    happen(exchange, quote("CSPX", NOW - MS, "99.90", "100"))
    return exchange


def kinds(facts: list[VenueFact]) -> list[str]:
    return [type(fact).__name__ for fact in facts]


def test_an_order_travels_one_latency_there_and_its_report_one_back() -> None:
    exchange = quoted(VenueRules(latency_ns=5 * MS))
    assert send(exchange, NOW, buy("a", "CSPX")) == []
    assert exchange.next_ns() == NOW + 5 * MS
    assert exchange.take(NOW + 5 * MS) == []
    assert exchange.next_ns() == NOW + 10 * MS
    facts = exchange.take(NOW + 10 * MS)
    assert kinds(facts) == ["OrderAcked", "Fill"]
    assert {fact.at_ns for fact in facts if isinstance(fact, OrderAcked | Fill)} == {NOW + 5 * MS}


def test_the_order_meets_the_quote_in_force_when_it_arrives_and_not_when_it_was_sent() -> None:
    exchange = quoted(VenueRules(latency_ns=5 * MS))
    send(exchange, NOW, buy("a", "CSPX"))
    happen(exchange, quote("CSPX", NOW + 3 * MS, "100.90", "101"))
    fills = [f.price for f in exchange.take(NOW + 10 * MS) if isinstance(f, Fill)]
    assert fills == [101 * 10**9]


def test_a_dropped_ack_leaves_the_fill() -> None:
    exchange = quoted(None, Fault("OrderAcked", 1, Harm.DROP))
    assert kinds(send(exchange, NOW, buy("a", "CSPX"))) == ["Fill"]


def test_a_swapped_ack_comes_after_the_fill() -> None:
    exchange = quoted(None, Fault("OrderAcked", 1, Harm.SWAP))
    assert kinds(send(exchange, NOW, buy("a", "CSPX"))) == ["Fill", "OrderAcked"]


def test_a_doubled_fill_is_the_same_execution_twice() -> None:
    exchange = quoted(None, Fault("Fill", 1, Harm.DUPLICATE))
    facts = send(exchange, NOW, buy("a", "CSPX"))
    assert kinds(facts) == ["OrderAcked", "Fill", "Fill"]
    assert facts[1] == facts[2]
    assert len(exchange.snapshot("s", 0).fills) == 1


def test_a_delayed_fill_comes_later() -> None:
    exchange = quoted(None, Fault("Fill", 1, Harm.DELAY, delay_ns=7 * MS))
    assert kinds(send(exchange, NOW, buy("a", "CSPX"))) == ["OrderAcked"]
    assert exchange.next_ns() == NOW + 7 * MS
    assert kinds(exchange.take(NOW + 7 * MS)) == ["Fill"]


def test_only_the_nth_message_of_a_kind_is_harmed() -> None:
    plan = Fault("OrderAcked", 2, Harm.DROP)
    exchange = quoted(None, plan)
    orders = [buy(name, "CSPX", limit="50") for name in ("a", "b", "c")]
    acked = [f.client_id for f in send(exchange, NOW, *orders) if isinstance(f, OrderAcked)]
    assert acked == ["a", "c"]


def test_a_submit_lost_on_its_way_is_in_no_snapshot_and_may_be_sent_again_under_its_id() -> None:
    exchange = quoted(None, Fault("SubmitOrder", 1, Harm.DROP))
    assert send(exchange, NOW, buy("a", "CSPX")) == []
    snapshot = exchange.snapshot("s", 0)
    assert (snapshot.orders, snapshot.closed) == ((), ())
    assert kinds(send(exchange, NOW, buy("a", "CSPX"))) == ["OrderAcked", "Fill"]


def test_a_submit_doubled_on_its_way_is_one_order_and_one_refusal() -> None:
    exchange = quoted(None, Fault("SubmitOrder", 1, Harm.DUPLICATE))
    facts = send(exchange, NOW, buy("a", "CSPX"))
    assert kinds(facts) == ["OrderAcked", "Fill", "OrderRejected"]
    assert isinstance(facts[2], OrderRejected)
    assert facts[2].code == "DUPLICATE_ID"
    assert exchange.duplicates == 1


def test_an_incomplete_snapshot_says_so_and_proves_nothing() -> None:
    exchange = quoted(None, Fault("VenueSnapshot", 1, Harm.TRUNCATE))
    send(exchange, NOW, buy("a", "CSPX"))
    answers = []
    for name in ("first", "second"):
        exchange.receive(RequestSnapshot(name, 0), NOW)
        answers += exchange.take(NOW)
    assert [(f.id, f.complete, len(f.fills)) for f in answers if isinstance(f, VenueSnapshot)] == [
        ("first", False, 0),
        ("second", True, 1),
    ]


def test_two_faults_for_one_message_are_refused() -> None:
    with pytest.raises(ValueError, match="the same message"):
        FaultPlan(Fault("Fill", 1, Harm.DROP), Fault("Fill", 1, Harm.DELAY))


def test_while_the_link_is_down_orders_work_on_in_silence_and_a_snapshot_tells_it_later() -> None:
    exchange = quoted()
    send(exchange, NOW, buy("a", "CSPX", limit="99", tif=TimeInForce.GTC))
    exchange.disconnect(NOW, "cable")
    assert exchange.take(NOW) == [VenueDown("simulated", "cable", NOW)]
    assert not exchange.submit(buy("b", "CSPX"), NOW)
    assert happen(exchange, quote("CSPX", NOW + MS, "98.90", "99")) == []
    exchange.connect(NOW + 2 * MS)
    assert exchange.take(NOW + 2 * MS) == [VenueUp("simulated", "simulated", True, NOW + 2 * MS)]
    assert [fill.client_id for fill in exchange.snapshot("s", NOW).fills] == ["a"]


def test_reports_under_way_are_lost_with_the_link_and_requests_still_arrive() -> None:
    exchange = quoted(VenueRules(latency_ns=5 * MS))
    send(exchange, NOW, buy("a", "CSPX", kind=OrderType.MARKET))
    exchange.disconnect(NOW + 2 * MS)
    exchange.connect(NOW + 20 * MS)
    assert kinds(exchange.take(NOW + 30 * MS)) == ["VenueDown", "VenueUp"]
    assert [fill.client_id for fill in exchange.snapshot("s", 0).fills] == ["a"]


def test_a_message_that_is_no_request_is_refused() -> None:
    with pytest.raises(ValueError, match="BarClosed is not a request to a venue"):
        venue().receive(bar("CSPX", 0, "100"), close_of(0))
