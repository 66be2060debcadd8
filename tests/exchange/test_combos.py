"""A calendar spread trades both its legs or neither, never beyond its net limit, and leaves what two orders leave."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.market import Quote
from model.orders import (
    Fill,
    ModifyOrder,
    ModifyRejected,
    OrderAcked,
    OrderCancelled,
    OrderExpired,
    OrderModified,
    OrderRejected,
    OrderSpec,
    OrderType,
    Settlement,
    Side,
    TimeInForce,
    VenueFact,
)
from model.units import PX_SCALE, QTY_SCALE, cash, px, qty
from simulation.exchange import Exchange, SqliteRecord, VenueRules, digest
from simulation.exchange.record import MemoryRecord

from .kit import FUTURE, at, bar, buy, close_of, dollars, happen, quote, sell, send, venue

MAR, JUN = "SP500@202003", "SP500@202006"
ROLL = "SP500@202003-202006"
TEN = at(0, 10)


def quoted(
    exchange: Exchange, near: tuple[str, str], far: tuple[str, str], at_ns: int = TEN, size: str = "100"
) -> None:
    happen(exchange, quote(MAR, at_ns, *near, size, size), quote(JUN, at_ns, *far, size, size))


def open_venue(**more: object) -> Exchange:
    """March is quoted 100 to 100.25 and June 102 to 102.25: the roll costs 2.25, its reverse brings 1.75."""
    exchange = venue(**more)  # type: ignore[arg-type]
    quoted(exchange, ("100", "100.25"), ("102", "102.25"))
    return exchange


def fills(facts: list[VenueFact]) -> list[tuple[str, Side, int, int]]:
    return [(f.instrument, f.side, f.quantity // QTY_SCALE, f.price) for f in facts if isinstance(f, Fill)]


def test_a_long_roll_sells_the_first_contract_and_buys_the_second_at_their_other_sides() -> None:
    exchange = open_venue()
    facts = send(exchange, TEN, buy("r", ROLL, "3", limit="2.25"))
    assert fills(facts) == [(MAR, Side.SELL, 3, px("100")), (JUN, Side.BUY, 3, px("102.25"))]
    told = exchange.snapshot("s", 0)
    assert {each.instrument: each.quantity for each in told.positions} == {MAR: -qty(3), JUN: qty(3)}
    assert [(each.state, each.filled) for each in told.closed] == [("FILLED", qty(3))]
    assert dollars(exchange) == cash("1000000") - 6 * cash("2.05")  # three of each leg at 2.05 a contract


def test_a_short_roll_is_the_same_combo_sold() -> None:
    facts = send(open_venue(), TEN, sell("r", ROLL, "2", limit="1.75"))
    assert fills(facts) == [(MAR, Side.BUY, 2, px("100.25")), (JUN, Side.SELL, 2, px("102"))]


def test_a_net_limit_may_be_negative_and_may_be_nothing() -> None:
    exchange = venue()
    quoted(exchange, ("102", "102.25"), ("100", "100.25"))
    assert fills(send(exchange, TEN, buy("a", ROLL, "1", limit="-2"))) == []
    assert len(fills(send(exchange, TEN, buy("b", ROLL, "1", limit="-1.75")))) == 2
    quoted(exchange, ("100.25", "100.50"), ("100", "100.25"), at(0, 11))
    zero = OrderSpec(
        client_id="c", instrument=ROLL, side=Side.BUY, quantity=qty(1), type=OrderType.LIMIT, tif=TimeInForce.DAY
    )
    assert len(fills(send(exchange, at(0, 11), zero))) == 2


def test_a_resting_combo_trades_when_one_leg_moves_far_enough_and_not_before() -> None:
    exchange = open_venue()
    (acked,) = send(exchange, TEN, buy("r", ROLL, "3", limit="2"))
    assert isinstance(acked, OrderAcked)
    (open_order,) = exchange.snapshot("s", 0).orders
    assert (open_order.instrument, open_order.quantity, open_order.filled) == (ROLL, qty(3), 0)
    assert fills(happen(exchange, quote(MAR, at(0, 11), "100", "100.25"))) == []
    facts = happen(exchange, quote(MAR, at(0, 12), "100.50", "100.75"))
    assert fills(facts) == [(MAR, Side.SELL, 3, px("100.5")), (JUN, Side.BUY, 3, px("102.25"))]


def test_only_whole_combos_trade_and_only_as_many_as_the_thinner_leg_shows() -> None:
    exchange = venue()
    happen(exchange, quote(MAR, TEN, "100", "100.25", "7", "7"), quote(JUN, TEN, "102", "102.25", "2", "2"))
    facts = send(exchange, TEN, buy("r", ROLL, "5", limit="2.25"))
    assert fills(facts) == [(MAR, Side.SELL, 2, px("100")), (JUN, Side.BUY, 2, px("102.25"))]
    assert exchange.snapshot("s", 0).orders[0].filled == qty(2)
    assert fills(happen(exchange, quote(MAR, at(0, 11), "100", "100.25", "7", "7"))) == []  # June's two are taken
    assert fills(happen(exchange, quote(JUN, at(0, 12), "102", "102.25", "9", "9"))) == [
        (MAR, Side.SELL, 3, px("100")), (JUN, Side.BUY, 3, px("102.25")),
    ]  # fmt: skip


def test_what_a_combo_took_of_a_quote_is_not_there_for_the_next_order() -> None:
    exchange = venue()
    happen(exchange, quote(MAR, TEN, "100", "100.25", "3", "3"), quote(JUN, TEN, "102", "102.25", "3", "3"))
    send(exchange, TEN, buy("r", ROLL, "2", limit="2.25"))
    assert fills(send(exchange, TEN, buy("a", JUN, "2", limit="102.25"))) == [(JUN, Side.BUY, 1, px("102.25"))]


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (buy("r", "SP500@202003-202099", "1", limit="2"), "UNKNOWN_INSTRUMENT"),
        (buy("r", ROLL, "0", limit="2"), "BAD_QUANTITY"),
        (buy("r", ROLL, "1", limit="2.10"), "BAD_TICK"),
        (buy("r", ROLL, "1", limit="2", kind=OrderType.MARKET), "BAD_PRICE"),
        (buy("r", ROLL, "1", limit="2", tif=TimeInForce.GTD, expires_ns=1), "BAD_EXPIRY"),
        (buy("r", ROLL, "1500", limit="2.25"), "MARGIN"),  # 750,000 for each leg, and there is a million
    ],
    ids=lambda case: case if isinstance(case, str) else "",
)
def test_a_combo_is_refused_for_what_is_wrong_with_it_or_with_a_leg(order: OrderSpec, code: str) -> None:
    exchange = open_venue()
    (refused,) = send(exchange, TEN, order)
    assert isinstance(refused, OrderRejected)
    assert refused.code == code
    assert exchange.snapshot("s", 0).positions == ()
    assert isinstance(send(exchange, TEN, buy("a", JUN, "1500", limit="90"))[0], OrderAcked)  # no margin is held back


def test_a_contract_without_a_price_cannot_be_margined() -> None:
    exchange = venue()
    happen(exchange, quote(MAR, TEN, "100", "100.25"))
    (refused,) = send(exchange, TEN, buy("r", ROLL, "1", limit="2.25"))
    assert isinstance(refused, OrderRejected)
    assert refused.code == "NO_PRICE"


def test_a_combo_with_an_expired_leg_is_refused() -> None:
    """January 2020 ends on the 15th, day 9 of the calendar."""
    exchange = venue()
    happen(exchange, *(quote(name, at(10, 10), "100", "100.25") for name in ("SP500@202001", JUN)))
    (refused,) = send(exchange, at(10, 10), buy("r", "SP500@202001-202006", "1", limit="2"))
    assert isinstance(refused, OrderRejected)
    assert refused.code == "CONTRACT_EXPIRED"


def test_an_immediate_combo_trades_what_there_is_and_ends() -> None:
    exchange = venue()
    happen(exchange, quote(MAR, TEN, "100", "100.25", "2", "2"), quote(JUN, TEN, "102", "102.25"))
    facts = send(exchange, TEN, buy("r", ROLL, "3", limit="2.25", tif=TimeInForce.IOC))
    assert [each.filled for each in facts if isinstance(each, OrderCancelled)] == [qty(2)]
    assert exchange.snapshot("s", 0).orders == ()


def test_a_changed_limit_is_tried_at_once_and_a_bad_one_changes_nothing() -> None:
    exchange = open_venue()
    send(exchange, TEN, buy("r", ROLL, "3", limit="1"))
    exchange.modify(ModifyOrder("r", "1", px("1.10")), TEN)
    (refused,) = exchange.take(TEN)
    assert isinstance(refused, ModifyRejected)
    assert refused.code == "BAD_TICK"
    exchange.modify(ModifyOrder("r", "2", px("2.25"), quantity=qty(2)), TEN)
    changed, *facts = exchange.take(TEN)
    assert isinstance(changed, OrderModified)
    assert [each[2] for each in fills(facts)] == [2, 2]


def test_a_cancelled_combo_leaves_nothing_open_in_either_contract() -> None:
    exchange = open_venue()
    send(exchange, TEN, buy("r", ROLL, "3", limit="1"))
    exchange.cancel("r", TEN)
    (ended,) = exchange.take(TEN)
    assert isinstance(ended, OrderCancelled)
    assert ended.filled == 0
    assert not any(exchange.account.markets[name].rests() for name in (MAR, JUN))


def test_a_day_order_ends_with_its_session_and_one_that_is_good_till_cancelled_goes_on() -> None:
    exchange = open_venue(rules=VenueRules(close_grace_ns=1))
    send(exchange, TEN, buy("day", ROLL, "1", limit="1"), buy("gtc", ROLL, "1", limit="1", tif=TimeInForce.GTC))
    facts = exchange.take(close_of(0) + 1)
    assert [each.client_id for each in facts if isinstance(each, OrderExpired)] == ["day"]
    assert [each.client_id for each in exchange.snapshot("s", 0).orders] == ["gtc"]


def test_nothing_trades_against_a_quote_of_another_session() -> None:
    exchange = open_venue()
    happen(exchange, quote(MAR, at(1, 10), "100", "100.25"))
    assert fills(send(exchange, at(1, 10), buy("r", ROLL, "1", limit="2.25"))) == []
    assert len(fills(happen(exchange, quote(JUN, at(1, 11), "102", "102.25")))) == 2


# -- bars


@pytest.mark.parametrize("kind", [OrderType.MOC, OrderType.LOC])
def test_in_a_replay_of_closes_a_combo_trades_with_the_bar_that_comes_last(kind: OrderType) -> None:
    exchange = venue(rules=VenueRules(daily_bars=True))
    happen(exchange, bar(MAR, 0, "100"), bar(JUN, 0, "102"))
    send(exchange, close_of(0), buy("r", ROLL, "3", kind=kind, limit="2.5" if kind is OrderType.LOC else ""))
    assert fills(happen(exchange, bar(MAR, 1, "101"))) == []
    assert fills(happen(exchange, bar(JUN, 1, "103.5"))) == [
        (MAR, Side.SELL, 3, px("101")), (JUN, Side.BUY, 3, px("103.5")),
    ]  # fmt: skip


def test_a_limit_on_the_close_that_the_closes_do_not_meet_expires_with_them() -> None:
    exchange = venue(rules=VenueRules(daily_bars=True))
    happen(exchange, bar(MAR, 0, "100"), bar(JUN, 0, "102"))
    send(exchange, close_of(0), buy("r", ROLL, "3", kind=OrderType.LOC, limit="2.25"))
    facts = happen(exchange, bar(MAR, 1, "101"), bar(JUN, 1, "103.5"))
    assert [type(each) for each in facts if not isinstance(each, Settlement)] == [OrderExpired]


def test_an_order_that_came_after_one_leg_s_close_trades_at_the_next_closes() -> None:
    exchange = venue(rules=VenueRules(daily_bars=True))
    happen(exchange, bar(MAR, 0, "100"), bar(JUN, 0, "102"), bar(MAR, 1, "100", hour=15))
    send(exchange, at(1, 16), buy("r", ROLL, "1", kind=OrderType.MOC))
    assert [each for each in happen(exchange, bar(JUN, 1, "102")) if not isinstance(each, Settlement)] == []
    assert len(fills(happen(exchange, bar(MAR, 2, "100"), bar(JUN, 2, "102")))) == 2


def test_a_leg_settled_before_the_spread_traded_is_told_so_before() -> None:
    """Both bars come in one step; whoever hears the trade first would settle another quantity than the venue did."""
    exchange = venue(rules=VenueRules(daily_bars=True))
    happen(exchange, bar(MAR, 0, "100"), bar(JUN, 0, "102"))
    send(exchange, close_of(0), buy("first", MAR, "3", kind=OrderType.MOC))
    happen(exchange, bar(MAR, 1, "100"), bar(JUN, 1, "102"))
    send(exchange, close_of(1), buy("r", ROLL, "3", kind=OrderType.MOC))
    exchange.on_bar(bar(MAR, 2, "101"))
    exchange.on_bar(bar(JUN, 2, "103"))
    told = [each for each in exchange.take(close_of(2)) if isinstance(each, Fill | Settlement)]
    assert [type(each) for each in told] == [Settlement, Fill, Fill, Settlement]
    held = [[(line.instrument, line.quantity) for line in each.lines] for each in told if isinstance(each, Settlement)]
    assert held == [[(MAR, qty(3))], [(JUN, qty(3))]]


def minute(exchange: Exchange, hour: float, near: str, far: str) -> list[VenueFact]:
    return happen(exchange, bar(MAR, 0, near, hour=hour), bar(JUN, 0, far, hour=hour))


def test_within_the_day_a_limit_trades_at_the_bars_of_one_moment_and_an_auction_waits_for_its_own() -> None:
    """The net closes are 2.25, 1.75, 1.75 and 3, and the limit of 2 is met by the second; the open has passed, and the
    close is the last. A bar of one leg alone, at another moment, trades nothing."""
    exchange = venue()
    minute(exchange, 10, "100", "102.25")
    orders = (
        buy("limit", ROLL, "1", limit="2"), buy("close", ROLL, "2", kind=OrderType.MOC),
        buy("open", ROLL, "3", kind=OrderType.MOO),
    )  # fmt: skip
    send(exchange, at(0, 10), *orders)
    assert fills(happen(exchange, bar(MAR, 0, "105", hour=11), bar(JUN, 0, "102.25", hour=11.5))) == []
    assert [each[2] for each in fills(minute(exchange, 12, "100.5", "102.25"))] == [1, 1]
    assert fills(minute(exchange, 13, "100.5", "102.25")) == []
    assert [each[2] for each in fills(minute(exchange, 17, "100", "103"))] == [2, 2]
    assert [each.client_id for each in exchange.snapshot("s", 0).orders] == ["open"]


def test_where_quotes_are_there_a_bar_of_a_leg_trades_no_limit() -> None:
    exchange = open_venue()
    send(exchange, TEN, buy("r", ROLL, "1", limit="1"))
    assert fills(minute(exchange, 11, "105", "102")) == []
    assert len(fills(happen(exchange, quote(MAR, at(0, 12), "105", "105.25")))) == 2


def test_an_order_for_the_open_trades_at_both_opens() -> None:
    exchange = venue(rules=VenueRules(daily_bars=True))
    happen(exchange, bar(MAR, 0, "100"), bar(JUN, 0, "102"))
    send(exchange, close_of(0), sell("r", ROLL, "1", kind=OrderType.MOO))
    opens = [bar(MAR, 1, ("100.5", "105", "99", "104")), bar(JUN, 1, ("103", "108", "101", "107"))]
    assert fills(happen(exchange, *opens)) == [(MAR, Side.BUY, 1, px("100.5")), (JUN, Side.SELL, 1, px("103"))]


def test_a_bar_s_volume_limits_a_combo_as_it_limits_its_legs() -> None:
    exchange = venue(rules=VenueRules(daily_bars=True, bar_share_bps=1_000))
    happen(exchange, bar(MAR, 0, "100"), bar(JUN, 0, "102"))
    send(exchange, at(0, 17.5), buy("before", JUN, "1", kind=OrderType.MOC))
    happen(exchange, bar(MAR, 1, "100", volume="90"), bar(JUN, 1, "102", volume="90"))
    send(exchange, close_of(1), buy("r", ROLL, "9", kind=OrderType.MOC), buy("a", JUN, "1", kind=OrderType.MOC))
    facts = happen(exchange, bar(MAR, 2, "101", volume="60"), bar(JUN, 2, "103", volume="50"))
    assert [(name, size) for name, _, size, _ in fills(facts)] == [(JUN, 1), (MAR, 4), (JUN, 4)]


def test_the_variation_of_a_roll_at_the_close_is_that_of_two_orders_at_the_close() -> None:
    """Bought at 100.25, rolled at 103.75 to 106.25, ended at 107: 3 x 50 x (3.50 + 0.75), whichever way; on the day of
    the roll 3 x 50 x (3.50 - 0.25) are there already."""

    spreaded = {"SP500": msgspec.structs.replace(FUTURE, half_spread=Decimal("0.25"))}

    def rolled(*orders: OrderSpec) -> tuple[int, int, dict[str, int]]:
        exchange = venue(instruments=spreaded, rules=VenueRules(daily_bars=True))
        happen(exchange, bar(MAR, 0, "100"), bar(JUN, 0, "102"))
        send(exchange, close_of(0), buy("first", MAR, "3", kind=OrderType.MOC))
        happen(exchange, bar(MAR, 1, "100"), bar(JUN, 1, "102"))
        send(exchange, close_of(1), *orders)
        happen(exchange, bar(MAR, 2, "104"), bar(JUN, 2, "106"))
        rolled_with = dollars(exchange)
        happen(exchange, bar(MAR, 3, "103"), bar(JUN, 3, "107"))
        told = exchange.snapshot("s", 0)
        return rolled_with, dollars(exchange), {each.instrument: each.quantity for each in told.positions}

    legs = (sell("out", MAR, "3", kind=OrderType.MOC), buy("in", JUN, "3", kind=OrderType.MOC))
    spread = rolled(buy("r", ROLL, "3", kind=OrderType.MOC))
    assert spread == rolled(*legs)
    fees = 9 * cash("2.05")
    assert spread == (cash("1000487.50") - fees, cash("1000637.50") - fees, {JUN: qty(3)})


# -- laws


@settings(max_examples=120, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(380, 420), st.integers(380, 420), st.integers(0, 5), st.integers(0, 5),
            st.sampled_from(("buy", "sell", "cancel", "quote")), st.integers(-40, 40), st.integers(1, 6),
        ),
        min_size=1, max_size=12,
    )
)  # fmt: skip
def test_legs_stay_in_step_no_net_price_is_beyond_its_limit_and_a_killed_venue_goes_on(
    steps: list[tuple[int, int, int, int, str, int, int]],
) -> None:
    """Prices and limits are in quarters of a point; after every step the venue is resumed from its record."""
    record = MemoryRecord()
    rules, quarter = VenueRules(commit_every_ns=0), PX_SCALE // 4
    exchange = venue(record=record, rules=rules, money="100000000")
    limits: dict[str, OrderSpec] = {}
    facts: list[VenueFact] = []
    for place, (near, far, shown_near, shown_far, deed, net, size) in enumerate(steps):
        now_ns = TEN + place * 1_000
        for name, mid, shown in ((MAR, near, shown_near), (JUN, far, shown_far)):
            shown *= QTY_SCALE
            facts += happen(exchange, Quote(name, mid * quarter, (mid + 1) * quarter, shown, shown, now_ns))
        if deed in ("buy", "sell"):
            spec = OrderSpec(
                client_id=f"r{place}", instrument=ROLL, side=Side.BUY if deed == "buy" else Side.SELL,
                quantity=size * QTY_SCALE, type=OrderType.LIMIT, tif=TimeInForce.GTC, limit=net * quarter,
            )  # fmt: skip
            limits[spec.client_id] = spec
            facts += send(exchange, now_ns, spec)
        elif deed == "cancel" and limits:
            exchange.cancel(next(reversed(limits)), now_ns)
            facts += exchange.take(now_ns)
        before = exchange.snapshot("s", 0)
        exchange = venue(record=record, rules=rules, money="100000000")
        assert exchange.snapshot("s", 0) == before
    held: Counter[str] = Counter()
    paid: Counter[str] = Counter()
    done: Counter[tuple[str, str]] = Counter()
    for fill in (each for each in facts if isinstance(each, Fill)):
        held[fill.instrument] += fill.side * fill.quantity
        paid[fill.client_id] += fill.side * fill.quantity * fill.price
        done[fill.client_id, fill.instrument] += fill.quantity
    for name, spec in limits.items():
        assert done[name, MAR] == done[name, JUN] <= spec.quantity
        assert paid[name] <= spec.side * spec.limit * done[name, JUN]
    assert held[MAR] == -held[JUN]
    assert {each.instrument: each.quantity for each in exchange.snapshot("s", 0).positions} == {
        name: quantity for name, quantity in held.items() if quantity
    }


def test_a_record_on_disk_brings_a_half_filled_combo_back_with_its_fees(tmp_path: Path) -> None:
    """Two of five are filled before the venue dies; the rest of the commission is that of five, leg by leg."""

    def a_day(record: SqliteRecord, *, dies: bool) -> tuple[int, str]:
        exchange = venue(record=record)
        happen(exchange, quote(MAR, TEN, "100", "100.25", "2", "2"), quote(JUN, TEN, "102", "102.25", "9", "9"))
        send(exchange, TEN, buy("r", ROLL, "5", limit="2.25"))
        if dies:
            exchange = venue(record=record)
        happen(exchange, quote(MAR, at(0, 11), "100", "100.25", "9", "9"))
        return dollars(exchange), digest(record)

    lived = a_day(SqliteRecord(tmp_path / "lived.sqlite"), dies=False)
    assert a_day(SqliteRecord(tmp_path / "died.sqlite"), dies=True) == lived
    assert lived[0] == cash("1000000") - 10 * cash("2.05")


def test_a_busted_leg_takes_a_combo_back_to_what_is_whole() -> None:
    exchange = open_venue()
    facts = send(exchange, TEN, buy("r", ROLL, "3", limit="2.25"))
    june = next(each for each in facts if isinstance(each, Fill) and each.instrument == JUN)
    exchange.back_office.correct(june.exec_id, 0, june.price)
    told = exchange.snapshot("s", 0)
    assert [(each.state, each.filled) for each in told.closed] == [("FILLED", 0)]
    assert {each.instrument: each.quantity for each in told.positions} == {MAR: -qty(3)}
