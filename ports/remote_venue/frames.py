"""What goes over the socket between an engine and an exchange process: one message a frame.

A frame is its length (four bytes, big end first, itself not counted), the fencing token of whoever sends it (eight
bytes, 0 for none), one byte that says how long the kind's name is, that name, and the message in msgpack.
"""

from __future__ import annotations

import asyncio
import struct
from typing import NamedTuple

import msgspec

from engine.message import Message
from model.leases import CancelAfter
from model.market import BarClosed, Quote, SessionClosed
from model.orders import (
    CancelAtVenue,
    CancelRejected,
    CashMoved,
    Fill,
    ModifyOrder,
    ModifyRejected,
    OrderAcked,
    OrderCancelled,
    OrderExpired,
    OrderModified,
    OrderRejected,
    RequestSnapshot,
    Settlement,
    SubmitOrder,
    VenueDown,
    VenueSnapshot,
    VenueUp,
)

LONGEST = 64 * 1024 * 1024
LENGTH = struct.Struct(">I")
_TOKEN = struct.Struct(">q")
HEAD = _TOKEN.size + 1
_encode = msgspec.msgpack.Encoder().encode


class Hello(Message, frozen=True, gc=False):
    """client -> exchange, first of all: I come under this frame's token, and whoever came under a lower one is out."""


class MarketAgain(Message, frozen=True, gc=False):
    """engine -> exchange: tell the last bars again, as history."""


KINDS: tuple[type[Message], ...] = (
    SubmitOrder, ModifyOrder, CancelAtVenue, CancelAfter, RequestSnapshot, MarketAgain, Hello,
    OrderAcked, OrderRejected, OrderCancelled, OrderExpired, OrderModified, ModifyRejected, CancelRejected, Fill,
    CashMoved, Settlement, VenueSnapshot, VenueUp, VenueDown,
    BarClosed, Quote, SessionClosed,
)  # fmt: skip
_DECODERS = {kind.__name__: msgspec.msgpack.Decoder(kind) for kind in KINDS}


class FrameError(ConnectionError):
    """What came over the socket is no frame of ours: whoever speaks there is not an exchange process, or is damaged."""


class Address(NamedTuple):
    """Where an exchange process listens: the path of a Unix socket, or a port of this machine."""

    path: str = ""
    port: int = 0

    @classmethod
    def of(cls, text: str) -> Address:
        """From `/run/exchange.sock` or `127.0.0.1:7500`. Raises ValueError for another machine or no address."""
        if "/" in text:
            return cls(path=text)
        host, _, port = text.rpartition(":")
        if host in ("127.0.0.1", "localhost") and port.isdigit() and 0 < int(port) < 65_536:
            return cls(port=int(port))
        raise ValueError(f"{text!r} is no address: give the path of a socket, or a port here such as 127.0.0.1:7500")

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection. Raises OSError."""
        if self.path:
            return await asyncio.open_unix_connection(self.path)
        return await asyncio.open_connection("127.0.0.1", self.port)


def packed(message: Message, token: int = 0) -> bytes:
    """A message as a frame."""
    name, body = type(message).__name__.encode(), _encode(message)
    length = LENGTH.pack(HEAD + len(name) + len(body))
    return b"".join((length, _TOKEN.pack(token), bytes((len(name),)), name, body))


def announced(head: bytes) -> int:
    """How long the rest of a frame is. Raises FrameError for what is none."""
    (length,) = LENGTH.unpack(head)
    if not HEAD < length <= LONGEST:
        raise FrameError(f"a frame of {length} bytes was announced")
    return int(length)


def unpacked(frame: bytes) -> tuple[int, Message]:
    """The token and the message of a frame without its length. Raises FrameError for what is none."""
    (token,) = _TOKEN.unpack_from(frame)
    end = HEAD + frame[HEAD - 1]
    decoder = _DECODERS.get(frame[HEAD:end].decode("ascii", "replace"))
    if decoder is None:
        raise FrameError(f"a frame of the unknown kind {frame[HEAD:end]!r} came")
    try:
        message: Message = decoder.decode(memoryview(frame)[end:])
    except msgspec.DecodeError as error:
        raise FrameError(f"a frame cannot be read: {error}") from None
    return token, message


class Frames:
    """Messages out of a stream, in order. token: of the frame that was read last."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self.token = 0
        self._reader = reader

    async def next(self) -> Message:
        """Raises EOFError where the stream ends, in the middle of a frame too, and FrameError for what is none."""
        length = announced(await self._reader.readexactly(LENGTH.size))
        self.token, message = unpacked(await self._reader.readexactly(length))
        return message
