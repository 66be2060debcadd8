"""Every reply that we write arrives in ib_async as the values that were said."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulation.tws import replies as tell
from simulation.tws.codec.kinds import number_text
from simulation.tws.replies import CompletedOrder, ContractData, ExecDetails, OpenOrder, ServerMessage
from simulation.tws.terms import Contract, ContractDetails, Execution, HistoricalBar

from .kit import GATES, PLAIN, REPLIES, as_said, structs
from .library import (
    BENCHMARK,
    CONTRACT_NAMES,
    NEUTRAL_REST,
    SCALE_REST,
    STATE_NAMES,
    contract_of,
    heard,
    order_of,
)

WIDE = list(HealthCheck)
Call = tuple[str, tuple[Any, ...]]
HUGE = 1.7976931348623157e308

PLAINLY: dict[type, Callable[[Any], Call]] = {
    tell.NextValidId: lambda m: ("nextValidId", (m.order_id,)),
    tell.ManagedAccounts: lambda m: ("managedAccounts", (m.accounts,)),
    tell.ErrorMessage: lambda m: ("error", (m.req_id, m.code, m.text, m.reject_json)),
    tell.CurrentTime: lambda m: ("currentTime", (m.epoch_s,)),
    tell.TickPrice: lambda m: ("priceSizeTick", (m.req_id, m.kind, m.price, m.size)),
    tell.TickSize: lambda m: ("tickSize", (m.req_id, m.kind, m.size)),
    tell.TickGeneric: lambda m: ("tickGeneric", (m.req_id, m.kind, m.value)),
    tell.TickString: lambda m: ("tickString", (m.req_id, m.kind, m.value)),
    tell.TickSnapshotEnd: lambda m: ("tickSnapshotEnd", (m.req_id,)),
    tell.MarketDataType: lambda m: ("marketDataType", (m.req_id, m.kind)),
    tell.TickReqParams: lambda m: ("tickReqParams", (m.req_id, m.min_tick, m.bbo_exchange, m.snapshot_permissions)),
    tell.ContractDataEnd: lambda m: ("contractDetailsEnd", (m.req_id,)),
    tell.PositionEnd: lambda _: ("positionEnd", ()),
    tell.PositionMultiEnd: lambda m: ("positionMultiEnd", (m.req_id,)),
    tell.AccountValue: lambda m: ("updateAccountValue", (m.key, m.value, m.currency, m.account)),
    tell.AccountTime: lambda m: ("updateAccountTime", (m.time,)),
    tell.AccountDownloadEnd: lambda m: ("accountDownloadEnd", (m.account,)),
    tell.AccountUpdateMulti: lambda m: (
        "accountUpdateMulti", (m.req_id, m.account, m.model, m.key, m.value, m.currency),
    ),
    tell.AccountUpdateMultiEnd: lambda m: ("accountUpdateMultiEnd", (m.req_id,)),
    tell.AccountSummary: lambda m: ("accountSummary", (m.req_id, m.account, m.tag, m.value, m.currency)),
    tell.AccountSummaryEnd: lambda m: ("accountSummaryEnd", (m.req_id,)),
    tell.OrderStatus: lambda m: (
        "orderStatus",
        (
            m.order_id, m.status, m.filled, m.remaining, m.average_price, m.perm_id, m.parent_id, m.last_price,
            m.client_id, m.why_held, m.cap_price,
        ),
    ),
    tell.OpenOrderEnd: lambda _: ("openOrderEnd", ()),
    tell.CompletedOrdersEnd: lambda _: ("completedOrdersEnd", ()),
    tell.ExecDetailsEnd: lambda m: ("execDetailsEnd", (m.req_id,)),
    tell.RealTimeBar: lambda m: (
        "realtimeBar", (m.req_id, m.epoch_s, m.open, m.high, m.low, m.close, m.volume, m.average, m.count),
    ),
    tell.OptionChain: lambda m: (
        "securityDefinitionOptionParameter",
        (
            m.req_id, m.exchange, str(m.under_con_id), m.trading_class, m.multiplier, list(m.expirations),
            list(m.strikes),
        ),
    ),
    tell.OptionChainEnd: lambda m: ("securityDefinitionOptionParameterEnd", (m.req_id,)),
    tell.HeadTimestamp: lambda m: ("headTimestamp", (m.req_id, m.time)),
    tell.Pnl: lambda m: ("pnl", (m.req_id, m.daily, m.unrealized, m.realized)),
    tell.PnlSingle: lambda m: ("pnlSingle", (m.req_id, m.quantity, m.daily, m.unrealized, m.realized, m.value)),
    tell.TickByTickMidPoint: lambda m: ("tickByTickMidPoint", (m.req_id, m.epoch_s, m.price)),
}  # fmt: skip
"""Replies whose values the library hands on as they are."""


@pytest.mark.parametrize("kind", PLAINLY, ids=lambda kind: kind.__name__)
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=WIDE)
@given(data=st.data())
def test_a_plain_reply_arrives_as_it_was_said(data: st.DataObject, kind: type) -> None:
    message = data.draw(structs(kind, PLAIN))
    for version in GATES:
        assert heard(message, version) == [PLAINLY[kind](as_said(message, version))]


def test_every_kind_of_reply_is_heard_somewhere_here() -> None:
    of_their_own = {
        OpenOrder, CompletedOrder, ContractData, ExecDetails, tell.Position, tell.PositionMulti, tell.PortfolioValue,
        tell.CommissionReport, tell.TickOption, tell.SymbolSamples, tell.MarketRule, tell.HistoricalData,
        tell.HistoricalUpdate, tell.HistoricalTicks, tell.HistoricalTicksBidAsk, tell.HistoricalTicksLast,
        tell.TickByTickLast, tell.TickByTickBidAsk,
    }  # fmt: skip
    assert set(REPLIES) == set(PLAINLY) | of_their_own


def only_call(message: ServerMessage, version: int = 178) -> Call:
    (call,) = heard(message, version)
    return call


def same_contract(theirs: Any, ours: Contract, right: str = "") -> bool:
    """Whether the library has the contract that we said. right: how an empty one is written there."""
    meant = contract_of(ours) | {"right": ours.right or right}
    return {name: getattr(theirs, name) for name in meant} == meant


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=WIDE)
@given(st.sampled_from(GATES), structs(tell.Position, PLAIN), structs(tell.PositionMulti, PLAIN))
def test_positions_arrive_with_their_contract(version: int, plain: tell.Position, multi: tell.PositionMulti) -> None:
    name, (account, contract, *holding) = only_call(plain, version)
    assert (name, account, holding) == ("position", plain.account, [plain.quantity, plain.average_cost])
    assert same_contract(contract, as_said(plain, version).contract)
    name, (req_id, account, model, contract, *holding) = only_call(multi, version)
    assert (name, req_id, account, model) == ("positionMulti", multi.req_id, multi.account, multi.model)
    assert holding == [multi.quantity, multi.average_cost]
    assert same_contract(contract, as_said(multi, version).contract)


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=WIDE)
@given(st.sampled_from(GATES), structs(tell.PortfolioValue, PLAIN))
def test_a_portfolio_value_arrives_with_the_primary_exchange(version: int, said: tell.PortfolioValue) -> None:
    name, (contract, *values) = only_call(said, version)
    assert name == "updatePortfolio"
    assert values == [
        said.quantity, said.market_price, said.market_value, said.average_cost, said.unrealized, said.realized,
        said.account,
    ]  # fmt: skip
    assert same_contract(contract, as_said(said, version).contract, right="0")


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=WIDE)
@given(structs(ExecDetails, PLAIN))
def test_an_execution_arrives_whole(message: ExecDetails) -> None:
    execution = msgspec.structs.replace(message.execution, time="20261120 10:00:00 US/Eastern")
    message = msgspec.structs.replace(message, execution=execution)
    for version in GATES:
        said: Execution = as_said(message, version).execution
        name, (req_id, contract, theirs) = only_call(message, version)
        assert (name, req_id) == ("execDetails", message.req_id)
        assert same_contract(contract, as_said(message, version).contract)
        assert theirs.time == datetime(2026, 11, 20, 15, tzinfo=UTC)
        assert (
            theirs.execId, theirs.orderId, theirs.clientId, theirs.permId, theirs.acctNumber, theirs.exchange,
            theirs.side, theirs.shares, theirs.price, theirs.cumQty, theirs.avgPrice, theirs.orderRef,
            theirs.liquidation, theirs.evRule, theirs.evMultiplier, theirs.modelCode, theirs.lastLiquidity,
            theirs.pendingPriceRevision,
        ) == (
            said.exec_id, said.order_id, said.client_id, said.perm_id, said.account, said.exchange, said.side,
            said.shares, said.price, said.cum_quantity, said.avg_price, said.order_ref, said.liquidation,
            said.ev_rule, said.ev_multiplier, said.model_code, said.liquidity, said.pending_revision,
        )  # fmt: skip


def test_a_commission_arrives_and_profit_is_the_unset_number_while_opening() -> None:
    opening = tell.CommissionReport(exec_id="0.1.01", commission=1.25, currency="EUR")
    name, (report,) = only_call(opening)
    assert (name, report.realizedPNL, report.yield_, report.yieldRedemptionDate) == ("commissionReport", HUGE, HUGE, 0)
    closing = tell.CommissionReport(
        exec_id="0.1.01", commission=1.25, currency="EUR", realized=-3.5, yield_=0.5, redemption_date=20270101
    )
    assert dataclasses.astuple(only_call(closing)[1][0]) == ("0.1.01", 1.25, "EUR", -3.5, 0.5, 20270101)


def test_greeks_arrive_and_what_is_not_computed_is_below_its_range() -> None:
    known = tell.TickOption(
        req_id=7, kind=13, implied_vol=0.2, delta=-0.5, price=3.0, pv_dividend=0.1, gamma=0.01, vega=0.3, theta=-0.02,
        under_price=100.0,
    )  # fmt: skip
    assert only_call(known) == (
        "tickOptionComputation", (7, 13, 1, 0.2, -0.5, 3.0, 0.1, 0.01, 0.3, -0.02, 100.0)
    )  # fmt: skip
    unknown = only_call(tell.TickOption(req_id=7, kind=10, attribute=0))
    assert unknown == ("tickOptionComputation", (7, 10, 0, -1.0, -2.0, -1.0, -1.0, -2.0, -2.0, -2.0, -1.0))


DETAIL_NAMES = {
    "market_name": "marketName", "min_tick": "minTick", "order_types": "orderTypes",
    "valid_exchanges": "validExchanges", "price_magnifier": "priceMagnifier", "under_con_id": "underConId",
    "long_name": "longName", "contract_month": "contractMonth", "industry": "industry", "category": "category",
    "subcategory": "subcategory", "time_zone": "timeZoneId", "trading_hours": "tradingHours",
    "liquid_hours": "liquidHours", "ev_rule": "evRule", "ev_multiplier": "evMultiplier", "agg_group": "aggGroup",
    "under_symbol": "underSymbol", "under_sec_type": "underSecType", "market_rule_ids": "marketRuleIds",
    "real_expiration_date": "realExpirationDate", "last_trade_time": "lastTradeTime", "stock_type": "stockType",
}  # fmt: skip


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=WIDE)
@given(structs(ContractData, PLAIN))
def test_contract_details_arrive_whole_and_sizes_when_the_version_has_them(message: ContractData) -> None:
    for version in GATES:
        said: ContractDetails = as_said(message, version).details
        name, (req_id, theirs) = only_call(message, version)
        assert (name, req_id) == ("contractDetails", message.req_id)
        assert same_contract(theirs.contract, said.contract)
        meant = {by: getattr(said, ours) for ours, by in DETAIL_NAMES.items()}
        assert {by: getattr(theirs, by) for by in meant} == meant
        assert [(each.tag, each.value) for each in theirs.secIdList] == list(said.sec_ids)
        sizes = (theirs.minSize, theirs.sizeIncrement, theirs.suggestedSizeIncrement)
        ours = (said.min_size, said.size_increment, said.suggested_size_increment)
        assert sizes == ((0.0, 0.0, 0.0) if version < 163 else (0.0, 0.0, ours[2]) if version == 163 else ours)


def test_a_long_name_arrives_with_its_accents_and_backslashes() -> None:
    details = ContractDetails(contract=Contract(), long_name="Société Générale \\n Łódź")
    _, (_, theirs) = only_call(ContractData(req_id=7, details=details))
    assert theirs.longName == "Société Générale \\n Łódź"


def test_an_error_text_is_ascii_on_the_wire() -> None:
    _, (_, _, text, _) = only_call(tell.ErrorMessage(code=200, text="kein Vertrag für Łódź"))
    assert text == "kein Vertrag f\\u00fcr \\u0141\\u00f3d\\u017a"


def test_symbols_arrive_with_derivatives_and_names_from_176() -> None:
    apple = Contract(con_id=265598, symbol="AAPL", sec_type="STK", primary_exchange="NASDAQ", currency="USD",
                     description="APPLE INC", issuer_id="e1")  # fmt: skip
    other = Contract(con_id=1, symbol="AAPL", sec_type="STK", primary_exchange="MEXI", currency="MXN")
    message = tell.SymbolSamples(req_id=7, found=((apple, ("OPT", "CFD")), (other, ())))
    for version, name in ((170, ""), (176, "APPLE INC")):
        _, (req_id, found) = only_call(message, version)
        assert req_id == 7
        assert [(each.contract.conId, each.contract.primaryExchange, each.derivativeSecTypes) for each in found] == [
            (265598, "NASDAQ", ["OPT", "CFD"]), (1, "MEXI", [])
        ]  # fmt: skip
        assert found[0].contract.description == name


def test_market_rules_arrive_as_bands() -> None:
    name, (rule_id, bands) = only_call(tell.MarketRule(rule_id=26, steps=((0.0, 0.0001), (1.0, 0.01))))
    assert (name, rule_id, [tuple(band) for band in bands]) == (
        "marketRule", 26, [(0.0, 0.0001), (1.0, 0.01)]
    )  # fmt: skip


BARS = (
    HistoricalBar("20261119", 10.0, 12.0, 9.0, 11.0, 1000.0, 10.5, 42),
    HistoricalBar("20261120", 11.0, 13.5, 10.0, 12.0, 2000.25, 11.5, 43),
)


def bar_of(theirs: Any) -> HistoricalBar:
    return HistoricalBar(
        theirs.date, theirs.open, theirs.high, theirs.low, theirs.close, theirs.volume, theirs.average, theirs.barCount
    )


def test_history_arrives_bar_by_bar_and_then_its_end() -> None:
    calls = heard(tell.HistoricalData(req_id=7, start="20261119", end="20261120", bars=BARS), 178)
    assert [(name, args[0]) for name, args in calls] == [("historicalData", 7)] * 2 + [("historicalDataEnd", 7)]
    assert tuple(bar_of(args[1]) for _, args in calls[:2]) == BARS
    assert calls[2][1] == (7, "20261119", "20261120")


def test_the_bar_that_runs_arrives_in_its_own_order_of_fields() -> None:
    name, (req_id, bar) = only_call(tell.HistoricalUpdate(req_id=7, bar=BARS[1]))
    assert (name, req_id, bar_of(bar)) == ("historicalDataUpdate", 7, BARS[1])


AT = 1_795_168_800
WHEN = datetime.fromtimestamp(AT, UTC)


def test_historical_ticks_arrive_in_all_three_forms() -> None:
    mids = tell.HistoricalTicks(req_id=7, ticks=((AT, 10.5, 0.0), (AT, 10.25, 1.0)), done=True)
    _, (req_id, ticks, done) = only_call(mids)
    assert (req_id, done) == (7, True)
    assert [(t.time, t.price, t.size) for t in ticks] == [(WHEN, 10.5, 0.0), (WHEN, 10.25, 1.0)]
    quotes = tell.HistoricalTicksBidAsk(req_id=7, ticks=((AT, 1, 10.0, 10.5, 3.0, 4.0),), done=False)
    _, (_, ticks, done) = only_call(quotes)
    assert not done
    assert (ticks[0].priceBid, ticks[0].priceAsk, ticks[0].sizeBid, ticks[0].sizeAsk) == (10.0, 10.5, 3.0, 4.0)
    lasts = tell.HistoricalTicksLast(req_id=7, ticks=((AT, 2, 10.0, 5.0, "ARCA", "T"),), done=True)
    _, (_, ticks, _) = only_call(lasts)
    assert (ticks[0].price, ticks[0].size, ticks[0].exchange, ticks[0].specialConditions) == (10.0, 5.0, "ARCA", "T")
    assert (ticks[0].tickAttribLast.pastLimit, ticks[0].tickAttribLast.unreported) == (False, True)


def test_tick_by_tick_arrives_in_its_forms() -> None:
    last = tell.TickByTickLast(req_id=7, kind=2, epoch_s=AT, price=10.5, size=3.0, attributes=1, exchange="ARCA")
    name, (*values, attributes, exchange, conditions) = only_call(last)
    assert (name, values, exchange, conditions) == ("tickByTickAllLast", [7, 2, AT, 10.5, 3.0], "ARCA", "")
    assert (attributes.pastLimit, attributes.unreported) == (True, False)
    quote = tell.TickByTickBidAsk(req_id=7, epoch_s=AT, bid=10.0, ask=10.5, bid_size=1.0, ask_size=2.0, attributes=2)
    name, (*values, attributes) = only_call(quote)
    assert (name, values) == ("tickByTickBidAsk", [7, AT, 10.0, 10.5, 1.0, 2.0])
    assert (attributes.bidPastLow, attributes.askPastHigh) == (False, True)


def as_numbers(texts: tuple[str, ...]) -> tuple[Any, ...]:
    """Texts of a raw group as the library would hold them, whatever type it gives each."""
    return tuple(float(text) if text.isdigit() else text for text in texts)


def group(order: Any, names: tuple[str, ...]) -> tuple[Any, ...]:
    """The library's values of a raw group, numbers as floats and unset ones as nothing."""
    values = (getattr(order, name) for name in names)
    return tuple(v if isinstance(v, str) else "" if v in (HUGE, 2147483647) else float(v) for v in values)


NEUTRAL_USUAL = ("0", "", "", "", "?", "0", "0", "")


def meant_order(said: Any, version: int) -> dict[str, Any]:
    """What the library should have of an order that we told."""
    order = said.order
    meant = order_of(order)
    for name in ("lmtPrice", "auxPrice", "cashQty"):
        meant[name] = 0.0 if meant[name] == HUGE else meant[name]
    for name in ("volatilityType", "referencePriceType"):
        meant[name] = 0 if meant[name] == 2147483647 else meant[name]
    if order.scale_increment == 0.0:
        meant["scalePriceIncrement"] = HUGE  # the library takes 0 for not set here, and here alone
    meant["displaySize"] = order.display_size or 2147483647
    meant["deltaNeutralOrderType"] = order.delta_neutral_type or "None"
    if isinstance(said, OpenOrder):
        meant["adjustedOrderType"] = order.adjusted_type or "None"
        if version == 158:
            meant["duration"] = 2147483647  # 158: the library reads the duration from 159 on
    return meant


def check_order(theirs: Any, contract: Any, said: Any, version: int) -> None:
    order = said.order
    meant = meant_order(said, version)
    assert {name: getattr(theirs, name) for name in meant} == meant
    assert same_contract(contract, said.contract, right="?")
    legs = [dataclasses.astuple(leg) for leg in contract.comboLegs]
    assert legs == [msgspec.structs.astuple(leg) for leg in said.contract.legs]
    assert [leg.price for leg in theirs.orderComboLegs] == [HUGE if p is None else p for p in order.combo_prices]
    assert [(t.tag, t.value) for t in theirs.smartComboRoutingParams] == list(order.combo_params)
    assert [(t.tag, t.value) for t in theirs.algoParams] == list(order.algo_params)
    neutral = contract.deltaNeutralContract
    assert (dataclasses.astuple(neutral) if neutral else None) == (
        msgspec.structs.astuple(said.contract.delta_neutral) if said.contract.delta_neutral else None
    )
    if order.benchmark:
        assert group(theirs, BENCHMARK)[:4] == as_numbers(order.benchmark)[:4]
    if order.scale_rest:
        assert group(theirs, SCALE_REST) == as_numbers(order.scale_rest)
    assert len(theirs.conditions) == len(order.conditions)
    for condition, raw in zip(theirs.conditions, order.conditions, strict=True):
        held = [str(value) if isinstance(value, str) else float(value) for value in dataclasses.astuple(condition)]
        assert held == [float(t) if not isinstance(v, str) else t for t, v in zip(raw, held, strict=True)]


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=WIDE)
@given(structs(OpenOrder, PLAIN))
def test_any_open_order_arrives_whole(message: OpenOrder) -> None:
    for version in GATES:
        said = as_said(message, version)
        name, (order_id, contract, theirs, state) = only_call(message, version)
        assert (name, order_id) == ("openOrder", said.order.order_id)
        check_order(theirs, contract, said, version)
        neutral = said.order.delta_neutral_rest or NEUTRAL_USUAL
        assert group(theirs, NEUTRAL_REST)[5:7] == as_numbers(neutral)[5:7]
        tier = theirs.softDollarTier
        assert (tier.name, tier.val, tier.displayName) == said.order.soft_tier
        for ours, by in STATE_NAMES.items():
            value = getattr(said.state, ours)
            if "Margin" in by or "equity" in by:
                assert getattr(state, by) == ("1.7976931348623157E308" if value is None else number_text(value))
            else:
                assert getattr(state, by) == (HUGE if value is None else value)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=WIDE)
@given(structs(CompletedOrder, PLAIN))
def test_any_completed_order_arrives_whole(message: CompletedOrder) -> None:
    for version in GATES:
        said = as_said(message, version)
        name, (contract, theirs, state) = only_call(message, version)
        assert name == "completedOrder"
        check_order(theirs, contract, said, version)
        assert theirs.filledQuantity == (HUGE if said.filled_quantity is None else said.filled_quantity)
        assert theirs.parentPermId == (said.parent_perm_id or 9223372036854775807)
        assert (state.status, state.completedTime, state.completedStatus) == (
            said.state.status, said.state.completed_time, said.state.completed_status
        )  # fmt: skip


def test_no_name_of_a_contract_is_missing_from_the_comparison() -> None:
    assert set(Contract.__struct_fields__) - set(CONTRACT_NAMES) == {"legs", "delta_neutral"}
