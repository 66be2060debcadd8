"""What a reader must know before believing a replay's figures."""

from __future__ import annotations

from pathlib import Path

from config.loader import Configuration
from state.lake import Lake

ASSUMPTIONS = (
    "Every order was decided at a close and filled no earlier than the next session's close of its contract.",
    "Market and auction orders pay half the recorded spread; the spread and the commission are today's, for all years.",
    "Size has no effect on the price, cash earns and costs no interest, and roll dates are taken as known in advance.",
)


def notes(configuration: Configuration, state: Path) -> list[str]:
    """Sentences for the top of a report: data, assumptions, what looks odd."""
    lake = Lake(Path(configuration.settings.data.lake_dir))
    sources = sorted(
        {lake.data_set("bars", name).licence for name in configuration.instruments if lake.has("bars", name)}
    )
    return [f"Data: {'; '.join(sources)}.", *ASSUMPTIONS]
