"""One lake and one set of calendars for every test here; catalogues differ by the time that it is."""

from __future__ import annotations

import pytest

from config.calendars import Calendars
from config.loader import load_instruments
from model.instruments import Instrument
from simulation.tws.catalogue import Catalogue, History, Record
from state.lake import Lake
from state.lake.importers import import_folder
from tests.tws.catalogue.kit import SHARED, CatalogueAt, at

NOW = "2019-06-12T12:00"


@pytest.fixture(scope="session")
def instruments() -> dict[str, Instrument]:
    return load_instruments(["futures.yaml", "europe.yaml", "demo.yaml"])


@pytest.fixture(scope="session")
def calendars(tmp_path_factory: pytest.TempPathFactory) -> Calendars:
    return Calendars(19900101, 20301231, tmp_path_factory.mktemp("calendars"))


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory, calendars: Calendars, instruments: dict[str, Instrument]) -> Lake:
    def close_of(product: str, session: int) -> int | None:
        one = instruments.get(product)
        held = calendars.sessions(one.calendar).on(session) if one is not None else None
        return held.closes_ns if held is not None else None

    root = tmp_path_factory.mktemp("gateway") / "lake"
    for folder in ("futures", "europe", "options"):
        import_folder(SHARED / folder, root, close_of=close_of, closes_name="exchange calendars")
    return Lake(root)


@pytest.fixture(scope="session")
def catalogue_at(lake: Lake, calendars: Calendars, instruments: dict[str, Instrument]) -> CatalogueAt:
    def make(moment: str) -> Catalogue:
        now_ns = at(moment)
        return Catalogue(instruments, lake, calendars.sessions, lambda: now_ns, SHARED / "options")

    return make


@pytest.fixture(scope="session")
def catalogue(catalogue_at: CatalogueAt) -> Catalogue:
    return catalogue_at(NOW)


@pytest.fixture(scope="session")
def record(catalogue: Catalogue) -> Record:
    return Record(catalogue)


@pytest.fixture(scope="session")
def history(catalogue: Catalogue, record: Record) -> History:
    return History(catalogue, record)
