"""What the watchdog makes of a lease, and what it tells the guardian of itself."""

from __future__ import annotations

from typing import Any

import pytest

from actors.watchdog import Watchdog
from engine.clock import VirtualClock
from engine.effects import Effects, Journal, Ref, Tell, ToPort
from model.decisions import Halt
from model.execution import ActorPulse, Alarm, HealthSeen
from model.leases import LeaseLost, LeaseTaken, WatchdogWord

SECOND = 10**9


@pytest.fixture
def watchdog() -> Watchdog:
    made = Watchdog(system=Ref("system"), heartbeat="heartbeat")
    made.clock = VirtualClock(5 * SECOND)
    made.on_start()
    return made


def halts(effects: Effects) -> list[Halt]:
    return [
        each.message for each in effects or () if isinstance(each, Tell) and isinstance(each.message, Halt)
    ]  # fmt: skip


def journalled(effects: Effects) -> list[Any]:
    return [each.event for each in effects or () if isinstance(each, Journal)]


def words(effects: Effects) -> list[Any]:
    return [(each.port, each.message) for each in effects or () if isinstance(each, ToPort)]


def taken(fenced: str) -> LeaseTaken:
    return LeaseTaken("simulated", "PAPER", 3, "process 7", fenced, 5 * SECOND)


def health(waiting_ns: int = 0) -> HealthSeen:
    return HealthSeen("host", 0, 0, (ActorPulse("orders", waiting_ns, 0),), 5 * SECOND)


def test_a_lease_is_journalled_with_its_token(watchdog: Watchdog) -> None:
    effects = watchdog.on_lease_taken(taken(""))
    assert journalled(effects) == [taken("")]
    assert halts(effects) == []


def test_an_engine_after_one_that_the_guardian_ended_halts(watchdog: Watchdog) -> None:
    effects = watchdog.on_lease_taken(taken("no heartbeat for 20 s"))
    assert [each.code for each in journalled(effects) if isinstance(each, Alarm)] == ["AFTER_GUARDIAN"]
    (halt,) = halts(effects)
    assert halt.by == "guardian"
    assert "no heartbeat for 20 s" in halt.reason


def test_a_lost_lease_halts_every_time_it_is_said_and_alarms_once(watchdog: Watchdog) -> None:
    lost = LeaseLost("the account has token 4 by now", 6 * SECOND)
    first, again = list(watchdog.on_lease_lost(lost) or ()), list(watchdog.on_lease_lost(lost) or ())
    assert [each.code for each in journalled(first)] == ["FENCED"]
    assert journalled(again) == []
    assert [halt.by for halt in (*halts(first), *halts(again))] == ["lease", "lease"]


def test_every_look_at_health_leads_to_a_word_for_the_guardian(watchdog: Watchdog) -> None:
    assert words(watchdog.on_health_seen(health())) == [("heartbeat", WatchdogWord("", 5 * SECOND))]
    late = watchdog.on_health_seen(health(60 * SECOND))
    assert words(late) == [("heartbeat", WatchdogWord("actor orders", 5 * SECOND))]


def test_without_a_guardian_to_tell_it_says_nothing() -> None:
    alone = Watchdog(system=Ref("system"))
    alone.clock = VirtualClock(5 * SECOND)
    assert words(alone.on_health_seen(health())) == []
