"""A market on the wall clock: prices that wander, a bar for each finished day, and a decision every so often."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping

import msgspec

from model.instruments import Instrument
from model.market import BarClosed, Quote, SessionClosed
from model.sessions import Session, Sessions
from model.units import NS_PER_DAY, NS_PER_SECOND, QTY_SCALE, Px

FIRST_PRICE: Px = 100 * 10**9
DAYS_AROUND = 40


class MarketRules(msgspec.Struct, frozen=True, kw_only=True):
    """How the market moves. Times in nanoseconds.

    quote_every_ns: between two quotes of every contract.  cycle_every_ns: between two decisions; a multiple is counted
    from midnight, so that a market that was started anew goes on with the same numbers.
    units: size of a quote on each side.
    """

    quote_every_ns: int = NS_PER_SECOND // 10
    cycle_every_ns: int = NS_PER_SECOND
    units: int = 20
    seed: int = 0


class Market:
    """Everything is open day and night. Prices follow the seed and the number of steps, times follow the clock."""

    def __init__(self, instruments: Mapping[str, Instrument], rules: MarketRules, now_ns: int) -> None:
        self.rules = rules
        self._draw = random.Random(rules.seed)
        self._ticks = {name: each.tick_at(FIRST_PRICE) for name, each in instruments.items()}
        self.mids: dict[str, Px] = dict.fromkeys(sorted(instruments), FIRST_PRICE)
        self._quoted_ns = now_ns - rules.quote_every_ns
        self._cycled_ns = now_ns // rules.cycle_every_ns * rules.cycle_every_ns
        self._told = closed_session(now_ns)

    def next_ns(self) -> int:
        """When something happens next."""
        return min(self._quoted_ns + self.rules.quote_every_ns, self._cycled_ns + self.rules.cycle_every_ns)

    def quotes(self, now_ns: int) -> list[Quote]:
        """New quotes, if it is time."""
        if now_ns < self._quoted_ns + self.rules.quote_every_ns:
            return []
        self._quoted_ns = now_ns
        size = self.rules.units * QTY_SCALE
        quotes = []
        for name, mid in self.mids.items():
            tick = self._ticks[name]
            self.mids[name] = mid = max(100 * tick, mid + self._draw.randint(-2, 2) * tick)
            quotes.append(Quote(name, mid - tick, mid + tick, size, size, now_ns))
        return quotes

    def ended(self, now_ns: int) -> list[BarClosed]:
        """The bars of a day that has just ended."""
        session = closed_session(now_ns)
        if session == self._told:
            return []
        self._told = session
        return self.bars(now_ns, history=False)

    def bars(self, now_ns: int, *, history: bool) -> list[BarClosed]:
        """A bar of the last finished day for each instrument, at today's price."""
        session, at_ns = closed_session(now_ns), now_ns // NS_PER_DAY * NS_PER_DAY
        return [BarClosed(name, session, mid, mid, mid, mid, 0, at_ns, history) for name, mid in self.mids.items()]

    def cycle(self, now_ns: int) -> SessionClosed | None:
        """The next decision, if it is time; what was missed is not made up for."""
        every_ns = self.rules.cycle_every_ns
        if now_ns < self._cycled_ns + every_ns:
            return None
        self._cycled_ns = now_ns // every_ns * every_ns
        return SessionClosed(closed_session(now_ns), now_ns, number=1 + now_ns % NS_PER_DAY // every_ns)


def date_of(at_ns: int) -> dt.date:
    return dt.date(1970, 1, 1) + dt.timedelta(days=at_ns // NS_PER_DAY)


def session_number(day: dt.date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day


def closed_session(now_ns: int) -> int:
    """The last day that is over (yyyymmdd, UTC)."""
    return session_number(date_of(now_ns) - dt.timedelta(days=1))


def open_always(name: str, now_ns: int) -> Sessions:
    """Sessions from midnight to midnight, some weeks to both sides of now."""
    today = now_ns // NS_PER_DAY
    days = range(today - DAYS_AROUND, today + DAYS_AROUND)
    numbered = [(session_number(date_of(day * NS_PER_DAY)), day * NS_PER_DAY) for day in days]
    return Sessions(name, [Session(number, opens_ns, opens_ns + NS_PER_DAY) for number, opens_ns in numbered])
