"""Questions to a state folder, running or not: status, orders, positions, explain, report."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.options import json_option, program_option, set_option, settings_option, state_option

if TYPE_CHECKING:
    from app.board import Board
    from state.ledger import OrderLine

NOT_RUNNING = 3
UNHEALTHY = ("HALTED", "SAFE_STOP")


@click.command()
@click.option("--health", is_flag=True, help="Say nothing; status 0 only when an engine runs and is not halted.")
@state_option
@json_option
def status(health: bool, state: Path, as_json: bool) -> None:
    """Mode, books, positions and orders at work. Status 3 when no engine runs; what was last known is shown then."""
    from ports.control import NotRunningError, request

    try:
        shown: dict[str, Any] = {"running": True, **request(state, "status")["status"]}
    except NotRunningError:
        if health:
            sys.exit(1)
        shown = {"running": False, **_board(state).status()}
    if health:
        sys.exit(1 if shown["mode"] in UNHEALTHY else 0)
    if as_json:
        click.echo(json.dumps(shown))
    else:
        _show_status(shown)
    if not shown["running"]:
        sys.exit(NOT_RUNNING)


@click.command()
@click.option("--open", "open_only", is_flag=True, help="Only orders that may still trade.")
@click.option("--run", "run_id", default="", help="Only orders of this run.")
@click.option("--last", default=40, show_default=True, help="How many of the newest to show; 0 for all.")
@state_option
@json_option
def orders(open_only: bool, run_id: str, last: int, state: Path, as_json: bool) -> None:
    """Orders, the newest last: what was sent, in which state it is, what it filled at."""
    import msgspec

    from state.ledger import Ledger

    with Ledger(_journal(state), _events()) as ledger:
        ledger.catch_up()
        lines = ledger.orders(run_id=run_id, open_only=open_only)
    lines = lines[-last:] if last else lines
    if as_json:
        click.echo(msgspec.json.encode(lines))
    elif not lines:
        click.echo("no such orders")
    else:
        _show_orders(lines)


@click.command()
@state_option
@json_option
def positions(state: Path, as_json: bool) -> None:
    """What the books hold, by contract, with the last session's mark."""
    shown = _board(state).status()
    if as_json:
        click.echo(json.dumps({"session": shown["session"], "positions": shown["positions"]}))
        return
    if not shown["positions"]:
        click.echo("no positions")
        return
    for name, quantity in shown["positions"].items():
        click.echo(f"{name:<24}{quantity:>+18,.10g}".replace("-", "−"))
    click.echo(f"as of session {shown['session']}, net asset value {shown['nav']:,.2f} {shown['currency']}")


@click.command()
@click.argument("subject")
@click.option("--session", type=int, default=None, metavar="YYYYMMDD", help="Which decision, for an instrument.")
@state_option
@json_option
def explain(subject: str, session: int | None, state: Path, as_json: bool) -> None:
    """Why an order was sent, or what was decided about an instrument, and why not more.

    SUBJECT is an order's id (or the end of it), a product or a contract.
    """
    import msgspec

    from app.explain import explain as find

    found = find(_journal(state), subject, _events(), session)
    if as_json:
        click.echo(msgspec.json.encode(found))
        return
    click.echo(f"{found.subject}, run {found.run_id}")
    for line in found.lines:
        click.echo(f"  {line.part:<18} {line.text}   (row {line.seq}, {line.at})")


@click.command()
@program_option("spine")
@state_option
@settings_option
@set_option
def report(program: str, state: Path, settings: Path | None, overrides: tuple[str, ...]) -> None:
    """Write report.md and report.png of a state folder again."""
    import os

    from app.reports import write
    from config.loader import load

    _journal(state)
    configuration = load(program, settings=settings, environment=os.environ, overrides=overrides)
    page, chart = write(configuration, state)
    click.echo(f"{page}\n{chart}")


def _events() -> Any:
    from app.facts import events

    return events()


def _journal(state: Path) -> Path:
    from app.process import JOURNAL
    from engine.errors import NoJournalError

    folder = state / JOURNAL
    if not folder.is_dir():
        raise NoJournalError(f"{state} holds no journal: name the state folder of an engine with --state")
    return folder


def _board(state: Path) -> Board:
    import msgspec

    from app.board import Board
    from app.identity import FILE, Identity
    from app.kept_board import KeptBoard
    from state.journal.folder import tail_of

    folder = _journal(state)
    tail = tail_of(folder)
    identity = msgspec.json.decode((state / FILE).read_bytes(), type=Identity)
    board = Board(identity.program, identity.base_currency, "NOT RUNNING", "")
    KeptBoard(board, state).catch_up(folder, tail.last_seq if tail else 0, _events())
    return board


def _show_status(shown: dict[str, Any]) -> None:
    running = "running" if shown["running"] else "NOT RUNNING, last known:"
    click.echo(f"{shown['program']} {running} {shown['mode']} ({shown['mode_reason']})")
    click.echo(f"  engine time    {shown['now']}, session {shown['session']}, journal row {shown['journal_seq']:,}")
    click.echo(
        f"  books          NAV {shown['nav']:,.2f} {shown['currency']}, profit {shown['profit']:+,.2f}, "
        f"drawdown {shown['drawdown']:.2%}, fees {shown['fees']:,.2f}"
    )
    click.echo(f"  exposure       gross {shown['gross']:,.0f}, net {shown['net']:+,.0f}")
    click.echo(
        f"  risk           regime {shown['regime'] or 'not decided yet'}, scale {shown['scale']:.3f}, "
        f"volatility {shown['vol_annual']:.1%} a year"
    )
    for name, profit in shown["sleeves"].items():
        click.echo(f"  sleeve         {name}: {profit:+,.2f}")
    counts = shown["counts"]
    click.echo(f"  orders         {counts['orders']:,}, fills {counts['fills']:,}, at work {len(shown['working'])}")
    click.echo(f"  positions      {len(shown['positions'])}; `hedgerow positions` lists them")
    lease = shown["lease"]
    if lease:
        held = "held by" if shown["running"] else "last held by"
        whose = f"{lease['account']} at {lease['venue']}"
        click.echo(f"  lease          {whose}, fencing token {lease['token']}, {held} {lease['holder']}")
    for instrument, reason in shown["locks"].items():
        click.echo(f"  LOCKED         {instrument}: {reason}")


def _show_orders(lines: list[OrderLine]) -> None:
    from app.explain import stamp
    from model.units import px_float, qty_float

    head = f"{'order':<28}{'planned':<21}{'instrument':<20}{'side':<5}{'quantity':>12} {'type':<5}{'state':<10}"
    click.echo(f"{head}{'filled':>12}{'average':>14}")
    for line in lines:
        side = "BUY" if line.side > 0 else "SELL"
        click.echo(
            f"{line.client_id:<28}{stamp(line.planned_ns):<21}{line.instrument:<19} {side:<5}"
            f"{qty_float(line.quantity):>12,.10g} {line.type:<5}{line.state:<10}{qty_float(line.filled):>12,.10g}"
            f"{px_float(line.average_px):>14,.10g}"
        )
