"""Who gets the next turn: fair when live, seeded in simulation, recorded in replay.

A scheduler chooses among actors that have something unread and how many messages the chosen one may take. It never
sees the messages, so it cannot reorder a lane.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Protocol

from engine.errors import Diverged

SLICE_MESSAGES = 64

Pick = tuple[str, int]


class Named(Protocol):
    """What a scheduler sees of a ready actor."""

    name: str


class Scheduler(Protocol):
    """Chooses the next actor. `picked` hears how many messages it took in the end."""

    def pick(self, ready: Sequence[Named]) -> tuple[int, int]:
        """(index into `ready`, how many messages it may take). `ready` is never empty."""
        ...

    def picked(self, actor: str, messages: int) -> None: ...


class Fair:
    """Round robin, 64 messages at most."""

    def pick(self, ready: Sequence[Named]) -> tuple[int, int]:
        return 0, SLICE_MESSAGES

    def picked(self, actor: str, messages: int) -> None:
        """Nothing to remember."""


class Seeded:
    """Any ready actor, one to `most` messages; the same seed makes the same choices."""

    def __init__(self, seed: int, most: int = 4) -> None:
        self.seed = seed
        self._most = most
        self._draw = random.Random(seed).random

    def pick(self, ready: Sequence[Named]) -> tuple[int, int]:
        draw = self._draw
        return int(draw() * len(ready)), 1 + int(draw() * self._most)

    def picked(self, actor: str, messages: int) -> None:
        """Nothing to remember."""

    def __repr__(self) -> str:
        return f"Seeded({self.seed})"


class Recording:
    """Any scheduler, and a list of what it picked."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self.picks: list[Pick] = []

    def pick(self, ready: Sequence[Named]) -> tuple[int, int]:
        return self._scheduler.pick(ready)

    def picked(self, actor: str, messages: int) -> None:
        self._scheduler.picked(actor, messages)
        self.picks.append((actor, messages))


class Recorded:
    """The picks of a recording again. Raises Diverged when the actor of a pick is not ready or takes another number."""

    def __init__(self, picks: Iterable[Pick]) -> None:
        self._picks = list(picks)
        self._at = 0

    def pick(self, ready: Sequence[Named]) -> tuple[int, int]:
        if self._at == len(self._picks):
            raise Diverged(f"the recording ends after {self._at} picks, but {ready[0].name} is ready")
        actor, messages = self._picks[self._at]
        for index, cell in enumerate(ready):
            if cell.name == actor:
                return index, messages
        raise Diverged(f"pick {self._at}: {actor} is not ready, {', '.join(cell.name for cell in ready)} are")

    def picked(self, actor: str, messages: int) -> None:
        recorded = self._picks[self._at]
        self._at += 1
        if (actor, messages) != recorded:
            raise Diverged(f"pick {self._at - 1}: {actor} took {messages} messages, recorded were {recorded[1]}")
