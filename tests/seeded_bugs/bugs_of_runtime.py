"""Bugs of the runtime: supervision and timers."""

from __future__ import annotations

from tests.seeded_bugs.bug import Bug

RUNTIME = (
    Bug(
        "rebuilt_without_what_is_not_durable",
        "An actor that is rebuilt forgets the rows that are still on their way to the disk.",
        "callback errors kill the session: jesse#378",
        "engine.ward",
        "            fold(actor, outbox.pending, outbox.durable_seq if durable is None else durable)\n",
        "            assert outbox is not None\n",
    ),
    Bug(
        "crashed_mailbox_is_never_read",
        "An actor that was rebuilt is not put back among those that get turns.",
        "one reactor dies and nobody notices: hummingbot#7855",
        "engine.ward",
        "        if cell not in cell.ready:\n            cell.open()\n",
        "",
    ),
    Bug(
        "later_deadlines_are_not_armed",
        "After its first deadline an actor arms no later one.",
        "timers lost: hummingbot#7462",
        "actors.deadlines",
        "        self._armed_ns = 0\n        found = []",
        "        found = []",
    ),
)
