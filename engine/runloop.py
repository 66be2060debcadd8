"""The innermost loop. Every nanosecond here is paid for each message of twenty years of history."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from engine.cell import Cell
from engine.clock import LiveClock
from engine.effects import Effects, Tell
from engine.mailbox import Slot
from engine.ward import Wards

if TYPE_CHECKING:
    from engine.kernel import Kernel

MANY = 1 << 29  # as good as no limit, and still an int of one digit

NOTHING: tuple[Any, int, str] = (None, 0, "")

Run = Callable[[int, int], Any]  # Any: the last message


Perform = Callable[[Cell, Effects, int], None]


def make_run(kernel: Kernel, perform: Perform, wards: Wards) -> Run:
    """`run(left, until_ns)`: give ready actors their shares, up to `left` messages or, on a live clock, `until_ns`.

    Returns the last message.
    """
    direct = kernel.scheduler is None and not kernel.live
    return (_make_direct_run if direct else _make_general_run)(kernel, perform, wards)


def _make_general_run(kernel: Kernel, perform: Perform, wards: Wards) -> Run:
    """On a live clock, or with a scheduler.

    A closure, because its variables are read faster than attributes and nothing is set up for each call.
    """
    ready, waiting, swollen, fair = kernel.ready, kernel.outbox.waiting, kernel.swollen, kernel.scheduler is None
    clock, live, (read, offset_ns) = kernel.clock, kernel.live, _source(kernel)

    def run(left: int, until_ns: int) -> Any:
        message, cause, sender = NOTHING
        while ready and left > 0 and clock.now_ns < until_ns:
            kernel.current = cell = ready.popleft() if fair else kernel.pick()
            control, truth, work = cell.lanes
            table, share = cell.table, kernel.share if kernel.share < left else left
            room = share
            try:
                while room and (control or truth or work):
                    message = control.popleft() if control else truth.popleft() if truth else work.popleft()
                    room -= 1
                    if (kind := type(message)) is Slot:
                        slot = message
                        message, cause, sender = slot.message, slot.cause, slot.sender
                        slot.message = None
                    elif kind is tuple:
                        message, cause, sender = message
                    else:
                        cause, sender = 0, ""
                    if (effects := table[type(message)](message)) is not None:
                        perform(cell, effects, cause)
                    if live:
                        clock.now_ns = offset_ns + read()
                        if clock.now_ns >= until_ns:
                            break
                cell.queued = False  # until somebody puts, or `afterwards` finds more
            except Exception as crash:
                wards.fell(cell, message, cause, sender, crash)
            left -= share - room
            cell.taken += share - room
            if control or truth or work or waiting or swollen or not fair:
                kernel.afterwards(cell, share - room)
        return message

    return run


def _make_direct_run(kernel: Kernel, perform: Perform, wards: Wards) -> Run:
    """The same on virtual time, fair: what an actor tells while nobody has anything unread is handled next anyway.

    So it goes straight to the actor that is told, past its mailbox; with anything unread anywhere it does not.
    """
    ready, waiting, swollen, most = kernel.ready, kernel.outbox.waiting, kernel.swollen, kernel.share
    straight = _make_straight(kernel)

    def run(left: int, until_ns: int) -> Any:
        message, cause, sender = NOTHING
        while ready and left > 0:
            kernel.current = cell = ready.popleft()
            control, truth, work = cell.lanes
            share = room = most if most < left else left
            try:
                while room and (control or truth or work):
                    message = control.popleft() if control else truth.popleft() if truth else work.popleft()
                    cause, sender = 0, ""
                    if (kind := type(message)) is Slot:
                        slot, message, cause, sender = message, message.message, message.cause, message.sender
                        slot.message = None
                    elif kind is tuple:
                        message, cause, sender = message
                    room -= 1
                    while (effects := cell.table[type(message)](message)) is not None:
                        if control or truth or work or not room or (tell := straight(effects)) is None:
                            perform(cell, effects, cause)
                            break
                        cell.taken += share - room
                        left, share, room = left - share + room, room, room - 1
                        message, sender = tell.message, cell.name
                        cell.queued, tell.to.cell.queued = False, True
                        kernel.current = cell = tell.to.cell
                        control, truth, work = cell.lanes
                cell.queued = False  # until somebody puts, or `afterwards` finds more
            except Exception as crash:
                wards.fell(cell, message, cause, sender, crash)
            left -= share - room
            cell.taken += share - room
            if control or truth or work or waiting or swollen:
                kernel.afterwards(cell, share - room)
        return message

    return run


def _make_straight(kernel: Kernel) -> Callable[[Effects], Tell | None]:
    """Whether a handler wanted one tell and nothing else, to an actor that has nothing unread while nobody has."""
    ready, waiting, swollen = kernel.ready, kernel.outbox.waiting, kernel.swollen

    def straight(effects: Effects) -> Tell | None:
        if type(effects) is not tuple or len(effects) != 1 or ready or waiting or swollen:
            return None
        effect = effects[0]
        if type(effect) is not Tell:
            return None
        target = effect.to.cell
        if target is None or target.queued or target.home is not kernel or type(effect.message) not in target.kinds:
            return None
        return effect

    return straight


def _source(kernel: Kernel) -> tuple[Callable[[], int], int]:
    clock = kernel.clock
    return (clock.monotonic_ns, clock.offset_ns) if isinstance(clock, LiveClock) else (lambda: clock.now_ns, 0)
