"""Write docs/seeded-bugs.md: every seeded bug, what it stands for, and how the proof found it.

Usage: python scripts/make_seeded_bugs_table.py [--check]; with --check only say, by status 1, whether it is stale.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "seeded-bugs.md"
sys.path.insert(0, str(ROOT))

from tests.seeded_bugs.catalogue import PARTS  # noqa: E402  # the checkout has to be found first
from tests.seeded_bugs.hunt import FEW_DAYS, Find  # noqa: E402
from tests.seeded_bugs.record import Record, read  # noqa: E402

HEAD = """# Seeded bugs

A proof that finds nothing may be blind. So {bugs} bugs that other engines had are put back into this one, each as a
change of a few lines in one module, and the proof has to find every one. A bug is put into a process of its own as its
modules are loaded; no file is touched. Crash cases are played in an order that was drawn once, and days from seed 0,
until a judge speaks; a case that the healthy engine fails too shows nothing.

```console
$ python -m tests.seeded_bugs                            # hunt them all
$ python -m tests.seeded_bugs --bug correction_is_added  # hunt one
$ python -m tests.seeded_bugs --record                   # hunt them all, and keep the cases for the suite
```

The tests play every bug in the cases that are known to show it, and the healthy engine in the same cases, where every
judge is silent. When a change of the engine moves a bug's lines, a test says so, and they are written anew in
`tests/seeded_bugs`.

The last whole hunt had {cases:,} crash cases for each bug, and {days:,} days for each that no crash case shows ({few}
for the others), and found {found} of {bugs}. *After* is how many were played until the bug showed, that one included;
– is not in any of them.
[How the proof works](reliability.md).

{judges}
This page is made by `python scripts/make_seeded_bugs_table.py` from `tests/seeded_bugs`; do not edit it.
"""

COLUMNS = "| bug | what the engine does | module | found by | case | after crash cases | after days |"


def page() -> str:
    """The page in Markdown."""
    record = read()
    bugs = sum(len(part) for part in PARTS.values())
    found = sum(hunted.best is not None for hunted in record.hunted.values())
    head = HEAD.format(
        bugs=bugs, cases=record.crash_cases, days=record.days, few=FEW_DAYS, found=found, judges=_judges(record)
    )
    parts = [head]
    for title, part in PARTS.items():
        parts.append(f"\n## {title}\n\n{COLUMNS}\n|---|---|---|---|---|--:|--:|\n")
        for bug in part:
            hunted = record.hunted[bug.name]
            best = hunted.best
            oracle, case = ("–", "–") if best is None else (best.oracle, f"`{best.case}`")
            cells = (f"`{bug.name}`", f"{bug.story} *{bug.stands_for}*", f"`{bug.module}`", oracle, case)
            parts.append(f"| {' | '.join(cells)} | {_after(hunted.crash)} | {_after(hunted.day)} |\n")
    return "".join(parts)


def _judges(record: Record) -> str:
    """Which judge found how many."""
    found = Counter(hunted.best.oracle for hunted in record.hunted.values() if hunted.best is not None)
    lines = [
        f"| {oracle} | {count} |\n" for oracle, count in sorted(found.items(), key=lambda each: (-each[1], each[0]))
    ]
    return "| judge that spoke first | bugs |\n|---|--:|\n" + "".join(lines)


def _after(find: Find | None) -> str:
    return "–" if find is None else f"{find.played:,}"


def main() -> int:
    made = page()
    if "--check" in sys.argv[1:]:
        return 0 if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == made else 1
    PAGE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
