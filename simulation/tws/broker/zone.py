"""The gateway's clock face: how it prints times, and when its day begins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from model.units import NS_PER_SECOND


class Zone:
    """Times of one zone. Nanoseconds are since 1970 in UTC."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._zone = ZoneInfo(name)

    def text(self, at_ns: int) -> str:
        """`20260413 15:27:04 US/Eastern`."""
        return f"{self._local(at_ns):%Y%m%d %H:%M:%S} {self.name}"

    def clock(self, at_ns: int) -> str:
        """`15:27`."""
        return f"{self._local(at_ns):%H:%M}"

    def midnight(self, at_ns: int) -> int:
        """The last midnight here, at or before a moment."""
        return _ns(self._local(at_ns).replace(hour=0, minute=0, second=0, microsecond=0, fold=0))

    def next_midnight(self, at_ns: int) -> int:
        day = self._local(at_ns).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        return _ns(day + timedelta(days=1))

    def parse(self, text: str) -> int:
        """A moment as clients write it: `20260413 15:27:04 [zone]`, `20260413-15:27:04` in UTC, or a date alone.

        Raises ValueError when it is none of these.
        """
        words = text.split()
        if len(words) == 1 and "-" in words[0].strip("-"):
            return _ns(datetime.strptime(words[0], "%Y%m%d-%H:%M:%S").replace(tzinfo=UTC))
        if not 1 <= len(words) <= 3:
            raise ValueError(f"{text!r} is not a time")
        day = words[0].strip("-")
        clock = words[1] if len(words) > 1 else "00:00:00"
        form = "%Y%m%d %H:%M:%S" if clock.count(":") == 2 else "%Y%m%d %H:%M"
        try:
            zone = ZoneInfo(words[2]) if len(words) == 3 else self._zone
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{words[2]!r} is not a time zone") from None
        return _ns(datetime.strptime(f"{day} {clock}", form).replace(tzinfo=zone))

    def _local(self, at_ns: int) -> datetime:
        return datetime.fromtimestamp(at_ns // NS_PER_SECOND, self._zone)


def _ns(moment: datetime) -> int:
    return int(moment.timestamp()) * NS_PER_SECOND
