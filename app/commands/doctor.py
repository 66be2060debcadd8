"""`hedgerow doctor`: what is wrong with the connection to a broker, in plain words, and what to click."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import click

from app.options import json_option, set_option, settings_option, state_option

if TYPE_CHECKING:
    from model.instruments import Instrument
    from ports.ib.doctor import Finding

NOTE = "Not affiliated with Interactive Brokers."


class DoctorError(Exception):
    """An examination that cannot begin."""

    code: ClassVar[str] = "DOCTOR"

    def __init__(self, what: str, next_step: str) -> None:
        super().__init__(what)
        self.next = next_step


@click.command()
@click.option("--account", required=True, help="The exact account id; paper accounts begin with D.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where the gateway or workstation runs.")
@click.option("--port", default=4002, show_default=True, type=click.IntRange(1, 65535), help="Its API's socket port.")
@click.option("--client-id", default=17, show_default=True, type=click.IntRange(1), help="The one the engine uses.")
@click.option("--live", is_flag=True, help="The account is one with real money.")
@click.option(
    "--instrument", "wanted", default="CSPX", show_default=True, metavar="ID",
    help="Whose data and permissions to try; a future with its month, as SP500@202612.",
)  # fmt: skip
@state_option
@settings_option
@set_option
@json_option
def doctor(
    account: str, host: str, port: int, client_id: int, live: bool, wanted: str, state: Path, settings: Path | None,
    overrides: tuple[str, ...], as_json: bool,
) -> None:  # fmt: skip
    """Look at the connection to Interactive Brokers' gateway or workstation: one session, questions only, no order.

    Status 0 when all is well, 1 when something is wrong; the first thing that is wrong may hide those after it.
    """
    from ports.ib import AccountMode, IBSettings
    from ports.ib.doctor import diagnose

    logging.getLogger("ib_async").setLevel(logging.CRITICAL)  # what it would say is among the findings, in words
    probe = _probe(settings, overrides, wanted)
    asked = IBSettings(
        account=account, state_dir=str(state), mode=AccountMode.LIVE if live else AccountMode.PAPER, host=host,
        port=port, client_id=client_id,
    )  # fmt: skip
    found = asyncio.run(diagnose(asked, probe, time.time_ns))
    _tell(found, as_json)
    sys.exit(int(not all(each.well for each in found)))


def _probe(settings: Path | None, overrides: tuple[str, ...], wanted: str) -> Instrument:
    """An instrument of the house's tables; of a future the month that is named."""
    from config.loader import load_instruments, load_settings
    from model.instruments import Kind

    loaded = load_settings(settings, os.environ, overrides)
    product, _, month = wanted.partition("@")
    found = load_instruments(loaded.instruments).get(product)
    if found is None:
        raise DoctorError(
            f"--instrument {wanted}: no table of instruments has {product}", "`hedgerow config` names them"
        )
    if found.kind is not Kind.FUTURE:
        return found
    if not (month.isdigit() and len(month) == len("202612")):
        raise DoctorError(f"--instrument {wanted}: a future is traded by its month", f"write {product}@YYYYMM")
    return found.contract(int(month))


def _tell(found: list[Finding], as_json: bool) -> None:
    if as_json:
        rows = [{"code": each.code, "well": each.well, "what": each.what, "todo": each.todo} for each in found]
        click.echo(json.dumps({"well": all(each.well for each in found), "findings": rows}))
        return
    for each in found:
        click.echo(f"{'ok   ' if each.well else 'WRONG'} {each.code}: {each.what}")
        if each.todo:
            click.echo(f"      {each.todo}")
    click.echo(NOTE)
