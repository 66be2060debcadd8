"""The coverage check adds up what coverage reports; the numbers are made up and the sums done by hand."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def check() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_coverage", ROOT / "scripts" / "check_coverage.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def file(lines: tuple[int, int], branches: tuple[int, int]) -> dict[str, dict[str, int]]:
    covered, statements = lines
    took, forks = branches
    return {
        "summary": {
            "covered_lines": covered, "num_statements": statements, "covered_branches": took, "num_branches": forks,
        }
    }  # fmt: skip


def report(check: ModuleType, **changed: dict[str, dict[str, int]]) -> dict[str, dict[str, dict[str, int]]]:
    """Every group with one perfect file, and others in place of some."""
    names = {"state/": "state/journal/writer.py"}
    files = {}
    for prefixes in check.GROUPS.values():
        name = prefixes[0] if prefixes[0].endswith(".py") else f"{prefixes[0]}one.py"
        files[names.get(prefixes[0], name)] = file((10, 10), (4, 4))
    return {**files, **changed}


def test_files_of_a_group_are_added_before_the_share_is_taken(check: ModuleType) -> None:
    files = report(check, **{"engine/one.py": file((90, 100), (10, 10)), "engine/two.py": file((300, 300), (9, 10))})
    engine = next(share for share in check.shares(files) if share.group == "engine")
    assert engine.lines == pytest.approx(97.5)
    assert engine.branches == pytest.approx(95.0)
    assert engine.enough


def test_a_group_below_the_floor_in_branches_alone_is_not_enough(check: ModuleType) -> None:
    files = report(check, **{"actors/orders.py": file((100, 100), (94, 100))})
    assert [share.group for share in check.shares(files) if not share.enough] == ["actors/orders.py"]


def test_a_group_that_was_not_measured_is_an_error(check: ModuleType) -> None:
    files = report(check)
    del files["actors/order_desk.py"]
    with pytest.raises(ValueError, match=r"no file of actors/order_desk\.py was measured"):
        check.shares(files)


def test_every_group_and_every_folder_of_tests_exists(check: ModuleType) -> None:
    assert [group for group in check.GROUPS if not (ROOT / group).exists()] == []
    assert [name for name in check.TESTS if not (ROOT / "tests" / name).is_dir()] == []
