"""Puts one bug into a process: a module's source is another one at the moment it is loaded, and no file is touched."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType

from tests.seeded_bugs.bug import Bug


class Sick(SourceFileLoader):
    """Compiles the changed source; compiled files are neither read nor written."""

    bug: Bug

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        source = self.bug.applied(self.get_data(path).decode("utf-8"))
        return compile(source, path, "exec", dont_inherit=True)


class Infection(MetaPathFinder):
    """Answers for the module of one bug."""

    def __init__(self, bug: Bug) -> None:
        self.bug = bug

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self.bug.module:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.origin is None:
            return None
        spec.loader = sick = Sick(fullname, spec.origin)
        sick.bug = self.bug
        return spec


def infect(bug: Bug) -> None:
    """From now on the bug's module is the changed one. Raises ValueError when it was loaded before."""
    if bug.module in sys.modules:
        raise ValueError(f"{bug.module} is loaded already: a process gets its bug before it loads the engine")
    sys.meta_path.insert(0, Infection(bug))
