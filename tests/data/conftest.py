"""Lakes made once per run from the shared data, and the shared tables themselves."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from state.lake import Lake
from state.lake.importers import ImportReport, import_folder

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture(scope="session")
def shared() -> Path:
    return SHARED


@pytest.fixture(scope="session")
def futures_report(tmp_path_factory: pytest.TempPathFactory) -> ImportReport:
    return import_folder(SHARED / "futures", tmp_path_factory.mktemp("futures") / "lake")


@pytest.fixture(scope="session")
def futures(futures_report: ImportReport) -> Lake:
    return Lake(futures_report.lake)


@pytest.fixture(scope="session")
def europe_report(tmp_path_factory: pytest.TempPathFactory) -> ImportReport:
    return import_folder(SHARED / "europe", tmp_path_factory.mktemp("europe") / "lake")


@pytest.fixture(scope="session")
def europe(europe_report: ImportReport) -> Lake:
    return Lake(europe_report.lake)


@pytest.fixture(scope="session")
def known_defects() -> list[dict[str, str]]:
    """The publisher's own list: instrument, date, kind, size, prev, value, next."""
    with (SHARED / "futures" / "defects.csv").open(newline="") as handle:
        return list(csv.DictReader(handle))
