"""How fast history may be asked for, as the broker says: a request too many is answered with 162 and a pause."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable

import msgspec

DAILY, MINUTE = "1 day", "1 min"


class PaceLimits(msgspec.Struct, frozen=True, kw_only=True):
    """in_ten_minutes: requests in any 600 s.  in_two_seconds: of one contract and kind.  again_s: before the same
    request is made a second time.  penalty_s: after the gateway has objected."""

    in_ten_minutes: int = 58
    in_two_seconds: int = 5
    again_s: float = 16.0
    penalty_s: float = 30.0


class HistoryPace:
    """Says how long to wait before a request. Seconds are of any clock that does not go back."""

    def __init__(self, limits: PaceLimits | None = None) -> None:
        self.limits = limits or PaceLimits()
        self._all: deque[float] = deque()
        self._of: dict[Hashable, deque[float]] = {}
        self._same: dict[Hashable, float] = {}
        self._not_before_s = 0.0

    def wait_s(self, now_s: float, line: Hashable, request: Hashable) -> float:
        """line: contract and kind of data.  request: everything that makes two requests the same."""
        limits = self.limits
        due = [self._not_before_s]
        _forget(self._all, now_s - 600.0)
        if len(self._all) >= limits.in_ten_minutes:
            due.append(self._all[0] + 600.0)
        of = self._of.get(line, deque())
        _forget(of, now_s - 2.0)
        if len(of) >= limits.in_two_seconds:
            due.append(of[0] + 2.0)
        if request in self._same:
            due.append(self._same[request] + limits.again_s)
        return max(0.0, max(due) - now_s)

    def asked(self, now_s: float, line: Hashable, request: Hashable) -> None:
        self._all.append(now_s)
        self._of.setdefault(line, deque()).append(now_s)
        self._same[request] = now_s

    def objected(self, now_s: float) -> None:
        """The gateway says that we are too fast."""
        self._not_before_s = now_s + self.limits.penalty_s


def _forget(times: deque[float], until_s: float) -> None:
    while times and times[0] <= until_s:
        times.popleft()
