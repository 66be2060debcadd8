"""The law of the connection's life, as data. Nothing is placed or modified but in READY."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from state.law import Clause, Note, Outcome, enact, move, stay


class LinkState(enum.StrEnum):
    """WAITING: between sessions.  OPENING: socket and handshake.  PROVING: there is a session and nothing is believed
    yet.  READY: accounts, server time and a complete look are proved.  DEGRADED: the gateway is there and the broker is
    not.  REFUSED: a person must mend something."""

    WAITING = "WAITING"
    OPENING = "OPENING"
    PROVING = "PROVING"
    READY = "READY"
    DEGRADED = "DEGRADED"
    REFUSED = "REFUSED"


class LinkEvent(enum.StrEnum):
    DUE = "DUE"
    OPENED = "OPENED"
    NOT_OPENED = "NOT_OPENED"
    ID_IN_USE = "ID_IN_USE"
    WRONG_ACCOUNT = "WRONG_ACCOUNT"
    PROVED = "PROVED"
    NOT_PROVED = "NOT_PROVED"
    UPSTREAM_LOST = "UPSTREAM_LOST"
    UPSTREAM_BACK = "UPSTREAM_BACK"
    SILENT = "SILENT"
    SOCKET_LOST = "SOCKET_LOST"
    STOPPED = "STOPPED"


WAITING, OPENING, PROVING, READY, DEGRADED, REFUSED = LinkState
E = LinkEvent

IN_SESSION = (PROVING, READY, DEGRADED)
NO_SESSION = (WAITING, OPENING, REFUSED)

ALREADY = Note("ALREADY", "nothing changes")
LATE = Note("LATE", "it came after the session it is about")
NOT_YET = Note("NOT_YET", "what the gateway says before the session stands is proved or disproved by the session")
SAME_ID = Note("SAME_ID", "wait for the old session to be reaped, then take the same id: ids and visibility hang on it")
MISSED = Note("MISSED", "executions may have been missed: look at everything again")
HALF_OPEN = Note("HALF_OPEN", "a socket that answers nothing is no link")
ASK_A_PERSON = Note("ASK_A_PERSON", "another try would end the same way", alarm=True)
TRY_AGAIN = Note("TRY_AGAIN", "a part did not answer, and a time-out is no empty answer")


def _ends_session(note: Note) -> tuple[Clause[LinkState], ...]:
    return (move(*IN_SESSION, OPENING, to=WAITING, note=note), stay(WAITING, REFUSED, note=LATE))


LAW: Mapping[LinkEvent, tuple[Clause[LinkState], ...]] = {
    E.DUE: (move(WAITING, REFUSED, to=OPENING), stay(OPENING, *IN_SESSION, note=ALREADY)),
    E.OPENED: (move(OPENING, to=PROVING), stay(WAITING, REFUSED, note=LATE), stay(*IN_SESSION, note=ALREADY)),
    E.NOT_OPENED: (move(OPENING, to=WAITING), stay(WAITING, REFUSED, *IN_SESSION, note=LATE)),
    E.ID_IN_USE: _ends_session(SAME_ID),
    E.WRONG_ACCOUNT: (
        move(OPENING, *IN_SESSION, to=REFUSED, note=ASK_A_PERSON),
        stay(WAITING, REFUSED, note=ALREADY),
    ),
    E.PROVED: (move(PROVING, to=READY), stay(READY, note=ALREADY), stay(*NO_SESSION, DEGRADED, note=LATE)),
    E.NOT_PROVED: (move(PROVING, to=WAITING, note=TRY_AGAIN), stay(*NO_SESSION, READY, DEGRADED, note=LATE)),
    E.UPSTREAM_LOST: (
        move(PROVING, READY, to=DEGRADED),
        stay(DEGRADED, note=ALREADY),
        stay(OPENING, note=NOT_YET),
        stay(WAITING, REFUSED, note=LATE),
    ),
    E.UPSTREAM_BACK: (
        move(DEGRADED, READY, to=PROVING, note=MISSED),
        stay(PROVING, note=ALREADY),
        stay(OPENING, note=NOT_YET),
        stay(WAITING, REFUSED, note=LATE),
    ),
    E.SILENT: _ends_session(HALF_OPEN),
    E.SOCKET_LOST: _ends_session(Note("SOCKET_LOST", "the gateway hung up, or the socket broke")),
    E.STOPPED: _ends_session(Note("STOPPED", "the port is being closed")),
}

TABLE: Mapping[tuple[LinkState, LinkEvent], Outcome[LinkState]] = enact(LinkState, LinkEvent, LAW)


class Link:
    """Where the connection stands. Each step is the table's."""

    def __init__(self) -> None:
        self.state = WAITING

    def step(self, event: LinkEvent) -> Outcome[LinkState]:
        outcome = TABLE[self.state, event]
        self.state = outcome.state
        return outcome

    @property
    def ready(self) -> bool:
        """Orders may be placed and modified."""
        return self.state is READY
