"""A tree against its schema: every mistake in one pass, with its line, and values that msgspec takes as they are.

msgspec stops at the first error, so the walk goes section by section: leaves one by one, then each struct whose parts
are clean is built, so that what contradicts itself inside it is told as well.
"""

from __future__ import annotations

import difflib
import enum
import re
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import inspect

from config.errors import Code, Problem
from config.quantities import UNIT_HINTS
from config.secrets import MASK, sounds_secret
from config.yaml_source import Key, Tree, dotted

S = TypeVar("S", bound=msgspec.Struct)

_UNIT = re.compile(
    r"(_(minutes?|mins?|seconds?|secs?|s|ms|hours?|h|days?|d|bps?|pct|percent|ratio|share|usd|eur|base|annual|sessions?"
    r"|sigma|rows|mib|mb))+$"
)
_ALLOWED: dict[type, tuple[type, ...]] = {
    inspect.FloatType: (int, float),
    inspect.IntType: (int,),
    inspect.StrType: (str,),
    inspect.BoolType: (bool,),
}
_PLAIN: dict[type, type] = {
    inspect.FloatType: float,
    inspect.IntType: int,
    inspect.StrType: str,
    inspect.BoolType: bool,
}
_WORDS: dict[type, str] = {
    inspect.DecimalType: "a number",
    inspect.StrType: "a text",
    inspect.BoolType: "true or false",
    inspect.VarTupleType: "a list",
    inspect.ListType: "a list",
    inspect.TupleType: "a list",
}


class _Bad(enum.Enum):
    BAD = 1


BAD = _Bad.BAD


def convert(tree: Tree, kind: type[S], problems: list[Problem]) -> S | None:
    """The struct that a tree describes, or None with every problem found appended."""
    value = _Walk(tree, problems).visit(tree.value, _type_info(kind), ())
    return None if value is BAD else msgspec.convert(value, kind)


@lru_cache(maxsize=256)
def _type_info(kind: type) -> inspect.Type:
    return inspect.type_info(kind)


class _Walk:
    def __init__(self, tree: Tree, problems: list[Problem]) -> None:
        self.tree = tree
        self.problems = problems

    def visit(self, value: Any, kind: inspect.Type, key: Key) -> Any:
        """The value in the form msgspec wants, or BAD."""
        extra: dict[str, Any] = {}
        if isinstance(kind, inspect.Metadata):
            extra, kind = kind.extra or {}, kind.type
        if isinstance(kind, inspect.UnionType):
            return self._union(value, kind, key, extra)
        if isinstance(kind, inspect.StructType):
            return self._struct(value, kind, key)
        if isinstance(kind, inspect.DictType):
            return self._dict(value, kind, key)
        if isinstance(kind, inspect.VarTupleType | inspect.ListType | inspect.TupleType):
            return self._list(value, kind, key)
        if isinstance(kind, inspect.AnyType):
            return value
        return self._leaf(value, kind, key, extra)

    def _union(self, value: Any, kind: inspect.UnionType, key: Key, extra: dict[str, Any]) -> Any:
        if value is None and any(isinstance(one, inspect.NoneType) for one in kind.types):
            return None
        structs = [one for one in kind.types if isinstance(one, inspect.StructType)]
        if len(structs) == 1:
            return self._struct(value, structs[0], key)
        if not structs:
            rest = [one for one in kind.types if not isinstance(one, inspect.NoneType)]
            return self.visit(value, inspect.Metadata(rest[0], extra=extra) if extra else rest[0], key)
        if not isinstance(value, dict):
            return self._type_error(value, "a mapping", key)
        field = str(structs[0].tag_field)
        tags = [str(one.tag) for one in structs]
        if field not in value:
            self._say(Code.MISSING_KEY, key, f"the key {field} is missing", f"Add {field}: one of {', '.join(tags)}")
            return BAD
        for one in structs:
            if one.tag == value[field]:
                return self._struct(value, one, key)
        return self._not_a_tag(value, tags, field, key)

    def _not_a_tag(self, value: dict[str, Any], tags: list[str], field: str, key: Key) -> Any:
        next_step = f"Give one of {', '.join(tags)}{_maybe(str(value[field]), tags)}"
        self._say(Code.BROKEN_REFERENCE, (*key, field), f"{value[field]!r} is not known", next_step)
        return BAD

    def _struct(self, value: Any, kind: inspect.StructType, key: Key) -> Any:
        if not isinstance(value, dict):
            return self._type_error(value, "a mapping", key)
        if kind.tag is not None and value.get(str(kind.tag_field), kind.tag) != kind.tag:
            return self._not_a_tag(value, [str(kind.tag)], str(kind.tag_field), key)
        fields = {field.encode_name: field for field in kind.fields}
        built: dict[str, Any] = {}
        clean = True
        for name, item in value.items():
            if name in fields:
                built[name] = self.visit(item, fields[name].type, (*key, name))
                clean = clean and built[name] is not BAD
            elif name == kind.tag_field:
                built[name] = item
            else:
                self._unknown(name, list(fields), (*key, name))
                clean = False
        for name, field in fields.items():
            if field.required and name not in value:
                self._say(Code.MISSING_KEY, key, f"the key {name} is missing", f"Add {name}: {describe(field.type)}")
                clean = False
        return self._consistent(built, kind, key) if clean else BAD

    def _consistent(self, built: dict[str, Any], kind: inspect.StructType, key: Key) -> Any:
        try:
            msgspec.convert(built, kind.cls)
        except msgspec.ValidationError as error:
            what, _, next_step = str(error).partition(" | ")
            where, _, rest = what.partition(": ")
            at, what = ((*key, where), rest) if where in built or where in _names(kind) else (key, what)
            self._say(Code.CONTRADICTION, at, what.partition(" - at `$")[0], next_step.partition(" - at `$")[0])
            return BAD
        return built

    def _dict(self, value: Any, kind: inspect.DictType, key: Key) -> Any:
        if not isinstance(value, dict):
            return self._type_error(value, "a mapping", key)
        built: dict[Any, Any] = {}
        for name, item in value.items():
            new_name = self.visit(name, kind.key_type, (*key, name))
            new_item = self.visit(item, kind.value_type, (*key, name))
            built[name] = BAD if new_name is BAD else new_item
        return BAD if any(item is BAD for item in built.values()) else built

    def _list(self, value: Any, kind: Any, key: Key) -> Any:
        if not isinstance(value, list):
            return self._type_error(value, "a list", key)
        if isinstance(kind, inspect.TupleType):
            if len(value) != len(kind.item_types):
                return self._type_error(value, f"a list of {len(kind.item_types)}", key)
            built = [self.visit(v, k, (*key, i)) for i, (v, k) in enumerate(zip(value, kind.item_types, strict=True))]
        else:
            built = [self.visit(item, kind.item_type, (*key, i)) for i, item in enumerate(value)]
            if kind.min_length is not None and len(value) < kind.min_length:
                self._say(Code.OUT_OF_BOUNDS, key, "the list is too short", f"Give at least {kind.min_length}")
                return BAD
        return BAD if any(item is BAD for item in built) else built

    def _leaf(self, value: Any, kind: Any, key: Key, extra: dict[str, Any]) -> Any:
        if isinstance(kind, inspect.DecimalType):
            if isinstance(value, bool) or not isinstance(value, int | float):
                return self._type_error(value, describe(kind, extra), key)
            return Decimal(str(value))
        if isinstance(kind, inspect.EnumType):
            known = [member.value for member in kind.cls]
        elif isinstance(kind, inspect.LiteralType):
            known = list(kind.values)
        else:
            return self._scalar(value, kind, key, extra)
        if any(value == one and type(value) is type(one) for one in known):
            return value
        names = [str(one) for one in known]
        next_step = f"Give one of {', '.join(names)}{_maybe(str(value), names)}"
        self._say(Code.WRONG_TYPE, key, f"{_shown(value, key)} is not known", next_step)
        return BAD

    def _scalar(self, value: Any, kind: Any, key: Key, extra: dict[str, Any]) -> Any:
        wanted = describe(kind, extra)
        allowed = _ALLOWED[type(kind)]
        if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
            return self._type_error(value, wanted, key)
        try:
            msgspec.convert(value, _bare(kind))
        except msgspec.ValidationError:
            unit = extra.get("unit", "")
            percent = value if unit.startswith("share") and isinstance(value, int | float) and 1 < value <= 100 else 0
            wrong_unit = percent > 0
            hint = f": {percent:g} % is written {percent / 100:g}" if wrong_unit else ""
            code = Code.WRONG_UNIT if wrong_unit else Code.OUT_OF_BOUNDS
            wrong = "does not have the right form" if isinstance(value, str) else "is out of bounds"
            self._say(code, key, f"{_shown(value, key)} {wrong}", f"Give {wanted}{hint}")
            return BAD
        return float(value) if isinstance(value, int) and isinstance(kind, inspect.FloatType) else value

    def _type_error(self, value: Any, wanted: str, key: Key) -> Any:
        said = "it is empty" if value is None else f"{_shown(value, key)} is {_kind_of(value)}"
        hint = " without quotes" if isinstance(value, str) and "number" in wanted else ""
        hint = ", in quotes" if wanted.startswith(("a text", "letters")) and value is not None else hint
        self._say(Code.WRONG_TYPE, key, said, f"Give {wanted}{hint}")
        return BAD

    def _unknown(self, name: str, known: list[str], key: Key) -> None:
        twin = _same_but_for_unit(name, known)
        if twin:
            hint = UNIT_HINTS.get(twin.rpartition("_")[2], "")
            what = f"there is no key {name}"
            self._say(Code.WRONG_UNIT, key, what, f"Write {twin}{' and give ' + hint if hint else ''}")
            return
        near = _nearest(name, known)
        next_step = f"Did you mean {near}?" if near else f"Known here: {', '.join(sorted(known)) or 'nothing'}"
        self._say(Code.UNKNOWN_KEY, key, f"there is no key {name}", next_step)

    def _say(self, code: Code, key: Key, what: str, next_step: str) -> None:
        self.problems.append(problem_at(self.tree, code, key, what, next_step))


def _names(kind: inspect.StructType) -> set[str]:
    return {field.encode_name for field in kind.fields}


def problem_at(tree: Tree, code: Code, key: Key, what: str, next_step: str) -> Problem:
    """A problem placed at the line, variable or option that said the key."""
    source = tree.source(key)
    return Problem(
        code=code,
        file=source.name,
        line=source.line,
        key=source.key or dotted(key),
        what=what,
        next=next_step or "Mend it",
    )


def nearest(name: str, known: list[str]) -> str:
    """` (did you mean X?)`, or nothing when no known name is close."""
    return _maybe(name, known)


def _bare(kind: Any) -> Any:
    """The annotated scalar type that an inspected type stands for."""
    limits: dict[str, Any] = {}
    for name in ("ge", "le", "gt", "lt", "min_length", "max_length", "pattern"):
        if getattr(kind, name, None) is not None:
            limits[name] = getattr(kind, name)
    base = _PLAIN[type(kind)]
    return Annotated[base, msgspec.Meta(**limits)] if limits else base


def describe(kind: inspect.Type, extra: dict[str, Any] | None = None) -> str:
    """What may be written, in words: `a number between 0 and 1 (...)`."""
    extra = extra or {}
    if isinstance(kind, inspect.Metadata):
        extra, kind = kind.extra or {}, kind.type
    if "form" in extra:
        return str(extra["form"])
    if isinstance(kind, inspect.FloatType | inspect.IntType):
        noun = "a number" if isinstance(kind, inspect.FloatType) else "a whole number"
        low, high = kind.ge, kind.le
        bounds = f" between {low:g} and {_figure(high)}" if low is not None and high is not None else ""
        unit = UNIT_HINTS.get(extra.get("unit", ""), "")
        return f"{noun}{bounds}{' (' + unit + ')' if unit else ''}"
    if isinstance(kind, inspect.UnionType):
        return describe(next(one for one in kind.types if not isinstance(one, inspect.NoneType)))
    if isinstance(kind, inspect.EnumType):
        return "one of " + ", ".join(str(member.value) for member in kind.cls)
    if isinstance(kind, inspect.LiteralType):
        return "one of " + ", ".join(str(value) for value in kind.values)
    return next((word for one, word in _WORDS.items() if isinstance(kind, one)), "a mapping")


def _figure(number: float) -> str:
    return f"{int(number):_}" if abs(number) >= 10_000 else f"{number:g}"


def _kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "a list" if isinstance(value, list) else "a mapping"


def _shown(value: Any, key: Key) -> str:
    """A value for a message, cut short; masked when its key sounds like a secret."""
    if any(sounds_secret(str(part)) for part in key):
        return MASK
    if isinstance(value, list | dict):
        return "this"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _nearest(name: str, known: list[str]) -> str:
    lowered = {one.lower(): one for one in known}
    close = difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=0.6)
    return lowered[close[0]] if close else ""


def _maybe(name: str, known: list[str]) -> str:
    near = _nearest(name, known)
    return f" (did you mean {near}?)" if near else ""


def _stem(name: str) -> str:
    return _UNIT.sub("", name.lower())


def _same_but_for_unit(name: str, known: list[str]) -> str:
    twins = [one for one in known if one != name.lower() and _stem(one) == _stem(name) and one != _stem(one)]
    return twins[0] if len(twins) == 1 else ""
