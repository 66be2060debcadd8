"""One bug that some engine had, as the smallest change that gives it to this one."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]


class Bug(NamedTuple):
    """A change of one module.

    story: what the engine now does wrong.  stands_for: the failures that others had of it.  module: its dotted name.
    old, new: the lines that are replaced; `old` stands once in the module.
    """

    name: str
    story: str
    stands_for: str
    module: str
    old: str
    new: str

    @property
    def path(self) -> Path:
        return ROOT / (self.module.replace(".", "/") + ".py")

    def applied(self, source: str) -> str:
        """The module's source with the bug in it. Raises ValueError when it does not fit there any more."""
        found = source.count(self.old)
        if found != 1:
            raise ValueError(
                f"{self.name} does not fit {self.module} any more: its old lines stand there {found} times; "
                "write them anew in tests/seeded_bugs"
            )
        return source.replace(self.old, self.new)
