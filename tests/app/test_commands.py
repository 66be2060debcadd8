"""Every command answers, says its status, and gives one JSON document where it offers to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.cli import COMMANDS
from tests.app.kit import FIRST, LAST, contents, hedgerow, replay_words, settings

GROUPS = {
    "journal": ("verify", "show", "causes", "hash"),
    "config": ("check", "show", "schema"),
    "data": ("import", "check", "describe"),
}
EVERY = [(name,) for name in COMMANDS] + [(name, sub) for name, subs in GROUPS.items() for sub in subs]


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_every_command_says_what_it_is_for(words: tuple[str, ...]) -> None:
    said = hedgerow(*words, "--help")
    assert said.status == 0
    assert said.out.startswith("Usage: ")
    assert "--help" in said.out


def test_the_program_lists_its_commands_and_its_statuses() -> None:
    said = hedgerow("--help")
    assert said.status == 0
    assert all(f"  {name}" in said.out for name in COMMANDS)
    assert "3 no engine runs there" in said.out
    assert hedgerow("-h").out == said.out


def test_the_version_is_the_packages() -> None:
    from importlib.metadata import version

    assert hedgerow("--version").out.split()[-1] == version("hedgerow")


# -- a replay and questions to it


def test_a_replay_says_what_it_came_to(places: tuple[str, ...], tmp_path: Path) -> None:
    said = hedgerow(*replay_words(places, tmp_path / "st", "--json"))
    assert said.status == 0
    found = said.document
    assert found["program"] == "demo"
    assert found["sessions"] > 55
    assert found["unbalanced days"] == 0
    assert found["duplicate ids"] == 0
    assert len(found["content hash"]) == 64


def test_a_replay_that_is_over_does_nothing_again(places: tuple[str, ...], copied: Path) -> None:
    before = hedgerow("journal", "hash", "--state", copied).out
    assert hedgerow(*replay_words(places, copied)).status == 0
    assert hedgerow("journal", "hash", "--state", copied).out == before


def test_fresh_throws_an_earlier_replay_away(places: tuple[str, ...], copied: Path) -> None:
    (copied / "mine.txt").write_text("left here")
    assert hedgerow(*replay_words(places, copied, "--fresh")).status == 0
    assert not (copied / "mine.txt").exists()


def test_status_of_an_engine_that_does_not_run_is_three_and_tells_what_was_last_known(finished: Path) -> None:
    said = hedgerow("status", "--state", finished, "--json")
    assert said.status == 3
    assert said.document["running"] is False
    assert said.document["mode"] == "SAFE_STOP"
    assert int(FIRST) < said.document["session"] <= int(LAST)
    plain = hedgerow("status", "--state", finished)
    assert plain.status == 3
    assert "NOT RUNNING" in plain.out


def test_health_is_a_status_without_words(finished: Path) -> None:
    said = hedgerow("status", "--health", "--state", finished)
    assert said.status == 1
    assert said.out == ""


def test_orders_and_positions_agree_with_the_journal(finished: Path) -> None:
    orders = hedgerow("orders", "--last", "0", "--state", finished, "--json")
    rows = hedgerow("journal", "show", "--kind", "OrderPlanned", "--state", finished).out.splitlines()
    assert orders.status == 0
    assert len(orders.document) == len(rows) > 0
    day = json.loads(hedgerow("journal", "show", "--kind", "DayMarked", "--state", finished).out.splitlines()[-1])
    positions = hedgerow("positions", "--state", finished, "--json").document
    assert positions["session"] == day["event"]["session"]
    assert set(positions["positions"]) == set(day["event"]["positions"])
    assert hedgerow("orders", "--state", finished).out.startswith("order")
    assert hedgerow("positions", "--state", finished).out.splitlines()[-1].startswith("as of session")


def test_an_order_and_an_instrument_can_be_explained(finished: Path) -> None:
    order = hedgerow("orders", "--state", finished, "--json").document[-1]
    said = hedgerow("explain", order["client_id"], "--state", finished, "--json")
    assert said.status == 0
    assert said.document["run_id"] == order["run_id"]
    assert hedgerow("explain", order["client_id"][-8:], "--state", finished).status == 0
    assert hedgerow("explain", order["instrument"], "--state", finished).status == 0


def test_the_report_can_be_written_again(places: tuple[str, ...], copied: Path) -> None:
    said = hedgerow("report", "--program", "demo", "--state", copied, *settings(places))
    assert said.status == 0
    assert all(Path(line).stat().st_size > 1_000 for line in said.out.splitlines())


def test_a_plan_reads_and_changes_nothing(places: tuple[str, ...], copied: Path) -> None:
    before = contents(copied)
    said = hedgerow("plan", "--program", "demo", "--state", copied, "--json", *settings(places))
    assert said.status == 0
    assert "orders" in said.document
    assert contents(copied) == before


# -- the journal


def test_a_sound_journal_verifies(finished: Path) -> None:
    assert hedgerow("journal", "verify", "--state", finished).status == 0
    said = hedgerow("journal", "verify", "--state", finished, "--json")
    assert said.status == 0
    assert said.document["rows"] > 100


def test_a_journal_with_a_changed_row_does_not_verify(copied: Path) -> None:
    import sqlite3

    path = sorted((copied / "journal").glob("journal-*.sqlite"))[0]
    with sqlite3.connect(path) as db:
        db.execute("UPDATE journal SET at_ns = at_ns + 1 WHERE seq = 20")
    db.close()
    said = hedgerow("journal", "verify", "--state", copied)
    assert said.status == 1
    assert "cannot be trusted" in said.out


def test_rows_can_be_shown_by_number_kind_and_actor(finished: Path) -> None:
    rows = [
        json.loads(line) for line in hedgerow("journal", "show", "--last", "5", "--state", finished).out.splitlines()
    ]
    assert [row["seq"] for row in rows] == [1, 2, 3, 4, 5]
    regime = hedgerow("journal", "show", "--actor", "regime", "--state", finished).out.splitlines()
    assert {json.loads(line)["kind"] for line in regime} == {"RegimeDecided"}


def test_what_led_to_a_row_can_be_shown(finished: Path) -> None:
    fill = json.loads(hedgerow("journal", "show", "--kind", "Filled", "--state", finished).out.splitlines()[0])
    chain = hedgerow("journal", "causes", str(fill["seq"]), "--state", finished)
    assert chain.status == 0
    assert json.loads(chain.out.splitlines()[0])["seq"] == fill["seq"]


def test_the_hash_is_the_same_in_both_forms(finished: Path) -> None:
    plain = hedgerow("journal", "hash", "--state", finished).out.strip()
    assert hedgerow("journal", "hash", "--state", finished, "--json").document == {"content_hash": plain}


# -- configuration and data


def test_what_ships_has_no_problems() -> None:
    said = hedgerow("config", "check")
    assert said.status == 0
    assert said.out == "no problems\n"
    assert hedgerow("config", "check", "--json").document == []


def test_a_problem_in_a_file_is_status_one(tmp_path: Path) -> None:
    wrong = tmp_path / "mine.yaml"
    wrong.write_text("mode: papr\n")
    said = hedgerow("config", "check", wrong)
    assert said.status == 1
    assert "mine.yaml:1" in said.out


def test_the_effective_configuration_names_who_said_what(places: tuple[str, ...]) -> None:
    said = hedgerow("config", "show", "--program", "demo", "--effective", "--json", *settings(places))
    assert said.status == 0
    assert len(said.document["sha256"]) == 64
    assert "settings.data.lake_dir" in said.document["sources"]
    assert "sha256" in hedgerow("config", "show", "--program", "demo").out


@pytest.mark.parametrize("kind", ["settings", "program", "instruments"])
def test_schemas_are_json(kind: str) -> None:
    assert "$defs" in hedgerow("config", "schema", kind).document


def test_a_lake_is_described_and_checked(places: tuple[str, ...]) -> None:
    described = hedgerow("data", "describe", *settings(places))
    assert described.status == 0
    assert "SP500_INDEX" in described.out
    checked = hedgerow("data", "check", *settings(places), "--json")
    assert checked.status in (0, 1)
    assert isinstance(checked.document, list)


def test_a_csv_of_prices_comes_in_once(tmp_path: Path) -> None:
    prices = tmp_path / "mine.csv"
    prices.write_text("product,date,close\nACME,2023-05-01,10\nACME,2023-05-02,11\n")
    lake = tmp_path / "lake"
    first = hedgerow("data", "import", prices, "--to", lake, "--json")
    assert first.status == 0
    assert first.document["rows"] == 2
    assert hedgerow("data", "import", prices, "--to", lake, "--json").document["cached"] is True
    assert "user file mine.csv" in hedgerow("data", "describe", "--lake", lake).out
