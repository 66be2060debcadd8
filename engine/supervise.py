"""Supervision trees as data, and the supervisor that reads them.

A crashed actor is rebuilt, never resumed. How often, and what falls with it, is said by its branch.
"""

from __future__ import annotations

import collections
import enum
from collections.abc import Callable, Iterator
from typing import Protocol

import msgspec

from engine.actor import Actor
from engine.errors import EngineError, Exhausted, WiringError
from engine.message import Message

NS = 1_000_000_000


class Strategy(enum.Enum):
    """Who is restarted when one child of a branch crashes."""

    ONE_FOR_ONE = "one_for_one"
    REST_FOR_ONE = "rest_for_one"  # it and those after it
    ONE_FOR_ALL = "one_for_all"


class OnExhausted(enum.Enum):
    """What a branch does when its restarts are spent."""

    ESCALATE = "escalate"  # the whole branch counts as one crash in the branch above; at the root: safe stop
    QUARANTINE = "quarantine"  # the crashed child alone is shut out; restarts are counted for each child
    SAFE_STOP = "safe_stop"


ONE_FOR_ONE, REST_FOR_ONE, ONE_FOR_ALL = Strategy
ESCALATE, QUARANTINE, SAFE_STOP = OnExhausted


class Intensity(msgspec.Struct, frozen=True):
    """`restarts` within `window_s` are allowed, one more spends the budget; `quiet_reset_s` without any resets it."""

    restarts: int = 3
    window_s: float = 600.0
    quiet_reset_s: float = 300.0


class Child(msgspec.Struct, frozen=True):
    """One actor of the tree.

    sends: (actor, message type) pairs it will tell; a pair without a handler is refused at start-up.
    before_restart: (actor, message); the message is told and handled before this child is rebuilt.
    """

    name: str
    build: Callable[[], Actor]
    sends: tuple[tuple[str, type[Message]], ...] = ()
    before_restart: tuple[str, Message] | None = None


class Branch(msgspec.Struct, frozen=True):
    """Children that share a strategy and a restart budget; `children` is also their order of start."""

    name: str
    children: tuple[Child | Branch, ...]
    strategy: Strategy = Strategy.ONE_FOR_ONE
    intensity: Intensity = Intensity()
    on_exhausted: OnExhausted = OnExhausted.ESCALATE


def leaves(node: Child | Branch) -> Iterator[Child]:
    """The actors under a node, in order of start."""
    if isinstance(node, Child):
        yield node
    else:
        for child in node.children:
            yield from leaves(child)


class Ward(Protocol):
    """What the supervisor may do. `rebuild` raises whatever the new actor raises."""

    def rebuild(self, child: Child) -> None: ...

    def fell_in_rebuild(self, child: Child, crash: Exception) -> None: ...

    def quarantine(self, child: Child) -> None: ...

    def fail(self, error: EngineError) -> None: ...

    @property
    def fatal(self) -> EngineError | None: ...


class Budget:
    """Counts restarts against an Intensity."""

    def __init__(self, intensity: Intensity) -> None:
        self._intensity = intensity
        self._at_ns: collections.deque[int] = collections.deque()

    def spend(self, now_ns: int) -> bool:
        """Take one restart. False when there is none left."""
        spent, allowed = self._at_ns, self._intensity
        if spent and now_ns - spent[-1] >= allowed.quiet_reset_s * NS:
            spent.clear()
        while spent and now_ns - spent[0] > allowed.window_s * NS:
            spent.popleft()
        if len(spent) >= allowed.restarts:
            return False
        spent.append(now_ns)
        return True


class Supervisor:
    """Decides by the tree what a crash takes down and what happens when restarts are spent."""

    def __init__(self, root: Branch, ward: Ward) -> None:
        self._root = root
        self._ward = ward
        self._parents: dict[str, Branch] = {}
        self._budgets: dict[str, Budget] = {}
        self.children: dict[str, Child] = {}
        self._learn(root)
        self._order = {name: index for index, name in enumerate(self.children)}

    def _learn(self, branch: Branch) -> None:
        for node in branch.children:
            if node.name in self._parents or node.name == self._root.name:
                raise WiringError(f"two nodes of the tree are named {node.name!r}")
            self._parents[node.name] = branch
            if isinstance(node, Branch):
                self._learn(node)
            else:
                self.children[node.name] = node

    def revive(self, name: str, now_ns: int) -> None:
        """Rebuild what the crash of `name` takes down; those that crash while rebuilt are judged again."""
        waiting = self._sentence(name, now_ns)
        while waiting:
            child = waiting.pop(0)
            try:
                self._ward.rebuild(child)
            except Exception as crash:
                self._ward.fell_in_rebuild(child, crash)
                more = None if self._ward.fatal is not None else self._sentence(child.name, now_ns)
                if more is None:
                    return
                names = {each.name for each in waiting + more}
                waiting = [each for each in self.children.values() if each.name in names]

    def _sentence(self, name: str, now_ns: int) -> list[Child] | None:
        """The actors to rebuild, in order; None when the engine must stop."""
        while True:
            branch = self._parents[name]
            quarantines = branch.on_exhausted is OnExhausted.QUARANTINE
            key = name if quarantines else branch.name
            budget = self._budgets.get(key)
            if budget is None:
                budget = self._budgets[key] = Budget(branch.intensity)
            if budget.spend(now_ns):
                return self._fallen(branch, name)
            if quarantines:
                for child in leaves(self._node(branch, name)):
                    self._ward.quarantine(child)
                return []
            if branch.on_exhausted is OnExhausted.SAFE_STOP or branch is self._root:
                self._ward.fail(Exhausted(f"{name} crashed once more than {branch.name} allows: {branch.intensity}"))
                return None
            self._forget(branch)
            name = branch.name

    def _forget(self, branch: Branch) -> None:
        """A branch that is restarted as a whole starts with a fresh budget."""
        self._budgets.pop(branch.name, None)
        for node in branch.children:
            self._budgets.pop(node.name, None)
            if isinstance(node, Branch):
                self._forget(node)

    def forgive(self, name: str) -> None:
        """Give a released actor its restarts back."""
        self._budgets.pop(name, None)

    @staticmethod
    def _node(branch: Branch, name: str) -> Child | Branch:
        return next(node for node in branch.children if node.name == name)

    def _fallen(self, branch: Branch, name: str) -> list[Child]:
        nodes = branch.children
        at = next(index for index, node in enumerate(nodes) if node.name == name)
        if branch.strategy is Strategy.ONE_FOR_ONE:
            nodes = nodes[at : at + 1]
        elif branch.strategy is Strategy.REST_FOR_ONE:
            nodes = nodes[at:]
        return [child for node in nodes for child in leaves(node)]
