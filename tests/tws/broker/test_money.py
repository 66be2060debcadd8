"""Cash, average cost, margin and profit, worked out by hand."""

from __future__ import annotations

import pytest

from simulation.tws.replies import CommissionReport, OpenOrder, OrderStatus
from simulation.tws.terms import OrderState

from .kit import (
    ACCOUNT,
    DAY,
    FUTURE,
    OPTION,
    PENCE,
    POUND,
    START,
    STOCK,
    Desk,
    Said,
    at,
    buy,
    errors,
    executions,
    sell,
)


def reports(said: list[Said]) -> list[CommissionReport]:
    return [message for _, message in said if isinstance(message, CommissionReport)]


def test_a_stocks_cost_has_its_commission_in_it_and_closing_realises_the_difference() -> None:
    desk = Desk()
    desk.quote(STOCK, "49.9", "50")
    bought = reports(desk.place(1, buy(100)))  # 5000.00 and the least commission, 1.00
    assert (bought[0].commission, bought[0].realized) == (1.0, None)
    position = desk.broker.answers.positions()[0]
    assert (position.quantity, position.average_cost) == (100.0, 50.01)
    assert desk.value("TotalCashValue") == "94999.00"
    desk.quote(STOCK, "52", "52.1")
    sold = reports(desk.place(2, sell(40)))  # 2080.00 less 1.00, cost 2000.40
    assert sold[0].realized == pytest.approx(78.60, abs=1e-9)
    assert desk.broker.answers.positions()[0].average_cost == 50.01
    assert desk.value("CashBalance") == "97078.00"
    assert desk.value("RealizedPnL") == "78.60"


def test_a_futures_average_cost_includes_the_multiplier_and_its_notional_costs_no_cash() -> None:
    desk = Desk()
    desk.quote(FUTURE, "3200", "3200.25")
    desk.place(1, buy(2), FUTURE)
    position = desk.broker.answers.positions()[0]
    assert position.average_cost == 3200.25 * 50 + 2.05
    assert position.contract.exchange == ""
    # 100000 less 4.10 of commission and 12.50 of open variation, which cash has in it
    assert desk.value("CashBalance") == "99983.40"
    # a tenth of 2 x 50 x 3200.125, the middle of the quote
    assert desk.value("InitMarginReq") == "32001.25"
    assert desk.value("MaintMarginReq") == "25601.00"
    # cash, and 2 x 50 x -0.125 of open variation
    assert desk.value("NetLiquidation") == "99983.40"
    assert desk.value("AvailableFunds") == "67982.15"
    assert desk.value("ExcessLiquidity") == "74382.40"
    assert desk.value("BuyingPower") == "271928.60"
    # 74382.40 of 99983.40
    assert desk.value("Cushion", "") == "0.743947"


def test_daily_settlement_moves_cash_and_neither_cost_nor_value() -> None:
    desk = Desk()
    desk.quote(FUTURE, "3200", "3200.25")
    desk.place(1, buy(2), FUTURE)
    desk.bar(FUTURE, 0, ["3200", "3215", "3200", "3210.25"])
    assert desk.value("CashBalance") == "100995.90"
    assert desk.value("NetLiquidation") == "100995.90"
    assert desk.broker.answers.positions()[0].average_cost == 3200.25 * 50 + 2.05
    shown = desk.broker.answers.portfolio(ACCOUNT)[0]
    assert (shown.market_price, shown.unrealized) == (3210.25, 1000.0 - 4.10)


def test_a_future_that_expires_leaves_no_position_and_realises_its_profit() -> None:
    desk = Desk(now_ns=at(4, 15))
    desk.quote(FUTURE, "3200", "3200.25")
    desk.place(1, buy(1), FUTURE)
    desk.bar(FUTURE, 4, ["3200", "3220", "3200", "3220.25"])
    assert desk.broker.answers.positions() == []
    assert desk.value("RealizedPnL") == "997.95"


def test_prices_are_in_pence_and_money_in_pounds() -> None:
    desk = Desk(money={"USD": "100000", "GBP": "10000"})
    desk.quote(PENCE, "3.0995", "3.1")
    said = desk.place(1, buy(1000, limit=310.0), PENCE)
    done = executions(said)[0].execution
    assert (done.price, done.avg_price) == (310.0, 310.0)
    assert [m.average_price for _, m in said if isinstance(m, OrderStatus)][-1] == 310.0
    assert (reports(said)[0].commission, reports(said)[0].currency) == (3.0, "GBP")
    position = desk.broker.answers.positions()[0]
    assert position.average_cost == 3.103
    assert desk.value("CashBalance", "GBP") == "6897.00"
    shown = desk.broker.answers.portfolio(ACCOUNT)[0]
    assert (shown.market_price, shown.market_value) == (309.975, 3099.75)
    assert desk.value("StockMarketValue", "GBP") == "3099.75"
    assert desk.value("ExchangeRate", "GBP") == "1.25"
    # 100000 dollars, and 6897 + 3099.75 pounds at 1.25
    assert desk.value("NetLiquidation") == "112495.94"


def test_a_spot_pair_swaps_currencies_and_leaves_no_position() -> None:
    desk = Desk(rates={"GBP": "1.25"})
    desk.quote(POUND, "1.2499", "1.25", size="1000000")
    desk.place(1, buy(20000), POUND)
    assert desk.value("CashBalance", "GBP") == "20000.00"
    assert desk.value("CashBalance", "USD") == "75000.00"
    assert desk.value("TotalCashValue") == "100000.00"
    assert desk.broker.answers.positions() == []


def test_an_options_cost_includes_its_multiplier() -> None:
    desk = Desk()
    desk.quote(OPTION, "4.9", "5")
    desk.place(1, buy(3), OPTION)
    position = desk.broker.answers.positions()[0]
    assert position.average_cost == 500.65
    assert desk.value("OptionMarketValue") == "1485.00"


def test_going_through_zero_realises_the_closed_part_and_opens_the_rest() -> None:
    desk = Desk()
    desk.quote(OPTION, "5", "5.1")
    desk.broker.transfer(ACCOUNT, OPTION, 2 * 10**8, 4 * 10**9)
    sold = reports(desk.place(1, sell(5), OPTION))[0]
    # closes 2 of 5: 1000 - 800, and two fifths of 3.25
    assert sold.commission == 3.25
    assert sold.realized == pytest.approx(198.70)
    position = desk.broker.answers.positions()[0]
    assert (position.quantity, position.average_cost) == (-3.0, 499.35)


def state(said: list[Said]) -> OrderState:
    return next(m.state for _, m in said if isinstance(m, OpenOrder))


def test_what_if_says_margin_before_and_after_and_makes_no_order() -> None:
    desk = Desk()
    desk.quote(FUTURE, "3200", "3200.25")
    said = state(desk.place(1, buy(2, what_if=True), FUTURE))
    assert (said.init_before, said.init_change, said.init_after) == (0.0, 32001.25, 32001.25)
    assert (said.maint_before, said.maint_after) == (0.0, 25601.0)
    assert (said.equity_before, said.equity_change, said.equity_after) == (100000.0, -4.10, 99995.90)
    assert (said.commission, said.commission_currency) == (4.10, "USD")
    assert desk.broker.answers.positions() == []
    assert desk.broker.next_order_id(1) == 1
    assert errors(desk.place(1, buy(2), FUTURE)) == []


def test_a_what_if_about_a_live_order_leaves_it_as_it_is() -> None:
    desk = Desk()
    desk.quote(STOCK, "100", "100.1")
    desk.place(1, buy(10, limit=99.0))
    assert state(desk.place(1, buy(500, limit=99.0, what_if=True))).init_change == 50025.0
    desk.ask_all()
    assert desk.last_status(1).remaining == 10.0


def test_an_order_beyond_equity_is_rejected_with_the_figures() -> None:
    desk = Desk()
    desk.quote(STOCK, "100", "100.1")
    said = desk.place(1, buy(2000))
    assert errors(said) == [201]
    text = next(m.text for _, m in said if type(m).__name__ == "ErrorMessage")  # type: ignore[attr-defined]
    assert "[100000.00 USD]" in text
    assert "[200100.00 USD]" in text
    assert desk.last_status(1).status == "Inactive"


def test_an_order_that_reduces_is_never_refused_for_margin() -> None:
    desk = Desk(money={"USD": "10"})
    desk.broker.transfer(ACCOUNT, STOCK, 100 * 10**8, 50 * 10**9)
    desk.quote(STOCK, "100", "100.1")
    assert errors(desk.place(1, sell(100))) == []


def test_working_orders_use_up_margin() -> None:
    desk = Desk()
    desk.quote(STOCK, "100", "100.1")
    assert errors(desk.place(1, buy(600, limit=99.0))) == []
    assert errors(desk.place(2, buy(600, limit=99.0))) == [201]


def test_profit_of_the_day_starts_at_the_gateways_midnight() -> None:
    desk = Desk(now_ns=at(0, 15))
    desk.quote(STOCK, "99.9", "100.1")
    desk.place(1, buy(100))  # at 100.10, commission 1
    desk.quote(STOCK, "104.9", "105.1")
    first = desk.broker.answers.pnl(1, ACCOUNT)
    assert (first.daily, first.unrealized, first.realized) == (489.0, 489.0, 0.0)
    desk.wait(START + DAY + 5 * 3_600 * 10**9)  # midnight in New York
    assert desk.broker.answers.pnl(1, ACCOUNT).daily == 0.0
    desk.quote(STOCK, "106.9", "107.1", at_ns=at(1, 15))
    desk.place(2, sell(50))  # at 106.90, commission 1
    single = desk.broker.answers.pnl_single(2, ACCOUNT, STOCK)
    assert single is not None
    # 50 held went from 105 to 107; 50 sold from 105 to 106.90, less 1
    assert (single.quantity, single.value, single.daily) == (50.0, 5350.0, 194.0)
    # sold 5345 - 1, cost 5005.50
    assert single.realized == 338.5
    assert desk.broker.answers.pnl_single(3, ACCOUNT, OPTION) is None


def test_accrued_interest_is_part_of_net_liquidation_until_it_is_paid() -> None:
    desk = Desk()
    desk.broker.accrue(ACCOUNT, "USD", 12_340_000)
    assert desk.value("NetLiquidation") == "100012.34"
    assert desk.value("TotalCashValue") == "100000.00"
    assert desk.value("AccruedCash", "BASE") == "12.34"
    desk.broker.move_cash(ACCOUNT, "interest-1", "interest", "USD", 12_340_000)
    desk.broker.accrue(ACCOUNT, "USD", -12_340_000)
    assert desk.value("NetLiquidation") == "100012.34"
    assert desk.value("CashBalance") == "100012.34"


def test_the_summary_answers_by_tag_and_by_ledger() -> None:
    desk = Desk(money={"USD": "1000", "GBP": "100"})
    rows = desk.broker.answers.summary(9, "NetLiquidation, AccountType,$LEDGER:GBP,$LEDGER")
    told = [(getattr(r, "tag", ""), getattr(r, "value", ""), getattr(r, "currency", "")) for r in rows]
    assert ("NetLiquidation", "1125.00", "USD") in told
    assert ("CashBalance", "100.00", "GBP") in told
    assert ("AccountType", "INDIVIDUAL", "") in told
    assert ("CashBalance", "1125.00", "BASE") in told
    assert type(rows[-1]).__name__ == "AccountSummaryEnd"
