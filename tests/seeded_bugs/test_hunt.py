"""The hunter's door: what it prints, keeps and answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.seeded_bugs.__main__ import main
from tests.seeded_bugs.record import read


def test_a_bug_that_shows_at_once_is_found_and_written_down(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "found.json"
    status = main(["--bug", "id_from_the_clock", "--cuts", "0", "--seeds", "3", "--json", str(kept)])
    record = read(kept)
    found = record.hunted["id_from_the_clock"]
    assert status == 0
    assert (record.crash_cases, record.days, found.crash) == (0, 3, None)
    assert found.day is not None
    assert found.cases[0] == found.day.case
    assert f"{found.day.oracle} " in capsys.readouterr().out


def test_a_bug_that_does_not_show_is_named_and_ends_with_status_one(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["--bug", "migration_without_a_transaction", "--cuts", "0", "--seeds", "1"])
    assert status == 1
    assert "0 of 1 found; not: migration_without_a_transaction" in capsys.readouterr().out
