"""The lake an engine reads: made on first use from the user's data folder, or from data inside installed packages."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from app.sessions import calendars
from config.calendars import Calendars
from config.loader import Configuration, load_instruments, load_settings
from model.instruments import Instrument
from state.lake import Lake
from state.lake.demo import build_demo, find_data
from state.lake.importers import import_folder
from state.lake.sealed import LakeError

CHECKOUT = Path(__file__).resolve().parent.parent
CLOSES = "exchange calendars"

Say = Callable[[str], None]
CloseOf = Callable[[str, int], int | None]


def open_lake(configuration: Configuration, data: Path | None, say: Say) -> Lake:
    """The lake with every product that the program names, importing what is missing.

    data: a folder of published data; None looks for HEDGEROW_DATA, then beside the checkout.  say: told what is done.
    Raises LakeError when a product is found nowhere.
    """
    root = Path(configuration.settings.data.lake_dir)
    instruments = configuration.instruments
    if _missing(root, instruments):
        say("making the demo series from installed packages")
        build_demo(root)
    if _missing(root, instruments):
        source = data or find_data(os.environ, CHECKOUT)
        if source is not None and (source / "futures").is_dir():
            say(f"importing {source / 'futures'}")
            import_folder(
                source / "futures",
                root,
                close_of=closing(instruments, calendars(Path(configuration.settings.data.cache_dir))),
                closes_name=CLOSES,
                only=_wanted(instruments),
            )
    missing = _missing(root, instruments)
    if missing:
        raise LakeError(
            root,
            f"has no prices of {', '.join(missing[:6])}{' and more' if len(missing) > 6 else ''}",
            "import them with `hedgerow data import FOLDER`, or name the folder with HEDGEROW_DATA",
        )
    return Lake(root)


def _missing(root: Path, instruments: Mapping[str, Instrument]) -> list[str]:
    if not (root / "manifest.json").is_file():
        return sorted(instruments)
    lake = Lake(root)
    currencies = {one.currency for one in instruments.values()} - {"USD"}
    lacking = [name for name in sorted(instruments) if not lake.has("bars", name)]
    return lacking + [name for name in sorted(currencies) if not lake.has("fx", name)]


def _wanted(instruments: Mapping[str, Instrument]) -> list[str]:
    return sorted({*instruments, *(one.currency for one in instruments.values())})


def closing(instruments: Mapping[str, Instrument], sessions: Calendars) -> CloseOf:
    """When a product's session closes, by its instrument's calendar; None for a product or session that it has not."""

    def close_of(product: str, session: int) -> int | None:
        instrument = instruments.get(product)
        if instrument is None:
            return None
        held = sessions.sessions(instrument.calendar).on(session)
        return held.closes_ns if held else None

    return close_of


def close_of(settings: Path | None, overrides: Sequence[str]) -> CloseOf:
    """`closing` for every instrument that the settings name."""
    read = load_settings(settings, os.environ, overrides)
    return closing(load_instruments(read.instruments), calendars(Path(read.data.cache_dir)))


def sessions_of(settings: Path | None, overrides: Sequence[str]) -> Callable[[str], Sequence[int] | None]:
    """The sessions (yyyymmdd) of a product's calendar, None for a product without an instrument."""
    read = load_settings(settings, os.environ, overrides)
    instruments, built = load_instruments(read.instruments), calendars(Path(read.data.cache_dir))

    def sessions(product: str) -> Sequence[int] | None:
        instrument = instruments.get(product)
        if instrument is None:
            return None
        return [one.date for one in built.sessions(instrument.calendar).between(built.first, built.last)]

    return sessions
