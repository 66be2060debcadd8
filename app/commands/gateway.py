"""`hedgerow gateway`: a simulated TWS gateway that any client of that protocol can talk to."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ipaddress
import os
import secrets
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.options import set_option, settings_option

if TYPE_CHECKING:
    from simulation.tws.clock import Clock, LoopClock
    from simulation.tws.control import Control
    from simulation.tws.gateway import Gateway
    from state.lake import Lake

NOTE = "Not affiliated with Interactive Brokers; nothing here reaches a broker, and no money is real."
TOKEN_VARIABLE = "HEDGEROW_GATEWAY_TOKEN"
DAYS_BEFORE_THE_END = 30
FORMS = ("%Y%m%d", "%Y%m%d %H:%M", "%Y%m%d %H:%M:%S")


@click.group(invoke_without_command=True)
@click.option("--port", default=4002, show_default=True, type=click.IntRange(0, 65535), help="0: any that is free.")
@click.option("--data", type=click.Path(path_type=Path), help="The lake (default: data.lake_dir).")
@click.option("--options", type=click.Path(path_type=Path), help="Folder of recorded option chains.")
@click.option("--pace", default=1.0, show_default=True, help="How many seconds of the market pass in one of yours.")
@click.option(
    "--from", "begins", metavar="'YYYYMMDD HH:MM'", help="Where the market begins, UTC (default: near the end)."
)
@click.option("--faults", type=click.Path(path_type=Path), help="A plan of faults; docs/gateway.md has the format.")
@click.option("--account", "accounts", multiple=True, help="A paper account, as DU1000001 (may be repeated).")
@click.option("--cash", default="1000000", show_default=True, help="Opening balance of each account.")
@click.option("--currency", default="USD", show_default=True, help="Base currency of the accounts.")
@click.option("--seed", default=0, show_default=True, help="Of all simulated prices.")
@click.option(
    "--steps", default=120, show_default=True, type=click.IntRange(4), help="Simulated prices to a recorded bar."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--let-others-in", is_flag=True, help="Listen also where other machines can reach it. There is no login.")
@click.option("--control-port", type=click.IntRange(0, 65535), help="Take commands there; 0: any that is free.")
@click.option("--state", type=click.Path(path_type=Path, file_okay=False), help="Keep accounts and orders there.")
@click.option(
    "--clock", type=click.Path(path_type=Path, dir_okay=False), help="Say the market's time there, for a rehearsal."
)
@click.option("--log", "log", type=click.Path(path_type=Path, dir_okay=False), help="Write every frame there.")
@settings_option
@set_option
@click.pass_context
def gateway(context: click.Context, /, **asked: Any) -> None:
    """Run a simulated TWS gateway over recorded prices: point any TWS client at it.

    Not affiliated with Interactive Brokers. It never connects anywhere, and what it trades is not real.
    """
    if context.invoked_subcommand is None:
        made_of = _checked(asked)
        asyncio.run(_serve(asked, made_of))


@gateway.command()
@click.argument("log", type=click.Path(path_type=Path, dir_okay=False))
def replay(log: Path) -> None:
    """Make the day in LOG happen again and compare every frame. Status 1 when one differs."""
    from simulation.tws.beginning import beginning
    from simulation.tws.framelog import Replay, made_of

    told = made_of(log)

    async def again() -> Any:
        return Replay(log, lambda clock: _make(told, clock)[0]).run()

    with beginning(log) if told.get("state") else contextlib.nullcontext("") as state:
        told["state"] = str(state)
        found = asyncio.run(again())
    click.echo(f"{found.heard} frames heard, {found.same} said again as they were")
    if found.difference:
        click.echo(f"{log}, {found.difference}")
        context = click.get_current_context()
        context.exit(1)


def _checked(asked: dict[str, Any]) -> dict[str, Any]:
    """What the gateway is made of, in plain values. Raises UsageError with one sentence for whatever is wrong."""
    from config.loader import load_settings
    from simulation.tws.plan import read_plan

    settings = load_settings(asked["settings"], os.environ, asked["overrides"])
    if not _is_loopback(asked["host"]) and not asked["let_others_in"]:
        raise click.UsageError(
            f"--host {asked['host']} lets other machines in, and the protocol has no login; say --let-others-in as well"
        )
    if not 0 < asked["pace"] <= 1_000_000:
        raise click.UsageError(f"--pace {asked['pace']:g} is no pace; give a number above 0, such as 60")
    accounts = list(asked["accounts"]) or ["DU1000001"]
    wrong = [name for name in accounts if not (name.startswith("D") and name.isalnum() and len(name) <= 16)]
    if wrong:
        raise click.UsageError(f"--account {wrong[0]!r} is no paper account: those begin with D, as DU1000001")
    if asked["faults"] is not None:
        read_plan(asked["faults"])
    data = asked["data"] or Path(settings.data.lake_dir)
    if asked["data"] is not None and not (data / "manifest.json").is_file():
        raise click.UsageError(f"--data {data} is no lake; make one with `hedgerow data import FOLDER --to {data}`")
    if asked["options"] is not None and not asked["options"].is_dir():
        raise click.UsageError(f"--options {asked['options']} is no folder")
    return {
        "data": str(data.resolve()),
        "options": str(asked["options"].resolve()) if asked["options"] else "",
        "begins": _begins(asked["begins"], data),
        "state": str(asked["state"].resolve()) if asked["state"] else "",
        "pace": asked["pace"],
        "faults": asked["faults"].read_text(encoding="utf-8") if asked["faults"] else "",
        "accounts": accounts,
        "cash": _amount(asked["cash"]),
        "currency": asked["currency"],
        "seed": asked["seed"],
        "steps": asked["steps"],
        "instruments": list(settings.instruments),
        "cache": settings.data.cache_dir,
    }


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _amount(text: str) -> str:
    from decimal import Decimal, InvalidOperation

    try:
        amount = Decimal(text.replace("_", ""))
    except InvalidOperation:
        raise click.UsageError(f"--cash {text!r} is no amount; give one such as 1000000") from None
    if not amount.is_finite() or amount < 0 or amount > 10**12:
        raise click.UsageError(f"--cash {text} cannot be had; give an amount from 0 to 1000000000000")
    return str(amount)


def _begins(said: str | None, data: Path) -> int:
    """Nanoseconds. What is not said is noon some days before the record ends."""
    for form in FORMS if said is not None else ():
        try:
            at = dt.datetime.strptime(str(said).strip(), form).replace(tzinfo=dt.UTC)
        except ValueError:
            continue
        return int(at.timestamp()) * 10**9
    if said is not None:
        raise click.UsageError(f"--from {said!r} is no moment; give one such as '20190612 14:00', in UTC")
    lake = _open(data)
    last = str(max(one.last_session for one in lake.manifest.sets.values()))
    noon = dt.datetime.strptime(last, "%Y%m%d").replace(hour=12, tzinfo=dt.UTC)
    return int((noon - dt.timedelta(days=DAYS_BEFORE_THE_END)).timestamp()) * 10**9


def _open(data: Path) -> Lake:
    """The lake; where there is none, the one that installed packages have prices for. Raises LakeError."""
    from state.lake import Lake
    from state.lake.demo import build_demo

    if not (data / "manifest.json").is_file():
        click.echo(f"making a lake of the series in installed packages: {data}")
        return build_demo(data)
    return Lake(data)


def _make(made_of: dict[str, Any], clock: Clock) -> tuple[Gateway, Control]:
    """The gateway that a log or a command line describes, and its control. Raises what its files are refused with."""
    from app.sessions import calendars
    from config.loader import load_instruments
    from simulation.tws.control import Control
    from simulation.tws.faults import FaultPlan
    from simulation.tws.gateway import Gateway
    from simulation.tws.plan import Director, plan_of
    from simulation.tws.world import Founding, found

    plan = plan_of(made_of["faults"])
    founding = Founding(
        accounts={name: {made_of["currency"]: made_of["cash"]} for name in made_of["accounts"]},
        base_currency=made_of["currency"],
        seed=made_of["seed"],
        steps=made_of["steps"],
        gateway=plan.gateway,
        broker=plan.broker,
        permissions=plan.permissions,
    )
    options = Path(made_of["options"]) if made_of["options"] else None
    sessions = calendars(Path(made_of["cache"])).sessions
    instruments = load_instruments(made_of["instruments"])
    lake = _open(Path(made_of["data"]))
    state = Path(made_of["state"]) if made_of["state"] else None
    house = found(founding, clock, instruments, sessions, lake, options, plan.told(), state)
    made = Gateway(house, FaultPlan(plan.faults))
    control = Control(made)
    Director(control, plan.events, plan.broker.zone)
    return made, control


async def _serve(asked: dict[str, Any], made_of: dict[str, Any]) -> None:
    """Listen until a signal comes."""
    from simulation.tws.beginning import keep_beginning
    from simulation.tws.clock import LoopClock
    from simulation.tws.framelog import FrameLog
    from simulation.tws.world import resumed_ns

    loop = asyncio.get_running_loop()
    if asked["state"] is not None:
        asked["state"].mkdir(parents=True, exist_ok=True)
        made_of["begins"] = max(made_of["begins"], resumed_ns(asked["state"]))
        if asked["log"] is not None:
            keep_beginning(asked["state"], asked["log"])
    clock = LoopClock(loop, made_of["begins"], made_of["pace"])
    since = _since(asked, made_of, clock)
    made, control = _make(made_of, clock)
    log = FrameLog(asked["log"], made, control, made_of) if asked["log"] is not None else None
    try:
        port = await made.listen(asked["host"], asked["port"])
    except OSError as error:
        raise click.UsageError(
            f"port {asked['port']} of {asked['host']} cannot be had: {error.strerror or error}; give another --port"
        ) from None
    at = dt.datetime.fromtimestamp(made_of["begins"] // 10**9, dt.UTC)
    click.echo(f"A simulated TWS gateway listens on {asked['host']}:{port}. {NOTE}")
    click.echo(f"Accounts {', '.join(made_of['accounts'])}; the market begins at {at:%Y-%m-%d %H:%M} UTC.")
    if asked["control_port"] is not None:
        await _take_commands(control, asked["control_port"])
    stopped = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stopped.set)
    with _said(asked["clock"], made_of["pace"], since):
        await stopped.wait()
        await made.close()
    if log is not None:
        log.close()


def _since(asked: dict[str, Any], made_of: dict[str, Any], clock: LoopClock) -> tuple[int, int]:
    """(market_ns, monotonic_ns) from which time is counted; asyncio's own loops tell the monotonic clock's.

    A gateway that was killed left its own behind, and engines still live by it: from the same state its market goes on
    as if it had never stopped. Raises UsageError for another pace than it had.
    """
    from ports.ib.errors import NoMarketClock
    from ports.ib.market_clock import left_behind
    from simulation.tws.world import resumed_ns

    ours = made_of["begins"], round(clock.began_s * 10**9)
    if asked["clock"] is None or asked["state"] is None or not resumed_ns(asked["state"]):
        return ours
    try:
        left = left_behind(asked["clock"])
    except NoMarketClock as error:
        raise click.UsageError(f"--clock: {error}; {error.next}") from None
    if left is None or left.at(ours[1]) < made_of["begins"]:
        return ours
    if left.pace != made_of["pace"]:
        raise click.UsageError(
            f"--pace {made_of['pace']:g}: the time in {asked['clock']} goes {left.pace:g} times as fast, and an engine"
            f" may live by it; give --pace {left.pace:g}, or remove the file"
        )
    clock.catch_up(left.market_ns, left.monotonic_ns)
    return left.market_ns, left.monotonic_ns


@contextlib.contextmanager
def _said(place: Path | None, pace: float, since: tuple[int, int]) -> Iterator[None]:
    """Say the market's time in a file while the gateway runs."""
    from ports.ib.errors import NoMarketClock
    from ports.ib.market_clock import say_time, unsay_time

    if place is None:
        yield
        return
    try:
        say_time(place, *since, pace)
    except NoMarketClock as error:
        raise click.UsageError(f"--clock: {error}; {error.next}") from None
    click.echo(f"The market's time is told in {place}.")
    try:
        yield
    finally:
        unsay_time(place)


async def _take_commands(control: Control, port: int) -> None:
    from simulation.tws.control_port import ControlPort

    token = os.environ.get(TOKEN_VARIABLE) or secrets.token_urlsafe(24)
    try:
        found = await ControlPort(control, token).listen(port)
    except OSError as error:
        raise click.UsageError(f"control port {port} cannot be had: {error.strerror or error}; give another") from None
    said = f"the token in {TOKEN_VARIABLE}" if os.environ.get(TOKEN_VARIABLE) else f"token {token}"
    click.echo(f"Commands are taken on 127.0.0.1:{found} with {said}.")
