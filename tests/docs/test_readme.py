"""Every command of the README runs, in its order, in an empty folder; what it shows of one order is what is printed.

The lines are run as they stand, with two exceptions that save time. In the folder `run` is a stand-in for the real one:
`test` only collects the tests of tests/project, `demo` gets a month of package data in two seconds, and everything else
goes to the command line of this checkout. And a line that is `python3 run COMMAND` alone is called in this process, as
`hedgerow COMMAND` would be. The real `run` is tested in tests/project/test_run_file.py.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.kit import hedgerow
from tests.docs.pages import code_blocks, read
from tests.project.house import ROOT

RUN = f"""
import os, sys
words = sys.argv[1:]
python = {sys.executable!r}
if words == ["test"]:
    os.execv(python, [python, "-m", "pytest", "--collect-only", "-q", "--rootdir", {str(ROOT)!r},
                      "-c", {str(ROOT / "pyproject.toml")!r}, {str(ROOT / "tests" / "project")!r}])
if words == ["demo"]:
    words += ["--seconds", "2", "--package-data", "--from", "20080102", "--to", "20080131"]
os.execv(python, [python, "-m", "app", *words])
"""
LASTING = "python3 run run "
DIRECT = re.compile(r"python3 run (?!run|demo|test)")
CUT = "…"


def commands() -> list[str]:
    """Every line of every sh block."""
    return [line for block in code_blocks(read("README.md"), "sh") for line in block.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder with the stand-in, the scripts, and this interpreter where the checkout has its own."""
    place = tmp_path_factory.mktemp("checkout")
    (place / "run").write_text(RUN)
    (place / "scripts").symlink_to(ROOT / "scripts")
    (place / ".venv" / "bin").mkdir(parents=True)
    python = place / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    return place


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HEDGEROW", "PYTEST", "COV"))}
    return kept | {"PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}


@pytest.fixture(scope="module")
def lasting(folder: Path, environment: dict[str, str]) -> Iterator[list[subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()


def start(line: str, folder: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """A command that goes on by itself, once its engine answers."""
    with (folder / "lasting.log").open("wb") as log:
        process = subprocess.Popen(
            ["bash", "-c", f"exec {line}"],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
        )
    deadline = time.monotonic() + 60
    while not (folder / "var" / "paper" / "control.json").exists():
        assert process.poll() is None, (folder / "lasting.log").read_text()
        assert time.monotonic() < deadline, "the engine did not come up"
        time.sleep(0.05)
    return process


def called(line: str, folder: Path, environment: dict[str, str]) -> tuple[int, str, str]:
    """Status and both texts of one line."""
    if DIRECT.match(line):
        return hedgerow(*shlex.split(line)[2:])
    done = subprocess.run(
        ["bash", "-c", line], cwd=folder, env=environment, capture_output=True, text=True, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


@pytest.mark.timeout(300)
def test_every_command_runs_in_its_order(
    folder: Path,
    environment: dict[str, str],
    lasting: list[subprocess.Popen[bytes]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(folder)
    for name in [name for name in os.environ if name.startswith("HEDGEROW")]:
        monkeypatch.delenv(name)
    said: dict[str, str] = {}
    for line in commands():
        if line.startswith(LASTING):
            lasting.append(start(line, folder, environment))
            continue
        status, said[line], wrong = called(line, folder, environment)
        assert status == 0, f"{line}\n{said[line]}{wrong}"
    assert len(said) > 20
    assert [process.wait(20) for process in lasting] == [0]
    explained = next(out for line, out in said.items() if "explain SP500_INDEX" in line)
    assert_shown(code_blocks(read("README.md"), "text")[-1], explained)


def assert_shown(shown: str, printed: str) -> None:
    """Each line that is shown is printed, in this order; `…` stands for what was cut out."""
    joined = re.sub(r"\n {20,}", CUT, shown)  # a line that was broken goes on far to the right
    found = iter(printed.splitlines())
    for line in joined.splitlines():
        pieces = [re.escape(piece.strip()) for piece in line.split(CUT)]
        pattern = re.compile(".*".join(pieces))
        assert any(pattern.search(real) for real in found), f"the README shows {line!r}, printed is\n{printed}"


def test_the_picture_is_small_enough_to_load_at_once() -> None:
    assert (ROOT / "docs" / "images" / "demo-report.png").stat().st_size < 200_000


def test_the_readme_says_what_it_is_in_three_lines() -> None:
    assert len(read("README.md").split("\n\n")[1].splitlines()) == 3
