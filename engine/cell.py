"""A cell: the mailbox, the actor that lives behind it now, and where that actor is in its life."""

from __future__ import annotations

import collections
from collections.abc import Callable
from typing import Any

import msgspec

from engine.actor import Actor
from engine.effects import Effects
from engine.lifecycle import TAKES_TURNS, State, Step, after
from engine.mailbox import Desk, Mailbox
from engine.message import Message
from engine.supervise import Child


class CellStatus(msgspec.Struct, frozen=True):
    """What the outside may know of one actor. `age_ns` is the wait of a sampled message while there is a backlog."""

    actor: str
    state: State
    depth: int
    control: int
    truth: int
    work: int
    handled: int
    skips: int
    over_bound: int
    refusals: int
    restarts: int
    slow: int
    age_ns: int


class Cell(Mailbox):
    """One place in the tree. It outlives the actors that are rebuilt in it, so nothing unread is lost by a crash."""

    __slots__ = (
        "actor", "child", "home", "mark_end", "mark_ns", "name", "restarts", "slow", "state", "table",
    )  # fmt: skip

    def __init__(self, child: Child, home: Desk, ready: collections.deque[Any]) -> None:
        super().__init__(home, ready)
        self.home = home
        self.child = child
        self.name = child.name
        self.state = State.NEW
        self.actor: Actor | None = None
        self.table: dict[type[Message], Callable[[Any], Effects]] = {}
        self.restarts = self.slow = 0
        self.mark_ns = self.mark_end = 0

    def step(self, step: Step) -> None:
        """Move on in the actor's life. Raises Illegal for a step its table does not have."""
        self.state = after(self.state, step)

    def adopt(self, actor: Actor) -> None:
        """Let `actor` handle what comes; what is unread stays."""
        self.actor = actor
        actor.name = self.name
        self.table.clear()
        self.table.update({kind: getattr(actor, method) for kind, method in actor.handlers.items()})
        self.welcome(self.table)

    def dismantle(self) -> None:
        """Hold nothing any more that may hold this cell."""
        self.table.clear()
        self.kinds.clear()
        del self.actor, self.put, self.home, self.desk

    def mark(self, now_ns: int) -> None:
        """Sample the wait of a backlog: the newest message of now is followed until it is taken."""
        if self.taken >= self.mark_end:
            self.mark_ns = now_ns
            self.mark_end = self.taken + self.depth

    def age_ns(self, now_ns: int) -> int:
        """How long the sampled message has waited; 0 when every turn empties the mailbox."""
        return now_ns - self.mark_ns if self.taken < self.mark_end else 0

    @property
    def takes_turns(self) -> bool:
        return self.state in TAKES_TURNS

    def status(self, now_ns: int) -> CellStatus:
        lanes = {"control": len(self.control), "truth": len(self.truth), "work": len(self.work)}
        return CellStatus(
            actor=self.name, state=self.state, depth=self.depth, **lanes, handled=self.taken, skips=self.skips,
            over_bound=self.over_bound, refusals=self.refusals, restarts=self.restarts, slow=self.slow,
            age_ns=self.age_ns(now_ns),
        )  # fmt: skip
