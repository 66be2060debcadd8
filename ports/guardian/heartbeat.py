"""The heartbeat: what the engine says of itself each second, so that somebody outside can tell it from a dead one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Protocol

import msgspec

from engine.message import Message, Told
from engine.ports import Outside
from model.leases import WatchdogWord
from state.process_id import ProcessId

FILE = "heartbeat"
EVERY_S = 1.0


class Pulse(msgspec.Struct, frozen=True):
    """The runtime's figures at one moment.

    turns: messages handled so far.  unread: messages waiting.  seq: the last durable row.  undurable: rows that wait
    for their commit.
    """

    mode: str
    turns: int
    unread: int
    seq: int
    undurable: int


class Heartbeat(msgspec.Struct, frozen=True):
    """One beat. beat: counts from 1 in each process.

    word: what the watchdog actor last objected to; empty for nothing.  words: how many it has said.  ended: the engine
    went down as it should; nothing is to be guarded any more.
    """

    process: ProcessId
    beat: int
    pulse: Pulse
    word: str = ""
    words: int = 0
    ended: bool = False


class Beats(Protocol):
    """Where heartbeats come from: a file today; a broker's topic would be one more of these."""

    def read(self) -> Heartbeat | None: ...


class Sink(Protocol):
    """Where heartbeats go."""

    def write(self, value: Heartbeat, /) -> None: ...


class HeartbeatPort:
    """Beats once a second while the loop and the watchdog actor live; the last beat says whether the end was clean.

    pulse: reads the runtime.  clean: whether the engine ended in order.  each_beat: done after each, such as a plan's
    renewal.
    """

    name = "heartbeat"
    idle = True

    def __init__(
        self, sink: Sink, process: ProcessId, *, pulse: Callable[[], Pulse], clean: Callable[[], bool],
        each_beat: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self._sink, self._process = sink, process
        self._pulse, self._clean, self._each_beat = pulse, clean, each_beat
        self._beat = self._words = 0
        self._word = ""

    def deliver(self, message: Message, cause: int) -> Told:
        """The watchdog actor's word goes out with the next beat."""
        if isinstance(message, WatchdogWord):
            self._word = message.text
            self._words += 1
        return Told.OK

    async def run(self, outside: Outside) -> None:
        try:
            while True:
                with contextlib.suppress(OSError):  # a beat that cannot be written is a beat that is missed
                    self._write(ended=False)
                    self._each_beat()
                await asyncio.sleep(EVERY_S)
        finally:
            with contextlib.suppress(OSError):
                self._write(ended=self._clean())

    def _write(self, *, ended: bool) -> None:
        self._beat += 1
        self._sink.write(Heartbeat(self._process, self._beat, self._pulse(), self._word, self._words, ended))
