"""Every request that ib_async writes is read as what was asked, to the last field."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import ib_async
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ib_async import Client
from ib_async.order import OrderComboLeg

from simulation.tws import requests as ask
from simulation.tws.codec import decode_request, encode_request, fields_of
from simulation.tws.requests import ClientMessage, PlaceOrder
from simulation.tws.terms import ComboLeg, Contract, DeltaNeutral, ExecutionFilter, Order

from .kit import CONDITIONS, GATES, PLAIN, REQUESTS, as_said
from .library import BENCHMARK, CONTRACT_NAMES, NEUTRAL_REST, ORDER_NAMES, SCALE_REST, UNSET_FLOAT, UNSET_INT, written

AAPL = ib_async.Stock("AAPL", "SMART", "USD", conId=265598, primaryExchange="NASDAQ", secIdType="ISIN", secId="US1")
APPLE = Contract(
    con_id=265598, symbol="AAPL", sec_type="STK", exchange="SMART", primary_exchange="NASDAQ", currency="USD"
)
SPREAD = ib_async.Bag(
    symbol="SPY",
    exchange="SMART",
    currency="USD",
    comboLegs=[ib_async.ComboLeg(1, 1, "BUY", "SMART"), ib_async.ComboLeg(2, 3, "SELL", "CBOE")],
)
LEGS = (
    ComboLeg(con_id=1, ratio=1, action="BUY", exchange="SMART"),
    ComboLeg(con_id=2, ratio=3, action="SELL", exchange="CBOE"),
)
BAG = Contract(symbol="SPY", sec_type="BAG", exchange="SMART", currency="USD")

SAID: tuple[tuple[Callable[[Client], Any], ClientMessage], ...] = (
    (lambda c: c.startApi(), ask.StartApi(client_id=-1)),
    (lambda c: c.reqIds(3), ask.ReqIds(count=3)),
    (lambda c: c.reqManagedAccts(), ask.ReqManagedAccounts()),
    (lambda c: c.reqCurrentTime(), ask.ReqCurrentTime()),
    (lambda c: c.setServerLogLevel(5), ask.SetServerLogLevel(level=5)),
    (lambda c: c.reqPositions(), ask.ReqPositions()),
    (lambda c: c.cancelPositions(), ask.CancelPositions()),
    (lambda c: c.reqOpenOrders(), ask.ReqOpenOrders()),
    (lambda c: c.reqAllOpenOrders(), ask.ReqAllOpenOrders()),
    (lambda c: c.reqAutoOpenOrders(True), ask.ReqAutoOpenOrders(bind=True)),
    (lambda c: c.reqCompletedOrders(True), ask.ReqCompletedOrders(api_only=True)),
    (lambda c: c.reqAccountUpdates(True, "DU1"), ask.ReqAccountUpdates(subscribe=True, account="DU1")),
    (
        lambda c: c.reqAccountUpdatesMulti(7, "DU1", "M", True),
        ask.ReqAccountUpdatesMulti(req_id=7, account="DU1", model="M", ledger=True),
    ),
    (lambda c: c.cancelAccountUpdatesMulti(7), ask.CancelAccountUpdatesMulti(req_id=7)),
    (lambda c: c.reqPositionsMulti(7, "DU1", "M"), ask.ReqPositionsMulti(req_id=7, account="DU1", model="M")),
    (lambda c: c.cancelPositionsMulti(7), ask.CancelPositionsMulti(req_id=7)),
    (
        lambda c: c.reqAccountSummary(7, "All", "NetLiquidation,TotalCashValue"),
        ask.ReqAccountSummary(req_id=7, group="All", tags="NetLiquidation,TotalCashValue"),
    ),
    (lambda c: c.cancelAccountSummary(7), ask.CancelAccountSummary(req_id=7)),
    (
        lambda c: c.reqExecutions(7, ib_async.ExecutionFilter(3, "DU1", "20261120-", "AAPL", "STK", "SMART", "BUY")),
        ask.ReqExecutions(req_id=7, filter=ExecutionFilter(
            client_id=3, account="DU1", time="20261120-", symbol="AAPL", sec_type="STK", exchange="SMART", side="BUY",
        )),
    ),
    (lambda c: c.reqMarketDataType(3), ask.ReqMarketDataType(kind=3)),
    (
        lambda c: c.reqMktData(7, AAPL, "100,233", True, False, []),
        ask.ReqMarketData(req_id=7, contract=APPLE, generic_ticks="100,233", snapshot=True),
    ),
    (
        lambda c: c.reqMktData(7, SPREAD, "", False, False, [ib_async.TagValue("a", "b")]),
        ask.ReqMarketData(
            req_id=7, contract=msgspec.structs.replace(BAG, legs=LEGS), options="a=b;"
        ),
    ),
    (
        lambda c: c.reqMktData(7, ib_async.Contract(deltaNeutralContract=ib_async.DeltaNeutralContract(1, 0.5, 10.0)),
                               "", False, False, []),
        ask.ReqMarketData(req_id=7, contract=Contract(delta_neutral=DeltaNeutral(1, 0.5, 10.0))),
    ),
    (lambda c: c.cancelMktData(7), ask.CancelMarketData(req_id=7)),
    (
        lambda c: c.reqHistoricalData(7, AAPL, "20261120 16:00:00 EST", "1 D", "5 mins", "TRADES", 1, 2, True, []),
        ask.ReqHistoricalData(
            req_id=7, contract=APPLE, end="20261120 16:00:00 EST", duration="1 D", bar_size="5 mins",
            what="TRADES", use_rth=True, format_date=2, keep_up_to_date=True,
        ),
    ),
    (
        lambda c: c.reqHistoricalData(7, SPREAD, "", "1 D", "5 mins", "MIDPOINT", 0, 1, False, []),
        ask.ReqHistoricalData(
            req_id=7, contract=msgspec.structs.replace(BAG, legs=LEGS), duration="1 D", bar_size="5 mins",
            what="MIDPOINT", use_rth=False,
        ),
    ),
    (lambda c: c.cancelHistoricalData(7), ask.CancelHistoricalData(req_id=7)),
    (
        lambda c: c.reqHeadTimeStamp(7, AAPL, "TRADES", True, 2),
        ask.ReqHeadTimestamp(req_id=7, contract=APPLE, what="TRADES", use_rth=True, format_date=2),
    ),
    (lambda c: c.cancelHeadTimeStamp(7), ask.CancelHeadTimestamp(req_id=7)),
    (
        lambda c: c.reqHistoricalTicks(7, AAPL, "a", "b", 1000, "BID_ASK", True, True, []),
        ask.ReqHistoricalTicks(
            req_id=7, contract=APPLE, start="a", end="b", count=1000, what="BID_ASK", use_rth=True, ignore_size=True
        ),
    ),
    (
        lambda c: c.reqRealTimeBars(7, AAPL, 5, "TRADES", False, []),
        ask.ReqRealTimeBars(req_id=7, contract=APPLE, bar_size=5, what="TRADES", use_rth=False),
    ),
    (lambda c: c.cancelRealTimeBars(7), ask.CancelRealTimeBars(req_id=7)),
    (
        lambda c: c.reqTickByTickData(7, AAPL, "BidAsk", 10, True),
        ask.ReqTickByTick(req_id=7, contract=APPLE, kind="BidAsk", count=10, ignore_size=True),
    ),
    (lambda c: c.cancelTickByTickData(7), ask.CancelTickByTick(req_id=7)),
    (
        lambda c: c.reqSecDefOptParams(7, "SPX", "CME", "IND", 416904),
        ask.ReqOptionChain(req_id=7, symbol="SPX", future_exchange="CME", sec_type="IND", con_id=416904),
    ),
    (lambda c: c.reqMatchingSymbols(7, "appl"), ask.ReqMatchingSymbols(req_id=7, pattern="appl")),
    (lambda c: c.reqMarketRule(26), ask.ReqMarketRule(rule_id=26)),
    (lambda c: c.reqPnL(7, "DU1", "M"), ask.ReqPnl(req_id=7, account="DU1", model="M")),
    (lambda c: c.cancelPnL(7), ask.CancelPnl(req_id=7)),
    (lambda c: c.reqPnLSingle(7, "DU1", "M", 9), ask.ReqPnlSingle(req_id=7, account="DU1", model="M", con_id=9)),
    (lambda c: c.cancelPnLSingle(7), ask.CancelPnlSingle(req_id=7)),
    (lambda c: c.cancelOrder(11), ask.CancelOrder(order_id=11)),
    (lambda c: c.reqGlobalCancel(), ask.GlobalCancel()),
    (lambda c: c.reqMktDepth(7, AAPL, 5, True, []), ask.UnknownRequest(number=10, fields=(
        "5", "7", "265598", "AAPL", "STK", "", "0.0", "", "", "SMART", "NASDAQ", "USD", "", "", "5", "1", "",
    ))),
)  # fmt: skip


def plain(fields: list[str]) -> list[str]:
    """Fields with whole numbers spelled as gateways do."""
    return [field.removesuffix(".0") for field in fields]


@pytest.mark.parametrize("version", GATES)
def test_every_request_of_the_library_is_read_as_what_was_asked(version: int) -> None:
    for say, meant in SAID:
        (fields,) = written(version, say)
        said = decode_request(fields, version)
        assert said == meant
        assert plain(fields_of(encode_request(said, version))) == plain(fields)


def test_every_kind_of_request_was_tried() -> None:
    tried = {type(meant) for _, meant in SAID} | {PlaceOrder, ask.ReqContractDetails}
    assert set(REQUESTS) - tried == set()


def test_a_contract_is_asked_for_with_all_that_identifies_it_and_its_issuer_from_176() -> None:
    asked = ib_async.Contract(**{**vars(AAPL), "issuerId": "e1", "includeExpired": True, "tradingClass": "NMS"})
    for version in GATES:
        (fields,) = written(version, lambda client: client.reqContractDetails(7, asked))
        meant = msgspec.structs.replace(
            APPLE, issuer_id="e1" if version >= 176 else "", include_expired=True, sec_id_type="ISIN", sec_id="US1",
            trading_class="NMS",
        )  # fmt: skip
        assert decode_request(fields, version) == ask.ReqContractDetails(req_id=7, contract=meant)


def test_the_cancel_of_an_order_says_its_time_from_169() -> None:
    for version, time in ((166, ""), (169, "20261120-10:00:00"), (178, "20261120-10:00:00")):
        (fields,) = written(version, lambda client: client.cancelOrder(11, "20261120-10:00:00"))
        assert decode_request(fields, version) == ask.CancelOrder(order_id=11, manual_time=time)


FLOATS = st.floats(allow_nan=False, allow_infinity=False, width=32)
INTS = st.integers(-(2**31), 2**31 - 2)


def their_values(default: Any) -> st.SearchStrategy[Any]:
    """Values of a field of the library that begins as this."""
    if type(default) is bool:
        return st.booleans()
    if type(default) is int:
        return st.just(default) | INTS
    return st.just(default) | (FLOATS if type(default) is float else PLAIN)


def their_condition(raw: tuple[str, ...]) -> Any:
    kind = ib_async.OrderCondition.createClass(int(raw[0]))
    types: list[Any] = [type(field.default) for field in dataclasses.fields(kind)]
    made = (bool(int(text)) if of is bool else of(text) for of, text in zip(types, raw, strict=True))
    return kind(*made)


TAGS = st.lists(st.builds(ib_async.TagValue, PLAIN, PLAIN), max_size=3)
ORDER_TYPES = st.sampled_from(["LMT", "VOL", "PEG BENCH", "PEGBENCH", "PEG BEST", "PEGBEST", "PEG MID", "PEGMID"])
LEG = st.builds(ib_async.ComboLeg, INTS, INTS, PLAIN, PLAIN, INTS, INTS, PLAIN, INTS)
BY_HAND = {
    "orderType": ORDER_TYPES,
    "conditions": (st.just(()) | CONDITIONS).map(lambda raws: [their_condition(raw) for raw in raws]),
    "competeAgainstBestOffset": st.just(math.inf) | st.just(UNSET_FLOAT) | FLOATS,
    "algoParams": TAGS,
    "smartComboRoutingParams": TAGS,
    "orderMiscOptions": TAGS,
    "orderComboLegs": st.lists(st.builds(OrderComboLeg, st.just(UNSET_FLOAT) | FLOATS), max_size=3),
    "softDollarTier": st.builds(ib_async.SoftDollarTier, PLAIN, PLAIN),
}
ORDERS = st.builds(
    ib_async.Order,
    **{
        field.name: BY_HAND.get(field.name, their_values(field.default)) for field in dataclasses.fields(ib_async.Order)
    },
)
CONTRACTS = st.builds(
    ib_async.Contract,
    secType=st.sampled_from(["STK", "FUT", "OPT", "BAG"]),
    exchange=st.sampled_from(["SMART", "IBKRATS"]),
    conId=INTS,
    symbol=PLAIN,
    strike=FLOATS,
    right=st.sampled_from(["", "C", "P"]),
    **dict.fromkeys(("primaryExchange", "tradingClass", "currency", "localSymbol", "secIdType", "secId"), PLAIN),
    **dict.fromkeys(("lastTradeDateOrContractMonth", "multiplier"), PLAIN),
    comboLegs=st.lists(LEG, max_size=3),
    deltaNeutralContract=st.none() | st.builds(ib_async.DeltaNeutralContract, INTS, FLOATS, FLOATS),
)


def printed(value: Any) -> str:
    """A value as the library's client prints it."""
    if isinstance(value, bool):
        return "1" if value else "0"
    return "" if value in (UNSET_INT, UNSET_FLOAT) else str(value)


def raw(order: ib_async.Order, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(printed(getattr(order, name)) for name in names)


def ours(value: Any) -> Any:
    return None if value in (UNSET_INT, UNSET_FLOAT) else value


def pairs(tags: list[ib_async.TagValue]) -> tuple[tuple[str, str], ...]:
    return tuple((each.tag, each.value) for each in tags)


def our_contract(theirs: ib_async.Contract) -> Contract:
    legs = tuple(
        ComboLeg(
            con_id=leg.conId,
            ratio=leg.ratio,
            action=leg.action,
            exchange=leg.exchange,
            open_close=leg.openClose,
            short_sale_slot=leg.shortSaleSlot,
            designated_location=leg.designatedLocation,
            exempt_code=leg.exemptCode,
        )
        for leg in theirs.comboLegs
    )
    neutral = theirs.deltaNeutralContract
    return Contract(
        **{name: getattr(theirs, by) for name, by in CONTRACT_NAMES.items()},
        legs=legs,
        delta_neutral=DeltaNeutral(neutral.conId, neutral.delta, neutral.price) if neutral else None,
    )


def our_order(theirs: ib_async.Order) -> Order:
    scale = raw(theirs, SCALE_REST)
    mifid = ("mifid2DecisionMaker", "mifid2DecisionAlgo", "mifid2ExecutionTrader", "mifid2ExecutionAlgo")
    return Order(
        **{name: ours(getattr(theirs, by)) for name, by in ORDER_NAMES.items()},
        conditions=tuple(tuple(map(printed, dataclasses.astuple(each))) for each in theirs.conditions),
        benchmark=raw(theirs, BENCHMARK),
        scale_rest=() if scale == ("", "", "", "0", "", "", "0") else scale,
        delta_neutral_rest=raw(theirs, NEUTRAL_REST),
        algo_params=pairs(theirs.algoParams),
        combo_params=pairs(theirs.smartComboRoutingParams),
        combo_prices=tuple(ours(leg.price) for leg in theirs.orderComboLegs),
        misc_options="".join(f"{each.tag}={each.value};" for each in theirs.orderMiscOptions),
        soft_tier=(theirs.softDollarTier.name, theirs.softDollarTier.val, ""),
        mifid=raw(theirs, mifid),  # type: ignore[arg-type]
    )


@settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(CONTRACTS, ORDERS)
def test_any_order_that_the_library_can_write_is_read_to_the_last_field(
    contract: ib_async.Contract, order: ib_async.Order
) -> None:
    for version in GATES:
        (fields,) = written(version, lambda client: client.placeOrder(11, contract, order))
        meant = PlaceOrder(order_id=11, contract=our_contract(contract), order=our_order(order))
        said = decode_request(fields, version)
        assert said == as_said(meant, version)
        assert plain(fields_of(encode_request(said, version))) == plain(fields)


def test_a_plain_stock_order_at_178_has_114_fields() -> None:
    """As measured with an unmodified client; before 158 there are five fewer, and fa profile one more."""
    order = ib_async.MarketOrder("BUY", 100)
    lengths = {version: len(written(version, lambda c: c.placeOrder(1, AAPL, order))[0]) for version in GATES}
    assert lengths[178] == 114
    assert lengths == {
        157: 110, 158: 111, 159: 111, 160: 112, 162: 113, 163: 113, 164: 113, 166: 114, 169: 115, 170: 115, 176: 115,
        177: 114, 178: 114,
    }  # fmt: skip


def test_a_bracket_is_three_orders_of_which_only_the_last_is_sent_on() -> None:
    class Ids:
        def getReqId(self) -> int:  # noqa: N802 - the library's name
            return next(ids)

    ids = iter((21, 22, 23))
    bracket = ib_async.IB.bracketOrder(SimpleNamespace(client=Ids()), "BUY", 100, 10.0, 12.0, 9.0)
    frames = [written(178, partial(Client.placeOrder, orderId=o.orderId, contract=AAPL, order=o))[0] for o in bracket]
    placed = [decode_request(fields, 178) for fields in frames]
    assert all(isinstance(each, PlaceOrder) for each in placed)
    said = [
        (p.order_id, p.order.parent_id, p.order.order_type, p.order.limit, p.order.aux, p.order.transmit)
        for p in placed
        if isinstance(p, PlaceOrder)
    ]
    assert said == [
        (21, 0, "LMT", 10.0, None, False),
        (22, 21, "LMT", 12.0, None, False),
        (23, 21, "STP", None, 9.0, True),
    ]


def test_an_adaptive_order_carries_its_algorithm() -> None:
    order = ib_async.LimitOrder("BUY", 100, 10.0, algoStrategy="Adaptive")
    order.algoParams = [ib_async.TagValue("adaptivePriority", "Patient")]
    (fields,) = written(178, lambda client: client.placeOrder(1, AAPL, order))
    placed = decode_request(fields, 178)
    assert isinstance(placed, PlaceOrder)
    assert (placed.order.algo_strategy, placed.order.algo_params) == ("Adaptive", (("adaptivePriority", "Patient"),))
