"""How one value stands in one field: numbers, flags and texts, and the protocol's several spellings of "unset"."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from simulation.tws.codec.errors import MismatchError, shown

UNSET_FLOAT = "1.7976931348623157E308"
UNSET_INT = "2147483647"
UNSET_LONG = "9223372036854775807"
_LARGEST = 1.7976931348623157e308
_INT = re.compile(r"-?[0-9]{1,19}")
_FLOAT = re.compile(r"-?(?:[0-9]{1,400}\.?[0-9]{0,400}|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,3})?")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_ESCAPED = re.compile(r"[^\x00-\x7f]|\\(?=u[0-9a-fA-F]{4})")
_ESCAPED_NAME = re.compile(r"[^\x00-\x7f]|\\")
_FLAGS = {"1": True, "true": True, "True": True, "0": False, "": False, "false": False, "False": False}
_INFINITE = frozenset(("Infinite", "Infinity", "inf"))


class Cursor:
    """A place in the fields of one message. name: what is being read there."""

    __slots__ = ("at", "fields", "name")

    def __init__(self, fields: Sequence[str], at: int) -> None:
        self.fields, self.at = fields, at
        self.name = ""

    def take(self) -> str:
        """The next field; one stands behind it even when there was none. Raises MismatchError at the end."""
        at = self.at
        self.at = at + 1
        if at >= len(self.fields):
            raise MismatchError("a field, but the message ends")
        return self.fields[at]

    @property
    def left(self) -> int:
        return len(self.fields) - self.at


class Kind:
    """A value that takes one field. to_text and from_text raise MismatchError."""

    __slots__ = ("from_text", "to_text")

    def __init__(self, to_text: Callable[[Any], str], from_text: Callable[[str], Any]) -> None:
        self.to_text, self.from_text = to_text, from_text

    def write(self, value: Any, out: list[str]) -> None:
        out.append(self.to_text(value))

    def read(self, cursor: Cursor) -> Any:
        return self.from_text(cursor.take())

    def at(self, version: int) -> Kind:
        return self


def number_text(value: float) -> str:
    """A number as gateways print it: whole ones without a point. Raises MismatchError for what is not finite."""
    if not math.isfinite(value):
        raise MismatchError(f"a finite number, not {value}")
    text = repr(value)
    return text[:-2] if text.endswith(".0") else text


def _int(text: str) -> int:
    if not text:
        return 0
    value = int(text) if _INT.fullmatch(text) else None
    if value is None or not -(2**63) <= value < 2**63:
        raise MismatchError(f"a whole number, not {shown(text)}")
    return value


def _int_text(value: int) -> str:
    return f"{value:d}"


def _number(text: str) -> float:
    value = float(text) if _FLOAT.fullmatch(text) else math.inf
    if math.isinf(value):
        raise MismatchError(f"a number, not {shown(text)}")
    return value


def _float(text: str) -> float:
    """Nothing and the unset number are 0."""
    value = _number(text) if text else 0.0
    return 0.0 if value == _LARGEST else value


def _flag(text: str) -> bool:
    value = _FLAGS.get(text)
    if value is None:
        if text == UNSET_INT:
            return False
        raise MismatchError(f"1 or 0, not {shown(text)}")
    return value


def _escape(match: re.Match[str]) -> str:
    """As Java prints it: in units of UTF-16."""
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def _text(escaped: re.Pattern[str]) -> Callable[[str], str]:
    def to_text(value: str) -> str:
        if value.isascii() and "\\" not in value and "\0" not in value:
            return value
        if "\0" in value:
            raise MismatchError("a text without NUL")
        return escaped.sub(_escape, value)

    return to_text


def _unescaped(text: str) -> str:
    if "\\u" not in text:
        return text
    plain = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
    # two halves make one character; a half alone stays what it is
    return plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


INT = Kind(_int_text, _int)
FLOAT = Kind(number_text, _float)
FLAG = Kind(lambda value: "1" if value else "0", _flag)
TEXT = Kind(_text(_ESCAPED), _unescaped)
NAME = Kind(_text(_ESCAPED_NAME), _unescaped)
"""A text that clients put through a decoder of escapes: every backslash is escaped."""


def maybe_float(none: str = "") -> Kind:
    """A number or None. none: how None is written; nothing and the unset number are None too when they are read."""
    unset = {_LARGEST, -_LARGEST, float(none or UNSET_FLOAT)}

    def from_text(text: str) -> float | None:
        value = _number(text) if text else _LARGEST
        return None if value in unset else value

    return Kind(lambda value: none if value is None else number_text(value), from_text)


def maybe_int(none: str = "") -> Kind:
    """A whole number or None, as `maybe_float`."""
    unset = {int(UNSET_INT), int(none or UNSET_INT)}

    def from_text(text: str) -> int | None:
        value = _int(text or UNSET_INT)
        return None if value in unset else value

    return Kind(lambda value: none if value is None else _int_text(value), from_text)


def zero_as(none: str, kind: Kind = INT) -> Kind:
    """A number whose 0 is written in another way."""
    zero = kind.from_text(none)

    def from_text(text: str) -> float:
        value: float = kind.from_text(text)
        return kind.from_text("0") if value == zero else value

    return Kind(lambda value: kind.to_text(value) if value else none, from_text)


def nothing_as(none: str, *others: str) -> Kind:
    """A text that is written as `none` when it is empty; `others` mean empty too when they are read."""
    empty = frozenset((none, *others))
    return Kind(
        lambda value: TEXT.to_text(value) if value else none, lambda text: "" if text in empty else _unescaped(text)
    )


BLANK_FLOAT = maybe_float()
BLANK_INT = maybe_int()
HUGE_FLOAT = maybe_float(UNSET_FLOAT)
HUGE_INT = maybe_int(UNSET_INT)
ZERO_FLOAT = maybe_float("0")
ZERO_INT = maybe_int("0")
RIGHT = Kind(TEXT.to_text, lambda text: "" if text in ("0", "?") else _unescaped(text))
"""C or P; gateways print 0 or ? where there is none, and clients send that back."""


def _offset(infinite: str) -> Kind:
    """A number, None, or infinite."""
    return Kind(
        lambda value: infinite if value == math.inf else BLANK_FLOAT.to_text(value),
        lambda text: math.inf if text in _INFINITE else BLANK_FLOAT.from_text(text),
    )


OFFSET = _offset("Infinity")
ASKED_OFFSET = _offset("Infinite")
"""The same, in the word that clients send."""
