"""The life of an actor as data: code, tests and docs read the same table."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType

from engine.errors import Illegal


class State(enum.Enum):
    """Where an actor is in its life."""

    NEW = "new"
    STARTING = "starting"
    RECOVERING = "recovering"
    RUNNING = "running"
    DEGRADED = "degraded"
    DRAINING = "draining"
    STOPPED = "stopped"
    FAILED = "failed"
    RESTARTING = "restarting"
    QUARANTINED = "quarantined"


class Step(enum.Enum):
    """What can happen to an actor."""

    START = "start"
    BUILT = "built"
    RECOVERED = "recovered"
    DEGRADE = "degrade"
    HEAL = "heal"
    DRAIN = "drain"
    STOP = "stop"
    CRASH = "crash"
    RESTART = "restart"
    QUARANTINE = "quarantine"


_CRASHES = {(state, Step.CRASH): State.FAILED for state in State}
_SIBLINGS = {(state, Step.RESTART): State.RESTARTING for state in (State.RUNNING, State.DEGRADED, State.DRAINING)}

LIFE: Mapping[tuple[State, Step], State] = MappingProxyType(
    {
        **_CRASHES,
        **_SIBLINGS,  # rest_for_one and one_for_all restart actors that did not fail themselves
        (State.NEW, Step.START): State.STARTING,
        (State.STARTING, Step.BUILT): State.RECOVERING,
        (State.RECOVERING, Step.RECOVERED): State.RUNNING,
        (State.RUNNING, Step.DEGRADE): State.DEGRADED,
        (State.DEGRADED, Step.HEAL): State.RUNNING,
        (State.RUNNING, Step.DRAIN): State.DRAINING,
        (State.DEGRADED, Step.DRAIN): State.DRAINING,
        (State.DRAINING, Step.STOP): State.STOPPED,
        (State.FAILED, Step.RESTART): State.RESTARTING,
        (State.FAILED, Step.QUARANTINE): State.QUARANTINED,
        (State.RESTARTING, Step.BUILT): State.RECOVERING,
        (State.QUARANTINED, Step.RESTART): State.RESTARTING,  # released by an operator
    }
)

TAKES_TURNS = frozenset({State.RUNNING, State.DEGRADED, State.DRAINING})


def after(state: State, step: Step) -> State:
    """The state that `step` leads to. Raises Illegal for a pair the table does not have."""
    try:
        return LIFE[state, step]
    except KeyError:
        raise Illegal(f"an actor that is {state.value} cannot {step.value}") from None
