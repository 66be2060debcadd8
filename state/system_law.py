"""The law of the system's modes: down is automatic, up needs an operator or a written policy. Pure."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType

from model.decisions import Mode
from state.law import Clause, Note, Outcome, enact, move, refuse, stay


class SystemEvent(enum.StrEnum):
    """What can happen to the system.

    RESUMED: an operator's word while the last reconciliation still holds.  RESUMED_UNRECONCILED: the same before a
    complete snapshot was compared.  RESUMED_REDUCING: an operator lets positions be reduced, no more.  AUTO_TRADE: the
    settings let the engine trade after a clean start; not to be said when the last run ended HALTED or REDUCE_ONLY.
    """

    STARTED = "STARTED"
    SNAPSHOT_INCOMPLETE = "SNAPSHOT_INCOMPLETE"
    BREAK_FOUND = "BREAK_FOUND"
    RECONCILED = "RECONCILED"
    AUTO_TRADE = "AUTO_TRADE"
    RESUMED = "RESUMED"
    RESUMED_UNRECONCILED = "RESUMED_UNRECONCILED"
    RESUMED_REDUCING = "RESUMED_REDUCING"
    REDUCED = "REDUCED"
    HALTED = "HALTED"
    STOPPED = "STOPPED"


class Act(enum.StrEnum):
    """What an intent to the outside does."""

    INCREASE = "INCREASE"
    REDUCE = "REDUCE"
    MODIFY = "MODIFY"
    CANCEL = "CANCEL"
    QUERY = "QUERY"


BOOT, RECONCILING, OBSERVING, TRADING, REDUCE_ONLY, HALTED, SAFE_STOP = Mode
E = SystemEvent

OPERATOR_EVENTS = (E.RESUMED, E.RESUMED_UNRECONCILED, E.RESUMED_REDUCING)
"""The only events that lead up from HALTED or REDUCE_ONLY."""

TIMED_OUT = Note("TIMED_OUT", "a time-out is not an empty answer: ask again")
BREAK_STANDS = Note("BREAK_STANDS", "the book and the venue differ: no trading until it is repaired", alarm=True)
LOCKED = Note("LOCKED", "the instrument is locked; the mode stays", alarm=True)
DUPLICATE = Note("DUPLICATE", "already so; nothing changes")
IN_ORDER = Note("IN_ORDER", "a periodic comparison found no break; the mode stays")
POLICY = Note("POLICY", "the settings allow trading after a clean start")
NOT_FROM_HERE = Note("NOT_FROM_HERE", "the policy starts trading only from OBSERVING; anything lower needs a person")
OPERATOR = Note("OPERATOR", "an operator's word")
RECONCILE_FIRST = Note("RECONCILE_FIRST", "trading waits for a complete comparison with the venue")
HOLDS_LOWER = Note("HOLDS_LOWER", "the mode already allows no more than that; nothing changes")
AUTOMATIC = Note("AUTOMATIC", "down is automatic")
OVER = Note("OVER", "the engine is stopping; start it again instead", alarm=True)
STARTS_ONCE = Note("STARTS_ONCE", "the engine starts once", alarm=True)
STOPPING = Note("STOPPING", "the engine is stopping; nothing changes")

LAW: Mapping[SystemEvent, tuple[Clause[Mode], ...]] = {
    E.STARTED: (
        move(BOOT, to=RECONCILING),
        refuse(RECONCILING, OBSERVING, TRADING, REDUCE_ONLY, HALTED, SAFE_STOP, note=STARTS_ONCE),
    ),
    E.SNAPSHOT_INCOMPLETE: (
        stay(BOOT, RECONCILING, OBSERVING, TRADING, REDUCE_ONLY, HALTED, note=TIMED_OUT),
        stay(SAFE_STOP, note=STOPPING),
    ),
    E.BREAK_FOUND: (
        stay(BOOT, RECONCILING, note=BREAK_STANDS),
        stay(OBSERVING, TRADING, REDUCE_ONLY, HALTED, note=LOCKED),
        stay(SAFE_STOP, note=STOPPING),
    ),
    E.RECONCILED: (
        move(RECONCILING, to=OBSERVING),
        refuse(BOOT, note=RECONCILE_FIRST),
        stay(OBSERVING, TRADING, REDUCE_ONLY, HALTED, note=IN_ORDER),
        stay(SAFE_STOP, note=STOPPING),
    ),
    E.AUTO_TRADE: (
        move(OBSERVING, to=TRADING, note=POLICY),
        stay(TRADING, note=DUPLICATE),
        refuse(BOOT, RECONCILING, REDUCE_ONLY, HALTED, note=NOT_FROM_HERE),
        refuse(SAFE_STOP, note=OVER),
    ),
    E.RESUMED: (
        move(OBSERVING, REDUCE_ONLY, HALTED, to=TRADING, note=OPERATOR),
        stay(TRADING, note=DUPLICATE),
        refuse(BOOT, RECONCILING, note=RECONCILE_FIRST),
        refuse(SAFE_STOP, note=OVER),
    ),
    E.RESUMED_UNRECONCILED: (
        move(OBSERVING, TRADING, REDUCE_ONLY, HALTED, to=RECONCILING, note=RECONCILE_FIRST),
        stay(BOOT, RECONCILING, note=RECONCILE_FIRST),
        refuse(SAFE_STOP, note=OVER),
    ),
    E.RESUMED_REDUCING: (
        move(OBSERVING, TRADING, HALTED, to=REDUCE_ONLY, note=OPERATOR),
        stay(REDUCE_ONLY, note=DUPLICATE),
        refuse(BOOT, RECONCILING, note=RECONCILE_FIRST),
        refuse(SAFE_STOP, note=OVER),
    ),
    E.REDUCED: (
        move(TRADING, to=REDUCE_ONLY, note=AUTOMATIC),
        stay(BOOT, RECONCILING, OBSERVING, HALTED, note=HOLDS_LOWER),
        stay(REDUCE_ONLY, note=DUPLICATE),
        stay(SAFE_STOP, note=STOPPING),
    ),
    E.HALTED: (
        move(BOOT, RECONCILING, OBSERVING, TRADING, REDUCE_ONLY, to=HALTED, note=AUTOMATIC),
        stay(HALTED, note=DUPLICATE),
        stay(SAFE_STOP, note=STOPPING),
    ),
    E.STOPPED: (
        move(BOOT, RECONCILING, OBSERVING, TRADING, REDUCE_ONLY, HALTED, to=SAFE_STOP, note=AUTOMATIC),
        stay(SAFE_STOP, note=DUPLICATE),
    ),
}

TABLE: Mapping[tuple[Mode, SystemEvent], Outcome[Mode]] = enact(Mode, SystemEvent, LAW)

ALLOWS: Mapping[Mode, tuple[Act, ...]] = MappingProxyType(
    {
        BOOT: (),
        RECONCILING: (Act.CANCEL, Act.QUERY),
        OBSERVING: (Act.CANCEL, Act.QUERY),
        TRADING: (Act.INCREASE, Act.REDUCE, Act.MODIFY, Act.CANCEL, Act.QUERY),
        REDUCE_ONLY: (Act.REDUCE, Act.MODIFY, Act.CANCEL, Act.QUERY),
        HALTED: (Act.CANCEL, Act.QUERY),
        SAFE_STOP: (Act.CANCEL, Act.QUERY),
    }
)
"""What may leave in each mode. A modify in REDUCE_ONLY may only touch orders that reduce."""


def next_state(mode: Mode, event: SystemEvent) -> Outcome[Mode]:
    """What `event` does to the system in `mode`. Total: every pair has an answer."""
    return TABLE[mode, event]


def allows(mode: Mode, act: Act) -> bool:
    return act in ALLOWS[mode]


def may_place(mode: Mode, *, reduces: bool) -> bool:
    """May a new order leave in this mode?"""
    return allows(mode, Act.REDUCE if reduces else Act.INCREASE)
