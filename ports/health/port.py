"""Measures the event loop and reads the runtime's own figures a few times a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from engine.message import Message, Told
from engine.ports import Outside
from model.execution import ActorPulse, HealthSeen

EVERY_S = 0.5
NS = 1_000_000_000

Figures = Callable[[], tuple[int, int, tuple[ActorPulse, ...]]]
"""(engine time, age of the oldest row that is not durable, how every actor does), in nanoseconds."""


class HealthPort:
    """Tells `watchdog` a `HealthSeen` twice a second, with how late its own sleep ended as the loop's lag."""

    name = "health"
    idle = True

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def deliver(self, message: Message, cause: int) -> Told:
        """Nobody has to tell this port anything."""
        return Told.OK

    async def run(self, outside: Outside) -> None:
        while True:
            due_ns = time.monotonic_ns() + int(EVERY_S * NS)
            await asyncio.sleep(EVERY_S)
            now_ns, journal_age_ns, actors = self._figures()
            lag_ns = max(0, time.monotonic_ns() - due_ns)
            outside.tell("watchdog", HealthSeen("host", lag_ns, journal_age_ns, actors, now_ns))
