"""`hedgerow run`, `replay` and `plan`: one engine process on the simulated exchange."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import click

from app.options import json_option, program_option, set_option, settings_option, state_option

if TYPE_CHECKING:
    from app.plan import Planned
    from app.process import EngineProcess, Wanted
    from config.loader import Configuration
    from state.lake import Lake


VENUES = ("simulated", "exchange_process", "ib")
YEARLY_FILES = ("journal.rotate=year",)
"""A replay lives through months in seconds: a file a month would be mostly files."""


class RunError(Exception):
    """A run that cannot begin, or that ended badly."""

    code: ClassVar[str] = "RUN"

    def __init__(self, what: str, next_step: str) -> None:
        super().__init__(what)
        self.next = next_step


class HaltedError(RunError):
    """The engine halted itself."""

    code: ClassVar[str] = "HALTED"


@click.command()
@program_option("paper")
@state_option
@settings_option
@set_option
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Folder of published market data.")
@click.option("--venue", type=click.Choice(VENUES), help="Where to trade (default: what the settings say).")
@click.option("--account", help="The account there, such as DU1234567 at `ib`.")
@click.option("--metrics-port", type=int, default=None, help="Serve Prometheus metrics on this loopback port.")
def run(
    program: str,
    state: Path,
    settings: Path | None,
    overrides: tuple[str, ...],
    data: Path | None,
    venue: str | None,
    account: str | None,
    metrics_port: int | None,
) -> None:
    """Trade at the pace of the clock. On paper unless the configuration says `mode: live`, which asks for a sentence
    in a terminal before an account is traded with real money for the first time.

    Unless another venue is chosen the prices are recorded ones, told at their own pace, and the orders go to the
    simulated exchange. At `ib` they are those of an Interactive Brokers gateway; `exchange_process` is a simulated
    exchange in a process of its own. Stop it with `hedgerow stop`, SIGTERM or Ctrl-C; start it again and it goes on
    where it was.
    """
    from app.live import confirm
    from config.settings import SimulatedVenue

    chosen = [f"venue.{key}={said}" for key, said in (("kind", venue), ("account", account)) if said is not None]
    configuration = _load(program, settings, (*chosen, *overrides))
    confirm(configuration, state)
    if not isinstance(configuration.settings.venue, SimulatedVenue):
        _go_outside(configuration, state, metrics_port)
        return
    first, last = _recorded(configuration, _lake(configuration, data, quiet=False))
    first = _began(state, first)
    click.echo(f"PAPER: {configuration.program.title}; state in {state}; `hedgerow status --state {state}`")
    click.echo(f"prices recorded from {first} on, told at their own pace")
    _go(configuration, state, data, first, last, days_per_second=1 / 86_400, band="PAPER", metrics_port=metrics_port)


@click.command()
@program_option("spine")
@click.option("--from", "first", type=int, default=None, metavar="YYYYMMDD", help="First session that decides.")
@click.option("--to", "last", type=int, default=None, metavar="YYYYMMDD", help="Last one.")
@click.option("--speed", default="max", show_default=True, help="Days of market time a second, or `max`.")
@click.option("--fresh", is_flag=True, help="Throw an earlier replay in the state folder away first.")
@click.option("--report/--no-report", default=True, show_default=True, help="Write report.md and report.png.")
@state_option
@settings_option
@set_option
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Folder of published market data.")
@click.option("--metrics-port", type=int, default=None, help="Serve Prometheus metrics on this loopback port.")
@json_option
def replay(
    program: str,
    first: int | None,
    last: int | None,
    speed: str,
    fresh: bool,
    report: bool,
    state: Path,
    settings: Path | None,
    overrides: tuple[str, ...],
    data: Path | None,
    metrics_port: int | None,
    as_json: bool,
) -> None:
    """Run a program over recorded history through the whole engine on the simulated exchange.

    A replay that was interrupted, by Ctrl-C or by kill -9, goes on where it was when it is started again.
    """
    configuration = _load(program, settings, (*YEARLY_FILES, *overrides))
    span = _span(configuration, first, last)
    if fresh:
        _throw_away(state)
    began = time.perf_counter()
    pace = _days_per_second(speed)
    _go(configuration, state, data, *span, days_per_second=pace, metrics_port=metrics_port, quiet=as_json)
    _summary(configuration, state, time.perf_counter() - began, report, as_json)


@click.command()
@program_option("spine")
@state_option
@settings_option
@set_option
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Folder of published market data.")
@json_option
def plan(
    program: str,
    state: Path,
    settings: Path | None,
    overrides: tuple[str, ...],
    data: Path | None,
    as_json: bool,
) -> None:
    """The orders that the next run would send on the last known prices, with every reason. Nothing is sent."""
    from app.logs import configure
    from app.plan import plan as look
    from app.process import Wanted
    from config.secrets import Secrets

    configuration = _load(program, settings, overrides)
    configure("error", sys.stderr, Secrets(os.environ).scrub)
    lake = _lake(configuration, data, as_json)
    first, last = _recorded(configuration, lake)
    planned = look(
        Wanted(configuration=configuration, state_dir=state, lake=lake, first=_began(state, first), last=last)
    )
    if as_json:
        import msgspec

        click.echo(msgspec.json.encode(planned))
    else:
        _show_plan(planned)


def _began(state: Path, otherwise: int) -> int:
    """Where the replay of a state folder began, which its own program file need not say."""
    from app.identity import FILE

    try:
        return int(json.loads((state / FILE).read_text())["first_session"]) or otherwise
    except FileNotFoundError:
        return otherwise


def _show_plan(planned: Planned) -> None:
    from model.orders import OrderType
    from model.units import px_float, qty_float

    click.echo(f"on the prices of session {planned.session}; the engine's mode is {planned.mode}")
    if planned.risk is not None:
        click.echo(f"risk: regime {planned.risk.regime.value}, scale {planned.risk.scale:.3f}: {planned.risk.why}")
    for order in planned.orders:
        spec, intent = order.spec, order.intent
        limit = f" limit {px_float(spec.limit):g}" if spec.limit or spec.type is OrderType.LIMIT else ""
        click.echo(
            f"  {spec.side.name:<4} {qty_float(spec.quantity):>10,.10g} {spec.instrument:<18} {spec.type.value}{limit}"
            f"  {intent.purpose.value}  {intent.reason}"
        )
    for intent in planned.unpriced:
        click.echo(
            f"  {intent.side.name:<4} {qty_float(intent.quantity):>10,.10g} {intent.instrument:<18} at its quote"
            f"  {intent.purpose.value}  {intent.reason}"
        )
    count = len(planned.orders) + len(planned.unpriced)
    click.echo(f"{count} orders" if count else "no orders")
    for denial in planned.not_sent:
        click.echo(f"  not sent: {denial.instrument} {denial.code}: {denial.text}")


def _load(program: str, settings: Path | None, overrides: tuple[str, ...]) -> Configuration:
    from app.own_sleeves import problems_of
    from config.errors import ConfigError
    from config.loader import load

    configuration = load(program, settings=settings, environment=os.environ, overrides=overrides)
    problems = problems_of(configuration)
    if problems:
        raise ConfigError(problems)
    return configuration


def _span(configuration: Configuration, first: int | None, last: int | None) -> tuple[int, int]:
    from datetime import date

    plan = configuration.program.replay
    if plan is None and (first is None or last is None):
        raise RunError(f"{configuration.program.id} names no sessions to replay", "give --from and --to as yyyymmdd")
    start = first if first is not None else plan.first_session if plan else 0
    end = last if last is not None else plan.last_session if plan else 0
    for name, session in (("--from", start), ("--to", end)):
        try:
            date(session // 10_000, session // 100 % 100, session % 100)
        except ValueError:
            raise RunError(f"{name} {session} is not a date", "write it as yyyymmdd, such as 20060103") from None
    if start > end:
        raise RunError(f"--from {start} is after --to {end}", "exchange the two")
    return start, end


def _recorded(configuration: Configuration, lake: Lake) -> tuple[int, int]:
    """The sessions that `run` tells: the program's own, or the last month that every instrument has."""
    if configuration.program.replay is not None:
        return _span(configuration, None, None)
    last = min(lake.data_set("bars", name).last_session for name in configuration.instruments)
    month = last // 100 - 1 if last // 100 % 100 > 1 else last // 100 - 89
    return month * 100 + 1, last


def _days_per_second(speed: str) -> float | None:
    if speed == "max":
        return None
    try:
        days = float(speed)
    except ValueError:
        days = 0.0
    if not 0 < days < float("inf"):
        raise RunError(f"--speed {speed} is no pace", "give days of market time a second, such as 20, or max")
    return days


def _throw_away(state: Path) -> None:
    from app.identity import FILE

    if not state.exists():
        return
    if not (state / FILE).is_file():
        raise RunError(f"{state} is not an engine's state folder", "name the folder of a replay with --state")
    if json.loads((state / FILE).read_text()).get("first_session", 0) == 0:
        raise RunError(f"{state} keeps the books of a running program, not of a replay", "name another folder")
    shutil.rmtree(state)


def _go(
    configuration: Configuration,
    state: Path,
    data: Path | None,
    first: int,
    last: int,
    *,
    days_per_second: float | None,
    band: str = "REPLAY",
    metrics_port: int | None = None,
    quiet: bool = False,
) -> None:
    """Open the data, build the engine and run it to its end. Raises HaltedError when it halted itself."""
    from app.logs import configure
    from app.process import Wanted
    from app.progress import progress
    from config.secrets import Secrets

    settings = configuration.settings
    level = settings.logging.level
    if metrics_port is None and settings.metrics.enabled:
        metrics_port = settings.metrics.port
    configure(level, sys.stderr, Secrets(os.environ).scrub)
    lake = _lake(configuration, data, quiet)
    with nullcontext(None) if quiet or not sys.stderr.isatty() else progress(first, last) as on_row:
        wanted = Wanted(
            configuration=configuration,
            state_dir=state,
            lake=lake,
            first=first,
            last=last,
            days_per_second=days_per_second,
            band=band,
            metrics_port=metrics_port,
            log_level=level,
            at_live_pace=band == "PAPER",
            auto_trade=settings.engine.auto_trade or band == "REPLAY",
            on_row=on_row,
        )
        _to_the_end(wanted)


def _go_outside(configuration: Configuration, state: Path, metrics_port: int | None) -> None:
    """Trade on a venue outside of this process, on the real clock."""
    from app.logs import configure
    from config.secrets import Secrets
    from config.settings import IBVenue

    configure(configuration.settings.logging.level, sys.stderr, Secrets(os.environ).scrub)
    venue = configuration.settings.venue
    process: EngineProcess
    if isinstance(venue, IBVenue):
        from app.broker import broker

        process = broker(configuration, state, metrics_port)
        where = f"account {venue.account} by the gateway at {venue.host}:{venue.port}"
    else:
        from app.outside import outside

        process = outside(configuration, state, metrics_port)
        where = f"on the exchange at {process.address}"
    click.echo(f"{process.wanted.band}: {configuration.program.title}; {where}; state in {state}")
    _ended(process)


def _lake(configuration: Configuration, data: Path | None, quiet: bool) -> Lake:
    from app.lake import open_lake

    return open_lake(configuration, data, (lambda text: None) if quiet else click.echo)


def _to_the_end(wanted: Wanted) -> None:
    from app.process import EngineProcess

    _ended(EngineProcess(wanted))


def _ended(process: EngineProcess) -> None:
    """Run an engine to its end. Raises HaltedError when it halted itself."""
    from engine.errors import EngineError
    from engine.host import run_live

    wanted = process.wanted
    state = wanted.state_dir
    advice = f"read `hedgerow journal show --kind ModeEntered --state {state}`, then start it and `hedgerow resume`"
    try:
        if wanted.band == "REPLAY" and wanted.days_per_second is None:
            asyncio.run(process.run())
        else:
            run_live(process.run())
    except EngineError as error:
        if not process.started:
            raise
        raise HaltedError(f"the engine stopped itself: {error}", advice) from error
    if process.halted:
        raise HaltedError(f"the engine halted: {process.halted}", advice)
    if process.crashed and wanted.band == "REPLAY":
        times, fallen = len(process.crashed), ", ".join(sorted(set(process.crashed)))
        raise RunError(
            f"actors crashed and were built again, {times} times in all ({fallen}): what they were told then is lost",
            "read the log for the tracebacks; the figures of this replay are not to be believed",
        )


def _summary(configuration: Configuration, state: Path, seconds: float, report: bool, as_json: bool) -> None:
    from app.reports import summary, write

    found = summary(configuration, state)
    found["seconds"] = round(seconds, 2)
    if report:
        page, chart = write(configuration, state)
        found["report"], found["chart"] = str(page), str(chart)
    if as_json:
        click.echo(json.dumps(found))
        return
    for name, value in found.items():
        click.echo(f"{name:>16}  {value:,}" if isinstance(value, (int, float)) else f"{name:>16}  {value}")
