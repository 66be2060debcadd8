"""The demo in two seconds: a real process, killed with SIGKILL, and started again."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.demo import Outcome, sentences
from ports.control import NotRunningError, request
from tests.app.kit import hedgerow

YEAR = ("--package-data", "--seconds", "2.5", "--from", "20080102", "--to", "20081231")


def test_a_demo_kills_an_engine_and_proves_that_nothing_was_lost(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    said = hedgerow("demo", *YEAR, "--folder", folder)

    assert said.status == 0, said.out + said.err
    assert "Client order ids that the exchange saw twice: 0." in said.out
    assert "Order and fill rows of the killed run and of an undisturbed one: the same (" in said.out
    assert "days on which the books did not balance to the micro: 0." in said.out
    assert "Hash chain of the journal after the kill and at the end: holds." in said.out
    assert "killed with SIGKILL at 2008-" in said.out
    assert (folder / "engine" / "report" / "report.png").stat().st_size > 10_000
    assert (folder / "engine" / "report" / "report.md").stat().st_size > 500
    for name in ("engine", "undisturbed"):
        with pytest.raises(NotRunningError):
            request(folder / name, "status")


def test_a_folder_that_is_not_a_demos_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("dear to me")
    said = hedgerow("demo", *YEAR, "--folder", tmp_path)
    assert said.status == 2
    assert "is not a demo's folder; name another with --folder" in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_demo_that_went_wrong_says_so() -> None:
    status = {"currency": "USD"}
    outcome = Outcome("2008-07-01 21:00:00Z", 4_321, 0.5, False, "a" * 64, "b" * 64, status)
    summary = {
        "sessions": 256, "orders": 3, "fills": 2, "first nav": 1.0, "last nav": 2.0, "unbalanced days": 1,
        "duplicate ids": 4,
    }  # fmt: skip
    text = "\n".join(sentences(outcome, summary))
    assert "an undisturbed one: NOT the same" in text
    assert "at the end: BROKEN." in text
    assert "saw twice: 4." in text
    assert "to the micro: 1." in text
    assert "journal row 4,321" in text
