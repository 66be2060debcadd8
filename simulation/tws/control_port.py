"""The control over a loopback port: one JSON object a line, each with the token, each answered with one line.

{"token": "...", "do": "set_price", "args": {"contract": "CSPX", "bid": 300.0, "ask": 300.1}}
{"ok": true, "answer": null}
"""

from __future__ import annotations

import asyncio
import hmac
from typing import Any, cast

import msgspec

from simulation.tws.control import Control, ControlError

LONGEST = 1 << 20
"""Bytes of the longest line that is read."""
LOOPBACK = "127.0.0.1"


class Line(msgspec.Struct, frozen=True):
    token: str
    do: str
    args: dict[str, Any] = {}


class ControlPort:
    """Listens on loopback only. A wrong token ends the connection; a line that cannot be done is answered."""

    def __init__(self, control: Control, token: str) -> None:
        if not token:
            raise ValueError("a control port needs a token")
        self._control, self._token = control, token
        self._server: asyncio.Server | None = None

    async def listen(self, port: int = 0) -> int:
        """The port, which is chosen when 0 was given. Raises OSError when it cannot be had."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Talk(self), LOOPBACK, port)
        found: int = self._server.sockets[0].getsockname()[1]
        return found

    def close(self) -> None:
        if self._server is not None:
            self._server.close()

    def answer(self, line: bytes) -> tuple[bytes, bool]:
        """The answer to a line, and whether the connection may go on."""
        try:
            asked = msgspec.json.decode(line, type=Line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return _told(False, f"a line of the control port is an object with token, do and args: {error}"), True
        if not hmac.compare_digest(asked.token.encode(), self._token.encode()):
            return _told(False, "the token is wrong"), False
        try:
            return _told(True, self._control.do(asked.do, asked.args)), True
        except ControlError as error:
            return _told(False, str(error)), True


class _Talk(asyncio.Protocol):
    def __init__(self, port: ControlPort) -> None:
        self._port = port
        self._kept = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        transport = self._transport
        assert transport is not None
        *lines, self._kept = (self._kept + data).split(b"\n")
        if len(self._kept) > LONGEST:
            transport.write(_told(False, f"a line has at most {LONGEST} bytes"))
            transport.close()
            return
        for line in lines:
            if line.strip() and not transport.is_closing():
                answer, goes_on = self._port.answer(line)
                transport.write(answer)
                if not goes_on:
                    transport.close()


def _told(done: bool, what: object) -> bytes:
    said = {"ok": True, "answer": what} if done else {"ok": False, "error": what}
    return msgspec.json.encode(said, enc_hook=str) + b"\n"
