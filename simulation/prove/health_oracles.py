"""Oracles of the engine's health: mailboxes bounded, alive after the last fault, and alarms that do not storm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from engine.deadletters import Reason
from engine.errors import Overflow
from engine.kernel import Kernel
from engine.lifecycle import TAKES_TURNS
from engine.notices import Happened
from model.decisions import Mode, ModeEntered
from model.execution import Alarm, Reconciled
from model.units import NS_PER_SECOND
from simulation.prove.case import Violation
from simulation.prove.doubt_oracles import stands_in_doubt
from simulation.prove.evidence import Evidence
from simulation.prove.money_oracles import moved_by_hand
from simulation.stage import FolderJournal

ALIVE_WITHIN_NS = 120 * NS_PER_SECOND
STOPPED = (Mode.HALTED, Mode.REDUCE_ONLY)
MOST_ALIKE = 3
RECONCILER = "reconciler"
"""How often one alarm may stand in the journal in one life of the engine, word for word."""


def mailboxes_bounded(seen: Evidence) -> Iterator[Violation]:
    """No lane passed its bound in any life unless it was flooded from outside, and then it was drained again.

    Nothing was sent where nobody takes it, and a quiet engine has read everything.
    """
    name = "mailboxes bounded"
    flooded = {(to, kind.__name__) for (_, to, kind), times in seen.stage.told.items() if times >= kind.bound}
    for notice in seen.stage.notices:
        if notice.happened is Happened.INTAKE_PAUSED and (notice.who, notice.text.split()[-1]) not in flooded:
            yield Violation(name, f"{notice.who}: {notice.text}", seen.now_ns)
    for stop in seen.stage.stops:
        if isinstance(stop, Overflow) and not any(all(word in str(stop) for word in flood) for flood in flooded):
            yield Violation(name, str(stop), seen.now_ns)
    if seen.stage.life is not None:
        yield from _undelivered(seen.stage.life.kernel, name, seen.now_ns)


def _undelivered(kernel: Kernel, name: str, now_ns: int) -> Iterator[Violation]:
    if kernel.intake_paused:
        yield Violation(name, "a lane stays over its bound", now_ns)
    for reason in (Reason.NO_HANDLER, Reason.NOBODY):
        if kernel.dead_letters.counts[reason]:
            letters = ", ".join(f"{each.message} to {each.to}" for each in kernel.dead_letters if each.reason is reason)
            yield Violation(name, f"dead letters, {reason.value}: {letters}", now_ns)
    for cell in kernel.status().cells if kernel.quiet else ():
        if cell.depth and cell.state in TAKES_TURNS:
            yield Violation(name, f"{cell.actor} leaves {cell.depth} messages unread", now_ns)


def alive_after_faults(seen: Evidence, quiet_since_ns: int) -> Iterator[Violation]:
    """Two minutes after the last fault the engine trades, or is stopped with a reason; no order is simply unknown."""
    name = "alive after faults"
    if seen.now_ns - quiet_since_ns < ALIVE_WITHIN_NS:
        return
    mode = seen.stage.mode
    entered = seen.of(ModeEntered)
    last = entered[-1][1] if entered else None
    if mode is Mode.RECONCILING and any(moved_by_hand(seen).values()):
        return  # the book differs in truth, and only a person can say why
    if mode is Mode.RECONCILING and stands_in_doubt(seen):
        return  # of an order that nobody can prove absent only a person can say what became of it
    if mode is Mode.OBSERVING and _waits_for_an_operator(seen):
        return  # it was halted before it was started, and says so
    if mode not in (Mode.TRADING, *STOPPED):
        yield Violation(name, f"the mode is {mode.value if mode else 'none: the engine is down'}", seen.now_ns)
    elif last is None or last.mode is not mode:
        yield Violation(name, f"the mode is {mode.value}, and the journal does not say so", seen.now_ns)
    elif mode in STOPPED and not last.reason:
        yield Violation(name, f"{mode.value} without a reason", seen.now_ns)
    unknown = [client_id for client_id, state in seen.states.items() if state == "UNKNOWN"]
    if unknown:
        named = {each.subject for _, row in seen.of(Reconciled) for each in row.breaks}
        named |= {alarm.subject for _, alarm in seen.of(Alarm)}
        for client_id in unknown:
            if client_id not in named:
                yield Violation(name, f"{client_id} is UNKNOWN, and nobody says so", seen.now_ns)


def _waits_for_an_operator(seen: Evidence) -> bool:
    """Whether the engine was stopped before it was started, and this life said so."""
    began = seen.boots[-1].seq if seen.boots else 0
    told = [event.mode for _, event in seen.of(ModeEntered) if event.mode in (Mode.TRADING, *STOPPED)]
    said = any(alarm.code == "NEEDS_OPERATOR" and row.seq > began for row, alarm in seen.of(Alarm))
    return said and bool(told) and told[-1] in STOPPED


def files_whole(seen: Evidence) -> Iterator[Violation]:
    """Where the journal is in files, SQLite and the chain find no fault in them, and every durable row is there."""
    journal = seen.stage.journal
    if isinstance(journal, FolderJournal) and (fault := journal.broken()):
        yield Violation("files whole", fault, seen.now_ns)


def alarms_once(seen: Evidence) -> Iterator[Violation]:
    """One cause, one alarm: the same words do not fill the journal. A link may break as often as it was there again.

    Each poisoned message is a cause of its own, and a reconciler that was built anew finds for itself what differs.
    """
    asked = len(seen.questions)
    fell = Counter(each.who for each in seen.stage.notices if each.happened is Happened.CRASHED)
    rebuilt = sum(each.happened is Happened.RESTARTED and each.who == RECONCILER for each in seen.stage.notices)
    alike: Counter[tuple[int, str, str, str]] = Counter()
    starts = [row.seq for row in seen.boots]
    life = 0
    for row, alarm in seen.of(Alarm):
        while life < len(starts) and starts[life] < row.seq:
            life += 1
        said = (life, alarm.code, alarm.subject, alarm.text)
        alike[said] += 1
        most = MOST_ALIKE + (asked if alarm.code == "LINK_DOWN" else 0)
        most += fell[alarm.subject] // 2 if alarm.code == "POISONED" else 0
        most += rebuilt if alarm.code.startswith("BREAK_") else 0
        if alike[said] == most + 1:
            yield Violation(
                "alarms once", f"more than {most} times: {alarm.code} {alarm.subject}: {alarm.text}", row.at_ns
            )
