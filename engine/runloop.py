"""The innermost loop. Every nanosecond here is paid for each message of twenty years of history."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from engine.cell import Cell
from engine.clock import LiveClock, RunningClock
from engine.effects import Effects, Tell
from engine.mailbox import Slot
from engine.message import Message, Told
from engine.ward import Wards

if TYPE_CHECKING:
    from engine.kernel import Kernel

OK = Told.OK
MANY = 1 << 29  # as good as no limit, and still an int of one digit

NOTHING: tuple[Any, int, str] = (None, 0, "")

Run = Callable[[int, int], Any]  # Any: the last message


Perform = Callable[[Cell, Effects, int], None]


def make_run(kernel: Kernel, perform: Perform, wards: Wards) -> Run:
    """`run(left, until_ns)`: give ready actors their shares, up to `left` messages or, on a live clock, `until_ns`.

    Returns the last message. Closures, because their variables are read faster than attributes.
    """
    return (_make_fair_run if kernel.scheduler is None else _make_scheduled_run)(kernel, perform, wards)


def _make_fair_run(kernel: Kernel, perform: Perform, wards: Wards) -> Run:
    """First come, first served. What an actor tells while nobody has anything unread is handled next anyway.

    So it goes straight to the actor that is told, past its mailbox; with anything unread anywhere it does not.
    """
    ready, waiting, swollen, most = kernel.ready, kernel.outbox.waiting, kernel.swollen, kernel.share
    clock, live, late = kernel.clock, kernel.live, _make_late(kernel)

    def run(left: int, until_ns: int) -> Any:
        message, cause, sender = NOTHING
        while ready and left > 0 and clock.now_ns < until_ns:
            kernel.current = cell = ready.popleft()
            control, truth, work = cell.lanes
            began, stop = left, (left - most if most < left else 0)
            try:
                while left > stop and (lane := control or truth or work) and not (live and late(until_ns)):
                    message, cause, sender = lane.popleft(), 0, ""
                    left -= 1
                    if (kind := type(message)) is tuple:
                        message, cause, sender, kind = message
                    elif kind is Slot:
                        message, cause, sender, kind = message.empty()
                    while (effects := cell.table[kind](message)) is not None:
                        if (
                            type(effects) is not tuple or len(effects) != 1 or type(tell := effects[0]) is not Tell
                            or control or truth or work or ready or waiting or swollen or left == stop
                            or (target := tell.to.cell) is None or target.queued or target.home is not kernel
                            or (kind := type(tell.message)) not in target.kinds or (live and late(until_ns))
                        ):  # fmt: skip
                            perform(cell, effects, cause)
                            break
                        cell.taken, began, left = cell.taken + began - left, left, left - 1
                        message, sender, cell.queued, target.queued = tell.message, cell.name, False, True
                        kernel.current = cell = target
                        control, truth, work = cell.lanes
                cell.queued = False  # until somebody puts, or `afterwards` finds more
            except Exception as crash:
                wards.fell(cell, message, cause, sender, crash)
            cell.taken += began - left
            if control or truth or work or waiting or swollen:
                kernel.afterwards(cell, began - left)
        return message

    return run


def _make_scheduled_run(kernel: Kernel, perform: Perform, wards: Wards) -> Run:
    """Whose turn it is, and for how many messages, is the scheduler's to say."""
    ready, clock, live, late = kernel.ready, kernel.clock, kernel.live, _make_late(kernel)

    def run(left: int, until_ns: int) -> Any:
        message, cause, sender = NOTHING
        while ready and left > 0 and clock.now_ns < until_ns:
            kernel.current = cell = kernel.pick()
            control, truth, work = cell.lanes
            room = share = min(kernel.share, left)
            try:
                while room and (lane := control or truth or work):
                    message, cause, sender = lane.popleft(), 0, ""
                    if (kind := type(message)) is tuple:
                        message, cause, sender, kind = message
                    elif kind is Slot:
                        message, cause, sender, kind = message.empty()
                    room -= 1
                    if (effects := cell.table[kind](message)) is not None:
                        perform(cell, effects, cause)
                    if live and late(until_ns):
                        break
                cell.queued = False  # until somebody puts, or `afterwards` finds more
            except Exception as crash:
                wards.fell(cell, message, cause, sender, crash)
            left -= share - room
            cell.taken += share - room
            kernel.afterwards(cell, share - room)
        return message

    return run


def make_door(kernel: Kernel, cell: Cell, perform: Perform, wards: Wards) -> Callable[[Message], Told]:
    """`tell` for one actor and a source on virtual time: what comes while all is quiet is handled at once.

    That is what would happen next anyway; while anything is unread or waits, or under a scheduler, it is put as usual.
    """
    ready, outbox, put = kernel.ready, kernel.outbox, cell.put
    if kernel.scheduler is not None or kernel.live:
        return put

    def give(message: Message) -> Told:
        to: Any = cell
        if ready or outbox.busy or to.queued or kernel.swollen or type(message) not in to.kinds:
            return put(message)
        sender = ""
        try:
            while True:
                to.taken += 1
                kernel.current = to
                if (effects := to.table[type(message)](message)) is None:
                    return OK
                if (
                    type(effects) is not tuple or len(effects) != 1 or type(tell := effects[0]) is not Tell
                    or (target := tell.to.cell) is None or target.queued or target.home is not kernel
                    or type(tell.message) not in target.kinds
                ):  # fmt: skip
                    perform(to, effects, 0)
                    return OK
                message, sender, to = tell.message, to.name, target
        except Exception as crash:
            wards.fell(to, message, 0, sender, crash)
        return OK

    return give


def _make_late(kernel: Kernel) -> Callable[[int], bool]:
    """`late(until_ns)`: bring a live clock up to date, and whether it is past a moment. Virtual time never is."""
    clock = kernel.clock
    if not isinstance(clock, RunningClock):
        return lambda until_ns: False
    if not isinstance(clock, LiveClock):
        return lambda until_ns: _refreshed_ns(clock) >= until_ns
    read, offset_ns = clock.monotonic_ns, clock.offset_ns

    def late(until_ns: int) -> bool:
        clock.now_ns = now_ns = offset_ns + read()
        return now_ns >= until_ns

    return late


def _refreshed_ns(clock: RunningClock) -> int:
    clock.refresh()
    return clock.now_ns
