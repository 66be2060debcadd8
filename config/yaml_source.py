"""Strict YAML 1.2: plain values and the line of every key. What is doubtful is refused, never guessed.

Read from parser events: aliases, tags, merge keys, second documents, repeated keys, tabs, non-finite numbers and
numbers with a leading zero do not pass. Integers may group digits with `_`.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from config.errors import Code, Problem

Key = tuple[str | int, ...]

DEEPEST = 40
LONGEST_INT = 18

_INT = re.compile(r"[-+]?(0|[1-9][0-9]*(_[0-9]+)*)")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9_]+")
_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_LOOSE_NOT_FINITE = {"nan", "inf", "+inf", "-inf", "infinity", "-infinity"}


class Source(msgspec.Struct, frozen=True):
    """Who said a value. layer: default, file, environment or override; key is set where it is not the dotted path."""

    layer: str
    name: str
    line: int = 0
    key: str = ""


class Tree(msgspec.Struct):
    """Plain values (dict, list, str, int, float, bool, None) and where each key came from."""

    value: dict[str, Any]
    sources: dict[Key, Source]

    def source(self, key: Key) -> Source:
        """The source of a key, or of the nearest key above it."""
        for end in range(len(key), -1, -1):
            if key[:end] in self.sources:
                return self.sources[key[:end]]
        return Source("default", "schema")


def dotted(key: Key) -> str:
    """`sleeves[1].params.idm`."""
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def shown_path(path: Path) -> str:
    """A path as people type it: relative when it lies below the working directory."""
    with contextlib.suppress(ValueError, OSError):
        return str(path.absolute().relative_to(Path.cwd()))
    return str(path)


def read_file(path: Path, problems: list[Problem]) -> Tree | None:
    """The tree of one file, or None with the problems appended that say why not."""
    name = shown_path(path)
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        problems.append(_bad(Code.FILE_MISSING, name, 0, "the file does not exist", "Give the path of a YAML file"))
        return None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        problems.append(_bad(Code.FILE_UNREADABLE, name, 0, f"cannot be read: {reason}", "Mend the path or its rights"))
        return None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        what = f"byte 0x{raw[error.start]:02x} is not UTF-8"
        problems.append(_bad(Code.NOT_UTF8, name, line, what, "Save the file as UTF-8"))
        return None
    return read_text(text, name, problems)


def read_text(text: str, name: str, problems: list[Problem]) -> Tree | None:
    """The tree of a YAML text whose top is a mapping."""
    for number, written in enumerate(text.split("\n"), 1):
        if "\t" in written[: len(written) - len(written.lstrip())]:
            problems.append(_bad(Code.SYNTAX, name, number, "the line is indented with a tab", "Indent with spaces"))
            return None
    reader = _Reader(name, problems)
    before = len(problems)
    try:
        value = reader.document(text)
    except YAMLError as error:
        line, what = _complaint(error, text)
        problems.append(_bad(Code.SYNTAX, name, line, what, "Mend the line, or the one above"))
        return None
    if value is None and len(problems) == before:
        problems.append(_bad(Code.EMPTY, name, 1, "the file says nothing", "Write at least one key, or leave it out"))
        return None
    if not isinstance(value, dict):
        if len(problems) == before:
            problems.append(_bad(Code.WRONG_TYPE, name, 1, "the top is not a mapping", "Begin with `key: value` lines"))
        return None
    return Tree(value, reader.sources)


def read_value(text: str, name: str, problems: list[Problem]) -> Any:
    """The value of one scalar or flow collection, as an environment variable or `--set` gives it."""
    reader = _Reader(name, problems)
    try:
        return reader.document(text)
    except YAMLError as error:
        problems.append(_bad(Code.SYNTAX, name, 0, _complaint(error, text)[1], "Quote the text"))
        return None


def _complaint(error: YAMLError, text: str) -> tuple[int, str]:
    """The line of a parser's error, and its reason on one line."""
    if isinstance(error, MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        return mark.line + 1 if mark else 1, f"is not YAML: {error.problem or error.context}"
    position = getattr(error, "position", 0)
    return text.count("\n", 0, position) + 1, "is not YAML: it has a character that cannot be printed"


class _Reader:
    """Recursive descent over parser events."""

    def __init__(self, name: str, problems: list[Problem]) -> None:
        self.name = name
        self.problems = problems
        self.sources: dict[Key, Source] = {}

    def document(self, text: str) -> Any:
        yaml = YAML(typ="safe", pure=True)
        events: Iterator[Event] = iter(yaml.parse(text))
        value: Any = None
        documents = 0
        for event in events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._refuse(event, (), "a second document begins here", "Keep one document in a file")
                    return value
                if event.version not in (None, (1, 2)):
                    self._refuse(event, (), "the file asks for another YAML version", "Remove the %YAML line")
                value = self._node(next(events), events, ())
        return value

    def _node(self, event: Event, events: Iterator[Event], key: Key) -> Any:
        if len(key) > DEEPEST:
            raise MarkedYAMLError(problem=f"it goes more than {DEEPEST} levels down", problem_mark=event.start_mark)
        if isinstance(event, AliasEvent):
            self._refuse(event, key, f"*{event.anchor} is an alias", "Write the value out")
            return None
        anchor, tag = getattr(event, "anchor", None), getattr(event, "tag", None)
        if anchor:
            self._refuse(event, key, f"&{anchor} is an anchor", "Write the value out where it is needed")
        if tag and str(tag) != "!":
            self._refuse(event, key, f"{tag} is a tag", "Write plain values only")
        if isinstance(event, ScalarEvent):
            return self._scalar(event, key)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(events, key)
        return self._mapping(events, key)

    def _sequence(self, events: Iterator[Event], key: Key) -> list[Any]:
        items: list[Any] = []
        for event in events:
            if isinstance(event, SequenceEndEvent):
                break
            here = (*key, len(items))
            self.sources[here] = Source("file", self.name, event.start_mark.line + 1)
            items.append(self._node(event, events, here))
        return items

    def _mapping(self, events: Iterator[Event], key: Key) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for event in events:
            if isinstance(event, MappingEndEvent):
                break
            if not isinstance(event, ScalarEvent):
                self._refuse(event, key, "a key is not a plain word", "Write keys as words")
                self._node(event, events, key)
                self._node(next(events), events, key)
                continue
            name = str(event.value)
            here = (*key, name)
            line = event.start_mark.line + 1
            if name == "<<":
                self._refuse(event, here, "merge keys are not YAML 1.2", "Write the keys out")
            elif name in found:
                first = self.sources[here].line
                what = f"the key {name} is given twice, first on line {first}"
                self.problems.append(_bad(Code.DUPLICATE_KEY, self.name, line, what, "Keep one of them", dotted(here)))
                self._node(next(events), events, here)
                continue
            self.sources[here] = Source("file", self.name, line)
            found[name] = self._node(next(events), events, here)
        return found

    def _scalar(self, event: ScalarEvent, key: Key) -> Any:
        text = str(event.value)
        if any("\ud800" <= char <= "\udfff" for char in text):
            self._refuse(event, key, "half a character stands alone", "Write the character itself")
            return None
        if event.style not in (None, ""):
            return text
        if text in ("", "~", "null"):
            return None
        if text in ("true", "false"):
            return text == "true"
        if _INT.fullmatch(text):
            return self._integer(event, key, text)
        if _LEADING_ZERO.fullmatch(text):
            self._refuse(event, key, f"{text} begins with a zero", "Write the number without it, or quote the text")
            return None
        if _NOT_FINITE.fullmatch(text) or text.lower() in _LOOSE_NOT_FINITE:
            return self._not_finite(event, key, text)
        if _FLOAT.fullmatch(text):
            number = float(text)
            return number if math.isfinite(number) else self._not_finite(event, key, text)
        return text

    def _integer(self, event: Event, key: Key, text: str) -> int | None:
        if len(text) - text.count("_") <= LONGEST_INT:
            return int(text)
        line, what = event.start_mark.line + 1, f"a number of more than {LONGEST_INT} digits is not real"
        self.problems.append(_bad(Code.OUT_OF_BOUNDS, self.name, line, what, "Write a smaller one", dotted(key)))
        return None

    def _not_finite(self, event: ScalarEvent, key: Key, text: str) -> None:
        line = event.start_mark.line + 1
        what = f"{text} is not a finite number"
        self.problems.append(_bad(Code.NOT_FINITE, self.name, line, what, "Write a number", dotted(key)))

    def _refuse(self, event: Event, key: Key, what: str, next_step: str) -> None:
        line = event.start_mark.line + 1
        self.problems.append(_bad(Code.SYNTAX, self.name, line, what, next_step, dotted(key)))


def _bad(code: Code, file: str, line: int, what: str, next_step: str, key: str = "") -> Problem:
    return Problem(code=code, file=file, line=line, key=key, what=what, next=next_step)
