"""`hedgerow data`: import, fetch, check, describe."""

from __future__ import annotations

import datetime as dt
import logging
import sys
from pathlib import Path

import click
import msgspec

from app.options import json_option, set_option, settings_option

DAY = click.DateTime(["%Y%m%d"])


@click.group()
def data() -> None:
    """The market-data lake: bring data in, look for what is wrong with it, say what it is."""


@data.command("import")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--to", "lake", type=click.Path(path_type=Path), help="The lake (default: data.lake_dir).")
@click.option("--only", multiple=True, metavar="ID", help="Only this series (may be repeated).")
@click.option("--replace", is_flag=True, help="Overwrite series that came from another source.")
@settings_option
@set_option
@json_option
def import_(
    source: Path,
    lake: Path | None,
    only: tuple[str, ...],
    replace: bool,
    settings: Path | None,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Bring a folder of published data, or a CSV or parquet file of yours, into the lake. docs/data.md has the formats.

    Nothing is written unless all of SOURCE can be read; the second time the same content costs nothing.
    """
    from app.lake import CLOSES, close_of
    from state.lake.importers import import_folder

    root, closing = _lake(lake, settings, overrides), close_of(settings, overrides)

    def progress(name: str, rows: int) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r\x1b[K{name}: {rows:,} rows", err=True, nl=False)

    report = import_folder(
        source, root, close_of=closing, closes_name=CLOSES, only=only or None, replace=replace, progress=progress
    )
    if as_json:
        click.echo(msgspec.json.encode(report, enc_hook=str))
        return
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", err=True, nl=False)
    done = "was there already" if report.cached else "imported"
    click.echo(f"{report.recognised}: {report.rows:,} rows in {len(report.made)} series {done} in {report.lake}")
    for line in report.lines:
        click.echo(f"  {line}")


@data.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--source", type=click.Choice(["ib"]), default="ib", show_default=True, help="Whose history.")
@click.option("--program", default=None, help="Everything that this program names, with the rates of its currencies.")
@click.option("--from", "first", required=True, type=DAY, metavar="YYYYMMDD", help="First session.")
@click.option(
    "--to", "last", default=None, type=DAY, metavar="YYYYMMDD", help="Last one (default: the gateway's today)."
)
@click.option("--size", type=click.Choice(["1 day", "1 min"]), default="1 day", show_default=True, help="Of a bar.")
@click.option("--to-lake", "lake", type=click.Path(path_type=Path), help="The lake (default: data.lake_dir).")
@click.option("--account", default=None, help="The account whose gateway is asked (default: venue.account).")
@click.option("--host", default=None, help="Where the gateway or workstation runs (default: venue.host).")
@click.option("--port", default=None, type=click.IntRange(1, 65535), help="Its API's port (default: venue.port).")
@click.option(
    "--client-id", default=None, type=click.IntRange(1), help="The engine's; the next one is used (venue.client_id)."
)
@settings_option
@set_option
@json_option
def fetch(
    ids: tuple[str, ...], source: str, program: str | None, first: dt.datetime, last: dt.datetime | None, size: str,
    lake: Path | None, account: str | None, host: str | None, port: int | None, client_id: int | None,
    settings: Path | None, overrides: tuple[str, ...], as_json: bool,
) -> None:  # fmt: skip
    """Download history from Interactive Brokers' gateway into a lake, at the pace that the broker allows.

    Futures come contract by contract, as their holder would roll. Ended half way, it goes on where it was: only pieces
    that are missing are asked for. Nothing is ordered. Status 1 when a part is missing in the end.
    """
    import os

    from app.fetch import Fetch, request_of, settings_of, tell
    from app.sessions import calendars
    from config.loader import load, load_settings

    read = load_settings(settings, os.environ, [one for one in overrides if not one.startswith("program.")])
    configuration = program and load(program, settings=settings, environment=os.environ, overrides=overrides)
    asked = settings_of(read, account=account, host=host, port=port, client_id=client_id)
    request = request_of(configuration or None, read, ids, first.date(), last.date() if last else None, size)
    logging.getLogger("ib_async").setLevel(logging.CRITICAL)  # what it would say is told in our words
    sessions = calendars(Path(read.data.cache_dir)).sessions
    root = lake or Path(read.data.lake_dir)
    done = Fetch(request, root, sessions).run(asked, lambda line: click.echo(line, err=True))
    tell(done, root, as_json)
    sys.exit(int(any(each.failed for each in done)))


@data.command()
@click.option("--lake", type=click.Path(path_type=Path), help="The lake (default: data.lake_dir).")
@click.option("--only", multiple=True, metavar="ID", help="Only this series (may be repeated).")
@click.option("--all", "show_all", is_flag=True, help="Print every finding, not the counts and the errors alone.")
@settings_option
@set_option
@json_option
def check(
    lake: Path | None,
    only: tuple[str, ...],
    show_all: bool,
    settings: Path | None,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Gaps, spikes, stale and shifted series against their calendars. Deletes nothing. Status 1 on errors."""
    from app.lake import sessions_of
    from state.lake import Lake
    from state.lake.check import check_lake, summary
    from state.lake.quality import Severity

    root = _lake(lake, settings, overrides)
    found = check_lake(Lake(root), only=only or None, sessions_of=sessions_of(settings, overrides))
    errors = [one for one in found if one.severity is Severity.ERROR]
    if as_json:
        click.echo(msgspec.json.encode(found, enc_hook=str))
    else:
        for one in found if show_all else errors:
            click.echo(str(one))
        for line in summary(found):
            click.echo(line)
    if errors:
        sys.exit(1)


@data.command()
@click.option("--lake", type=click.Path(path_type=Path), help="The lake (default: data.lake_dir).")
@settings_option
@set_option
def describe(lake: Path | None, settings: Path | None, overrides: tuple[str, ...]) -> None:
    """What every series is: origin, licence, range, rows."""
    from state.lake import Lake
    from state.lake.demo import describe as lines

    for line in lines(Lake(_lake(lake, settings, overrides))):
        click.echo(line)


def _lake(lake: Path | None, settings: Path | None, overrides: tuple[str, ...]) -> Path:
    import os

    from config.loader import load_settings

    return lake or Path(load_settings(settings, os.environ, overrides).data.lake_dir)
