"""A calendar spread in the order manager: priced from both legs, filled leg by leg, whole when all legs are."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from actors.exposures import Working
from actors.order_book import OrdersKept
from actors.pricing import ExecutionPolicy
from model.combos import as_legs, calendar_spread, contracts_of, legs_of, name_of, net_quote, worth
from model.decisions import InstrumentLocked, Mode, ModeChanged
from model.execution import AdoptOrder, LockInstrument, OrderDenied, QueryOrders
from model.market import Quote, WatchQuotes
from model.orders import (
    Fill,
    Filled,
    Intent,
    ModifyOrder,
    OpenOrder,
    OrderAcked,
    OrderCancelled,
    OrderSent,
    OrderType,
    Purpose,
    Side,
    SubmitOrder,
)
from model.units import px, qty
from tests.orders.kit import CLOSING, T0, Bench, fill, intent, place, quote

MAR, JUN = "SP500@202403", "SP500@202406"
ROLL = "SP500@202403-202406"
QUOTED = ExecutionPolicy()


def spread(side: Side = Side.BUY, quantity: str = "5", *, near: str = "5000", far: str = "5060", **more: Any) -> Intent:
    """The intent of a roll, decided at these prices of its legs."""
    made = intent(side, quantity, instrument=ROLL, reference="0", **more)
    return structs.replace(made, purpose=Purpose.ROLL, reference=px(far) - px(near), leg_references=(px(near), px(far)))


def both(bench: Bench, near: tuple[str, str] = ("5000", "5000.50"), far: tuple[str, str] = ("5060", "5060.50")) -> None:
    for name, (bid, ask) in ((MAR, near), (JUN, far)):
        bench.say(quote(bid, ask, bench.clock.now_ns, name))


def leg_fill(
    one: Intent, contract: str, side: Side, quantity: str, price: str, exec_id: str, corrects: str = ""
) -> Fill:
    return Fill(exec_id, one.id, "v1", contract, side, qty(quantity), px(price), 1_000_000, "USD", T0, corrects)


def working(bench: Bench, one: Intent) -> Intent:
    bench.say(place(one))
    both(bench)
    bench.say(OrderSent(one.id, bench.clock.now_ns))
    bench.say(OrderAcked(one.id, "v1", bench.clock.now_ns))
    return one


# -- names


def test_a_spread_s_name_says_what_is_sold_and_what_is_bought() -> None:
    assert calendar_spread("SP500", MAR, JUN) == ROLL
    assert [(leg.instrument, leg.ratio) for leg in legs_of(ROLL)] == [(MAR, -1), (JUN, 1)]
    assert name_of(legs_of(ROLL)) == name_of(legs_of(ROLL)[::-1]) == ROLL
    assert name_of(legs_of("SP500@202406-202403")) == "SP500@202406-202403"


@pytest.mark.parametrize(
    "name", ["SP500", MAR, "BTC-PERP", "A@B-C", "SP500@2024-2025", "SP500@202403-202403", "SP500@202403-20240x"]
)
def test_no_other_name_is_a_combo(name: str) -> None:
    assert legs_of(name) == ()
    assert contracts_of(name) == (name,)


def test_legs_of_another_shape_have_no_name() -> None:
    butterfly = (*legs_of(ROLL), *legs_of("SP500@202406-202409"))
    with pytest.raises(ValueError, match="is no calendar spread"):
        name_of(butterfly)


@given(st.lists(st.tuples(st.integers(1, 99), st.integers(0, 9), st.integers(0, 99), st.integers(0, 99)), min_size=2,
                max_size=2))  # fmt: skip
def test_a_net_quote_is_what_crossing_both_legs_costs_and_as_large_as_the_smaller(
    sides: list[tuple[int, int, int, int]],
) -> None:
    near, far = (
        Quote(name, bid, bid + wide, bids, asks, at)
        for at, (name, (bid, wide, bids, asks)) in enumerate(zip((MAR, JUN), sides, strict=True))
    )
    found = net_quote(ROLL, (near, far))
    assert (found.ask, found.ask_size) == (far.ask - near.bid, min(far.ask_size, near.bid_size))
    assert (found.bid, found.bid_size) == (far.bid - near.ask, min(far.bid_size, near.ask_size))
    assert found.bid <= found.ask
    assert found.at_ns == 0


# -- prices


def test_a_spread_waits_for_both_quotes_and_is_priced_from_both() -> None:
    """Bought at 5060.50 - 5000.00; a quarter of the net spread of 1.00 more is on no tick, so up to 60.75."""
    bench, one = Bench(QUOTED), spread()
    bench.say(place(one))
    assert [(each.instrument, each.on) for each in bench.tells("market_data", WatchQuotes)] == [
        (MAR, True),
        (JUN, True),
    ]
    bench.say(quote("5000", "5000.50", bench.clock.now_ns, MAR))
    assert bench.submits(one) == 0
    bench.say(quote("5060", "5060.50", bench.clock.now_ns, JUN))
    (sent,) = bench.sent(SubmitOrder)
    assert (sent.order.instrument, sent.order.type, sent.order.limit) == (ROLL, OrderType.LIMIT, px("60.75"))


def test_a_spread_s_collar_is_that_of_its_legs_together() -> None:
    """5 bps of 5000 + 5060 are 5.03: the last price is 5.00 above the mid of 60.00, on the tick inside."""
    bench = Bench(ExecutionPolicy(most_reprices=8, reprice_every_ns=10**9))
    one = working(bench, spread())
    for _ in range(8):
        bench.wait(1)
        both(bench)
        bench.say(OrderAcked(one.id, "v1", bench.clock.now_ns))
        order = bench.actor.book.orders[one.id]
        order.pending = ""
    limits = [each.limit for each in bench.sent(ModifyOrder)]
    assert limits == sorted(limits)
    assert limits[-1] == px("65")


def test_a_spread_whose_net_is_nothing_has_a_price_all_the_same() -> None:
    bench, one = Bench(QUOTED), spread(near="5000", far="5000")
    bench.say(place(one))
    both(bench, ("5000", "5000.50"), ("5000", "5000.50"))
    (sent,) = bench.sent(SubmitOrder)
    assert sent.order.limit == px("0.75")
    assert worth(one) == px("10000")
    bench.wait(130)
    assert bench.actor.book.orders[one.id].wants_cancel  # it has a time to live as any order priced from quotes


def test_a_leg_far_from_its_price_of_the_decision_is_not_believed_though_the_net_is() -> None:
    bench, one = Bench(QUOTED), spread()
    bench.say(place(one))
    both(bench, ("4000", "4000.50"), ("4060", "4060.50"))
    assert [each.code for each in bench.rows(OrderDenied)] == ["PRICE_SANITY"]


def test_in_an_auction_a_spread_has_the_collar_of_its_legs() -> None:
    """200 bps of 10060 are 201.20 over the net of 60; 261.00 is the tick inside."""
    bench, one = Bench(CLOSING), spread()
    bench.say(place(one))
    (sent,) = bench.sent(SubmitOrder)
    assert (sent.order.type, sent.order.limit) == (OrderType.LOC, px("261"))


@pytest.mark.parametrize("leg", [MAR, JUN])
def test_a_lock_of_either_leg_denies_the_spread(leg: str) -> None:
    bench, one = Bench(CLOSING), spread()
    bench.say(InstrumentLocked(leg, "looked at", T0))
    bench.say(place(one))
    assert [each.code for each in bench.rows(OrderDenied)] == ["LOCKED"]


# -- executions


def test_a_spread_is_filled_when_every_leg_is_and_counts_whole_ones_until_then() -> None:
    bench = Bench(QUOTED)
    one = working(bench, spread(shares=(("a", "7"), ("b", "-2"))))
    bench.say(leg_fill(one, MAR, Side.SELL, "5", "5000", "m1"))
    assert (bench.last(one).state, bench.last(one).filled) == ("WORKING", 0)
    bench.say(leg_fill(one, JUN, Side.BUY, "2", "5060.5", "j1"))
    assert (bench.last(one).state, bench.last(one).filled) == ("WORKING", qty(2))
    bench.say(leg_fill(one, JUN, Side.BUY, "3", "5060.5", "j2"))
    assert (bench.last(one).state, bench.last(one).filled) == ("FILLED", qty(5))
    given: dict[tuple[str, str], int] = {}
    for row in bench.rows(Filled):
        assert sum(share.quantity for share in row.shares) == row.fill.side * row.fill.quantity
        for share in row.shares:
            key = row.fill.instrument, share.sleeve
            given[key] = given.get(key, 0) + share.quantity
    assert given == {(MAR, "a"): -qty(7), (MAR, "b"): qty(2), (JUN, "a"): qty(7), (JUN, "b"): -qty(2)}
    assert bench.alarms() == []


@pytest.mark.parametrize(
    ("contract", "side", "quantity"), [(MAR, Side.SELL, "6"), (JUN, Side.BUY, "6"), ("SP500@202409", Side.BUY, "1")]
)
def test_more_of_a_leg_than_was_asked_for_locks_both(contract: str, side: Side, quantity: str) -> None:
    bench = Bench(QUOTED)
    one = working(bench, spread())
    bench.say(leg_fill(one, contract, side, quantity, "5000", "x1"))
    assert bench.alarms() == ["OVERFILL"]
    assert {each.instrument for each in bench.tells("system", LockInstrument)} == {MAR, JUN}
    assert [row.fill.instrument for row in bench.rows(Filled)] == [contract]  # and it is in the books


def test_an_end_with_uneven_legs_is_looked_up() -> None:
    bench = Bench(QUOTED)
    one = working(bench, spread())
    bench.say(leg_fill(one, MAR, Side.SELL, "2", "5000", "m1"))
    bench.say(OrderCancelled(one.id, 0, "asked", T0))
    assert [each.client_ids for each in bench.tells("reconciler", QueryOrders)] == [(one.id,)]


def test_a_correction_of_a_leg_takes_a_whole_spread_back() -> None:
    bench = Bench(QUOTED)
    one = working(bench, spread())
    for contract, side, name in ((MAR, Side.SELL, "m1"), (JUN, Side.BUY, "j1")):
        bench.say(leg_fill(one, contract, side, "3", "5000", name))
    assert bench.last(one).filled == qty(3)
    bench.say(leg_fill(one, JUN, Side.BUY, "1", "5000", "j2", corrects="j1"))
    assert bench.last(one).filled == qty(1)
    (_, _, corrected) = bench.rows(Filled)
    assert [share.quantity for share in corrected.shares] == [qty(1)]


@given(st.permutations(range(6)), st.integers(0, 6), st.booleans())
def test_a_restart_at_any_execution_gives_the_same_order_by_rows_and_by_snapshot(
    order: list[int], cut: int, snapshot: bool
) -> None:
    """Three executions of each leg, in any order; the life after the cut knows the same and ends the same."""
    first = Bench(QUOTED)
    one = working(first, spread(quantity="6", shares=(("a", "4"), ("b", "2"))))
    legs = [(MAR, Side.SELL), (JUN, Side.BUY)]
    fills = [leg_fill(one, *legs[i % 2], str(i // 2 + 1), "5000", f"e{i}") for i in order]
    for each in fills[:cut]:
        first.say(each)
    kept = first.actor.snapshot() if snapshot else None
    assert kept is None or isinstance(kept, OrdersKept)
    again = Bench(QUOTED, rows=() if snapshot else first.journal(), kept=kept)
    for each in fills:
        first.say(each)
        again.say(each)
    was, now = first.actor.book.orders[one.id], again.actor.book.orders[one.id]
    assert (now.state, now.filled, now.executions) == (was.state, was.filled, was.executions)
    assert {name: (leg.filled, leg.given) for name, leg in now.legs.items()} == {
        MAR: (qty(6), [-qty(4), -qty(2)]), JUN: (qty(6), [qty(4), qty(2)]),
    }  # fmt: skip


def test_a_spread_found_at_the_venue_is_taken_over_with_its_legs() -> None:
    bench = Bench(QUOTED)
    found = OpenOrder("hr-0123456789", "v9", ROLL, Side.SELL, qty(3), 0, 0)
    bench.say(AdoptOrder(found, "rc-1", T0))
    order = bench.actor.book.orders["hr-0123456789"]
    assert set(order.legs) == {MAR, JUN}
    bench.wait(500)
    assert not order.wants_cancel  # its limit of nothing is its own, not ours to follow the market with


def test_a_halt_cancels_a_spread() -> None:
    bench = Bench(QUOTED)
    one = working(bench, spread())
    bench.say(ModeChanged(Mode.HALTED, "test"))
    assert bench.actor.book.orders[one.id].cancel_asked


def test_the_legs_of_an_intent_have_its_shares_and_their_own_sides() -> None:
    near, far = as_legs(spread(Side.SELL, "5", shares=(("a", "-7"), ("b", "2"))))
    assert (near.instrument, near.side, near.reference) == (MAR, Side.BUY, px("5000"))
    assert (far.instrument, far.side, far.reference) == (JUN, Side.SELL, px("5060"))
    assert [share.quantity for share in near.shares] == [qty(7), -qty(2)]
    assert [share.quantity for share in far.shares] == [-qty(7), qty(2)]


def test_what_was_written_before_there_were_spreads_is_read_as_it_was() -> None:
    """An intent, an order's executions and a working line of risk, without the fields that spreads brought."""
    one = intent()
    old = json.loads(msgspec.json.encode(one))
    del old["leg_references"]
    assert msgspec.convert(old, Intent, strict=False) == one
    bench = Bench(CLOSING)
    bench.work(one)
    bench.say(fill(one, "4"))
    kept = json.loads(msgspec.json.encode(bench.actor.snapshot()))
    for order in kept["orders"]:
        del order["legs"], order["intent"]["leg_references"]
        for execution in order["executions"].values():
            del execution["leg"]
    again = Bench(CLOSING, kept=msgspec.json.decode(json.dumps(kept), type=OrdersKept))
    assert again.actor.book.orders[one.id].filled == qty("4")
    line = json.loads(msgspec.json.encode(Working("A", Side.BUY, 5, 5, 5)))
    del line["ratio"]
    assert msgspec.convert(line, Working) == Working("A", Side.BUY, 5, 5, 5)
