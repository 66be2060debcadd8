"""Where the checkout is and which rooms it has, read from pyproject so that no test keeps its own list."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
ROOMS: list[str] = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]


def modules(*rooms: str) -> Iterator[Path]:
    """Every Python file of the rooms, in a stable order."""
    for room in rooms:
        yield from sorted((ROOT / room).rglob("*.py"))
