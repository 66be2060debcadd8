"""What goes wrong between bytes and messages: one message that cannot be read, or a stream that is none of ours."""

from __future__ import annotations

SHOWN = 40
"""Characters of a field that an error repeats."""


class CodecError(Exception):
    """One message cannot be read or written; the messages around it are unharmed.

    number: the message id, None when it has none.  place: of the field, counted from 0, which is the id.
    name: what stands there, in our words.  expected: what should have stood there.
    """

    def __init__(self, number: int | None, kind: str, place: int, name: str, expected: str) -> None:
        self.number, self.place, self.name, self.expected = number, place, name, expected
        who = "a message without an id" if number is None else f"message {number} ({kind})"
        super().__init__(f"{who}, field {place} ({name}): expected {expected}")


class FramingError(ConnectionError):
    """The stream is not cut into frames as the protocol wants it. Nothing after it can be read: close the socket."""


class MismatchError(Exception):
    """Raised inside the codec where only the wanted thing is known; whoever knows the message makes a CodecError."""


def shown(text: str) -> str:
    """A field as an error repeats it."""
    return repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}...")
