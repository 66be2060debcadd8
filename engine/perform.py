"""What one handler wanted, done all or not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from engine.cell import Cell
from engine.clock import Clock
from engine.deadletters import DeadLetter, DeadLetters, Reason
from engine.effects import Ask, CancelTimer, Effects, Journal, Ref, Reply, SetTimer, Tell, ToPort
from engine.lifecycle import State
from engine.mailbox import Desk
from engine.message import Expired, Message, Refused, Replied, Request, Told
from engine.outbox import Outbox
from engine.ports import Port
from engine.timers import Timers

FULL = Told.FULL
SHUT_OUT = (State.QUARANTINED, State.STOPPED)


class Caller:
    """Somebody outside who asked: hears `Replied` or `Expired` once."""

    __slots__ = ("answered", "name")

    def __init__(self, name: str, answered: Callable[[Message], None]) -> None:
        self.name = name
        self.answered = answered

    def put_timer(self, timer_id: str, message: Message, cause: int) -> None:
        self.answered(message)


class Performer:
    """Turns effects into mailbox entries, rows, port messages and timers."""

    def __init__(
        self, home: Desk, clock: Clock, cells: dict[str, Cell], ports: dict[str, Port], dead: DeadLetters,
        outbox: Outbox,
    ) -> None:  # fmt: skip
        self.home = home
        self._clock = clock
        self._cells = cells
        self._ports = ports
        self._dead = dead
        self._callers: dict[str, Caller] = {}
        self._asked = 0
        self.timers = Timers()
        self.outbox = outbox
        self.perform = self._make_perform()

    def _make_perform(self) -> Callable[[Cell, Effects, int], None]:
        home = self.home
        acts: dict[type[Any], Callable[[Cell, Any, int], int]] = {
            Tell: self._tell, ToPort: self._to_port, Journal: self._journal, SetTimer: self._set_timer,
            CancelTimer: self._cancel_timer, Ask: self._ask, Reply: self._reply,
        }  # fmt: skip

        def perform(cell: Cell, effects: Effects, cause: int) -> None:
            """Collect every effect of a handler before the first is performed: one that raises midway does nothing.

            A row journalled by the handler is the cause of what it yields after.
            """
            wanted: Any = effects if type(effects) is tuple else tuple(effects or ())
            if len(wanted) == 1 and type(effect := wanted[0]) is Tell:  # most handlers
                target = effect.to.cell
                if target is not None and target.home is home:
                    put = target.put  # read, then called: a slot is no method, and calls on it are slow
                    if put(effect.message, cause, cell.name) is FULL:
                        self.refuse(cell, target.name, effect.message, cause)
                    return
            for effect in wanted:
                if type(effect) not in acts:
                    raise TypeError(f"{cell.name} yielded {effect!r}, which is not an effect")
            name = cell.name
            for effect in wanted:
                if (kind := type(effect)) is Tell:
                    target = effect.to.cell
                    if target is not None and target.home is home:
                        put = target.put
                        if put(effect.message, cause, name) is FULL:
                            self.refuse(cell, target.name, effect.message, cause)
                        continue
                cause = acts[kind](cell, effect, cause)

        return perform

    def cell_of(self, ref: Ref[Any]) -> Cell | None:
        """The cell a reference names, in this kernel."""
        cell: Cell | None = ref.cell
        if cell is None or cell.home is not self.home:
            cell = self._cells.get(ref.name)
            if cell is not None:
                ref.cell = cell
        return cell

    def refuse(self, cell: Cell, to: str, message: Message, cause: int, raised: bool = False) -> None:
        """Tell a sender that its message was not taken; of an actor that is shut out its dead letters tell already."""
        if type(message) is Refused:
            return
        target = None if Refused in cell.kinds else self._cells.get(to)
        if target is None or target.state not in SHUT_OUT:
            cell.put(Refused(to, message, raised), cause, to)

    def nobody(self, sender: str, to: str, message: Message) -> None:
        self._dead.add(DeadLetter(self._clock.now_ns, to, sender, Reason.NOBODY, message))

    def _tell(self, cell: Cell, effect: Tell, cause: int) -> int:
        target = effect.to.cell
        if target is None or target.home is not self.home:
            target = self.cell_of(effect.to)
            if target is None:
                self.nobody(cell.name, effect.to.name, effect.message)
                self.refuse(cell, effect.to.name, effect.message, cause)
                return cause
        put = target.put
        if put(effect.message, cause, cell.name) is FULL:
            self.refuse(cell, effect.to.name, effect.message, cause)
        return cause

    def _to_port(self, cell: Cell, effect: ToPort, cause: int) -> int:
        port = self._ports.get(effect.port)
        if port is None:
            self.nobody(cell.name, effect.port, effect.message)
            self.refuse(cell, effect.port, effect.message, cause)
        else:
            self.outbox.post(port, effect.message, cause, cell)
        return cause

    def _journal(self, cell: Cell, effect: Journal, cause: int) -> int:
        return self.outbox.stage(self._clock.now_ns, cell.name, cause, effect.event)

    def _set_timer(self, cell: Cell, effect: SetTimer, cause: int) -> int:
        self.timers.set(cell, effect.id, effect.at_ns, effect.message, cause)
        return cause

    def _cancel_timer(self, cell: Cell, effect: CancelTimer, cause: int) -> int:
        self.timers.cancel(cell.name, effect.id)
        return cause

    def _ask(self, cell: Cell, effect: Ask, cause: int) -> int:
        request = self._addressed(effect.request, cell.name)
        target = self.cell_of(effect.to)
        if target is None:
            self.nobody(cell.name, effect.to.name, request)
        if target is None or target.put(request, cause, cell.name) is FULL:
            self.refuse(cell, effect.to.name, request, cause)
        else:
            expired = Expired(request.ask_id, effect.to.name)
            self.timers.set(cell, _ask_timer(request.ask_id), effect.deadline_ns, expired, cause)
        return cause

    def _addressed(self, request: Request, asker: str) -> Request:
        self._asked += 1
        ask_id = request.ask_id or f"{asker}#{self._asked}"
        return msgspec.structs.replace(request, ask_id=ask_id, reply_to=asker)

    def _reply(self, cell: Cell, effect: Reply, cause: int) -> int:
        asker, ask_id = effect.request.reply_to, effect.request.ask_id
        if not self.timers.cancel(asker, _ask_timer(ask_id)):
            letter = DeadLetter(self._clock.now_ns, asker, cell.name, Reason.LATE_REPLY, effect.answer)
            self._dead.add(letter)
        elif asker in self._callers:
            self._callers[asker].answered(Replied(ask_id, effect.answer))
        else:
            self._cells[asker].put(Replied(ask_id, effect.answer), cause, cell.name)
        return cause

    def ask_from_outside(
        self, to: Cell, request: Request, deadline_ns: int, answered: Callable[[Message], None]
    ) -> tuple[Told, str]:
        """Ask for somebody outside the tree; returns how it was told and the name to forget it by."""
        self._asked += 1
        name = f"caller {self._asked}"

        def heard(message: Message) -> None:
            self._callers.pop(name, None)
            answered(message)

        caller = Caller(name, heard)
        addressed = self._addressed(request, caller.name)
        told = to.put(addressed, 0, caller.name)
        if told is not FULL:
            self._callers[caller.name] = caller
            expired = Expired(addressed.ask_id, to.name)
            self.timers.set(caller, _ask_timer(addressed.ask_id), deadline_ns, expired, 0)
        return told, caller.name

    def forget_caller(self, name: str) -> None:
        """The one who asked has gone: its answer will be a dead letter."""
        self._callers.pop(name, None)
        self.timers.cancel_all(name)


def _ask_timer(ask_id: str) -> str:
    return f"ask\0{ask_id}"  # no id of an actor's own timers
