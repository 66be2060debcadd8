"""Order types against the first minutes of SPY on 9 October 2013: bid and ask with displayed sizes.

13:30 165.75 x    600   165.76 x 53,000
13:31 165.80 x  1,700   165.81 x 33,000
13:32 165.76 x  8,200   165.77 x  3,900
13:33 165.58 x 56,200   165.59 x  1,900
13:34 165.56 x  1,200   165.57 x  3,700
13:41 165.50 x 53,000   165.51 x    400
"""

from __future__ import annotations

from decimal import Decimal

import pandas as pd
import pyarrow.parquet as pq
import pytest

from model.instruments import Commission, Instrument, Kind, TickStep
from model.market import BarClosed, Quote
from model.orders import Fill, OrderAcked, OrderCancelled, OrderExpired, OrderType, TimeInForce, VenueFact
from model.sessions import Session, Sessions
from model.units import cash, px, px_from_float, qty
from simulation.exchange import Exchange, VenueRules

from .kit import SHARED, buy, happen, sell, send, venue

SPY = Instrument(
    id="SPY",
    kind=Kind.ETF,
    venue="NYSE",
    currency="USD",
    calendar="NYSE",
    ticks=(TickStep(Decimal(0), Decimal("0.01")),),
    commission=Commission(per_unit=Decimal("0.005"), per_order=Decimal(1)),
)
OPEN = pd.Timestamp("2013-10-09 13:30", tz="UTC").value
NYSE = Sessions(
    "NYSE",
    [
        Session(20131009, OPEN, pd.Timestamp("2013-10-09 20:00", tz="UTC").value),
        Session(20131010, OPEN + 86_400 * 10**9, pd.Timestamp("2013-10-10 20:00", tz="UTC").value),
    ],
)
MINUTE = 60 * 10**9


def spy_quotes() -> list[Quote]:
    table = pq.read_table(SHARED / "europe" / "intraday_1min_quotes.parquet").to_pandas()
    spy = table[(table.symbol == "SPY") & (table.ts >= "2013-10-09 13:30") & (table.ts < "2013-10-09 13:45")]
    return [
        Quote(
            "SPY",
            px_from_float(round(float(row.bid), 2)),
            px_from_float(round(float(row.ask), 2)),
            qty(int(row.bid_size)),
            qty(int(row.ask_size)),
            row.ts.value,
        )
        for row in spy.itertuples()
    ]


QUOTES = spy_quotes()


def spy_day(closes_ns: int) -> BarClosed:
    """The whole day's bar."""
    return BarClosed("SPY", 20131009, px("165.80"), px("166.20"), px("164.53"), px("165.60"), qty(1), closes_ns)


def spy(rules: VenueRules | None = None) -> Exchange:
    """The venue at 13:30, its first quote seen."""
    exchange = venue(instruments={"SPY": SPY}, sessions={"NYSE": NYSE}, money="100000000", rules=rules)
    happen(exchange, QUOTES[0])
    return exchange


def trades(facts: list[VenueFact]) -> list[tuple[str, int, int]]:
    return [(f.client_id, f.quantity // qty(1), f.price) for f in facts if isinstance(f, Fill)]


def test_the_recording_says_what_this_page_says() -> None:
    assert (QUOTES[3].bid, QUOTES[3].ask) == (px("165.58"), px("165.59"))
    assert (QUOTES[11].ask, QUOTES[11].ask_size) == (px("165.51"), qty(400))


def test_a_market_order_takes_the_ask_at_once() -> None:
    facts = send(spy(), OPEN, buy("a", "SPY", "100"))
    assert isinstance(facts[0], OrderAcked)
    assert trades(facts) == [("a", 100, px("165.76"))]
    assert isinstance(facts[1], Fill)
    assert facts[1].fee == cash("1")  # 100 x 0.005 is less than 1.00 per order


def test_a_marketable_limit_takes_the_ask_and_no_more_than_its_limit() -> None:
    exchange = spy()
    assert trades(send(exchange, OPEN, buy("a", "SPY", "100", limit="165.80"))) == [("a", 100, px("165.76"))]
    assert trades(send(exchange, OPEN, buy("b", "SPY", "100", limit="165.75"))) == []


def test_a_resting_limit_fills_at_its_own_price_when_the_ask_comes_down_to_it() -> None:
    exchange = spy()
    send(exchange, OPEN, buy("a", "SPY", "100", limit="165.60"), sell("b", "SPY", "100", limit="165.80"))
    assert trades(happen(exchange, QUOTES[1])) == [("b", 100, px("165.80"))]  # the bid touches 165.80
    assert trades(happen(exchange, QUOTES[2])) == []
    assert trades(happen(exchange, QUOTES[3])) == [("a", 100, px("165.60"))]  # the ask falls through to 165.59


def test_displayed_size_is_shared_by_price_then_time_and_the_rest_rests() -> None:
    exchange = spy()
    send(
        exchange,
        OPEN,
        buy("late is nothing", "SPY", "1000", limit="165.60"),
        buy("second", "SPY", "1000", limit="165.60"),
        buy("best price", "SPY", "500", limit="165.61"),
    )
    happen(exchange, QUOTES[1], QUOTES[2])
    first = trades(happen(exchange, QUOTES[3]))  # 1,900 offered at 165.59
    assert first == [
        ("best price", 500, px("165.61")),
        ("late is nothing", 1000, px("165.60")),
        ("second", 400, px("165.60")),
    ]
    assert trades(happen(exchange, QUOTES[4])) == [("second", 600, px("165.60"))]


def test_what_one_order_took_from_a_quote_the_next_cannot_take() -> None:
    exchange = spy()
    assert trades(send(exchange, OPEN, sell("a", "SPY", "400"))) == [("a", 400, px("165.75"))]
    assert trades(send(exchange, OPEN, sell("b", "SPY", "400"))) == [("b", 200, px("165.75"))]  # 600 were bid
    assert trades(happen(exchange, QUOTES[1])) == [("b", 200, px("165.80"))]


def test_only_the_participation_share_of_a_quote_is_ours() -> None:
    exchange = spy(VenueRules(quote_share_bps=2_500))
    assert trades(send(exchange, OPEN, sell("a", "SPY", "400"))) == [("a", 150, px("165.75"))]


def test_an_ioc_order_takes_what_is_there_and_ends() -> None:
    facts = send(spy(), OPEN, sell("a", "SPY", "1000", limit="165.70", tif=TimeInForce.IOC))
    assert trades(facts) == [("a", 600, px("165.75"))]
    assert facts[-1] == OrderCancelled("a", qty(600), "immediate or cancel", OPEN)


def test_commission_is_the_largest_of_the_three_for_the_whole_order() -> None:
    exchange = spy()
    facts = send(exchange, OPEN, sell("a", "SPY", "1000"))
    facts += happen(exchange, QUOTES[1])
    fees = [f.fee for f in facts if isinstance(f, Fill)]
    assert fees == [cash("3"), cash("2")]  # 600 x 0.005 = 3.00, then 1000 x 0.005 = 5.00 in all


def test_a_crossed_quote_fills_nothing() -> None:
    exchange = spy()
    crossed = Quote("SPY", px("165.90"), px("165.70"), qty(100), qty(100), OPEN + MINUTE)
    send(exchange, OPEN, buy("a", "SPY", "100", limit="165.72"))
    assert trades(happen(exchange, crossed)) == []
    assert trades(send(exchange, OPEN + MINUTE, buy("b", "SPY", "100"))) == []


@pytest.mark.parametrize(("rules", "filled"), [(VenueRules(), 0), (VenueRules(unknown_size_fills=True), 100)])
def test_a_quote_without_size_fills_only_where_the_rules_say_so(rules: VenueRules, filled: int) -> None:
    exchange = spy(rules)
    happen(exchange, Quote("SPY", px("165.80"), px("165.81"), 0, 0, OPEN + MINUTE))
    assert sum(t[1] for t in trades(send(exchange, OPEN + MINUTE, buy("a", "SPY", "100")))) == filled


def test_a_missing_side_fills_nothing_even_without_sizes() -> None:
    exchange = spy(VenueRules(unknown_size_fills=True))
    happen(exchange, Quote("SPY", 0, px("165.81"), 0, 0, OPEN + MINUTE))
    assert trades(send(exchange, OPEN + MINUTE, sell("a", "SPY", "100"))) == []


def test_an_order_sent_after_hours_waits_for_the_next_session() -> None:
    exchange = spy()
    evening = OPEN + 10 * 60 * MINUTE
    assert trades(send(exchange, evening, buy("a", "SPY", "100"))) == []
    late = Quote("SPY", px("165"), px("165.01"), qty(100), qty(100), evening + MINUTE)
    assert trades(happen(exchange, late)) == []
    morning = Quote("SPY", px("166"), px("166.01"), qty(100), qty(100), OPEN + 86_400 * 10**9)
    assert trades(happen(exchange, morning)) == [("a", 100, px("166.01"))]


def test_an_auction_order_waits_for_the_close_print_while_quotes_pass() -> None:
    exchange = spy()
    send(exchange, OPEN, buy("a", "SPY", "100", kind=OrderType.MOC))
    assert trades(happen(exchange, *QUOTES[1:])) == []
    closes = pd.Timestamp("2013-10-09 20:00", tz="UTC").value
    day = spy_day(closes)
    assert trades(happen(exchange, day)) == [("a", 100, px("165.60"))]


def test_bars_do_not_fill_again_what_quotes_already_match() -> None:
    exchange = spy()
    send(exchange, OPEN, buy("a", "SPY", "100", limit="164.60"))
    closes = pd.Timestamp("2013-10-09 20:00", tz="UTC").value
    day = spy_day(closes)
    assert happen(exchange, day) == [OrderExpired("a", 0, closes)]
