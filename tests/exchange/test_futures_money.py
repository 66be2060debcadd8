"""Variation margin by hand: S&P 500 futures in October 1987 and October 2008, closes as recorded."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pyarrow.parquet as pq

from model.instruments import Commission, Kind
from model.market import BarClosed
from model.orders import Fill, OrderExpired, OrderType, SettledLine, Settlement, TimeInForce, VenueFact
from model.sessions import Session, Sessions
from model.units import NS_PER_DAY, cash, px, px_from_float, qty
from simulation.exchange import Exchange, VenueRules

from .kit import FUTURE, HOUR, SHARED, bar, buy, close_of, date_of, dollars, happen, sell, send, venue

SP500 = msgspec.structs.replace(FUTURE, calendar="CME", ticks=(), half_spread=Decimal("0.13"))


def recorded(first: str, last: str) -> list[BarClosed]:
    """Daily closes of the held S&P 500 contract, each known at 21:00 UTC of its day."""
    table = pq.read_table(SHARED / "futures" / "contracts.parquet", filters=[("instrument", "=", "SP500")]).to_pandas()
    rows = table[(table.date >= first) & (table.date <= last)].sort_values("date")
    bars = []
    for row in rows.itertuples():
        price = px_from_float(row.price)
        contract, date = f"SP500@{row.price_contract}", int(row.date.strftime("%Y%m%d"))
        known = row.date.value + 21 * HOUR
        bars.append(BarClosed(contract, date, price, price, price, price, 0, known))
    return bars


def cme(bars: list[BarClosed]) -> Sessions:
    return Sessions("CME", [Session(b.session, b.at_ns - NS_PER_DAY + HOUR, b.at_ns) for b in bars])


def variations(facts: list[VenueFact]) -> list[int]:
    return [line.amount for fact in facts if isinstance(fact, Settlement) for line in fact.lines]


def held(first: str, last: str, contract: str, quantity: str) -> tuple[Exchange, list[VenueFact]]:
    """Buy at the second close of a stretch of days (decided at the first), then hold."""
    bars = recorded(first, last)
    exchange = venue(instruments={"SP500": SP500}, sessions={"CME": cme(bars)}, money="10000000")
    happen(exchange, bars[0])
    send(exchange, bars[0].at_ns, buy("a", contract, quantity, kind=OrderType.MOC))
    return exchange, happen(exchange, *bars[1:])


def test_black_monday_1987_day_by_day() -> None:
    """Closes 282.25 201.50 216.25 258.25 244.50; 10 contracts of 50 dollars a point bought at 282.25 + 0.13."""
    exchange, facts = held("1987-10-15", "1987-10-22", "SP500@198712", "10")
    (fill,) = (fact for fact in facts if isinstance(fact, Fill))
    assert (fill.price, fill.fee) == (px("282.38"), cash("20.50"))
    assert variations(facts) == [cash(v) for v in ("-65", "-40375", "7375", "21000", "-6875")]
    assert dollars(exchange) == cash("9981039.50")  # 10,000,000 - 20.50 + (244.50 - 282.38) x 500


def test_october_2008_day_by_day() -> None:
    """Closes 912.50 891.00 1016.75 1002.25 903.25; 4 contracts bought at 912.50 + 0.13."""
    exchange, facts = held("2008-10-08", "2008-10-15", "SP500@200812", "4")
    assert variations(facts) == [cash(v) for v in ("-26", "-4300", "25150", "-2900", "-19800")]
    assert dollars(exchange) == cash("9998115.80")  # 10,000,000 - 8.20 + (903.25 - 912.63) x 200


FLAT = {"SP500": msgspec.structs.replace(FUTURE, commission=Commission())}
MAR, JUN = "SP500@202003", "SP500@202006"


def test_one_settlement_per_time_step_holds_every_line() -> None:
    exchange = venue(instruments=FLAT)
    for contract in (MAR, JUN):
        exchange.on_bar(bar(contract, 0, "100"))
    exchange.take(close_of(0))
    send(exchange, close_of(0), buy("a", MAR, "1", kind=OrderType.MOC), sell("b", JUN, "2", kind=OrderType.MOC))
    for contract, price in ((MAR, "101"), (JUN, "103")):
        exchange.on_bar(bar(contract, 1, price))
    exchange.take(close_of(1))
    for contract, price in ((MAR, "102"), (JUN, "103.50")):
        exchange.on_bar(bar(contract, 2, price))
    assert exchange.take(close_of(2)) == [
        Settlement(
            f"settle-{date_of(2)}-{close_of(2)}",
            date_of(2),
            (
                SettledLine(MAR, "USD", px("102"), qty("1"), cash("50")),
                SettledLine(JUN, "USD", px("103.50"), qty("-2"), cash("-50")),
            ),
            close_of(2),
        )
    ]


def test_a_round_trip_within_a_session_settles_what_it_made() -> None:
    exchange = venue(instruments=FLAT)
    happen(exchange, bar(MAR, 0, "100"))
    send(exchange, close_of(0), buy("in", MAR, "2", limit="99"), sell("out", MAR, "2", limit="103"))
    facts = happen(exchange, bar(MAR, 1, ["100", "104", "98", "101"]))
    (settlement,) = (fact for fact in facts if isinstance(fact, Settlement))
    assert settlement.lines == (SettledLine(MAR, "USD", px("101"), 0, cash("400")),)
    assert dollars(exchange) == cash("1000400")


def test_a_bar_before_the_close_settles_nothing() -> None:
    exchange = venue(instruments=FLAT)
    happen(exchange, bar(MAR, 0, "100"))
    send(exchange, close_of(0), buy("a", MAR, "1"))
    facts = happen(exchange, bar(MAR, 1, "101", hour=12))
    assert [type(fact) for fact in facts] == [Fill]
    assert variations(happen(exchange, bar(MAR, 1, "105"))) == [cash("200")]


def test_a_missed_session_is_settled_with_the_next_one() -> None:
    exchange = venue(instruments=FLAT)
    happen(exchange, bar(MAR, 0, "100"))
    send(exchange, close_of(0), buy("a", MAR, "1", kind=OrderType.MOC))
    happen(exchange, bar(MAR, 1, "100"))
    assert variations(happen(exchange, bar(MAR, 3, "90"))) == [cash("-500")]


def test_an_expiring_contract_is_settled_in_cash_and_nothing_remains() -> None:
    """SP500@202001: 1 January + 14 days, so its last session is 15 January, day 9."""
    exchange = venue(instruments=FLAT)
    jan = "SP500@202001"
    happen(exchange, bar(jan, 7, "100"))
    send(
        exchange,
        close_of(7),
        buy("a", jan, "3", kind=OrderType.MOC),
        sell("never", jan, "3", limit="500", tif=TimeInForce.GTC),
    )
    happen(exchange, bar(jan, 8, "100"))
    facts = happen(exchange, bar(jan, 9, "110"))
    assert SettledLine(jan, "USD", px("110"), qty("3"), cash("1500"), True) in [
        line for fact in facts if isinstance(fact, Settlement) for line in fact.lines
    ]
    assert OrderExpired("never", 0, close_of(9)) in facts
    assert exchange.snapshot("s", 0).positions == ()
    assert happen(exchange, bar(jan, 10, "50")) == []


def test_a_contract_without_a_last_bar_expires_at_its_last_price() -> None:
    exchange = venue(instruments=FLAT)
    jan = "SP500@202001"
    happen(exchange, bar(jan, 6, "100"))
    send(exchange, close_of(6), buy("a", jan, "3", kind=OrderType.MOC))
    happen(exchange, bar(jan, 7, "100"), bar(jan, 8, "104"))
    due = exchange.next_ns()
    assert due == close_of(9) + 1
    (settlement,) = exchange.take(due)
    assert isinstance(settlement, Settlement)
    assert settlement.lines == (SettledLine(jan, "USD", px("104"), qty("3"), 0, True),)
    assert exchange.account.markets[jan].quantity == 0


def test_commission_of_a_future_is_the_largest_of_the_three() -> None:
    table = Commission(per_unit=Decimal("2"), share_of_notional=Decimal("0.0001"), per_order=Decimal("5"))
    listed = {"SP500": msgspec.structs.replace(FUTURE, commission=table)}
    fees = []
    for contracts, price in (("1", "100"), ("4", "100"), ("4", "1000")):
        exchange = venue(instruments=listed, rules=VenueRules(margin=False))
        send(exchange, close_of(0), buy("a", MAR, contracts, kind=OrderType.MOC))
        fees += [fact.fee for fact in happen(exchange, bar(MAR, 1, price)) if isinstance(fact, Fill)]
    assert fees == [cash("5"), cash("8"), cash("20")]  # per order; 4 x 2; 4 x 50 x 1000 x 0.0001


def test_a_price_below_zero_is_a_price() -> None:
    """Crude oil of April 2020: bought at 10, settled at -37.63."""
    oil = msgspec.structs.replace(FUTURE, id="CRUDE", multiplier=Decimal(1000), ticks=(), kind=Kind.FUTURE)
    exchange = venue(instruments={"CRUDE": oil}, rules=VenueRules(margin=False))
    send(exchange, close_of(0), buy("a", "CRUDE@202005", "1", kind=OrderType.MOC))
    happen(exchange, bar("CRUDE@202005", 1, "10"))
    assert variations(happen(exchange, bar("CRUDE@202005", 2, "-37.63"))) == [cash("-47630")]
