"""The watchdog inside: reads the runtime's own figures and halts when they say that nobody can be trusted to trade."""

from __future__ import annotations

from typing import Any

import msgspec

from engine.actor import Actor
from engine.effects import Effect, Effects, Journal, Ref, SetTimer, Tell, ToPort
from engine.message import Control
from model.decisions import Halt, ReduceOnly
from model.execution import Alarm, HealthSeen
from model.leases import LeaseLost, LeaseTaken, WatchdogWord
from model.market import FeedState
from model.units import NS_PER_SECOND

CHECK_EVERY_NS = NS_PER_SECOND


class HealthLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How long each thing may take before trading stops, in nanoseconds; 0 switches one off.

    silence_ns: without any figures.  feed_down_ns: with a feed down, after which positions may only shrink.
    """

    loop_lag_ns: int = 5 * NS_PER_SECOND
    journal_age_ns: int = 10 * NS_PER_SECOND
    waiting_ns: int = 30 * NS_PER_SECOND
    silence_ns: int = 30 * NS_PER_SECOND
    feed_down_ns: int = 300 * NS_PER_SECOND


class CheckHealth(Control, frozen=True, gc=False):
    """Time to look whether figures still come."""


class Watchdog(Actor):
    """Halt on a stalled loop, journal or actor, when the figures stop, and when the account's lease is gone.

    Each cause is said once until it has passed.  heartbeat: the port that carries its word to the guardian, if any.
    """

    def __init__(self, *, system: Ref[Any], limits: HealthLimits | None = None, heartbeat: str = "") -> None:
        self.system = system
        self.limits = limits or HealthLimits()
        self.heartbeat = heartbeat
        self.seen_ns = 0
        self.said: dict[str, int] = {}
        self.down: dict[str, int] = {}

    def on_start(self) -> Effects:
        self.seen_ns = self.clock.now_ns
        return self._again()

    def on_health_seen(self, health: HealthSeen) -> Effects:
        self.seen_ns = health.at_ns
        limits = self.limits
        effects = self._judge("loop", "the loop", health.loop_lag_ns, limits.loop_lag_ns)
        effects += self._judge("journal", "the journal", health.journal_age_ns, limits.journal_age_ns)
        for each in health.actors:
            effects += self._judge(f"actor {each.actor}", each.actor, each.waiting_ns, limits.waiting_ns)
        if self.heartbeat:
            effects.append(ToPort(self.heartbeat, WatchdogWord(", ".join(sorted(self.said)), self.clock.now_ns)))
        return effects

    def on_lease_taken(self, taken: LeaseTaken) -> Effects:
        """What a guardian had to end waits for a person, however often the process is started again."""
        if not taken.fenced:
            return [Journal(taken)]
        text = f"the guardian fenced the engine before this one: {taken.fenced}"
        alarm = Alarm("AFTER_GUARDIAN", taken.account, text, taken.at_ns)
        return [Journal(taken), Journal(alarm), Tell(self.system, Halt(text, "guardian"))]

    def on_lease_lost(self, lost: LeaseLost) -> Effects:
        """Told again and again: an operator's resume must not last without a lease."""
        halt = Tell(self.system, Halt(lost.why, "lease"))
        if lost.why in self.said:
            return [halt]
        self.said[lost.why] = lost.at_ns
        return [Journal(Alarm("FENCED", "lease", lost.why, lost.at_ns)), halt]

    def on_feed_state(self, state: FeedState) -> Effects:
        if state.up:
            self.down.pop(state.feed, None)
            self.said.pop(f"feed {state.feed}", None)
        else:
            self.down.setdefault(state.feed, state.at_ns)
        return None

    def on_check_health(self, check: CheckHealth) -> Effects:
        now_ns = self.clock.now_ns
        effects = self._judge("silence", "the runtime's report", now_ns - self.seen_ns, self.limits.silence_ns)
        for feed, since_ns in self.down.items():
            age_ns = now_ns - since_ns
            if self.limits.feed_down_ns and age_ns > self.limits.feed_down_ns and f"feed {feed}" not in self.said:
                self.said[f"feed {feed}"] = now_ns
                text = f"feed {feed} is down for {age_ns // NS_PER_SECOND} s"
                effects += [
                    Journal(Alarm("FEED_DOWN", feed, text, now_ns)), Tell(self.system, ReduceOnly(text, "watchdog")),
                ]  # fmt: skip
        return effects + self._again()

    def _again(self) -> list[Effect]:
        if not self.limits.silence_ns and not self.limits.feed_down_ns:
            return []
        return [SetTimer("check", self.clock.now_ns + CHECK_EVERY_NS, CheckHealth())]

    def _judge(self, cause: str, who: str, late_ns: int, limit_ns: int) -> list[Effect]:
        """Halt once for each cause; a cause that has passed may be said again."""
        if not limit_ns or late_ns <= limit_ns:
            self.said.pop(cause, None)
            return []
        if cause in self.said:
            return []
        self.said[cause] = self.clock.now_ns
        text = f"{who} is {late_ns // 1_000_000} ms late, allowed are {limit_ns // 1_000_000} ms"
        return [
            Journal(Alarm("STALLED", who, text, self.clock.now_ns)),
            Tell(self.system, Halt(text, "watchdog")),
        ]
