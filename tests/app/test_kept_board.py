"""The board that was written down and the rows after it say what all rows say."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from app import facts
from app import kept_board as room
from app.board import Board
from app.kept_board import FILE, KeptBoard
from state.journal import journal_rows


def fresh() -> Board:
    return Board("demo", "USD", "NOT RUNNING", "")


def of_all_rows(state: Path) -> dict[str, object]:
    board = fresh()
    for row in journal_rows(state / "journal", kinds=board.kinds, events=facts.events()):
        board.fold(row)
    return board.status()


def caught_up(state: Path, last_seq: int = 10**9) -> dict[str, object]:
    board = fresh()
    KeptBoard(board, state).catch_up(state / "journal", last_seq, facts.events())
    return board.status()


@pytest.mark.parametrize("cut", [1, 57, 200, 400])
def test_a_board_written_at_any_row_and_the_rows_after_it_are_all_rows(
    copied: Path, cut: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "EVERY_ROWS", cut)
    (copied / FILE).unlink(missing_ok=True)
    kept = KeptBoard(fresh(), copied)
    for row in itertools.islice(journal_rows(copied / "journal", events=facts.events()), cut):
        kept.fold(row)
    assert (copied / FILE).is_file()
    assert caught_up(copied) == of_all_rows(copied)


@pytest.mark.parametrize("body", [b"", b"\xc1", b"not a board", b"\x80"])
def test_a_damaged_cache_is_read_as_none(copied: Path, body: bytes) -> None:
    (copied / FILE).write_bytes(body)
    assert caught_up(copied) == of_all_rows(copied)


def test_a_cache_that_is_newer_than_the_journal_is_not_believed(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "EVERY_ROWS", 1)
    kept = KeptBoard(fresh(), copied)
    for row in journal_rows(copied / "journal", events=facts.events()):
        kept.fold(row)
    assert caught_up(copied, last_seq=10) == of_all_rows(copied)
