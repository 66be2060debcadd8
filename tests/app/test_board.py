"""The board: what it makes of rows, in amounts worked by hand."""

from __future__ import annotations

import pytest

from app.board import Board
from engine.message import Event
from model.orders import Side
from model.units import qty
from tests.app.made_status import ALARM, EVERY, LOCKED, RELEASED, filled, marked, moved, planned, row


def board(*events: Event) -> Board:
    made = Board("demo", "USD", "PAPER", "PAPER")
    for seq, event in enumerate(events, 1):
        made.fold(row(seq, event))
    return made


def test_profit_and_drawdown_are_of_the_first_and_the_highest_day() -> None:
    shown = board(marked("100"), marked("125", growth=1.25), marked("100", growth=1.0)).status()
    assert shown["profit"] == 0
    assert shown["drawdown"] == pytest.approx(-0.2)


def test_money_paid_in_is_no_profit_and_money_taken_out_no_drawdown() -> None:
    shown = board(
        marked("150", flows="50"), marked("260", flows="150", growth=1.1), marked("60", flows="-50", growth=1.1)
    ).status()
    assert shown["profit"] == 10  # 100 at first without the deposit; 10 earned; 200 taken out
    assert shown["drawdown"] == 0


def test_fills_move_positions_until_the_next_mark_says_what_they_are() -> None:
    made = board(marked("100", positions={"SP500@200812": qty("3")}), filled("e1", "5"), filled("e2", "2", Side.SELL))
    assert made.status()["positions"] == {"SP500@200812": 6.0}
    made.fold(row(9, marked("100", positions={"SP500@200812": qty("6"), "GOLD@200812": qty("-1")})))
    assert made.status()["positions"] == {"GOLD@200812": -1.0, "SP500@200812": 6.0}


def test_a_position_that_was_closed_is_not_shown() -> None:
    assert board(filled("e1", "5"), filled("e2", "5", Side.SELL)).status()["positions"] == {}


def test_a_correction_replaces_the_execution_that_it_corrects() -> None:
    made = board(filled("e1", "5"), filled("e1.1", "3", corrects="e1"), filled("e1.2", "4", corrects="e1.1"))
    assert made.status()["positions"] == {"SP500@200812": 4.0}
    assert made.status()["counts"]["fills"] == 1
    assert made.status()["log"][-1].endswith("e1.1 was really BUY 4 SP500@200812 at 1200.5, fee 2.5 USD")


def test_an_execution_from_before_the_mark_can_still_be_corrected() -> None:
    made = board(
        filled("e1", "5"), marked("100", positions={"SP500@200812": qty("5")}), filled("e9", "3", corrects="e1")
    )
    assert made.status()["positions"] == {"SP500@200812": 3.0}


def test_an_order_is_at_work_from_its_plan_to_its_end() -> None:
    order = "hr-000000000001"
    made = board(planned(order), moved(order, "SENT", "WORKING"))
    assert [(one["id"], one["state"], one["quantity"]) for one in made.status()["working"]] == [
        (order, "WORKING", 12.0)
    ]
    made.fold(row(3, moved(order, "WORKING", "UNKNOWN")))
    assert made.status()["working"][0]["state"] == "UNKNOWN"
    made.fold(row(4, moved(order, "UNKNOWN", "FILLED")))
    assert made.status()["working"] == []


def test_a_locked_instrument_stays_on_the_board_until_it_is_released() -> None:
    assert board(LOCKED).status()["locks"] == {"GOLD@200812": "books and venue differ"}
    assert board(LOCKED, RELEASED).status()["locks"] == {}


def test_an_alarm_is_said() -> None:
    assert board(ALARM).status()["log"] == ["2008-09-24 22:00:00Z ALARM STALLED the loop: the loop is 6000 ms late"]


def test_a_board_that_was_kept_goes_on_as_if_it_had_never_stopped() -> None:
    whole, half = board(*EVERY, filled("e1.1", "3", corrects="e1")), board(*EVERY)
    again = Board("demo", "USD", "PAPER", "PAPER")
    again.load(half.keep())
    again.fold(row(len(EVERY) + 1, filled("e1.1", "3", corrects="e1")))
    assert again.status() == whole.status()


def test_only_the_newest_lines_are_kept() -> None:
    assert len(board(*[filled(f"e{n}", "1") for n in range(1_000)]).log) == 200
