"""The ledger says what the journal says, however and whenever it is asked."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from engine.errors import JournalError
from engine.message import Event
from model.combos import as_legs
from model.decisions import (
    Approved,
    DayMarked,
    Denial,
    InstrumentLocked,
    InstrumentReleased,
    Mode,
    ModeEntered,
    Regime,
    RegimeDecided,
    RiskDecision,
    Targets,
    Want,
)
from model.order_events import OrderRepriced, OrderStands
from model.orders import Side
from state.content import Content, content_hash
from state.journal import Events
from state.ledger import Ledger
from tests.state.facts import (
    DAY_NS,
    LOT,
    MONDAY_NS,
    PX,
    RUN,
    Noted,
    an_intent,
    filled,
    moved,
    planned,
    rows,
    run_moved,
    run_planned,
    write,
)

BUY, SELL = an_intent(0), an_intent(1, side=Side.SELL, quantity=LOT)


def a_day() -> list[Event]:
    """One run: the buy fills in two parts, the sell is cancelled; one denial at each gate."""
    return [
        ModeEntered(Mode.TRADING, Mode.OBSERVING, "policy", "system", MONDAY_NS),
        RegimeDecided(RUN, 20230102, Regime.NORMAL, Regime.NORMAL, 0, (), "calm", {"vix": 21.5}, MONDAY_NS),
        RiskDecision(RUN, 20230102, Mode.TRADING, Regime.NORMAL, 0.8, 0.15, -0.02, 10**12, "ok", (), MONDAY_NS),
        Targets(RUN, 20230102, "trend", (Want("SP500", 3 * LOT, "uptrend", {}), Want("BUND", 0, "", {}, True)), (), 1),
        run_planned([BUY, SELL]),
        Approved("ap-1", RUN, (BUY, SELL), (Denial("LIMIT", "NQ", "over the limit", "hr-x"),), MONDAY_NS + 1),
        planned(BUY, MONDAY_NS + 2),
        planned(SELL, MONDAY_NS + 3),
        run_moved("SUBMITTED"),
        moved(BUY, "HANDED_TO_WIRE", "DURABLE", "SENT"),
        moved(BUY, "ACKED", "SENT", "WORKING", venue="v-1"),
        filled(BUY, "x1", LOT, 3_850 * PX, at_ns=MONDAY_NS + 5),
        OrderRepriced(SELL.id, "c1", 3_840 * PX, MONDAY_NS),
        OrderStands(SELL.id, "c1", 3_840 * PX, "", MONDAY_NS),
        OrderRepriced(SELL.id, "c2", 3_830 * PX, MONDAY_NS),  # it ends before this is answered
        moved(SELL, "CANCEL_CONFIRMED", "WORKING", "CANCELLED"),
        filled(BUY, "x2", 2 * LOT, 3_851 * PX, at_ns=MONDAY_NS + 6),
        moved(BUY, "FILLED", "WORKING", "FILLED"),
        run_moved("DONE"),
        DayMarked(20230102, 10**12, 9 * 10**11, 10**11, 1, 2, 3, 4, 5, 6, {}, {}, {}, 7, MONDAY_NS),
        InstrumentLocked("NQ", "fills differ", MONDAY_NS),
        InstrumentLocked("ES", "fills differ", MONDAY_NS),
        InstrumentReleased("NQ", "ana", "checked", MONDAY_NS + 9),
        Noted("of no interest to the ledger"),
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, rows(a_day()))
    return tmp_path


def test_an_order_is_told_with_its_average_price_and_end(folder: Path, events: Events) -> None:
    with Ledger(folder, events) as ledger:
        order = ledger.order(BUY.id)
        assert order is not None
        assert (order.state, order.filled, order.venue_id) == ("FILLED", 3 * LOT, "v-1")
        assert order.average_px == 3_850_666_666_667  # (1 x 3850 + 2 x 3851) / 3, in 1e-9
        assert (order.type, order.tif, order.purpose, order.leg) == ("LMT", "DAY", "rebalance", 0)
        assert (order.arrival, order.limit_px, order.approval) == (3_850 * PX, 3_851 * PX, "ap-1")
        sell = ledger.order(SELL.id)
        assert sell is not None
        assert (sell.state, sell.filled, sell.average_px, sell.side) == ("CANCELLED", 0, 0, -1)
        assert (sell.limit_px, sell.reprices) == (3_840 * PX, 2)
        assert ledger.order("hr-none") is None
        assert [order.client_id for order in ledger.orders(run_id=RUN)] == [BUY.id, SELL.id]
        assert ledger.orders(open_only=True) == []


def test_a_run_is_told_with_its_denials_targets_and_fills(folder: Path, events: Events) -> None:
    with Ledger(folder, events) as ledger:
        run = ledger.run(RUN)
        assert run is not None
        assert (run.program, run.session, run.number, run.status) == ("trend", 20230102, 1, "DONE")
        assert [line.run_id for line in ledger.runs(session=20230102)] == [RUN]
        assert ledger.runs(session=20230103) == ledger.runs(status="ABORTED") == []
        assert [(line.stage, line.code, line.intent_id) for line in ledger.denials(run_id=RUN)] == [
            ("risk", "LIMIT", "hr-x")
        ]
        assert [(line.product, line.quantity, line.hold) for line in ledger.targets(RUN)] == [
            ("BUND", 0, 1), ("SP500", 3 * LOT, 0)
        ]  # fmt: skip
        assert [(fill.exec_id, fill.quantity) for fill in ledger.fills(run_id=RUN)] == [("x1", LOT), ("x2", 2 * LOT)]
        assert ledger.fills(client_id=SELL.id) == []


def test_days_modes_and_locks_are_told(folder: Path, events: Events) -> None:
    with Ledger(folder, events) as ledger:
        assert [(day.session, day.nav) for day in ledger.day_marks()] == [(20230102, 10**12)]
        assert [(mode.mode, mode.was) for mode in ledger.modes()] == [("TRADING", "OBSERVING")]
        assert [lock.instrument for lock in ledger.locks()] == ["ES"]
        assert [(lock.instrument, lock.released_by) for lock in ledger.locks(held_only=False)] == [
            ("NQ", "ana"), ("ES", "")
        ]  # fmt: skip


def dump(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as db:
        return list(db.iterdump())


def test_step_by_step_or_at_once_the_ledger_is_the_same(tmp_path: Path, events: Events) -> None:
    whole = rows(a_day())
    for n, row in enumerate(whole, start=1):
        write(tmp_path / "steps", [row])
        with Ledger(tmp_path / "steps", events) as ledger:
            assert ledger.applied_seq == n
    write(tmp_path / "once", whole)
    Ledger(tmp_path / "once", events).close()
    assert dump(tmp_path / "steps") == dump(tmp_path / "once")


def test_facts_told_twice_count_once(tmp_path: Path, events: Events) -> None:
    write(tmp_path, rows([*a_day(), *a_day()]))
    with Ledger(tmp_path, events) as ledger:
        order = ledger.order(BUY.id)
        assert order is not None
        assert order.filled == 3 * LOT
        assert len(ledger.fills()) == 2


def test_a_correction_replaces_its_execution_in_either_order(tmp_path: Path, events: Events) -> None:
    first, second = filled(BUY, "x1", LOT, 3_850 * PX), filled(BUY, "x2", 2 * LOT, 3_852 * PX, corrects="x1")
    for name, told in (("early", [first, second]), ("late", [second, first])):
        write(tmp_path / name, rows([planned(BUY), *told]))
        with Ledger(tmp_path / name, events) as ledger:
            order = ledger.order(BUY.id)
            assert order is not None
            assert (order.filled, order.average_px) == (2 * LOT, 3_852 * PX)
            assert {fill.exec_id: fill.corrected_by for fill in ledger.fills()} == {"x1": "x2", "x2": ""}
    assert content_hash(tmp_path / "early", events) == content_hash(tmp_path / "late", events)


def test_fills_that_precede_their_order_are_counted_when_it_comes(tmp_path: Path, events: Events) -> None:
    write(tmp_path, rows([filled(BUY, "x1", LOT, 3_850 * PX), planned(BUY)]))
    with Ledger(tmp_path, events) as ledger:
        order = ledger.order(BUY.id)
        assert order is not None
        assert (order.filled, order.state) == (LOT, "DURABLE")


def test_an_open_ledger_catches_up_when_asked(folder: Path, events: Events) -> None:
    with Ledger(folder, events) as ledger:
        seen = ledger.applied_seq
        assert ledger.catch_up() == 0
        write(folder, rows([Noted("more"), run_moved("ABORTED")], after=seen))
        assert ledger.catch_up() == 2
        assert ledger.applied_seq == seen + 2
        assert [run.status for run in ledger.runs()] == ["ABORTED"]


@pytest.mark.parametrize("content", [b"", b"spoiled" * 1000])
def test_a_spoiled_ledger_is_rebuilt(folder: Path, events: Events, content: bytes) -> None:
    Ledger(folder, events).close()
    whole = dump(folder)
    (folder / "ledger.sqlite").write_bytes(content)
    Ledger(folder, events).close()
    assert dump(folder) == whole


def test_a_ledger_of_another_shape_is_rebuilt(folder: Path, events: Events) -> None:
    Ledger(folder, events).close()
    whole = dump(folder)
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as db:
        db.execute("PRAGMA user_version = 77")
        db.execute("DROP TABLE runs")
    Ledger(folder, events).close()
    assert dump(folder) == whole


def test_a_ledger_of_another_journal_is_rebuilt(folder: Path, events: Events, tmp_path: Path) -> None:
    """The journal was restored from a backup: the ledger beside it knows rows that never were."""
    Ledger(folder, events).close()
    histories: tuple[list[Event], ...] = (a_day()[:9], [Noted("another history") for _ in a_day()], [])
    for n, (history, orders) in enumerate(zip(histories, (2, 0, 0), strict=True)):
        other = tmp_path / f"other-{n}"
        write(other, rows(history))
        (other / "ledger.sqlite").write_bytes((folder / "ledger.sqlite").read_bytes())
        with Ledger(other, events) as ledger:
            assert ledger.applied_seq == len(history)
            assert len(ledger.orders()) == orders


def test_old_runs_leave_the_ledger_but_never_the_journal(tmp_path: Path, events: Events) -> None:
    later = "20230601.1.trend.000000000000"
    open_run = "20230102.2.trend.111111111111"
    late = an_intent(0, run=later)
    day = [
        *a_day(),
        run_planned([], open_run),
        run_planned([late], later, MONDAY_NS + 150 * DAY_NS),
        planned(late, MONDAY_NS + 150 * DAY_NS),
        run_moved("DONE", later, MONDAY_NS + 150 * DAY_NS),
    ]
    write(tmp_path, rows(day))
    with Ledger(tmp_path, events) as ledger:
        assert ledger.forget_runs(MONDAY_NS + 90 * DAY_NS) == 0
        assert ledger.forget_runs(MONDAY_NS + 151 * DAY_NS) == 1
        assert [run.run_id for run in ledger.runs()] == [open_run, later]
        assert [order.client_id for order in ledger.orders()] == [late.id]
        assert (ledger.fills(), ledger.denials(), ledger.targets(RUN)) == ([], [], [])
        assert ledger.catch_up() == 0
    (tmp_path / "ledger.sqlite").unlink()
    with Ledger(tmp_path, events) as ledger:
        assert len(ledger.runs()) == 3


def test_a_folder_without_a_journal_gets_no_ledger(tmp_path: Path, events: Events) -> None:
    with pytest.raises(JournalError, match="does not exist"):
        Ledger(tmp_path / "nowhere", events)


def test_a_failing_projection_leaves_the_ledger_where_it_was(
    folder: Path, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Ledger(folder, events) as ledger:
        seen = ledger.applied_seq
        write(folder, rows([run_moved("ABORTED"), Noted("")], after=seen))
        with closing(sqlite3.connect(next(folder.glob("journal-*.sqlite")), isolation_level=None)) as db:
            db.execute("UPDATE journal SET body = x'c1' WHERE seq = ?", (seen + 1,))
        with pytest.raises(JournalError, match=f"row {seen + 1} is no RunMoved"):
            ledger.catch_up()
        assert ledger.applied_seq == seen
        assert [run.status for run in ledger.runs()] == ["DONE"]
    with pytest.raises(JournalError, match="is no RunMoved"):
        Ledger(folder, events)


# -- content


def test_the_content_is_the_hash_of_lines_written_by_hand(folder: Path, events: Events) -> None:
    from hashlib import sha256

    orders = sorted(
        [
            f"O|{BUY.id}|{RUN}|SP500@202303|1|300000000|LMT|DAY|3851000000000|rebalance||0|0|FILLED|300000000",
            f"O|{SELL.id}|{RUN}|SP500@202303|-1|100000000|LMT|DAY|3851000000000|rebalance||1|0|CANCELLED|0",
        ]
    )
    fills = [
        f"F|x1|{BUY.id}|100000000|3850000000000|2050000|USD|{MONDAY_NS + 5}",
        f"F|x2|{BUY.id}|200000000|3851000000000|2050000|USD|{MONDAY_NS + 6}",
    ]
    assert content_hash(folder, events) == sha256("\n".join(orders + fills).encode()).hexdigest()


def test_the_way_to_the_end_does_not_count_but_the_end_does(tmp_path: Path, events: Events) -> None:
    straight = [planned(BUY), moved(BUY, "ACKED", "SENT", "WORKING", venue="v-1"), filled(BUY, "x1", 3 * LOT, PX)]
    crashed = [planned(BUY), moved(BUY, "RESTARTED", "DURABLE", "UNKNOWN"), filled(BUY, "x1", 3 * LOT, PX), *straight]
    end = moved(BUY, "FILLED", "WORKING", "FILLED")
    hashes = []
    for told in ([*straight, end], [*crashed, end], straight, [*straight, end, filled(BUY, "x2", 1, PX)]):
        content = Content()
        for event in told:
            content.add(event)
        hashes.append(content.hash())
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3


def test_a_spread_is_told_with_what_is_whole_and_its_net_price(tmp_path: Path, events: Events) -> None:
    """Three sold at 3850 and two bought at 3871 and 3873: two whole, at 3872 - 3850 net."""
    spread = msgspec.structs.replace(BUY, instrument="SP500@202303-202306", leg_references=(3_850 * PX, 3_870 * PX))
    near, far = (msgspec.structs.replace(leg, id=spread.id) for leg in as_legs(spread))
    told = [
        planned(spread),
        filled(near, "n1", 3 * LOT, 3_850 * PX),
        filled(far, "f1", LOT, 3_871 * PX),
        filled(far, "f2", LOT, 3_873 * PX),
    ]
    write(tmp_path, rows(told))
    with Ledger(tmp_path, events) as ledger:
        order = ledger.order(spread.id)
        assert order is not None
        assert (order.instrument, order.filled, order.average_px) == ("SP500@202303-202306", 2 * LOT, 22 * PX)
