"""The page about the runtime says what the code does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from engine.tables import lifecycle_table, mailbox_table
from tests.engine.kit import Patient, Price

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "runtime.md").read_text()


@pytest.mark.parametrize(("name", "table"), [("mailboxes", mailbox_table()), ("life", lifecycle_table())])
def test_tables_on_the_page_are_those_of_the_code(name: str, table: str) -> None:
    found = re.search(rf"<!-- {name} -->\n(.*?)\n<!-- end -->", PAGE, re.DOTALL)
    assert found is not None
    assert found[1] == table


def test_the_example_on_the_page_runs_and_prints_what_the_page_says() -> None:
    code, printed = re.findall(r"```(?:python)?\n(.*?)```", PAGE, re.DOTALL)[:2]
    assert len([line for line in code.splitlines() if line]) <= 45
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.stderr == ""
    assert ran.stdout == printed


def test_a_table_names_slots_and_waiting() -> None:
    assert mailbox_table([Price, Patient]).splitlines()[2:] == [
        "| `Price` | work | 1 | `FULL`, and `Refused` to an actor, one for each `symbol`: the latest wins |",
        "| `Patient` | work | 2 | `FULL`: the source waits |",
    ]


def test_the_tables_can_be_printed() -> None:
    ran = subprocess.run([sys.executable, "-m", "engine.tables"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout == f"{mailbox_table()}\n\n{lifecycle_table()}\n"
