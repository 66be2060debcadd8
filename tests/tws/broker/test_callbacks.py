"""The sequences of callbacks that were recorded from real gateways."""

from __future__ import annotations

import pytest

from simulation.tws.broker import BrokerRules, Story, always, listed, seeded
from simulation.tws.replies import CommissionReport, ErrorMessage, ExecDetails, OpenOrder, OrderStatus

from .kit import OPEN, STOCK, Desk, buy, errors, executions, sell, story

ACK = ["openOrder PreSubmitted", "orderStatus PreSubmitted"]
REST = [*ACK, "openOrder Submitted", "orderStatus Submitted"]
FILL = ["execDetails 10 at 100.1"]
DONE = ["openOrder Filled", "orderStatus Filled"]
COSTS = ["commissionReport"]


def market_buy(how: Story) -> list[str]:
    desk = Desk(stories=always(how))
    desk.quote(STOCK, "100", "100.1")
    return story(desk.place(1, buy(10)))


def test_a_market_order_is_acknowledged_filled_and_costed() -> None:
    assert market_buy(Story.PLAIN) == [*ACK, *FILL, *DONE, "openOrder Filled with commission", *COSTS]


def test_the_filled_status_can_come_before_the_execution() -> None:
    assert market_buy(Story.STATUS_FIRST) == [*ACK, *DONE, *FILL, *COSTS]


def test_execution_and_commission_can_come_before_any_status() -> None:
    assert market_buy(Story.EXECUTION_FIRST) == [*FILL, *COSTS, *DONE]


def test_the_filled_status_can_be_missing() -> None:
    assert market_buy(Story.NO_FILLED_STATUS) == [*ACK, *FILL, *COSTS]


def test_the_commission_can_come_before_its_execution() -> None:
    assert market_buy(Story.COMMISSION_FIRST) == [*ACK, *COSTS, *FILL, *DONE]


def test_a_late_commission_comes_when_its_time_has_come() -> None:
    desk = Desk(stories=always(Story.LATE_COMMISSION), rules=BrokerRules(commission_delay_ns=5 * 10**9))
    desk.quote(STOCK, "100", "100.1")
    assert story(desk.place(1, buy(10))) == [*ACK, *FILL, *DONE]
    assert desk.broker.next_ns() == desk.now_ns + 5 * 10**9
    assert story(desk.wait(desk.now_ns + 4 * 10**9)) == []
    assert story(desk.wait(desk.now_ns + 10**9)) == COSTS


def test_stories_are_told_by_the_number_of_the_order() -> None:
    desk = Desk(stories=listed({2: Story.STATUS_FIRST}))
    desk.quote(STOCK, "100", "100.1")
    desk.place(1, buy(10))
    assert story(desk.place(2, buy(10))) == [*ACK, *DONE, *FILL, *COSTS]


def test_seeded_stories_are_the_same_every_time_and_all_of_them_occur() -> None:
    told = [seeded(7)(number) for number in range(1, 200)]
    assert told == [seeded(7)(number) for number in range(1, 200)]
    assert set(told) == set(Story)


def test_a_resting_order_is_pre_submitted_then_submitted_and_fills_in_parts() -> None:
    desk = Desk()
    desk.quote(STOCK, "100", "100.1")
    assert story(desk.place(1, buy(10, limit=99.5))) == REST
    assert story(desk.quote(STOCK, "99.3", "99.5", size="4")) == [
        "execDetails 4 at 99.5", "openOrder Submitted", "orderStatus Submitted", "commissionReport",
    ]  # fmt: skip
    status = desk.last_status(1)
    assert (status.filled, status.remaining, status.average_price) == (4.0, 6.0, 99.5)


def test_an_order_that_executes_first_but_has_to_rest_is_acknowledged_after_all() -> None:
    desk = Desk(stories=always(Story.EXECUTION_FIRST))
    desk.quote(STOCK, "100", "100.1")
    assert story(desk.place(1, buy(10, limit=99.5))) == ["openOrder Submitted", "orderStatus Submitted"]


def test_a_cancel_is_pending_then_done_then_an_error() -> None:
    desk = Desk()
    desk.quote(STOCK, "100", "100.1")
    desk.place(1, buy(10, limit=99.5))
    assert story(desk.cancel(1)) == ["orderStatus PendingCancel", "orderStatus Cancelled", "error 202"]


def test_an_ioc_order_without_a_fill_is_cancelled_without_an_error() -> None:
    desk = Desk()
    desk.quote(STOCK, "100", "100.1")
    said = story(desk.place(1, buy(10, limit=99.5, tif="IOC")))
    assert said == [*ACK, "orderStatus PendingCancel", "orderStatus Cancelled"]


def test_a_fok_order_that_cannot_fill_whole_becomes_inactive() -> None:
    desk = Desk()
    desk.quote(STOCK, "100", "100.1", size="5")
    assert story(desk.place(1, buy(10, limit=101.0, tif="FOK"))) == [*ACK, "orderStatus Inactive"]
    assert desk.broker.answers.positions() == []


def test_a_fok_order_that_can_fill_whole_does() -> None:
    desk = Desk()
    desk.quote(STOCK, "100", "100.1", size="10")
    assert "orderStatus Filled" in story(desk.place(1, buy(10, limit=101.0, tif="FOK")))


def test_an_order_that_is_not_transmitted_is_met_with_silence() -> None:
    desk = Desk()
    desk.quote(STOCK, "100", "100.1")
    assert desk.place(1, buy(10, transmit=False)) == []
    assert desk.ask(lambda: desk.broker.answers.open_orders(1))[:-1] == []
    assert story(desk.place(1, buy(10)))[-1] == "commissionReport"


def test_an_untransmitted_order_that_is_cancelled_ends_as_api_cancelled() -> None:
    desk = Desk()
    desk.place(1, buy(10, transmit=False))
    assert story(desk.cancel(1)) == ["orderStatus ApiCancelled"]


def test_an_unknown_order_type_is_an_invalid_request() -> None:
    assert errors(Desk().place(1, buy(10, order_type="SNAP MKT"))) == [321]


def test_with_a_route_of_some_length_an_order_is_pending_first() -> None:
    desk = Desk(rules=BrokerRules(route_ns=10**6))
    desk.quote(STOCK, "100", "100.1")
    assert story(desk.place(1, buy(10, limit=99.5))) == ["openOrder PendingSubmit", "orderStatus PendingSubmit"]
    assert story(desk.wait(desk.now_ns + 10**6)) == REST


def test_a_cancel_that_loses_the_race_meets_a_filled_order() -> None:
    desk = Desk(rules=BrokerRules(route_ns=2 * 10**9))
    desk.quote(STOCK, "100", "100.1")
    desk.place(1, buy(10, limit=99.5))
    desk.wait(desk.now_ns + 2 * 10**9)
    assert story(desk.cancel(1)) == ["orderStatus PendingCancel"]
    assert "orderStatus Filled" in story(desk.quote(STOCK, "99.4", "99.5"))
    assert story(desk.wait(desk.now_ns + 2 * 10**9)) == ["error 10148"]


def test_an_order_cancelled_on_its_way_ends_as_api_cancelled() -> None:
    desk = Desk(rules=BrokerRules(route_ns=10**9))
    desk.quote(STOCK, "100", "100.1")
    desk.place(1, buy(10))
    assert story(desk.cancel(1)) == ["orderStatus ApiCancelled"]
    assert story(desk.wait(desk.now_ns + 2 * 10**9)) == []


def test_execution_ids_have_four_groups_and_the_gateway_prints_its_own_zone() -> None:
    desk = Desk(now_ns=OPEN)
    desk.quote(STOCK, "100", "100.1", at_ns=OPEN + 4 * 10**9)
    done = executions(desk.place(1, sell(10)))[0].execution
    groups = done.exec_id.split(".")
    assert [len(group) for group in groups] == [8, 8, 2, 2]
    assert groups[-1] == "01"
    assert done.time == "20200106 10:00:04 US/Eastern"
    assert (done.side, done.exchange, done.perm_id > 0) == ("SLD", "NYSE", True)


def test_a_held_order_says_until_when() -> None:
    desk = Desk(now_ns=OPEN - 3 * 3_600 * 10**9)
    said = desk.place(1, buy(10, limit=99.5))
    assert story(said) == [*ACK, "error 399"]
    text = next(m.text for _, m in said if isinstance(m, ErrorMessage))
    assert "20200106 09:00:00 US/Eastern" in text
    assert story(desk.wait(OPEN)) == ["openOrder Submitted", "orderStatus Submitted"]


@pytest.mark.parametrize("how", Story)
def test_whatever_the_story_every_fill_is_told_with_its_commission(how: Story) -> None:
    desk = Desk(stories=always(how))
    desk.quote(STOCK, "100", "100.1", size="6")
    desk.place(1, buy(10, limit=100.1))
    desk.quote(STOCK, "100", "100.1", size="6")
    desk.wait(desk.now_ns + 10 * 10**9)
    told = [message for _, message in desk.said]
    fills = [each for each in told if isinstance(each, ExecDetails)]
    reports = [each for each in told if isinstance(each, CommissionReport)]
    assert sum(each.execution.shares for each in fills) == 10.0
    assert [each.exec_id for each in reports] == [each.execution.exec_id for each in fills]
    assert any(isinstance(each, OpenOrder | OrderStatus) for each in told)
