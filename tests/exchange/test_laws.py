"""Conservation laws, for any trading day that can be drawn.

Money: what fills, fees, settlements and movements say adds up, to the micro, to the cash in the account.
Quantity: what filled is what is held.  Price: no limit fills worse than its limit.  Time: nothing fills by a bar that
was known no later than the order came.  Ends: every order ends once, and says of itself what its fills sum to.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from decimal import Decimal

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from model.instruments import Commission
from model.market import BarClosed, Quote
from model.orders import (
    CashMoved,
    Fill,
    OrderAcked,
    OrderCancelled,
    OrderExpired,
    OrderRejected,
    OrderSpec,
    OrderType,
    Settlement,
    Side,
    TimeInForce,
    VenueFact,
)
from model.units import QTY_SCALE, cash, px
from simulation.exchange import Exchange, MemoryRecord, VenueRules, digest

from .kit import ETF, FUTURE, at, close_of, date_of, venue

MAR = "SP500@202003"
FEES = Commission(per_unit=Decimal("0.5"), share_of_notional=Decimal("0.0003"), per_order=Decimal("1.25"))
SHARE = msgspec.structs.replace(ETF, commission=FEES, borrow_bps_year=Decimal("123.45"))
LISTED = {"CSPX": SHARE, "SP500": msgspec.structs.replace(FUTURE, commission=FEES)}
START_CASH = cash("1000000")
TICK = {"CSPX": px("0.01"), MAR: px("0.25")}
WITH_LIMIT = (OrderType.LIMIT, OrderType.LOO, OrderType.LOC)

Deed = tuple[int, BarClosed | Quote | OrderSpec | str]

names = st.sampled_from(["CSPX", MAR])
cents = st.integers(min_value=360, max_value=440)  # in quarters: 90.00 to 110.00, on both tick grids


def price(quarters: int) -> int:
    return quarters * px("0.25")


@st.composite
def bars(draw: st.DrawFn, day: int) -> BarClosed:
    o, c, a, b = (draw(cents) for _ in range(4))
    high, low = max(o, c, a, b), min(o, c, a, b)
    if draw(st.booleans()):
        o = high = low = c
    volume = draw(st.integers(min_value=0, max_value=60)) * QTY_SCALE
    return BarClosed(draw(names), date_of(day), price(o), price(high), price(low), price(c), volume, close_of(day))


@st.composite
def quotes(draw: st.DrawFn, at_ns: int) -> Quote:
    bid = draw(cents)
    ask = bid + draw(st.integers(min_value=-1, max_value=4))
    sizes = st.integers(min_value=0, max_value=30)
    return Quote(draw(names), price(bid), price(ask), draw(sizes) * QTY_SCALE, draw(sizes) * QTY_SCALE, at_ns)


@st.composite
def orders(draw: st.DrawFn, at_ns: int) -> OrderSpec:
    kind = draw(st.sampled_from(list(OrderType)))
    tif = draw(st.sampled_from(list(TimeInForce)))
    return OrderSpec(
        client_id=f"o{draw(st.integers(min_value=0, max_value=40))}",
        instrument=draw(names),
        side=draw(st.sampled_from(list(Side))),
        quantity=draw(st.integers(min_value=1, max_value=25)) * QTY_SCALE,
        type=kind,
        tif=tif,
        limit=price(draw(cents)) if kind in WITH_LIMIT else 0,
        expires_ns=at_ns + draw(st.integers(min_value=1, max_value=4)) * 10**13 if tif is TimeInForce.GTD else 0,
    )


@st.composite
def days(draw: st.DrawFn) -> list[Deed]:
    """Up to six days: orders, quotes and cancels in the morning, bars at the close, orders right after it."""
    deeds: list[Deed] = []
    for day in range(draw(st.integers(min_value=2, max_value=6))):
        for hour in range(8, 8 + draw(st.integers(min_value=0, max_value=6))):
            now = at(day, hour)
            deeds.append((now, draw(st.one_of(orders(now), quotes(now), st.sampled_from(["o0", "o1", "o2"])))))
        deeds += [(close_of(day), draw(bars(day))) for _ in range(draw(st.integers(min_value=0, max_value=2)))]
        deeds += [
            (close_of(day), draw(orders(close_of(day)))) for _ in range(draw(st.integers(min_value=0, max_value=4)))
        ]
    return deeds


rules = st.builds(
    VenueRules,
    latency_ns=st.sampled_from([0, 10**9, 2 * 3_600 * 10**9]),
    bar_share_bps=st.sampled_from([0, 2_500]),
    unknown_size_fills=st.booleans(),
    touch_fills=st.booleans(),
    margin=st.booleans(),
)


def do(exchange: Exchange, deed: Deed) -> list[VenueFact]:
    at_ns, what = deed
    if isinstance(what, BarClosed):
        exchange.on_bar(what)
    elif isinstance(what, Quote):
        exchange.on_quote(what)
    elif isinstance(what, OrderSpec):
        exchange.submit(what, at_ns)
    else:
        exchange.cancel(what, at_ns)
    return exchange.take(at_ns)


def live(exchange: Exchange, deeds: list[Deed]) -> list[VenueFact]:
    facts = [fact for deed in deeds for fact in do(exchange, deed)]
    return facts + exchange.take(at(15, 0))


def new(rules: VenueRules, record: MemoryRecord | None = None) -> Exchange:
    return venue(instruments=LISTED, rules=rules, record=record)


def fills_of(facts: list[VenueFact]) -> list[Fill]:
    return [fact for fact in facts if isinstance(fact, Fill)]


@given(days(), rules)
@settings(max_examples=60, deadline=None)
def test_money_and_quantity_are_conserved(deeds: list[Deed], rules: VenueRules) -> None:
    exchange = new(rules)
    facts = live(exchange, deeds)
    expected = START_CASH
    held: Counter[str] = Counter()
    for fact in facts:
        if isinstance(fact, Fill):
            expected -= fact.fee
            held[fact.instrument] += fact.side * fact.quantity
            if fact.instrument == "CSPX":
                expected -= LISTED["CSPX"].value(fact.price, fact.side * fact.quantity)
        elif isinstance(fact, Settlement):
            expected += sum(line.amount for line in fact.lines)
        elif isinstance(fact, CashMoved):
            expected += fact.amount
    assert exchange.account.cash == {"USD": expected}
    assert {p.instrument: p.quantity for p in exchange.snapshot("s", 0).positions} == {
        k: v for k, v in held.items() if v
    }


@given(days(), rules)
@settings(max_examples=60, deadline=None)
def test_variation_is_the_profit_of_the_trades_against_the_last_settlement(
    deeds: list[Deed], rules: VenueRules
) -> None:
    facts = live(new(rules), deeds)
    settled = sum(line.amount for fact in facts if isinstance(fact, Settlement) for line in fact.lines)
    last = [(line.settle, fact.at_ns) for fact in facts if isinstance(fact, Settlement) for line in fact.lines]
    if last:
        reference, until = last[-1]
        profit = sum(
            LISTED["SP500"].value(reference - fill.price, fill.side * fill.quantity)
            for fill in fills_of(facts)
            if fill.instrument == MAR and fill.at_ns <= until
        )
        assert settled == profit


@given(days(), rules)
@settings(max_examples=60, deadline=None)
def test_no_fill_is_worse_than_its_limit_nor_by_a_bar_known_before_the_order_came(
    deeds: list[Deed], rules: VenueRules
) -> None:
    exchange = new(rules)
    facts = live(exchange, deeds)
    arrived = {fact.client_id: fact.at_ns for fact in facts if isinstance(fact, OrderAcked)}
    known = {(what.instrument, what.at_ns): what for _, what in deeds if isinstance(what, BarClosed)}
    specs: dict[str, OrderSpec] = {}
    for _, what in deeds:
        if isinstance(what, OrderSpec):
            specs.setdefault(what.client_id, what)
    for fill in fills_of(facts):
        spec = specs[fill.client_id]
        assert spec.type not in WITH_LIMIT or (fill.price - spec.limit) * spec.side <= 0
        assert fill.price % TICK[fill.instrument] == 0
        assert fill.at_ns >= arrived[fill.client_id]
        if (fill.instrument, fill.at_ns) in known:
            assert fill.at_ns > arrived[fill.client_id]


@given(days(), rules)
@settings(max_examples=60, deadline=None)
def test_every_order_ends_once_and_its_fills_sum_to_what_it_says(deeds: list[Deed], rules: VenueRules) -> None:
    exchange = new(rules)
    facts = live(exchange, deeds)
    filled: defaultdict[str, int] = defaultdict(int)
    ends: Counter[str] = Counter()
    for fact in facts:
        if isinstance(fact, Fill):
            filled[fact.client_id] += fact.quantity
        elif isinstance(fact, OrderCancelled | OrderExpired):
            ends[fact.client_id] += 1
            assert fact.filled == filled[fact.client_id]
        elif isinstance(fact, OrderRejected) and fact.code != "DUPLICATE_ID":
            ends[fact.client_id] += 1
    assert all(count == 1 for count in ends.values())
    assert len({fill.exec_id for fill in fills_of(facts)}) == len(fills_of(facts))
    snapshot = exchange.snapshot("s", 0)
    for order in snapshot.orders:
        assert order.filled == filled[order.client_id] < order.quantity
    assert {o.client_id for o in snapshot.orders}.isdisjoint(o.client_id for o in snapshot.closed)
    assert {(o.client_id, o.filled) for o in snapshot.closed} == {
        (o.client_id, filled[o.client_id]) for o in snapshot.closed
    }


@given(days(), rules, st.data())
@settings(max_examples=60, deadline=None)
def test_a_resumed_venue_cannot_be_told_from_an_unbroken_one(
    deeds: list[Deed], rules: VenueRules, data: st.DataObject
) -> None:
    whole, broken = MemoryRecord(), MemoryRecord()
    live(new(rules, whole), deeds)
    cut = data.draw(st.integers(min_value=0, max_value=len(deeds)))
    exchange = new(rules, broken)
    for deed in deeds[:cut]:
        do(exchange, deed)
    live(new(rules, broken), deeds[cut:])
    assert digest(broken) == digest(whole)
