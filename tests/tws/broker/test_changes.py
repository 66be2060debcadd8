"""Ids, changes, cancels, and what one client can do to the orders of another."""

from __future__ import annotations

from simulation.tws.broker import BrokerRules
from simulation.tws.replies import CompletedOrder, OpenOrder, OrderStatus
from simulation.tws.terms import ExecutionFilter

from .kit import CONTRACTS, FUTURE, START, STOCK, Desk, at, buy, errors, executions, sell, story


def resting(desk: Desk | None = None, **how: object) -> Desk:
    """A buy of 10 at 99.5 under id 1."""
    desk = desk or Desk()
    desk.quote(STOCK, "100", "100.1")
    desk.place(1, buy(10, limit=99.5, **how))
    return desk


def test_the_same_id_while_working_changes_the_order() -> None:
    desk = resting()
    perm = desk.last_status(1).perm_id
    said = desk.place(1, buy(12, limit=99.6))
    assert story(said) == ["openOrder Submitted", "orderStatus Submitted"]
    assert (desk.last_status(1).perm_id, desk.last_status(1).remaining) == (perm, 12.0)
    done = executions(desk.quote(STOCK, "99.5", "99.6"))[0].execution
    assert (done.shares, done.price) == (12.0, 99.6)


def test_a_change_to_a_marketable_limit_fills_at_once() -> None:
    desk = resting()
    assert executions(desk.place(1, buy(10, limit=100.2)))[0].execution.price == 100.1


def test_a_change_of_type_keeps_the_order_and_its_fills() -> None:
    desk = resting()
    desk.quote(STOCK, "99.4", "99.5", size="4")
    desk.quote(STOCK, "100", "100.1")
    said = desk.place(1, buy(10))
    assert executions(said)[0].execution.shares == 6.0
    assert (desk.last_status(1).status, desk.last_status(1).filled) == ("Filled", 10.0)


def test_a_stops_trigger_can_be_moved() -> None:
    desk = Desk()
    desk.quote(STOCK, "100", "100.1")
    desk.place(1, sell(10, order_type="STP", aux=99.0))
    desk.place(1, sell(10, order_type="STP", aux=95.0))
    assert executions(desk.quote(STOCK, "98", "98.1")) == []
    assert executions(desk.quote(STOCK, "94", "94.1"))[0].execution.price == 94.0


def test_a_change_of_the_time_in_force_counts_from_now_on() -> None:
    desk = Desk()
    desk.quote(STOCK, "100", "100.1")
    desk.place(1, sell(10, order_type="STP", aux=95.0))
    desk.place(2, sell(10, order_type="STP", aux=95.0, tif="GTC"))
    desk.place(1, sell(10, order_type="STP", aux=95.0, tif="GTC"))
    desk.place(2, sell(10, order_type="STP", aux=95.0, tif="GTD", good_till="20200106-16:00:00"))
    assert errors(desk.wait(at(0, 16))) == [202]
    desk.wait(at(1, 15))
    assert [desk.last_status(i).status for i in (1, 2)] == ["PreSubmitted", "Cancelled"]


def test_an_id_of_a_filled_order_is_104_and_of_any_other_103() -> None:
    desk = resting()
    desk.cancel(1)
    assert errors(desk.place(1, buy(10))) == [103]
    desk.place(5, buy(10))
    assert errors(desk.place(5, buy(10))) == [104]
    assert errors(desk.place(3, buy(10))) == [103]
    assert errors(desk.place(0, buy(10))) == [103]


def test_a_change_of_what_cannot_change_is_refused_and_the_order_stands() -> None:
    desk = resting()
    assert errors(desk.place(1, sell(10, limit=99.5))) == [105]
    assert errors(desk.place(1, buy(10, limit=99.5), FUTURE)) == [105]
    assert errors(desk.place(1, buy(10, limit=99.555))) == [110]
    assert errors(desk.place(1, buy(5000, limit=99.5))) == [201]
    assert executions(desk.quote(STOCK, "99.4", "99.5"))[0].execution.shares == 10.0


def test_a_planned_refusal_of_a_change_leaves_the_old_order_live() -> None:
    desk = resting(Desk(rules=BrokerRules(refuse_changes=frozenset({1}))))
    assert story(desk.place(1, buy(10, limit=99.7))) == ["error 201"]
    assert executions(desk.quote(STOCK, "99.5", "99.6")) == []
    assert story(desk.place(1, buy(10, limit=99.7)))[-2:] == ["openOrder Filled with commission", "commissionReport"]


def test_a_change_over_a_bad_link_can_leave_two_orders_under_one_id() -> None:
    desk = resting()
    first = desk.last_status(1).perm_id
    desk.broker.harm_next_change(double=True)
    assert errors(desk.place(1, buy(10, limit=99.6))) == []
    second = desk.last_status(1).perm_id
    assert {each.order.perm_id for each in opened(desk, 1)} == {first, second}
    assert {each.order.order_id for each in opened(desk, 1)} == {1}
    assert len(executions(desk.quote(STOCK, "99.4", "99.5"))) == 2


def test_the_next_change_can_be_refused_by_hand() -> None:
    desk = resting()
    desk.broker.harm_next_change(double=False)
    assert errors(desk.place(1, buy(10, limit=99.6))) == [201]
    assert errors(desk.place(1, buy(10, limit=99.6))) == []


def test_a_used_id_of_a_live_order_changes_it_whatever_reference_comes_with_it() -> None:
    desk = resting(order_ref="first")
    desk.place(1, buy(10, limit=99.5, order_ref="second"))
    assert [each.order.order_ref for each in opened(desk, 1)] == ["second"]


def test_a_change_below_what_has_filled_is_refused() -> None:
    desk = resting()
    desk.quote(STOCK, "99.4", "99.5", size="4")
    assert errors(desk.place(1, buy(4, limit=99.5))) == [201]
    assert errors(desk.place(1, buy(5, limit=99.5))) == []


def test_a_change_on_its_way_to_the_exchange_is_too_early() -> None:
    desk = Desk(rules=BrokerRules(route_ns=10**9))
    desk.place(1, buy(10, limit=99.5))
    assert errors(desk.place(1, buy(10, limit=99.6))) == [2102]


def test_cancelling_what_is_not_there_has_its_own_codes() -> None:
    desk = resting()
    assert errors(desk.cancel(7)) == [10147]
    desk.cancel(1)
    assert errors(desk.cancel(1)) == [10148]


def test_older_gateways_used_other_codes_for_cancels() -> None:
    desk = resting(Desk(rules=BrokerRules(old_cancel_codes=True)))
    assert errors(desk.cancel(7)) == [135]
    desk.cancel(1)
    assert errors(desk.cancel(1)) == [161]


def test_a_second_cancel_while_the_first_is_under_way_is_161() -> None:
    desk = Desk(rules=BrokerRules(route_ns=10**9))
    desk.quote(STOCK, "100", "100.1")
    desk.place(1, buy(10, limit=99.5))
    desk.wait(desk.now_ns + 10**9)
    desk.cancel(1)
    assert errors(desk.cancel(1)) == [161]
    assert errors(desk.place(1, buy(10, limit=99.6))) == [201]


def test_order_ids_belong_to_their_client() -> None:
    desk = resting()
    desk.connect(2)
    desk.place(1, buy(3, limit=99.0), client=2)
    assert desk.broker.next_order_id(1) == desk.broker.next_order_id(2) == 2
    assert desk.broker.next_order_id(3) == 1
    assert {each.order.client_id for each in opened(desk, 1)} == {1, 2}


def opened(desk: Desk, client: int) -> list[OpenOrder]:
    said = desk.ask(lambda: desk.broker.answers.all_open_orders(client))
    return [message for message in said if isinstance(message, OpenOrder)]


def test_orders_of_others_can_be_seen_and_cancelled_but_not_changed() -> None:
    desk = resting(order_ref="mine")
    desk.connect(2)
    assert errors(desk.cancel(1, client=2)) == [10147]
    assert [each.order.order_ref for each in opened(desk, 2)] == ["mine"]
    assert [m for m in desk.ask(lambda: desk.broker.answers.open_orders(2)) if isinstance(m, OpenOrder)] == []
    said = desk.cancel(1, client=2)
    assert story(said, 2) == ["orderStatus PendingCancel", "orderStatus Cancelled", "error 202"]
    assert story(said, 1) == story(said, 2)
    shown = {to: m.client_id for to, m in said if isinstance(m, OrderStatus)}
    assert shown == {1: 1, 2: 2}
    placed = desk.place(1, buy(20, limit=99.0), client=2)
    assert story(placed, 2)[0] == "openOrder PreSubmitted"


def test_only_its_own_client_hears_of_an_order_by_itself_unless_there_is_a_master() -> None:
    desk = Desk(rules=BrokerRules(master=9))
    desk.connect(2, 9)
    said = resting(desk).said
    assert story(said, 2) == []
    assert story(said, 9) == story(said, 1)


def test_orders_entered_by_hand_belong_to_client_0_once_it_binds_them() -> None:
    desk = Desk()
    desk.connect(0)
    desk.quote(STOCK, "100", "100.1")
    desk.broker.enter_by_hand(CONTRACTS[STOCK], buy(10, limit=99.5))
    assert story(desk.take(), 0) == []
    assert opened(desk, 1)[0].order.order_id == 0
    desk.broker.answers.bind_auto(0)
    bound = next(m for _, m in desk.take() if isinstance(m, OpenOrder))
    assert bound.order.order_id < 0
    assert story(desk.cancel(bound.order.order_id, client=0), 0)[-1] == "error 202"
    desk.broker.enter_by_hand(CONTRACTS[STOCK], buy(10, limit=99.5))
    assert story(desk.take(), 0)[0] == "openOrder PreSubmitted"
    desk.broker.answers.bind_auto(1)
    assert errors(desk.take()) == [321]


def test_global_cancel_ends_every_clients_orders() -> None:
    desk = resting()
    desk.connect(2)
    desk.place(1, buy(3, limit=99.0), client=2)
    desk.place(2, buy(3, limit=99.0, transmit=False), client=2)
    desk.broker.global_cancel(1)
    desk.take()
    assert opened(desk, 1) == []
    assert desk.last_status(2, client=2).status == "ApiCancelled"


def test_who_is_away_hears_nothing_and_finds_it_again() -> None:
    desk = resting()
    desk.broker.disconnect(1)
    assert desk.quote(STOCK, "99.4", "99.5") == []
    desk.connect(1)
    desk.broker.answers.executions(1, 5, ExecutionFilter())
    assert story(desk.take()) == ["execDetails 10 at 99.5", "ExecDetailsEnd", "commissionReport"]
    assert desk.broker.next_order_id(1) == 2


def test_after_ids_were_rolled_back_an_old_id_names_a_new_order() -> None:
    desk = resting()
    old = desk.last_status(1).perm_id
    desk.broker.roll_back_ids(1, 1)
    assert desk.broker.next_order_id(1) == 1
    desk.place(1, sell(5, limit=120.0, order_ref="second"))
    assert desk.last_status(1).perm_id != old
    assert {each.order.order_id for each in opened(desk, 1)} == {1}
    assert len(opened(desk, 1)) == 2


def test_executions_are_those_since_midnight_and_pass_the_filter() -> None:
    desk = Desk()
    desk.connect(2)
    desk.quote(STOCK, "100", "100.1")
    desk.place(1, buy(10))
    desk.place(1, sell(4), client=2)

    def found(**how: object) -> list[float]:
        desk.broker.answers.executions(1, 5, ExecutionFilter(**how))  # type: ignore[arg-type]
        said = desk.take()
        assert all(each.req_id == 5 for each in executions(said))
        return [each.execution.shares for each in executions(said)]

    assert found() == [10.0, 4.0]
    assert found(side="SELL") == found(side="SLD") == found(client_id=2) == [4.0]
    assert found(symbol="XYZ") == found(account="DU9") == found(time="20200106 10:00:02") == []
    assert found(time="20200106-15:00:00", exchange="NYSE", sec_type="STK") == [10.0, 4.0]
    desk.wait(START + 29 * 3_600 * 10**9 - 1)
    assert found() == [10.0, 4.0]
    desk.wait(START + 29 * 3_600 * 10**9)
    assert found() == []


def test_a_filter_with_a_time_that_is_none_is_refused() -> None:
    desk = Desk()
    desk.broker.answers.executions(1, 5, ExecutionFilter(time="noon"))
    assert errors(desk.take()) == [321]


def test_completed_orders_are_those_of_today_with_their_references() -> None:
    desk = resting(order_ref="a")
    desk.place(2, buy(10, order_ref="b"))
    desk.wait(desk.now_ns + 10**9)
    desk.cancel(1)
    desk.wait(desk.now_ns + 10**9)
    desk.broker.enter_by_hand(CONTRACTS[STOCK], buy(1))
    desk.take()

    def completed(*, api_only: bool = False) -> list[CompletedOrder]:
        said = desk.ask(lambda: desk.broker.answers.completed_orders(1, api_only=api_only))
        assert type(said[-1]).__name__ == "CompletedOrdersEnd"
        return [message for message in said if isinstance(message, CompletedOrder)]

    assert [(c.order.order_ref, c.state.status, c.filled_quantity) for c in completed()] == [
        ("b", "Filled", 10.0), ("a", "Cancelled", 0.0), ("", "Filled", 1.0),
    ]  # fmt: skip
    assert [c.order.order_ref for c in completed(api_only=True)] == ["b", "a"]
    assert all((c.order.order_id, c.order.client_id) == (0, 0) and c.order.perm_id for c in completed())
    desk.wait(at(1, 6))
    assert completed() == []
