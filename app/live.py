"""Before real money is traded for the first time from a state folder, a person types a sentence."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import click

from app.identity import is_ours
from config.loader import Configuration
from config.settings import IBVenue
from ports.ib.account_guard import is_confirmed, keep_confirmation, sentence


class LiveError(Exception):
    """Nobody has said that this account is to be traded with real money."""

    code: ClassVar[str] = "LIVE"

    def __init__(self, what: str, next_step: str) -> None:
        super().__init__(what)
        self.next = next_step


def _typed(text: str) -> str:
    """What a person types; nothing is an answer too."""
    answer: str = click.prompt(text, prompt_suffix="\n> ", default="", show_default=False)
    return answer


def at_a_terminal() -> bool:
    """Whether a person can read what is asked and answer it."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def confirm(
    configuration: Configuration, state: Path, *, ask: Callable[[str], str] = _typed,
    interactive: Callable[[], bool] = at_a_terminal,
) -> None:  # fmt: skip
    """Return at once on paper, and when the account was confirmed for this state folder before; ask otherwise.

    ask: shows a text and returns the answer.  Raises LiveError without a person to ask, and for any answer but the
    exact sentence; IdentityError when the folder is another engine's. Only the sentence puts anything into the folder.
    """
    settings, venue = configuration.settings, configuration.settings.venue
    if settings.mode != "live":
        return
    if not isinstance(venue, IBVenue):
        raise LiveError(f"mode: live has no port for a venue of kind {type(venue).__name__}", "write mode: paper")
    is_ours(state, settings.mode, configuration.program, 0)
    if is_confirmed(state, venue.account):
        return
    if not interactive():
        raise LiveError(
            f"nobody has confirmed yet that {venue.account} is to be traded with real money from {state}",
            "start it once in a terminal with the same options: it asks for a sentence there",
        )
    for line in _facts(configuration, venue, state):
        click.echo(line)
    wanted = sentence(venue.account)
    answer = ask(f"To go on, type this sentence exactly:\n  {wanted}")
    if answer != wanted:
        raise LiveError("that is not the sentence: nothing is traded, and nothing was written", "start it again")
    try:
        keep_confirmation(state, answer)
    except OSError as error:
        raise LiveError(f"the confirmation cannot be kept in {state}: {error.strerror or error}", "mend it") from error


def _facts(configuration: Configuration, venue: IBVenue, state: Path) -> Iterator[str]:
    """What a person should have before the eyes, in plain lines."""
    program, risk = configuration.program, configuration.program.risk
    begins = "at once, when books and broker agree" if configuration.settings.engine.auto_trade else "after a `resume`"
    yield f"REAL MONEY: {state} has never traded account {venue.account}."
    yield f"  account   {venue.account}, by the gateway at {venue.host}:{venue.port}"
    yield f"  program   {program.id}: {program.title}; {len(configuration.instruments)} products"
    yield f"  capital   {program.capital:,} {program.base_currency}"
    yield f"  exposure  at most {risk.max_gross_leverage:g} times net asset value gross, {risk.max_net_leverage:g} net"
    yield (
        f"  orders    one at most {risk.max_order_share:.0%} of net asset value, "
        f"all of a session {risk.max_daily_turnover_share:.0%}"
    )
    yield f"  losses    a drawdown of {risk.max_drawdown_share:.0%} puts the regime into CRISIS"
    yield f"  trading   begins {begins}"
