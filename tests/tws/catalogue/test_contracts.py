"""Contracts as the protocol names them, against hand-written texts and the publisher's own table."""

from __future__ import annotations

import csv
from decimal import Decimal

import pytest

from model.instruments import Instrument, Kind
from model.units import px
from simulation.exchange.listing import Listings
from simulation.tws.catalogue import Catalogue
from tests.tws.catalogue.kit import SHARED, CatalogueAt, at, code, details, only, refusal, wanted

FUTURES = [
    # instrument, symbol, exchange, currency, multiplier, trading class, local symbol
    ("SP500@201909", "ES", "CME", "USD", "50", "ES", "ESU9"),
    ("SP500_micro@201909", "MES", "CME", "USD", "5", "MES", "MESU9"),
    ("EUR@201909", "EUR", "CME", "USD", "125000", "6E", "6EU9"),
    ("EUR_micro@201909", "M6E", "CME", "USD", "12500", "M6E", "M6EU9"),
    ("GBP@201912", "GBP", "CME", "USD", "62500", "6B", "6BZ9"),
    ("JPY@201912", "JPY", "CME", "USD", "12500000", "6J", "6JZ9"),
    ("VIX@201908", "VIX", "CFE", "USD", "1000", "VX", "VXQ9"),
    ("V2X@201907", "V2TX", "EUREX", "EUR", "100", "FVS", "FVS JUL 19"),
    ("EUROSTX@201909", "ESTX50", "EUREX", "EUR", "10", "FESX", "FESX SEP 19"),
    ("BUND@201909", "GBL", "EUREX", "EUR", "1000", "FGBL", "FGBL SEP 19"),
    ("US10@201909", "ZN", "CBOT", "USD", "1000", "ZN", "ZNU9"),
    ("CORN@201912", "ZC", "CBOT", "USD", "5000", "ZC", "ZCZ9"),
    ("DOW@201909", "MYM", "CBOT", "USD", "0.5", "MYM", "MYMU9"),
    ("CRUDE_W@201912", "CL", "NYMEX", "USD", "1000", "CL", "CLZ9"),
]


@pytest.mark.parametrize(("instrument", "symbol", "exchange", "currency", "multiplier", "klass", "local"), FUTURES)
def test_a_future_is_named_as_its_exchange_names_it(
    catalogue: Catalogue,
    instrument: str,
    symbol: str,
    exchange: str,
    currency: str,
    multiplier: str,
    klass: str,
    local: str,
) -> None:
    one = details(catalogue, instrument).contract
    said = (one.symbol, one.exchange, one.currency, one.multiplier, one.trading_class, one.local_symbol)
    assert said == (symbol, exchange, currency, multiplier, klass, local)
    assert (one.sec_type, one.primary_exchange) == ("FUT", "")


def test_multipliers_and_magnifiers_of_all_futures_are_the_publishers(
    catalogue: Catalogue, instruments: dict[str, Instrument]
) -> None:
    with (SHARED / "futures" / "instruments.csv").open(newline="") as handle:
        rows = {row["instrument"]: row for row in csv.DictReader(handle)}
    checked = 0
    for name, one in instruments.items():
        row = rows.get(name)
        if one.kind is not Kind.FUTURE or row is None or not row["ib_multiplier"]:
            continue
        said = details(catalogue, f"{name}@{min(month_of(i) for i in months(catalogue, name)):06d}")
        assert said.contract.symbol == row["ib_symbol"]
        assert Decimal(said.contract.multiplier) == Decimal(row["ib_multiplier"]), name
        assert said.price_magnifier == int(float(row["ib_price_magnifier"] or 1)), name
        checked += 1
    assert checked > 100


def months(catalogue: Catalogue, product: str) -> list[str]:
    return [one.instrument.id for one in catalogue.shelf.contracts(product).values()]


def month_of(instrument: str) -> int:
    return int(instrument.partition("@")[2])


def test_a_price_in_cents_times_the_multiplier_is_a_hundred_times_the_money(catalogue: Catalogue) -> None:
    corn = catalogue.con_id_of("CORN@201912")
    inside = catalogue.instrument(corn)
    assert (inside.multiplier, inside.ticks[0].tick) == (Decimal(5000), Decimal("0.0025"))
    assert catalogue.price(corn, 375.25) == px("3.7525")
    assert catalogue.told(corn, px("3.7525")) == 375.25
    assert details(catalogue, "CORN@201912").min_tick == 0.25


def test_a_fund_in_london_says_smart_first_and_its_segment_as_primary(catalogue: Catalogue) -> None:
    said = only(catalogue, symbol="CSPX", sec_type="STK", exchange="SMART", currency="USD")
    assert said.contract.exchange == "SMART"
    assert said.contract.primary_exchange == "LSEETF"
    assert said.valid_exchanges == "SMART,LSEETF"
    assert said.long_name == "iShares Core S&P 500 UCITS ETF USD (Acc)"
    assert said.sec_ids == (("ISIN", "IE00B5BMR087"),)
    assert (said.stock_type, said.price_magnifier) == ("ETF", 1)


def test_a_routed_request_is_answered_for_that_route(catalogue: Catalogue) -> None:
    for exchange in ("LSEETF", "SMART"):
        assert only(catalogue, symbol="CSPX", sec_type="STK", exchange=exchange).contract.exchange == exchange
    assert code(catalogue, symbol="CSPX", sec_type="STK", exchange="IBIS") == 200


@pytest.mark.parametrize(
    ("instrument", "primary"), [("SXRT", "IBIS"), ("SPY", "ARCA"), ("BNP", "SBF"), ("SMEA", "LSEETF")]
)
def test_primary_exchanges_have_the_brokers_names(catalogue: Catalogue, instrument: str, primary: str) -> None:
    assert details(catalogue, instrument).contract.primary_exchange == primary


def test_american_lines_close_by_auction_orders_and_european_ones_by_the_auction_tif(catalogue: Catalogue) -> None:
    american, european = (details(catalogue, name).order_types.split(",") for name in ("SPY", "SXRT"))
    assert {"MOC", "LOC"} <= set(american)
    assert "AUC" in european
    assert not {"MOC", "LOC"} & set(european)
    assert "AUC" not in american


def test_indices_are_named_as_the_broker_names_them(catalogue: Catalogue) -> None:
    for name, symbol, exchange in (("SX5E_INDEX", "ESTX50", "EUREX"), ("SPX_INDEX", "SPX", "CBOE")):
        one = details(catalogue, name).contract
        assert (one.symbol, one.sec_type, one.exchange) == (symbol, "IND", exchange)


def test_pairs_of_the_lakes_currencies_are_written_as_the_market_writes_them(catalogue: Catalogue) -> None:
    for symbol, currency, tick in (("USD", "JPY", 0.005), ("EUR", "USD", 0.00005), ("EUR", "GBP", 0.00005)):
        said = only(catalogue, symbol=symbol, sec_type="CASH", currency=currency, exchange="IDEALPRO")
        assert said.contract.local_symbol == f"{symbol}.{currency}"
        assert said.min_tick == tick
    assert code(catalogue, symbol="JPY", sec_type="CASH", currency="USD") == 200


def test_a_pence_line_is_told_in_pence_and_kept_in_pounds(catalogue: Catalogue) -> None:
    line = catalogue.con_id_of("SMEA")
    assert details(catalogue, "SMEA").price_magnifier == 100
    assert details(catalogue, "SMEA").contract.currency == "GBP"
    assert catalogue.price(line, 5_678.5) == px("56.785")
    assert catalogue.told(line, px("56.785")) == 5_678.5
    assert details(catalogue, "SMEA").min_tick == 0.01


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e-12, 1e300])
def test_what_is_no_price_is_refused_in_one_sentence(catalogue: Catalogue, bad: float) -> None:
    line = catalogue.con_id_of("SMEA")
    said, text = refusal(lambda: catalogue.price(line, bad))
    assert said == 321
    assert "is not a price" in text


def test_market_rules_stand_by_position_and_are_told_in_the_clients_prices(catalogue: Catalogue) -> None:
    pounds, pence = details(catalogue, "CSPX"), details(catalogue, "SMEA")
    for said in (pounds, pence):
        assert len(said.market_rule_ids.split(",")) == len(said.valid_exchanges.split(","))
    assert pounds.market_rule_ids != pence.market_rule_ids
    # RTS 11, most liquid band, from 50 to 100: 0.01; a hundredfold for a line in pence
    assert (50.0, 0.01) in catalogue.market_rule(int(pounds.market_rule_ids.split(",")[0]))
    assert (5_000.0, 1.0) in catalogue.market_rule(int(pence.market_rule_ids.split(",")[0]))
    assert refusal(lambda: catalogue.market_rule(123_456))[0] == 321


def test_rounding_by_a_market_rule_gives_a_price_that_the_instrument_takes(catalogue: Catalogue) -> None:
    for name in ("CSPX", "SMEA", "SP500@201909", "CORN@201912", "JPY@201912"):
        said = details(catalogue, name)
        steps = catalogue.market_rule(int(said.market_rule_ids.split(",")[0]))
        assert steps[0][0] == 0
        assert min(step for _, step in steps) == said.min_tick
        for price in (0.7331, 3.14159, 47.11, 263.7, 5_432.1):
            step = next(step for edge, step in reversed(steps) if edge <= price)
            rounded = float(Decimal(repr(step)) * int(Decimal(repr(price)) / Decimal(repr(step))))
            inside = catalogue.instrument(said.contract.con_id)
            assert inside.on_tick(catalogue.price(said.contract.con_id, rounded)), (name, rounded)


def test_the_last_trade_date_is_the_day_on_which_the_simulated_exchange_settles(
    catalogue: Catalogue, instruments: dict[str, Instrument]
) -> None:
    sessions = {name: catalogue.sessions(name) for name in ("CME_EQUITY", "EUREX", "CFE", "CME_GRAINS")}
    listings = Listings(instruments, sessions)
    for name in ("SP500@201909", "EUROSTX@202003", "V2X@201907", "VIX@201908", "CORN@201912"):
        listing = listings.get(name)
        assert listing is not None
        assert listing.last is not None
        assert details(catalogue, name).contract.expiry == str(listing.last.date)
        assert details(catalogue, name).contract_month == name[-6:]


def test_letters_find_symbols_first_and_then_words_of_names(catalogue: Catalogue) -> None:
    found = [(one.symbol, one.sec_type, derived) for one, derived in catalogue.matching_symbols("sp")]
    assert found[0][0] == "SPX" or found[0][0] == "SPY"
    assert ("SPX", "IND", ("OPT",)) in found
    assert any(one.symbol == "WTCH" for one, _ in catalogue.matching_symbols("spdr"))
    assert catalogue.matching_symbols("  ") == []
    assert len(catalogue.matching_symbols("i")) == 16


def test_a_house_without_instruments_is_said(catalogue: Catalogue) -> None:
    with pytest.raises(ValueError, match="no instruments to list"):
        Catalogue({}, None, catalogue.sessions, lambda: 0)


def test_without_a_lake_the_cycle_of_the_next_two_years_is_listed(
    catalogue_at: CatalogueAt, instruments: dict[str, Instrument]
) -> None:
    made = catalogue_at("2025-01-15T12:00")
    alone = Catalogue({"SP500": instruments["SP500"]}, None, made.sessions, lambda: at("2025-01-15T12:00"))
    found = alone.qualify(wanted(symbol="ES", sec_type="FUT", exchange="CME"))
    assert [one.contract_month for one in found][:2] == ["202503", "202506"]
    assert found[-1].contract_month == "202612"
