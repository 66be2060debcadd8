"""Words to a running engine: halt, reduce-only, resume, stop. Each waits until the engine has obeyed."""

from __future__ import annotations

import getpass
import json
import time
from pathlib import Path
from typing import Any

import click

from app.options import json_option, state_option
from ports.control import ControlError, NotRunningError, request

OBEY_WITHIN_S = 10.0


def _say(state: Path, verb: str, reason: str, wanted: tuple[str, ...], as_json: bool) -> None:
    request(state, verb, reason=reason, by=getpass.getuser())
    deadline = time.monotonic() + OBEY_WITHIN_S
    status: dict[str, Any] = {}
    while not status or time.monotonic() < deadline:
        status = request(state, "status")["status"]
        if status["mode"] in wanted:
            click.echo(json.dumps(status) if as_json else f"{status['mode']}: {status['mode_reason']}")
            return
        time.sleep(0.05)
    raise ControlError(f"the engine took the command but is still {status['mode']} ({status['mode_reason']})")


@click.command()
@click.option("--reason", default="operator", show_default=True, help="Kept in the journal.")
@state_option
@json_option
def halt(reason: str, state: Path, as_json: bool) -> None:
    """Stop trading now: nothing new is placed and working orders are cancelled. Only `resume` ends it."""
    _say(state, "halt", reason, ("HALTED", "SAFE_STOP"), as_json)


@click.command("reduce-only")
@click.option("--reason", default="operator", show_default=True, help="Kept in the journal.")
@state_option
@json_option
def reduce_only(reason: str, state: Path, as_json: bool) -> None:
    """Allow only orders that bring positions nearer to zero."""
    _say(state, "reduce_only", reason, ("REDUCE_ONLY", "HALTED", "SAFE_STOP"), as_json)


@click.command()
@click.option("--reason", required=True, help="Why it is safe to trade again; kept in the journal.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@state_option
@json_option
def resume(reason: str, yes: bool, state: Path, as_json: bool) -> None:
    """Trade again after a halt, reduce-only, or a start that only observes."""
    status = request(state, "status")["status"]
    if not yes:
        click.confirm(f"The engine is {status['mode']} ({status['mode_reason']}). Trade again?", abort=True)
    _say(state, "resume", reason, ("TRADING",), as_json)


@click.command()
@click.argument("instrument")
@click.option("--reason", required=True, help="What was found and mended; kept in the journal.")
@state_option
def release(instrument: str, reason: str, state: Path) -> None:
    """Unlock INSTRUMENT after a person has looked at it. `hedgerow status` lists the locked ones.

    The next comparison with the venue locks it again when the difference is still there.
    """
    locks = request(state, "status")["status"]["locks"]
    if instrument not in locks:
        raise ControlError(f"{instrument} is not locked; locked are: {', '.join(locks) or 'none'}")
    request(state, "release", instrument=instrument, reason=reason, by=getpass.getuser())
    deadline = time.monotonic() + OBEY_WITHIN_S
    while time.monotonic() < deadline:
        if instrument not in request(state, "status")["status"]["locks"]:
            click.echo(f"{instrument} released")
            return
        time.sleep(0.05)
    raise ControlError(f"the engine took the command but {instrument} is still locked")


@click.command()
@click.argument("order")
@click.option("--reason", required=True, help="Who was asked at the venue, and what they said; kept in the journal.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@state_option
def absent(order: str, reason: str, yes: bool, state: Path) -> None:
    """Say that the venue never had ORDER, of which the engine cannot find out. It is given up, and never sent again.

    Only an order that is UNKNOWN can be answered for. Look at the venue's own screen first: should the order be there
    after all, the engine takes it back with an alarm when the venue next shows it.
    """
    _in_doubt(state, order)
    if not yes:
        click.confirm(f"The venue was asked and has nothing of {order}, open or filled?", abort=True)
    request(state, "absent", order=order, reason=reason, by=getpass.getuser())
    deadline = time.monotonic() + OBEY_WITHIN_S
    while time.monotonic() < deadline:
        if all(each["id"] != order for each in request(state, "status")["status"]["working"]):
            click.echo(f"{order} is given up")
            return
        time.sleep(0.05)
    raise ControlError(f"the engine took the command but still counts {order}")


def _in_doubt(state: Path, order: str) -> None:
    working = request(state, "status")["status"]["working"]
    if order not in (each["id"] for each in working if each["state"] == "UNKNOWN"):
        doubts = ", ".join(each["id"] for each in working if each["state"] == "UNKNOWN") or "none"
        raise ControlError(f"{order} is not in doubt; in doubt are: {doubts}")


@click.command()
@click.option("--reason", default="operator", show_default=True, help="Kept in the journal.")
@click.option("--wait", "wait_s", default=60.0, show_default=True, help="Seconds to wait for a clean stop.")
@state_option
def stop(reason: str, wait_s: float, state: Path) -> None:
    """Stop the engine cleanly: orders by policy, a last reconciliation, the journal sealed."""
    request(state, "stop", reason=reason)
    deadline = time.monotonic() + wait_s
    while time.monotonic() < deadline:
        try:
            request(state, "status", timeout_s=2.0)
        except NotRunningError:
            click.echo("stopped")
            return
        except ControlError:
            continue  # the socket may close between two questions
        time.sleep(0.1)
    raise ControlError(f"the engine has not stopped after {wait_s:g} s")
