"""Which version two sides speak: the client offers a range, the gateway answers one version and its time."""

from __future__ import annotations

import re

import msgspec

from simulation.tws.codec.errors import CodecError, shown
from simulation.tws.codec.framing import OPENING, fields_of, framed

OLDEST, NEWEST = 157, 178
"""Server versions that this codec speaks."""
_RANGE = re.compile(r"v([0-9]{1,9})(?:\.\.([0-9]{1,9}))?(?: (.*))?", re.DOTALL)


class Hello(msgspec.Struct, frozen=True):
    """The versions that a client speaks, both ends included."""

    lowest: int
    highest: int
    options: str = ""


class Welcome(msgspec.Struct, frozen=True):
    """time: of the connection, as `20261120 10:00:00 EST`."""

    version: int
    time: str


def encode_hello(hello: Hello) -> bytes:
    """The first bytes of a client: the opening and one whole frame."""
    options = f" {hello.options}" if hello.options else ""
    return OPENING + framed(f"v{hello.lowest}..{hello.highest}{options}".encode())


def decode_hello(payload: bytes) -> Hello:
    """Raises CodecError for what is no range of versions."""
    fields = fields_of(payload)
    match = _RANGE.fullmatch(fields[0]) if len(fields) == 1 else None
    if match is None:
        raise CodecError(None, "", 0, "versions", f"a range as v157..178, not {shown(' '.join(fields))}")
    lowest, highest, options = match.groups(default="")
    return Hello(int(lowest), int(highest or lowest), options)


def agreed(hello: Hello, newest: int = NEWEST) -> int:
    """The highest version that both speak. Raises CodecError when there is none; the gateway then closes the socket."""
    version = min(newest, hello.highest)
    if version < max(OLDEST, hello.lowest):
        raise CodecError(
            None, "", 0, "versions", f"a range that meets {OLDEST}..{newest}, not {hello.lowest}..{hello.highest}"
        )
    return version


def encode_welcome(welcome: Welcome) -> bytes:
    """The gateway's first payload: exactly two fields."""
    return f"{welcome.version}\0{welcome.time}\0".encode("ascii", "backslashreplace")


def decode_welcome(payload: bytes) -> Welcome:
    """Raises CodecError for what is no answer to a hello."""
    fields = fields_of(payload)
    if len(fields) != 2 or re.fullmatch(r"[0-9]{1,9}", fields[0]) is None:
        raise CodecError(None, "", 0, "welcome", f"a version and a time, not {shown(' '.join(fields))}")
    return Welcome(int(fields[0]), fields[1])
