"""A guardian ends what a dead engine has left, touches nothing else, and never invents an order."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec import structs

from app.guardian import Deed, kill
from app.guardian_log import SignedLog
from model.orders import CancelAtVenue, SubmitOrder
from model.units import QTY_SCALE
from ports.guardian import ClosingPlan, SealedFile
from ports.guardian.heartbeat import Heartbeat, Pulse
from ports.guardian.plan import closing_orders
from state.process_id import lives, process_of
from tests.exchange.kit import buy
from tests.guardian.kit import ENGINE, KEY, NEXT, QUIET, Bench, resting


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def closing(tmp_path: Path) -> Bench:
    """A bench whose guardian may flatten, with 10 shares at the venue and two orders that rest."""
    bench = Bench(tmp_path, flatten=True)
    bench.submit(buy("hr-filled", "CSPX", limit="101"), resting("hr-rests"))
    return bench


def deposit(bench: Bench, *, valid_s: int = 900, key: bytes = KEY, units: int = 10) -> ClosingPlan:
    plan = ClosingPlan(50, bench.wall_ns + valid_s * 10**9, closing_orders({"CSPX": units * QTY_SCALE}, 50))
    SealedFile(bench.plans.path, ClosingPlan, key).write(plan)
    return plan


# -- what lapses


def test_an_engine_that_beats_and_has_nothing_to_do_lives(bench: Bench) -> None:
    assert not bench.beats(60)
    assert bench.log.deeds == []


def test_before_the_first_beat_and_after_an_orderly_end_nothing_is_guarded(bench: Bench) -> None:
    assert not bench.wait(60)
    bench.beats(3)
    assert bench.beat is not None
    bench.beat = structs.replace(bench.beat, ended=True)
    assert not bench.wait(60)
    assert bench.log.deeds == []


def test_a_silence_is_a_lapse_once_it_is_longer_than_allowed(bench: Bench) -> None:
    bench.beats(3)
    assert not bench.wait(9)
    assert bench.wait(2)
    assert bench.log.said("LAPSED").startswith("no heartbeat for 11 s")


@pytest.mark.parametrize(
    ("pulse", "why"),
    [
        (Pulse("TRADING", 100, 3, 50, 0), "3 messages wait and none was handled"),
        (Pulse("TRADING", 100, 0, 50, 2), "2 rows wait and none became durable after row 50"),
    ],
)
def test_a_loop_that_beats_while_its_work_waits_is_not_alive(bench: Bench, pulse: Pulse, why: str) -> None:
    assert bench.beats(14, pulse)
    assert why in bench.log.said("LAPSED")


def test_work_that_waits_and_moves_is_alive(bench: Bench) -> None:
    for turn in range(40):
        assert not bench.beats(1, Pulse("TRADING", 100 + turn, 3, 50 + turn, 2))


def test_a_watchdog_actor_that_says_nothing_is_a_lapse(bench: Bench) -> None:
    bench.beats(3)
    assert bench.beats(14, words=False)
    assert "no word from the watchdog actor" in bench.log.said("LAPSED")


# -- what is done


def test_a_dead_engine_is_fenced_and_ended_before_its_orders_are_cancelled(bench: Bench) -> None:
    bench.submit(resting("hr-1"), resting("hr-2"), resting("by-hand"))
    bench.beats(3)
    assert bench.wait(12)
    assert bench.log.codes == ["LAPSED", "FENCED", "ENDED", "CANCELLED", "DONE"]
    assert bench.ended == [ENGINE]
    assert bench.lease.token() is None
    assert bench.log.said("CANCELLED") == "2 orders: hr-1, hr-2"
    assert bench.open_at_venue() == ["by-hand"]


def test_nothing_of_the_fenced_engine_is_accepted_afterwards(bench: Bench) -> None:
    bench.beats(3)
    bench.wait(12)
    bench.venue.connect(bench.venue.now_ns)
    for request in (SubmitOrder(resting("hr-late")), CancelAtVenue("by-hand")):
        assert not bench.venue.receive(request, bench.venue.now_ns, bench.lease.standing.token)
    bench.venue.take(bench.venue.now_ns + 10**9)
    assert "hr-late" not in bench.venue.desk.orders
    assert bench.venue.door.refused == 2


def test_what_was_done_is_not_done_again_by_this_guardian_or_the_next(bench: Bench) -> None:
    bench.beats(3)
    assert bench.wait(12)
    assert not bench.wait(60)
    bench.guardian = bench.watching()
    assert not bench.wait(60)
    assert bench.log.codes.count("LAPSED") == 1


def test_a_guardian_that_starts_after_the_engine_died_does_its_work_all_the_same(bench: Bench) -> None:
    bench.submit(resting("hr-1"))
    bench.beats(3)
    bench.guardian = bench.watching()
    assert bench.wait(12)
    assert bench.open_at_venue() == []


def test_the_next_engine_is_guarded_like_the_first(bench: Bench) -> None:
    bench.beats(3)
    assert bench.wait(12)
    bench.lease = bench.held(NEXT)
    assert not bench.beats(30, process=NEXT)
    assert bench.wait(20)
    assert bench.ended == [ENGINE, NEXT]


def test_an_engine_that_has_taken_the_account_and_does_not_beat_yet_is_left_alone(bench: Bench) -> None:
    bench.beats(3)
    bench.lease.release()
    new = bench.held(NEXT)
    assert not bench.wait(13)
    assert new.token() is not None
    assert bench.wait(13)  # its own term is over: nobody looks after what the first one left
    assert new.token() is None


def test_a_venue_that_does_not_answer_is_asked_until_it_does_while_the_fence_stands(bench: Bench) -> None:
    bench.submit(resting("hr-1"))
    bench.unreachable = 2
    bench.beats(3)
    assert not bench.wait(12)
    assert bench.log.codes == ["LAPSED", "FENCED", "ENDED", "TRY_AGAIN"]
    assert bench.lease.token() is None
    assert bench.wait(20)
    assert bench.log.codes == ["LAPSED", "FENCED", "ENDED", "TRY_AGAIN", "CANCELLED", "DONE"]
    assert bench.open_at_venue() == []


def test_a_trouble_that_stays_is_said_again_every_five_minutes_and_another_one_at_once(bench: Bench) -> None:
    bench.unreachable = 1_000
    bench.beats(3)
    assert not bench.wait(12 + 280)
    assert bench.log.codes.count("TRY_AGAIN") == 1
    assert not bench.wait(30)
    assert bench.log.codes.count("TRY_AGAIN") == 2
    bench.lease.store.path.write_bytes(b"spoiled")
    assert not bench.wait(10)
    assert bench.log.codes.count("TRY_AGAIN") == 3


# -- closing by the plan


def test_a_plan_is_sent_word_for_word(closing: Bench) -> None:
    plan = deposit(closing)
    closing.beats(3)
    assert closing.wait(12)
    assert closing.holds() == {}
    sent = closing.venue.desk.orders[plan.orders[0].client_id]
    assert sent.spec == plan.orders[0]
    assert closing.log.codes == ["LAPSED", "FENCED", "ENDED", "CANCELLED", "SENT", "DONE"]


def test_without_leave_no_plan_is_looked_at(bench: Bench) -> None:
    bench.submit(buy("hr-filled", "CSPX", limit="101"))
    deposit(bench)
    bench.beats(3)
    assert bench.wait(12)
    assert bench.holds() == {"CSPX": 10 * QTY_SCALE}


def test_without_a_plan_nothing_is_closed(closing: Bench) -> None:
    closing.beats(3)
    assert closing.wait(12)
    assert closing.log.said("NOT_FLATTENED") == "the engine left no plan, and the guardian makes none"
    assert closing.holds() == {"CSPX": 10 * QTY_SCALE}


def test_a_plan_whose_time_is_over_is_refused(closing: Bench) -> None:
    deposit(closing, valid_s=5)
    closing.beats(3)
    assert closing.wait(12)
    assert "the plan ended" in closing.log.said("NOT_FLATTENED")
    assert closing.holds() == {"CSPX": 10 * QTY_SCALE}


def test_a_plan_that_somebody_else_signed_is_refused(closing: Bench) -> None:
    deposit(closing, key=b"another key")
    closing.beats(3)
    assert closing.wait(12)
    assert "signature" in closing.log.said("NOT_FLATTENED")
    assert closing.holds() == {"CSPX": 10 * QTY_SCALE}


def test_a_position_that_the_plan_does_not_know_is_said_and_left(closing: Bench) -> None:
    deposit(closing, units=0)
    closing.beats(3)
    assert closing.wait(12)
    assert "CSPX: the plan of row 50 does not know it" in closing.log.said("NOT_PLANNED")
    assert closing.holds() == {"CSPX": 10 * QTY_SCALE}


@pytest.mark.parametrize("units", [11, -10])
def test_an_order_that_the_venues_own_position_does_not_explain_is_not_sent(closing: Bench, units: int) -> None:
    deposit(closing, units=units)
    closing.beats(3)
    assert closing.wait(12)
    assert "which it would not close" in closing.log.said("NOT_SENT")
    assert closing.holds() == {"CSPX": 10 * QTY_SCALE}


def test_a_guardian_that_died_half_way_closes_once(closing: Bench) -> None:
    plan = deposit(closing)
    closing.beats(3)
    assert closing.wait(12)
    closing.log.deeds.clear()  # it was killed before it wrote that it had done anything
    closing.guardian = closing.watching()
    assert closing.wait(12)
    assert closing.holds() == {}
    assert closing.venue.desk.orders[plan.orders[0].client_id].fills == 1


# -- files and processes


def test_a_spoiled_heartbeat_is_no_sign_of_life(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    file = SealedFile(tmp_path / "heartbeat", Heartbeat, KEY)
    bench.read = file.read  # type: ignore[method-assign]
    bench.guardian = bench.watching()
    for beat in range(1, 4):
        file.write(Heartbeat(ENGINE, beat, QUIET, words=beat))
        bench.wait(1)
    forged = SealedFile(tmp_path / "heartbeat", Heartbeat, b"not the key")
    acted = False
    for beat in range(4, 20):
        forged.write(Heartbeat(ENGINE, beat, QUIET, words=beat))
        acted = bench.wait(1) or acted
    assert acted
    assert bench.log.codes[:2] == ["DISTRUSTED", "LAPSED"]


def test_what_is_signed_for_one_purpose_passes_for_no_other(tmp_path: Path) -> None:
    SealedFile(tmp_path / "heartbeat", Heartbeat, KEY).write(Heartbeat(ENGINE, 1, QUIET))
    (tmp_path / "heartbeat").rename(tmp_path / "another")
    with pytest.raises(Exception, match="signature"):
        SealedFile(tmp_path / "another", Heartbeat, KEY).read()


def log_of(path: Path, *codes: str) -> SignedLog:
    log = SignedLog(path, b"own key")
    for number, code in enumerate(codes):
        log.write(Deed(number, code, "text", ENGINE))
    return log


def test_the_log_says_which_engine_was_ended_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "guardian.jsonl"
    log_of(path, "LAPSED", "FENCED")
    assert SignedLog(path, b"own key").done() is None
    log_of(path, "DONE")
    assert SignedLog(path, b"own key").done() == ENGINE


def test_a_line_that_the_guardian_was_writing_when_it_died_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "guardian.jsonl"
    log_of(path, "LAPSED", "DONE")
    with path.open("ab") as file:
        file.write(b'{"deed":{"at_')
    log_of(path, "LAPSED")
    assert SignedLog(path, b"own key").done() == ENGINE
    assert len(path.read_bytes().splitlines()) == 3


@pytest.mark.parametrize("spoil", ["changed", "taken out", "another key"])
def test_a_log_that_somebody_changed_is_put_aside_and_the_guardian_begins_anew(tmp_path: Path, spoil: str) -> None:
    path = tmp_path / "guardian.jsonl"
    log_of(path, "LAPSED", "FENCED", "DONE")
    lines = path.read_bytes().splitlines(keepends=True)
    if spoil == "changed":
        path.write_bytes(b"".join(lines).replace(b"FENCED", b"FORGOT"))
    elif spoil == "taken out":
        path.write_bytes(b"".join([lines[0], lines[2]]))
    again = SignedLog(path, b"other key" if spoil == "another key" else b"own key")
    assert again.done() is None
    assert path.with_name("guardian.jsonl.distrusted").exists()


def test_an_alert_command_is_given_each_deed_and_may_fail(tmp_path: Path) -> None:
    out = tmp_path / "told"
    path = tmp_path / "guardian.jsonl"
    hook = [sys.executable, "-c", f"import sys; open({str(out)!r}, 'ab').write(sys.stdin.buffer.read()); sys.exit(1)"]
    SignedLog(path, b"", hook).write(Deed(1, "LAPSED", "no heartbeat", ENGINE))
    assert b'"code":"LAPSED"' in out.read_bytes()
    assert SignedLog(path, b"").done() is None


def test_a_stopped_process_is_killed_and_another_one_with_its_number_is_not() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    try:
        process = process_of(child.pid)
        child.send_signal(signal.SIGSTOP)
        assert kill(structs.replace(process, started=process.started + 1)) == "it was dead already"
        assert lives(process)
        assert kill(process) == "killed"
        assert not lives(process)
        assert kill(process) == "it was dead already"
    finally:
        child.kill()
        child.wait()


def test_a_process_of_another_machine_is_fenced_and_not_killed() -> None:
    assert "not killed" in kill(ENGINE)


def test_the_guardian_needs_neither_actors_nor_the_runtime() -> None:
    heavy = "{'actors', 'engine.kernel', 'engine.host', 'numpy', 'structlog', 'simulation', 'sleeves'}"
    script = f"import sys, app.guardian, app.guardian_log; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
