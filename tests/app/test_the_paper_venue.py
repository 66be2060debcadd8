"""What the settings make of the exchange inside the process."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.process import EngineProcess, Wanted
from config.loader import load
from model.orders import VenueUp
from simulation.exchange import Exchange, MemoryRecord
from state.lake import Lake


def paper(places: tuple[str, ...], state: Path, *settings: str) -> Exchange:
    configuration = load("demo", environment={}, overrides=(*places, *settings))
    lake = Lake(configuration.settings.data.lake_dir)
    wanted = Wanted(configuration=configuration, state_dir=state, lake=lake, first=20080303, last=20080408)
    return EngineProcess(wanted).exchange_on(MemoryRecord())


@pytest.mark.parametrize("enforced", [True, False])
def test_the_settings_say_whether_the_venue_enforces_ids(
    places: tuple[str, ...], tmp_path: Path, enforced: bool
) -> None:
    exchange = paper(places, tmp_path, f"venue.ids_enforced={str(enforced).lower()}")
    assert exchange.snapshot("s", 0).ids_enforced is enforced


def test_the_settings_say_whether_the_venue_has_a_cancel_timer(places: tuple[str, ...], tmp_path: Path) -> None:
    for settings, offered in (((), False), (("venue.cancel_timer=true",), True)):
        exchange = paper(places, tmp_path, *settings)
        exchange.connect(0)
        assert [fact.cancel_timer for fact in exchange.take(0) if isinstance(fact, VenueUp)] == [offered]
