"""What can be wrong with a configuration, one tree.

ConfigError          one or more problems in settings, programs or instruments: nothing of them is applied
├─ SecretError       a `secret://` reference cannot be resolved, or its file is open to others
└─ CalendarError     no calendar of that name, or its sessions cannot be built

Every problem says a stable code, where it is, what is wrong and what to do next; all problems are told at once.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import ClassVar

import msgspec


class Code(enum.Enum):
    """Stable names of the problems, for the command line, the log and tests."""

    FILE_MISSING = "CONFIG_FILE_MISSING"
    FILE_UNREADABLE = "CONFIG_FILE_UNREADABLE"
    NOT_UTF8 = "CONFIG_NOT_UTF8"
    EMPTY = "CONFIG_EMPTY"
    SYNTAX = "CONFIG_SYNTAX"
    DUPLICATE_KEY = "CONFIG_DUPLICATE_KEY"
    DUPLICATE_ID = "CONFIG_DUPLICATE_ID"
    UNKNOWN_KEY = "CONFIG_UNKNOWN_KEY"
    MISSING_KEY = "CONFIG_MISSING_KEY"
    WRONG_TYPE = "CONFIG_WRONG_TYPE"
    WRONG_UNIT = "CONFIG_WRONG_UNIT"
    OUT_OF_BOUNDS = "CONFIG_OUT_OF_BOUNDS"
    NOT_FINITE = "CONFIG_NOT_FINITE"
    CONTRADICTION = "CONFIG_CONTRADICTION"
    BROKEN_REFERENCE = "CONFIG_BROKEN_REFERENCE"
    BAD_OVERRIDE = "CONFIG_BAD_OVERRIDE"
    SECRET = "CONFIG_SECRET"
    CALENDAR = "CONFIG_CALENDAR"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong.

    file: a path, `environment` or `command line`; line: from 1, 0 where there are no lines; key: dotted, or the name of
    the environment variable.
    """

    code: Code
    file: str
    line: int = 0
    key: str = ""
    what: str
    next: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        end = "" if self.next.endswith(("?", ".")) else "."
        return f"{place}: {self.key + ': ' if self.key else ''}{self.what}. {self.next}{end} [{self.code.value}]"


class ConfigError(Exception):
    """The configuration is refused as a whole. `problems` is never empty; code and next are those of the first."""

    default_code: ClassVar[Code] = Code.CONTRADICTION

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    @property
    def code(self) -> str:
        return self.problems[0].code.value

    @property
    def next(self) -> str:
        return self.problems[0].next

    @classmethod
    def one(cls, *, file: str, what: str, next: str, key: str = "") -> ConfigError:
        """An error with a single problem of this class's own code."""
        return cls([Problem(code=cls.default_code, file=file, key=key, what=what, next=next)])


class SecretError(ConfigError):
    default_code = Code.SECRET


class CalendarError(ConfigError):
    default_code = Code.CALENDAR
