"""The page of the settings says what the schema says, and its examples are true."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

from config import execution, program, risk, settings, universe
from config.loader import PROGRAMS, load
from config.show import check

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "configuration.md"
SECTIONS = [
    kind
    for module in (settings, risk, execution, program, universe)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind.__module__ == module.__name__
    if not kind.__name__.startswith("_")
]


def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_table", ROOT / "scripts" / "make_configuration_table.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tables_are_those_of_the_schema() -> None:
    page = PAGE.read_text()
    assert maker().renewed(page) == page, "run python scripts/make_configuration_table.py"


@pytest.mark.parametrize(
    "kind", [kind for kind in SECTIONS if not kind.__name__.startswith("_")], ids=lambda k: k.__name__
)
def test_every_key_is_explained_where_it_is_declared(kind: type[msgspec.Struct]) -> None:
    plain = {
        field.name
        for field in msgspec.structs.fields(kind)
        if not (isinstance(field.default, msgspec.Struct) and kind in (settings.Settings, program.Program))
    }
    explained = set(maker().docstring(kind)[1])
    assert explained <= {field.name for field in msgspec.structs.fields(kind)}, "it explains a key that is gone"
    assert plain <= explained | {"tag"}, f"say what these are: {plain - explained}"


def test_the_example_of_a_program_loads(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(id: mine.*?)```", PAGE.read_text(), re.DOTALL)
    path = tmp_path / "mine.yaml"
    path.write_text(example)
    assert load(path).program.id == "mine"


def test_every_shipped_program_is_on_the_page() -> None:
    page = PAGE.read_text()
    assert all(f"| `{path.stem}` |" in page for path in PROGRAMS.glob("*.yaml"))


def test_the_examples_of_messages_are_what_is_said(tmp_path: Path) -> None:
    spoiled = tmp_path / "my.yaml"
    spoiled.write_text("mode: paper\n\n\n\n\nexecution:\n  ttl_minutes: 2\nrisk:\n  max_drawdown_share: 12\n")
    said = [str(problem).replace(str(spoiled), "my.yaml") for problem in check(spoiled)]
    shown = re.findall(r"^my\.yaml:.*$", PAGE.read_text(), re.MULTILINE)
    assert len(shown) == 2
    assert sorted(said) == sorted(shown)
