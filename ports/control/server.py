"""The engine's side of the control port: JSON lines on a loopback socket, guarded by a token only its user can read."""

from __future__ import annotations

import asyncio
import hmac
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.message import Message, Told
from engine.ports import Outside
from model.decisions import Halt, ReduceOnly, Resume
from model.execution import AdjustBooks, DeclareAbsent, ReleaseInstrument
from model.units import cash, px, qty
from ports.control.client import ADDRESS_FILE

LINE_LIMIT = 8_192
IDLE_LIMIT_S = 10.0


class ControlPort:
    """Takes the words of an operator, `status`, `halt`, `release` and so on, from the machine's own user.

    They travel as messages to the actors that obey them; nothing is decided here.
    """

    name = "control"
    idle = True

    def __init__(self, state_dir: Path, status: Callable[[], dict[str, Any]], stop: Callable[[str], None]) -> None:
        self._file = state_dir / ADDRESS_FILE
        self._status = status
        self._stop = stop
        self._token = secrets.token_hex(16)

    def deliver(self, message: Message, cause: int) -> Told:
        """Nothing inside the engine speaks to the operator through this port."""
        return Told.OK

    async def run(self, outside: Outside) -> None:
        talking: set[asyncio.StreamWriter] = set()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            talking.add(writer)
            try:
                line = await asyncio.wait_for(reader.readline(), IDLE_LIMIT_S)
                writer.write((json.dumps(self._answer(line, outside)) + "\n").encode())
                await writer.drain()
            except (TimeoutError, ValueError, ConnectionError):
                return  # a caller that hangs up or floods gets nothing
            finally:
                talking.discard(writer)
                writer.close()

        server = await asyncio.start_server(talk, "127.0.0.1", 0, limit=LINE_LIMIT)
        try:
            self._publish(server.sockets[0].getsockname()[1])  # whoever finds the address is answered
            await asyncio.Event().wait()
        finally:
            self._file.unlink(missing_ok=True)
            server.close()
            for writer in list(talking):
                writer.close()  # a stop does not wait for whoever is talking

    def _publish(self, port: int) -> None:
        draft = self._file.with_suffix(".new")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump({"port": port, "token": self._token, "pid": os.getpid()}, file)
        draft.replace(self._file)

    def _answer(self, line: bytes, outside: Outside) -> dict[str, Any]:
        try:
            command = json.loads(line)
        except (ValueError, RecursionError):
            return _refused("the command is not JSON")
        if not isinstance(command, dict) or not isinstance(command.get("token"), str):
            return _refused("the command carries no token")
        if not hmac.compare_digest(_text(command["token"]).encode(), self._token.encode()):
            return _refused("the token is wrong")
        reason, by = _text(command.get("reason", "")), _text(command.get("by", "operator"))
        match command.get("verb"):
            case "status":
                return {"ok": True, "status": self._status()}
            case "halt":
                return _told(outside.tell("system", Halt(reason, by)))
            case "reduce_only":
                return _told(outside.tell("system", ReduceOnly(reason, by)))
            case "resume":
                return _told(outside.tell("system", Resume(reason, by)))
            case "release" if command.get("instrument"):
                return _told(outside.tell("system", ReleaseInstrument(_text(command["instrument"]), reason, by)))
            case "absent" if command.get("order"):
                return _told(outside.tell("orders", DeclareAbsent(_text(command["order"]), reason, by)))
            case "adjust" if command.get("id"):
                return _adjusted(command, reason, by, outside)
            case "stop":
                self._stop(reason or "asked by an operator")
                return {"ok": True}
            case verb:
                known = (
                    "status, halt, reduce_only, resume and stop, release with an instrument, absent with an order, "
                    "adjust with an id"
                )
                return _refused(f"{verb!r} is not a command; there are {known}")


def _adjusted(command: dict[str, Any], reason: str, by: str, outside: Outside) -> dict[str, Any]:
    """Numbers come as decimal texts; what they mean for the books is the portfolio's to judge."""

    def given(name: str) -> str:
        return _text(command.get(name, ""))

    try:
        word = AdjustBooks(
            given("id"), reason, by, given("currency"), cash(given("amount") or "0"), given("instrument"),
            qty(given("quantity") or "0"), px(given("price") or "0"), given("sleeve"),
        )  # fmt: skip
    except ValueError as error:
        return _refused(str(error))
    return _told(outside.tell("portfolio", word))


def _text(value: Any) -> str:
    """What can be written as UTF-8: a shell may pass bytes that are no text, and a journal could not keep them."""
    return str(value).encode(errors="replace").decode()


def _refused(error: str) -> dict[str, Any]:
    return {"ok": False, "error": error}


def _told(answer: Told) -> dict[str, Any]:
    return {"ok": True} if answer is not Told.FULL else _refused("the engine's control lane is full; it is stopping")
