"""The page and the chart about a record."""

from __future__ import annotations

import struct
import warnings
from decimal import Decimal
from pathlib import Path

import pytest

from research.report import balance, write_report
from tests.research.days import FIRST_SESSIONS, book, record

SLEEVES = [
    book(FIRST_SESSIONS[0], "1000000", open_value="250", sleeves={"trend": "0", "hedge": "0"}),
    book(FIRST_SESSIONS[1], "1100000", open_value="-400.5", sleeves={"trend": "120000", "hedge": "-20000"}),
    book(FIRST_SESSIONS[2], "990000", open_value="0.000001", sleeves={"trend": "15000", "hedge": "-25000"}),
]


def figure(page: str, name: str) -> str:
    """The value in the row of the page's table that begins with `name`."""
    found = [line for line in page.splitlines() if line.startswith(f"| {name}")]
    assert len(found) == 1, f"{len(found)} rows of {name}"
    return found[0].strip("|").rsplit("|", 1)[-1].strip()


def test_the_page_says_the_figures_in_the_units_people_use(tmp_path: Path) -> None:
    page = write_report(tmp_path, SLEEVES, "Two sleeves", ["Prices are made up."])[0].read_text(encoding="utf-8")
    assert page.startswith("# Two sleeves\n\n2024-01-02 to 2024-01-04, 3 sessions.\n\n- Prices are made up.\n")
    assert figure(page, "net asset value, last") == "990,000.00"
    assert figure(page, "deepest drawdown") == "-10.00% on 2024-01-04"
    assert figure(page, "best day") == "+10.00% on 2024-01-03"
    assert "| trend | 15,000.00 | -150% |" in page
    assert "| hedge | -25,000.00 | 250% |" in page


def test_the_chart_is_a_picture_with_a_size(tmp_path: Path) -> None:
    chart = write_report(tmp_path / "new" / "folder", SLEEVES, "Two sleeves", [])[1].read_bytes()
    assert chart[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", chart[16:24])
    assert width >= 1000
    assert height >= 800
    assert len(chart) > 20_000  # three axes with lines on them, not an empty sheet


def test_a_record_without_sleeves_is_drawn_without_a_warning(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        page, chart = write_report(tmp_path, record("100", "101"), "None", [])
    assert page.exists()
    assert chart.stat().st_size > 10_000


def test_the_books_balance_to_the_micro_or_the_page_names_the_day() -> None:
    assert balance(SLEEVES)[1] == "The identity held exactly on 3 of 3 days."
    wrong = book(FIRST_SESSIONS[3], "1000000")
    days = [
        *SLEEVES,
        type(wrong)(**{name: getattr(wrong, name) for name in wrong.__struct_fields__} | {"nav": 10**12 + 1}),
    ]
    said = balance(days)
    assert said[1:] == ["The identity held exactly on 3 of 4 days.", "It did not hold on 2024-01-05."]


def test_the_balance_is_exact_where_floats_would_round() -> None:
    large = book(FIRST_SESSIONS[0], "9007199254.740993", open_value="0.000001")
    assert f"{Decimal('9007199254.740993'):,f}" in balance([large])[0]


def test_a_single_day_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least two days"):
        write_report(tmp_path / "report", record("100"), "One", [])
    assert not (tmp_path / "report").exists()
