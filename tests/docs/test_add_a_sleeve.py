"""Whoever follows docs/add-a-sleeve.md to the letter has a strategy that trades."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import code_blocks, read
from tests.project.house import ROOMS, ROOT

PAGE = "docs/add-a-sleeve.md"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the rooms with the page's two files in it."""
    folder = tmp_path_factory.mktemp("copy")
    for room in ROOMS:
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    page = read(PAGE)
    (folder / "sleeves" / "breakout.py").write_text(code_blocks(page, "python")[0])
    (folder / "mine.yaml").write_text(code_blocks(page, "yaml")[0])
    return folder


def run(copy: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "app", *words], cwd=copy, capture_output=True, text=True, check=False)


def spoiled(copy: Path, old: str, new: str) -> str:
    """What the check says of the program with one mistake in it."""
    text = (copy / "mine.yaml").read_text()
    assert old in text
    (copy / "spoiled.yaml").write_text(text.replace(old, new))
    said = run(copy, "config", "check", "--program", "spoiled.yaml")
    assert said.returncode == 1, said.stderr
    return said.stdout


def test_the_commands_of_the_page_trade_and_explain(copy: Path) -> None:
    (block,) = code_blocks(read(PAGE), "console")
    commands = re.findall(r"^\$ hedgerow (.*)$", block, re.MULTILINE)
    assert len(commands) == 4
    said = [run(copy, *command.split()) for command in commands]
    assert [one.returncode for one in said] == [0, 0, 0, 0], [one.stderr for one in said]
    assert "SELL" in said[2].stdout
    assert "target of breakout" in said[3].stdout
    orders = json.loads(run(copy, "orders", "--state", "var/mine", "--json").stdout)
    assert [(one["instrument"], one["state"]) for one in orders] == [("SP500_INDEX", "FILLED")]


def test_a_wrong_parameter_is_told_with_its_line(copy: Path) -> None:
    said = spoiled(copy, "{units: 20}", "{unit: 20, size: 1}")
    assert "spoiled.yaml:11: sleeves[0].params.unit: there is no parameter unit (did you mean units?)" in said
    assert "the parameter units is missing" in said


def test_a_parameter_of_the_wrong_type_is_refused(copy: Path) -> None:
    assert "Expected `int`, got `str`" in spoiled(copy, "{units: 20}", "{units: many}")


def test_a_class_that_is_not_there_is_named_with_what_is_near(copy: Path) -> None:
    assert "has no class Breakot (did you mean Breakout?)" in spoiled(copy, "breakout.Breakout", "breakout.Breakot")


def test_a_file_that_is_not_there_is_named(copy: Path) -> None:
    assert "there is no file sleeves/brakeout.py" in spoiled(copy, "breakout.Breakout", "brakeout.Breakout")


def test_a_class_that_is_no_sleeve_says_what_it_lacks(copy: Path) -> None:
    (copy / "sleeves" / "half.py").write_text("class Half:\n    def __init__(self, seat, *, units): ...\n")
    assert "half.Half has no products, hedges, on_bar" in spoiled(copy, "breakout.Breakout", "half.Half")


def test_a_class_that_refuses_its_parameters_is_quoted(copy: Path) -> None:
    source = 'class Picky:\n    def __init__(self, seat, *, units):\n        raise ValueError("units: must be odd")\n'
    (copy / "sleeves" / "picky.py").write_text(source)
    assert "units: must be odd" in spoiled(copy, "breakout.Breakout", "picky.Picky")
