"""Frames: four bytes of length, big end first, then fields that end in NUL each."""

from __future__ import annotations

import struct

from simulation.tws.codec.errors import SHOWN, FramingError

LONGEST = 16 * 1024 * 1024
"""Bytes of the longest frame that is taken or sent."""
OPENING = b"API\0"
"""What a client says before its first frame."""
_LENGTH = struct.Struct(">I")


def framed(payload: bytes) -> bytes:
    """A payload with its length before it. Raises FramingError for one that is empty or longer than LONGEST."""
    if not 0 < len(payload) <= LONGEST:
        raise FramingError(_refusal(len(payload)))
    return _LENGTH.pack(len(payload)) + payload


def fields_of(payload: bytes) -> list[str]:
    """The fields of a payload. Text is UTF-8 as clients send it; bytes that are not become backslash escapes."""
    fields = payload.decode("utf-8", "backslashreplace").split("\0")
    if not fields[-1]:
        fields.pop()
    return fields


def _refusal(length: int) -> str:
    return f"a frame of {length} bytes was announced; frames have 1 to {LONGEST} bytes"


class Framer:
    """Cuts one direction of a socket into payloads, however the bytes arrive.

    opened: the stream begins with a client's `API` and NUL, which belongs to no frame. Once it has raised, it raises
    the same for whatever else comes.
    """

    __slots__ = ("_broken", "_kept", "_opening")

    def __init__(self, *, opened: bool = False) -> None:
        self._opening = OPENING if opened else b""
        self._kept = bytearray()
        self._broken: str | None = None

    @property
    def waiting(self) -> int:
        """Bytes that have come and belong to a frame that has not ended."""
        return len(self._kept)

    def feed(self, data: bytes) -> list[bytes]:
        """The payloads that are complete with these bytes. Raises FramingError; payloads before the fault are lost."""
        if self._broken is not None:
            raise FramingError(self._broken)
        self._kept += data
        try:
            return self._cut() if self._is_open() else []
        except FramingError as error:
            self._broken = str(error)
            self._kept.clear()
            raise

    def _is_open(self) -> bool:
        """Whether the opening is behind us."""
        wanted = self._opening
        if not wanted:
            return True
        come = bytes(self._kept[: len(wanted)])
        if not wanted.startswith(come):
            said = bytes(self._kept[:SHOWN])
            raise FramingError(f"a client of this protocol begins with {wanted!r}, not with {said!r}")
        if come != wanted:
            return False
        self._opening = b""
        del self._kept[: len(wanted)]
        return True

    def _cut(self) -> list[bytes]:
        payloads, at, kept = [], 0, self._kept
        while len(kept) - at >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(kept, at)
            if not 0 < length <= LONGEST:
                raise FramingError(_refusal(length))
            end = at + _LENGTH.size + length
            if end > len(kept):
                break
            payloads.append(bytes(kept[at + _LENGTH.size : end]))
            at = end
        del kept[:at]
        return payloads
