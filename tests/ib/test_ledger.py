"""Cash by currency out of account keys; the figures are sums that anybody can add up."""

from __future__ import annotations

from collections.abc import Mapping

from model.accruals import VenueAccrual
from model.units import cash
from ports.ib.ledger import Ledger


def ledger(keys: Mapping[str, str], currency: str = "USD") -> dict[str, int]:
    made = Ledger()
    for key, text in keys.items():
        made.say(key, text, currency)
    return made.settled()


def test_the_running_profit_of_futures_is_no_settled_cash() -> None:
    keys = {"CashBalance": "100235.45", "FuturesPNL": "237.50", "NetLiquidationByCurrency": "100235.45"}
    assert ledger(keys) == {"USD": cash("99997.95")}


def test_nor_is_a_running_loss() -> None:
    keys = {
        "CashBalance": "99900.00", "FuturesPNL": "-100.00", "StockMarketValue": "5000.00",
        "NetLiquidationByCurrency": "104900.00",
    }  # fmt: skip
    assert ledger(keys) == {"USD": cash("100000")}


def test_where_the_sum_has_the_profit_beside_cash_cash_is_settled_already() -> None:
    keys = {
        "CashBalance": "99997.95", "FuturesPNL": "237.50", "StockMarketValue": "5000.00", "AccruedCash": "1.25",
        "NetLiquidationByCurrency": "105236.70",
    }  # fmt: skip
    assert ledger(keys) == {"USD": cash("99997.95")}


def test_parts_that_do_not_add_up_leave_cash_as_it_is_said() -> None:
    keys = {"CashBalance": "1000.00", "FuturesPNL": "50.00", "NetLiquidationByCurrency": "7777.00"}
    assert ledger(keys) == {"USD": cash("1000")}


def test_totals_of_all_currencies_and_words_are_no_money_of_one() -> None:
    made = Ledger()
    made.say("CashBalance", "12.00", "BASE")
    made.say("Currency", "EUR", "EUR")
    made.say("CashBalance", "", "GBP")
    made.say("CashBalance", "3.00", "EUR")
    assert made.settled() == {"EUR": cash("3")}


def test_what_is_accrued_is_said_by_currency_and_kind() -> None:
    made = Ledger()
    for key, text, currency in (
        ("AccruedCash", "12.34", "USD"), ("NetDividend", "-5.00", "EUR"), ("NetDividend", "0.00", "USD"),
        ("AccruedCash", "99.00", "BASE"),
    ):  # fmt: skip
        made.say(key, text, currency)
    assert made.accrued() == (
        VenueAccrual("EUR", "dividend", cash("-5")), VenueAccrual("USD", "interest", cash("12.34")),
    )  # fmt: skip
