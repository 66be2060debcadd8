"""The operator's side of the control port."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any, ClassVar

ADDRESS_FILE = "control.json"


class ControlError(Exception):
    """The engine refused a command or could not be understood."""

    code: ClassVar[str] = "CONTROL"
    next: ClassVar[str] = "read `hedgerow status`, then try again"


class NotRunningError(ControlError):
    """No engine runs on this state folder."""

    code = "NOT_RUNNING"
    next = "start one with `hedgerow run`, or name the right folder with --state"


def request(state_dir: Path, verb: str, timeout_s: float = 5.0, **arguments: Any) -> dict[str, Any]:
    """Send one command to the engine of a state folder and return its answer.

    Raises NotRunningError when nobody listens, ControlError when the engine refuses.
    """
    try:
        address = json.loads((state_dir / ADDRESS_FILE).read_text())
        port, token = _port(address["port"]), str(address["token"])
    except FileNotFoundError:
        raise NotRunningError(f"no engine runs on {state_dir}") from None
    except OSError as error:
        raise ControlError(f"{state_dir / ADDRESS_FILE} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ControlError(f"{state_dir / ADDRESS_FILE} is not an address file: {error}") from None
    line = json.dumps({"token": token, "verb": verb, **arguments}) + "\n"
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=timeout_s) as connection:
            connection.sendall(line.encode())
            answer = connection.makefile("rb").readline()
    except ConnectionRefusedError:
        raise NotRunningError(f"no engine runs on {state_dir}; the last one did not stop cleanly") from None
    except OSError as error:
        raise ControlError(f"the engine on {state_dir} did not answer within {timeout_s:g} s: {error}") from None
    if not answer:
        raise ControlError(f"the engine on {state_dir} closed the connection without an answer")
    reply = _reply(answer)
    if not reply.get("ok"):
        raise ControlError(str(reply.get("error", "the engine refused without a reason")))
    return reply


def _port(value: Any) -> int:
    port = int(value)
    if not 0 < port < 65_536:
        raise ValueError(f"{port} is no port")
    return port


def _reply(answer: bytes) -> dict[str, Any]:
    try:
        reply = json.loads(answer)
    except (ValueError, RecursionError):
        reply = None
    if not isinstance(reply, dict):
        raise ControlError("what answered is no engine's answer: another program has its port, or it was cut short")
    return reply
