"""The control port on real sockets: who may speak, what is not understood, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import stat
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.message import Message, Told
from model.decisions import Halt, ReduceOnly, Resume
from ports.control import ControlError, ControlPort, NotRunningError, request
from ports.control.server import LINE_LIMIT


class Listening:
    """The engine's side of a port: remembers what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Message]] = []
        self.stops: list[str] = []
        self.answer = Told.OK

    def tell(self, to: str, message: Message, cause: int = 0) -> Told:
        self.told.append((to, message))
        return self.answer


@asynccontextmanager
async def open_port(folder: Path, engine: Listening) -> AsyncIterator[asyncio.Task[None]]:
    """A control port that answers, until the block ends."""
    port = ControlPort(folder, lambda: {"mode": "TRADING"}, engine.stops.append)
    task = asyncio.create_task(port.run(engine))
    while not names(folder):
        await asyncio.wait([task], timeout=0)
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.json"))


async def ask(folder: Path, verb: str, **arguments: Any) -> dict[str, Any]:
    return await asyncio.to_thread(request, folder, verb, **arguments)


def address(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "control.json").read_text())
    return found


async def send(folder: Path, line: bytes) -> dict[str, Any] | None:
    """Send bytes as they are; None when the port hangs up without an answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", address(folder)["port"])
    try:
        writer.write(line)
        await writer.drain()
        answer = await reader.readline()
    except ConnectionError:
        return None
    finally:
        writer.close()
    return json.loads(answer) if answer else None


def command(folder: Path, **fields: Any) -> bytes:
    return (json.dumps({"token": address(folder)["token"], **fields}) + "\n").encode()


# -- words that are understood


@pytest.mark.parametrize(
    ("verb", "message"),
    [
        ("halt", Halt("fire", "anna")),
        ("reduce_only", ReduceOnly("fire", "anna")),
        ("resume", Resume("fire", "anna")),
    ],
)
async def test_a_command_is_told_to_system_with_its_reason_and_who_gave_it(
    tmp_path: Path, verb: str, message: Message
) -> None:
    engine = Listening()
    async with open_port(tmp_path, engine):
        assert await ask(tmp_path, verb, reason="fire", by="anna") == {"ok": True}
    assert engine.told == [("system", message)]


async def test_status_is_answered_and_stop_is_asked_for_without_a_word_to_an_actor(tmp_path: Path) -> None:
    engine = Listening()
    async with open_port(tmp_path, engine):
        assert (await ask(tmp_path, "status"))["status"] == {"mode": "TRADING"}
        await ask(tmp_path, "stop", reason="Friday")
        await ask(tmp_path, "stop")
    assert engine.told == []
    assert engine.stops == ["Friday", "asked by an operator"]


async def test_many_at_once_are_all_answered(tmp_path: Path) -> None:
    engine = Listening()
    async with open_port(tmp_path, engine):
        await asyncio.gather(*(ask(tmp_path, "halt", reason=str(place)) for place in range(20)))
        reasons = sorted(int(message.reason) for _, message in engine.told if isinstance(message, Halt))
    assert reasons == list(range(20))


async def test_one_that_says_nothing_does_not_keep_another_waiting(tmp_path: Path) -> None:
    async with open_port(tmp_path, Listening()):
        _, silent = await asyncio.open_connection("127.0.0.1", address(tmp_path)["port"])
        assert (await ask(tmp_path, "status"))["ok"]
        silent.close()


async def test_a_full_control_lane_is_an_error_that_says_so(tmp_path: Path) -> None:
    engine = Listening()
    engine.answer = Told.FULL
    async with open_port(tmp_path, engine):
        with pytest.raises(ControlError, match="control lane is full"):
            await ask(tmp_path, "halt")


# -- who may speak


async def test_only_the_owner_may_read_the_token(tmp_path: Path) -> None:
    async with open_port(tmp_path, Listening()):
        assert stat.S_IMODE((tmp_path / "control.json").stat().st_mode) == 0o600
        assert address(tmp_path)["pid"] == os.getpid()
        assert len(address(tmp_path)["token"]) == 32


async def test_the_token_changes_with_every_start(tmp_path: Path) -> None:
    async with open_port(tmp_path, Listening()):
        first = address(tmp_path)["token"]
    async with open_port(tmp_path, Listening()):
        assert address(tmp_path)["token"] != first


async def test_a_wrong_token_is_refused_and_nothing_is_told(tmp_path: Path) -> None:
    engine = Listening()
    async with open_port(tmp_path, engine):
        found = {**address(tmp_path), "token": "0" * 32}
        (tmp_path / "control.json").write_text(json.dumps(found))
        with pytest.raises(ControlError, match="the token is wrong"):
            await ask(tmp_path, "halt", reason="a stranger")
    assert engine.told == []


# -- what is not understood

GARBAGE: dict[str, tuple[bytes, str]] = {
    "nothing but a line's end": (b"\n", "not JSON"),
    "words": (b"halt please\n", "not JSON"),
    "bytes that are no text": (b"\xff\xfe\x00\n", "not JSON"),
    "half a document": (b'{"token": "\n', "not JSON"),
    "brackets without end": (b"[" * 8_000 + b"\n", "not JSON"),
    "a list": (b"[1, 2]\n", "carries no token"),
    "a number": (b"7\n", "carries no token"),
    "nothing inside": (b"{}\n", "carries no token"),
    "a token that is a number": (b'{"token": 7, "verb": "halt"}\n', "carries no token"),
    "an empty token": (b'{"token": "", "verb": "halt"}\n', "the token is wrong"),
    "a token that is half a character": (b'{"token": "\\ud800", "verb": "halt"}\n', "the token is wrong"),
    "a browser": (b"GET / HTTP/1.1\r\n", "not JSON"),
}


@pytest.mark.parametrize(("line", "says"), GARBAGE.values(), ids=GARBAGE)
async def test_garbage_is_answered_with_a_sentence_and_does_nothing(tmp_path: Path, line: bytes, says: str) -> None:
    engine = Listening()
    async with open_port(tmp_path, engine):
        answer = await send(tmp_path, line)
        assert answer is not None
        assert answer["ok"] is False
        assert says in answer["error"]
        assert (await ask(tmp_path, "status"))["ok"]
    assert (engine.told, engine.stops) == ([], [])


@pytest.mark.parametrize("verb", ["HALT", "", "sell everything", None, 3, ["halt"]])
async def test_a_word_that_is_no_command_is_refused_with_those_there_are(tmp_path: Path, verb: Any) -> None:
    engine = Listening()
    async with open_port(tmp_path, engine):
        answer = await send(tmp_path, command(tmp_path, verb=verb))
    assert answer is not None
    assert "there are status, halt, reduce_only, resume and stop" in answer["error"]
    assert engine.told == []


async def test_a_line_without_end_is_hung_up_on(tmp_path: Path) -> None:
    engine = Listening()
    async with open_port(tmp_path, engine):
        assert await send(tmp_path, b"x" * (4 * LINE_LIMIT)) is None
        with pytest.raises(ControlError):
            await ask(tmp_path, "halt", reason="x" * (4 * LINE_LIMIT))
        assert (await ask(tmp_path, "status"))["ok"]
    assert engine.told == []


async def test_a_reason_that_is_no_text_is_told_in_characters_that_a_journal_can_keep(tmp_path: Path) -> None:
    """A shell may pass bytes that are no UTF-8; Python keeps each as half a surrogate pair."""
    engine = Listening()
    async with open_port(tmp_path, engine):
        await ask(tmp_path, "halt", reason=b"fire \xff".decode("utf-8", "surrogateescape"), by="anna")
    assert engine.told == [("system", Halt("fire ?", "anna"))]


# -- how it ends


async def test_a_port_that_has_stopped_leaves_no_address(tmp_path: Path) -> None:
    async with open_port(tmp_path, Listening()):
        pass
    assert names(tmp_path) == []
    with pytest.raises(NotRunningError, match="no engine runs on"):
        await ask(tmp_path, "status")


async def test_stopping_does_not_wait_for_one_who_is_still_talking(tmp_path: Path) -> None:
    async with open_port(tmp_path, Listening()) as task:
        reader, writer = await asyncio.open_connection("127.0.0.1", address(tmp_path)["port"])
        writer.write(b'{"token": ')
        await writer.drain()
        assert (await ask(tmp_path, "status"))["ok"]
        task.cancel()
        async with asyncio.timeout(5):  # he could go on talking for ten seconds
            with contextlib.suppress(asyncio.CancelledError):
                await task
            assert await reader.read() == b""
        writer.close()


def test_an_address_that_a_killed_engine_left_says_that_it_did_not_stop_cleanly(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: a connection is refused
        (tmp_path / "control.json").write_text(json.dumps({"port": taken.getsockname()[1], "token": "x", "pid": 1}))
        with pytest.raises(NotRunningError, match="did not stop cleanly"):
            request(tmp_path, "status")


ADDRESSES = {
    "empty": "",
    "no JSON": "port=1",
    "a list": "[]",
    "no port": '{"token": "x"}',
    "no token": '{"port": 1}',
    "a word for a port": '{"port": "many", "token": "x"}',
    "a port beyond all ports": '{"port": 70000, "token": "x"}',
    "a negative port": '{"port": -1, "token": "x"}',
}


@pytest.mark.parametrize("text", ADDRESSES.values(), ids=ADDRESSES)
def test_a_damaged_address_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "control.json").write_text(text)
    with pytest.raises(ControlError, match=r"control\.json is not an address file"):
        request(tmp_path, "status")


@contextlib.contextmanager
def somebody_else(folder: Path, talk: Callable[[socket.socket], None]) -> Iterator[None]:
    """Another program on the port that an address file names."""
    import threading

    with socket.create_server(("127.0.0.1", 0)) as server:
        (folder / "control.json").write_text(json.dumps({"port": server.getsockname()[1], "token": "x", "pid": 1}))

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                talk(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()


STRANGERS = {
    "a web server": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "a list": b"[]\n",
    "a word": b'"ok"\n',
    "bytes that are no text": b"\xff\xfe\n",
    "half an answer": b'{"ok": tr',
}


@pytest.mark.parametrize("answer", STRANGERS.values(), ids=STRANGERS)
def test_an_answer_that_no_engine_gives_is_an_error_that_says_so(tmp_path: Path, answer: bytes) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(1_000)
        connection.sendall(answer)

    with somebody_else(tmp_path, talk), pytest.raises(ControlError, match="is no engine's answer"):
        request(tmp_path, "status")


def test_an_engine_that_hangs_up_without_a_word_is_an_error_that_says_so(tmp_path: Path) -> None:
    with (
        somebody_else(tmp_path, lambda connection: None),
        pytest.raises(ControlError, match=r"without an answer|reset"),
    ):
        request(tmp_path, "status")


def test_an_engine_that_does_not_answer_is_given_up_after_the_time_asked_for(tmp_path: Path) -> None:
    def talk(connection: socket.socket) -> None:
        while connection.recv(1_000):
            pass  # until the caller hangs up

    with somebody_else(tmp_path, talk), pytest.raises(ControlError, match=r"did not answer within 0\.2 s"):
        request(tmp_path, "status", timeout_s=0.2)
