"""One socket to one client: handshake, frames, limits, faults on the wire, and a writer that waits for nobody else."""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from collections.abc import Callable
from typing import Protocol, cast

from simulation.tws.clock import Clock
from simulation.tws.codec import (
    CodecError,
    Framer,
    FramingError,
    Welcome,
    agreed,
    decode_hello,
    decode_request,
    encode_reply,
    encode_welcome,
    fields_of,
    framed,
)
from simulation.tws.faults import EMPTY, Fault, FaultPlan, Harm
from simulation.tws.replies import ErrorMessage, ServerMessage
from simulation.tws.requests import ClientMessage, PlaceOrder, StartApi
from simulation.tws.service.client import Client, req_id_of
from simulation.tws.service.house import GatewayRules

HIGH_WATER = 1 << 18
"""Bytes in the transport's buffer from which on a client counts as not reading."""
_LENGTH = struct.Struct(">I")


class Door(Protocol):
    """What a session needs of its gateway."""

    @property
    def clock(self) -> Clock: ...

    @property
    def rules(self) -> GatewayRules: ...

    @property
    def plan(self) -> FaultPlan: ...

    def opened(self, session: Session) -> bool:
        """A connection came; whether it may stay."""
        ...

    def told(self, session: Session, what: str, payload: bytes = b"") -> None:
        """Something for the log: `in`, `out`, `pause`, `resume`."""
        ...

    def welcome_time(self) -> str: ...

    def started(self, session: Session, asked: StartApi) -> None: ...

    def asked(self, client: Client, message: ClientMessage, *, second_order: bool = False) -> None: ...

    def gone(self, session: Session) -> None: ...

    def passed(self, message: str, client_id: int | None) -> None:
        """A message of this kind has been carried out or sent."""
        ...


class Session(asyncio.Protocol):
    """A connection. number: its place among all that this gateway has had."""

    def __init__(self, door: Door, number: int, later: Callable[[Callable[[], None]], object]) -> None:
        self.number = number
        self.client: Client | None = None
        self.version = 0
        self.over = False
        self._door, self._later = door, later
        self._transport: asyncio.Transport | None = None
        self._framer = Framer(opened=True)
        self._out: list[bytes] = []
        self._waiting = 0
        self._flushing = self._paused = False
        self._mute = False
        self._held_in: list[ClientMessage] = []
        self._held_out: list[ServerMessage] = []
        self._times: deque[float] = deque()
        self._violations: deque[float] = deque()

    @property
    def client_id(self) -> int | None:
        return self.client.client_id if self.client is not None else None

    @property
    def congested(self) -> bool:
        return self._paused

    # -- the transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's are no subclass: test_a_gateway_may_live_on_uvloop
        self._transport = transport = cast(asyncio.Transport, transport)
        transport.set_write_buffer_limits(high=HIGH_WATER)
        if not self._door.opened(self):
            self.end()

    def connection_lost(self, exc: Exception | None) -> None:
        self.over = True
        self._door.gone(self)

    def data_received(self, data: bytes) -> None:
        """Bytes of the client; what cannot be cut into frames ends the connection."""
        self._door.clock.begin()
        try:
            payloads = self._framer.feed(data)
        except FramingError:
            self.end()
            return
        for payload in payloads:
            if self.over or self._mute:
                return
            self.take(payload)

    def pause_writing(self) -> None:
        """The client does not read: prices are skipped from now on, all else waits."""
        self._paused = True
        self._door.told(self, "pause")
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._door.clock.begin()
        self._paused = False
        self._door.told(self, "resume")
        if self._transport is not None and not self._mute:
            self._transport.resume_reading()
        self._flush()
        if self.client is not None:
            self.client.caught_up()

    # -- in

    def take(self, payload: bytes) -> None:
        """One frame of the client."""
        self._door.told(self, "in", payload)
        if not self.version:
            self._greet(payload)
            return
        if not self._in_time():
            return
        try:
            message = decode_request(fields_of(payload), self.version)
        except CodecError as error:
            self.say(ErrorMessage(code=320, text=f"Error reading request. {error}"))
            return
        self._harmed(message)

    def _greet(self, payload: bytes) -> None:
        try:
            self.version = agreed(decode_hello(payload))
        except CodecError:
            self.end()
            return
        welcome = encode_welcome(Welcome(self.version, self._door.welcome_time()))
        self._door.told(self, "out", welcome)
        self._write(framed(welcome))

    def _in_time(self) -> bool:
        """Whether the client keeps to the rate; a message too many is answered with 100 and not done."""
        rules, now = self._door.rules, self._door.clock.seconds()
        times = self._times
        while times and times[0] <= now - 1.0:
            times.popleft()
        times.append(now)
        if len(times) <= rules.messages_per_second:
            return True
        if not self._violations or self._violations[-1] <= now - 1.0:
            self._violations.append(now)
        said = f"max={rules.messages_per_second} rec={len(times)} ({len(self._violations)})"
        self.say(ErrorMessage(code=100, text=f"Max rate of messages per second has been exceeded:{said}"))
        if len(self._violations) >= rules.violations:
            self.end()
        return False

    def _harmed(self, message: ClientMessage) -> None:
        """Carry a message out, unless the plan has something else in mind for it."""
        name = type(message).__name__
        fault = self._door.plan.harm(name, self.client_id) if name in self._door.plan.watched else None
        held, self._held_in = self._held_in, []
        if fault is None:
            self._carry_out(message)
        elif fault.harm is Harm.DELAY:
            self._door.clock.later(fault.seconds, lambda: self._carry_out(message))
        elif fault.harm is Harm.SWAP:
            self._held_in = [message]
        else:
            IN[fault.harm](self, message, fault)
        for each in held:
            self._carry_out(each)

    def _carry_out(self, message: ClientMessage, *, second_order: bool = False) -> None:
        if isinstance(message, StartApi) and self.client is None:
            self._door.started(self, message)
        elif self.client is not None:
            self._door.asked(self.client, message, second_order=second_order)
        else:
            self.end()
        self._door.passed(type(message).__name__, self.client_id)

    # -- out

    def say(self, message: ServerMessage) -> None:
        """Send a message, unless the plan has something else in mind for it."""
        if self.over or self._mute:
            return
        name = type(message).__name__
        plan = self._door.plan
        if name not in plan.watched and not self._held_out:
            self._send(message)
            return
        fault = plan.harm(name, self.client_id) if name in plan.watched else None
        held, self._held_out = self._held_out, []
        if fault is None:
            self._send(message)
        elif fault.harm is Harm.DELAY:
            self._door.clock.later(fault.seconds, lambda: self._send(message))
        elif fault.harm is Harm.SWAP:
            self._held_out = [message]
        else:
            OUT[fault.harm](self, message)
        for each in held:
            self._send(each)

    def _send(self, message: ServerMessage) -> None:
        if self.over or self._mute:
            return
        payload = encode_reply(message, self.version)
        self._door.told(self, "out", payload)
        self._write(_LENGTH.pack(len(payload)) + payload)
        self._door.passed(type(message).__name__, self.client_id)

    def _write(self, frame: bytes) -> None:
        """Keep a frame for the end of this turn of the loop, or until the client reads again."""
        self._out.append(frame)
        self._waiting += len(frame)
        if self._waiting > self._door.rules.most_waiting:
            self.abort()
        elif not self._flushing and not self._paused:
            self._flushing = True
            self._later(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        if self._out and not self._paused and self._transport is not None:
            data = b"".join(self._out)
            self._out.clear()
            self._waiting = 0
            self._transport.write(data)

    # -- ends

    def end(self) -> None:
        """Send what has been said and close."""
        if self.over:
            return
        self.over = True
        self._flush()
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once; what has not been sent is lost."""
        self.over = True
        self._out.clear()
        if self._transport is not None:
            self._transport.abort()

    def fall_silent(self) -> None:
        """Neither read nor answer from now on, with the socket open."""
        self._flush()
        self._mute = True
        if self._transport is not None:
            self._transport.pause_reading()

    # -- harm

    def refuse(self, message: ClientMessage, fault: Fault) -> None:
        self.say(ErrorMessage(req_id=req_id_of(message), code=fault.code, text=fault.text))

    def notice(self, message: ClientMessage, fault: Fault) -> None:
        self.refuse(message, fault)
        self._carry_out(message)

    def book_and_end(self, message: ClientMessage) -> None:
        self._flush()
        self._mute = True
        self._carry_out(message)
        self.end()

    def twice(self, message: ClientMessage) -> None:
        self._carry_out(message)
        self._carry_out(message)

    def second_order(self, message: ClientMessage) -> None:
        self._carry_out(message, second_order=isinstance(message, PlaceOrder))

    def send_and_end(self, message: ServerMessage) -> None:
        self._send(message)
        self.end()

    def send_twice(self, message: ServerMessage) -> None:
        self._send(message)
        self._send(message)


IN: dict[Harm, Callable[[Session, ClientMessage, Fault], None]] = {
    Harm.DROP: lambda session, message, fault: None,
    Harm.DUPLICATE: lambda session, message, fault: session.twice(message),
    Harm.CLOSE_BEFORE: lambda session, message, fault: session.end(),
    Harm.CLOSE_AFTER: lambda session, message, fault: session.book_and_end(message),
    Harm.HALF_OPEN: lambda session, message, fault: session.fall_silent(),
    Harm.EMPTY: lambda session, message, fault: session.say(EMPTY[type(message)](message)),
    Harm.REFUSE: lambda session, message, fault: session.refuse(message, fault),
    Harm.NOTICE: lambda session, message, fault: session.notice(message, fault),
    Harm.SECOND_ORDER: lambda session, message, fault: session.second_order(message),
}
"""What is done instead of carrying a request out; delays and swaps apart."""

OUT: dict[Harm, Callable[[Session, ServerMessage], None]] = {
    Harm.DROP: lambda session, message: None,
    Harm.DUPLICATE: lambda session, message: session.send_twice(message),
    Harm.CLOSE_BEFORE: lambda session, message: session.end(),
    Harm.CLOSE_AFTER: lambda session, message: session.send_and_end(message),
    Harm.HALF_OPEN: lambda session, message: session.fall_silent(),
}
"""What is done instead of sending an answer; delays and swaps apart."""
