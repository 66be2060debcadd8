"""Whoever copies the tests of docs/stage.md has tests that pass."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from simulation.stage import Stage
from tests.docs.pages import code_blocks, read
from tests.project.house import ROOT

PAGE = "docs/stage.md"


def test_every_test_of_the_page_passes(tmp_path: Path) -> None:
    blocks = code_blocks(read(PAGE), "python")
    assert len(blocks) >= 4
    for number, block in enumerate(blocks):
        (tmp_path / f"test_{number}.py").write_text(block)
    words = ["-q", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert f"{sum(block.count('def test_') for block in blocks)} passed" in done.stdout


def test_every_word_of_the_hand_in_the_tables_exists() -> None:
    stage = Stage()
    words = set(re.findall(r"`stage\.venue\.(\w+)", read(PAGE)))
    assert len(words) > 10
    assert not [word for word in words if not hasattr(stage.venue, word)]
    own = set(re.findall(r"`stage\.(\w+)", read(PAGE)))
    assert len(own) > 10
    assert not [word for word in own if not hasattr(stage, word)]
