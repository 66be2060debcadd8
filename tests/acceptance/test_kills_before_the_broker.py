"""An engine and the gateway that it trades through, both real processes and both killed: nothing is lost or doubled.

The large numbers are the script's: `python scripts/prove_broker.py kills --count 100`.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from scripts.broker_judges import judge_now, judge_rest
from scripts.broker_room import ACCOUNT, BrokerRoom
from scripts.prove_broker import Report, Week

pytestmark = pytest.mark.timeout(600)

SEED, KILLS = 20261120, 2


class Killed:
    """A Monday at the broker, and what it came to."""

    def __init__(self, room: BrokerRoom) -> None:
        self.room, self.report = room, Report(SEED)
        Week(room, self.report, random.Random(SEED), print).play(KILLS)
        room.kill()
        room.kill_gateway()


@pytest.fixture(scope="module")
def killed(places: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killed]:
    lake = Path(places[0].partition("=")[2])
    with BrokerRoom(tmp_path_factory.mktemp("killed"), lake, "20210607 04:30", seed=SEED) as room:
        yield Killed(room)


def copy(room: BrokerRoom, to: Path) -> BrokerRoom:
    """The same two records in another folder, to be harmed."""
    other = BrokerRoom(to, room.lake, room.begins)
    shutil.copytree(room.state, other.state)
    shutil.copytree(room.kept_in, other.kept_in)
    return other


def test_engine_and_gateway_trade_again_after_each_was_killed(killed: Killed) -> None:
    assert killed.report.killed == {"engine": 1, "gateway": 1}
    assert [len(each) for each in killed.report.back_s.values()] == [1, 1]


def test_book_and_broker_are_equal_at_the_end(killed: Killed) -> None:
    assert killed.report.wrong == []
    assert killed.report.orders > 0
    assert killed.report.fills > 0
    assert killed.room.kept().positions


def test_the_judge_finds_what_only_the_broker_has(killed: Killed, tmp_path: Path) -> None:
    other = copy(killed.room, tmp_path / "other")
    shutil.rmtree(other.state)
    wrong = judge_rest(other)
    assert any("the journal never planned" in each for each in wrong)
    assert any("the books lost" in each for each in wrong)
    assert any("the journal holds 0 of" in each for each in wrong)


def test_the_judge_finds_what_only_the_journal_has(killed: Killed, tmp_path: Path) -> None:
    other = copy(killed.room, tmp_path / "other")
    with closing(sqlite3.connect(other.kept_in / "broker.sqlite")) as db:
        db.execute("DELETE FROM rows WHERE kind = 'trade'")
        db.commit()
    with closing(sqlite3.connect(other.kept_in / f"{ACCOUNT}.sqlite")) as db:
        db.execute("DELETE FROM parts WHERE name = 'book'")
        db.commit()
    wrong = judge_rest(other)
    assert any("the broker never gave" in each for each in wrong)
    assert any("the broker 0" in each for each in wrong)
    assert any("USD more than the broker has" in each for each in wrong)


def test_the_judge_finds_an_order_that_the_broker_has_twice(killed: Killed, tmp_path: Path) -> None:
    other = copy(killed.room, tmp_path / "other")
    assert judge_now(other) == []
    with closing(sqlite3.connect(other.kept_in / "broker.sqlite")) as db:
        db.execute("INSERT INTO rows (kind, key, body) SELECT kind, '1', body FROM rows WHERE kind = 'ticket' LIMIT 1")
        db.commit()
    (wrong,) = judge_now(other)
    assert wrong.startswith("2 orders at the broker under hr-")
