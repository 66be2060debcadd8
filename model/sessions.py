"""Trading sessions as plain integers: built once from a calendar library, then looked up in nanoseconds."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import msgspec


class Session(msgspec.Struct, frozen=True, gc=False):
    """date: exchange date as yyyymmdd; opens and closes in UTC nanoseconds (the open may be on the day before)."""

    date: int
    opens_ns: int
    closes_ns: int


class Sessions:
    """The sessions of one calendar, in time order. Lookups are bisections over plain lists."""

    __slots__ = ("calendar", "_closes", "_dates", "_opens")

    def __init__(self, calendar: str, sessions: Sequence[Session]) -> None:
        self._take(
            calendar, [s.date for s in sessions], [s.opens_ns for s in sessions], [s.closes_ns for s in sessions]
        )

    @classmethod
    def of_columns(cls, calendar: str, dates: list[int], opens_ns: list[int], closes_ns: list[int]) -> Sessions:
        """The same from one list for each field, all of one length."""
        made = cls.__new__(cls)
        made._take(calendar, dates, opens_ns, closes_ns)
        return made

    def _take(self, calendar: str, dates: list[int], opens_ns: list[int], closes_ns: list[int]) -> None:
        self.calendar = calendar
        self._dates, self._opens, self._closes = dates, opens_ns, closes_ns
        if closes_ns != sorted(closes_ns) or len(set(dates)) != len(dates):
            raise ValueError(f"sessions of {calendar} are not in time order or repeat a date")

    @property
    def columns(self) -> tuple[list[int], list[int], list[int]]:
        """Dates, openings and closings, in time order: to be read, not changed."""
        return self._dates, self._opens, self._closes

    def __len__(self) -> int:
        return len(self._dates)

    def on(self, date: int) -> Session | None:
        """The session of an exchange date, or None on a holiday or outside the table."""
        i = bisect_left(self._dates, date)
        return self._at(i) if i < len(self._dates) and self._dates[i] == date else None

    def open_at(self, now_ns: int) -> Session | None:
        """The session in which `now_ns` lies: opens <= now < closes."""
        i = bisect_right(self._closes, now_ns)
        return self._at(i) if i < len(self._opens) and self._opens[i] <= now_ns else None

    def closing_after(self, now_ns: int) -> Session | None:
        """The first session that closes after `now_ns`, running or to come."""
        i = bisect_right(self._closes, now_ns)
        return self._at(i) if i < len(self._dates) else None

    def opening_after(self, now_ns: int) -> Session | None:
        """The first session that opens after `now_ns`."""
        i = bisect_right(self._opens, now_ns)
        return self._at(i) if i < len(self._dates) else None

    def between(self, first_date: int, last_date: int) -> list[Session]:
        """Sessions with first_date <= date <= last_date."""
        return [self._at(i) for i in range(bisect_left(self._dates, first_date), bisect_right(self._dates, last_date))]

    def _at(self, i: int) -> Session:
        return Session(self._dates[i], self._opens[i], self._closes[i])
