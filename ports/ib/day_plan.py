"""Which contracts of a program are heard on a day: the one that is held, the next before a roll, the old one after."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from model.instruments import Instrument, contract_id
from model.rolls import RollSchedule
from model.sessions import Sessions
from model.units import NS_PER_SECOND

BEFORE, AFTER = 10, 5
"""Weekdays around a roll on which both contracts are heard, as the recorded feed has them."""

ALWAYS = 99_991_231


class Heard(NamedTuple):
    """One contract, and the first and last session (yyyymmdd) of which a holder hears it."""

    instrument: str
    first: int
    last: int


class DayPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a program needs to be told of each day.

    products: what it trades or looks at.  calendars: a product's sessions.  rolls: known in advance.  cycles: the
    program's sessions, each with a decision at `cycle_ns(session)`.  since: the first session of which bars are asked
    for.  decided: the newest session that an earlier life has decided.
    """

    products: Mapping[str, Instrument]
    calendars: Mapping[str, Sessions]
    rolls: RollSchedule
    cycles: Sessions
    cycle_ns: Callable[[int], int]
    since: int
    decided: int = 0

    def heard_on(self, session: int) -> list[Instrument]:
        """Contracts that are heard on a date, the product's own order."""
        return [
            self.contract(product, each.instrument)
            for product in self.products
            for each in heard(self.rolls, product, session, session)
        ]

    def left(self, contract: Instrument, session: int) -> bool:
        """Whether a contract was rolled out of before a date. It may have expired since; only who holds it needs it."""
        return bool(contract.contract_month) and contract.id < self.rolls.active(contract.product, session)

    def contract(self, product: str, name: str) -> Instrument:
        """The instrument of a contract id of a product."""
        month = name.partition("@")[2]
        return self.products[product].contract(int(month)) if month else self.products[product]


def heard(rolls: RollSchedule, product: str, first: int, last: int) -> list[Heard]:
    """Contracts of a product that are heard between two sessions, both included, in the order of their months."""
    moves, months = rolls.rolls(product), rolls.months(product)
    if not moves:
        return [Heard(rolls.active(product, last), first, last)]
    days = [each.session for each in moves]
    found = []
    begin, end = bisect_left(days, weekdays_off(first, -AFTER - 1)), bisect_left(days, weekdays_off(last, BEFORE + 1))
    for place in range(begin, min(end + 2, len(months))):
        month = months[place]
        opens = weekdays_off(moves[place - 1].session, -BEFORE) if place else 0
        ends = weekdays_off(moves[place].session, AFTER) if place < len(moves) else ALWAYS
        if max(opens, first) <= min(ends, last):
            found.append(Heard(contract_id(product, month), max(opens, first), min(ends, last)))
    return found


def weekdays_off(session: int, count: int) -> int:
    """The date (yyyymmdd) so many weekdays later, or earlier."""
    day, step = dt.date(session // 10_000, session // 100 % 100, session % 100), 1 if count > 0 else -1
    for _ in range(abs(count)):
        day += dt.timedelta(days=step)
        while day.weekday() > 4:
            day += dt.timedelta(days=step)
    return day.year * 10_000 + day.month * 100 + day.day


def date_of(now_ns: int) -> int:
    """The date (yyyymmdd, UTC) of a moment."""
    day = dt.datetime.fromtimestamp(now_ns // NS_PER_SECOND, dt.UTC)
    return day.year * 10_000 + day.month * 100 + day.day
