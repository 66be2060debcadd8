"""An actor: private state and synchronous handlers, found by the annotation of their one argument."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from typing import Any, ClassVar

from engine.clock import Clock
from engine.effects import Effects
from engine.errors import WiringError
from engine.message import Event, Message


class Actor:
    """Private state and one synchronous `on_*` handler per message type.

    A handler takes one message and returns effects (usually by yielding them); it never awaits, reads no clock but
    `self.clock.now_ns`, and touches nothing outside. `fold_*` methods take one journalled event each and rebuild
    state after a crash; they must not decide anything.

    Handlers are registered when the class is made. Raises WiringError for a handler without an annotated message, or
    two handlers of one message type.
    """

    handlers: ClassVar[dict[type[Message], str]] = {}
    folds: ClassVar[dict[type[Event], str]] = {}

    folds_rows_of: ClassVar[tuple[str, ...]] = ()  # besides its own rows: names of other actors, or "*" for everyone's

    name: str = ""
    clock: Clock  # given by the kernel before `on_start`

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.handlers = _table(cls, "on_", Message, {"on_start", "on_stop"})
        cls.folds = _table(cls, "fold_", Event, set())

    def on_start(self) -> Effects:
        """Called once, after recovery, before the first message."""
        return None

    def on_stop(self) -> Effects:
        """Called once when the engine drains; the last effects of this actor."""
        return None

    def snapshot(self) -> Event | None:
        """The state as one event, or None for an actor that rebuilds from folds alone."""
        return None

    def restore(self, snapshot: Event) -> None:
        """Take back what `snapshot` gave."""
        raise NotImplementedError(f"{type(self).__name__} gives snapshots but cannot restore them")


def _table(cls: type[Actor], prefix: str, base: type[Message], skip: set[str]) -> dict[type[Any], str]:
    table: dict[type[Any], str] = {}
    for name in sorted(dir(cls)):
        if not name.startswith(prefix) or name in skip:
            continue
        method: Callable[..., Any] = getattr(cls, name)
        parameters = list(inspect.signature(method).parameters)[1:]
        hints = typing.get_type_hints(method)
        if len(parameters) != 1 or parameters[0] not in hints:
            raise WiringError(f"{cls.__name__}.{name} must take one annotated message")
        annotated = hints[parameters[0]]
        for kind in typing.get_args(annotated) or (annotated,):
            if not (isinstance(kind, type) and issubclass(kind, base)):
                raise WiringError(f"{cls.__name__}.{name} takes {kind!r}, which is not a {base.__name__}")
            if kind in table:
                raise WiringError(f"{cls.__name__} has two handlers for {kind.__name__}: {table[kind]} and {name}")
            table[kind] = name
    return table
