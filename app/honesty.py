"""What a reader must know before believing a replay's figures."""

from __future__ import annotations

from pathlib import Path

from config.loader import Configuration
from config.program import CoreIndexParams, TrendParams
from state.lake import Lake

ASSUMPTIONS = (
    "Every order was decided at a close and filled no earlier than the next session's close of its contract.",
    "Market and auction orders pay half the recorded spread; the spread and the commission are today's, for all years.",
    "Size has no effect on the price, cash earns and costs no interest, and roll dates are taken as known in advance.",
)


def notes(configuration: Configuration, state: Path) -> list[str]:
    """Sentences for the top of a report: where the data is from, and what was assumed."""
    lake = Lake(Path(configuration.settings.data.lake_dir))
    instruments = configuration.instruments
    bars = {lake.data_set("bars", name).licence for name in instruments if lake.has("bars", name)}
    currencies = {one.currency for one in instruments.values()} - {"USD"}
    rates = {lake.data_set("fx", name).licence for name in currencies if lake.has("fx", name)}
    said = [f"Prices: {'; '.join(sorted(bars))}."]
    said += [f"Rates of exchange: {'; '.join(sorted(rates))}."] if rates else []
    return [*said, *ASSUMPTIONS]


def wanted(configuration: Configuration) -> tuple[str, ...]:
    """The products that a sleeve was told to trade for profit: one of them that never traded is odd."""
    found: dict[str, None] = {}
    for sleeve in configuration.program.sleeves:
        match sleeve.params:
            case TrendParams(instruments=names):
                found.update(dict.fromkeys(names))
            case CoreIndexParams(long=long, short=short):
                found.update({long: None, short: None})
    return tuple(found)
