"""A real engine process and a real exchange process: whatever happens to either, nothing is lost, doubled or damaged.

The large numbers are the script's: `python scripts/prove_processes.py all`.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from scripts import prove_processes as drills
from scripts.drill_room import Room, judge_books, judge_files
from scripts.prove_processes import Report

SEED = 20261120


class Day:
    """One engine and one exchange through a bad day, and what each part of it came to."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.killed = drills.kills(room, 1, SEED, print)
        self.frozen = drills.freeze(room, 1.0, print)
        self.orphaned = drills.exchange_dies(room, 1, SEED, print)
        self.starved = drills.ill_disk(room, print, ("write:30:full",))
        self.ended = Report("the end", SEED)
        drills.rest(room, self.ended)
        self.closed = room.close_exchange()


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    with Room(tmp_path_factory.mktemp("day"), seed=SEED) as room:
        yield Day(room)


def test_an_engine_that_is_killed_trades_again(day: Day) -> None:
    assert day.killed.wrong == []
    assert day.killed.happened == 1
    assert len(day.killed.back_s) == 2


def test_an_engine_that_was_frozen_goes_on_or_says_why_not(day: Day) -> None:
    assert day.frozen.wrong == []
    assert day.frozen.notes[0].startswith(("it went on", "halted: ", "the watchdog ended"))


def test_an_engine_finds_its_account_again_after_the_exchange_died(day: Day) -> None:
    assert day.orphaned.wrong == []
    assert day.orphaned.happened == 1


def test_an_engine_on_a_full_disk_stops_with_a_sentence_and_comes_back(day: Day) -> None:
    assert day.starved.wrong == []
    assert "status 4, hedgerow: the engine stopped itself" in day.starved.notes[0]
    assert "the disk is full; free space" in day.starved.notes[0]


def test_at_the_end_the_exchange_and_the_journal_agree_on_every_order_and_fill(day: Day) -> None:
    assert day.ended.wrong == []
    assert day.ended.orders > 0
    assert day.ended.fills > 0
    assert day.closed == 0


def test_the_judge_finds_orders_and_fills_that_only_the_exchange_has(day: Day, tmp_path: Path) -> None:
    other = Room(tmp_path / "other")
    shutil.copy(day.room.record, other.record)
    (other.state / "journal").mkdir(parents=True)
    wrong = judge_books(other)
    assert any("never planned" in each for each in wrong)
    assert any("books lost" in each for each in wrong)


def test_the_judge_finds_a_journal_that_was_changed(day: Day, tmp_path: Path) -> None:

    other = Room(tmp_path / "other")
    shutil.copy(day.room.record, other.record)
    shutil.copytree(day.room.state, other.state)
    with closing(sqlite3.connect(other.journal_files()[0])) as db:
        db.execute("UPDATE journal SET at_ns = at_ns + 1 WHERE seq = 2")
        db.commit()
    assert any("its hash is not that of its content" in each for each in judge_files(other))
