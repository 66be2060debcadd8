"""The page of seeded bugs is what the last whole hunt found."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import pytest

from tests.seeded_bugs.bug import ROOT
from tests.seeded_bugs.catalogue import BUGS
from tests.seeded_bugs.record import merged, read, written


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_seeded_bugs", ROOT / "scripts" / "make_seeded_bugs_table.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_was_found(maker: ModuleType) -> None:
    assert maker.PAGE.read_text(encoding="utf-8") == maker.page(), "run python scripts/make_seeded_bugs_table.py"


def test_every_bug_stands_on_the_page_with_the_judge_that_found_it(maker: ModuleType) -> None:
    lines = {line.split("`")[1]: line for line in maker.page().splitlines() if line.startswith("| `")}
    assert set(lines) == {bug.name for bug in BUGS}
    for name, hunted in read().hunted.items():
        assert hunted.best is not None, f"{name} was not found"
        assert f"| {hunted.best.oracle} | `{hunted.best.case}` |" in lines[name]


def test_a_bug_that_is_hunted_again_changes_its_own_line_of_the_record_alone() -> None:
    record = read()
    one, other = sorted(record.hunted)[:2]
    again = record.hunted[other]._replace(bug=one)
    changed = merged(record, [again])
    assert changed.hunted[one] == again
    assert changed.hunted[other] == record.hunted[other]
    assert written(merged(changed, [record.hunted[one]])) == written(record)
