"""A lake written by hand: lines in pence, bars within the day, and quotes kept under a local symbol."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from config.calendars import Calendars
from model.instruments import Instrument
from model.units import QTY_SCALE, px
from simulation.tws.catalogue import Catalogue, History, Record, Tape, Tick
from state.lake import Lake
from state.lake.demo import build_demo
from state.lake.manifest import Import
from state.lake.writer import Draft, constant, write
from tests.tws.catalogue.kit import SECOND, at, refusal

MINUTE = 60 * SECOND
OPENS = at("2019-06-12T07:00")
NOW = at("2019-06-12T07:04")

PENCE = [(20190611, "56.10", "56.70", "56.00", "56.50"), (20190612, "56.50", "57.00", "56.25", "56.785")]
"""Daily pounds of SMEA."""

MINUTES = [
    ("10.00", "10.05", "9.99", "10.02", 100),
    ("10.02", "10.04", "10.01", "10.03", 50),
    ("10.03", "10.03", "9.95", "9.96", 70),
    ("9.96", "10.00", "9.96", "10.00", 30),
    ("10.00", "10.20", "10.00", "10.20", 500),
    ("10.20", "10.20", "10.11", "10.11", 40),
]
"""The first minutes of SXRT on 12 June: open, high, low, close, volume."""

QUOTES = [("2895.25", "2895.50", 12, 9), ("2895.50", "2895.75", 0, 4), ("2896.00", "2896.25", 3, 3)]
"""Three minutes of the September E-mini, the second without a bid."""


def bars(name: str, rows: list[tuple[int, int, tuple[str, str, str, str], int]]) -> Draft:
    """Rows of session, moment, prices and volume as a data set."""
    session, at_ns, prices, volume = zip(*rows, strict=True)
    columns = {
        "contract": np.zeros(len(rows), np.int32),
        "session": np.array(session, np.int32),
        "at_ns": np.array(at_ns, np.int64),
        "volume": np.array(volume, np.int64) * QTY_SCALE,
        "source": constant("by hand", len(rows)),
    }
    for i, side in enumerate(("open", "high", "low", "close")):
        columns[side] = np.array([px(one[i]) for one in prices], np.int64)
    return Draft(kind="bars", id=name, columns=columns, source="by hand", licence="none")


def quotes(name: str, rows: list[tuple[str, str, int, int]]) -> Draft:
    columns = {
        "session": np.full(len(rows), 20190612, np.int32),
        "at_ns": np.array([OPENS + (i + 1) * MINUTE for i in range(len(rows))], np.int64),
        "bid": np.array([px(one[0]) for one in rows], np.int64),
        "ask": np.array([px(one[1]) for one in rows], np.int64),
        "bid_size": np.array([one[2] * QTY_SCALE for one in rows], np.int64),
        "ask_size": np.array([one[3] * QTY_SCALE for one in rows], np.int64),
    }
    return Draft(kind="quotes", id=name, columns=columns, source="by hand", licence="none")


@pytest.fixture
def record(tmp_path: Path, calendars: Calendars, instruments: dict[str, Instrument]) -> Record:
    closes = {20190611: at("2019-06-11T15:30"), 20190612: at("2019-06-12T15:30")}
    drafts = [
        bars("SMEA", [(day, closes[day], (o, h, low, c), 1_000) for day, o, h, low, c in PENCE]),
        bars(
            "SXRT",
            [
                (20190611, closes[20190611], ("9.80", "9.90", "9.75", "9.90"), 5_000),
                *(
                    (20190612, OPENS + (i + 1) * MINUTE, (o, h, low, c), volume)
                    for i, (o, h, low, c, volume) in enumerate(MINUTES)
                ),
            ],
        ),
        quotes("ESU9", QUOTES),
        quotes("ESZ9", QUOTES[1:2]),
    ]
    made = tuple(f"{draft.kind}/{draft.id}" for draft in drafts)
    write(tmp_path, drafts, Import(fingerprint="by hand", source="by hand", made=made, report=()))
    chosen = {name: instruments[name] for name in ("SMEA", "SXRT", "SP500", "EURUSD")}
    return Record(Catalogue(chosen, Lake(tmp_path), calendars.sessions, lambda: NOW))


def test_bars_of_a_line_in_pence_are_told_in_pence(record: Record) -> None:
    smea = record.catalogue.con_id_of("SMEA")
    now_ns = at("2019-06-12T16:00")
    first, last = History(record.catalogue, record).bars(smea, "", "2 D", "1 day", "TRADES", True, now_ns)
    assert (first.open, first.high, first.low, first.close) == (5_610.0, 5_670.0, 5_600.0, 5_650.0)
    assert (last.close, last.volume) == (5_678.5, 1_000.0)
    assert last.average == pytest.approx((5_700 + 5_625 + 5_678.5) / 3, abs=1e-6)


def test_the_tape_of_a_line_in_pence_moves_in_pounds(record: Record) -> None:
    tape = Tape(record, at("2019-06-12T06:00"), steps=20)
    told: list[Tick] = []
    tape.listen(told.append)
    tape.watch(record.catalogue.con_id_of("SMEA"))
    tape.fire(at("2019-06-12T16:00"))
    assert told[-1].last == px("56.785")
    assert record.catalogue.told(told[-1].con_id, told[-1].last) == 5_678.5
    assert all(px("56.25") <= tick.last <= px("57") for tick in told)


def test_minute_bars_are_told_as_trades_and_joined_to_longer_ones(record: Record) -> None:
    history, sxrt = History(record.catalogue, record), record.catalogue.con_id_of("SXRT")
    now_ns = OPENS + 6 * MINUTE
    ones = history.bars(sxrt, "", "1 D", "1 min", "TRADES", True, now_ns, 2)
    assert [int(bar.date) for bar in ones] == [(OPENS + i * MINUTE) // SECOND for i in range(6)]
    assert [bar.close for bar in ones] == [float(row[3]) for row in MINUTES]
    threes = history.bars(sxrt, "", "1 D", "3 mins", "TRADES", True, now_ns, 2)
    said = [(bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in threes]
    assert said == [(10.0, 10.05, 9.95, 9.96, 220.0), (9.96, 10.2, 9.96, 10.11, 570.0)]
    assert [int(bar.date) for bar in threes] == [OPENS // SECOND, (OPENS + 3 * MINUTE) // SECOND]


def test_bars_shorter_than_what_is_recorded_are_not_made_up(record: Record) -> None:
    history, sxrt = History(record.catalogue, record), record.catalogue.con_id_of("SXRT")
    said = refusal(lambda: history.bars(sxrt, "", "1 D", "30 secs", "TRADES", True, NOW))
    assert said[0] == 162


def test_minute_bars_make_days(record: Record) -> None:
    history, sxrt = History(record.catalogue, record), record.catalogue.con_id_of("SXRT")
    now_ns = at("2019-06-12T16:00")
    found = history.bars(sxrt, "", "2 D", "1 day", "TRADES", True, now_ns)
    assert [(bar.date, bar.close, bar.volume) for bar in found] == [
        ("20190611", 9.9, 5_000.0),
        ("20190612", 10.11, 790.0),
    ]
    assert (found[1].open, found[1].high, found[1].low) == (10.0, 10.2, 9.95)


def test_the_tape_walks_through_each_minute_and_keeps_the_day(record: Record) -> None:
    tape = Tape(record, OPENS - 1, steps=10)
    told: list[Tick] = []
    tape.listen(told.append)
    tape.watch(record.catalogue.con_id_of("SXRT"))
    tape.fire(OPENS + 6 * MINUTE)
    assert [tick.last for tick in told if tick.bar] == [px(row[3]) for row in MINUTES]
    assert [tick.at_ns for tick in told if tick.bar] == [OPENS + (i + 1) * MINUTE for i in range(6)]
    for i, tick in enumerate(tick for tick in told if tick.bar):
        done = MINUTES[: i + 1]
        assert (tick.open, tick.volume) == (px("10"), sum(row[4] for row in done) * QTY_SCALE)
        assert (tick.high, tick.low) == (max(px(row[1]) for row in done), min(px(row[2]) for row in done))
        assert tick.close == px("9.90")


def test_quotes_under_a_futures_local_symbol_are_its_own(record: Record) -> None:
    tape, september = Tape(record, OPENS), record.catalogue.con_id_of("SP500@201909")
    told: list[Tick] = []
    tape.listen(told.append)
    assert tape.watch(september) is None
    tape.fire(OPENS + 10 * MINUTE)
    assert [(tick.quote.bid, tick.quote.ask) for tick in told] == [(px(one[0]), px(one[1])) for one in QUOTES]
    assert [tick.quote.bid_size // QTY_SCALE for tick in told] == [12, 0, 3]
    assert [tick.simulated for tick in told] == [False] * 3
    assert (told[2].open, told[2].high) == (px("2895.375"), px("2896.125"))


def test_quotes_of_another_decade_are_not_taken_for_this_one(record: Record) -> None:
    assert record.quotes(record.catalogue.listed(record.catalogue.con_id_of("SP500@202006"))) is None


def test_quotes_that_never_have_two_sides_are_no_bars(record: Record) -> None:
    history, december = History(record.catalogue, record), record.catalogue.con_id_of("SP500@201912")
    said = refusal(lambda: history.bars(december, "", "1 D", "1 min", "BID", False, OPENS + 10 * MINUTE))
    assert said[0] == 162


def test_a_pair_whose_rates_nobody_keeps_has_no_market(record: Record) -> None:
    euro = record.catalogue.con_id_of("EURUSD")
    assert Tape(record, NOW).look(euro) is None
    history = History(record.catalogue, record)
    assert refusal(lambda: history.bars(euro, "", "1 D", "1 day", "MIDPOINT", True, NOW))[0] == 162


def test_the_demo_series_of_a_fresh_checkout_can_be_listed_and_move(
    tmp_path_factory: pytest.TempPathFactory, calendars: Calendars, instruments: dict[str, Instrument]
) -> None:
    lake = build_demo(tmp_path_factory.mktemp("demo"))
    now_ns = at("2018-06-13T12:00")
    catalogue = Catalogue(instruments, lake, calendars.sessions, lambda: now_ns)
    tape, told = Tape(Record(catalogue), now_ns), list[Tick]()
    tape.listen(told.append)
    for name in ("SP500_INDEX", "WTI_SPOT", "EURUSD", "USDJPY"):
        assert tape.watch(catalogue.con_id_of(name)) is not None
    tape.fire(at("2018-06-13T21:00"))
    closed = {tick.con_id: tick for tick in told if tick.bar is not None}
    index = catalogue.con_id_of("SP500_INDEX")
    assert catalogue.told(index, closed[index].last) == pytest.approx(2_775.63, abs=0.001)
    assert len(closed) == 4


def test_without_a_lake_there_is_no_market(record: Record, instruments: dict[str, Instrument]) -> None:
    alone = Catalogue({"SXRT": instruments["SXRT"]}, None, record.catalogue.sessions, lambda: NOW)
    assert Tape(Record(alone), NOW).look(alone.con_id_of("SXRT")) is None


def test_history_of_quotes_leaves_out_what_has_one_side(record: Record) -> None:
    history, september = History(record.catalogue, record), record.catalogue.con_id_of("SP500@201909")
    now_ns = OPENS + 10 * MINUTE
    found = history.bars(september, "", "1 D", "1 min", "MIDPOINT", False, now_ns, 2)
    assert [bar.close for bar in found] == [2_895.375, 2_896.125]
    _, ticks = history.ticks(september, "", "20190612 12:00:00 UTC", 10, "BID_ASK", False, now_ns)
    assert [one[2:] for one in ticks] == [
        (2_895.25, 2_895.5, 12.0, 9.0),
        (2_895.5, 2_895.75, 0.0, 4.0),
        (2_896.0, 2_896.25, 3.0, 3.0),
    ]
