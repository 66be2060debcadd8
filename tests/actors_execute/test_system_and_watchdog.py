"""Modes by the table, through the door; and a watchdog that halts once for each cause."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from actors.system import System
from actors.watchdog import CheckHealth, HealthLimits, Watchdog
from engine.actor import Actor
from engine.clock import VirtualClock
from engine.effects import Effect, Journal, Ref, Tell
from engine.message import Message, Poisoned, Quarantined
from model.decisions import Halt, InstrumentLocked, Mode, ModeChanged, ModeEntered, ReduceOnly, Resume
from model.execution import ActorPulse, Alarm, Break, HealthSeen, LockInstrument, Reconciled, Severity
from model.market import FeedState
from model.orders import OrderSent, VenueUp
from state.system_law import SystemEvent, next_state
from tests.actors_execute.kit import SECOND, T0

CLEAN = Reconciled("r", "test", True, (), (), (), 0, T0)
INCOMPLETE = Reconciled("r", "test", False, (), (), (), 0, T0)
BROKEN = Reconciled("r", "test", True, (), (), (Break("POSITION", "A", 1, 2, Severity.LOCK, "differs"),), 0, T0)


def say(actor: Actor, message: Message) -> list[Effect]:
    return list(getattr(actor, actor.handlers[type(message)])(message) or ())


def alarms(effects: list[Effect]) -> list[Alarm]:
    return [each.event for each in effects if isinstance(each, Journal) and isinstance(each.event, Alarm)]


def system(*, auto_trade: bool = False, rows: tuple[ModeEntered, ...] = ()) -> System:
    actor = System(listeners=[Ref("orders"), Ref("risk")], auto_trade=auto_trade)
    actor.clock = VirtualClock(T0)
    for row in rows:
        actor.fold_mode(row)
    list(actor.on_start() or ())
    return actor


WAYS: dict[Mode, list[Message]] = {
    Mode.RECONCILING: [],
    Mode.OBSERVING: [CLEAN],
    Mode.TRADING: [CLEAN, Resume("go", "me")],
    Mode.REDUCE_ONLY: [CLEAN, Resume("go", "me"), ReduceOnly("less", "risk")],
    Mode.HALTED: [CLEAN, Halt("stop", "me")],
}
WORDS: dict[SystemEvent, Callable[[], Message]] = {
    SystemEvent.RECONCILED: lambda: CLEAN,
    SystemEvent.BREAK_FOUND: lambda: BROKEN,
    SystemEvent.SNAPSHOT_INCOMPLETE: lambda: INCOMPLETE,
    SystemEvent.REDUCED: lambda: ReduceOnly("less", "risk"),
    SystemEvent.HALTED: lambda: Halt("stop", "me"),
    SystemEvent.RESUMED: lambda: Resume("go", "me"),
}


@pytest.mark.parametrize("event", WORDS, ids=str)
@pytest.mark.parametrize("mode", WAYS, ids=str)
def test_the_mode_goes_where_the_table_says(mode: Mode, event: SystemEvent) -> None:
    actor = system()
    for message in WAYS[mode]:
        say(actor, message)
    assert actor.mode is mode
    effects = say(actor, WORDS[event]())
    wanted = next_state(mode, event).state
    if mode is Mode.RECONCILING and event is SystemEvent.RESUMED:
        wanted = Mode.RECONCILING
    assert actor.mode is wanted
    rows = [each.event for each in effects if isinstance(each, Journal) and isinstance(each.event, ModeEntered)]
    told = [each for each in effects if isinstance(each, Tell) and isinstance(each.message, ModeChanged)]
    assert (len(rows), len(told)) == ((1, 2) if wanted is not mode else (0, 0))
    if rows:
        assert effects.index(Journal(rows[0])) < effects.index(told[0])


def test_trading_begins_by_itself_only_after_a_run_that_ended_well() -> None:
    fresh = system(auto_trade=True)
    say(fresh, CLEAN)
    assert fresh.mode is Mode.TRADING
    for low in (Mode.HALTED, Mode.REDUCE_ONLY):
        after = system(auto_trade=True, rows=(ModeEntered(low, Mode.TRADING, "", "", T0),))
        effects = say(after, CLEAN)
        assert after.mode is Mode.OBSERVING
        assert [(row.code, row.subject) for row in alarms(effects)] == [("NEEDS_OPERATOR", low.value)]
    well = system(auto_trade=True, rows=(ModeEntered(Mode.TRADING, Mode.OBSERVING, "", "", T0),
                                         ModeEntered(Mode.SAFE_STOP, Mode.TRADING, "", "", T0)))  # fmt: skip
    say(well, CLEAN)
    assert well.mode is Mode.TRADING


def test_a_break_that_stands_is_said_once_in_each_mode_and_again_after_it_was_gone() -> None:
    actor = system()
    assert [len(alarms(say(actor, BROKEN))) for _ in range(3)] == [1, 0, 0]
    say(actor, CLEAN)
    assert actor.mode is Mode.OBSERVING
    assert [len(alarms(say(actor, BROKEN))) for _ in range(3)] == [1, 0, 0]


def test_a_stop_is_told_and_remembered_as_no_halt() -> None:
    actor = system(auto_trade=True)
    say(actor, CLEAN)
    list(actor.on_stop() or ())
    assert actor.mode is Mode.SAFE_STOP
    again = system(auto_trade=True)
    again.restore(actor.snapshot())
    list(again.on_start() or ())
    say(again, CLEAN)
    assert again.mode is Mode.TRADING


def test_a_truth_that_nobody_could_take_locks_and_halts() -> None:
    actor = system()
    lost = Poisoned("orders", LockInstrument("A", "", ""))
    effects = say(actor, lost)
    assert actor.mode is Mode.HALTED
    assert [each.event.instrument for each in effects
            if isinstance(each, Journal) and isinstance(each.event, InstrumentLocked)] == ["A"]  # fmt: skip
    other = system()
    say(other, Poisoned("orders", OrderSent("hr-1", T0)))
    assert (other.mode, other.locked) == (Mode.HALTED, {})


def test_a_sleeve_in_quarantine_stops_nobody_else_and_any_other_actor_halts() -> None:
    modes = []
    actor = system()
    for who in ("sleeve.trend", "fx"):
        say(actor, Quarantined(who))
        modes.append(actor.mode)
    assert modes == [Mode.RECONCILING, Mode.HALTED]


def test_locks_outlive_a_restart_and_are_told_again() -> None:
    actor = system()
    say(actor, LockInstrument("A", "differs", "reconciler"))
    assert say(actor, LockInstrument("A", "differs", "reconciler")) == []
    again = system()
    again.fold_lock(InstrumentLocked("A", "differs", T0))
    told = [each.message for each in again.on_start() or () if isinstance(each, Tell)]
    assert sum(isinstance(each, InstrumentLocked) for each in told) == 2
    assert say(again, VenueUp("v", "a", True, T0)) == []


# --- the watchdog -----------------------------------------------------------------------------------------------------


def watchdog(**limits: Any) -> Watchdog:
    actor = Watchdog(system=Ref("system"), limits=HealthLimits(**limits))
    actor.clock = VirtualClock(T0)
    list(actor.on_start() or ())
    return actor


def health(lag: int = 0, journal: int = 0, waiting: int = 0, at_ns: int = T0) -> HealthSeen:
    return HealthSeen("host", lag * SECOND, journal * SECOND, (ActorPulse("risk", waiting * SECOND, 0),), at_ns)


def halts(effects: list[Effect]) -> list[str]:
    return [each.message.reason for each in effects if isinstance(each, Tell) and isinstance(each.message, Halt)]


@pytest.mark.parametrize(
    ("seen", "who"),
    [(health(lag=6), "the loop"), (health(journal=11), "the journal"), (health(waiting=31), "risk")],
    ids=["loop", "journal", "actor"],
)
def test_what_stalls_halts_once_until_it_has_passed(seen: HealthSeen, who: str) -> None:
    actor = watchdog()
    [reason] = halts(say(actor, seen))
    assert reason.startswith(who)
    assert say(actor, seen) == []
    assert say(actor, health()) == []
    assert len(halts(say(actor, seen))) == 1


def test_figures_that_stop_coming_halt() -> None:
    actor = watchdog()
    actor.clock.advance(T0 + 29 * SECOND)
    assert halts(say(actor, CheckHealth())) == []
    actor.clock.advance(T0 + 31 * SECOND)
    assert len(halts(say(actor, CheckHealth()))) == 1
    say(actor, health(at_ns=T0 + 31 * SECOND))
    assert halts(say(actor, CheckHealth())) == []


def test_a_feed_that_stays_down_allows_reductions_only() -> None:
    actor = watchdog(silence_ns=0)
    say(actor, FeedState("ib", False, "lost", T0))
    actor.clock.advance(T0 + 301 * SECOND)
    effects = say(actor, CheckHealth())
    assert [each.message for each in effects if isinstance(each, Tell)] == [
        ReduceOnly("feed ib is down for 301 s", "watchdog")
    ]
    assert [each.event.code for each in effects if isinstance(each, Journal) and isinstance(each.event, Alarm)] == [
        "FEED_DOWN"
    ]
    assert not [each for each in say(actor, CheckHealth()) if isinstance(each, Tell)]
    say(actor, FeedState("ib", True, "back", T0))
    assert not [each for each in say(actor, CheckHealth()) if isinstance(each, Tell)]


def test_with_nothing_to_watch_no_timer_is_set() -> None:
    actor = watchdog(silence_ns=0, feed_down_ns=0)
    assert list(actor.on_start() or ()) == []
