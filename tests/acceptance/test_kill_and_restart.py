"""kill -9 at any moment, start again: the same orders, the same fills, the same books, and no order twice."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "kill_replay.py"
SEED = 20060103


@pytest.fixture(scope="module")
def kills() -> ModuleType:
    """The script that people run; CI runs a shorter one here."""
    spec = importlib.util.spec_from_file_location("kill_replay", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_half_a_year_killed_six_times_trades_what_an_undisturbed_one_does(
    kills: ModuleType, places: tuple[str, ...], tmp_path: Path
) -> None:
    replay = kills.Replay(program="spine", first=20060103, last=20060630, settings=places)
    report = kills.torture(replay, tmp_path / "work", kills=6, seed=SEED, say=print)
    print(f"seed {SEED}: {report.kills}")
    assert report.differences == []
    assert report.unbroken.fills > 1_000
    assert len(report.kills) == 6
    assert report.kills[-1].at_row > 0


def test_a_run_that_differs_is_told_so(kills: ModuleType) -> None:
    one = kills.Outcome("aa", 2, 2, 0, [(20060103, "5"), (20060104, "6")], "flat")
    other = kills.Outcome("bb", 2, 3, 1, [(20060103, "5"), (20060104, "7")], "long")
    said = kills.Report(one, other).differences
    assert [each.split(" ")[0:2] for each in said] == [
        ["the", "content"],
        ["2", "orders"],
        ["the", "books"],
        ["the", "exchange"],
        ["the", "exchange"],
    ]
    assert kills.Report(one, one).differences == []
