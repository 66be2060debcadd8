"""Layouts: messages as tables of fields, from which both encoding and decoding follow.

A codec (a Kind, Counted, Row, Maybe, Raw, Record, ...) says how one value stands in the fields: `write(value, out)`,
`read(cursor)`, and `at(version)`, which is itself without what that version does not have. A part (Field, Said, When,
...) says which value stands at a place of a struct.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any, Protocol

from simulation.tws.codec.errors import MismatchError, shown
from simulation.tws.codec.handshake import NEWEST, OLDEST
from simulation.tws.codec.kinds import FLAG, INT, TEXT, Cursor

Found = dict[str, dict[str, Any]]
"""What has been read of a struct: for each struct inside it by path, its fields by name."""


class Codec(Protocol):
    """A value that takes some fields. write and read raise MismatchError."""

    def write(self, value: Any, out: list[str]) -> None: ...

    def read(self, cursor: Cursor) -> Any: ...

    def at(self, version: int) -> Codec: ...


class Part(Protocol):
    """A place of a struct. title: for errors.  paths: what it sets."""

    @property
    def title(self) -> str: ...

    @property
    def paths(self) -> tuple[str, ...]: ...

    def write(self, message: Any, out: list[str]) -> None: ...

    def read(self, cursor: Cursor, found: Found) -> None: ...

    def at(self, version: int) -> Iterable[Part]: ...


class Gated:
    """What versions before `since` and after `until` do not have."""

    __slots__ = ("since", "until")

    def __init__(self, since: int, until: int) -> None:
        self.since, self.until = since, until

    def stands(self, version: int) -> bool:
        return self.since <= version <= self.until


class Field(Gated):
    """A value at a path, as `order.limit`."""

    __slots__ = ("_get", "_home", "_name", "codec", "paths", "title")

    def __init__(self, path: str, codec: Codec, since: int = OLDEST, until: int = NEWEST) -> None:
        super().__init__(since, until)
        self.title, self.paths, self.codec = path, (path,), codec
        self._home, _, self._name = path.rpartition(".")
        self._get = attrgetter(path)

    def write(self, message: Any, out: list[str]) -> None:
        self.codec.write(self._get(message), out)

    def read(self, cursor: Cursor, found: Found) -> None:
        cursor.name = self.title
        found[self._home][self._name] = self.codec.read(cursor)

    def at(self, version: int) -> Iterable[Part]:
        return (Field(self.title, self.codec.at(version)),) if self.stands(version) else ()


class Said(Gated):
    """What a message says besides its struct. said: a text, or how it follows from the message. Read, it is dropped."""

    __slots__ = ("paths", "said", "title")

    def __init__(
        self, title: str, said: str | Callable[[Any], str], since: int = OLDEST, until: int = NEWEST
    ) -> None:  # fmt: skip
        super().__init__(since, until)
        self.title, self.said = title, said
        self.paths: tuple[str, ...] = ()

    def write(self, message: Any, out: list[str]) -> None:
        out.append(self.said if isinstance(self.said, str) else self.said(message))

    def read(self, cursor: Cursor, found: Found) -> None:
        cursor.name = self.title
        cursor.take()

    def at(self, version: int) -> Iterable[Part]:
        return (self,) if self.stands(version) else ()


def revision(text: str) -> Said:
    """The number of a message's own form, which old messages still carry."""
    return Said("form", text)


class When(Gated):
    """Parts that follow only when a value that stands before them passes a test."""

    __slots__ = ("_get", "_home", "_name", "parts", "paths", "test", "title")

    def __init__(
        self, path: str, test: Callable[[Any], bool], *parts: Part, since: int = OLDEST, until: int = NEWEST
    ) -> None:  # fmt: skip
        super().__init__(since, until)
        self.title, self.test, self.parts = path, test, parts
        self.paths = (path, *(inner for part in parts for inner in part.paths))
        self._home, _, self._name = path.rpartition(".")
        self._get = attrgetter(path)

    def write(self, message: Any, out: list[str]) -> None:
        if self.test(self._get(message)):
            for part in self.parts:
                part.write(message, out)

    def read(self, cursor: Cursor, found: Found) -> None:
        if self.test(found[self._home].get(self._name)):
            for part in self.parts:
                part.read(cursor, found)

    def at(self, version: int) -> Iterable[Part]:
        return (When(self.title, self.test, *specialised(self.parts, version)),) if self.stands(version) else ()


def specialised(parts: Iterable[Part], version: int) -> tuple[Part, ...]:
    """The parts that a version has."""
    return tuple(kept for part in parts for kept in part.at(version))


class Record:
    """A struct, whole: its parts in their order. Structs inside it are made from the paths."""

    __slots__ = ("_homes", "kind", "parts")

    def __init__(self, kind: type, *parts: Part) -> None:
        self.kind, self.parts = kind, parts
        self._homes = _homes(kind, (path for part in parts for path in part.paths))

    def write(self, value: Any, out: list[str]) -> None:
        for part in self.parts:
            part.write(value, out)

    def read(self, cursor: Cursor) -> Any:
        found: Found = {"": {}, **{home: {} for home in self._homes}}
        for part in self.parts:
            part.read(cursor, found)
        for home, (parent, name, kind) in self._homes.items():
            found[parent][name] = kind(**found[home])
        return self.kind(**found[""])

    def at(self, version: int) -> Record:
        return Record(self.kind, *specialised(self.parts, version))


def _homes(kind: type, paths: Iterable[str]) -> Mapping[str, tuple[str, str, type]]:
    """The structs inside a struct, the innermost first: path -> (path of its owner, name there, class)."""
    found = {""}
    for path in paths:
        steps = path.split(".")[:-1]
        found |= {".".join(steps[: i + 1]) for i in range(len(steps))}
    homes: dict[str, tuple[str, str, type]] = {}
    for home in sorted(found - {""}, key=lambda path: -path.count(".")):
        owner: Any = kind
        for step in home.split("."):
            owner = typing.get_type_hints(owner)[step]
        parent, _, name = home.rpartition(".")
        homes[home] = (parent, name, owner)
    return homes


MOST_ITEMS = 250_000
"""Of a repeat group; three days of bars of one second are fewer."""


class Counted:
    """How many, and then each of them."""

    __slots__ = ("item",)

    def __init__(self, item: Codec) -> None:
        self.item = item

    def write(self, value: Any, out: list[str]) -> None:
        if len(value) > MOST_ITEMS:
            raise MismatchError(f"at most {MOST_ITEMS} items, not {len(value)}")
        out.append(str(len(value)))
        for item in value:
            self.item.write(item, out)

    def read(self, cursor: Cursor) -> Any:
        count, read = INT.read(cursor), self.item.read
        if count > MOST_ITEMS:
            raise MismatchError(f"a count of at most {MOST_ITEMS}, not {count}")
        if not 0 <= count <= cursor.left:
            raise MismatchError(f"a count from 0 to the {cursor.left} fields that follow, not {count}")
        return tuple([read(cursor) for _ in range(count)])

    def at(self, version: int) -> Counted:
        return Counted(self.item.at(version))


class Hole:
    """A field of a Row that holds nothing of its tuple."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


class Unsaid:
    """A place of a Row's tuple that no field holds; it is an empty text when it is read."""

    __slots__ = ()


class Row:
    """A tuple of a fixed length, one codec a place."""

    __slots__ = ("_width", "codecs")

    def __init__(self, *codecs: Codec | Hole | Unsaid) -> None:
        self.codecs = codecs
        self._width = sum(not isinstance(codec, Hole) for codec in codecs)

    def write(self, value: Any, out: list[str]) -> None:
        if len(value) != self._width:
            raise MismatchError(f"{self._width} values, not {len(value)}")
        values = iter(value)
        for codec in self.codecs:
            if isinstance(codec, Hole):
                out.append(codec.text)
                continue
            item = next(values)
            if not isinstance(codec, Unsaid):
                codec.write(item, out)

    def read(self, cursor: Cursor) -> Any:
        values: list[Any] = []
        for codec in self.codecs:
            if isinstance(codec, Hole):
                cursor.take()
            else:
                values.append("" if isinstance(codec, Unsaid) else codec.read(cursor))
        return tuple(values)

    def at(self, version: int) -> Row:
        return Row(*(codec if isinstance(codec, Hole | Unsaid) else codec.at(version) for codec in self.codecs))


class Maybe:
    """A flag, and after a 1 what it announces; None after a 0."""

    __slots__ = ("item",)

    def __init__(self, item: Codec) -> None:
        self.item = item

    def write(self, value: Any, out: list[str]) -> None:
        FLAG.write(value is not None, out)
        if value is not None:
            self.item.write(value, out)

    def read(self, cursor: Cursor) -> Any:
        return self.item.read(cursor) if FLAG.read(cursor) else None

    def at(self, version: int) -> Maybe:
        return Maybe(self.item.at(version))


class Raw:
    """Fields that are carried as they are, as a tuple of texts. usual: what () stands for.  said: the places of the
    tuple that this message holds, where it does not hold all."""

    __slots__ = ("said", "usual")

    def __init__(self, usual: tuple[str, ...], said: tuple[int, ...] | None = None) -> None:
        self.usual = usual
        self.said = tuple(range(len(usual))) if said is None else said

    def write(self, value: Any, out: list[str]) -> None:
        texts = value or self.usual
        if len(texts) != len(self.usual):
            raise MismatchError(f"{len(self.usual)} texts or none, not {len(texts)}")
        for place in self.said:
            TEXT.write(texts[place], out)

    def read(self, cursor: Cursor) -> Any:
        texts = list(self.usual)
        for place in self.said:
            texts[place] = TEXT.read(cursor)
        read = tuple(texts)
        return () if read == self.usual else read

    def at(self, version: int) -> Raw:
        return self


class Shaped:
    """A tuple of texts whose length follows from the first of them."""

    __slots__ = ("widths",)

    def __init__(self, widths: Mapping[str, int]) -> None:
        self.widths = widths

    def _width(self, first: str) -> int:
        width = self.widths.get(first)
        if width is None:
            raise MismatchError(f"one of {', '.join(self.widths)}, not {shown(first)}")
        return width

    def write(self, value: Any, out: list[str]) -> None:
        width = self._width(value[0] if value else "")
        if len(value) != width:
            raise MismatchError(f"{width} texts for {value[0]}, not {len(value)}")
        for text in value:
            TEXT.write(text, out)

    def read(self, cursor: Cursor) -> Any:
        first = TEXT.read(cursor)
        return (first, *(TEXT.read(cursor) for _ in range(self._width(first) - 1)))

    def at(self, version: int) -> Shaped:
        return self


class Mapped:
    """A value that another form stands in for on the wire."""

    __slots__ = ("item", "of_wire", "to_wire")

    def __init__(self, item: Codec, to_wire: Callable[[Any], Any], of_wire: Callable[[Any], Any]) -> None:
        self.item, self.to_wire, self.of_wire = item, to_wire, of_wire

    def write(self, value: Any, out: list[str]) -> None:
        self.item.write(self.to_wire(value), out)

    def read(self, cursor: Cursor) -> Any:
        return self.of_wire(self.item.read(cursor))

    def at(self, version: int) -> Mapped:
        return Mapped(self.item.at(version), self.to_wire, self.of_wire)
