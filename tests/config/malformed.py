"""The form of a malformed case, the ways to spoil a file, and what the refusal must say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from config.errors import Code
from tests.config.room import Room

S, P, I = "settings", "program", "instruments"  # noqa: E741


class Case(NamedTuple):
    """spoil: what is done to a valid configuration.  The rest is the one problem that must be told."""

    name: str
    spoil: Callable[[Room], None]
    code: Code
    file: str
    line: int
    key: str
    says: str
    suggests: str


def edit(name: str, old: str, new: str) -> Callable[[Room], None]:
    return lambda room: room.edit(name, old, new)


def write(name: str, text: str | bytes) -> Callable[[Room], None]:
    return lambda room: room.write(name, text)


def setenv(name: str, value: str) -> Callable[[Room], None]:
    return lambda room: room.environment.update({name: value})


def override(text: str) -> Callable[[Room], None]:
    return lambda room: room.overrides.append(text)


def make_a_folder(name: str) -> Callable[[Room], None]:
    def spoil(room: Room) -> None:
        room.path(name).unlink()
        room.path(name).mkdir()

    return spoil


def assert_refused(case: Case, folder: Path) -> None:
    """The configuration is refused with exactly this problem at this place."""
    room = Room.furnish(folder)
    case.spoil(room)

    problems = room.refusal().problems
    told = [problem for problem in problems if problem.code is case.code and problem.key == case.key]

    assert len(told) == 1, f"not told, or told twice: {[str(one) for one in problems]}"
    file = case.file if case.file in ("environment", "command line") else str(room.path(case.file))
    assert (told[0].file, told[0].line) == (file, case.line)
    assert case.says in told[0].what
    assert case.suggests in told[0].next
