"""Which contracts a description means."""

from __future__ import annotations

import pytest

from model.instruments import Instrument
from simulation.tws.catalogue import Catalogue
from tests.tws.catalogue.kit import CatalogueAt, at, code, only, refusal, wanted


def test_an_id_alone_is_enough(catalogue: Catalogue) -> None:
    for name in ("CSPX", "SP500@201909", "EURUSD"):
        assert only(catalogue, con_id=catalogue.con_id_of(name)) == catalogue.details(catalogue.con_id_of(name))


def test_an_id_at_an_exchange_that_does_not_have_it_finds_nothing(catalogue: Catalogue) -> None:
    assert code(catalogue, con_id=catalogue.con_id_of("CSPX"), exchange="CME") == 200


def test_a_future_without_a_month_is_every_month_that_lives(catalogue: Catalogue) -> None:
    found = catalogue.qualify(wanted(symbol="ES", sec_type="FUT", exchange="CME", currency="USD"))
    assert [one.contract_month for one in found][:3] == ["201906", "201909", "201912"]
    assert [one.contract.con_id for one in found] == sorted(one.contract.con_id for one in found)


def test_expired_months_are_told_only_to_who_asks_for_them(catalogue: Catalogue) -> None:
    assert code(catalogue, symbol="ES", sec_type="FUT", exchange="CME", expiry="201903") == 200
    said = only(catalogue, symbol="ES", sec_type="FUT", exchange="CME", expiry="201903", include_expired=True)
    assert said.contract.expiry == "20190315"


def test_a_contract_lives_on_its_last_day_and_not_on_the_next(catalogue_at: CatalogueAt) -> None:
    month = {"symbol": "ES", "sec_type": "FUT", "exchange": "CME", "expiry": "201909"}
    assert only(catalogue_at("2019-09-16T20:00"), **month).real_expiration_date == "20190916"
    assert code(catalogue_at("2019-09-17T00:00"), **month) == 200


def test_a_month_and_a_last_trade_date_name_the_same_contract(catalogue: Catalogue) -> None:
    month = only(catalogue, symbol="ES", sec_type="FUT", exchange="CME", expiry="201909")
    assert only(catalogue, symbol="ES", sec_type="FUT", exchange="CME", expiry=month.contract.expiry) == month


def test_local_symbols_name_one_contract_without_a_type(catalogue: Catalogue) -> None:
    assert only(catalogue, local_symbol="FESX SEP 19").contract.symbol == "ESTX50"
    assert only(catalogue, local_symbol="6EU9", sec_type="FUT").contract.symbol == "EUR"
    assert only(catalogue, local_symbol="EUR.USD", sec_type="CASH").contract.sec_type == "CASH"


def test_an_isin_names_a_line(catalogue: Catalogue) -> None:
    for fields in ({"sec_id_type": "ISIN"}, {"sec_id_type": "ISIN", "sec_type": "STK"}, {}):
        assert only(catalogue, sec_id="IE00B5BMR087", **fields).contract.symbol == "CSPX"
    assert code(catalogue, sec_id="IE00B5BMR087", sec_id_type="ISIN", currency="GBP") == 200


@pytest.mark.parametrize("pair", ["EUR", "M6E", "GBP"])
def test_a_currency_future_without_a_currency_is_not_found(catalogue: Catalogue, pair: str) -> None:
    assert code(catalogue, symbol=pair, sec_type="FUT", exchange="CME") == 200
    assert len(catalogue.qualify(wanted(symbol=pair, sec_type="FUT", exchange="CME", currency="USD"))) > 1


@pytest.mark.parametrize(
    "fields",
    [
        {"symbol": "NOBODY", "sec_type": "STK", "exchange": "SMART"},
        {"symbol": "ES", "sec_type": "FUT", "exchange": "GLOBEX"},
        {"symbol": "ESTX50", "sec_type": "FUT", "exchange": "DTB"},
        {"symbol": "FVS", "sec_type": "FUT", "exchange": "EUREX"},
        {"symbol": "ES", "sec_type": "FUT", "exchange": "CME", "multiplier": "5"},
        {"symbol": "ES", "sec_type": "FUT", "exchange": "CME", "multiplier": "fifty"},
        {"symbol": "EUR", "sec_type": "FUT", "currency": "USD", "trading_class": "M6E"},
        {"symbol": "CSPX", "sec_type": "STK", "currency": "GBP"},
        {"symbol": "CSPX", "sec_type": "STK", "primary_exchange": "IBIS"},
        {"symbol": "CSPX", "sec_type": "FUT"},
        {"symbol": "AAPL", "sec_type": "BOND"},
        {"con_id": 17},
    ],
)
def test_what_fits_nothing_is_not_found(catalogue: Catalogue, fields: dict[str, object]) -> None:
    said = refusal(lambda: catalogue.qualify(wanted(**fields)))
    assert said == (200, "No security definition has been found for the request")


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"symbol": "ES", "sec_type": "BAG"}, "combination"),
        ({"symbol": "ES"}, "valid security type"),
        ({"symbol": "ES", "sec_type": "SPOON"}, "valid security type"),
        ({}, "valid security type"),
        ({"sec_type": "FUT", "exchange": "CME"}, "valid symbol"),
        ({"sec_type": "STK", "sec_id": "037833100", "sec_id_type": "CUSIP"}, "give an ISIN"),
        ({"symbol": "ES", "sec_type": "FUT", "expiry": "SEP19"}, "give yyyymm"),
        ({"symbol": "ES", "sec_type": "FUT", "expiry": "2019"}, "give yyyymm"),
        ({"symbol": "SPX", "sec_type": "OPT", "right": "X"}, "give C or P"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_sentence(
    catalogue: Catalogue, fields: dict[str, object], word: str
) -> None:
    said, text = refusal(lambda: catalogue.qualify(wanted(**fields)))
    assert said == 321
    assert word in text
    assert "\n" not in text


def test_smart_and_the_primary_exchange_may_be_said_together(catalogue: Catalogue) -> None:
    assert only(catalogue, symbol="SPY", sec_type="STK", exchange="SMART/ARCA").contract.exchange == "SMART"
    assert code(catalogue, symbol="SPY", sec_type="STK", exchange="SMART/NYSE") == 200


def test_a_continuous_future_is_the_month_that_the_rolls_hold(catalogue: Catalogue) -> None:
    said = only(catalogue, symbol="ES", sec_type="CONTFUT", exchange="CME")
    rolls = catalogue.lake
    assert rolls is not None
    held = rolls.roll_schedule(["SP500"]).active("SP500", 20190612)
    assert said.contract.sec_type == "CONTFUT"
    assert said.contract.con_id == catalogue.con_id_of(held)


def test_without_recorded_rolls_a_continuous_future_is_the_first_month_that_lives(
    catalogue: Catalogue, instruments: dict[str, Instrument]
) -> None:
    alone = Catalogue({"SP500": instruments["SP500"]}, None, catalogue.sessions, lambda: at("2019-07-01T00:00"))
    assert only(alone, symbol="ES", sec_type="CONTFUT").contract_month == "201909"


def test_one_contract_is_needed_for_data_and_orders(catalogue: Catalogue) -> None:
    one = catalogue.one(wanted(symbol="CSPX", sec_type="STK", exchange="SMART"))
    assert one.instrument.id == "CSPX"
    said, text = refusal(lambda: catalogue.one(wanted(symbol="ES", sec_type="FUT", exchange="CME")))
    assert (said, text) == (200, "The contract description specified for ES is ambiguous")
