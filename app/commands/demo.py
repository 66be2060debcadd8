"""`hedgerow demo`."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import click

FOLDER = "var/demo"


@click.command()
@click.option("--seconds", default=50.0, show_default=True, help="How long the history is to take.")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), default=FOLDER, show_default=True)
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Folder of published market data.")
@click.option(
    "--package-data", is_flag=True, help="Use the series inside installed packages even if there is a folder."
)
@click.option("--from", "first", type=int, default=None, metavar="YYYYMMDD", help="First session.")
@click.option("--to", "last", type=int, default=None, metavar="YYYYMMDD", help="Last session.")
def demo(
    seconds: float, folder: Path, data: Path | None, package_data: bool, first: int | None, last: int | None
) -> None:
    """Watch a supervised engine trade real history on a simulated exchange, be killed, and lose nothing.

    Needs no account, no key and no network. Writes a one-page summary and a chart.
    """
    from app.demo import Stage, sentences, show
    from app.lake import open_lake
    from app.reports import summary, write
    from config.loader import load
    from state.lake.demo import describe

    if folder.exists() and not (folder / "demo").is_file():
        raise click.UsageError(f"{folder} is not a demo's folder; name another with --folder")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "demo").write_text("made by `hedgerow demo`; it may be removed\n")
    overrides = (f"data.lake_dir={folder.parent / 'lake'}", f"data.cache_dir={folder.parent / 'cache'}")
    program = _program(data, package_data)
    configuration = load(program, environment=os.environ, overrides=overrides)
    click.echo(f"HEDGEROW DEMO: {configuration.program.title}")
    lake = open_lake(configuration, data, click.echo)
    for line in describe(lake, sorted(configuration.instruments)):
        click.echo(f"  data: {line}")
    plan = configuration.program.replay
    assert plan is not None
    stage = Stage(
        program=program, first=first or plan.first_session, last=last or plan.last_session, seconds=seconds,
        folder=folder, overrides=overrides,
    )  # fmt: skip
    began = time.monotonic()
    with _screen() as frame:
        outcome = show(stage, frame)
    found = summary(configuration, folder / "engine")
    page, chart = write(configuration, folder / "engine")
    click.echo()
    for line in sentences(outcome, found):
        click.echo(line)
    click.echo(f"One-page summary: {page}\nChart: {chart}\n{time.monotonic() - began:.0f} seconds in all.")
    if not (outcome.same and outcome.journal_holds and not found["duplicate ids"] and not found["unbalanced days"]):
        sys.exit(1)


def _program(data: Path | None, package_data: bool) -> str:
    """The futures program when the user has a folder of futures, else the one on package data."""
    from app.lake import CHECKOUT
    from state.lake.demo import find_data

    source = None if package_data else data or find_data(os.environ, CHECKOUT)
    return "demo_futures" if source is not None and (source / "futures").is_dir() else "demo"


def _screen() -> Any:
    """Frames on a terminal; a line every few seconds elsewhere."""
    from contextlib import contextmanager

    from rich.console import Console
    from rich.live import Live

    from app.console import money, screen

    @contextmanager
    def on_terminal() -> Any:
        with Live(console=Console(), screen=False, auto_refresh=False, transient=True) as live:
            yield lambda status, headline: live.update(screen(status, headline), refresh=True)

    @contextmanager
    def on_lines() -> Any:
        last: list[Any] = [0.0, ""]

        def frame(status: dict[str, Any], headline: str) -> None:
            now = time.monotonic()
            if now - last[0] < 4.0 and headline == last[1]:
                return
            last[:] = [now, headline]
            click.echo(
                f"{status['now'][:10] or 'starting':<10}  {status['mode']:<9} NAV {money(status['nav'])} "
                f"{status['currency']}  regime {status['regime'] or '–'}  positions {len(status['positions'])}  "
                f"fills {status['counts']['fills']:,}  | {headline}"
            )

        yield frame

    return on_terminal() if sys.stdout.isatty() else on_lines()
