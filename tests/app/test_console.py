"""The console as it is drawn, at the widths of a small and of a large terminal."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from rich.console import Console

from app.board import Board
from app.console import money, screen
from engine.message import Event
from model.orders import Side
from model.units import qty
from tests.app.made_status import EVERY, marked, moved, planned, row

HELD = {"CORN@200812": qty("-123456"), "SP500@200812": qty("12"), "BTCUSD": qty("0.12345678")}
WIDTHS = (80, 100, 140)


def status(band: str = "REPLAY", held: dict[str, int] = HELD, orders: int = 2) -> dict[str, Any]:
    """The board after a full day, with orders at work on both sides."""
    board = Board("demo_futures", "USD", band, "PAPER")
    events: list[Event] = [marked("1322222222"), *EVERY[:-1], marked("1234567890", growth=0.8766, positions=held)]
    for n in range(orders):
        order, name = f"hr-{n:012d}", ("GOLD@200812", "EURO_STOXX50@200812")[n % 2]
        events += [planned(order, name, (Side.BUY, Side.SELL)[n % 2], "1234.5"), moved(order, "SENT", "WORKING")]
    for seq, event in enumerate(events, 12_345):
        board.fold(row(seq, event))
    return board.status()


def drawn(shown: dict[str, Any], width: int, height: int = 40) -> str:
    console = Console(record=True, width=width, height=height, file=io.StringIO(), force_terminal=True)
    console.print(screen(shown, "trading real history"))
    return console.export_text()


@pytest.mark.parametrize("width", WIDTHS)
def test_every_number_of_the_books_is_drawn_whole(width: int) -> None:
    text = drawn(status(), width)
    whole = (
        "NAV 1,234,567,890 USD", "profit −87,654,332 USD", "drawdown −12.34%", "gross 2,345,678,901",
        "net −1,234,567,890", "fees 1,234,567", "scale 0.50", "orders 3, fills 1", "2008-09-24 22:00:00Z",
        "core −87,654,321", "trend +123,456,789",
    )  # fmt: skip
    assert [one for one in whole if one not in text] == []


@pytest.mark.parametrize("width", WIDTHS)
def test_every_quantity_is_drawn_whole_with_its_sign(width: int) -> None:
    text = drawn(status(), width)
    assert re.search(r"CORN@200812 +−123,456 ", text)
    assert re.search(r"BTCUSD +\+0\.12345678 ", text)
    assert re.search(r"GOLD@200812.*1,234\.5", text)


@pytest.mark.parametrize("width", WIDTHS)
def test_minus_signs_are_true_ones(width: int) -> None:
    assert [line for line in drawn(status(), width).splitlines() if re.search(r"(?<![\w-])-\d", line)] == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("band", ["PAPER", "REPLAY"])
def test_the_band_says_first_that_no_real_money_trades(band: str, width: int) -> None:
    first = drawn(status(band), width).splitlines()[0]
    assert first.startswith(f" {band} · account PAPER · demo_futures · ")
    assert "trading real history" in first


@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_wider_than_the_terminal_and_the_frame_is_as_high(width: int) -> None:
    lines = drawn(status(), width).splitlines()
    assert len(lines) == 40
    assert {len(line) for line in lines} == {width}


def test_a_small_terminal_shows_the_side_as_a_sign_and_a_large_one_in_words() -> None:
    assert re.search(r"EURO_STOXX50@\S* +−1,234\.5 +LMT +WORKING", drawn(status(), 80))
    assert re.search(r"00000001 +EURO_STOXX50@200812 +SELL +1,234\.5 +LMT +WORKING", drawn(status(), 140))


def test_a_small_window_still_says_the_books() -> None:
    text = drawn(status(), 80, 24)
    assert "NAV 1,234,567,890 USD" in text
    assert "journal row 12,3" in text
    assert "trend +123,456,789" in text


def test_what_does_not_fit_is_counted() -> None:
    many = {f"P{n:02d}": qty("1") for n in range(20)}
    text = drawn(status(held=many, orders=20), 140, 60)
    assert "positions (20)" in text
    assert "orders at work (20)" in text
    assert text.count("… and 6 more") == 2


def test_an_engine_that_has_said_nothing_can_be_drawn() -> None:
    text = drawn(Board("demo", "EUR", "PAPER", "PAPER").status(), 80)
    assert "nothing has happened yet" in text
    assert "no sleeve has traded yet" in text


@pytest.mark.parametrize("band", ["LIVE", "NOT RUNNING"])
def test_other_bands_are_drawn_too(band: str) -> None:
    assert drawn(status(band), 80).startswith(f" {band} ")


@pytest.mark.parametrize(
    ("value", "plain", "signed"),
    [(1234567.6, "1,234,568", "+1,234,568"), (-0.2, "0", "0"), (0.0, "0", "+0"), (-1000.0, "−1,000", "−1,000")],
)
def test_money_has_separators_and_no_minus_before_nothing(value: float, plain: str, signed: str) -> None:
    assert money(value) == plain
    assert money(value, sign=True).lstrip("+") == signed.lstrip("+")
