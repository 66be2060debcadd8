"""Eighteen recorded days of EURUSD, crossed rows included: every fill is held against the recording."""

from __future__ import annotations

import random
from bisect import bisect_right
from decimal import Decimal

import pyarrow.parquet as pq
import pytest

from config.calendars import Calendars
from model.instruments import Instrument, Kind, TickStep
from model.market import Quote
from model.orders import Fill, OrderAcked, OrderSpec, OrderType, Side, TimeInForce, VenueFact
from model.units import QTY_SCALE, px, px_from_float
from simulation.exchange import MemoryRecord, VenueRules, digest

from .kit import SHARED, venue

SEED = 20140508
EURUSD = Instrument(
    id="EURUSD",
    kind=Kind.FX_SPOT,
    venue="IDEALPRO",
    currency="USD",
    calendar="24x5",
    underlying="EUR",
    lot=Decimal(1000),
    ticks=(TickStep(Decimal(0), Decimal("0.00001")),),
)


def recording() -> list[Quote]:
    table = pq.read_table(SHARED / "europe" / "intraday_1min_quotes.parquet", filters=[("symbol", "=", "EURUSD")])
    rows = table.to_pandas().sort_values("ts", kind="stable").drop_duplicates("ts")
    return [
        Quote("EURUSD", px_from_float(round(bid, 5)), px_from_float(round(ask, 5)), 0, 0, ts.value)
        for ts, bid, ask in zip(rows.ts, rows.bid.tolist(), rows.ask.tolist(), strict=True)
    ]


QUOTES = recording()


def traded(seed: int) -> tuple[list[VenueFact], dict[str, OrderSpec], str]:
    """Send an order every twenty quotes: market or limit, within eight pips of the bid, of any life."""
    draw = random.Random(seed)
    record = MemoryRecord()
    exchange = venue(
        instruments={"EURUSD": EURUSD},
        sessions={"24x5": Calendars(20110101, 20181231).sessions("24x5")},
        money="100000000",
        rates={"EUR": "1.3"},
        rules=VenueRules(unknown_size_fills=True),
        record=record,
    )
    facts: list[VenueFact] = []
    sent: dict[str, OrderSpec] = {}
    for i, quote in enumerate(QUOTES):
        exchange.on_quote(quote)
        if i % 20 == 0:
            limit = quote.bid + draw.randint(-80, 80) * px("0.00001")
            kind = draw.choice([OrderType.MARKET, OrderType.LIMIT, OrderType.LIMIT])
            order = OrderSpec(
                client_id=f"o{i}",
                instrument="EURUSD",
                side=draw.choice([Side.BUY, Side.SELL]),
                quantity=draw.randint(1, 50) * 1_000 * QTY_SCALE,
                type=kind,
                tif=draw.choice([TimeInForce.DAY, TimeInForce.GTC, TimeInForce.IOC]),
                limit=limit if kind is OrderType.LIMIT else 0,
            )
            sent[order.client_id] = order
            exchange.submit(order, quote.at_ns)
        facts += exchange.take(quote.at_ns)
    return facts, sent, digest(record)


@pytest.fixture(scope="module")
def story() -> tuple[list[VenueFact], dict[str, OrderSpec], str]:
    return traded(SEED)


def test_every_fill_is_at_a_price_the_market_showed(story: tuple[list[VenueFact], dict[str, OrderSpec], str]) -> None:
    facts, sent, _ = story
    moments = [quote.at_ns for quote in QUOTES]
    arrived = {fact.client_id: fact.at_ns for fact in facts if isinstance(fact, OrderAcked)}
    fills = [fact for fact in facts if isinstance(fact, Fill)]
    assert len(fills) > 300, f"seed {SEED}"
    for fill in fills:
        order = sent[fill.client_id]
        quote = QUOTES[bisect_right(moments, fill.at_ns) - 1]
        other_side = quote.ask if fill.side is Side.BUY else quote.bid
        assert quote.bid <= quote.ask, f"{fill} on a crossed quote, seed {SEED}"
        if order.type is OrderType.LIMIT and fill.at_ns > arrived[fill.client_id]:
            assert fill.price == order.limit
            assert (order.limit - other_side) * fill.side >= 0
        else:
            assert fill.price == other_side


def test_what_rests_at_the_end_was_never_touched(story: tuple[list[VenueFact], dict[str, OrderSpec], str]) -> None:
    """A good-till-cancelled limit did not fill: no uncrossed quote after it came had the other side at its price."""
    facts, sent, _ = story
    arrived = {fact.client_id: fact.at_ns for fact in facts if isinstance(fact, OrderAcked)}
    filled = {fact.client_id for fact in facts if isinstance(fact, Fill)}
    left = [
        o for o in sent.values() if o.tif is TimeInForce.GTC and o.type is OrderType.LIMIT and o.client_id not in filled
    ]
    assert left, f"seed {SEED}"
    sessions = Calendars(20110101, 20181231).sessions("24x5")
    open_quotes = [q for q in QUOTES if q.bid <= q.ask and sessions.open_at(q.at_ns) is not None]
    for order in left:
        if order.client_id in arrived:
            seen = [q for q in open_quotes if q.at_ns >= arrived[order.client_id]]
            assert all((order.limit - (q.ask if order.side is Side.BUY else q.bid)) * order.side < 0 for q in seen)


def test_the_recording_traded_twice_leaves_the_same_record(
    story: tuple[list[VenueFact], dict[str, OrderSpec], str],
) -> None:
    assert traded(SEED)[2] == story[2]
