"""`hedgerow guardian`: the process beside the engine that ends what a dead one has left."""

from __future__ import annotations

import fcntl
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from app.options import program_option, set_option, settings_option, state_option

LOCK = "guardian.lock"


@click.command()
@program_option("paper")
@state_option
@settings_option
@set_option
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Folder of published market data.")
def guardian(
    program: str, state: Path, settings: Path | None, overrides: tuple[str, ...], data: Path | None
) -> None:  # fmt: skip
    """Watch the engine of a state folder, and end what it leaves when it dies.

    Give it the program and the settings of that engine. When the heartbeat lapses it takes the account away from the
    engine, ends its process, cancels its orders at the venue, closes positions by the engine's own plan if
    guardian.flatten says so, and alerts. It never invents an order. It runs until it is stopped.
    """
    from app.guard import beat_file, lease_store, plan_file
    from app.guardian import LOOK_S, Guardian
    from app.guardian_log import FILE, SignedLog
    from app.guardian_session import session_of
    from app.lake import open_lake
    from config.loader import load
    from config.secrets import resolve

    configuration = load(program, settings=settings, environment=os.environ, overrides=overrides)
    wanted = configuration.settings.guardian
    own_key = resolve(wanted.own_key).reveal().encode() if wanted.own_key else b""
    state.mkdir(parents=True, exist_ok=True)
    with _alone(state):
        watching = Guardian(
            beats=beat_file(configuration.settings, state),
            plans=plan_file(configuration.settings, state),
            lease=lease_store(configuration.settings),
            session=session_of(configuration, state, lambda: open_lake(configuration, data, lambda text: None)),
            log=SignedLog(state / FILE, own_key, wanted.alert),
            lapse_s=wanted.lapse_s,
            flatten=wanted.flatten,
        )
        click.echo(f"guarding {state}; a silence of {wanted.lapse_s:g} s ends its engine")
        end = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: end.set())
        while not end.wait(LOOK_S):
            watching.look()


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    """One guardian for each state folder. Raises GuardianError when another one watches it."""
    from app.guardian import GuardianError

    with (state / LOCK).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise GuardianError(f"another guardian watches {state}", "let it, or stop it first") from None
        yield
