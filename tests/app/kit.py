"""The command line as a person meets it: words in, a status and two texts out."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from unittest import mock

from app.cli import main
from engine.message import Message, Told
from ports.control import ControlPort

ROOT = Path(__file__).resolve().parents[2]
FIRST, LAST = "20080102", "20080331"
START_WITHIN_S = 40.0


class Said(NamedTuple):
    """What a command came to."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Its one JSON document."""
        return json.loads(self.out)

    @property
    def sentence(self) -> str:
        """The last line that a person reads first: what is wrong."""
        lines = [line for line in self.err.splitlines() if line.strip() and not line.startswith((" ", "Usage", "Try"))]
        return lines[-1] if lines else ""


def hedgerow(*words: str | Path) -> Said:
    """Run one command in this process. An error that the program does not explain is raised here."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    status = 0
    with (
        mock.patch.object(sys, "argv", ["hedgerow", *map(str, words)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
    return Said(status, _text(out), _text(err))


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()


def settings(places: Sequence[str]) -> list[str]:
    return [word for place in places for word in ("--set", place)]


def replay_words(places: Sequence[str], state: Path, *more: str) -> list[str]:
    """A short replay of the program on package data."""
    words = ["replay", "--program", "demo", "--from", FIRST, "--to", LAST, "--state", str(state)]
    return [*words, "--no-report", *settings(places), *more]


@contextlib.contextmanager
def running(words: Sequence[str | Path], state: Path) -> Iterator[subprocess.Popen[str]]:
    """A command in a process of its own, once its control port answers; killed at the end if it still lives."""
    command = [sys.executable, "-m", "app", *map(str, words)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True, env=_environment())
    try:
        deadline = time.monotonic() + START_WITHIN_S
        while not (state / "control.json").exists():
            assert process.poll() is None, f"it ended at once: {process.communicate()}"
            assert time.monotonic() < deadline, "it did not open its control port"
            time.sleep(0.02)
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("HEDGEROW_")}


def contents(folder: Path) -> dict[str, bytes]:
    """Every file under a folder, to the byte; without what readers of SQLite leave beside a file and what is empty."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.endswith("-shm")]
    found = {str(path.relative_to(folder)): path.read_bytes() for path in files}
    return {name: body for name, body in found.items() if body or not name.endswith("-wal")}


class Obeying(Protocol):
    """What stands for an engine behind its control port: it is told, and says how it is."""

    def tell(self, to: str, message: Message) -> Told: ...

    def status(self) -> dict[str, Any]: ...


async def obeyed(engine: Obeying, state: Path, *words: str) -> Said:
    """What a command says while the engine's control port is open."""
    port = ControlPort(state, engine.status, lambda reason: None)
    serving = asyncio.create_task(port.run(engine))  # type: ignore[arg-type]  # only `tell` is used
    while not (state / "control.json").exists():  # noqa: ASYNC110  # the port publishes a file and sets no event
        await asyncio.sleep(0)
    try:
        return await asyncio.to_thread(hedgerow, *words, "--state", str(state))
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
