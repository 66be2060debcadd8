"""The second speed: the production host, its event loop and its journal files, on time that is not real."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from engine.errors import JournalError
from engine.ports import Row
from model.decisions import Mode
from model.order_events import OrderPlanned
from model.orders import SubmitOrder
from simulation.prove.oracles import judge
from simulation.stage import Cuts, FolderJournal, Stage
from state.journal import Events, journal_rows, verify
from state.journal.folder import files_in
from state.order_law import OrderState


def process(folder: Path, seed: int = 7, **options: Any) -> Stage:
    """A stage whose engine is a whole process with its journal under `folder`."""
    return Stage(seed, journal=FolderJournal(folder), **options)


def buy(stage: Stage) -> None:
    stage.want("ALPHA", 100)
    stage.decide()
    stage.run("10m")


def handled(stage: Stage) -> int:
    """Messages that actors have taken in this life."""
    assert stage.life is not None
    return stage.life.kernel.status().messages


def passed(folder: Path) -> tuple[int, list[str]]:
    """How many boundaries lie before the purchase, and all that are passed until it is over."""
    with process(folder) as stage:
        first = len(stage.cuts.passed)
        buy(stage)
        return first, stage.cuts.passed


def in_files(stage: Stage) -> list[Row]:
    """What is in the journal's files now."""
    assert isinstance(stage.journal, FolderJournal)
    return list(journal_rows(stage.journal.folder, events=Events.discover(), check=True))


def test_a_whole_process_trades_as_the_kernel_alone_does(tmp_path: Path) -> None:
    with process(tmp_path) as whole, Stage(7) as alone:
        for stage in (whole, alone):
            stage.want("ALPHA", 700, sleeve="two", pair="p")
            stage.want("BETA", -1_400, sleeve="two", pair="p")
            stage.want("GAMMA", 3)
            stage.decide()
            stage.run("1d")
        assert whole.positions == alone.positions
        assert {o.spec.client_id: o.state for o in whole.orders} == {o.spec.client_id: o.state for o in alone.orders}
        assert [type(row.event) for row in in_files(whole)] == [type(row.event) for row in whole.rows]
        assert judge(whole, quiet_since_ns=whole.now_ns) == []


def test_a_commit_takes_time_in_which_the_rest_goes_on(tmp_path: Path) -> None:
    disk = FolderJournal(tmp_path)
    with Stage(7, journal=disk) as stage:
        disk.slow_ns = 300 * 10**6
        stage.want("ALPHA", 100)
        stage.decide()
        stage.run("100ms")
        assert len(disk.rows) > disk.committed
        before = handled(stage)
        stage.tape.quote(stage.now_ns)
        stage.run("10ms")
        assert handled(stage) > before
        assert len(disk.rows) > disk.committed
        stage.run("1m")
        assert stage.orders.one().state is OrderState.FILLED


def test_the_same_seed_turns_the_loop_in_the_same_order(tmp_path: Path) -> None:
    def play(seed: int, name: str) -> tuple[list[str], list[str]]:
        with process(tmp_path / name, seed) as stage:
            buy(stage)
            stage.crash()
            stage.run("5m")
            return stage.cuts.passed, [str(row) for row in stage.rows]

    assert play(3, "first") == play(3, "second")
    assert play(3, "third") != play(4, "fourth")


def test_it_dies_at_every_boundary_and_never_buys_twice(tmp_path: Path) -> None:
    first, boundaries = passed(tmp_path / "whole")
    assert {"before the disk works", "on disk, not known"} < set(boundaries[first:])
    for number in range(first + 1, len(boundaries) + 1):
        with process(tmp_path / str(number), cuts=Cuts(number)) as stage:
            buy(stage)
            stage.run("1m")
            assert [crash.number for crash in stage.crashes] == [number]
            assert len(stage.venue.exchange.desk.orders) <= 1
            assert stage.venue.exchange.duplicates == 0
            assert stage.positions == ({"ALPHA": 100} if stage.venue.exchange.desk.orders else {})
            assert isinstance(stage.journal, FolderJournal)
            assert stage.journal.broken() == ""


def test_what_was_on_disk_when_it_died_is_there_though_nobody_knew(tmp_path: Path) -> None:
    _, boundaries = passed(tmp_path / "whole")
    sent = boundaries.index("before SubmitOrder is sent")
    written = max(n for n in range(sent) if boundaries[n] == "on disk, not known")
    with process(tmp_path / "dies", cuts=Cuts(written + 1)) as stage:
        stage.want("ALPHA", 100)
        stage.decide()
        while not stage.crashes:
            stage.run("100ms")
        planned = [row for row in stage.rows if isinstance(row.event, OrderPlanned)]
        assert len(planned) == 1
        assert not [each for each in stage.wire if isinstance(each.message, SubmitOrder)]
        stage.run("10m")
        assert len(stage.venue.exchange.desk.orders) == 1


def test_a_day_ends_in_its_own_file(tmp_path: Path) -> None:
    with process(tmp_path) as stage:
        stage.want("ALPHA", 100)
        stage.decide()
        stage.run("2d")
        assert isinstance(stage.journal, FolderJournal)
        assert len(files_in(stage.journal.folder)) == 3
        assert verify(stage.journal.folder, Events.discover()).ok


def test_a_full_disk_ends_it_and_it_comes_up_when_there_is_room(tmp_path: Path) -> None:
    disk = FolderJournal(tmp_path)
    with Stage(7, journal=disk) as stage:
        disk.full = True
        stage.want("ALPHA", 100)
        stage.decide()
        stage.run("20s")
        assert stage.mode is not Mode.TRADING
        assert "the disk is full; free space, then start again" in str(stage.stops[0])
        disk.heal()
        stage.run("1m")
        stage.decide()
        stage.run("2m")
        assert (stage.life is not None and stage.life.mode, stage.positions) == (Mode.TRADING, {"ALPHA": 100})


def test_a_failing_disk_is_the_reason_that_is_given_whether_it_kept_the_rows_or_not(tmp_path: Path) -> None:
    for kept in (True, False):
        disk = FolderJournal(tmp_path / str(kept))
        with Stage(7, journal=disk) as stage:
            disk.fail(1, kept=kept)
            stage.want("ALPHA", 100)
            stage.decide()
            stage.run("2m")
            assert "the disk failed; check it before the next start" in str(stage.stops[0])
            assert stage.mode is Mode.TRADING
            assert len(stage.venue.exchange.desk.orders) <= 1


def test_a_journal_that_lost_a_durable_row_is_not_passed_over(tmp_path: Path) -> None:
    disk = FolderJournal(tmp_path)
    with Stage(7, journal=disk) as stage:
        buy(stage)
        [path] = files_in(disk.folder)
        with sqlite3.connect(path) as db:
            db.execute("DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal)")
        with pytest.raises(JournalError, match="rows were durable, and not all of them are in"):
            stage.crash()


def test_a_stop_is_orderly_and_says_the_last_word(tmp_path: Path) -> None:
    with process(tmp_path) as stage:
        buy(stage)
        assert stage.life is not None
        stage.life.go_down()
        stage.crash()
        assert not stage.stops
        stage.run("1m")
        assert (stage.mode, stage.positions) == (Mode.TRADING, {"ALPHA": 100})
