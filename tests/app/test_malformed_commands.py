"""Thirty ways to be wrong: each is one clear sentence, a status that is not nought, and nothing touched."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.app.kit import FIRST, LAST, Said, contents, hedgerow, replay_words, settings

Places = tuple[str, ...]


def explained(said: Said, *parts: str, status: int = 2) -> None:
    """One sentence on stderr that names what is wrong, and no traceback."""
    assert said.status == status, (said.out, said.err)
    assert "Traceback" not in said.out + said.err
    for part in parts:
        assert part in said.err, said.err
    assert len([line for line in said.err.splitlines() if line.startswith(("hedgerow: ", "Error: "))]) == 1, said.err


class Wrong(NamedTuple):
    """Words after `hedgerow`, and what the sentence must name."""

    words: tuple[str, ...]
    parts: tuple[str, ...]


WORDS = {
    "a command that is not": Wrong(("replya",), ("'replya'", "did you mean 'replay'")),
    "a command like none": Wrong(("xyzzy",), ("'xyzzy'", "hedgerow --help")),
    "a subcommand that is not": Wrong(("journal", "verfy"), ("verfy",)),
    "an option that is not": Wrong(("replay", "--speeed", "3"), ("--speeed",)),
    "a date with letters": Wrong(("replay", "--from", "2006-01-03"), ("--from", "2006-01-03")),
    "a day that is not": Wrong(("replay", "--from", "20060230", "--to", "20061231"), ("--from", "20060230")),
    "a month that is not": Wrong(("replay", "--from", "20060103", "--to", "20061331"), ("--to", "20061331")),
    "an end before its beginning": Wrong(("replay", "--from", "20070103", "--to", "20060103"), ("20070103", "after")),
    "a program that is not": Wrong(("replay", "--program", "spin"), ("spin",)),
    "a program that is a folder": Wrong(("replay", "--program", "config"), ("config",)),
    "a pace that is no number": Wrong(("replay", "--speed", "fast"), ("--speed fast",)),
    "a pace of nought": Wrong(("replay", "--speed", "0"), ("--speed 0",)),
    "a pace below nought": Wrong(("replay", "--speed", "-3"), ("--speed -3",)),
    "a pace without end": Wrong(("replay", "--speed", "inf"), ("--speed inf",)),
    "a setting that is not": Wrong(("replay", "--set", "risk.max_lots=3"), ("max_lots",)),
    "a setting without a value": Wrong(("replay", "--set", "logging.level"), ("logging.level",)),
    "a setting of another kind": Wrong(
        ("replay", "--set", "journal.snapshot_every_rows=many"), ("snapshot_every_rows",)
    ),
    "a number under nought": Wrong(("replay", "--set", "journal.snapshot_every_rows=-1"), ("snapshot_every_rows",)),
    "a settings file that is not": Wrong(("replay", "--settings", "no/such.yaml"), ("no/such.yaml",)),
    "an instrument nobody knows": Wrong(("explain", "hr-0000"), ("hr-0000",)),
    "a row that is not": Wrong(("journal", "causes", "99999999"), ("99999999",)),
    "a row with letters": Wrong(("journal", "causes", "first"), ("first",)),
    "a schema that is not": Wrong(("config", "schema", "orders"), ("orders",)),
    "data that is not there": Wrong(("data", "import", "no/such/folder"), ("no/such/folder",)),
    "nothing to explain": Wrong(("explain",), ("SUBJECT",)),
}
OF_A_STATE = {"explain", "journal"}


@pytest.mark.parametrize("name", WORDS)
def test_wrong_words_are_explained_and_touch_nothing(name: str, places: Places, copied: Path) -> None:
    words, parts = WORDS[name]
    more: list[str] = []
    if words[0] == "replay":
        program = [] if "--program" in words else ["--program", "demo"]
        span = [] if "--from" in words else ["--from", FIRST, "--to", LAST]
        more = [*program, *span, "--state", str(copied), *settings(places)]
    elif words[0] in OF_A_STATE and words[1:]:
        more = ["--state", str(copied)]
    elif words[0] == "data":
        more = settings(places)
    before = contents(copied)
    explained(hedgerow(*words, *more), *parts)
    assert contents(copied) == before


# -- folders


def test_a_state_folder_of_another_program_is_refused(places: Places, copied: Path) -> None:
    before = contents(copied)
    said = hedgerow("replay", "--program", "demo_futures", "--from", FIRST, "--to", LAST, "--state", copied,
                    *settings(places), "--data", "../shared/data")  # fmt: skip
    explained(said, "keeps the books of demo")
    assert contents(copied) == before


def test_a_replay_that_begins_elsewhere_is_refused(places: Places, copied: Path) -> None:
    before = contents(copied)
    words = ["replay", "--program", "demo", "--from", "20080201", "--to", LAST, "--state", str(copied)]
    explained(hedgerow(*words, *settings(places)), "first_session")
    assert contents(copied) == before


@pytest.mark.parametrize(
    "words", [("status",), ("orders",), ("positions",), ("journal", "verify"), ("journal", "hash")]
)
def test_questions_to_a_folder_that_is_not_there_are_refused(words: tuple[str, ...], tmp_path: Path) -> None:
    said = hedgerow(*words, "--state", tmp_path / "nowhere")
    explained(said, "nowhere", status=said.status)
    assert said.status in (1, 2, 3)
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("word", ["halt", "reduce-only", "stop"])
def test_words_to_an_engine_that_does_not_run_are_status_three(word: str, finished: Path) -> None:
    explained(hedgerow(word, "--state", finished), "no engine runs", status=3)


def test_a_file_where_a_folder_should_be(places: Places, tmp_path: Path) -> None:
    file = tmp_path / "state"
    file.write_text("my notes\n")
    explained(hedgerow(*replay_words(places, file)), "state")
    assert file.read_text() == "my notes\n"


def test_fresh_does_not_remove_a_folder_that_is_not_an_engines(places: Places, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("two years of work\n")
    explained(hedgerow(*replay_words(places, tmp_path, "--fresh")), "is not an engine's state folder")
    assert (tmp_path / "thesis.txt").read_text() == "two years of work\n"


def test_live_mode_is_refused_without_a_broker(places: Places, tmp_path: Path) -> None:
    words = ["run", "--program", "demo", "--state", str(tmp_path / "st"), "--set", "mode=live"]
    explained(hedgerow(*words, *settings(places)), "live")
    assert not (tmp_path / "st").exists()


def test_a_program_whose_data_is_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEDGEROW_DATA", str(tmp_path / "empty"))
    lake = [f"data.lake_dir={tmp_path / 'lake'}", f"data.cache_dir={tmp_path / 'cache'}", "logging.level=error"]
    words = ["replay", "--program", "spine", "--state", str(tmp_path / "st"), "--data", str(tmp_path / "none")]
    explained(hedgerow(*words, *settings(lake)), "no prices of", "hedgerow data import")
    assert not (tmp_path / "st").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_named(places: Places, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    explained(hedgerow(*replay_words(places, locked / "st")), "locked")
    assert list(locked.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(places: Places, tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine\n")
    explained(hedgerow(*replay_words(places, tmp_path / "notes" / "st")), "notes/st")
    assert (tmp_path / "notes").read_text() == "mine\n"


def test_an_identity_that_is_a_folder_is_named(places: Places, tmp_path: Path) -> None:
    (tmp_path / "st" / "engine.json").mkdir(parents=True)
    explained(hedgerow(*replay_words(places, tmp_path / "st")), "engine.json")


# -- files of a state folder


def shorten(path: Path, keep: int = 10_000) -> None:
    path.write_bytes(path.read_bytes()[:keep])


def newest(state: Path) -> Path:
    return sorted((state / "journal").glob("journal-*.sqlite"))[-1]


def fullest(state: Path) -> Path:
    return max((state / "journal").glob("journal-*.sqlite"), key=lambda path: path.stat().st_size)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "a journal cut short": lambda state: shorten(fullest(state)),
    "a journal of nought bytes": lambda state: newest(state).write_bytes(b""),
    "a journal that is a text": lambda state: newest(state).write_text("gone\n" * 500),
    "a journal whose middle is missing": lambda state: sorted((state / "journal").glob("journal-*.sqlite"))[1].unlink(),
    "a venue that is gone": lambda state: (state / "venue.sqlite").unlink(),
    "a venue cut short": lambda state: shorten(state / "venue.sqlite"),
    "a venue that is a text": lambda state: (state / "venue.sqlite").write_text("gone\n" * 500),
    "an identity that is gone": lambda state: (state / "engine.json").unlink(),
    "an identity that is not JSON": lambda state: (state / "engine.json").write_text("{"),
    "an identity of nought bytes": lambda state: (state / "engine.json").write_bytes(b""),
    "an identity of other fields": lambda state: (state / "engine.json").write_text('{"program": "demo"}'),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_state_folder_is_refused_and_left_as_it_is(name: str, places: Places, copied: Path) -> None:
    DAMAGE[name](copied)
    before = {key: value for key, value in contents(copied).items() if not key.endswith(".lock")}
    explained(hedgerow(*replay_words(places, copied)), "hedgerow: ")
    after = {key: value for key, value in contents(copied).items() if not key.endswith(".lock")}
    assert after == before


def test_an_address_of_an_engine_that_was_killed_is_no_obstacle(places: Places, copied: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    (copied / "control.json").write_text(json.dumps({"port": port, "token": "0" * 32, "pid": 1}))
    explained(hedgerow("halt", "--state", copied), "the last one did not stop cleanly", status=3)
    assert hedgerow("status", "--state", copied, "--json").document["running"] is False
    assert hedgerow(*replay_words(places, copied)).status == 0


@pytest.mark.parametrize("text", ["", "{", "[]", '{"port": "x", "token": "y"}'])
def test_an_address_file_that_is_damaged_is_named(text: str, copied: Path) -> None:
    (copied / "control.json").write_text(text)
    explained(hedgerow("halt", "--state", copied), "control.json")
