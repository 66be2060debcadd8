"""A checkout in a temporary folder: `run` is the real one; its pip, uv and tools only note what they were asked."""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.project.house import ROOT

NOTE = """
import json, os, signal, sys, time
from pathlib import Path

def note(name, *extra):
    with open(os.environ["FAKE_LOG"], "a") as log:
        log.write(json.dumps([name, *sys.argv[1:], *extra]) + "\\n")

def script(path, body):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!" + sys.executable + "\\n" + os.environ["FAKE_NOTE"] + body)
    path.chmod(0o755)
"""

PIP = """
note("pip")
if sys.argv[1:3] == ["config", "list"]:
    print(os.environ.get("FAKE_PIP_CONFIG", ""))
if sys.argv[1] == "install":
    target = Path(sys.argv[sys.argv.index("--target") + 1])
    script(target / "bin" / "uv", os.environ["FAKE_UV"])
"""

UV = """
note("uv")
if os.environ.get("FAKE_FAILS") == "uv":
    sys.exit("uv says why")
if sys.argv[1] in ("sync", "venv"):
    for tool in ("hedgerow", "pytest", "ruff", "mypy", "lint-imports", "deptry"):
        script(Path(os.environ["UV_PROJECT_ENVIRONMENT"]) / "bin" / tool, os.environ["FAKE_TOOL"])
"""

TOOL = """
name = Path(sys.argv[0]).name
note(name)
waits = name == os.environ.get("FAKE_WAITS")
if waits:
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])  # so that none is lost before it is waited for
print(name, "is running in", os.getcwd(), flush=True)
if waits:
    signal.sigwait([signal.SIGINT])
    sys.exit(2)
sys.exit(7 if name == os.environ.get("FAKE_FAILS") else 0)
"""

DROP_ROOTS_RIGHT_TO_WRITE_ANYWHERE = """
import ctypes, os, sys
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1
if os.geteuid() == 0 and ctypes.CDLL(None, use_errno=True).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0) != 0:
    sys.exit("cannot drop a capability")
os.execv(sys.argv[1], sys.argv[1:])
"""
NO_RIGHT_TO_DROP = "cannot drop a capability"


class Checkout:
    """One folder with `run`, the lock and the project file in it, and a log of every tool that was called."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "a checkout"
        self.path.mkdir()
        for name in ("run", "uv.lock", "pyproject.toml"):
            shutil.copy2(ROOT / name, self.path / name)
        self.log = folder / "log"
        self.fakes = folder / "fakes"
        (self.fakes / "pip").mkdir(parents=True)
        (self.fakes / "pip" / "__init__.py").write_text("")
        (self.fakes / "pip" / "__main__.py").write_text(NOTE + PIP)
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "UV_", "PYTEST_"))}
        self.env = kept | {
            "PYTHONPATH": str(self.fakes),
            "FAKE_LOG": str(self.log),
            "FAKE_NOTE": NOTE,
            "FAKE_UV": textwrap.dedent(UV),
            "FAKE_TOOL": TOOL,
        }

    def command(self, *words: str, python: str = sys.executable) -> list[str]:
        return [python, str(self.path / "run"), *words]

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start `run` in a process group of its own, as a terminal would."""
        pipe = subprocess.PIPE
        return subprocess.Popen(
            self.command(*words), env=self.env, stdout=pipe, stderr=pipe, text=True, start_new_session=True
        )

    def run(
        self,
        *words: str,
        python: str = sys.executable,
        cwd: Path | None = None,
        obey_permissions: bool = False,
        env: dict[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run to the end; `obey_permissions` takes from root the right to write where the mode bits forbid it."""
        command = self.command(*words, python=python)
        if obey_permissions:
            command = [sys.executable, "-c", DROP_ROOTS_RIGHT_TO_WRITE_ANYWHERE, *command]
        done = subprocess.run(
            command,
            check=False,
            env=self.env | (env or {}),
            cwd=cwd,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        if done.stderr == NO_RIGHT_TO_DROP + "\n":
            pytest.skip("this container gives root no right to drop a capability")
        return done

    def called(self, *names: str) -> list[list[str]]:
        """The calls that were noted, of the named tools or of all, in order."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        calls: list[list[str]] = [json.loads(line) for line in lines]
        return [call for call in calls if not names or call[0] in names]

    def make_read_only(self) -> None:
        for folder in [self.path, *(path for path in self.path.rglob("*") if path.is_dir())]:
            folder.chmod(0o555)

    def make_writable(self) -> None:
        for folder in [self.path, *(path for path in self.path.rglob("*") if path.is_dir())]:
            folder.chmod(0o755)


def interrupt(process: subprocess.Popen[str]) -> None:
    """What a terminal does on Ctrl-C: the signal goes to the whole group."""
    os.killpg(process.pid, signal.SIGINT)
