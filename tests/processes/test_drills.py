"""A real engine process and a real exchange process: whatever happens to either, nothing is lost, doubled or damaged.

The large numbers are the script's: `python scripts/prove_processes.py all`.
"""

from __future__ import annotations

import signal
import time
from pathlib import Path

from scripts import prove_processes as drills
from scripts.drill_room import Room, judge_books

SEED = 20261120


def test_an_engine_that_is_killed_trades_again_and_books_what_it_missed(tmp_path: Path) -> None:
    with Room(tmp_path, seed=SEED) as room:
        report = drills.kills(room, 1, SEED, print)
    assert report.wrong == []
    assert report.happened == 1
    assert report.orders > 0
    assert max(report.back_s) < drills.BACK_WITHIN_S


def test_an_engine_on_a_full_disk_stops_with_a_sentence_and_comes_back(tmp_path: Path) -> None:
    with Room(tmp_path, seed=SEED) as room:
        report = drills.ill_disk(room, print, ("write:30:full",))
    assert report.wrong == []
    assert "the disk is full; free space" in report.notes[0]


def test_an_engine_finds_its_account_again_after_the_exchange_died(tmp_path: Path) -> None:
    with Room(tmp_path, seed=SEED) as room:
        report = drills.exchange_dies(room, 1, SEED, print)
    assert report.wrong == []
    assert report.happened == 1


def test_an_engine_that_was_frozen_goes_on_or_says_why_not(tmp_path: Path) -> None:
    with Room(tmp_path, seed=SEED) as room:
        report = drills.freeze(room, 1.0, print)
    assert report.wrong == []
    assert report.notes


def test_books_that_lack_a_fill_are_found_out(tmp_path: Path) -> None:
    """The judge itself: an order and a fill that only the exchange has."""
    with Room(tmp_path, seed=SEED) as room:
        drills.back(room, drills.Report("judge"), drills.start(room, drills.Report("judge")))
        room.until(lambda: len(room.rows("Filled")) > 0, 10.0)
        room.signal(signal.SIGSTOP)
        time.sleep(3 * room.latency_s)  # what is under way at the exchange arrives
        for path in room.journal_files():
            path.unlink()
        wrong = judge_books(room)
    assert any("never planned" in each for each in wrong)
    assert any("lost" in each for each in wrong)
