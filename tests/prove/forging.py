"""Tampering with a play after it was played: rows struck, forged and slipped in, other limits, a changed wire."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from config.loader import Configuration
from engine.message import Event
from engine.ports import Row
from model.decisions import Mode, ModeEntered
from model.orders import SubmitOrder
from simulation.stage import Stage, World
from state.journal import MemoryJournal


def place_of(stage: Stage, kind: type[Event], nth: int = 0) -> int:
    """Where the nth row of a kind stands; -1 is the last one."""
    return [place for place, row in enumerate(stage.rows) if type(row.event) is kind][nth]


def _in_memory(stage: Stage) -> MemoryJournal:
    assert isinstance(stage.journal, MemoryJournal)
    return stage.journal


def forge(stage: Stage, place: int, **changes: object) -> None:
    """Let a row say something else."""
    row = stage.journal.rows[place]
    stage.journal.rows[place] = replace(row, event=replace(row.event, **changes))


def strike(stage: Stage, place: int) -> None:
    """Take a row out, as if it had never been written."""
    journal = _in_memory(stage)
    del journal.rows[place]
    journal.committed -= 1


def slip_in(stage: Stage, place: int, event: Event, later_ns: int = 0) -> None:
    """Put a row before another one; what was durable stays durable."""
    journal = _in_memory(stage)
    rows = journal.rows
    at_ns = rows[min(place, len(rows) - 1)].at_ns
    seq = place + 1
    rows[place:] = [replace(row, seq=row.seq + 1) for row in rows[place:]]
    rows.insert(place, Row(seq, at_ns + later_ns, "forger", 0, event))
    journal.committed += 1
    stage.wire[:] = [
        each._replace(durable_seq=each.durable_seq + 1) if each.durable_seq >= seq else each for each in stage.wire
    ]


def sent(stage: Stage, kind: type = SubmitOrder, nth: int = 0) -> int:
    return [place for place, each in enumerate(stage.wire) if type(each.message) is kind][nth]


def entered(mode: Mode, was: Mode, by: str = "author") -> ModeEntered:
    return ModeEntered(mode, was, "forged", by, 0)


def under(stage: Stage, **limits: object) -> None:
    """Judge the play by other limits than the engine had."""
    world = World()
    own = world.configuration
    program = msgspec.structs.replace(own.program, risk=replace(own.program.risk, **limits))
    world.configuration = Configuration(own.settings, program, own.instruments, own.settings_tree, own.program_tree)
    stage.world = world
