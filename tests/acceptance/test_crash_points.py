"""Two weeks cut after durable commits of the journal and of the exchange, one after the other, and always gone on with.

A cut drops the whole graph of objects; what is left is what is on disk. Because a commit is all that a crash can see,
cuts after commits stand for every crash between them.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from app import facts
from app.lake import open_lake
from app.process import EngineProcess, Wanted
from app.reports import days
from config.loader import Configuration, load
from engine.message import Event
from engine.ports import Row
from model.decisions import DayMarked, RegimeDecided, RiskDecision, RunPlanned
from model.order_events import OrderMoved
from model.orders import Filled
from simulation.exchange import SqliteRecord
from simulation.exchange.record import Saved, Step
from state.content import content_hash
from state.journal import journal_rows
from state.journal.verify import verify
from state.lake import Lake

PROGRAM = "demo_futures"
FIRST, LAST = 20080825, 20080910  # a holiday in London at its beginning, one in New York in its middle
MOST_RESTARTS = 400


class CutOffError(BaseException):
    """The process died here. Not an Exception: nothing in the engine may take it for a crash of an actor."""


class Countdown:
    """Raises CutOffError after so many durable things; 0 for never."""

    def __init__(self, after: int) -> None:
        self.after = after
        self.seen = 0

    def __call__(self, row: Row | None = None) -> None:
        self.seen += 1
        if self.after and self.seen >= self.after:
            raise CutOffError


class CutRecord(SqliteRecord):
    """The exchange's record, which says when a step is durable."""

    def __init__(self, path: Path, durable: Callable[[], None]) -> None:
        super().__init__(path)
        self.durable = durable

    def commit(self, step: Step) -> None:
        super().commit(step)
        self.durable()


class Engine:
    """Runs of the same two weeks in one folder."""

    def __init__(self, configuration: Configuration, lake: Lake, state: Path) -> None:
        self.configuration = configuration
        self.lake = lake
        self.state = state

    def run(self, rows: Countdown, steps: Countdown) -> bool:
        """Go on from what is on disk; True when it came to the end, False when it was cut."""
        records: list[CutRecord] = []

        def open_record(path: Path) -> CutRecord:
            records.append(CutRecord(path, steps))
            return records[-1]

        wanted = Wanted(
            configuration=self.configuration, state_dir=self.state, lake=self.lake, first=FIRST, last=LAST,
            control=False, log_level="error", on_row=rows, venue_record=open_record,
        )  # fmt: skip
        try:
            EngineProcess(wanted).run_here()
        except CutOffError:
            return False
        finally:
            for record in records:
                record.close()
        return True

    @property
    def content(self) -> str:
        return content_hash(self.state / "journal", facts.events())

    @property
    def books(self) -> list[DayMarked]:
        return days(self.state)

    @property
    def decisions(self) -> dict[str, Event]:
        """What was decided with, by kind and run; the first word counts."""
        kinds = ("RegimeDecided", "RiskDecision", "RunPlanned")
        found: dict[str, Event] = {}
        for row in journal_rows(self.state / "journal", kinds=kinds, events=facts.events()):
            assert isinstance(row.event, RegimeDecided | RiskDecision | RunPlanned)
            found.setdefault(f"{type(row.event).__name__} {row.event.run_id}", row.event)
        return found

    @property
    def exchange(self) -> Saved:
        record = SqliteRecord(self.state / "venue.sqlite")
        saved = record.load()
        record.close()
        assert saved is not None
        return saved


@pytest.fixture(scope="module")
def configuration(places: tuple[str, ...]) -> Configuration:
    return load(PROGRAM, environment={}, overrides=places)


@pytest.fixture(scope="module")
def lake(configuration: Configuration) -> Lake:
    return open_lake(configuration, None, lambda text: None)


@pytest.fixture(scope="module")
def unbroken(configuration: Configuration, lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    engine = Engine(configuration, lake, tmp_path_factory.mktemp("unbroken"))
    assert engine.run(Countdown(0), Countdown(0))
    assert len(engine.exchange.fills) > 40
    return engine


def same(engine: Engine, unbroken: Engine) -> None:
    assert engine.content == unbroken.content
    assert engine.books == unbroken.books
    assert engine.decisions == unbroken.decisions
    ours, theirs = engine.exchange, unbroken.exchange
    assert ours.duplicates == []
    assert [fill.exec_id for fill in ours.fills] == [fill.exec_id for fill in theirs.fills]
    assert ours.book == theirs.book
    assert [each.id for each in ours.settlements] == [each.id for each in theirs.settlements]
    assert verify(engine.state / "journal", facts.events()).ok


@pytest.mark.parametrize(
    ("seed", "most_rows", "most_steps"), [(1, 60, 0), (2, 0, 7), (3, 90, 9)], ids=["journal", "exchange", "both"]
)
def test_cut_again_and_again_it_ends_as_if_nothing_had_been(
    configuration: Configuration,
    lake: Lake,
    unbroken: Engine,
    tmp_path: Path,
    seed: int,
    most_rows: int,
    most_steps: int,
) -> None:
    engine = Engine(configuration, lake, tmp_path)
    chance = random.Random(seed)
    restarts = 0
    while not engine.run(
        Countdown(chance.randint(min(1, most_rows), most_rows)),
        Countdown(chance.randint(min(1, most_steps), most_steps)),
    ):
        restarts += 1
        assert restarts < MOST_RESTARTS, "it is cut before it gets anywhere"
    print(f"seed {seed}: {restarts} cuts")
    assert restarts >= 20
    same(engine, unbroken)


def test_a_start_that_finds_everything_done_does_nothing(unbroken: Engine) -> None:
    before = unbroken.content
    orders = [row.seq for row in journal_rows(unbroken.state / "journal", kinds=("OrderPlanned",))]
    assert unbroken.run(Countdown(0), Countdown(0))
    assert unbroken.content == before
    assert [row.seq for row in journal_rows(unbroken.state / "journal", kinds=("OrderPlanned",))] == orders


@pytest.mark.parametrize("hosted", [False, True], ids=["in this thread", "under a host"])
def test_what_is_durable_in_the_journal_is_durable_at_the_exchange_before(
    configuration: Configuration, lake: Lake, tmp_path: Path, hosted: bool
) -> None:
    """Looked up in the exchange's file, by another hand, at the moment at which a row has become durable."""
    asked = {"fills": 0, "acks": 0}
    record: list[sqlite3.Connection] = []

    def look_up(row: Row) -> None:
        if not record:
            record.append(sqlite3.connect(f"file:{tmp_path / 'venue.sqlite'}?mode=ro", uri=True))
        if isinstance(row.event, Filled):
            asked["fills"] += 1
            query = ("SELECT count(*) FROM executions WHERE exec_id = ?", (row.event.fill.exec_id,))
        elif isinstance(row.event, OrderMoved) and row.event.event == "ACKED":
            asked["acks"] += 1
            query = ("SELECT count(*) FROM orders WHERE venue_id = ?", (row.event.venue_id,))
        else:
            return
        assert record[0].execute(*query).fetchone() == (1,), row

    process = EngineProcess(
        Wanted(
            configuration=configuration,
            state_dir=tmp_path,
            lake=lake,
            first=FIRST,
            last=LAST,
            control=False,
            log_level="error",
            on_row=look_up,
        )
    )
    if hosted:
        asyncio.run(process.run())
    else:
        process.run_here()
    record[0].close()
    assert min(asked.values()) > 40
