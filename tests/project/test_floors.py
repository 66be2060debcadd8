"""The floors of the house: who may import whom, held by import contracts that are themselves shown to bite."""

import ast
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.project.house import PYPROJECT, ROOMS, ROOT, modules

LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")
RUNTIME_MAY_IMPORT = sys.stdlib_module_names | {"engine", "msgspec"}

FORBIDDEN = [
    ("engine", "model"),
    ("engine", "quant"),
    ("engine", "numpy"),
    ("engine", "structlog"),
    ("quant", "engine"),
    ("quant", "model"),
    ("quant", "asyncio"),
    ("model", "quant"),
    ("model", "config"),
    ("config", "engine"),
    ("config", "sleeves"),
    ("config", "state"),
    ("sleeves", "engine"),
    ("sleeves", "state"),
    ("sleeves", "aiosqlite"),
    ("state", "quant"),
    ("state", "sleeves"),
    ("state", "actors"),
    ("actors", "ports"),
    ("actors", "asyncio"),
    ("actors", "simulation"),
    ("ports", "actors"),
    ("ports", "sleeves"),
    ("ports", "simulation"),
    ("ports", "matplotlib"),
    ("simulation", "research"),
    ("simulation", "app"),
    ("research", "app"),
]

ALLOWED = [
    ("engine", "msgspec"),
    ("model", "engine"),
    ("config", "model"),
    ("config", "quant"),
    ("sleeves", "config"),
    ("sleeves", "quant"),
    ("state", "engine"),
    ("state", "config"),
    ("actors", "sleeves"),
    ("actors", "quant"),
    ("ports", "state"),
    ("ports", "quant"),
    ("simulation", "actors"),
    ("simulation", "ports"),
    ("research", "simulation"),
    ("research", "matplotlib"),
    ("app", "research"),
    ("app", "ports"),
]


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([LINT_IMPORTS, "--no-cache"], check=False, cwd=folder, capture_output=True, text=True)


def empty_house(folder: Path, imports: list[tuple[str, str]]) -> Path:
    """A house of empty rooms under the real contracts, with one module planted per import."""
    shutil.copy2(ROOT / "pyproject.toml", folder)
    for room in ROOMS:
        (folder / room).mkdir()
        (folder / room / "__init__.py").write_text("")
    for room, imported in imports:
        (folder / room / f"needs_{imported}.py").write_text(f"import {imported}\n")
    return folder


def imports_of(path: Path) -> Iterator[tuple[str, bool]]:
    """Each top-level package a module imports, and whether it does so only inside a function."""
    tree = ast.parse(path.read_text())
    lazy = {
        inner
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name.split(".")[0], node in lazy) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield (node.module or "").split(".")[0], node in lazy


def test_the_house_stands_on_its_floors() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


def test_no_contract_has_an_exception() -> None:
    for contract in PYPROJECT["tool"]["importlinter"]["contracts"]:
        assert "ignore_imports" not in contract, contract["name"]


@pytest.mark.parametrize(("room", "imported"), FORBIDDEN)
def test_an_import_up_the_stairs_breaks_a_contract(room: str, imported: str, tmp_path: Path) -> None:
    done = lint_imports(empty_house(tmp_path, [(room, imported)]))
    assert done.returncode != 0, done.stdout
    assert "BROKEN" in done.stdout


def test_every_import_down_the_stairs_is_kept(tmp_path: Path) -> None:
    done = lint_imports(empty_house(tmp_path, ALLOWED))
    assert done.returncode == 0, done.stdout


def test_the_runtime_needs_the_standard_library_and_msgspec_alone() -> None:
    for path in modules("engine"):
        for package, lazy in imports_of(path):
            assert package in RUNTIME_MAY_IMPORT or (package == "uvloop" and lazy), f"{path.name} imports {package}"


def test_every_list_of_rooms_is_the_same_list() -> None:
    tools = PYPROJECT["tool"]
    assert set(tools["importlinter"]["root_packages"]) == set(ROOMS)
    assert set(tools["deptry"]["known_first_party"]) == set(ROOMS)
    assert set(tools["coverage"]["run"]["source"]) == set(ROOMS)
    assert set(ROOMS) <= set(tools["mypy"]["files"])
    assert set(ROOMS) <= set(tools["ruff"]["lint"]["isort"]["known-first-party"])
    layers = {room.strip() for layer in tools["importlinter"]["contracts"][0]["layers"] for room in layer.split("|")}
    assert layers == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_no_installed_package_stands_in_front_of_a_room(room: str) -> None:
    spec = importlib.util.find_spec(room)
    assert spec is not None
    assert spec.origin == str(ROOT / room / "__init__.py")
