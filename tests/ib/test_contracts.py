"""Which contract is meant, how its hours are read, and how orders for it are written."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest

from model.execution import LockInstrument
from model.instruments import Instrument, Kind
from model.orders import Fill, OrderRejected, OrderSpec, OrderType, Side, TimeInForce
from model.sessions import Session, Sessions
from model.units import px, qty
from ports.ib.contract_checks import chosen, problems
from ports.ib.contracts import Pin, Query, Step, money_per_unit, query_of, rule_id_of
from ports.ib.encoding import AUCTION, FORMS, encode, good_till
from ports.ib.errors import NotEncodable, NotPinned
from ports.ib.hours import differences, parsed
from ports.ib.settings import IBSettings
from state.lake import Lake
from tests.ib.kit import CONTRACTS, replace, stand
from tests.tws.gateway.bourse import CALENDARS, INSTRUMENTS

SETTINGS = IBSettings(account="DU1", state_dir=".")
ALL_TYPES = frozenset({"LMT", "MKT", "LOC", "MOC", "OPG", "GTC", "GTD", "IOC", "AUC"})
PIN = Pin(instrument="ABC", query=Query(con_id=1, exchange="SMART"), order_types=ALL_TYPES)


def moment(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp()) * 10**9


def details(**more: object) -> SimpleNamespace:
    """What a gateway says of ABC."""
    contract = {
        "conId": 1, "symbol": "ABC", "secType": "STK", "lastTradeDateOrContractMonth": "", "strike": 0.0, "right": "",
        "multiplier": "", "exchange": "SMART", "primaryExchange": "NASDAQ", "currency": "USD", "localSymbol": "ABC",
        "tradingClass": "NMS",
    }  # fmt: skip
    said: dict[str, object] = {
        "priceMagnifier": 1, "secIdList": [], "longName": "ALPHABET SOUP INC", "contractMonth": "", "orderTypes": "LMT",
        "liquidHours": "", "tradingHours": "", "timeZoneId": "US/Eastern",
    }  # fmt: skip
    contract.update({key: value for key, value in more.items() if key in contract})
    said.update({key: value for key, value in more.items() if key not in contract})
    return SimpleNamespace(contract=SimpleNamespace(**contract), **said)


ABC = CONTRACTS["ABC"]
FUTURE = CONTRACTS["SP500@201909"]


def spec(kind: OrderType = OrderType.LIMIT, tif: TimeInForce = TimeInForce.DAY, **more: object) -> OrderSpec:
    made = OrderSpec(
        client_id="hr-1", instrument="ABC", side=Side.BUY, quantity=qty("5"), type=kind, tif=tif, limit=px("10.5")
    )
    return replace(made, **more)


# -- identity


def test_the_only_listing_of_the_right_currency_and_exchange_is_chosen() -> None:
    lines = [details(), details(currency="EUR", conId=2), details(primaryExchange="NYSE", conId=3)]
    assert chosen(ABC, lines).contract.conId == 1


@pytest.mark.parametrize("lines", [[], [details(currency="EUR")], [details(), details(conId=2)]])
def test_none_or_two_that_fit_are_refused_with_what_was_found(lines: list[SimpleNamespace]) -> None:
    with pytest.raises(NotPinned):
        chosen(ABC, lines)


def test_a_future_is_chosen_by_its_month() -> None:
    months = [
        details(secType="FUT", contractMonth=month, conId=i, primaryExchange="")
        for i, month in enumerate(("201906", "201909"))
    ]
    assert chosen(replace(FUTURE, symbol="ABC"), months).contract.conId == 1


def test_micro_and_mini_under_one_symbol_are_told_apart_by_their_multiplier() -> None:
    mini, micro = details(secType="FUT", multiplier="50"), details(secType="FUT", multiplier="5")
    assert problems(FUTURE, mini, None, 0) == []
    assert problems(FUTURE, micro, None, 0) != []


def test_cents_a_bushel_are_worth_the_same_by_either_way_of_counting() -> None:
    corn = Instrument(
        id="CORN", kind=Kind.FUTURE, venue="CBOT", currency="USD", calendar="CME_GRAINS", multiplier=Decimal(50)
    )
    told = details(secType="FUT", multiplier="5000", priceMagnifier=100)
    assert money_per_unit(told) == 50
    assert problems(corn, told, None, 0) == []


def test_a_line_in_pounds_is_not_taken_for_one_in_pence() -> None:
    pence = CONTRACTS["IUKD"]
    assert problems(pence, details(currency="GBP", priceMagnifier=100, longName="UK DIVIDEND"), None, 0) == []
    assert problems(pence, details(currency="GBP", longName="UK DIVIDEND"), None, 0) != []


def test_an_isin_decides_where_both_have_one_and_a_name_where_not() -> None:
    isin = [SimpleNamespace(tag="ISIN", value="US0000000001")]
    other = [SimpleNamespace(tag="ISIN", value="US9999999999")]
    assert problems(ABC, details(secIdList=isin, longName="QUITE ANOTHER NAME"), None, 0) == []
    assert problems(ABC, details(secIdList=other), None, 0) != []
    assert problems(ABC, details(longName="QUITE ANOTHER COMPANY"), None, 0) != []


def test_ambiguous_symbols_are_asked_for_with_their_trading_class() -> None:
    euro = Instrument(id="EUR", kind=Kind.FUTURE, venue="CME", currency="USD", calendar="CME_FX", contract_month=202609)
    asked = query_of(euro)
    assert (asked.trading_class, asked.expiry, asked.exchange, asked.currency) == ("6E", "202609", "CME", "USD")


def test_the_market_rule_is_the_one_of_the_route() -> None:
    told = SimpleNamespace(validExchanges="SMART,NYSE,ARCA", marketRuleIds="26,32,240")
    assert (rule_id_of(told, "ARCA"), rule_id_of(told, "SMART"), rule_id_of(told, "IBIS")) == (240, 26, None)


def test_limits_go_to_the_tick_of_their_price_band_and_never_get_worse() -> None:
    pin = replace(PIN, steps=(Step(0, px("0.01")), Step(px("100"), px("0.05"))))
    assert pin.to_tick(px("99.999"), Side.BUY) == px("99.99")
    assert pin.to_tick(px("99.991"), Side.SELL) == px("100")
    assert pin.to_tick(px("101.04"), Side.BUY) == px("101.00")
    assert pin.to_tick(px("101.01"), Side.SELL) == px("101.05")


# -- hours


def test_hours_are_read_in_their_zone_and_belong_to_the_day_they_close_on() -> None:
    told = "20190610:1700-20190611:1515;20190611:1530-20190611:1600;20190612:CLOSED"
    found = parsed(told, "America/Chicago")
    assert found == {20190611: (moment("2019-06-10T22:00"), moment("2019-06-11T21:00")), 20190612: None}


def test_a_day_that_only_one_of_the_two_trades_is_a_difference() -> None:
    calendar = Sessions("X", [Session(20190611, moment("2019-06-11T13:30"), moment("2019-06-11T20:00"))])
    now_ns = moment("2019-06-11T10:00")
    assert differences("20190611:0930-20190611:1600", "US/Eastern", calendar, now_ns) == []
    assert differences("20190611:CLOSED", "US/Eastern", calendar, now_ns) != []
    assert differences("20190612:0930-20190612:1600", "US/Eastern", calendar, now_ns) != []
    assert differences("20190611:0930-20190611:1300", "US/Eastern", calendar, now_ns) != []
    assert differences("words", "US/Eastern", calendar, now_ns) != []
    assert differences("20190611:0930-20190611:1600", "Nowhere/Land", calendar, now_ns) != []


async def test_an_instrument_whose_hours_do_not_agree_is_locked_and_not_traded(lake: Lake, tmp_path: Path) -> None:
    wrong = Sessions("NYSE", [Session(20190612, moment("2019-06-12T13:30"), moment("2019-06-12T17:00"))])
    async with stand(lake, tmp_path) as here:
        here.start(sessions={**CALENDARS, "NYSE": wrong})
        await here.up()
        assert {each.instrument for each in here.heard.all(LockInstrument)} >= {"ABC", "XYZ"}
        order = here.spec()
        here.submit(order)
        assert (await here.heard_of(OrderRejected, order.client_id)).code == "NOT_SENT"
        assert here.at_broker(order) == 0


async def test_calendars_that_agree_block_nothing(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.start(sessions=CALENDARS)
        await here.up()
        assert here.heard.all(LockInstrument) == []


async def test_a_contract_that_is_named_later_is_qualified_and_traded(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.price(2890.0, 2890.25, "SP500@201906")
        here.start(instruments=[each for name, each in CONTRACTS.items() if name != "SP500@201906"])
        await here.up()
        june = INSTRUMENTS["SP500"].contract(201906)
        early = here.spec("1", "2890.25", june.id)
        here.submit(early)
        await here.heard_of(OrderRejected, early.client_id)
        here.port.also(june)
        await here.until(lambda: here.port.pins.known(june.id), "the pin")
        later = here.spec("1", "2890.25", june.id)
        here.submit(later)
        assert (await here.heard_of(Fill, later.client_id)).instrument == june.id


# -- encoding


@pytest.mark.parametrize(("kind", "tif"), list(FORMS))
def test_every_form_carries_its_reference_account_and_time_in_force(kind: OrderType, tif: TimeInForce) -> None:
    fields = encode(spec(kind, tif, expires_ns=moment("2019-06-12T15:00")), PIN, SETTINGS).fields
    assert (fields["orderRef"], fields["account"], fields["totalQuantity"]) == ("hr-1", "DU1", 5)
    assert (fields["orderType"], fields["tif"]) == (FORMS[kind, tif].kind, FORMS[kind, tif].tif)
    assert fields.get("lmtPrice") == (10.5 if FORMS[kind, tif].limited else None)
    assert (fields["eTradeOnly"], fields["firmQuoteOnly"]) == (False, False)


def test_a_line_without_orders_on_the_close_takes_part_in_the_auction() -> None:
    european = replace(PIN, order_types=frozenset({"LMT", "MKT", "AUC", "MTL"}))
    fields = encode(spec(OrderType.MOC), european, SETTINGS).fields
    assert (fields["orderType"], fields["tif"]) == ("MTL", "AUC")
    assert AUCTION.keys() <= FORMS.keys()


def test_what_a_line_does_not_take_is_not_sent() -> None:
    with pytest.raises(NotEncodable):
        encode(spec(OrderType.LOC), replace(PIN, order_types=frozenset({"LMT", "MKT"})), SETTINGS)
    with pytest.raises(NotEncodable):
        encode(spec(OrderType.LOC, TimeInForce.GTC), PIN, SETTINGS)
    with pytest.raises(NotEncodable):
        encode(spec(limit=0), PIN, SETTINGS)
    with pytest.raises(NotEncodable):
        good_till(0)


def test_the_adaptive_algorithm_goes_with_day_orders_over_smart_alone() -> None:
    settings = replace(SETTINGS, adaptive={"ABC": "Patient"})
    assert encode(spec(), PIN, settings).algo == (("adaptivePriority", "Patient"),)
    assert encode(spec(tif=TimeInForce.IOC), PIN, settings).algo == ()
    assert encode(spec(), replace(PIN, query=Query(con_id=1, exchange="NYSE")), settings).algo == ()
    assert encode(spec(instrument="XYZ"), PIN, settings).algo == ()


def test_a_good_till_moment_is_written_in_utc_and_whole_seconds() -> None:
    assert good_till(moment("2019-06-12T15:04:05") + 999) == "20190612-15:04:05"
