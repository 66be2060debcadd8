"""The exchange behind a socket: one client at a time, a record that outlives it, and a market that never waits."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Any

from engine.message import Message
from ports.remote_venue.frames import Address, Frames, Hello, MarketAgain, packed
from simulation.exchange import Exchange
from simulation.exchange_process.market import Market

MOST_UNREAD = 1024 * 1024
"""Bytes that may wait for a client that does not read; then it is hung up on, as a broker would."""

HELLO_WITHIN_S = 1.0


class ExchangeServer:
    """Steps the exchange along the wall clock. What it says while nobody listens is in the record and nowhere else."""

    def __init__(self, exchange: Exchange, market: Market, now_ns: Callable[[], int] = time.time_ns) -> None:
        self.exchange = exchange
        self.market = market
        self.requests = 0
        self.sessions = 0
        self._clock = now_ns
        self._writer: asyncio.StreamWriter | None = None
        self._woken = asyncio.Event()

    @property
    def now_ns(self) -> int:
        """The wall clock, and never back."""
        return max(self._clock(), self.exchange.now_ns)

    async def serve(self, address: Address, ready: Callable[[], None] = lambda: None) -> None:
        """Until cancelled."""
        server: Any
        if address.path:
            server = await asyncio.start_unix_server(self._client, address.path)
        else:
            server = await asyncio.start_server(self._client, "127.0.0.1", address.port)
        ready()
        try:
            await self._market_goes_on()
        finally:
            server.close()
            if self._writer is not None:
                self._writer.close()

    async def _market_goes_on(self) -> None:
        while True:
            now_ns = self.now_ns
            self._tick(now_ns)
            self._speak(now_ns)
            wants_ns = self.exchange.next_ns()
            next_ns = self.market.next_ns() if wants_ns is None else min(wants_ns, self.market.next_ns())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0, next_ns - self.now_ns) / 1e9):
                    await self._woken.wait()
            self._woken.clear()

    def _tick(self, now_ns: int) -> None:
        """Let the market move: the exchange hears a price before its client does."""
        for bar in self.market.ended(now_ns):
            self.exchange.on_bar(bar)
            self._say([bar])
        for quote in self.market.quotes(now_ns):
            self.exchange.on_quote(quote)
            self._say([quote])
        cycle = self.market.cycle(now_ns)
        if cycle is not None:
            self._say([cycle])

    def _speak(self, now_ns: int) -> None:
        """Commit, then say what was committed."""
        self._say(self.exchange.take(now_ns))

    def _say(self, messages: Sequence[Message]) -> None:
        writer = self._writer
        if writer is None:
            return
        for message in messages:
            writer.write(packed(message))
        if writer.transport.get_write_buffer_size() > MOST_UNREAD:
            writer.transport.abort()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        frames = Frames(reader)
        if self._writer is not None and not await self._takes_over(frames):
            writer.transport.abort()  # the account has a session already
            return
        self._writer = writer
        self.sessions += 1
        try:
            self.exchange.connect(self.now_ns)
            self._speak(self.now_ns)
            self._say(self.market.bars(self.now_ns, history=True))
            await self._listen(frames)
        except (EOFError, OSError):
            return
        finally:
            self._writer = None
            self.exchange.disconnect(self.now_ns, "the client is gone")
            self.exchange.take(self.now_ns)
            writer.transport.abort()

    async def _takes_over(self, frames: Frames) -> bool:
        """Whether a client comes under a higher token than the one whose session this is, who is hung up on then."""
        try:
            async with asyncio.timeout(HELLO_WITHIN_S):
                hello = await frames.next()
        except (TimeoutError, EOFError, OSError):
            return False
        if not isinstance(hello, Hello) or frames.token <= self.exchange.door.token:
            return False
        self.exchange.door.fence(frames.token)
        while self._writer is not None:
            self._writer.transport.abort()
            await asyncio.sleep(0)
        return True

    async def _listen(self, frames: Frames) -> None:
        while True:
            message = await frames.next()
            self.requests += 1
            if isinstance(message, Hello):
                if not self.exchange.door.admits(frames.token):
                    return
                continue
            if isinstance(message, MarketAgain):
                self._say(self.market.bars(self.now_ns, history=True))
                continue
            if not self.exchange.receive(message, self.now_ns, frames.token):
                return  # another engine has taken the account since
            self._woken.set()
