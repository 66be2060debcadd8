"""Brackets, one-cancels-all groups, and combos."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from simulation.exchange import VenueRules
from simulation.tws.replies import CommissionReport, OpenOrder

from .kit import ACCOUNT, OPTION, OTHER_OPTION, SPREAD, STOCK, Desk, at, buy, errors, executions, sell, story


def bracket(desk: Desk, parent_limit: float = 99.5) -> Desk:
    """Buy 10, take profit at 105 or stop at 95: ids 1, 2 and 3, sent with the last."""
    desk.quote(STOCK, "100", "100.1")
    assert desk.place(1, buy(10, limit=parent_limit, transmit=False)) == []
    assert desk.place(2, sell(10, limit=105.0, parent_id=1, transmit=False)) == []
    desk.place(3, sell(10, order_type="STP", aux=95.0, parent_id=1))
    return desk


def held(desk: Desk) -> list[tuple[str, str]]:
    return [(desk.last_status(i).status, desk.last_status(i).why_held) for i in (1, 2, 3)]


def test_a_bracket_is_silent_until_its_last_order_is_transmitted() -> None:
    assert held(bracket(Desk())) == [("Submitted", ""), ("PreSubmitted", "child"), ("PreSubmitted", "child,trigger")]


def test_children_go_out_when_the_parent_fills_and_the_first_to_fill_ends_the_other() -> None:
    desk = bracket(Desk())
    desk.quote(STOCK, "99.4", "99.5")
    assert held(desk) == [("Filled", ""), ("Submitted", ""), ("PreSubmitted", "trigger")]
    desk.quote(STOCK, "105", "105.1")
    assert held(desk) == [("Filled", ""), ("Filled", ""), ("Cancelled", "")]
    assert desk.broker.answers.positions() == []


def test_the_stop_of_a_bracket_ends_its_profit_target() -> None:
    desk = bracket(Desk(), parent_limit=100.1)
    desk.quote(STOCK, "94.9", "95")
    assert [status for status, _ in held(desk)] == ["Filled", "Cancelled", "Filled"]


def test_a_target_that_fills_in_part_reduces_the_stop_by_as_much() -> None:
    desk = bracket(Desk(), parent_limit=100.1)
    desk.quote(STOCK, "105", "105.1", size="4")
    assert desk.last_status(2).filled == 4.0
    assert executions(desk.quote(STOCK, "94.9", "95"))[0].execution.shares == 6.0
    assert desk.broker.answers.positions() == []


def test_cancelling_a_parent_that_never_filled_ends_its_children() -> None:
    desk = bracket(Desk())
    assert errors(desk.cancel(1)) == [202, 202, 202]


def test_children_of_a_parent_that_filled_in_part_close_what_there_is() -> None:
    desk = bracket(Desk())
    desk.quote(STOCK, "99.4", "99.5", size="4")
    desk.cancel(1)
    assert [desk.last_status(i).status for i in (1, 2, 3)] == ["Cancelled", "Submitted", "PreSubmitted"]
    desk.quote(STOCK, "105", "105.1")
    assert desk.broker.answers.positions() == []


def test_a_child_changed_with_its_parents_id_after_the_parent_filled_is_rejected() -> None:
    desk = bracket(Desk(), parent_limit=100.1)
    assert errors(desk.place(2, sell(10, limit=104.0, parent_id=1))) == [201]
    assert errors(desk.place(2, sell(10, limit=104.0))) == []
    assert executions(desk.quote(STOCK, "104", "104.1"))[0].execution.order_id == 2


def test_a_child_of_an_unknown_parent_is_refused() -> None:
    assert errors(Desk().place(1, buy(1, limit=1.0, parent_id=77))) == [135]


def test_a_child_can_take_its_parent_with_it() -> None:
    desk = Desk()
    desk.quote(STOCK, "100", "100.1")
    desk.place(1, buy(10, limit=99.5, transmit=False))
    desk.place(2, sell(10, limit=105.0, parent_id=1, auto_cancel_parent=True))
    desk.cancel(2)
    assert [desk.last_status(i).status for i in (1, 2)] == ["Cancelled", "Cancelled"]


@pytest.mark.parametrize(("kind", "left"), [(1, None), (2, 12.0), (3, 12.0)])
def test_a_partial_fill_in_a_group_cancels_or_reduces_the_others(kind: int, left: float | None) -> None:
    desk = Desk()
    desk.quote(STOCK, "100", "100.1")
    desk.place(1, buy(10, limit=99.0, oca_group="g", oca_type=kind))
    desk.place(2, buy(20, limit=98.0, oca_group="g", oca_type=kind))
    desk.place(3, buy(20, limit=98.0, oca_group="h", oca_type=kind))
    desk.quote(STOCK, "98.9", "99", size="4")
    status = desk.last_status(2)
    if left is None:
        assert status.status == "Cancelled"
    else:
        desk.ask_all()
        assert (desk.last_status(2).status, desk.last_status(2).remaining) == ("Submitted", left)
    assert desk.last_status(3).remaining == 20.0


@pytest.mark.parametrize(("kind", "filled"), [(1, [4.0]), (2, [4.0]), (3, [4.0, 10.0])])
def test_only_in_a_group_without_block_two_orders_can_fill_together(kind: int, filled: list[float]) -> None:
    desk = Desk()
    desk.quote(STOCK, "100", "100.1")
    desk.place(1, buy(10, limit=98.0, oca_group="g", oca_type=kind))
    desk.place(2, buy(4, limit=99.0, oca_group="g", oca_type=kind))
    assert [each.execution.shares for each in executions(desk.quote(STOCK, "97.9", "98", size="14"))] == filled


def test_the_best_of_a_group_with_block_is_exposed_even_if_it_came_later_or_was_changed() -> None:
    desk = Desk()
    desk.quote(STOCK, "100", "100.1")
    desk.place(1, buy(10, limit=98.0, oca_group="g", oca_type=1))
    desk.place(2, buy(10, limit=99.0, oca_group="g", oca_type=1))
    exchange = desk.exchanges[ACCOUNT]

    def exposed() -> list[float]:
        return [order.limit / 10**9 for order in exchange.snapshot("test", 0).orders]

    assert exposed() == [99.0]
    desk.place(2, buy(10, limit=97.0))
    assert exposed() == [98.0]
    desk.place(2, buy(10, limit=98.5))
    assert exposed() == [98.5]
    desk.cancel(2)
    assert exposed() == [98.0]
    assert executions(desk.quote(STOCK, "97.9", "98"))[0].execution.order_id == 1


def quoted(desk: Desk, size: str = "10") -> Desk:
    desk.quote(OPTION, "5", "5.2", size=size)
    desk.quote(OTHER_OPTION, "2", "2.1", size=size)
    return desk


def test_a_combo_fills_at_its_net_price_with_a_summary_and_its_legs() -> None:
    desk = quoted(Desk())
    said = desk.place(1, buy(3, limit=3.2), contract=SPREAD)
    done = executions(said)
    told = [(e.contract.sec_type, e.execution.side, e.execution.shares, e.execution.price) for e in done]
    assert told == [("BAG", "BOT", 3.0, 3.2), ("OPT", "BOT", 3.0, 5.2), ("OPT", "SLD", 3.0, 2.0)]
    assert len({e.execution.perm_id for e in done}) == 1
    assert len({e.execution.exec_id for e in done}) == 3
    reports = [m for _, m in said if isinstance(m, CommissionReport)]
    assert [r.exec_id for r in reports] == [e.execution.exec_id for e in done[1:]]
    assert [(p.contract.con_id, p.quantity) for p in desk.broker.answers.positions()] == [
        (OPTION, 3.0), (OTHER_OPTION, -3.0),
    ]  # fmt: skip
    # 3 x 100 x 3.20 and 6 x 0.65
    assert desk.value("CashBalance") == "99036.10"


def test_a_combo_waits_until_its_legs_meet_the_net_price() -> None:
    desk = quoted(Desk())
    desk.place(1, buy(2, limit=3.0), contract=SPREAD)
    assert executions(desk.quote(OPTION, "4.9", "5.1")) == []
    assert executions(desk.quote(OTHER_OPTION, "2.1", "2.2"))[0].execution.price == 3.0


def test_a_net_price_can_be_negative() -> None:
    flipped = replace(SPREAD, legs=(replace(SPREAD.legs[0], action="SELL"), replace(SPREAD.legs[1], action="BUY")))
    desk = quoted(Desk())
    said = desk.place(1, buy(1, limit=-2.9), contract=flipped)
    assert executions(said)[0].execution.price == -2.9
    assert desk.last_status(1).average_price == -2.9


def test_selling_a_combo_turns_its_legs() -> None:
    desk = quoted(Desk())
    done = executions(desk.place(1, sell(1, limit=2.9), contract=SPREAD))
    assert [(e.execution.side, e.execution.price) for e in done] == [("SLD", 2.9), ("SLD", 5.0), ("BOT", 2.1)]


def test_a_combo_fills_no_more_than_every_leg_shows() -> None:
    desk = quoted(Desk(), size="2")
    desk.place(1, buy(5, limit=3.2), contract=SPREAD)
    assert (desk.last_status(1).filled, desk.last_status(1).remaining) == (2.0, 3.0)
    desk.quote(OPTION, "5", "5.2", size="9")
    assert desk.last_status(1).filled == 2.0
    desk.quote(OTHER_OPTION, "2", "2.1", size="9")
    assert desk.last_status(1).status == "Filled"


def test_an_ioc_combo_ends_with_what_it_got() -> None:
    desk = quoted(Desk(), size="2")
    said = desk.place(1, buy(5, limit=3.2, tif="IOC"), contract=SPREAD)
    assert story(said)[-2:] == ["orderStatus PendingCancel", "orderStatus Cancelled"]
    assert errors(said) == []


def test_a_combo_with_a_leg_that_is_refused_leaves_no_leg() -> None:
    legs = (SPREAD.legs[0], replace(SPREAD.legs[0], con_id=STOCK, action="SELL", ratio=1))
    desk = quoted(Desk(venue=VenueRules(margin=False, locates={})))
    desk.quote(STOCK, "100", "100.1")
    said = desk.place(1, buy(1), contract=replace(SPREAD, legs=legs))
    assert 201 in errors(said)
    assert desk.broker.answers.positions() == []
    assert desk.value("CashBalance") == "100000.00"


def test_a_combo_is_margined_as_a_whole_and_ends_with_the_day() -> None:
    desk = quoted(Desk(money={"USD": "500"}))
    assert errors(desk.place(1, buy(3, limit=3.2), contract=SPREAD)) == [201]
    desk = quoted(Desk())
    desk.place(1, buy(3, limit=1.0), contract=SPREAD)
    assert errors(desk.wait(at(0, 21))) == [202]


def test_an_execution_is_corrected_under_the_next_number() -> None:
    desk = Desk()
    desk.quote(STOCK, "100", "100.1")
    was = executions(desk.place(1, buy(10)))[0].execution
    desk.broker.correct(was.exec_id, 10 * 10**8, 99_100_000_000)
    said = desk.take()
    now = executions(said)[0].execution
    assert story(said) == ["execDetails 10 at 99.1", "commissionReport"]
    assert now.exec_id == was.exec_id[:-2] + "02"
    # 991.00 and the commission of 1.00
    assert desk.value("CashBalance") == "99008.00"
    assert desk.broker.answers.positions()[0].average_cost == 99.2
    desk.broker.correct(now.exec_id, 10 * 10**8, 99_000_000_000)
    assert executions(desk.take())[0].execution.exec_id.endswith(".03")
    with pytest.raises(ValueError, match="corrected before"):
        desk.broker.correct(was.exec_id, 10 * 10**8, 98_000_000_000)
    with pytest.raises(LookupError):
        desk.broker.correct("nothing", 0, 0)


def test_a_busted_execution_leaves_nothing_behind() -> None:
    desk = Desk()
    desk.quote(STOCK, "100", "100.1")
    was = executions(desk.place(1, buy(10)))[0].execution
    desk.broker.correct(was.exec_id, 0, 100_100_000_000)
    busted = executions(desk.take())[0].execution
    assert (busted.shares, busted.cum_quantity, busted.exec_id) == (0.0, 0.0, was.exec_id[:-2] + "02")
    assert desk.broker.answers.positions() == []
    assert desk.last_status(1).status == "Filled"
    assert desk.broker.answers.portfolio(ACCOUNT) == []
    assert desk.value("CashBalance") == "100000.00"


def test_the_children_of_one_parent_are_shown_as_a_group() -> None:
    desk = bracket(Desk())
    shown = {m.order.order_id: m.order for _, m in desk.said if isinstance(m, OpenOrder)}
    assert shown[2].oca_group == shown[3].oca_group == str(shown[1].perm_id)
    assert (shown[2].oca_type, shown[2].parent_id) == (3, 1)
