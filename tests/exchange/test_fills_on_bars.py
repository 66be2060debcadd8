"""Order types against three real days of the DAX (index points, hand-calculated)."""

from __future__ import annotations

from decimal import Decimal

import pyarrow.parquet as pq
import pytest

from model.instruments import Instrument, Kind, TickStep
from model.market import BarClosed
from model.orders import Fill, OrderCancelled, OrderExpired, OrderSpec, OrderType, TimeInForce, VenueFact
from model.units import px, qty
from simulation.exchange import Exchange, VenueRules

from .kit import SHARED, at, bar, buy, close_of, happen, sell, send, venue

DAX = Instrument(
    id="DAX",
    kind=Kind.FUTURE,
    venue="XTST",
    currency="USD",
    calendar="XTST",
    multiplier=Decimal(1),
    ticks=(TickStep(Decimal(0), Decimal("0.01")),),
    half_spread=Decimal("0.495"),
)


def dax_days() -> list[BarClosed]:
    """9 to 12 March 2020 on test days 0 to 3: open, high, low, close.

    10690.08 10995.22 10556.64 10625.02
    10724.98 11032.29 10423.90 10475.49
    10601.85 10761.43 10390.51 10438.68
     9863.99  9932.56  9139.12  9161.13
    """
    table = pq.read_table(SHARED / "europe" / "index_levels_daily.parquet").to_pandas()
    dax = table[table.symbol == "DAX"].sort_values("date")
    days = dax[(dax.date >= "2020-03-09") & (dax.date <= "2020-03-12")]
    rows = [[str(round(float(price), 2)) for price in row] for row in days[["open", "high", "low", "close"]].to_numpy()]
    return [bar("DAX", day, row) for day, row in enumerate(rows)]


DAYS = dax_days()


def dax(rules: VenueRules | None = None) -> Exchange:
    """The venue at the close of day 0."""
    exchange = venue(instruments={"DAX": DAX}, rules=rules, money="100000000")
    happen(exchange, DAYS[0])
    return exchange


def prices(facts: list[VenueFact]) -> list[int]:
    return [fact.price for fact in facts if isinstance(fact, Fill)]


def on_day_1(order: OrderSpec, rules: VenueRules | None = None) -> list[VenueFact]:
    """What becomes of an order that came at the close of day 0."""
    exchange = dax(rules)
    send(exchange, close_of(0), order)
    return happen(exchange, DAYS[1])


@pytest.mark.parametrize(
    ("order", "price"),
    [
        (buy("a", "DAX"), "10725.48"),  # 10724.98 + 0.495, up to the tick
        (sell("a", "DAX"), "10724.48"),
        (buy("a", "DAX", kind=OrderType.MOO), "10725.48"),
        (sell("a", "DAX", kind=OrderType.MOO), "10724.48"),
        (buy("a", "DAX", kind=OrderType.MOC), "10475.99"),  # 10475.49 + 0.495, up to the tick
        (sell("a", "DAX", kind=OrderType.MOC), "10474.99"),
        (buy("a", "DAX", limit="10500"), "10500"),  # touched on the way to 10423.90
        (sell("a", "DAX", limit="11000"), "11000"),
        (buy("a", "DAX", limit="10800"), "10725.48"),  # marketable at the open: pays the spread, not the limit
        (buy("a", "DAX", limit="10725.10"), "10725.10"),  # marketable at the open, the limit caps the spread
        (sell("a", "DAX", limit="10724.98"), "10724.98"),
        (buy("a", "DAX", limit="10725", kind=OrderType.LOO), "10725"),
        (sell("a", "DAX", limit="10700", kind=OrderType.LOO), "10724.48"),
        (buy("a", "DAX", limit="10475.49", kind=OrderType.LOC), "10475.49"),
        (sell("a", "DAX", limit="10470", kind=OrderType.LOC), "10474.99"),
    ],
)
def test_each_order_type_fills_where_the_bar_says(order: OrderSpec, price: str) -> None:
    assert prices(on_day_1(order)) == [px(price)]


@pytest.mark.parametrize(
    "order",
    [
        buy("a", "DAX", limit="10423.89"),  # the low is 10423.90
        sell("a", "DAX", limit="11032.30"),  # the high is 11032.29
        buy("a", "DAX", limit="10724.97", kind=OrderType.LOO),  # the open is 10724.98
        sell("a", "DAX", limit="10475.50", kind=OrderType.LOC),  # the close is 10475.49
    ],
)
def test_an_order_that_the_bar_does_not_reach_expires_at_its_close(order: OrderSpec) -> None:
    assert on_day_1(order) == [OrderExpired("a", 0, close_of(1))]


def test_a_limit_at_the_very_low_fills_when_touching_is_enough() -> None:
    touched = buy("a", "DAX", limit="10423.90")
    through = buy("a", "DAX", limit="10423.91")
    strict = VenueRules(touch_fills=False)
    assert prices(on_day_1(touched)) == [px("10423.90")]
    assert prices(on_day_1(touched, strict)) == []
    assert prices(on_day_1(through, strict)) == [px("10423.91")]


def test_the_nearer_extreme_comes_first() -> None:
    """Day 1 opens 301 points above its low and 307 below its high; day 3 opens 69 below its high, 725 above its low."""
    exchange = dax()
    send(exchange, close_of(0), sell("high", "DAX", limit="11000"), buy("low", "DAX", limit="10500"))
    first = [f.client_id for f in happen(exchange, DAYS[1]) if isinstance(f, Fill)]
    happen(exchange, DAYS[2])
    send(exchange, close_of(2), buy("low again", "DAX", limit="9500"), sell("high again", "DAX", limit="9900"))
    second = [f.client_id for f in happen(exchange, DAYS[3]) if isinstance(f, Fill)]
    assert (first, second) == (["low", "high"], ["high again", "low again"])


def test_an_order_that_comes_at_the_close_never_fills_in_that_bar() -> None:
    exchange = dax()
    exchange.submit(buy("a", "DAX"), close_of(1))  # before the venue has heard the bar of that very moment
    exchange.submit(buy("b", "DAX", kind=OrderType.MOC), close_of(1))
    assert prices(happen(exchange, DAYS[1])) == []
    assert prices(happen(exchange, DAYS[2])) == [px("10602.35"), px("10439.18")]  # the next open, the next close


def test_an_order_that_comes_while_the_bar_is_made_knows_only_its_close() -> None:
    exchange = dax()
    send(
        exchange,
        at(1, 12),
        buy("market", "DAX"),
        buy("near", "DAX", limit="10480"),
        buy("touched earlier perhaps", "DAX", limit="10450"),
        buy("open is over", "DAX", kind=OrderType.MOO),
    )
    fills = {f.client_id: f.price for f in happen(exchange, DAYS[1]) if isinstance(f, Fill)}
    assert fills == {"market": px("10475.99"), "near": px("10475.99")}
    assert prices(happen(exchange, DAYS[2])) == [px("10602.35")]


def test_a_bar_of_one_price_is_a_single_print() -> None:
    exchange = dax()
    orders = [
        buy("moo", "DAX", kind=OrderType.MOO),
        buy("market", "DAX"),
        buy("limit", "DAX", limit="10600"),
        buy("below", "DAX", limit="10475"),
        buy("moc", "DAX", kind=OrderType.MOC),
    ]
    send(exchange, close_of(0), *orders)
    fills = [(f.client_id, f.price) for f in happen(exchange, bar("DAX", 1, "10475.49")) if isinstance(f, Fill)]
    assert fills == [(name, px("10475.99")) for name in ("moo", "market", "limit", "moc")]


def test_a_part_of_the_volume_fills_in_price_then_time_order() -> None:
    rules = VenueRules(bar_share_bps=1_000)
    exchange = dax(rules)
    send(
        exchange,
        close_of(0),
        buy("first", "DAX", "60", limit="10500", tif=TimeInForce.GTC),
        buy("second", "DAX", "60", limit="10500", tif=TimeInForce.GTC),
        buy("better", "DAX", "30", limit="10510", tif=TimeInForce.GTC),
        sell("other side", "DAX", "100", limit="11000", tif=TimeInForce.GTC),
    )
    day = bar("DAX", 1, ["10724.98", "11032.29", "10423.90", "10475.49"], volume="1000")
    fills = [(f.client_id, f.quantity, f.price) for f in happen(exchange, day) if isinstance(f, Fill)]
    assert fills == [
        ("better", qty("30"), px("10510")),
        ("first", qty("60"), px("10500")),
        ("second", qty("10"), px("10500")),
        ("other side", qty("100"), px("11000")),
    ]


def test_a_bar_without_volume_fills_nothing_unless_the_rules_say_so() -> None:
    assert prices(on_day_1(buy("a", "DAX"), VenueRules(bar_share_bps=1_000))) == []
    assert prices(on_day_1(buy("a", "DAX"), VenueRules(bar_share_bps=1_000, unknown_size_fills=True))) == [
        px("10725.48")
    ]


def test_an_ioc_order_ends_with_the_first_bar_after_it() -> None:
    exchange = dax()
    send(exchange, at(1, 12), buy("a", "DAX", limit="10470", tif=TimeInForce.IOC))
    noon = bar("DAX", 1, ["10700", "10710", "10690", "10700"], hour=12.5)
    assert happen(exchange, noon) == [OrderCancelled("a", 0, "immediate or cancel", noon.at_ns)]


def test_a_bar_told_as_history_fills_nothing() -> None:
    exchange = dax()
    send(exchange, close_of(0), buy("a", "DAX"))
    old = bar("DAX", 1, "10500")
    told = BarClosed(old.instrument, old.session, old.open, old.high, old.low, old.close, 0, old.at_ns, True)
    assert prices(happen(exchange, told)) == []


def test_a_bar_told_twice_fills_once() -> None:
    exchange = dax()
    send(exchange, close_of(0), buy("a", "DAX", tif=TimeInForce.GTC))
    assert prices(happen(exchange, DAYS[1], DAYS[1])) == [px("10725.48")]
    send(exchange, close_of(1), buy("b", "DAX", tif=TimeInForce.GTC))
    assert happen(exchange, DAYS[1]) == []
