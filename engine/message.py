"""What a message is: frozen, small, typed, and explicit about its lane and what a full lane means."""

from __future__ import annotations

import enum
from typing import ClassVar

import msgspec


class Lane(enum.IntEnum):
    """Mailbox lanes in the order in which they are drained."""

    CONTROL = 0
    TRUTH = 1
    WORK = 2


class WhenFull(enum.Enum):
    """What `tell` does when the lane of a message holds `bound` messages of that type."""

    SAFE_STOP = "safe_stop"  # overflow is a defect of the engine
    KEEP = "keep"  # never dropped: alarm, pause intake, keep
    REFUSE = "refuse"  # the sender is told FULL
    WAIT = "wait"  # the sender is told FULL and holds its source back


class Told(enum.Enum):
    """The answer to every tell. Silence is impossible."""

    OK = "ok"
    REPLACED = "replaced"
    FULL = "full"


class Message(msgspec.Struct, frozen=True, gc=False):
    """Base of everything that travels between inhabitants.

    Name facts in the past tense and requests in the imperative. `slot_field` names a field whose value is a
    conflation slot: of all unread messages of that type with one slot value only the latest is kept.
    """

    lane: ClassVar[Lane] = Lane.WORK
    bound: ClassVar[int] = 256
    when_full: ClassVar[WhenFull] = WhenFull.REFUSE
    slot_field: ClassVar[str | None] = None


class Event(Message, frozen=True, gc=False):
    """A journalled fact. Its class name is its kind in the journal; fields may only be added, with defaults."""

    lane: ClassVar[Lane] = Lane.TRUTH
    bound: ClassVar[int] = 10_000
    when_full: ClassVar[WhenFull] = WhenFull.KEEP


class Request(Message, frozen=True, gc=False, kw_only=True):
    """A message that wants an answer; `ask_id` is chosen by the asker and comes back in `Replied` or `Expired`."""

    ask_id: str = ""
    reply_to: str = ""


class Replied(Message, frozen=True, gc=False):
    """The answer to a request, in time."""

    lane: ClassVar[Lane] = Lane.TRUTH
    bound: ClassVar[int] = 10_000
    when_full: ClassVar[WhenFull] = WhenFull.KEEP

    ask_id: str
    answer: Message


class Expired(Message, frozen=True, gc=False):
    """The deadline of a request passed without an answer. A later answer becomes a dead letter."""

    lane: ClassVar[Lane] = Lane.TRUTH
    bound: ClassVar[int] = 10_000
    when_full: ClassVar[WhenFull] = WhenFull.KEEP

    ask_id: str
    asked: str


class Control(Message, frozen=True, gc=False):
    """Base of messages that outrank everything else: halt, stop, changes of mode. A full control lane is a defect."""

    lane: ClassVar[Lane] = Lane.CONTROL
    bound: ClassVar[int] = 64
    when_full: ClassVar[WhenFull] = WhenFull.SAFE_STOP


class Refused(Message, frozen=True, gc=False):
    """A message of yours was not taken: the lane of `to` is full, or `to` is quarantined, stopped or unknown.

    raised: `to` is a port that failed over it; how far the message got nobody knows. Otherwise nothing of it went on.
    """

    lane: ClassVar[Lane] = Lane.TRUTH
    bound: ClassVar[int] = 10_000
    when_full: ClassVar[WhenFull] = WhenFull.KEEP

    to: str
    message: Message
    raised: bool = False


class Poisoned(Control, frozen=True, gc=False):
    """A truth message crashed `actor` twice: whatever it is about must be locked, and the engine halted."""

    actor: str
    message: Message


class Quarantined(Control, frozen=True, gc=False):
    """`actor` spent its restarts: it takes no more work until it is released."""

    actor: str
