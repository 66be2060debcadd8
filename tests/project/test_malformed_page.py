"""The page of refusals says what the tests try, and they try enough of every kind."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
FIVE = {
    "settings": ("Settings", "Programs"),
    "instruments": ("Instruments",),
    "data files": ("Data files",),
    "journals": ("Journals", "State folders"),
    "commands": ("Commands", "Words on the control port"),
}


@pytest.fixture(scope="module")
def table() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_malformed", ROOT / "scripts" / "make_malformed_table.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_tests_try(table: ModuleType) -> None:
    assert table.PAGE.read_text(encoding="utf-8") == table.page(), "run python scripts/make_malformed_table.py"


@pytest.mark.parametrize("kind", FIVE)
def test_at_least_eight_different_inputs_of_every_kind_are_refused(table: ModuleType, kind: str) -> None:
    cases = {line.case for one in table.kinds() if one.title in FIVE[kind] for line in one.lines}
    assert len(cases) >= 8, sorted(cases)


def test_at_least_sixty_different_inputs_are_refused(table: ModuleType) -> None:
    lines = [(one.title, *line) for one in table.kinds() for line in one.lines]
    assert len(set(lines)) == len(lines) >= 60
    assert {one.title for one in table.kinds()} == {title for titles in FIVE.values() for title in titles}
