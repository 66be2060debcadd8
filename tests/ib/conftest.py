"""One lake for every test here."""

from __future__ import annotations

import pytest

from state.lake import Lake
from tests.tws.gateway.bourse import make_lake


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return make_lake(tmp_path_factory.mktemp("bourse") / "lake")
