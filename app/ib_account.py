"""The settings of an account at a broker, as the engine's port and the guardian read them."""

from __future__ import annotations

from pathlib import Path

from config.settings import IBVenue, Settings
from ports.ib import AccountMode, IBSettings


def ib_settings(settings: Settings, state: Path) -> IBSettings:
    """What a session needs to know, out of the engine's settings.  state: the engine's folder."""
    venue = settings.venue
    assert isinstance(venue, IBVenue)
    return IBSettings(
        account=venue.account, state_dir=str(state), mode=AccountMode(settings.mode), host=venue.host, port=venue.port,
        client_id=venue.client_id, day_zone=venue.day_zone, messages_per_s=venue.messages_per_s,
        data_lines=venue.data_lines, adaptive=dict(venue.adaptive), delayed=venue.delayed,
    )  # fmt: skip
