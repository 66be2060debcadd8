"""Days that once broke a promise, each told by the faults that it took. They are kept for ever.

A seed means another day whenever the catalogue grows, so each is written out; its number is where it was found.
"""

from __future__ import annotations

from itertools import pairwise

import pytest
from msgspec.structs import replace

from engine.notices import Happened
from model.decisions import Mode, ModeEntered
from model.execution import Alarm
from model.leases import CancelAfter
from model.orders import ModifyOrder, SubmitOrder
from model.units import NS_PER_SECOND
from simulation.prove.case import Verdict
from simulation.prove.days import Day, Playing, Word, play_day
from simulation.prove.scene import Scene
from simulation.prove.terms import Terms
from simulation.stage import FolderJournal
from tests.prove.a_day import FIRST_NS, HOUR_NS, MINUTE_NS, SECOND_NS, fault, short_day


def clean(day: Day) -> Verdict:
    verdict = play_day(day)
    assert not verdict.violations, verdict.violations
    return verdict


def played(day: Day) -> Scene:
    playing = Playing(day)
    playing.play()
    return playing.scene


def alarms(scene: Scene, code: str) -> list[Alarm]:
    return [row.event for row in scene.rows if isinstance(row.event, Alarm) and row.event.code == code]


def test_seed_111_a_short_that_came_by_a_transfer_is_lent_from_that_day_on() -> None:
    """The venue asked for the days since year nought."""
    clean(short_day(fault("a position transferred", MINUTE_NS, "BETA", -1)))


def test_seed_48_a_difference_that_stands_for_hours_is_said_once() -> None:
    """The system repeated its alarm at every comparison."""
    day = short_day(fault("a position transferred", MINUTE_NS, "BETA", 2))
    clean(day)
    assert len(alarms(played(day), "MODE_LOCKED")) == 1


def test_seed_68_an_engine_killed_while_halted_says_that_it_waits_for_a_person() -> None:
    """It came up in OBSERVING, and nothing said why."""
    day = short_day(fault("killed in another mode", HOUR_NS // 2, Mode.HALTED.value, 500), resumes=False)
    clean(day)
    scene = played(day)
    assert scene.mode is Mode.OBSERVING
    assert [alarm.subject for alarm in alarms(scene, "NEEDS_OPERATOR")] == ["HALTED"]


def test_seed_86_a_quarantined_sleeve_leaves_the_others_trading_and_no_letter_without_a_reader() -> None:
    """Risk was sent back each decision that the sleeve did not take, and could not take that either."""
    day = short_day(fault("an actor raises", MINUTE_NS, "sleeve.two+++++", 1))
    clean(day)
    scene = played(day)
    assert [notice.who for notice in scene.notices if notice.happened is Happened.QUARANTINED] == ["sleeve.two"]
    assert scene.positions["ALPHA"] == 2_500


@pytest.mark.parametrize("actor", ["orders", "portfolio", "risk", "market_data", "basket", "pair", "reconciler"])
def test_seed_69_an_actor_that_raises_once_is_rebuilt_and_nobody_stops(actor: str) -> None:
    """The stage's kernel could rebuild nothing, so every slip stopped the engine and no day saw a rebuilt actor."""
    day = short_day(fault("an actor raises", SECOND_NS - 1, actor, 2))
    clean(day)
    scene = played(day)
    assert scene.stops == []
    assert actor in {notice.who for notice in scene.notices if notice.happened is Happened.RESTARTED}


def test_seed_702_an_order_sent_by_hand_is_none_of_the_engines_requests() -> None:
    """It was counted among them, so that a delayed order was told from another."""
    by_hand = fault("another hand trades", 1, "BETA", 2)
    late = fault("the next message", FIRST_NS - 1, "delay SubmitOrder", 400_000)
    clean(short_day(by_hand, late))


def test_seed_815_no_day_is_judged_while_it_is_settled() -> None:
    """The calm ended at midnight, with the settlement on its way."""
    ends_at_midnight = replace(short_day(), length_ns=105 * MINUTE_NS, decides=False, latency_ns=40 * 10**6)
    clean(ends_at_midnight)
    assert played(ends_at_midnight).now_ns % (24 * HOUR_NS) == 15 * MINUTE_NS


def test_seed_772_late_executions_of_one_order_are_told_apart() -> None:
    """Each filled while the link was down, and each alarm said the same."""
    down = fault("link down", FIRST_NS + 80 * NS_PER_SECOND, lasts_ns=14 * MINUTE_NS)
    day = replace(short_day(down), displayed=100)
    clean(day)
    texts = [alarm.text for alarm in alarms(played(day), "LATE_FILL")]
    assert len(texts) > 3
    assert len(set(texts)) == len(texts)


def test_seed_61_what_was_released_without_a_repair_is_locked_again() -> None:
    """The reconciler had said the difference already and left the instrument open."""
    released = Word(SECOND_NS + 50 * MINUTE_NS, "release")
    day = short_day(fault("a position transferred", SECOND_NS + 30 * MINUTE_NS, "BETA", 9), words=(released,))
    clean(day)
    assert "BETA" in played(day).actor("system").locked


def test_seed_514_no_order_is_repriced_while_the_engine_compares_its_book() -> None:
    """Resumed with a difference standing it went back to RECONCILING, and its ladders climbed on."""
    moved = fault("a position transferred", NS_PER_SECOND, "BETA", 2)
    day = replace(short_day(moved, words=(Word(330 * NS_PER_SECOND, "resume"),)), displayed=100)
    clean(day)
    scene = played(day)
    modes = [row.event for row in scene.rows if isinstance(row.event, ModeEntered)]
    back = next(each.at_ns for each in modes if each.was is Mode.TRADING and each.mode is Mode.RECONCILING)
    changes = [request.at_ns for request in scene.wire if isinstance(request.message, ModifyOrder)]
    assert changes
    assert max(changes) < back


def test_seed_610_a_future_turned_a_hundredfold_below_nought_is_not_believed() -> None:
    """No jump across nought was ever doubted, so the day was marked at it and an order decided by it."""
    times = fault("bars spoiled", SECOND_NS, "times 100, everything", lasts_ns=HOUR_NS + MINUTE_NS)
    below = fault("bars spoiled", SECOND_NS, "negative, GAMMA@202403", lasts_ns=HOUR_NS + MINUTE_NS)
    clean(short_day(times, below))


@pytest.mark.parametrize("actor", ["orders", "portfolio"])
def test_seed_17699_each_message_that_was_lost_is_an_alarm_of_its_own(actor: str) -> None:
    """The judge took the fourth for a repetition: the words are the same, the message is not."""
    fell = [fault("an actor raises", place * 20 * MINUTE_NS, f"{actor}+++++", 1) for place in (1, 2, 3)]
    clean(short_day(*fell))


def test_seed_14904_a_reconciler_that_was_built_anew_says_again_what_differs() -> None:
    """The judge counted what three reconcilers had said."""
    moved = fault("a position transferred", MINUTE_NS, "BETA", 2)
    fell = [fault("an actor raises", place * 10 * MINUTE_NS, "reconciler", 1) for place in range(1, 6)]
    day = short_day(moved, *fell)
    clean(day)
    assert len(alarms(played(day), "BREAK_POSITION")) > 3


@pytest.mark.parametrize("call", range(1, 9))
@pytest.mark.parametrize("kept", ["kept", "lost"])
def test_process_seed_125_a_disk_that_fails_while_a_file_is_begun_forks_no_journal(call: int, kept: str) -> None:
    """A row went into the old file that the new one, begun by then, counted as its own."""
    disk = FolderJournal()
    at_midnight = fault("a commit fails", 2 * HOUR_NS - NS_PER_SECOND, kept, call)
    verdict = play_day(short_day(at_midnight), disk=disk)
    assert not verdict.violations, verdict.violations
    assert verdict.crashes == 1


def test_seed_3058_an_order_that_a_slow_disk_holds_back_for_a_whole_lease_leaves_behind_its_timer() -> None:
    """It was planned while the timer ran, left five seconds later, and the renewal came behind it."""
    held_back = fault("slow disk", 0, "", 5_000, HOUR_NS)
    day = replace(short_day(held_back), terms=Terms(timer_s=5.0))
    clean(day)
    wire = [each for each in played(day).wire if isinstance(each.message, CancelAfter | SubmitOrder)]
    for timer, order in pairwise(wire):
        if isinstance(order.message, SubmitOrder):
            assert isinstance(timer.message, CancelAfter)
            assert timer.at_ns == order.at_ns


def test_seed_50775_a_commit_that_a_slow_disk_holds_past_its_recovery_holds_back_a_renewal() -> None:
    """The last commit before the disk was well took five seconds like any other, and the cancel timer ran out by then.

    The judge took the disk for well at once, and the engine for one that had forgotten to renew.
    """
    begins_ns = FIRST_NS + 1_745 * 10**6
    slow = fault("slow disk", begins_ns, "", 5_000, MINUTE_NS)
    words = (Word(FIRST_NS, "want", "one", "ALPHA", -16_449), Word(FIRST_NS, "decide"))
    day = replace(short_day(slow), terms=Terms(timer_s=5.0), words=words)
    clean(day)
    scene = played(day)
    [order] = [each for each in scene.venue.exchange.desk.orders.values() if each.closed_ns in lapses(scene)]
    assert 0 < order.closed_ns - (scene.begins_ns + begins_ns + MINUTE_NS) < 5 * NS_PER_SECOND


@pytest.mark.parametrize("ways", [("divided by 100", "negative"), ("negative",), ("divided by 100",)])
def test_seed_30633_a_close_in_another_unit_and_of_the_other_sign_marks_no_day(ways: tuple[str, ...]) -> None:
    """Each alone was suspected; both together looked like a fall through nought."""
    spoilt = [fault("bars spoiled", place * MINUTE_NS, f"{way}, everything", 0, 6 * HOUR_NS)
              for place, way in enumerate(ways)]  # fmt: skip
    clean(short_day(*spoilt))


def lapses(scene: Scene) -> list[int]:
    return list(scene.venue.exchange.door.lapses)
