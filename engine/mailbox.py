"""A mailbox: three lanes, a bound for each message type, slots in which only the latest counts."""

from __future__ import annotations

import collections
import operator
from collections.abc import Callable
from typing import Any, Protocol

from engine.message import Message, Told, WhenFull

OK, REPLACED, FULL = Told.OK, Told.REPLACED, Told.FULL
TIMER_SLOTS_KEPT = 64


class Slot:
    """A place in a lane whose message may be replaced while it is unread."""

    __slots__ = ("cause", "message", "sender")

    def __init__(self, message: Message, cause: int, sender: str) -> None:
        self.message: Message | None = message
        self.cause = cause
        self.sender = sender

    def replace(self, message: Message, cause: int, sender: str) -> None:
        self.message = message
        self.cause = cause
        self.sender = sender

    def empty(self) -> tuple[Any, int, str, type[Any]]:
        """Take (message, cause, sender, its type) out; the place can be filled again."""
        message, self.message = self.message, None
        return message, self.cause, self.sender, type(message)


# An unread message is a Slot, a bare message (from outside, caused by nothing), or (message, cause, sender, its type).
Item = Slot | Message | tuple[Message, int, str, type[Message]]
Queue = collections.deque[Item]
# The lane of a message type, how to append to it, its bound, how to read its slot value, and its slots by that value.
Kind = tuple[Queue, Callable[[Item], None], int, Callable[[Any], Any] | None, dict[Any, Slot]]


class Desk(Protocol):
    """Whom a mailbox asks when a message cannot simply be put into its lane, and whom it wakes."""

    waker: Callable[[], None] | None
    current: Any  # the mailbox whose actor has its turn now; `taken` is brought up to date after it

    def unwelcome(self, box: Any, message: Message, sender: str) -> Told: ...

    def overflowed(self, box: Any, message: Message, sender: str) -> Told: ...

    def swelled(self, box: Any, message: Message) -> None: ...


class Mailbox:
    """Three lanes, drained control first, then truth, then work; FIFO for each sender and lane.

    `put` answers OK, REPLACED (an unread message with the same slot value gave way, its place is kept) or FULL. What a
    full lane means is declared by the message type: see `engine.message.WhenFull`.
    """

    __slots__ = (
        "control", "desk", "kinds", "lanes", "over_bound", "put", "queued", "ready", "refusals",
        "scans", "shrinks_at", "skips", "swollen", "taken", "timer_limit", "timers", "truth", "work",
    )  # fmt: skip

    def __init__(self, desk: Desk, ready: collections.deque[Any]) -> None:
        self.desk = desk
        self.ready = ready
        self.control: Queue = collections.deque()
        self.truth: Queue = collections.deque()
        self.work: Queue = collections.deque()
        self.lanes: tuple[Any, Any, Any] = (self.control, self.truth, self.work)
        self.kinds: dict[type[Message], Kind] = {}
        self.timers: dict[str, Slot] = {}
        self.timer_limit = TIMER_SLOTS_KEPT
        self.scans: dict[type[Message], tuple[int, int]] = {}
        self.queued = True  # as if it stood in the ready queue already: it gets no turn before `open`
        self.swollen: set[type[Message]] = set()
        self.shrinks_at = 0  # until so many were taken, none of them can be half empty
        self.skips = self.over_bound = self.refusals = self.taken = 0
        self.put = make_put(self)

    def welcome(self, types: Any) -> None:
        """Accept these message types from now on, and no others."""
        kinds = {kind: self._kind(kind) for kind in types}
        self.kinds.clear()
        self.kinds.update(kinds)

    def _kind(self, kind: type[Message]) -> Kind:
        known = self.kinds.get(kind)
        if known is not None:
            return known
        value_of = None if kind.slot_field is None else operator.attrgetter(kind.slot_field)
        lane: Queue = self.lanes[kind.lane]
        return lane, lane.append, kind.bound, value_of, {}

    def put_timer(self, timer_id: str, message: Message, cause: int) -> Told:
        """Take a timer that fired: an unread one with the same id gives way, so each id has one place at most."""
        slot = self.timers.get(timer_id)
        if slot is not None and slot.message is not None:
            slot.replace(message, cause, "timer")
            self.skips += 1
            return REPLACED
        kind = self.kinds.get(type(message))
        if kind is None:
            return self.desk.unwelcome(self, message, "timer")
        if len(self.timers) >= self.timer_limit:
            self.timers = {name: slot for name, slot in self.timers.items() if slot.message is not None}
            self.timer_limit = max(TIMER_SLOTS_KEPT, 2 * len(self.timers))
        slot = self.timers[timer_id] = Slot(message, cause, "timer")
        kind[1](slot)
        self.wake()
        return OK

    def wake(self) -> None:
        """Stand in the ready queue."""
        if not self.queued:
            self.queued = True
            self.ready.append(self)
            if self.desk.waker is not None:
                self.desk.waker()

    def open(self) -> None:
        """Take turns from now on, first for what is already here."""
        self.queued = self.depth > 0
        if self.queued:
            self.ready.append(self)

    def shut(self) -> list[tuple[Message, str]]:
        """Take nothing more; returns (message, sender) of all that was unread."""
        self.kinds.clear()
        self.queued = True
        unread = []
        for lane in self.lanes:
            while lane:
                message, _, sender = opened(lane.popleft())
                unread.append((message, sender))
        self.swollen.clear()
        self.scans.clear()
        self.timers.clear()
        return unread

    def room(self, message: Message, queue: Queue, sender: str) -> bool:
        """Decide about a lane that holds at least `bound` messages, perhaps of other types."""
        kind = type(message)
        taken, unread = self.scans.get(kind, (-1, 0))
        if taken != self.taken or self.desk.current is self:  # walked once between two turns: a storm stays linear
            unread = self.count(kind)
        if unread < kind.bound:
            self.scans[kind] = (self.taken, unread + 1)
            return True
        self.scans[kind] = (self.taken, unread)
        if kind.when_full is WhenFull.KEEP:
            self.over_bound += 1
            self.swollen.add(kind)
            self.shrinks_at = 0
            self.desk.swelled(self, message)
            return True
        self.refusals += 1
        if kind.when_full is WhenFull.SAFE_STOP:
            self.desk.overflowed(self, message, sender)
        return False

    def count(self, kind: type[Message]) -> int:
        """Unread messages of one type. Counted by walking the lane, so only asked when a lane is long."""
        return sum(1 for item in self.lanes[kind.lane] if type(opened(item)[0]) is kind)

    def shrink(self) -> bool:
        """True when no type is over half its soft bound any more. Counted only when that can be so, not every turn."""
        if self.swollen and self.taken < self.shrinks_at:
            return False
        over = {kind: many for kind in self.swollen if (many := self.count(kind) - kind.bound // 2) > 0}
        self.swollen = set(over)
        self.shrinks_at = self.taken + min(over.values(), default=0)
        return not self.swollen

    @property
    def depth(self) -> int:
        return len(self.control) + len(self.truth) + len(self.work)


def opened(item: Item) -> tuple[Message, int, str]:
    """(message, cause, sender) of an unread item."""
    if isinstance(item, Slot):
        assert item.message is not None
        return item.message, item.cause, item.sender
    return item[:3] if isinstance(item, tuple) else (item, 0, "")


class Put(Protocol):
    """`put(message, cause=0, sender="")`: take a message for the actor behind a mailbox."""

    def __call__(self, message: Message, cause: int = 0, sender: str = "") -> Told: ...


def make_inlet(box: Mailbox) -> Callable[[Message], Told]:
    """`put` for what comes from outside and is caused by nothing."""
    kinds, put, append_ready, desk = box.kinds, box.put, box.ready.append, box.desk

    def tell(message: Message) -> Told:
        try:
            queue, append, bound, value_of, _ = kinds[type(message)]
        except KeyError:
            return put(message)
        if len(queue) >= bound or value_of is not None:
            return put(message)
        append(message)
        if not box.queued:
            box.queued = True
            append_ready(box)
            if desk.waker is not None:
                desk.waker()
        return OK

    return tell


def make_put(box: Mailbox) -> Put:
    """A closure, because its variables are read faster than attributes, and every message passes here."""
    kinds, desk, append_ready = box.kinds, box.desk, box.ready.append

    def put(message: Message, cause: int = 0, sender: str = "") -> Told:
        try:
            queue, append, bound, value_of, slots = kinds[kind := type(message)]
        except KeyError:
            return desk.unwelcome(box, message, sender)
        if value_of is not None:
            value = value_of(message)
            slot = slots.get(value)
            if slot is None:
                slots[value] = slot = Slot(message, cause, sender)
            else:
                unread = slot.message is not None
                slot.message = message
                slot.cause = cause
                slot.sender = sender
                if unread:
                    box.skips += 1
                    return REPLACED
            append(slot)
        elif len(queue) < bound or box.room(message, queue, sender):
            append((message, cause, sender, kind) if cause or sender else message)
        else:
            return FULL
        if not box.queued:
            box.queued = True
            append_ready(box)
            if desk.waker is not None:
                desk.waker()
        return OK

    return put
