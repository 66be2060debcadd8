"""What every law table is made of: a total map from (state, event) to one of three answers.

MOVE leads to another state, STAY keeps the state for a reason that has a name, REFUSE keeps it too and names a defect
of ours. A fact is never dropped: STAY and REFUSE still count what it says (a fill moves the position in any state).
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Generic, NamedTuple, TypeVar

S = TypeVar("S", bound=enum.Enum)
E = TypeVar("E", bound=enum.Enum)


class Answer(enum.StrEnum):
    MOVE = "move"
    STAY = "stay"
    REFUSE = "refuse"


class Note(NamedTuple):
    """Why a pair is answered as it is. `alarm`: a person should know."""

    name: str
    text: str
    alarm: bool = False


AS_PLANNED = Note("AS_PLANNED", "the ordinary way")


class Outcome(NamedTuple, Generic[S]):
    """The answer of a table: the state afterwards is `state`, whatever the answer."""

    answer: Answer
    state: S
    note: Note

    @property
    def moved(self) -> bool:
        return self.answer is Answer.MOVE

    @property
    def refused(self) -> bool:
        return self.answer is Answer.REFUSE


class Clause(NamedTuple, Generic[S]):
    """One line of a law: in these states, this answer. `to` is None for STAY and REFUSE."""

    states: tuple[S, ...]
    answer: Answer
    to: S | None
    note: Note


def move(*states: S, to: S, note: Note = AS_PLANNED) -> Clause[S]:
    return Clause(states, Answer.MOVE, to, note)


def stay(*states: S, note: Note) -> Clause[S]:
    return Clause(states, Answer.STAY, None, note)


def refuse(*states: S, note: Note) -> Clause[S]:
    return Clause(states, Answer.REFUSE, None, note)


def enact(
    states: Iterable[S], events: Iterable[E], law: Mapping[E, tuple[Clause[S], ...]]
) -> Mapping[tuple[S, E], Outcome[S]]:
    """The table of a law. Raises ValueError for a pair that no clause answers, or two do, or a move to itself."""
    wanted = [(state, event) for event in events for state in states]
    table: dict[tuple[S, E], Outcome[S]] = {}
    for event, clauses in law.items():
        for clause in clauses:
            for state in clause.states:
                if (state, event) in table:
                    raise ValueError(f"two clauses answer {event} in {state}")
                if clause.to is state:
                    raise ValueError(f"{event} moves {state} to itself; say STAY")
                table[state, event] = Outcome(clause.answer, state if clause.to is None else clause.to, clause.note)
    missing = [f"{event} in {state}" for state, event in wanted if (state, event) not in table]
    if missing:
        raise ValueError(f"no clause answers {', '.join(missing)}")
    return MappingProxyType({pair: table[pair] for pair in wanted})
