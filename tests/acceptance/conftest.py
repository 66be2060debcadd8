"""One lake for every acceptance test, made from the shared data by the program's own importer."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.lake import open_lake
from config.loader import load

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Settings that name a lake with all that the program `spine` reads, and a cache."""
    folder = tmp_path_factory.mktemp("acceptance")
    settings = (f"data.lake_dir={folder / 'lake'}", f"data.cache_dir={folder / 'cache'}", "logging.level=error")
    open_lake(load("spine", environment={}, overrides=settings), SHARED, lambda text: None)
    return settings
