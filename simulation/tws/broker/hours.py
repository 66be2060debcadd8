"""Regular trading hours, where they are shorter than the session: when an order without outsideRth may trade."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from model.units import NS_PER_DAY, NS_PER_SECOND
from simulation.tws.broker.listing import Catalogue

Window = tuple[int, int]


class RegularHours:
    """Reads the hours that the catalogue tells, anew every day: they only reach some days ahead."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._known: dict[int, tuple[int, list[Window]]] = {}

    def window(self, con_id: int, now_ns: int) -> Window | None:
        """The regular hours that run now, or the next; None where the session has no others, or none are told."""
        read_ns, windows = self._known.get(con_id, (-NS_PER_DAY, []))
        if not read_ns <= now_ns < read_ns + NS_PER_DAY:
            windows = self._read(con_id)
            self._known[con_id] = (now_ns, windows)
        return next((each for each in windows if now_ns < each[1]), None)

    def _read(self, con_id: int) -> list[Window]:
        details = self._catalogue.details(con_id)
        if details is None or details.liquid_hours in ("", details.trading_hours):
            return []
        return parse_hours(details.liquid_hours, details.time_zone)


def parse_hours(text: str, zone: str) -> list[Window]:
    """Openings and closings in nanoseconds, in time order, of `20261120:0800-20261120:1630;20261121:CLOSED`.

    Raises ValueError for a text that is not of this form.
    """
    local = ZoneInfo(zone or "UTC")
    windows = []
    for part in text.split(";"):
        if part and not part.endswith(":CLOSED"):
            opens, closes = (
                int(datetime.strptime(each, "%Y%m%d:%H%M").replace(tzinfo=local).timestamp()) * NS_PER_SECOND
                for each in part.split("-")
            )
            windows.append((opens, closes))
    return sorted(windows)
