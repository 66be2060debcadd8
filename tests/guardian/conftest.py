"""One lake for the tests before a gateway."""

from __future__ import annotations

import pytest

from state.lake import Lake
from tests.tws.gateway.bourse import make_lake


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return make_lake(tmp_path_factory.mktemp("bourse") / "lake")
