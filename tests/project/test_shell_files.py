"""The files around the code: what git leaves out, what a container holds, what runs before a commit and in CI."""

import os
import re
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.project.house import PYPROJECT, ROOMS, ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()


def git_ignores(path: str) -> bool:
    done = subprocess.run(["git", "check-ignore", "--no-index", "-q", path], check=False, cwd=ROOT, capture_output=True)
    if done.returncode > 1:
        pytest.skip(f"not a git checkout: {done.stderr.decode().strip()}")
    return done.returncode == 0


@pytest.mark.parametrize("room", ROOMS)
def test_git_leaves_out_nothing_of_a_room(room: str) -> None:
    for name in ("x.py", "deep/er/x.py", "x.yaml", "build/x.py", "out/x.py"):
        assert not git_ignores(f"{room}/{name}"), f"{room}/{name}"


@pytest.mark.parametrize(
    "path", [".tools/lock", ".venv/bin/python", "engine/__pycache__/x.pyc", "demo.db", "demo.db-wal"]
)
def test_git_leaves_out_what_a_start_makes(path: str) -> None:
    assert git_ignores(path)


def test_the_container_takes_every_room_and_what_the_build_reads() -> None:
    copied = set(re.findall(r"^COPY (\w+) \1$", DOCKERFILE, re.MULTILINE))
    assert copied == set(ROOMS)
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert let_in == set(ROOMS) | {"pyproject.toml", "uv.lock", "README.md", "LICENSE", "NOTICE"}


def test_the_container_runs_as_nobody_special_and_says_how_it_is() -> None:
    final = DOCKERFILE.split("FROM ")[-1]
    assert re.search(r"^USER hedgerow$", final, re.MULTILINE)
    assert re.search(r'^HEALTHCHECK .*CMD \["hedgerow", "status", "--health"\]$', final, re.MULTILINE)


def test_the_container_and_run_use_one_uv(run_module: ModuleType) -> None:
    assert re.findall(r"uv==([\d.]+)", DOCKERFILE) == [run_module.UV_VERSION]


def test_hooks_before_a_commit_need_no_network() -> None:
    config: dict[str, Any] = YAML(typ="safe").load((ROOT / ".pre-commit-config.yaml").read_text())
    assert [repository["repo"] for repository in config["repos"]] == ["local"]
    hooks = config["repos"][0]["hooks"]
    assert {hook["language"] for hook in hooks} == {"system"}
    assert {Path(hook["entry"].split()[0]).name for hook in hooks} == {"ruff", "mypy", "lint-imports"}


TESTED = "['test'] ''\n"
PROVED = "['prove', '--cuts', 'all', '--seeds', '1000'] ''\n"


@pytest.mark.parametrize(
    ("fails", "status", "out"), [("test", 5, TESTED), ("prove", 5, TESTED + PROVED), ("neither", 0, TESTED + PROVED)]
)
def test_ci_runs_what_a_person_runs(tmp_path: Path, fails: str, status: int, out: str) -> None:
    (tmp_path / ".ci").mkdir()
    (tmp_path / ".ci" / "run").write_text((ROOT / ".ci" / "run").read_text())
    (tmp_path / "run").write_text(
        "import os, sys\nassert os.getcwd() == os.path.dirname(os.path.abspath(__file__))\n"
        f"print(sys.argv[1:], repr(sys.stdin.read()), flush=True)\nsys.exit(5 * (sys.argv[1] == {fails!r}))\n"
    )
    there = {**os.environ, "HEDGEROW_IB_INSYNC": str(tmp_path)}  # the older client is installed by whoever has pip
    done = subprocess.run(
        ["bash", tmp_path / ".ci" / "run"], check=False, cwd="/", capture_output=True, text=True, env=there
    )
    assert (done.returncode, done.stdout) == (status, out), done.stderr


def test_the_licence_is_the_one_that_is_declared() -> None:
    assert PYPROJECT["project"]["license"] == "Apache-2.0"
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_the_readmes_two_commands_are_commands_of_run(run_module: ModuleType) -> None:
    commands = re.findall(r"^python3 run (\w+)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert commands[:2] == ["demo", "test"]
    assert all(f"run {command}" in run_module.USAGE for command in commands[:2])
