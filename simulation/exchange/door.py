"""The venue's door: whose requests it takes, and when it ends our orders because nobody came."""

from __future__ import annotations

from model.leases import CancelAfter
from simulation.exchange.record import DoorRow
from simulation.exchange.timetable import Alarm, Moment, Timetable
from simulation.exchange.wire import Wire


class Door:
    """Requests come in under a fencing token; a higher one shuts out every lower one for ever.

    What was under way under a lower token is refused on arrival: it is lost as soon as the higher one is seen.
    refused: requests that came under a token that was not the highest.  lapses: when the timer went off. Neither is in
    the record.
    """

    def __init__(self, inbox: Wire, timetable: Timetable) -> None:
        self.token = 0
        self.timer_ns = 0  # when our orders end unless we come again; 0 for never
        self.refused = 0
        self.lapses: list[int] = []
        self.changed = False
        self._inbox, self._timetable = inbox, timetable

    def admits(self, token: int) -> bool:
        """Whether a request under this token may come in."""
        if token > self.token:
            self.fence(token)
        if token < self.token:
            self.refused += 1
            return False
        return True

    def fence(self, token: int) -> None:
        """Shut out every lower token."""
        if token > self.token:
            self.token = token
            self.changed = True
            self._inbox.lose()

    def arm(self, request: CancelAfter, now_ns: int) -> None:
        """Wait so much longer for us; a request for no time stops the timer."""
        self.timer_ns = now_ns + request.within_ns if request.within_ns else 0
        self.changed = True
        self._watch()

    def awaits(self, moment: Moment) -> bool:
        """Whether the timer still stands at a moment."""
        return moment[0] == self.timer_ns

    def lapsed(self) -> None:
        """The timer has gone off."""
        self.lapses.append(self.timer_ns)
        self.timer_ns = 0
        self.changed = True

    def row(self) -> DoorRow:
        return DoorRow(self.token, self.timer_ns)

    def restore(self, row: DoorRow) -> None:
        self.token, self.timer_ns = row.token, row.timer_ns
        self._watch()

    def _watch(self) -> None:
        if self.timer_ns:
            self._timetable.at(self.timer_ns, Alarm.TIMER, "", 0)
