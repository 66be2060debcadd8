"""One table of sessions for the whole program, so that bars are stamped and orders expire by the same calendars."""

from __future__ import annotations

from pathlib import Path

from config.calendars import Calendars
from config.loader import Configuration
from model.sessions import Sessions
from state.journal import Recovered

FIRST, LAST = 19900101, 20301231
"""The range of exchange dates; sessions outside it close at the importer's default."""


def calendars(cache: Path) -> Calendars:
    """Sessions by calendar name, built when first asked for and kept in `cache`."""
    return Calendars(FIRST, LAST, cache)


def calendars_for(configuration: Configuration) -> dict[str, Sessions]:
    """The sessions of every calendar that the program's instruments trade on."""
    built = calendars(Path(configuration.settings.data.cache_dir))
    names = {one.calendar for one in configuration.instruments.values()}
    return {name: built.sessions(name) for name in sorted(names)}


def newest_bar(recovered: Recovered) -> int:
    """The last session that every actor fed with bars has in its snapshot; 0 when one has none."""
    kept = recovered.snapshots.get("market_data")
    closed: list[int] = list(getattr(kept[1], "closed", ())) if kept else []
    return closed[-1] if closed else 0
