"""Questions to the gateway: one at a time of each kind, each with a deadline, answered completely or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import Any

from ports.ib.errors import LinkLost, RequestRefused, Unanswered
from ports.ib.pacer import Lane, Paced, Pacer

FIRST_REQUEST = 1_000_000_000
"""Request ids begin here, order ids stay below: an error's number says which of the two it is about."""


class Asked:
    """One question that waits. `parts` are what came for it so far."""

    __slots__ = ("done", "parts")

    def __init__(self) -> None:
        self.parts: list[Any] = []
        self.done: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()


class Questions:
    """Those of one session. key: a word for questions that the protocol does not number, else a request id."""

    def __init__(self, pacer: Pacer) -> None:
        self._pacer = pacer
        self._waiting: dict[Hashable, Asked] = {}
        self._turns: dict[Hashable, asyncio.Lock] = {}
        self._last_id = FIRST_REQUEST

    def new_id(self) -> int:
        self._last_id += 1
        return self._last_id

    async def ask(self, key: Hashable, send: Callable[[], None], within_s: float, lane: Lane = Lane.QUERY) -> list[Any]:
        """Every part up to the end marker. The deadline counts from when it is this question's turn.

        Raises Unanswered after `within_s`, RequestRefused for an error about it, LinkLost when the session ends.
        """
        turn = self._turns.setdefault(key, asyncio.Lock())
        async with turn:
            asked = self._waiting[key] = Asked()
            self._pacer.put(Paced(lane, send, lambda reason: self._unsent(key, reason)))
            try:
                async with asyncio.timeout(within_s):
                    return await asked.done
            except TimeoutError:
                raise Unanswered(f"no end of {key} within {within_s:g} s", asked.parts) from None
            finally:
                self._waiting.pop(key, None)
                if isinstance(key, int):
                    self._turns.pop(key, None)

    def part(self, key: Hashable, value: Any) -> None:
        """Something came for a question; ignored when nobody asked."""
        asked = self._waiting.get(key)
        if asked is not None:
            asked.parts.append(value)

    def end(self, key: Hashable) -> None:
        asked = self._waiting.get(key)
        if asked is not None and not asked.done.done():
            asked.done.set_result(asked.parts)

    def refuse(self, key: Hashable, code: int, text: str) -> bool:
        """An error about a question; False when nobody asked it."""
        return self._fail(key, RequestRefused(code, text))

    def lost(self, reason: str) -> None:
        """The session is over: nobody will answer."""
        for key in list(self._waiting):
            self._fail(key, LinkLost(reason))

    def _unsent(self, key: Hashable, reason: str) -> None:
        self._fail(key, LinkLost(reason))

    def _fail(self, key: Hashable, error: Exception) -> bool:
        asked = self._waiting.get(key)
        if asked is None:
            return False
        if not asked.done.done():
            asked.done.set_exception(error)
            asked.done.exception()  # seen here, should the asker be gone
        return True
