"""Start and stop as data: named stages, each with a budget, in the order in which they are gone through."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from engine.errors import WiringError
from engine.message import Message

MARGIN_S = 10.0


class StartStage(msgspec.Struct, frozen=True):
    """Start these ports, then these actors, then wait for `ready`; a start that takes longer than `within_s` fails."""

    name: str
    ports: tuple[str, ...] = ()
    actors: tuple[str, ...] = ()
    ready: Callable[[], bool] | None = None
    within_s: float = 60.0


class StopStage(msgspec.Struct, frozen=True):
    """One step of the way down.

    tell: messages that begin it.  drain: actors that say their last effects, "*" for all that are left; they are
    stopped when the stage ends.  until: when it is done; if None, when nothing is unread or on its way and ports
    that have an `idle` are idle. The stage ends with its budget at the latest.  close: ports that are cancelled then.
    """

    name: str
    budget_s: float
    tell: tuple[tuple[str, Message], ...] = ()
    drain: tuple[str, ...] = ()
    until: Callable[[], bool] | None = None
    close: tuple[str, ...] = ()
    seals: bool = False  # the last rows are made durable here; a second request to stop jumps to this stage


class StopPlan(msgspec.Struct, frozen=True):
    """The stages of a stop. `stop_timeout_s` is when whoever runs the process kills it.

    Raises WiringError unless the budgets end 10 s before that and exactly one stage seals the journal.
    """

    stages: tuple[StopStage, ...] = (
        StopStage("drain", 10.0, drain=("*",)),
        StopStage("seal the journal", 5.0, seals=True),
        StopStage("close the ports", 3.0),
    )
    stop_timeout_s: float = 60.0

    def __post_init__(self) -> None:
        budget_s = sum(stage.budget_s for stage in self.stages)
        if budget_s + MARGIN_S > self.stop_timeout_s:
            raise WiringError(
                f"the stages of stop take up to {budget_s:g} s: not {MARGIN_S:g} s under {self.stop_timeout_s:g} s"
            )
        if sum(stage.seals for stage in self.stages) != 1:
            raise WiringError("exactly one stage of stop seals the journal")
