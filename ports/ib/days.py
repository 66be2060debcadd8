"""The program's days as the broker tells them: each contract's daily bar after its close, then the word to decide.

What was missed is caught up with first and told as history. Of sessions that ended while nobody was there only the
newest is decided, and only while it is young: yesterday's decision is not taken on tomorrow's market.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Iterable

from msgspec import structs

from engine.message import Message, Told
from model.instruments import Instrument, Kind, product_of
from model.market import BarClosed, SessionClosed
from model.sessions import Sessions
from model.units import NS_PER_DAY, NS_PER_SECOND, Px, Qty
from ports.ib.bars import bars_of
from ports.ib.contracts import Pins
from ports.ib.day_plan import DayPlan, date_of
from ports.ib.errors import RequestRefused, Unanswered
from ports.ib.history_pace import DAILY, HistoryPace
from ports.ib.history_parts import rows_of
from ports.ib.session import Session

READY_NS = 5 * 60 * NS_PER_SECOND
"""After its close a session's bar is still corrected for a while."""

AGAIN_NS = 60 * NS_PER_SECOND
MOST_TRIES = 5
LATEST_NS = 6 * 3_600 * NS_PER_SECOND
"""A decision that could not be taken in time is taken until so much later."""

LONGEST_NAP_S = 60.0
ROOM_S = 0.005
MARKET = "market_data"


class Days:
    """Runs inside a session, for as long as it lasts, and goes on in the next where it was.

    ready: waits until the link is believed.  also: a contract that matters from now on.  want: whose quotes are wanted
    without a pause, first things first, and whose now and then.  first_of_all: tells what was known before the broker
    is asked.  noted: one line for the log.  awake: whether a decision can lead to anything: an engine that is still
    comparing itself would deny all of it.
    """

    def __init__(
        self, plan: DayPlan, pins: Pins, *, tell: Callable[[str, Message], Told], now_ns: Callable[[], int],
        pace: float, ready: Callable[[], Awaitable[object]], also: Callable[[Instrument], None],
        want: Callable[[list[str], list[str]], None], first_of_all: Callable[[int], Iterable[tuple[str, Message]]],
        noted: Callable[[str], None], awake: Callable[[], bool],
    ) -> None:  # fmt: skip
        self.plan = plan
        self._pins, self._tell_now, self._now_ns, self._pace = pins, tell, now_ns, pace
        self._ready, self._also, self._want, self._noted, self._awake = ready, also, want, noted, awake
        self._first_of_all = first_of_all
        self._history_pace = HistoryPace()
        self._begun = False
        self._told: dict[str, int] = {}
        self._closed = 0  # the newest session of which the end was told
        self._decided = plan.decided
        self._tries: dict[str, tuple[int, int, int]] = {}
        self._wanted: list[str] = []

    def again(self) -> None:
        """Market data was built anew: everything is told once more, as history, at the next turn."""
        self._begun, self._closed = False, 0
        self._told.clear()
        self._tries.clear()

    async def keep(self, session: Session) -> None:
        """Raises LinkLost."""
        while True:
            await self._ready()
            try:
                await self._turn(session)
            except Unanswered as error:
                self._noted(f"daily bars: {error}")
            await self._nap()

    async def _turn(self, session: Session) -> None:
        now_ns = self._now_ns()
        if not self._begun:
            await self._recall(now_ns)
        self._look_ahead(now_ns)
        bars = await self._bars(session, now_ns)
        await self._say(bars, now_ns)
        await self._decide(now_ns)

    async def _recall(self, now_ns: int) -> None:
        """Tell what was kept. The newest session that is due may still be decided: its end is not told here."""
        due = self._due(now_ns)
        for to, message in self._first_of_all(now_ns):
            if isinstance(message, SessionClosed):
                if message.session >= due:
                    continue
                self._closed = message.session
            elif isinstance(message, BarClosed):
                self._told[message.instrument] = message.session
            await self._tell(to, message)
        self._begun = True

    def _look_ahead(self, now_ns: int) -> None:
        """The contracts of today are pinned, and what may be traded is quoted."""
        heard = self.plan.heard_on(date_of(now_ns))
        for each in heard:
            if self._pins.known(each.id) is None and not self.plan.left(each, date_of(now_ns)):
                self._also(each)
        traded = [each.id for each in heard if each.tradeable and each.kind is not Kind.INDEX]
        if traded != self._wanted:
            self._wanted = traded
            self._want(traded, [each.id for each in heard if each.id not in traded])

    # -- bars

    async def _bars(self, session: Session, now_ns: int) -> list[BarClosed]:
        """Every bar that is due and was not told yet. What cannot be had now is asked for again, a few times."""
        found: list[BarClosed] = []
        for instrument in self.plan.heard_on(date_of(now_ns)):
            sessions = self.plan.calendars[product_of(instrument.id)]
            due = _last_closed(sessions, now_ns - READY_NS)
            if due <= self._told.get(instrument.id, 0) or self._tired(instrument.id, due, now_ns):
                continue
            if (pin := self._pins.known(instrument.id)) is None:
                continue
            first = max(self._told.get(instrument.id, 0), self.plan.since - 1)
            try:
                answer = await bars_of(session, self._history_pace, pin, size=DAILY, duration=_duration(first, now_ns))
            except RequestRefused as error:
                self._noted(f"daily bars of {instrument.id}: {error}")
                answer = []
            rows = [row for row in rows_of(answer, DAILY, instrument, sessions, now_ns) if first < row[1] <= due]
            found += [_bar(instrument.id, *row[1:]) for row in rows]
            self._count(instrument.id, due, now_ns, had=bool(rows) and rows[-1][1] == due)
        return found

    def _tired(self, name: str, due: int, now_ns: int) -> bool:
        """Asked in vain for this session's bar: too often, or a moment ago."""
        session, tries, at_ns = self._tries.get(name, (0, 0, 0))
        return session == due and (tries >= MOST_TRIES or now_ns - at_ns < AGAIN_NS)

    def _count(self, name: str, due: int, now_ns: int, *, had: bool) -> None:
        session, tries, _ = self._tries.get(name, (0, 0, 0))
        if had:
            self._tries.pop(name, None)
            return
        self._tries[name] = (due, tries + 1 if session == due else 1, now_ns)
        if session == due and tries + 1 == MOST_TRIES:
            self._noted(f"{name}: the broker has no bar of {due}; it counts as missing")

    def _missing(self, until_ns: int) -> bool:
        """Whether the bar of a contract that is held by plan was due by a moment, and may still come."""
        for name, (session, tries, _) in self._tries.items():
            product = product_of(name)
            closes = self.plan.calendars[product].on(session)
            due = closes is not None and closes.closes_ns + READY_NS <= until_ns
            if due and tries < MOST_TRIES and self.plan.rolls.active(product, session) == name:
                return True
        return False

    async def _say(self, bars: list[BarClosed], now_ns: int) -> None:
        """In time order, with the ends of the sessions between them."""
        due = self._due(now_ns)
        fresh_ns = self.plan.cycle_ns(_before(self.plan.cycles, due)) if due else 0
        ends = [SessionClosed(each, self.plan.cycle_ns(each), True) for each in self._unclosed(due)]
        told: list[BarClosed | SessionClosed] = [*bars, *ends]
        for each in sorted(told, key=lambda each: (each.at_ns, isinstance(each, SessionClosed))):
            if isinstance(each, BarClosed):
                self._told[each.instrument] = each.session
                await self._tell(MARKET, structs.replace(each, history=each.at_ns <= fresh_ns))
            else:
                self._closed = each.session
                await self._tell(MARKET, each)

    # -- decisions

    def _due(self, now_ns: int) -> int:
        """The newest session whose decision is due; 0 before the first."""
        dates = self.plan.cycles.columns[0]
        place = bisect_right(dates, date_of(now_ns))
        while place and self.plan.cycle_ns(dates[place - 1]) > now_ns:
            place -= 1
        return dates[place - 1] if place else 0

    def _unclosed(self, due: int) -> list[int]:
        """Sessions before the one that is due whose end was not told."""
        first = max(self._closed + 1, self.plan.since)
        return [each.date for each in self.plan.cycles.between(first, due) if each.date < due]

    async def _decide(self, now_ns: int) -> None:
        due = self._due(now_ns)
        if not due or due <= self._closed:
            return
        cycle_ns = self.plan.cycle_ns(due)
        late_ns = now_ns - cycle_ns
        if self._missing(cycle_ns) and late_ns < MOST_TRIES * AGAIN_NS:
            return
        old = due <= self._decided or late_ns > LATEST_NS
        if not old and not self._awake():
            return
        if old and due > self._decided:
            self._noted(f"session {due} is not decided any more: its time was {late_ns // NS_PER_SECOND} s ago")
        self._closed = due
        self._decided = max(self._decided, due)
        await self._tell(MARKET, SessionClosed(due, now_ns, old))

    # -- time and room

    async def _nap(self) -> None:
        """Until something may be due; never longer than a minute, for the link may come and go."""
        now_ns = self._now_ns()
        wait_ns = AGAIN_NS if self._tries else self._next_ns(now_ns) - now_ns
        if self._due(now_ns) > self._closed:
            wait_ns = NS_PER_SECOND
        await asyncio.sleep(min(LONGEST_NAP_S, max(ROOM_S, wait_ns / NS_PER_SECOND / self._pace)))

    def _next_ns(self, now_ns: int) -> int:
        """When a bar or a decision is due next."""
        closes = [each.closing_after(now_ns - READY_NS) for each in self.plan.calendars.values()]
        moments = [each.closes_ns + READY_NS for each in closes if each is not None]
        dates = self.plan.cycles.columns[0]
        place = bisect_right(dates, self._due(now_ns))
        if place < len(dates):
            moments.append(self.plan.cycle_ns(dates[place]))
        return min(moments, default=now_ns + NS_PER_DAY) + 1

    async def _tell(self, to: str, message: Message) -> None:
        """History comes faster than it is taken: whoever is full is told again in a moment."""
        while True:
            if self._tell_now(to, message) is not Told.FULL:
                return
            await asyncio.sleep(ROOM_S)


def _bar(name: str, session: int, at_ns: int, open_: Px, high: Px, low: Px, close: Px, volume: Qty) -> BarClosed:
    return BarClosed(name, session, open_, high, low, close, volume, at_ns)


def _last_closed(sessions: Sessions, by_ns: int) -> int:
    """The newest session that had closed by a moment; 0 for none."""
    dates, _, closes = sessions.columns
    place = bisect_right(closes, by_ns)
    return dates[place - 1] if place else 0


def _before(sessions: Sessions, date: int) -> int:
    """The session before a date."""
    dates = sessions.columns[0]
    place = bisect_right(dates, date - 1)
    return dates[place - 1] if place else date


def _duration(first: int, now_ns: int) -> str:
    """How far back to ask for bars after a session (yyyymmdd), in the protocol's words."""
    now = dt.datetime.fromtimestamp(now_ns // NS_PER_SECOND, dt.UTC).date()
    if not first:
        return "2 Y"
    days = (now - dt.date(first // 10_000, first // 100 % 100, first % 100)).days + 5
    return f"{days} D" if days <= 365 else f"{-(-days // 365)} Y"
