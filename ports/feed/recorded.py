"""The recorded feed: a history told as it became known, held back when the engine is busy, never dropped."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Protocol

from engine.message import Message, Told
from engine.ports import Outside
from model.market import BarClosed, FxRateSeen, Quote, SessionClosed
from model.rolls import RollSchedule
from ports.feed.schedule import BAR, CLOSE, FX, QUOTE, FeedPlan, Script, build
from state.lake import Lake

__all__ = ["FeedPlan", "RecordedFeed"]

Listener = Callable[[Message], None]


class Engine(Outside, Protocol):
    """Whom the feed tells: a kernel on virtual time."""

    def door(self, to: str) -> Callable[[Message], Told]: ...


class RecordedFeed:
    """A source for the virtual driver: tells market_data and fx what the lake recorded, each at its instant.

    Everything known at or before `resume_ns` is history: `send_history` tells it, marked so, before anything else.
    listeners hear each later bar and quote before the engine does (a simulated venue's prices); history they have
    lived through already. Told FULL, the feed keeps the message and goes on from it when it is next fired.
    """

    name = "feed"

    def __init__(
        self,
        *,
        lake: Lake,
        plan: FeedPlan,
        outside: Engine,
        rolls: RollSchedule | None = None,
        resume_ns: int = 0,
        listeners: Sequence[Listener] = (),
        market_data: str = "market_data",
        fx: str = "fx",
    ) -> None:
        self._script: Script = build(lake, plan, rolls or lake.roll_schedule(plan.products))
        self._outside = outside
        self._listeners = tuple(listeners)
        self._market_data = market_data
        self._tell_quote = outside.door(market_data)
        self._fx = fx
        self._at = 0
        self._history = bisect_right(self._script.at_ns, resume_ns)
        self._heard = -1
        self._resume_ns = resume_ns

    @property
    def left(self) -> int:
        """How many messages are still to be told."""
        return len(self._script.at_ns) - self._at

    def next_ns(self) -> int | None:
        """When something is next to be told; untold history is due at the moment of resuming."""
        if self._at >= len(self._script.at_ns):
            return None
        return self._resume_ns if self._at < self._history else self._script.at_ns[self._at]

    def fire(self, now_ns: int) -> None:
        """Tell what is due: untold history first, or else everything known by `now_ns`."""
        if self._at < self._history:
            self.send_history()
            return
        self._tell_until(bisect_right(self._script.at_ns, now_ns, self._at))

    def send_history(self) -> int:
        """Tell what was known at the moment of resuming, as far as there is room; how many messages are left of it.

        While some are left call it again once the engine has settled (or let the driver fire the feed).
        """
        self._tell_until(self._history)
        return self._history - self._at

    def rewind(self, since_ns: int, now_ns: int) -> None:
        """Tell everything after `since_ns` once more, as history up to now: for an actor that was rebuilt."""
        self._at = min(self._at, bisect_right(self._script.at_ns, since_ns))
        self._history = max(self._history, bisect_right(self._script.at_ns, now_ns, self._at))
        self._resume_ns = now_ns

    @property
    def last_close(self) -> int:
        """The last session whose end was told, 0 before the first."""
        script = self._script
        return next(
            (script.closes[script.row[i]][0] for i in range(self._at - 1, -1, -1) if script.kind[i] == CLOSE), 0
        )

    def _tell_until(self, end: int) -> None:
        script, tell = self._script, self._outside.tell
        kinds, rows, bars = script.kind, script.row, script.bars
        old = self._at < self._history
        full = Told.FULL
        at = self._at
        while at < end:
            kind = kinds[at]
            to = self._market_data
            message: Message
            if kind == BAR:
                message = BarClosed(*bars[rows[at]], old)
            elif kind == FX:
                to, message = self._fx, FxRateSeen(*script.rates[rows[at]], old)
            elif kind == QUOTE:
                if old:  # a quote from before the start says nothing about now
                    at += 1
                    continue
                message = Quote(*script.quotes[rows[at]])
            else:
                message = SessionClosed(*script.closes[rows[at]], old)
            if self._listeners and not old and self._heard != at:
                self._heard = at
                if kind in (BAR, QUOTE):
                    for listener in self._listeners:
                        listener(message)
            if (self._tell_quote(message) if kind == QUOTE else tell(to, message)) is full:
                break
            at += 1
        self._at = at
