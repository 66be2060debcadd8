"""Write docs/malformed.md: every malformed input that the tests try, and what the user is told.

Made from the tables that the tests themselves run: python scripts/make_malformed_table.py
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "malformed.md"
HEALTHY = ("whole_journal",)
"""Journal tests whose names say that nothing is wrong."""

VERBS = (" is ", " are ", " says ", " shows ", " show ", " breaks ", " does ", " goes ")

HEAD = """# What is refused, and with which words

Every line is a case of the tests: an input that is wrong in one way, refused in one sentence, with nothing written.
This page is made from the tests' own tables by `python scripts/make_malformed_table.py`; do not edit it.
"""


class Line(NamedTuple):
    """One malformed input, and what its refusal says; `told` may be a regular expression."""

    case: str
    told: str


class Kind(NamedTuple):
    """Inputs of one kind, and the files whose tests try them."""

    title: str
    source: str
    lines: tuple[Line, ...]


def kinds() -> tuple[Kind, ...]:
    """All cases by kind, in the order of their tables."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    from tests.app import test_malformed_commands as commands
    from tests.config import test_malformed as settings
    from tests.config import test_malformed_programs as programs
    from tests.data import test_malformed_data as data
    from tests.ports import test_control as control
    from tests.state import test_malformed_journals as journals

    configured = [*settings.CASES, *programs.CASES]
    told = {case.name: (case.file, Line(case.name, f"{case.says} → {case.suggests}")) for case in configured}

    def of(*files: str) -> tuple[Line, ...]:
        return tuple(line for file, line in told.values() if file in files)

    return (
        Kind("Settings", "tests/config/test_malformed.py", of("settings", "environment", "command line")),
        Kind("Programs", "tests/config/test_malformed_programs.py", of("program")),
        Kind("Instruments", "tests/config/test_malformed_programs.py", of("instruments")),
        Kind(
            "Data files",
            "tests/data/test_malformed_data.py",
            tuple(Line(case, sentence) for case, (_, sentence) in data.BAD_CSV.items()),
        ),
        Kind("Journals", "tests/state/test_malformed_journals.py", tuple(_sentences(journals))),
        Kind(
            "State folders",
            "tests/app/test_malformed_commands.py",
            tuple(Line(case, "one sentence, the folder untouched") for case in commands.DAMAGE),
        ),
        Kind(
            "Commands",
            "tests/app/test_malformed_commands.py",
            tuple(Line(case, ", ".join(wrong.parts)) for case, wrong in commands.WORDS.items()),
        ),
        Kind(
            "Words on the control port",
            "tests/ports/test_control.py",
            (
                *(Line(case, says) for case, (_, says) in control.GARBAGE.items()),
                *(Line(f"address file: {case}", "is not an address file") for case in control.ADDRESSES),
                *(Line(f"answer of {case}", "is no engine's answer") for case in control.STRANGERS),
            ),
        ),
    )


def _sentences(module: ModuleType) -> Iterable[Line]:
    """Tests whose name says what is damaged and what becomes of it."""
    for name in vars(module):
        if not name.startswith("test_") or any(word in name for word in HEALTHY):
            continue
        sentence = name.removeprefix("test_").replace("_", " ")
        verb = max(VERBS, key=sentence.rfind)
        case, _, told = sentence.rpartition(verb)
        yield Line(case, f"{verb.strip()} {told}".strip())


def page() -> str:
    """The page in Markdown."""
    found = kinds()
    total = sum(len(kind.lines) for kind in found)
    parts = [HEAD, f"{total} cases: " + ", ".join(f"{len(kind.lines)} {kind.title.lower()}" for kind in found) + ".\n"]
    for kind in found:
        parts.append(f"\n## {kind.title}\n\nFrom `{kind.source}`.\n\n| case | is told |\n|---|---|\n")
        parts += [f"| {_cell(line.case)} | {_cell(line.told)} |\n" for line in kind.lines]
    return "".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", "␤").strip() or "–"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
