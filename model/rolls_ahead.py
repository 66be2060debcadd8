"""The rolls that are not recorded: where the record of rolls ends or begins, the instrument's rule goes on.

Rule and calendar are known in advance, so nothing here looks at a price. Dates are yyyymmdd.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence

from model.instruments import Instrument, RollRule
from model.rolls import Roll, RollSchedule
from model.sessions import Sessions

MONTHS = "FGHJKMNQUVXZ"
"""The trade's letters of January to December."""


def extended(
    recorded: RollSchedule,
    instruments: Mapping[str, Instrument],
    sessions: Mapping[str, Sessions],
    from_date: int,
    until_date: int,
    *,
    ended: Mapping[str, int] | None = None,
) -> RollSchedule:
    """`recorded`, and for every instrument with a rule the rolls that follow: both the contract of a session and the
    one to hold after its orders are known up to `until_date`.

    sessions: by calendar.  from_date: where a product begins of which nothing is recorded.  ended: the last recorded
    session of a product: what was held until then is a fact, and no rule moves it. Raises ValueError as `rolls_ahead`.
    """
    rolls = {product: recorded.rolls(product) for product in recorded.products()}
    first = {product: recorded.months(product)[0] for product in recorded.products()}
    for product, instrument in instruments.items():
        if instrument.roll is None:
            continue
        table, known = sessions[instrument.calendar], rolls.get(product, [])
        start = first.get(product, 0) or held_by_rule(instrument, table, from_date)
        after = (ended or {}).get(product, 0)
        ahead = rolls_ahead(instrument, table, known, from_date, until_date, first=start, ended=after)
        rolls[product], first[product] = [*known, *ahead], start
    return RollSchedule(rolls, first)


def rolls_ahead(
    instrument: Instrument,
    sessions: Sessions,
    recorded: Sequence[Roll],
    from_date: int,
    until_date: int,
    *,
    first: int = 0,
    ended: int = 0,
) -> list[Roll]:
    """The rolls that follow the recorded ones by rule and are decided by `until_date`.

    Each contract of the hold cycle is held in its turn, however long ago the record ended: none is left out. A roll
    that by rule was due while the record still shows the old contract comes on the first session after it.

    first: the contract held where no roll is recorded; 0: the one that the rule holds on `from_date`.
    ended: the last session of the record, 0 where nobody knows more of it than its rolls.
    Raises ValueError for an instrument without a usable rule, and when the sessions end before `until_date`.
    """
    rule, dates = _rule_of(instrument), sessions.columns[0]
    if not dates or dates[-1] < until_date:
        raise ValueError(f"{instrument.id}: sessions of {sessions.calendar} are not known up to {until_date}")
    last = recorded[-1] if recorded else None
    held = last.to_contract if last else first or held_by_rule(instrument, sessions, from_date)
    found: list[Roll] = []
    while True:
        i = bisect_left(dates, _due(rule, held))
        if last is not None:
            i = max(i, bisect_right(dates, last.session), bisect_left(dates, last.decided) + 1)
        i = max(i, bisect_right(dates, ended), 1)
        if i >= len(dates) or dates[i - 1] > until_date:
            return found
        coming = _next_month(rule.hold_cycle, held)
        last = Roll(session=dates[i], from_contract=held, to_contract=coming, decided=dates[i - 1])
        found.append(last)
        held = coming


def rolls_behind(instrument: Instrument, sessions: Sessions, recorded: Sequence[Roll], from_date: int) -> list[Roll]:
    """The rolls by rule from `from_date` on that lead to the contract with which the record begins; none without one.

    Raises ValueError for an instrument without a usable rule.
    """
    rule, dates = _rule_of(instrument), sessions.columns[0]
    found: list[Roll] = []
    coming = recorded[0] if recorded else None
    while coming is not None:
        before = _month_before(rule.hold_cycle, coming.from_contract)
        latest = min(bisect_left(dates, coming.session) - 1, bisect_right(dates, coming.decided))
        i = min(bisect_left(dates, _due(rule, before)), latest)
        if i < 1 or dates[i] < from_date:
            break
        coming = Roll(session=dates[i], from_contract=before, to_contract=coming.from_contract, decided=dates[i - 1])
        found.append(coming)
    return found[::-1]


def held_by_rule(instrument: Instrument, sessions: Sessions, date: int) -> int:
    """The contract month (yyyymm) that the rule holds on `date`: up to and on its roll day, the old one.

    Raises ValueError for an instrument without a usable rule.
    """
    rule, dates = _rule_of(instrument), sessions.columns[0]
    earliest = _day(date) - dt.timedelta(rule.expiry_offset_days + rule.offset_days + 366)
    held = _next_month(rule.hold_cycle, earliest.year * 100 + earliest.month)
    while True:
        i = bisect_left(dates, _due(rule, held))
        if i >= len(dates) or dates[i] >= date:
            return held
        held = _next_month(rule.hold_cycle, held)


def _rule_of(instrument: Instrument) -> RollRule:
    rule = instrument.roll
    if rule is None or not set(rule.hold_cycle) & set(MONTHS):
        raise ValueError(f"{instrument.id} has no rule by which it rolls: give hold_cycle, letters of {MONTHS}")
    return rule


def _due(rule: RollRule, month: int) -> int:
    """The day by rule, which need not be a session."""
    day = dt.date(month // 100, month % 100, 1) + dt.timedelta(rule.expiry_offset_days + rule.offset_days)
    return day.year * 10_000 + day.month * 100 + day.day


def _next_month(cycle: str, month: int) -> int:
    """The first month of the cycle after `month`."""
    return _month_in(cycle, month, range(1, 13))


def _month_before(cycle: str, month: int) -> int:
    """The last month of the cycle before `month`."""
    return _month_in(cycle, month, range(-1, -13, -1))


def _month_in(cycle: str, month: int, distances: range) -> int:
    here = month // 100 * 12 + month % 100 - 1
    years, index = divmod(next(here + n for n in distances if MONTHS[(here + n) % 12] in cycle), 12)
    return years * 100 + index + 1


def _day(date: int) -> dt.date:
    return dt.date(date // 10_000, date // 100 % 100, date % 100)
