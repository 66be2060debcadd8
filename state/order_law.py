"""The law of an order's life, as data. Pure: no clock, no I/O.

A partial fill is data, not a state. UNKNOWN has no time-out: only the venue's word ends it. A fill never fails to be
counted; what the table says about a fill is only what it proves about the order's state.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

from state.law import Clause, Note, Outcome, enact, move, refuse, stay


class OrderState(enum.StrEnum):
    PLANNED = "PLANNED"
    DURABLE = "DURABLE"
    SENT = "SENT"
    WORKING = "WORKING"
    UNKNOWN = "UNKNOWN"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    LOST = "LOST"


class OrderEvent(enum.StrEnum):
    """What can happen to an order.

    NOT_SENT: the port's promise that nothing of its only sending left.  SEEN_*: a status the venue showed when asked.
    DECLARED_ABSENT: a person's word.  NO_LONGER_SHOWN: acknowledged on a day of which the venue tells nothing any more,
    and a whole look does not show it.  DAY_OVER: a second one agrees, and the positions leave out no execution of it.
    FILLED: an execution after which nothing remains.  LATE_FILL: one that is told apart because the order had ended;
    the table answers it like any other partial fill.
    """

    COMMITTED = "COMMITTED"
    HANDED_TO_WIRE = "HANDED_TO_WIRE"
    ACKED = "ACKED"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    LATE_FILL = "LATE_FILL"
    FILL_CORRECTED = "FILL_CORRECTED"
    CANCEL_CONFIRMED = "CANCEL_CONFIRMED"
    REJECTED = "REJECTED"
    DUPLICATE_ID = "DUPLICATE_ID"
    EXPIRED = "EXPIRED"
    ACK_OVERDUE = "ACK_OVERDUE"
    DISCONNECTED = "DISCONNECTED"
    NOT_SENT = "NOT_SENT"
    RESTARTED = "RESTARTED"
    SEEN_OPEN = "SEEN_OPEN"
    SEEN_FILLED = "SEEN_FILLED"
    SEEN_CANCELLED = "SEEN_CANCELLED"
    SEEN_REJECTED = "SEEN_REJECTED"
    SEEN_EXPIRED = "SEEN_EXPIRED"
    PROVEN_ABSENT = "PROVEN_ABSENT"
    DECLARED_ABSENT = "DECLARED_ABSENT"
    NO_LONGER_SHOWN = "NO_LONGER_SHOWN"
    DAY_OVER = "DAY_OVER"
    RESENT = "RESENT"
    MODIFY_SENT = "MODIFY_SENT"
    MODIFY_CONFIRMED = "MODIFY_CONFIRMED"
    MODIFY_REJECTED = "MODIFY_REJECTED"
    CANCEL_SENT = "CANCEL_SENT"
    CANCEL_REJECTED = "CANCEL_REJECTED"


PLANNED, DURABLE, SENT, WORKING, UNKNOWN, FILLED, CANCELLED, REJECTED, EXPIRED, LOST = OrderState
E = OrderEvent

TERMINAL = (FILLED, CANCELLED, REJECTED, EXPIRED)
"""The venue has proved that nothing of the order remains. LOST is not among them: it may be sent again."""

AT_RISK = (DURABLE, SENT, WORKING, UNKNOWN)
"""The venue may have the order: risk counts what it could still fill."""

_TERMINAL = frozenset(TERMINAL)
_AT_RISK = frozenset(AT_RISK)

DUPLICATE = Note("DUPLICATE", "the same fact again; nothing changes")
AFTER_THE_END = Note("AFTER_THE_END", "it crossed the order's end on the way; nothing changes")
OTHER_END = Note("OTHER_END", "the venue names another end without a fill; the first one stands")
CONTRADICTED = Note("CONTRADICTED", "the venue contradicts an end it proved: lock the instrument and ask", alarm=True)
LATE_FILL = Note("LATE_FILL", "a fill after the end: the position moves, the state stays", alarm=True)
PARTIAL = Note("PARTIAL", "a partial fill is data, not a state")
CORRECTION = Note("CORRECTION", "the execution is replaced by its correction; the state stays")
FILL_IS_NO_STATUS = Note("FILL_IS_NO_STATUS", "the fill counts, but does not prove that the rest is still open")
BEFORE_COMMIT = Note("BEFORE_COMMIT", "the venue has an order that we have not made durable", alarm=True)
PROOF_WRONG = Note("PROOF_WRONG", "the venue has an order that was proven absent", alarm=True)
NOT_DURABLE = Note("NOT_DURABLE", "bytes left before the commit: the outbox is broken", alarm=True)
COMMIT_OVERDUE = Note("COMMIT_OVERDUE", "the journal is slow; nothing has left, so nothing is unknown", alarm=True)
NOTHING_LEFT_YET = Note("NOTHING_LEFT_YET", "nothing has left the process")
NEVER_LEFT = Note("NEVER_LEFT", "the port refused it before a byte had left: it waits for the link")
STALE_TIMER = Note("STALE_TIMER", "the answer came before the timer; nothing changes")
LINK_DOWN = Note("LINK_DOWN", "the order is at the venue; only new orders and modifies wait for the link")
MAY_HAVE_LEFT = Note("MAY_HAVE_LEFT", "it may or may not be at the venue: count the worst of both until the venue says")
ADOPTED = Note("ADOPTED", "taken over on the venue's word")
VENUE_HAS_IT = Note("VENUE_HAS_IT", "the venue refused the id as one it has: ask what became of it")
IN_FLIGHT = Note("IN_FLIGHT", "absence proves nothing while the order may be on its way")
VANISHED = Note("VANISHED", "the venue no longer shows an order it acknowledged: ask again, then a person", alarm=True)
UNSHOWN = Note("UNSHOWN", "its day is over and the venue shows it no more: look again before it is believed")
DAY_IS_OVER = Note("DAY_IS_OVER", "two looks do not show it and the positions are equal: over, and never sent again")
SHOWN_AGAIN = Note("SHOWN_AGAIN", "the venue has shown it since: it works")
DECLARED = Note("DECLARED", "a person asked the venue and answers for it; it is not sent again")
NOT_IN_DOUBT = Note("NOT_IN_DOUBT", "nothing is in doubt that a person could answer: what is known stands")
ONLY_LOST = Note("ONLY_LOST", "only an order proven absent may be sent again", alarm=True)
ONLY_WORKING = Note("ONLY_WORKING", "only a working order may be modified", alarm=True)
NOTHING_TO_CANCEL = Note("NOTHING_TO_CANCEL", "the order has ended; there is nothing to cancel", alarm=True)
MODIFY_PENDING = Note("MODIFY_PENDING", "the change is on its way; both limits may be hit")
MODIFIED = Note("MODIFIED", "the new limit rests")
MODIFY_FAILED = Note("MODIFY_FAILED", "a failed modify never ends its order")
CANCEL_PENDING = Note("CANCEL_PENDING", "a cancel is a request; the venue's answer ends the order")
CANCEL_FAILED = Note("CANCEL_FAILED", "a failed cancel proves nothing; the order lives on")

_SHOWN = (DURABLE, SENT, UNKNOWN)


def _ends(end: OrderState, *, others: tuple[OrderState, ...]) -> tuple[Clause[OrderState], ...]:
    """The venue says that the order ended in `end` without a further fill."""
    return (
        move(DURABLE, SENT, WORKING, UNKNOWN, to=end),
        move(PLANNED, to=end, note=BEFORE_COMMIT),
        move(LOST, to=end, note=PROOF_WRONG),
        stay(end, note=DUPLICATE),
        stay(*others, note=OTHER_END),
        stay(FILLED, note=CONTRADICTED),
    )


_FILL = (
    move(DURABLE, SENT, to=WORKING),
    move(PLANNED, to=UNKNOWN, note=BEFORE_COMMIT),
    move(LOST, to=UNKNOWN, note=PROOF_WRONG),
    stay(WORKING, note=PARTIAL),
    stay(UNKNOWN, note=FILL_IS_NO_STATUS),
    stay(*TERMINAL, note=LATE_FILL),
)

LAW: Mapping[OrderEvent, tuple[Clause[OrderState], ...]] = {
    E.COMMITTED: (
        move(PLANNED, to=DURABLE),
        stay(*AT_RISK, *TERMINAL, LOST, note=DUPLICATE),
    ),
    E.HANDED_TO_WIRE: (
        move(DURABLE, to=SENT),
        move(LOST, to=UNKNOWN, note=PROOF_WRONG),
        refuse(PLANNED, note=NOT_DURABLE),
        stay(SENT, WORKING, UNKNOWN, note=DUPLICATE),
        stay(*TERMINAL, note=AFTER_THE_END),
    ),
    E.ACKED: (
        move(*_SHOWN, to=WORKING),
        move(PLANNED, to=WORKING, note=BEFORE_COMMIT),
        move(LOST, to=WORKING, note=PROOF_WRONG),
        stay(WORKING, note=DUPLICATE),
        stay(*TERMINAL, note=AFTER_THE_END),
    ),
    E.PARTIALLY_FILLED: _FILL,
    E.FILLED: (
        move(*AT_RISK, to=FILLED),
        move(PLANNED, to=FILLED, note=BEFORE_COMMIT),
        move(LOST, to=FILLED, note=PROOF_WRONG),
        stay(*TERMINAL, note=LATE_FILL),
    ),
    E.LATE_FILL: _FILL,
    E.FILL_CORRECTED: (stay(*OrderState, note=CORRECTION),),
    E.CANCEL_CONFIRMED: _ends(CANCELLED, others=(REJECTED, EXPIRED)),
    E.REJECTED: _ends(REJECTED, others=(CANCELLED, EXPIRED)),
    E.EXPIRED: _ends(EXPIRED, others=(CANCELLED, REJECTED)),
    E.DUPLICATE_ID: (
        move(DURABLE, SENT, to=UNKNOWN, note=VENUE_HAS_IT),
        move(PLANNED, to=UNKNOWN, note=BEFORE_COMMIT),
        move(LOST, to=UNKNOWN, note=PROOF_WRONG),
        stay(WORKING, UNKNOWN, note=VENUE_HAS_IT),
        stay(*TERMINAL, note=AFTER_THE_END),
    ),
    E.ACK_OVERDUE: (
        move(DURABLE, SENT, to=UNKNOWN, note=MAY_HAVE_LEFT),
        stay(PLANNED, note=COMMIT_OVERDUE),
        stay(WORKING, UNKNOWN, *TERMINAL, LOST, note=STALE_TIMER),
    ),
    E.DISCONNECTED: (
        move(DURABLE, SENT, to=UNKNOWN, note=MAY_HAVE_LEFT),
        stay(PLANNED, note=NOTHING_LEFT_YET),
        stay(WORKING, note=LINK_DOWN),
        stay(UNKNOWN, note=MAY_HAVE_LEFT),
        stay(*TERMINAL, LOST, note=AFTER_THE_END),
    ),
    E.NOT_SENT: (
        # a LOST order that shows itself is an alarm, so a port that breaks its promise is found out
        move(DURABLE, UNKNOWN, to=LOST, note=NEVER_LEFT),
        move(SENT, to=UNKNOWN, note=MAY_HAVE_LEFT),
        stay(PLANNED, note=NOTHING_LEFT_YET),
        stay(WORKING, note=LINK_DOWN),
        stay(LOST, note=DUPLICATE),
        stay(*TERMINAL, note=AFTER_THE_END),
    ),
    E.RESTARTED: (
        # a plan that is read back was committed, so it may have left as well
        move(PLANNED, DURABLE, SENT, WORKING, to=UNKNOWN, note=MAY_HAVE_LEFT),
        stay(UNKNOWN, note=MAY_HAVE_LEFT),
        stay(*TERMINAL, LOST, note=AFTER_THE_END),
    ),
    E.SEEN_OPEN: (
        move(*_SHOWN, to=WORKING, note=ADOPTED),
        move(PLANNED, to=WORKING, note=BEFORE_COMMIT),
        move(LOST, to=WORKING, note=PROOF_WRONG),
        stay(WORKING, note=DUPLICATE),
        stay(*TERMINAL, note=CONTRADICTED),
    ),
    E.SEEN_FILLED: (
        move(*AT_RISK, to=FILLED, note=ADOPTED),
        move(PLANNED, to=FILLED, note=BEFORE_COMMIT),
        move(LOST, to=FILLED, note=PROOF_WRONG),
        stay(FILLED, note=DUPLICATE),
        stay(CANCELLED, REJECTED, EXPIRED, note=CONTRADICTED),
    ),
    E.SEEN_CANCELLED: _ends(CANCELLED, others=(REJECTED, EXPIRED)),
    E.SEEN_REJECTED: _ends(REJECTED, others=(CANCELLED, EXPIRED)),
    E.SEEN_EXPIRED: _ends(EXPIRED, others=(CANCELLED, REJECTED)),
    E.PROVEN_ABSENT: (
        move(UNKNOWN, to=LOST),
        move(WORKING, to=UNKNOWN, note=VANISHED),
        stay(PLANNED, note=NOTHING_LEFT_YET),
        stay(DURABLE, SENT, note=IN_FLIGHT),
        stay(LOST, note=DUPLICATE),
        stay(*TERMINAL, note=AFTER_THE_END),
    ),
    E.DECLARED_ABSENT: (
        move(UNKNOWN, to=LOST, note=DECLARED),
        stay(PLANNED, DURABLE, SENT, WORKING, *TERMINAL, LOST, note=NOT_IN_DOUBT),
    ),
    E.NO_LONGER_SHOWN: (
        move(WORKING, to=UNKNOWN, note=UNSHOWN),
        stay(UNKNOWN, note=UNSHOWN),
        stay(PLANNED, note=NOTHING_LEFT_YET),
        stay(DURABLE, SENT, note=IN_FLIGHT),
        stay(*TERMINAL, LOST, note=AFTER_THE_END),
    ),
    E.DAY_OVER: (
        move(UNKNOWN, to=EXPIRED, note=DAY_IS_OVER),
        stay(PLANNED, note=NOTHING_LEFT_YET),
        stay(DURABLE, SENT, note=IN_FLIGHT),
        stay(WORKING, note=SHOWN_AGAIN),
        stay(*TERMINAL, LOST, note=AFTER_THE_END),
    ),
    E.RESENT: (
        move(LOST, to=SENT),
        refuse(PLANNED, *AT_RISK, *TERMINAL, note=ONLY_LOST),
    ),
    E.MODIFY_SENT: (
        stay(WORKING, note=MODIFY_PENDING),
        refuse(PLANNED, DURABLE, SENT, UNKNOWN, *TERMINAL, LOST, note=ONLY_WORKING),
    ),
    E.MODIFY_CONFIRMED: (
        move(*_SHOWN, to=WORKING, note=ADOPTED),
        move(PLANNED, to=WORKING, note=BEFORE_COMMIT),
        move(LOST, to=WORKING, note=PROOF_WRONG),
        stay(WORKING, note=MODIFIED),
        stay(*TERMINAL, note=AFTER_THE_END),
    ),
    E.MODIFY_REJECTED: (
        stay(PLANNED, *AT_RISK, LOST, note=MODIFY_FAILED),
        stay(*TERMINAL, note=AFTER_THE_END),
    ),
    E.CANCEL_SENT: (
        stay(PLANNED, *AT_RISK, note=CANCEL_PENDING),
        refuse(*TERMINAL, LOST, note=NOTHING_TO_CANCEL),
    ),
    E.CANCEL_REJECTED: (
        stay(PLANNED, *AT_RISK, LOST, note=CANCEL_FAILED),
        stay(*TERMINAL, note=AFTER_THE_END),
    ),
}

TABLE: Mapping[tuple[OrderState, OrderEvent], Outcome[OrderState]] = enact(OrderState, OrderEvent, LAW)


def next_state(state: OrderState, event: OrderEvent) -> Outcome[OrderState]:
    """What `event` does to an order in `state`. Total: every pair has an answer."""
    return TABLE[state, event]


def is_terminal(state: OrderState) -> bool:
    return state in _TERMINAL


def is_at_risk(state: OrderState) -> bool:
    return state in _AT_RISK
