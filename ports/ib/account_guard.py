"""Which account may be traded: paper by its name, real money only after a person has typed a sentence."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ports.ib.errors import WrongAccount
from ports.ib.settings import AccountMode, IBSettings

PAPER_PREFIX = "D"
CONFIRMATION = "live-trading-confirmed.txt"


def sentence(account: str) -> str:
    """What a person types, once, before an account with real money is traded."""
    return f"Trade account {account} with real money"


def is_paper(account: str) -> bool:
    return account.startswith(PAPER_PREFIX)


def check_settings(settings: IBSettings) -> None:
    """Before any socket is opened. Raises WrongAccount."""
    account, live = settings.account, settings.mode is AccountMode.LIVE
    if not account:
        raise WrongAccount("no account is configured", "write its exact id into the settings")
    if live and is_paper(account):
        raise WrongAccount(
            f"mode is live, and {account} is a paper account", "set mode: paper, or give the live account"
        )
    if not live and not is_paper(account):
        raise WrongAccount(
            f"mode is paper, and {account} does not begin with {PAPER_PREFIX} as paper accounts do",
            "log the gateway in to the paper account, or set mode: live",
        )
    if live and not is_confirmed(Path(settings.state_dir), account):
        place = Path(settings.state_dir) / CONFIRMATION
        raise WrongAccount(
            f"nobody has confirmed that {account} is to be traded with real money",
            f"start `hedgerow run` in a terminal: it asks for a sentence and keeps it in {place}",
        )


def check_accounts(settings: IBSettings, accounts: Sequence[str]) -> None:
    """What the gateway is logged in to. Raises WrongAccount."""
    if settings.account not in accounts:
        shown = ", ".join(accounts) or "none"
        raise WrongAccount(
            f"the gateway has {shown}, and not {settings.account}",
            "log the gateway in with the user that has the configured account, or correct the account",
        )


def is_confirmed(state: Path, account: str) -> bool:
    """Whether a person has typed the sentence of an account for a state folder."""
    try:
        text = (state / CONFIRMATION).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    return text.strip() == sentence(account)


def keep_confirmation(state: Path, typed: str) -> None:
    """Keep what a person typed, whole or not at all; it takes the place of what was confirmed there before.

    Raises OSError.
    """
    state.mkdir(parents=True, exist_ok=True)
    part = state / f".{CONFIRMATION}"
    with part.open("w", encoding="utf-8") as file:
        file.write(f"{typed}\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(state / CONFIRMATION)
