"""What the port's code must not do."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOM = Path(__file__).parents[2] / "ports" / "ib"
SPEAKS = {"wire.py", "forms.py"}
"""The only modules that know the client library."""


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


@pytest.mark.parametrize("path", sorted(ROOM.glob("*.py")), ids=lambda path: path.stem)
def test_only_two_modules_know_the_client_library(path: Path) -> None:
    knows = any(name.partition(".")[0] == "ib_async" for name in imported(path))
    assert knows == (path.name in SPEAKS)


def test_importing_the_port_does_not_import_the_client_library() -> None:
    script = "import sys, ports.ib, ports.ib.history, ports.ib.doctor; sys.exit('ib_async' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOM.parents[1], check=False).returncode == 0


def test_the_librarys_own_notion_of_a_trade_is_used_nowhere() -> None:
    for path in ROOM.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert ".trades()" not in text
        assert "orderStatus.status" not in text
        assert "reqGlobalCancel" not in text  # it hits orders that are not ours
