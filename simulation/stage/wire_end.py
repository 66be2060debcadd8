"""One end of a wire: asyncio's transport, to the letter of what protocols may rely on."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Protocol

CAPACITY = 1 << 18
"""Bytes that may be on one direction of a wire, or wait at its end, before whoever writes must keep them."""
MOST_AT_ONCE = 1 << 18
"""Bytes of one data_received."""
HIGH_WATER = 1 << 16


class Loop(Protocol):
    def call_soon(self, callback: Callable[..., object], *args: Any) -> object: ...

    def call_exception_handler(self, context: dict[str, Any]) -> None: ...

    def create_future(self) -> asyncio.Future[Any]: ...


class Outward(Protocol):
    """The way to the other end."""

    def send(self, arrive: Callable[[], None]) -> None: ...

    def pieces(self, data: bytes) -> Iterable[bytes]: ...


class End(asyncio.Transport):
    """What is written arrives at the other end in order, later, perhaps in pieces or together.

    `close` lets what was written arrive and then the end of it; `abort` drops what still waits here. The other end
    hears a reset instead where bytes came that nobody read any more.  over: done once `connection_lost` was called.
    """

    def __init__(self, loop: Loop, way: Outward, name: tuple[str, int], peer: tuple[str, int]) -> None:
        super().__init__({"sockname": name, "peername": peer})
        self.over: asyncio.Future[None] = loop.create_future()
        self._loop, self._way = loop, way
        self._peer: End
        self._protocol: Any = None
        self._high, self._low = HIGH_WATER, HIGH_WATER // 4
        self._kept = bytearray()  # written, and no room on the wire yet
        self._coming = 0  # bytes on the wire to here
        self._arrived = bytearray()
        self._peer_ended = False
        self._reset: OSError | None = None
        self._begun = self._reading = self._paused = self._full = False
        self._eof = self._eof_sent = self._closing = self._ending = False

    def join(self, peer: End) -> None:
        """The two ends of one wire."""
        self._peer, peer._peer = peer, self

    def begin(self, protocol: asyncio.BaseProtocol, begun: Callable[[], None] | None = None) -> None:
        """Give it to whom it belongs. What came before that waits until now."""
        self._protocol = protocol
        protocol.connection_made(self)
        self._begun = True
        self._read_soon()
        if begun is not None:
            begun()

    @property
    def closed(self) -> bool:
        return self.over.done()

    # -- asyncio.BaseTransport

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            if not self._kept:
                self._end(None)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        protocol: asyncio.BaseProtocol = self._protocol
        return protocol

    # -- asyncio.ReadTransport

    def is_reading(self) -> bool:
        return not self._closing and not self._paused

    def pause_reading(self) -> None:
        if not self._closing:
            self._paused = True

    def resume_reading(self) -> None:
        if not self._closing and self._paused:
            self._paused = False
            self._read_soon()

    # -- asyncio.WriteTransport

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        if not isinstance(data, bytes | bytearray | memoryview):
            raise TypeError(f"data must be bytes-like, not {type(data).__name__}")
        if self._eof:
            raise RuntimeError("cannot write after write_eof")
        if not data or self._ending:
            return
        if self._reset is not None:
            self._fail(self._reset)
            return
        self._kept += data
        self._push()
        if not self._full and len(self._kept) > self._high:
            self._full = True
            self._tell_flow("pause_writing")

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview[Any]]) -> None:
        self.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        if not self._closing and not self._eof:
            self._eof = True
            self._push()

    def abort(self) -> None:
        self._drop(None)

    def get_write_buffer_size(self) -> int:
        return len(self._kept)

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Bytes: low, high."""
        return self._low, self._high

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Raises ValueError unless high >= low >= 0."""
        high = (HIGH_WATER if low is None else 4 * low) if high is None else high
        low = high // 4 if low is None else low
        if not high >= low >= 0:
            raise ValueError(f"high ({high}) must be >= low ({low}) must be >= 0")
        self._high, self._low = high, low

    # -- out

    def _push(self) -> None:
        """Put on the wire what has room there; after the last byte, the end."""
        peer, kept = self._peer, self._kept
        room = CAPACITY - peer._coming - len(peer._arrived)
        if kept and room > 0:
            data = bytes(kept[:room])
            del kept[:room]
            peer._coming += len(data)
            for piece in self._way.pieces(data):
                self._way.send(partial(peer._arrive, piece))
        if self._full and len(kept) <= self._low:
            self._full = False
            self._tell_flow("resume_writing")
        if kept:
            return
        if self._eof:
            self._send_end()
        if self._closing and not self._ending:
            self._end(None)

    def _send_end(self) -> None:
        if not self._eof_sent:
            self._eof_sent = True
            self._way.send(self._peer._arrive_end)

    def _tell_flow(self, what: str) -> None:
        try:
            getattr(self._protocol, what)()
        except Exception as error:
            self._complain(f"protocol.{what}() failed", error)

    # -- in

    def _arrive(self, data: bytes) -> None:
        self._coming -= len(data)
        if self.over.done():
            self._way.send(self._peer.arrive_reset)
            return
        self._arrived += data
        self._read_soon()

    def _arrive_end(self) -> None:
        self._peer_ended = True
        self._read_soon()

    def arrive_reset(self) -> None:
        """The wire is dead from here on. What has arrived is still read, where anybody reads."""
        self._reset = ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
        self._read_soon()

    def _read_soon(self) -> None:
        if self._begun and not self._reading and not self._paused and not self._closing:
            self._reading = True
            self._loop.call_soon(self._read)

    def _read(self) -> None:
        self._reading = False
        if self._paused or self._closing:
            return
        if self._arrived:
            self._hand_over()
        elif self._reset is not None:
            self._fail(self._reset)
        elif self._peer_ended:
            self._hand_over_end()

    def _hand_over(self) -> None:
        data = bytes(self._arrived[:MOST_AT_ONCE])
        del self._arrived[:MOST_AT_ONCE]
        self._peer._push()
        try:
            self._protocol.data_received(data)
        except Exception as error:
            self._fail(error, "protocol.data_received() failed")
            return
        if self._arrived or self._reset is not None or self._peer_ended:
            self._read_soon()

    def _hand_over_end(self) -> None:
        self._peer_ended = False
        try:
            stays = self._protocol.eof_received()
        except Exception as error:
            self._fail(error, "protocol.eof_received() failed")
            return
        if not stays:
            self.close()

    # -- ends

    def _fail(self, error: Exception, what: str = "") -> None:
        if what:
            self._complain(what, error)
        self._drop(error)

    def _complain(self, what: str, error: Exception) -> None:
        self._loop.call_exception_handler(
            {"message": what, "exception": error, "transport": self, "protocol": self._protocol}
        )

    def _drop(self, error: Exception | None) -> None:
        self._kept.clear()
        self._closing = True
        if not self._ending:
            self._end(error)

    def _end(self, error: Exception | None) -> None:
        self._ending = True
        self._loop.call_soon(self._lose, error)

    def _lose(self, error: Exception | None) -> None:
        """The last word to the protocol, and then to the other end."""
        try:
            self._protocol.connection_lost(error)
        finally:
            self.over.set_result(None)
            if self._arrived:
                self._way.send(self._peer.arrive_reset)
            elif self._reset is None:
                self._send_end()
