"""Modify and cancel: filled quantity, place in the queue, and races with fills."""

from __future__ import annotations

from model.orders import (
    CancelRejected,
    Fill,
    ModifyOrder,
    ModifyRejected,
    OrderCancelled,
    OrderModified,
    OrderSpec,
    TimeInForce,
    VenueFact,
)
from model.units import px, qty
from simulation.exchange import Exchange, VenueRules

from .kit import at, bar, buy, close_of, happen, quote, send, venue

SHARE = VenueRules(bar_share_bps=10_000)
GTC = TimeInForce.GTC


def resting(*orders: OrderSpec) -> Exchange:
    exchange = venue(rules=SHARE)
    happen(exchange, bar("CSPX", 0, "100"))
    send(exchange, close_of(0), *orders)
    return exchange


def filled(facts: list[VenueFact]) -> list[tuple[str, int]]:
    return [(f.client_id, f.quantity // qty(1)) for f in facts if isinstance(f, Fill)]


def change(exchange: Exchange, name: str, limit: str, total: str = "0") -> list[VenueFact]:
    exchange.modify(ModifyOrder(name, f"change of {name}", px(limit), qty(total)), exchange.now_ns)
    return exchange.take(exchange.now_ns)


LOW = ["95", "96", "89", "92"]


def test_a_new_price_costs_the_place_in_the_queue() -> None:
    exchange = resting(buy("a", "CSPX", limit="90", tif=GTC), buy("b", "CSPX", limit="90", tif=GTC))
    change(exchange, "a", "89.50")
    change(exchange, "a", "90")
    assert filled(happen(exchange, bar("CSPX", 1, LOW, volume="15"))) == [("b", 10), ("a", 5)]


def test_a_new_quantity_at_the_same_price_keeps_the_place() -> None:
    exchange = resting(buy("a", "CSPX", limit="90", tif=GTC), buy("b", "CSPX", limit="90", tif=GTC))
    assert change(exchange, "a", "90", "12") == [OrderModified("a", "change of a", px("90"), close_of(0))]
    assert filled(happen(exchange, bar("CSPX", 1, LOW, volume="15"))) == [("a", 12), ("b", 3)]


def test_a_change_keeps_what_has_filled_and_cannot_go_below_it() -> None:
    exchange = resting(buy("a", "CSPX", "10", limit="90", tif=GTC))
    happen(exchange, bar("CSPX", 1, LOW, volume="4"))
    (refused,) = change(exchange, "a", "90", "4")
    assert isinstance(refused, ModifyRejected)
    assert refused.code == "BELOW_FILLED"
    change(exchange, "a", "91", "7")
    assert filled(happen(exchange, bar("CSPX", 2, LOW, volume="100"))) == [("a", 3)]
    assert exchange.account.markets["CSPX"].quantity == qty(7)


def test_a_better_price_takes_the_quote_in_force_at_once() -> None:
    exchange = venue()
    happen(exchange, quote("CSPX", at(1, 10), "99.90", "100"))
    send(exchange, at(1, 10), buy("a", "CSPX", limit="99", tif=GTC))
    assert filled(change(exchange, "a", "100.10")) == [("a", 10)]


def test_a_cancel_that_loses_the_race_keeps_the_fill() -> None:
    exchange = resting(buy("a", "CSPX", "10", limit="90", tif=GTC))
    facts = happen(exchange, bar("CSPX", 1, LOW, volume="100"))
    exchange.cancel("a", close_of(1))
    facts += exchange.take(close_of(1))
    assert [type(fact) for fact in facts] == [Fill, CancelRejected]


def test_a_cancel_after_a_partial_fill_says_how_much_had_filled() -> None:
    exchange = resting(buy("a", "CSPX", "10", limit="90", tif=GTC))
    happen(exchange, bar("CSPX", 1, LOW, volume="4"))
    exchange.cancel("a", close_of(1))
    assert exchange.take(close_of(1)) == [OrderCancelled("a", qty(4), "asked", close_of(1))]


def test_a_cancel_that_arrives_with_latency_cannot_undo_what_was_matched_meanwhile() -> None:
    exchange = venue(rules=VenueRules(latency_ns=1_000))
    happen(exchange, bar("CSPX", 0, "100"))
    send(exchange, close_of(0), buy("a", "CSPX", limit="90"))
    exchange.cancel("a", close_of(1) - 500)  # reaches the venue 500 ns after the close bar
    happen(exchange, bar("CSPX", 1, LOW))
    said = [(type(f), f.at_ns) for f in exchange.take(close_of(1) + 2_000) if isinstance(f, Fill | CancelRejected)]
    assert said == [(Fill, close_of(1)), (CancelRejected, close_of(1) + 500)]
