"""Every frame of a gateway as lines of JSON, and the same day again from them.

The first line says what the gateway was made of. Each other one says what happened, and what the two clocks read then:
that it was `made`, `open`, `in`, `out`, `pause`, `resume` and `closed` of a session, `ring` of a timer, `do` of the
control. A gateway that is made of the same and told all but `out` says what is in `out`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

import msgspec

from simulation.tws.clock import ToldClock
from simulation.tws.codec import fields_of
from simulation.tws.control import Control
from simulation.tws.gateway import Gateway
from simulation.tws.session import Session

FORM = 1


class FrameLogError(ValueError):
    """A log cannot be read or written; the text says where and why, in one sentence."""

    code = "GATEWAY_LOG"
    next = "docs/gateway.md says how a log is made"


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line. session: its number; client: its id once it has one; number: of a timer; verb, args: of the control."""

    what: str
    market: int
    seconds: float
    session: int = 0
    client: int | None = None
    fields: list[str] = []
    number: int = 0
    verb: str = ""
    args: dict[str, Any] = {}


class FrameLog:
    """Writes what happens at a gateway to a file, a line at a time."""

    def __init__(self, path: Path, gateway: Gateway, control: Control, made_of: dict[str, Any]) -> None:
        """made_of: what it takes to make the same gateway again. Raises FrameLogError."""
        try:
            self._file: TextIO = path.open("w", encoding="utf-8", buffering=1)
        except OSError as error:
            raise FrameLogError(f"{path} cannot be written: {error.strerror}") from None
        self._clock = gateway.clock
        self._encode = msgspec.json.Encoder(enc_hook=str).encode
        self._write({"form": FORM, "made_of": made_of})
        self._entry("made")
        gateway.logged = self._frame
        gateway.clock.rang = lambda number: self._entry("ring", number=number)
        control.logged = lambda verb, args: self._entry("do", verb=verb, args=msgspec.to_builtins(args, enc_hook=str))

    def close(self) -> None:
        self._file.close()

    def _frame(self, session: Session, what: str, payload: bytes) -> None:
        fields = fields_of(payload) if payload else []
        self._entry(what, session=session.number, client=session.client_id, fields=fields)

    def _entry(self, what: str, **more: Any) -> None:
        self._write(Entry(what=what, market=self._clock.market_ns(), seconds=self._clock.seconds(), **more))

    def _write(self, line: object) -> None:
        if not self._file.closed:
            self._file.write(self._encode(line).decode() + "\n")


def made_of(path: Path) -> dict[str, Any]:
    """The first line of a log. Raises FrameLogError."""
    try:
        with path.open(encoding="utf-8") as file:
            head = msgspec.json.decode(file.readline())
    except OSError as error:
        raise FrameLogError(f"{path} cannot be read: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        head = None
    if not isinstance(head, dict) or head.get("form") != FORM or not isinstance(head.get("made_of"), dict):
        raise FrameLogError(f"{path} is no log of a gateway of this version")
    found: dict[str, Any] = head["made_of"]
    return found


def entries(path: Path) -> Iterator[tuple[int, Entry]]:
    """Line numbers and lines after the first. A last line that was cut off is left out. Raises FrameLogError."""
    decode = msgspec.json.Decoder(Entry).decode
    with path.open(encoding="utf-8", errors="backslashreplace") as file:
        for number, line in enumerate(file, 1):
            if number == 1:
                continue
            try:
                yield number, decode(line)
            except msgspec.DecodeError as error:
                if not line.endswith("\n"):
                    return
                raise FrameLogError(f"{path}, line {number}: {error}") from None


class Replayed(msgspec.Struct, frozen=True):
    """How a replay went: frames that clients sent, frames that came out the same, and the first difference, if any."""

    heard: int
    same: int
    difference: str = ""


class Replay:
    """Tells a gateway what a log says, and compares what it says.

    make: the same gateway again, on the clock it is given.  Raises FrameLogError for a log that cannot be followed.
    """

    def __init__(self, path: Path, make: Callable[[ToldClock], Gateway]) -> None:
        self._path = path
        self._clock = ToldClock()
        self._lines = list(entries(path))
        if self._lines:
            first = self._lines[0][1]
            self._clock.tell(first.market, first.seconds)
        self._gateway = make(self._clock)
        self._control = Control(self._gateway)
        self._sessions: dict[int, Session] = {}
        self._said: deque[tuple[int, list[str]]] = deque()
        self._gateway.logged = self._frame
        self._heard = self._same = 0

    def run(self) -> Replayed:
        """Must be called where an event loop runs."""
        for number, entry in self._lines:
            if entry.what == "made":
                continue
            if entry.what == "out":
                wrong = self._compare(entry)
            else:
                wrong = "it says more than it did then" if self._said else ""
                if not wrong:
                    self._happen(number, entry)
            if wrong:
                return Replayed(self._heard, self._same, f"line {number}: {wrong}")
        return Replayed(self._heard, self._same)

    def _compare(self, entry: Entry) -> str:
        if not self._said:
            return f"it says nothing where it said {entry.fields[:4]}"
        session, fields = self._said.popleft()
        if (session, fields) != (entry.session, entry.fields):
            return f"it says {fields[:6]} to session {session}, and said {entry.fields[:6]} to {entry.session}"
        self._same += 1
        return ""

    def _happen(self, number: int, entry: Entry) -> None:
        self._clock.tell(entry.market, entry.seconds)
        try:
            if entry.what == "ring":
                self._clock.ring(entry.number)
            elif entry.what == "do":
                with self._control.within():
                    self._control.do(entry.verb, entry.args)
            elif entry.what == "open":
                self._open(entry.session)
            else:
                self._tell(self._sessions[entry.session], entry)
        except LookupError:
            raise FrameLogError(f"{self._path}, line {number}: what it says of {entry.what} never began") from None

    def _open(self, number: int) -> None:
        session = self._sessions[number] = self._gateway.protocol()
        session.connection_made(Nowhere())

    def _tell(self, session: Session, entry: Entry) -> None:
        if entry.what == "in":
            self._heard += 1
            session.take(("\0".join(entry.fields) + "\0").encode())
        elif entry.what == "pause":
            session.pause_writing()
        elif entry.what == "resume":
            session.resume_writing()
        elif entry.what == "closed":
            session.connection_lost(None)

    def _frame(self, session: Session, what: str, payload: bytes) -> None:
        if what == "out":
            self._said.append((session.number, fields_of(payload)))


class Nowhere(asyncio.Transport):
    """A socket that leads nowhere."""

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing is ever kept."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """It was compared before."""

    def pause_reading(self) -> None:
        """The log says what is read."""

    def resume_reading(self) -> None:
        """The log says what is read."""

    def close(self) -> None:
        """The log says when it ends."""

    def abort(self) -> None:
        """The log says when it ends."""
