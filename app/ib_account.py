"""The settings of an account at a broker, as its port and its guardian read them."""

from __future__ import annotations

from pathlib import Path

from config.settings import IBVenue
from ports.ib import AccountMode, IBSettings


def ib_settings(venue: IBVenue, mode: str, state: Path) -> IBSettings:
    """mode: paper or live, as the settings say it.  state: the engine's folder."""
    return IBSettings(
        account=venue.account,
        state_dir=str(state),
        mode=AccountMode(mode),
        host=venue.host,
        port=venue.port,
        client_id=venue.client_id,
        day_zone=venue.day_zone,
        messages_per_s=venue.messages_per_s,
        data_lines=venue.data_lines,
        adaptive=dict(venue.adaptive),
        delayed=venue.delayed,
    )
