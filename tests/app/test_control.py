"""An operator and a running engine: halt, resume, stop, and what the control port does with rubbish."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.message import Told
from engine.port_supervisor import Outdoors
from ports.control import ControlPort
from tests.app.kit import hedgerow, replay_words, running

SLOW = ("--speed", "3", "--json")


@pytest.fixture(scope="module")
def engine(places: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The state folder of an engine that goes through three months in half a minute, and is stopped by force after."""
    state = tmp_path_factory.mktemp("live") / "state"
    with running(replay_words(places, state, *SLOW), state):
        yield state


def address(state: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((state / "control.json").read_text())
    return found


def say(state: Path, line: bytes) -> bytes:
    """One line on the raw socket, and what comes back."""
    with socket.create_connection(("127.0.0.1", address(state)["port"]), timeout=5) as connection:
        try:
            connection.sendall(line)
            return connection.makefile("rb").readline()
        except ConnectionError:
            return b""


def refusal(state: Path, line: bytes) -> str:
    answer = json.loads(say(state, line))
    assert answer["ok"] is False
    return str(answer["error"])


def test_only_its_user_can_read_the_token(engine: Path) -> None:
    assert (engine / "control.json").stat().st_mode & 0o777 == 0o600


def test_a_wrong_token_is_refused_and_changes_nothing(engine: Path) -> None:
    line = json.dumps({"token": "0" * 32, "verb": "halt"}).encode() + b"\n"
    assert refusal(engine, line) == "the token is wrong"
    assert hedgerow("status", "--state", engine, "--json").document["mode"] != "HALTED"


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"\xff\xfe\x00rubbish\n", "the command is not JSON"),
        (b"[1, 2]\n", "the command carries no token"),
        (b'{"verb": "halt"}\n', "the command carries no token"),
        (b'{"token": 7, "verb": "halt"}\n', "the command carries no token"),
        (b"\n", "the command is not JSON"),
    ],
)
def test_rubbish_is_refused_in_words(engine: Path, line: bytes, error: str) -> None:
    assert refusal(engine, line) == error


def test_an_unknown_word_is_answered_with_those_there_are(engine: Path) -> None:
    line = json.dumps({"token": address(engine)["token"], "verb": "sell everything"}).encode() + b"\n"
    assert "there are status, halt, reduce_only, resume and stop" in refusal(engine, line)


def test_a_line_without_end_is_hung_up_on(engine: Path) -> None:
    assert say(engine, b"x" * 100_000) == b""
    assert hedgerow("status", "--health", "--state", engine).status == 0


def test_two_clients_are_answered_at_once(engine: Path) -> None:
    line = json.dumps({"token": address(engine)["token"], "verb": "status"}).encode() + b"\n"
    with socket.create_connection(("127.0.0.1", address(engine)["port"]), timeout=5):  # says nothing and waits
        answers: list[bytes] = []
        askers = [threading.Thread(target=lambda: answers.append(say(engine, line))) for _ in range(8)]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()
    assert [json.loads(answer)["ok"] for answer in answers] == [True] * 8


def test_status_of_a_running_engine_is_nought(engine: Path) -> None:
    said = hedgerow("status", "--state", engine, "--json")
    assert said.status == 0
    assert said.document["running"] is True
    assert said.document["program"] == "demo"


def test_a_second_engine_on_the_same_folder_is_refused(engine: Path, places: tuple[str, ...]) -> None:
    said = hedgerow(*replay_words(places, engine))
    assert said.status == 2
    assert "another engine" in said.sentence
    assert str(address(engine)["pid"]) in said.sentence
    assert hedgerow("status", "--health", "--state", engine).status == 0


def test_down_is_an_order_and_up_needs_a_reason(engine: Path) -> None:
    reduced = hedgerow("reduce-only", "--reason", "test", "--state", engine)
    assert (reduced.status, reduced.out) == (0, "REDUCE_ONLY: test\n")
    halted = hedgerow("halt", "--reason", "thin markets", "--state", engine, "--json")
    assert halted.status == 0
    assert halted.document["mode"] == "HALTED"
    assert halted.document["mode_reason"] == "thin markets"
    assert hedgerow("status", "--health", "--state", engine).status == 1
    assert hedgerow("resume", "--state", engine).status == 2
    resumed = hedgerow("resume", "--reason", "looked at it", "--yes", "--state", engine)
    assert (resumed.status, resumed.out) == (0, "TRADING: looked at it\n")


def test_a_halt_while_orders_work_cancels_them_and_keeps_the_books(places: tuple[str, ...], tmp_path: Path) -> None:
    state = tmp_path / "state"
    with running(replay_words(places, state, *SLOW), state) as process:
        while not (status := hedgerow("status", "--state", state, "--json").document)["working"]:
            assert process.poll() is None, "it ended before an order was at work"
        assert hedgerow("halt", "--reason", "now", "--state", state).status == 0
        after = status
        for _ in range(200):
            after = hedgerow("status", "--state", state, "--json").document
            if not after["working"]:
                break
        assert after["working"] == []
        assert hedgerow("stop", "--state", state).out == "stopped\n"
        _, err = process.communicate(timeout=30)
    assert process.returncode == 4
    assert "hedgerow: the engine halted: now" in err
    assert hedgerow("journal", "verify", "--state", state).status == 0
    rows = hedgerow("journal", "show", "--kind", "ModeEntered", "--state", state).out.splitlines()
    assert "HALTED" in [json.loads(row)["event"]["mode"] for row in rows]


async def test_whoever_finds_the_address_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was published before anybody listened there: an operator's halt heard that no engine runs."""
    usual, answered = Path.replace, asyncio.Event()

    def found_at_once(draft: Path, place: Path) -> Path:
        port = json.loads(draft.read_text())["port"]
        with socket.create_connection(("127.0.0.1", port), timeout=5.0):
            answered.set()
        return usual(draft, place)

    monkeypatch.setattr(Path, "replace", found_at_once)
    serving = asyncio.create_task(
        ControlPort(tmp_path, dict, lambda reason: None).run(Outdoors("control", lambda *_: Told.OK, lambda: False))
    )
    await asyncio.wait({serving, asyncio.create_task(answered.wait())}, return_when=asyncio.FIRST_COMPLETED)
    assert answered.is_set()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


@pytest.mark.parametrize("word", ["stop", "SIGTERM", "SIGINT"])
def test_it_stops_cleanly_and_goes_on_from_there(places: tuple[str, ...], tmp_path: Path, word: str) -> None:
    state = tmp_path / "state"
    with running(replay_words(places, state, *SLOW), state) as process:
        if word == "stop":
            assert hedgerow("stop", "--state", state).out == "stopped\n"
        else:
            os.kill(process.pid, getattr(signal, word))
        assert process.wait(30) == 0
    assert not (state / "control.json").exists()
    assert hedgerow("status", "--state", state, "--json").document["mode"] == "SAFE_STOP"
    assert hedgerow("stop", "--state", state).status == 3
    with running(replay_words(places, state, *SLOW), state):
        assert hedgerow("status", "--health", "--state", state).status == 0
