"""Which class a kind of row is: the registry that encodes and decodes journalled facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from engine.errors import JournalError
from engine.message import Event

ROOMS = ("engine", "model", "config", "state", "actors", "ports", "simulation")


class RawEvent(Event, frozen=True, gc=False):
    """A row whose kind this program does not know, kept as it was written."""

    kind: str
    body: bytes


class Events:
    """Kinds of journalled facts by name. Raises JournalError when two classes have one name."""

    def __init__(self, classes: Iterable[type[Event]]) -> None:
        self._classes: dict[str, type[Event]] = {}
        for cls in classes:
            known = self._classes.setdefault(cls.__name__, cls)
            if known is not cls:
                raise JournalError(
                    f"{known.__module__} and {cls.__module__} both define {cls.__name__}; a kind needs one class"
                )
        self._decoders: dict[str, msgspec.msgpack.Decoder[Event]] = {}
        self.unknown: dict[str, int] = {}

    @classmethod
    def discover(cls, rooms: Iterable[str] = ROOMS) -> Events:
        """Every Event class that the program has imported so far from these rooms."""
        wanted = frozenset(rooms)
        return cls(event for event in _subclasses(Event) if event.__module__.partition(".")[0] in wanted)

    @property
    def kinds(self) -> Mapping[str, type[Event]]:
        return self._classes

    def decode(self, kind: str, body: bytes) -> Event:
        """The fact of a row; a RawEvent for an unknown kind, which is counted in `unknown`.

        Raises msgspec.DecodeError (or its ValidationError) when the body does not fit the class.
        """
        decoder = self._decoders.get(kind)
        if decoder is None:
            cls = self._classes.get(kind)
            if cls is None:
                self.unknown[kind] = self.unknown.get(kind, 0) + 1
                return RawEvent(kind, bytes(body))
            decoder = self._decoders[kind] = msgspec.msgpack.Decoder(cls)
        return decoder.decode(body)


def _subclasses(base: type[Event]) -> Iterator[type[Event]]:
    for cls in base.__subclasses__():
        if cls is not RawEvent:
            yield cls
            yield from _subclasses(cls)
