"""`run`, the file a newcomer starts: its promises, shown on checkouts whose pip, uv and tools are stand-ins."""

import ast
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.project.checkout import Checkout, interrupt
from tests.project.house import ROOT

GATES = ["ruff check .", "ruff format --check .", "mypy", "lint-imports", "deptry --no-ansi ."]


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    made = Checkout(tmp_path)
    yield made
    made.make_writable()


def python_with_pip() -> str:
    base: str = getattr(sys, "_base_executable", sys.executable)
    if subprocess.run([base, "-c", "import pip"], check=False, capture_output=True).returncode:
        pytest.skip(f"{base} has no pip to be refused by")
    return base


def old_pythons() -> list[str]:
    """Interpreters below 3.11 that this machine happens to have, on PATH or in pyenv's usual place."""
    names = [f"python3.{minor}" for minor in range(6, 11)]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [shutil.which(name) for name in names]
    candidates += [str(path) for name in names for path in sorted(pyenv.glob(f"*/bin/{name}"))]
    return [path for path in candidates if path and starts(path)]


def starts(python: str) -> bool:
    return subprocess.run([python, "-V"], check=False, capture_output=True).returncode == 0


def one_sentence(stderr: str) -> str:
    """The only line on stderr that is not progress, which must be a whole sentence of ours."""
    lines = [line for line in stderr.splitlines() if not line.endswith("(once)")]
    assert len(lines) == 1, stderr
    assert lines[0].startswith("hedgerow: ")
    return lines[0]


def test_it_parses_where_python_is_too_old_to_run_it() -> None:
    ast.parse((ROOT / "run").read_text(), feature_version=(3, 6))


def test_an_older_python_is_told_in_one_sentence() -> None:
    pretend = "import sys; sys.version_info = (3, 10, 9, 'final', 0); exec(open(sys.argv[1]).read())"
    done = subprocess.run([sys.executable, "-c", pretend, ROOT / "run"], check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Python 3.11 or newer is needed" in one_sentence(done.stderr)


def test_real_older_pythons_are_told_in_one_sentence(checkout: Checkout) -> None:
    found = old_pythons()
    if not found:
        pytest.skip("no Python between 3.6 and 3.10 on PATH or in pyenv's usual place")
    for python in found:
        done = checkout.run("demo", python=python)
        assert done.returncode == 1
        assert "Python 3.11 or newer is needed" in one_sentence(done.stderr)
    assert not (checkout.path / ".tools").exists()


@pytest.mark.parametrize(("words", "code"), [([], 2), (["help"], 0), (["--help"], 0)])
def test_it_says_what_it_knows_and_installs_nothing(checkout: Checkout, words: list[str], code: int) -> None:
    done = checkout.run(*words)
    assert done.returncode == code
    for command in ("run demo", "run test", "run doctor", "run COMMAND"):
        assert command in done.stdout
    assert checkout.called() == []
    assert not (checkout.path / ".tools").exists()


def test_it_works_from_any_directory_and_stays_there(checkout: Checkout, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = checkout.run("demo", "--seed", "7", cwd=elsewhere)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"hedgerow is running in {elsewhere}\n"
    assert checkout.called("hedgerow") == [["hedgerow", "demo", "--seed", "7"]]
    assert list(elsewhere.iterdir()) == []


def test_a_command_keeps_its_exit_code(checkout: Checkout) -> None:
    assert checkout.run("frobnicate", env={"FAKE_FAILS": "hedgerow"}).returncode == 7
    assert checkout.called("hedgerow") == [["hedgerow", "frobnicate"]]


def test_uv_is_asked_for_by_hash(checkout: Checkout) -> None:
    checkout.run("demo")
    install = checkout.called("pip")[0]
    assert install[:2] == ["pip", "install"]
    assert "--require-hashes" in install
    pins = Path(install[install.index("--requirement") + 1]).read_text()
    assert re.match(r"uv==[\d.]+( --hash=sha256:[0-9a-f]{64}){10,}$", pins)


def test_a_second_start_installs_nothing(checkout: Checkout) -> None:
    checkout.run("demo")
    before = checkout.called("pip", "uv")
    second = checkout.run("demo")
    assert second.stderr == ""
    assert checkout.called("pip", "uv") == before


def test_a_changed_lock_is_installed_again_with_the_same_uv(checkout: Checkout) -> None:
    checkout.run("demo")
    with open(checkout.path / "uv.lock", "a") as lock:
        lock.write("# a package was added\n")
    checkout.run("demo")
    assert len(checkout.called("uv")) == 2
    assert len([call for call in checkout.called("pip") if call[1] == "install"]) == 1


def test_an_installation_that_failed_is_not_trusted_later(checkout: Checkout) -> None:
    lock = checkout.path / "uv.lock"
    before = lock.read_text()
    assert checkout.run("demo").returncode == 0
    lock.write_text(before + "# a package was added\n")
    failed = checkout.run("demo", env={"FAKE_FAILS": "uv"})
    assert failed.returncode == 1
    assert "uv says why" in failed.stderr
    assert failed.stderr.endswith("could not be installed; uv's own words are above.\n")
    lock.write_text(before)
    assert checkout.run("demo").returncode == 0
    assert len(checkout.called("uv")) == 3


def test_tests_need_more_packages_than_the_demo_and_the_demo_keeps_them(checkout: Checkout) -> None:
    checkout.run("demo")
    checkout.run("test", "-k", "name")
    checkout.run("demo")
    runtime, everything = checkout.called("uv")
    assert "--no-default-groups" in runtime
    assert "--inexact" in runtime
    assert "--all-groups" in everything


def test_two_cold_starts_at_once_both_pass_and_install_once(checkout: Checkout) -> None:
    starts = [checkout.start("demo"), checkout.start("demo")]
    ends = [start.communicate() for start in starts]
    assert [start.returncode for start in starts] == [0, 0], ends
    assert len([call for call in checkout.called("pip") if call[1] == "install"]) == 1
    assert len(checkout.called("uv")) == 1
    assert not list((checkout.path / ".tools").glob("*.tmp-*"))


def test_what_a_killed_start_left_is_cleared_away(checkout: Checkout) -> None:
    left = checkout.path / ".tools" / "uv-0.0.1.tmp-123"
    left.mkdir(parents=True)
    assert checkout.run("demo").returncode == 0
    assert not left.exists()


def test_nothing_is_written_outside_the_checkout(checkout: Checkout, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    assert checkout.run("demo", env={"HOME": str(home)}).returncode == 0
    assert list(home.iterdir()) == []
    names = {path.name for path in checkout.path.iterdir()}
    assert names == {"run", "uv.lock", "pyproject.toml", ".tools", ".venv"}


def test_a_read_only_checkout_is_told_in_one_sentence(checkout: Checkout) -> None:
    checkout.make_read_only()
    done = checkout.run("demo", obey_permissions=True)
    assert done.returncode == 1
    assert "that you may write to" in one_sentence(done.stderr)


def test_a_checkout_that_is_set_up_may_be_read_only(checkout: Checkout) -> None:
    checkout.run("demo")
    checkout.make_read_only()
    done = checkout.run("status", obey_permissions=True)
    assert done.returncode == 0, done.stderr
    assert checkout.called("hedgerow")[-1] == ["hedgerow", "status"]


def test_an_incomplete_checkout_is_told_in_one_sentence(checkout: Checkout) -> None:
    (checkout.path / "uv.lock").unlink()
    done = checkout.run("demo")
    assert done.returncode == 1
    assert "uv.lock" in one_sentence(done.stderr)


def test_a_python_without_pip_is_told_in_one_sentence(checkout: Checkout, tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", with_pip=False, symlinks=True)
    done = checkout.run("demo", python=str(tmp_path / "bare" / "bin" / "python"), env={"PYTHONPATH": ""})
    assert done.returncode == 1
    assert "has no pip module" in one_sentence(done.stderr)


def test_an_index_that_cannot_be_reached_is_told_in_one_sentence(checkout: Checkout) -> None:
    dead = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0"}
    dead |= {"PIP_CONFIG_FILE": os.devnull, "PYTHONPATH": ""}
    done = checkout.run("demo", python=python_with_pip(), env=dead)
    assert done.returncode == 1
    assert "is pip's package index reachable?" in one_sentence(done.stderr)
    assert not list((checkout.path / ".tools").glob("uv-*"))


def test_a_uv_with_other_bytes_is_refused(checkout: Checkout, run_module: ModuleType, tmp_path: Path) -> None:
    version = run_module.UV_VERSION
    with zipfile.ZipFile(tmp_path / f"uv-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"uv-{version}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: uv\nVersion: {version}\n")
        wheel.writestr(f"uv-{version}.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"uv-{version}.dist-info/RECORD", "")
    local = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path), "PIP_CONFIG_FILE": os.devnull, "PYTHONPATH": ""}
    done = checkout.run("demo", python=python_with_pip(), env=local)
    assert done.returncode == 1
    assert "DO NOT MATCH THE HASHES" in one_sentence(done.stderr)
    assert not list((checkout.path / ".tools").glob("uv-*"))


def test_a_mirror_that_pip_knows_is_used(checkout: Checkout) -> None:
    done = checkout.run("demo", env={"FAKE_PIP_CONFIG": "global.index-url='https://mirror.example/simple'"})
    assert done.returncode == 0, done.stderr
    assert [call[1] for call in checkout.called("uv")] == ["export", "venv", "pip", "pip"]
    assert "--require-hashes" in checkout.called("uv")[2]


def test_pips_settings_reach_uv_in_uvs_words(run_module: ModuleType) -> None:
    listed = r"""
        global.index-url='https://global.example/simple'
        install.index-url='https://install.example/simple'
        global.extra-index-url='\nhttps://one.example/simple\nhttps://two.example/simple'
        :env:.find-links='wheels more'
        global.timeout='60'
        wheel.find-links='not ours'
    """
    assert run_module.uv_settings("\n".join(line.strip() for line in listed.splitlines())) == {
        "UV_DEFAULT_INDEX": "https://install.example/simple",
        "UV_INDEX": "https://one.example/simple https://two.example/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": "wheels,more",
    }
    assert run_module.uv_settings("") == {}


def test_test_runs_pytest_on_two_workers_and_then_every_gate(checkout: Checkout) -> None:
    done = checkout.run("test")
    assert done.returncode == 0, done.stderr
    pytest_call, *gates = [" ".join(call) for call in checkout.called() if call[0] not in ("pip", "uv")]
    assert pytest_call == "pytest -n 2"
    assert gates == GATES
    assert done.stdout.splitlines()[-1] == "run test: tests and gates passed"


@pytest.mark.parametrize("tool", ["pytest", "ruff", "mypy", "lint-imports", "deptry"])
def test_one_failure_fails_the_whole_and_the_rest_still_runs(checkout: Checkout, tool: str) -> None:
    done = checkout.run("test", env={"FAKE_FAILS": tool})
    assert done.returncode == 1
    assert tool in done.stdout.splitlines()[-1]
    assert [" ".join(call) for call in checkout.called() if call[0] not in ("pip", "uv", "pytest")] == GATES


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (["-k", "name"], ["pytest", "-k", "name"]),
        (["--fast"], ["pytest", "-n", "2"]),
        (["--fast", "-x"], ["pytest", "-n", "2", "-x"]),
    ],
)
def test_arguments_for_pytest_run_pytest_alone(checkout: Checkout, words: list[str], asked: list[str]) -> None:
    assert checkout.run("test", *words).returncode == 0
    assert checkout.run("test", *words, env={"FAKE_FAILS": "pytest"}).returncode == 7
    assert [call for call in checkout.called() if call[0] not in ("pip", "uv")] == [asked, asked]


@pytest.mark.parametrize(("words", "waits", "code"), [(["test", "-x"], "pytest", 130), (["demo"], "hedgerow", 2)])
def test_an_interrupt_is_quiet(checkout: Checkout, words: list[str], waits: str, code: int) -> None:
    checkout.env["FAKE_WAITS"] = waits
    start = checkout.start(*words)
    assert start.stdout is not None
    assert start.stdout.readline().startswith(waits)
    interrupt(start)
    _, stderr = start.communicate(timeout=30)
    assert start.returncode == code
    assert "Traceback" not in stderr
    assert [line for line in stderr.splitlines() if not line.startswith("hedgerow: ")] == []
