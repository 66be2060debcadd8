"""How long orders live: DAY, GTC, GTD, half days, holidays and nights."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd

from config.calendars import Calendars
from model.instruments import Instrument, Kind
from model.market import BarClosed
from model.orders import Fill, OrderExpired, OrderType, TimeInForce
from model.units import px
from simulation.exchange import VenueRules

from .kit import HOUR, at, bar, buy, close_of, happen, sell, send, venue

GRACE = 1


def test_a_day_order_expires_right_after_its_close_bar_was_matched() -> None:
    exchange = venue()
    send(exchange, at(1, 10), buy("a", "CSPX", limit="90"))
    facts = happen(exchange, bar("CSPX", 1, ["100", "101", "95", "99"]))
    assert facts == [OrderExpired("a", 0, close_of(1))]
    assert exchange.next_ns() is None


def test_a_day_order_expires_unfilled_when_no_bar_came_in_its_session() -> None:
    exchange = venue()
    send(exchange, at(1, 10), buy("a", "CSPX", limit="90"))
    assert exchange.next_ns() == close_of(1) + GRACE
    assert exchange.take(close_of(1)) == []
    assert exchange.take(close_of(1) + GRACE) == [OrderExpired("a", 0, close_of(1) + GRACE)]


def test_the_venue_waits_for_a_late_close_bar_as_long_as_its_rules_say() -> None:
    exchange = venue(rules=VenueRules(close_grace_ns=HOUR))
    send(exchange, at(1, 10), buy("a", "CSPX", limit="98"))
    assert exchange.take(close_of(1) + HOUR - 1) == []
    facts = happen(exchange, bar("CSPX", 1, ["97", "97", "95", "96"]))
    assert [f.at_ns for f in facts if isinstance(f, Fill)] == [close_of(1) + HOUR - 1]


def test_an_order_sent_after_the_close_belongs_to_the_next_session() -> None:
    exchange = venue()
    send(exchange, close_of(1), buy("a", "CSPX", limit="90"))
    assert exchange.next_ns() == close_of(2) + GRACE


def test_a_missing_session_leaves_a_good_till_cancelled_order_working() -> None:
    exchange = venue()
    send(exchange, at(1, 10), buy("a", "CSPX", limit="90", tif=TimeInForce.GTC))
    assert happen(exchange, bar("CSPX", 5, ["100", "101", "95", "99"])) == []
    assert [f.price for f in happen(exchange, bar("CSPX", 6, ["91", "92", "89", "90"])) if isinstance(f, Fill)] == [
        px("90")
    ]


def test_a_gtd_order_lapses_at_its_moment_even_inside_a_bar() -> None:
    exchange = venue()
    noon = at(2, 12)
    send(exchange, at(1, 10), buy("a", "CSPX", limit="90", tif=TimeInForce.GTD, expires_ns=noon))
    assert happen(exchange, bar("CSPX", 1, "100")) == []
    assert happen(exchange, bar("CSPX", 2, ["100", "101", "89", "99"])) == [OrderExpired("a", 0, noon)]


def test_an_opening_order_that_missed_today_waits_for_tomorrow() -> None:
    exchange = venue()
    happen(exchange, bar("CSPX", 0, "100"))
    send(exchange, at(1, 10), buy("a", "CSPX", kind=OrderType.MOO))
    assert happen(exchange, bar("CSPX", 1, ["100", "101", "95", "99"])) == []
    assert [f.price for f in happen(exchange, bar("CSPX", 2, ["97", "98", "96", "97"])) if isinstance(f, Fill)] == [
        px("97.05")
    ]


def test_a_good_till_cancelled_auction_order_survives_a_close_it_could_not_trade_at() -> None:
    exchange = venue()
    send(exchange, at(1, 10), buy("a", "CSPX", limit="96", kind=OrderType.LOC, tif=TimeInForce.GTC))
    facts = happen(exchange, bar("CSPX", 1, "99"), bar("CSPX", 2, "97"), bar("CSPX", 3, "95"))
    assert [(f.price, f.at_ns) for f in facts if isinstance(f, Fill)] == [(px("95.05"), close_of(3))]


def test_after_hours_bars_of_a_closed_session_fill_nothing() -> None:
    exchange = venue()
    happen(exchange, bar("CSPX", 1, "100"))
    send(exchange, at(1, 18), buy("a", "CSPX", limit="99"))
    assert happen(exchange, bar("CSPX", 1, "90", hour=19)) == []


SPY = Instrument(id="SPY", kind=Kind.ETF, venue="NYSE", currency="USD", calendar="NYSE", half_spread=Decimal("0"))


def test_thanksgiving_is_skipped_and_the_friday_after_closes_at_one_o_clock() -> None:
    """2019: Thursday 28 November closed, Friday 29 closes at 13:00 New York, 18:00 UTC."""
    exchange = venue(instruments={"SPY": SPY}, sessions={"NYSE": Calendars(20191101, 20191231).sessions("NYSE")})
    wednesday_evening = pd.Timestamp("2019-11-27 22:00", tz="UTC").value
    half_day_close = pd.Timestamp("2019-11-29 18:00", tz="UTC").value
    wednesday = pd.Timestamp("2019-11-27 21:00", tz="UTC").value
    happen(exchange, BarClosed("SPY", 20191127, px("315"), px("315"), px("315"), px("315"), 0, wednesday))
    send(exchange, wednesday_evening, buy("a", "SPY", kind=OrderType.MOC), sell("b", "SPY", limit="500"))
    holiday = pd.Timestamp("2019-11-28 21:00", tz="UTC").value
    assert happen(exchange, BarClosed("SPY", 20191128, px("300"), px("300"), px("300"), px("300"), 0, holiday)) == []
    assert exchange.next_ns() == half_day_close + GRACE
    facts = happen(
        exchange, BarClosed("SPY", 20191129, px("315"), px("315"), px("314"), px("314.31"), 0, half_day_close)
    )
    assert [(type(f).__name__, f.at_ns) for f in facts if isinstance(f, Fill | OrderExpired)] == [
        ("Fill", half_day_close),
        ("OrderExpired", half_day_close),
    ]


def test_daily_bars_hold_their_close_whenever_they_are_known() -> None:
    """The bar of each session is known at 16:00, an hour before the session's close."""
    exchange = venue(rules=VenueRules(daily_bars=True))
    happen(exchange, bar("CSPX", 0, "100", hour=16))
    send(exchange, at(0, 16), buy("moc", "CSPX", kind=OrderType.MOC), buy("day", "CSPX", limit="90"))
    facts = happen(exchange, bar("CSPX", 1, "99", hour=16))
    assert [(type(fact).__name__, fact.at_ns) for fact in facts if isinstance(fact, Fill | OrderExpired)] == [
        ("Fill", at(1, 16)),
        ("OrderExpired", at(1, 16)),
    ]


def test_a_daily_bar_told_long_after_its_close_fills_what_came_before_the_close_only() -> None:
    exchange = venue(rules=VenueRules(daily_bars=True, close_grace_ns=6 * HOUR))
    happen(exchange, bar("CSPX", 0, "100", hour=21))
    send(exchange, at(0, 22), buy("in time", "CSPX"))
    send(exchange, at(1, 18), buy("too late", "CSPX"))
    facts = happen(exchange, bar("CSPX", 1, "99", hour=21))
    assert [fact.client_id for fact in facts if isinstance(fact, Fill)] == ["in time"]


def test_a_day_order_whose_bar_never_came_does_not_fill_in_a_later_session() -> None:
    exchange = venue(rules=VenueRules(close_grace_ns=40 * HOUR))
    happen(exchange, bar("CSPX", 0, "100"))
    send(exchange, close_of(0), buy("a", "CSPX"))
    assert happen(exchange, bar("CSPX", 2, "100")) == [OrderExpired("a", 0, close_of(2))]
