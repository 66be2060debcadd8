"""One lake and one finished replay for all tests of the command line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from state.lake.demo import build_demo
from tests.app.kit import hedgerow, replay_words


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Settings that name a lake on package data, a cache, quiet logs and several journal files."""
    folder = tmp_path_factory.mktemp("places")
    build_demo(folder / "lake")
    lake, cache = f"data.lake_dir={folder / 'lake'}", f"data.cache_dir={folder / 'cache'}"
    return (lake, cache, "logging.level=error", "journal.rotate=month")


@pytest.fixture(scope="session")
def finished(places: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state folder of a replay that came to its end. Not to be written to."""
    state = tmp_path_factory.mktemp("finished") / "state"
    said = hedgerow(*replay_words(places, state))
    assert said.status == 0, said.err
    return state


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    """The same, to be damaged at will."""
    state = tmp_path / "copied"
    shutil.copytree(finished, state)
    return state


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HEDGEROW_STATE", "HEDGEROW_SETTINGS", "HEDGEROW_DATA"):
        monkeypatch.delenv(name, raising=False)
