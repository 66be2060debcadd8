"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

STATE_DEFAULT = "var/paper"


def state_option(function: F) -> F:
    """--state: the folder of one engine: journal, ledger, the simulated venue's record, control address."""
    return click.option(
        "--state",
        type=click.Path(path_type=Path, file_okay=False),
        default=STATE_DEFAULT,
        show_default=True,
        envvar="HEDGEROW_STATE",
        help="State folder of the engine.",
    )(function)


def json_option(function: F) -> F:
    """--json: one JSON document on stdout, for scripts."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


def settings_option(function: F) -> F:
    """--settings: the settings file; the shipped one when not given."""
    return click.option(
        "--settings",
        type=click.Path(path_type=Path, dir_okay=False),
        default=None,
        envvar="HEDGEROW_SETTINGS",
        help="Settings file (default: the one that ships).",
    )(function)


def set_option(function: F) -> F:
    """--set risk.max_order_share=0.05: one setting from the command line, over file and environment."""
    option = click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override one setting.")
    return option(function)


def program_option(default: str) -> Callable[[F], F]:
    """--program: a shipped program's id, or a program file."""

    def decorate(function: F) -> F:
        return click.option(
            "--program", default=default, show_default=True, help="Program id or file (config/programs/*.yaml)."
        )(function)

    return decorate
