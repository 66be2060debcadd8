"""Whose a state folder is, and where the prices come from."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from app.identity import IdentityError, claim
from app.lake import open_lake
from config.loader import Configuration, load
from config.program import Program
from model.units import px
from state.lake import Lake
from state.lake.sealed import LakeError

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture(scope="module")
def program(places: tuple[str, ...]) -> Program:
    return load("demo", environment={}, overrides=places).program


def test_a_new_folder_is_claimed_and_goes_on_as_it_was(program: Program, tmp_path: Path) -> None:
    state = tmp_path / "a" / "b"
    claim(state, "paper", program, 20080102)
    written = (state / "engine.json").read_bytes()
    claim(state, "paper", program, 20080102)
    assert (state / "engine.json").read_bytes() == written
    assert [path.name for path in state.iterdir()] == ["engine.json"]


@pytest.mark.parametrize(
    ("field", "theirs", "ours"),
    [
        ("program", "demo", "other"),
        ("mode", "paper", "live"),
        ("base_currency", "USD", "EUR"),
        ("capital", "1000000", "2000000"),
        ("first_session", "20080102", "20080103"),
    ],
)
def test_the_folder_of_another_engine_is_refused_with_what_differs(
    program: Program, tmp_path: Path, field: str, theirs: str, ours: str
) -> None:
    claim(tmp_path, "paper", program, 20080102)
    others: dict[str, dict[str, object]] = {
        "program": {"id": "other"},
        "base_currency": {"base_currency": "EUR"},
        "capital": {"capital": 2 * program.capital},
    }
    mode = "live" if field == "mode" else "paper"
    first = 20080103 if field == "first_session" else 20080102
    with pytest.raises(IdentityError, match=f"keeps the books of demo with {field} {theirs}, not {ours}"):
        claim(tmp_path, mode, msgspec.structs.replace(program, **others.get(field, {})), first)


WHOLE = b'{"program": "demo", "mode": "paper", "base_currency": "USD", "capital": "1", "first_session": 1}'
DAMAGED = {
    "nothing": b"",
    "half": b'{"program": "de',
    "another document": b"[]",
    "a field too many": WHOLE[:-1] + b', "x": 1}',
    "a field too few": WHOLE.replace(b', "first_session": 1', b""),
    "a word for a number": WHOLE.replace(b"1}", b'"x"}'),
    "no text": b"\xff\xfe\x00",
}


@pytest.mark.parametrize("written", DAMAGED.values(), ids=DAMAGED)
def test_an_identity_that_cannot_be_read_is_an_error_and_is_not_replaced(
    program: Program, tmp_path: Path, written: bytes
) -> None:
    (tmp_path / "engine.json").write_bytes(written)
    with pytest.raises(IdentityError, match=r"engine\.json cannot be read"):
        claim(tmp_path, "paper", program, 20080102)
    assert (tmp_path / "engine.json").read_bytes() == written


# -- the lake


def configured(name: str, folder: Path) -> Configuration:
    overrides = (f"data.lake_dir={folder / 'lake'}", f"data.cache_dir={folder / 'cache'}")
    return load(name, environment={}, overrides=overrides)


def test_the_first_start_makes_the_demo_series_and_the_second_says_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    configuration = configured("demo", tmp_path)
    open_lake(configuration, None, said.append)
    assert said == ["making the demo series from installed packages"]
    again = open_lake(configuration, None, said.append)
    assert len(said) == 1
    assert again.has("bars", "WTI_SPOT")


def test_products_that_are_nowhere_are_named_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("HEDGEROW_DATA", str(empty))
    with pytest.raises(LakeError, match="has no prices of") as refused:
        open_lake(configured("demo_futures", tmp_path), None, lambda text: None)
    assert "hedgerow data import" in str(refused.value)


def test_only_what_the_program_names_is_imported_from_a_folder_and_settles_by_its_own_calendar(tmp_path: Path) -> None:
    configuration = configured("demo_futures", tmp_path)
    said: list[str] = []
    lake = open_lake(configuration, SHARED, said.append)
    assert said[-1] == f"importing {SHARED / 'futures'}"
    assert all(lake.has("bars", name) for name in configuration.instruments)
    assert not lake.has("bars", "BITCOIN")
    bars = lake.bars(sorted(configuration.instruments)[0])
    assert px("0") not in bars.close.tolist()
    closes = {at % 86_400_000_000_000 for at in bars.at_ns.tolist()}
    assert len(closes) > 1  # summer and winter time, half days


def test_a_lake_without_its_manifest_is_made_again(places: tuple[str, ...], tmp_path: Path) -> None:
    made = Path(places[0].partition("=")[2])
    shutil.copytree(made, tmp_path / "lake")
    (tmp_path / "lake" / "manifest.json").unlink()
    said: list[str] = []
    assert isinstance(open_lake(configured("demo", tmp_path), None, said.append), Lake)
    assert said == ["making the demo series from installed packages"]
