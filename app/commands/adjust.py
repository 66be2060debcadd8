"""A person's repair of the books: cash or a position that no fact explains, with who did it and why."""

from __future__ import annotations

import getpass
import secrets
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import click

from app.options import state_option
from model.units import cash, px, qty
from ports.control import ControlError, request

OBEY_WITHIN_S = 10.0
COMPARE_WITHIN_S = 20.0


class Repair(NamedTuple):
    """What is to be written: of which subject, how much of it, and what is sent."""

    subject: str
    by: Decimal
    fields: dict[str, str]


@click.command()
@click.option("--cash", "money", metavar="EUR=-12.34", help="Currency and amount; a minus takes it away.")
@click.option("--position", metavar="CSPX=+10", help="Instrument and quantity; a minus takes it away.")
@click.option("--price", help="Of a position: at which it is taken, in the instrument's currency.")
@click.option("--sleeve", help="Of a position: whose it is; `caretaker` for nobody's.")
@click.option("--reason", required=True, help="What was found at the venue; kept in the journal.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@state_option
def adjust(
    money: str | None, position: str | None, price: str | None, sleeve: str | None, reason: str, yes: bool, state: Path
) -> None:
    """Repair the books where they differ from the venue's and no fact will come that explains it.

    Cash or a position moves by as much as is said, without a trade, and counts as a flow and no profit. The books are
    compared with the venue afterwards. What is locked or halted stays so: `release` and `resume` end that.
    """
    repair = _repair(money, position, price, sleeve)
    status = request(state, "status")["status"]
    click.echo(_before_and_after(repair, status))
    if not yes:
        click.confirm("Write this into the books?", abort=True)
    name = f"adj-{secrets.token_hex(6)}"
    words: dict[str, Any] = {**repair.fields, "id": name, "reason": reason, "by": getpass.getuser()}
    request(state, "adjust", **words)
    click.echo(_written(state, name))
    after = _until(state, lambda now: now["comparison"].get("id") != status["comparison"].get("id"), COMPARE_WITHIN_S)
    click.echo(_compared(repair, after))


def _repair(money: str | None, position: str | None, price: str | None, sleeve: str | None) -> Repair:
    if (money is None) is (position is None):
        raise click.UsageError("give one of --cash and --position")
    if money is not None:
        if price is not None or sleeve is not None:
            raise click.UsageError("--price and --sleeve belong to --position")
        currency, amount = _parted("--cash", money, cash)
        return Repair(currency, Decimal(amount), {"currency": currency, "amount": amount})
    assert position is not None
    if price is None or sleeve is None:
        raise click.UsageError("--position needs --price and --sleeve: what it is worth, and whose it is")
    instrument, quantity = _parted("--position", position, qty)
    _exact("--price", price, px)
    fields = {"instrument": instrument, "quantity": quantity, "price": price, "sleeve": sleeve}
    return Repair(instrument, Decimal(quantity), fields)


def _parted(option: str, text: str, exact: Callable[[str], int]) -> tuple[str, str]:
    subject, equals, number = text.partition("=")
    if not (subject and equals and number):
        raise click.UsageError(f"{option} {text}: name and number are parted by '=', as in EUR=-12.34")
    if not _exact(option, number, exact):
        raise click.UsageError(f"{option} {text} changes nothing")
    return subject, number


def _exact(option: str, text: str, exact: Callable[[str], int]) -> int:
    try:
        return exact(text)
    except ValueError as error:
        raise click.UsageError(f"{option} {text}: {error}") from None


def _difference(subject: str, comparison: dict[str, Any]) -> tuple[Decimal, Decimal] | None:
    """(book, venue) where the last comparison found them apart."""
    for each in comparison.get("differences", ()):
        if each["subject"] == subject:
            return Decimal(each["book"]), Decimal(each["venue"])
    return None


def _before_and_after(repair: Repair, status: dict[str, Any]) -> str:
    comparison, subject = status["comparison"], repair.subject
    found = _difference(subject, comparison)
    if found is not None:
        book, venue = found
        left = venue - book - repair.by
        rest = f"and {abs(left):,f} is still {'missing' if left > 0 else 'too much'}"
        outcome = rest if left else "and they agree"
        return (
            f"{subject}: the book has {book:,f}, the venue {venue:,f} ({comparison['at']}).\n"
            f"After this the book has {book + repair.by:,f}, {outcome}."
        )
    if subject in comparison.get("compared", ()):
        known = f"the book and the venue agreed at the last comparison ({comparison['at']})"
    else:
        known = "the last comparison says nothing of it"
    return f"{subject}: {known}.\nAfter this the book has {repair.by:+,f} beside that, and the venue has not."


def _written(state: Path, name: str) -> str:
    status = _until(state, lambda now: name in now["adjustments"], OBEY_WITHIN_S)
    outcome = status["adjustments"].get(name)
    if outcome is None:
        raise ControlError("the engine took the command, and its books have not answered yet")
    if outcome["refused"]:
        raise ControlError(f"the books did not take it: {outcome['refused']}")
    return f"written into the books as {name}"


def _compared(repair: Repair, status: dict[str, Any]) -> str:
    comparison, subject = status["comparison"], repair.subject
    if subject not in comparison.get("compared", ()):
        said = f"{subject} has not been compared since: the next comparison will tell"
    elif (found := _difference(subject, comparison)) is not None:
        said = f"{subject} still differs: the book has {found[0]:,f}, the venue {found[1]:,f} ({comparison['at']})"
    else:
        said = f"the book and the venue agree about {subject} ({comparison['at']})"
    if subject in status["locks"]:
        said += f"\n{subject} is locked: `hedgerow release {subject} --reason …` when all is well"
    if status["mode"] in ("HALTED", "REDUCE_ONLY"):
        said += f"\nthe engine is {status['mode']}: `hedgerow resume --reason …` when all is well"
    return said


def _until(state: Path, true: Callable[[dict[str, Any]], bool], within_s: float) -> dict[str, Any]:
    """The status once it is so, or the last one in time."""
    deadline = time.monotonic() + within_s
    while True:
        status: dict[str, Any] = request(state, "status")["status"]
        if true(status) or time.monotonic() >= deadline:
            return status
        time.sleep(0.05)
