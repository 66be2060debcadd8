"""Oracles of the engine's health: mailboxes bounded, alive after the last fault, and alarms that do not storm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from engine.deadletters import Reason
from engine.notices import Happened
from model.decisions import Mode, ModeEntered
from model.execution import Alarm, Reconciled
from model.orders import RequestSnapshot
from model.units import NS_PER_SECOND
from simulation.prove.case import Violation
from simulation.prove.evidence import Evidence

ALIVE_WITHIN_NS = 120 * NS_PER_SECOND
STOPPED = (Mode.HALTED, Mode.REDUCE_ONLY)
DEFECTS = (Reason.OVERFLOW, Reason.NO_HANDLER, Reason.NOBODY)
MOST_ALIKE = 3
"""How often one alarm may stand in the journal in one life of the engine, word for word."""


def mailboxes_bounded(seen: Evidence) -> Iterator[Violation]:
    """No lane grew over its bound in any life, none overflowed, and nothing was sent where nobody takes it."""
    name = "mailboxes bounded"
    for notice in seen.stage.notices:
        if notice.happened is Happened.INTAKE_PAUSED:
            yield Violation(name, f"{notice.who}: {notice.text}", seen.now_ns)
    for stop in seen.stage.stops:
        if stop.code == "OVERFLOW":
            yield Violation(name, str(stop), seen.now_ns)
    if seen.stage.life is None:
        return
    kernel = seen.stage.life.kernel
    for reason in DEFECTS:
        if kernel.dead_letters.counts[reason]:
            text = ", ".join(f"{each.message} to {each.to}" for each in kernel.dead_letters if each.reason is reason)
            yield Violation(name, f"dead letters, {reason.value}: {text}", seen.now_ns)
    for cell in kernel.status().cells:
        if cell.depth and seen.stage.life.kernel.quiet:
            yield Violation(name, f"{cell.actor} left {cell.depth} messages unread", seen.now_ns)


def alive_after_faults(seen: Evidence, quiet_since_ns: int) -> Iterator[Violation]:
    """Two minutes after the last fault the engine trades, or is stopped with a reason; no order is simply unknown."""
    name = "alive after faults"
    if seen.now_ns - quiet_since_ns < ALIVE_WITHIN_NS:
        return
    mode = seen.stage.mode
    entered = seen.of(ModeEntered)
    last = entered[-1][1] if entered else None
    if mode not in (Mode.TRADING, *STOPPED):
        yield Violation(name, f"the mode is {mode.value if mode else 'none: the engine is down'}", seen.now_ns)
    elif last is None or last.mode is not mode:
        yield Violation(name, f"the mode is {mode.value if mode else ''}, and the journal does not say so", seen.now_ns)
    elif mode in STOPPED and not last.reason:
        yield Violation(name, f"{mode.value} without a reason", seen.now_ns)
    unknown = [client_id for client_id, state in seen.states.items() if state == "UNKNOWN"]
    if unknown:
        named = {each.subject for _, row in seen.of(Reconciled) for each in row.breaks}
        named |= {alarm.subject for _, alarm in seen.of(Alarm)}
        for client_id in unknown:
            if client_id not in named:
                yield Violation(name, f"{client_id} is UNKNOWN, and nobody says so", seen.now_ns)


def alarms_once(seen: Evidence) -> Iterator[Violation]:
    """One cause, one alarm: the same words do not fill the journal. A link may break as often as it was there again."""
    asked = sum(type(request.message) is RequestSnapshot for request in seen.stage.wire)
    alike: Counter[tuple[int, str, str, str]] = Counter()
    starts = [row.seq for row in seen.boots]
    life = 0
    for row, alarm in seen.of(Alarm):
        while life < len(starts) and starts[life] < row.seq:
            life += 1
        said = (life, alarm.code, alarm.subject, alarm.text)
        alike[said] += 1
        most = MOST_ALIKE + (asked if alarm.code == "LINK_DOWN" else 0)
        if alike[said] == most + 1:
            yield Violation(
                "alarms once", f"more than {most} times: {alarm.code} {alarm.subject}: {alarm.text}", row.at_ns
            )
