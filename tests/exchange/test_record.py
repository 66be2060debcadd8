"""The venue commits before it speaks, and a killed venue goes on as if nothing had happened."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from model.market import BarClosed, Quote
from model.orders import (
    CancelRejected,
    Fill,
    ModifyOrder,
    ModifyRejected,
    OrderRejected,
    OrderSpec,
    OrderType,
    RequestSnapshot,
    TimeInForce,
    VenueFact,
    VenueSnapshot,
)
from model.units import px, qty
from simulation.exchange import (
    Exchange,
    MemoryRecord,
    PutOffRecord,
    RecordError,
    SqliteRecord,
    VenueRecord,
    VenueRules,
    digest,
)
from simulation.exchange.record import Resumed, Saved, Step

from .kit import at, bar, buy, close_of, happen, quote, sell, send, venue

Deed = tuple[int, BarClosed | Quote | OrderSpec | ModifyOrder | str]
GTC = TimeInForce.GTC
MAR = "SP500@202003"
JAN = "SP500@202001"
RULES = VenueRules(bar_share_bps=5_000, unknown_size_fills=True)


def a_fortnight() -> list[Deed]:
    """Everything that can happen to a venue: quotes, bars, partial fills, changes, an expiry, a short, a duplicate."""
    deeds: list[Deed] = [(close_of(0), bar(name, 0, "100")) for name in ("CSPX", MAR, JAN)]
    deeds += [
        (close_of(0), buy("f1", MAR, "3", kind=OrderType.MOC)),
        (close_of(0), sell("e1", "CSPX", "40", limit="101", tif=GTC)),
        (close_of(0), buy("j1", JAN, "2", kind=OrderType.MOC)),
        (at(1, 10), quote("CSPX", at(1, 10), "100.90", "100.95", "25", "7")),
        (at(1, 11), quote("CSPX", at(1, 11), "101", "101.05", "25", "7")),
        (at(1, 11), buy("e2", "CSPX", "5")),
        (at(1, 11), buy("e3", "CSPX", "5", limit="101.05", tif=GTC)),
        (at(1, 12), ModifyOrder("e1", "c1", px("100.50"))),
        (close_of(1), bar("CSPX", 1, ["100", "102", "99", "101"], volume="60")),
        (close_of(1), bar(MAR, 1, "101")),
        (close_of(1), bar(JAN, 1, "101")),
        (close_of(1), buy("f1", MAR, "3", kind=OrderType.MOC)),
        (close_of(1), sell("f2", MAR, "5", limit="103", tif=TimeInForce.GTD, expires_ns=at(4, 12))),
        (close_of(1), sell("gone", "CSPX", limit="500", tif=GTC)),
        (close_of(2), bar("CSPX", 2, ["101", "103", "100", "102"], volume="30")),
        (close_of(2), bar(MAR, 2, ["101", "103", "100", "102"])),
        (at(3, 8), "gone"),
        (close_of(3), bar(MAR, 3, ["102", "104", "100", "103"], volume="4")),
        (close_of(9), bar(MAR, 9, "99")),
        (close_of(11), bar(MAR, 11, "98")),
    ]
    return deeds


def do(exchange: Exchange, deed: Deed) -> None:
    at_ns, what = deed
    if isinstance(what, BarClosed):
        exchange.on_bar(what)
    elif isinstance(what, Quote):
        exchange.on_quote(what)
    elif isinstance(what, OrderSpec):
        exchange.submit(what, at_ns)
    elif isinstance(what, ModifyOrder):
        exchange.modify(what, at_ns)
    else:
        exchange.cancel(what, at_ns)


def live_through(exchange: Exchange, deeds: list[Deed]) -> list[VenueFact]:
    facts: list[VenueFact] = []
    for deed in deeds:
        do(exchange, deed)
        facts += exchange.take(deed[0])
    return facts


@pytest.fixture(params=[0, 3_600_000_000_000], ids=["no latency", "an hour of latency"])
def rules(request: pytest.FixtureRequest) -> VenueRules:
    return VenueRules(bar_share_bps=5_000, unknown_size_fills=True, latency_ns=request.param)


def test_the_same_inputs_leave_the_same_record(rules: VenueRules) -> None:
    digests = set()
    for _ in range(3):
        record = MemoryRecord()
        live_through(venue(record=record, rules=rules), a_fortnight())
        digests.add(digest(record))
    assert len(digests) == 1


@pytest.mark.parametrize("kept_in", ["memory", "sqlite"])
def test_a_venue_killed_after_any_step_ends_like_one_that_was_not(
    rules: VenueRules, kept_in: str, tmp_path: Path
) -> None:
    def new(name: str) -> VenueRecord:
        return MemoryRecord() if kept_in == "memory" else SqliteRecord(tmp_path / f"{name}.sqlite")

    deeds = a_fortnight()
    whole = new("whole")
    unbroken = venue(record=whole, rules=rules)
    live_through(unbroken, deeds)
    for step in range(1, len(deeds)):
        record = new(str(step))
        live_through(venue(record=record, rules=rules), deeds[:step])
        resumed = venue(record=record, rules=rules)
        assert resumed.now_ns == deeds[step - 1][0]
        live_through(resumed, deeds[step:])
        assert digest(record) == digest(whole), f"killed after step {step}"
        assert resumed.snapshot("s", 0) == unbroken.snapshot("s", 0)
        record.close()


def test_a_short_that_was_covered_leaves_nothing_behind_in_a_later_position() -> None:
    deeds: list[Deed] = [(close_of(0), bar("CSPX", 0, "100"))]
    for day, order in enumerate((sell("short", "CSPX"), buy("cover", "CSPX"), buy("long", "CSPX"))):
        deeds += [(close_of(2 * day), order), (close_of(2 * day + 1), bar("CSPX", 2 * day + 1, "100"))]
        deeds += [(close_of(2 * day + 2), bar("CSPX", 2 * day + 2, "100"))]
    whole = MemoryRecord()
    live_through(venue(record=whole, rules=RULES), deeds)
    for step in range(1, len(deeds)):
        record = MemoryRecord()
        live_through(venue(record=record, rules=RULES), deeds[:step])
        live_through(venue(record=record, rules=RULES), deeds[step:])
        assert digest(record) == digest(whole), f"killed after step {step}"


def test_prices_told_again_after_a_resume_change_nothing() -> None:
    deeds = a_fortnight()
    for step in range(1, len(deeds)):
        record = MemoryRecord()
        live_through(venue(record=record, rules=RULES), deeds[:step])
        before = digest(record)
        resumed = venue(record=record, rules=RULES)
        again = [d for d in deeds[:step] if d[0] == resumed.now_ns and isinstance(d[1], BarClosed | Quote)]
        assert live_through(resumed, again) == []
        assert digest(record) == before


def test_both_records_keep_the_same(tmp_path: Path) -> None:
    memory, file = MemoryRecord(), SqliteRecord(tmp_path / "venue.sqlite")
    for record in (memory, file):
        live_through(venue(record=record, rules=RULES), a_fortnight())
    assert digest(memory) == digest(file)


class Crashing:
    """A record that dies in the middle of its n-th commit."""

    def __init__(self, inner: MemoryRecord, survives: int) -> None:
        self._inner, self._left = inner, survives

    def commit(self, step: Step) -> None:
        if self._left == 0:
            raise OSError("killed")
        self._left -= 1
        self._inner.commit(step)

    def load(self) -> Saved | None:
        return self._inner.load()

    def resume(self) -> Resumed | None:
        return self._inner.resume()

    def close(self) -> None:
        self._inner.close()


def test_no_fact_leaves_before_its_step_is_written() -> None:
    """Killed while committing: nothing of the step was said, and the resumed venue never heard of it."""
    memory = MemoryRecord()
    exchange = venue(record=Crashing(memory, 1))
    happen(exchange, bar("CSPX", 0, "100"))
    exchange.submit(buy("a", "CSPX"), close_of(0))
    with pytest.raises(OSError, match="killed"):
        exchange.take(close_of(0))
    resumed = venue(record=memory)
    assert resumed.snapshot("s", 0).orders == ()
    assert resumed.now_ns == close_of(0)


@pytest.mark.parametrize("every", [1, 3, 1_000])
def test_steps_that_are_written_together_leave_the_same_record(rules: VenueRules, every: int, tmp_path: Path) -> None:
    whole, file = MemoryRecord(), SqliteRecord(tmp_path / "venue.sqlite")
    live_through(venue(record=whole, rules=rules), a_fortnight())
    put_off = PutOffRecord(file)
    exchange = venue(record=put_off, rules=rules)
    for count, deed in enumerate(a_fortnight(), 1):
        live_through(exchange, [deed])
        if count % every == 0:
            put_off.flush()
    put_off.flush()
    put_off.flush()
    assert digest(file) == digest(whole)


def test_a_venue_killed_with_steps_put_off_goes_on_from_the_last_flush(rules: VenueRules) -> None:
    deeds = a_fortnight()
    whole = MemoryRecord()
    live_through(venue(record=whole, rules=rules), deeds)
    for flushed in range(1, len(deeds)):
        for killed in range(flushed, len(deeds)):
            kept = MemoryRecord()
            put_off = PutOffRecord(kept)
            exchange = venue(record=put_off, rules=rules)
            live_through(exchange, deeds[:flushed])
            put_off.flush()
            live_through(exchange, deeds[flushed:killed])
            put_off.close()
            resumed = venue(record=kept, rules=rules)
            assert resumed.now_ns == deeds[flushed - 1][0]
            live_through(resumed, deeds[flushed:])
            assert digest(kept) == digest(whole), f"flushed after step {flushed}, killed after step {killed}"


class FailingOnce(MemoryRecord):
    """A record whose second commit fails."""

    def commit(self, step: Step) -> None:
        if self.steps == 1:
            self.steps += 1
            raise OSError("no space left")
        super().commit(step)


def test_a_flush_that_fails_loses_nothing() -> None:
    whole, failing = MemoryRecord(), FailingOnce()
    live_through(venue(record=whole, rules=RULES), a_fortnight())
    put_off = PutOffRecord(failing)
    exchange = venue(record=put_off, rules=RULES)
    live_through(exchange, a_fortnight()[:3])
    put_off.flush()
    live_through(exchange, a_fortnight()[3:8])
    with pytest.raises(OSError, match="no space"):
        put_off.flush()
    live_through(exchange, a_fortnight()[8:])
    put_off.flush()
    assert digest(failing) == digest(whole)


@pytest.mark.parametrize("kept_in", ["memory", "sqlite"])
def test_an_order_that_ended_before_a_restart_is_still_known(kept_in: str, tmp_path: Path) -> None:
    record = MemoryRecord() if kept_in == "memory" else SqliteRecord(tmp_path / "venue.sqlite")
    exchange = venue(record=record)
    now = at(1, 10)
    happen(exchange, quote("CSPX", now, "99.90", "100", ask_size="1000"))
    send(exchange, now, buy("before", "CSPX", "20"))
    resumed = venue(record=record)
    said = send(resumed, now, buy("after", "CSPX", "30"), buy("before", "CSPX", "20"))
    resumed.cancel("before", now)
    resumed.modify(ModifyOrder("before", "c", px("99")), now)
    resumed.cancel("never", now)
    said += resumed.take(now)
    codes = [(fact.client_id, fact.code) for fact in said if isinstance(fact, OrderRejected | CancelRejected)]
    assert codes == [("before", "DUPLICATE_ID"), ("before", "ORDER_DONE"), ("never", "UNKNOWN_ORDER")]
    assert [fact.code for fact in said if isinstance(fact, ModifyRejected)] == ["ORDER_DONE"]
    snapshot = resumed.snapshot("s", now)  # both ended at the moment of the restart, each on its own side of it
    assert [(each.client_id, each.filled) for each in snapshot.closed] == [("before", qty("20")), ("after", qty("30"))]
    assert [fill.client_id for fill in snapshot.fills] == ["before", "after"]
    assert resumed.snapshot("s", now + 1).fills == ()


@pytest.mark.parametrize("table", ["orders", "executions"])
def test_a_record_that_lost_a_row_is_refused(tmp_path: Path, table: str) -> None:
    path = tmp_path / "venue.sqlite"
    record = SqliteRecord(path)
    live_through(venue(record=record, rules=RULES), a_fortnight())
    record.close()
    with sqlite3.connect(path) as db:
        db.execute(f"DELETE FROM {table} WHERE rowid = 2")
    with pytest.raises(RecordError, match="has lost some of its"):
        venue(record=SqliteRecord(path), rules=RULES)


def test_a_record_in_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "venue.sqlite"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE steps (seq INTEGER PRIMARY KEY)")
    db.close()
    with pytest.raises(RecordError, match="is in format 0 of the venue's record, this program writes 2"):
        SqliteRecord(path)


def test_facts_that_were_never_taken_are_found_in_the_snapshot() -> None:
    record = MemoryRecord()
    exchange = venue(record=record, rules=VenueRules(latency_ns=10**9))
    happen(exchange, bar("CSPX", 0, "100"))
    exchange.submit(buy("a", "CSPX", kind=OrderType.MOC), close_of(0))
    said = happen(exchange, bar("CSPX", 1, "100"))
    assert not any(isinstance(fact, Fill) for fact in said)  # the fill is under way for a second when the venue dies
    resumed = venue(record=record, rules=VenueRules(latency_ns=10**9))
    resumed.receive(RequestSnapshot("s", close_of(0)), close_of(1))
    (answer,) = resumed.take(close_of(1) + 2 * 10**9)
    assert isinstance(answer, VenueSnapshot)
    assert [fill.client_id for fill in answer.fills] == ["a"]
    assert (answer.complete, answer.ids_enforced) == (True, True)
    assert [(c.client_id, c.state) for c in answer.closed] == [("a", "FILLED")]


def test_ids_come_from_the_client_id_and_not_from_a_counter() -> None:
    alone, crowded = venue(), venue()
    happen(crowded, bar("CSPX", 0, "100"))
    send(crowded, close_of(0), *[buy(f"other {i}", "CSPX", "1") for i in range(5)])
    for exchange in (alone, crowded):
        happen(exchange, bar("CSPX", 1, "100"))
        send(exchange, close_of(1), buy("hr-1", "CSPX", kind=OrderType.MOC))
        happen(exchange, bar("CSPX", 2, "100"))
    ids = [
        {(f.exec_id, f.venue_id) for f in exchange.snapshot("s", 0).fills if f.client_id == "hr-1"}
        for exchange in (alone, crowded)
    ]
    assert ids[0] == ids[1]
    assert len(ids[0]) == 1


KILLED = """
import os, sys
from pathlib import Path
from simulation.exchange import SqliteRecord
from tests.exchange.kit import venue
from tests.exchange.test_record import RULES, a_fortnight, do

exchange = venue(record=SqliteRecord(Path(sys.argv[1])), rules=RULES)
for step, deed in enumerate(a_fortnight(), 1):
    do(exchange, deed)
    exchange.take(deed[0])
    if step == int(sys.argv[2]):
        os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("step", [4, 9, 14])
def test_the_file_survives_a_kill(tmp_path: Path, step: int) -> None:
    deeds = a_fortnight()
    path, root = tmp_path / "venue.sqlite", Path(__file__).resolve().parents[2]
    died = subprocess.run(
        [sys.executable, "-c", KILLED, str(path), str(step)], cwd=root, env={**os.environ}, check=False
    )
    assert died.returncode == -signal.SIGKILL
    resumed_record, whole = SqliteRecord(path), MemoryRecord()
    live_through(venue(record=resumed_record, rules=RULES), deeds[step:])
    live_through(venue(record=whole, rules=RULES), deeds)
    assert digest(resumed_record) == digest(whole)


def test_the_file_can_be_asked_whether_every_order_was_sent_once(tmp_path: Path) -> None:
    path = tmp_path / "venue.sqlite"
    record = SqliteRecord(path)
    live_through(venue(record=record, rules=RULES), a_fortnight())
    record.close()
    db = sqlite3.connect(path)
    assert db.execute("SELECT client_id FROM duplicates").fetchall() == [("f1",)]
    assert db.execute("SELECT count(*), count(DISTINCT client_id) FROM orders").fetchone() == (7, 7)
    sums = dict(db.execute("SELECT client_id, sum(quantity) FROM executions GROUP BY client_id").fetchall())
    filled = dict(db.execute("SELECT client_id, filled FROM orders WHERE filled > 0").fetchall())
    assert sums == filled
    assert set(sums) == {"f1", "f2", "j1", "e1", "e2", "e3"}
    assert sums["f1"] == qty(3)
    db.close()


def test_a_record_of_something_no_longer_listed_is_refused() -> None:
    record = MemoryRecord()
    exchange = venue(record=record)
    happen(exchange, bar("CSPX", 0, "100"))
    send(exchange, close_of(0), buy("a", "CSPX", kind=OrderType.MOC))
    happen(exchange, bar("CSPX", 1, "100"))
    with pytest.raises(RecordError, match="CSPX, which is not listed"):
        venue(record=record, instruments={})
