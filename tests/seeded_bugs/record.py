"""What the last whole hunt found, kept beside the bugs: the table of the pages, and the cases of the suite."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from tests.seeded_bugs.hunt import Find, Hunted

RECORD = Path(__file__).with_name("found.json")


class Record(NamedTuple):
    """One hunt. crash_cases, days: how many of each were there to be played."""

    crash_cases: int
    days: int
    hunted: dict[str, Hunted]


def written(record: Record) -> str:
    """The record as text."""
    bugs = {name: _plain(each) for name, each in sorted(record.hunted.items())}
    whole = {"crash_cases": record.crash_cases, "days": record.days, "bugs": bugs}
    return json.dumps(whole, indent=1) + "\n"


def read(path: Path = RECORD) -> Record:
    """The record of a file. Raises OSError when there is none."""
    whole = json.loads(path.read_text(encoding="utf-8"))
    return Record(
        whole["crash_cases"], whole["days"], {name: _hunted(name, each) for name, each in whole["bugs"].items()}
    )


def merged(old: Record, new: Iterable[Hunted]) -> Record:
    """The record with some bugs hunted again."""
    return old._replace(hunted={**old.hunted, **{each.bug: each for each in new}})


def _plain(hunted: Hunted) -> dict[str, Any]:
    crash, day = (None if find is None else find._asdict() for find in (hunted.crash, hunted.day))
    return {"crash": crash, "day": day, "also": list(hunted.also)}


def _hunted(name: str, plain: dict[str, Any]) -> Hunted:
    crash, day = (None if plain[kind] is None else Find(**plain[kind]) for kind in ("crash", "day"))
    return Hunted(name, crash, day, tuple(plain["also"]))
