"""`hedgerow journal`: verify, show, hash, export."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import IO

import click

from app.options import json_option, state_option

JOURNAL = "journal"


@click.group()
def journal() -> None:
    """Read and check the journal: every fact in order, hash-chained."""


@journal.command()
@state_option
@json_option
def verify(state: Path, as_json: bool) -> None:
    """Check integrity, chain, continuity over files, snapshots, and that every row can be read. Status 1 if not."""
    from app.facts import events
    from state.journal.verify import verify as check

    report = check(state / JOURNAL, events())
    if as_json:
        import msgspec

        click.echo(msgspec.json.encode(report))
    else:
        for finding in report.findings:
            click.echo(str(finding))
        verdict = "the chain holds" if report.ok else "this journal cannot be trusted"
        click.echo(f"{len(report.files)} files, {report.rows:,} rows, {report.snapshots} snapshots: {verdict}")
    if not report.ok:
        sys.exit(1)


@journal.command()
@click.option("--first", default=1, show_default=True, help="First row.")
@click.option("--last", type=int, default=None, help="Last row.")
@click.option("--kind", "kinds", multiple=True, help="Only this kind of fact (may be repeated).")
@click.option("--actor", "actors", multiple=True, help="Only this actor (may be repeated).")
@click.option("--out", type=click.File("wb"), default="-", help="File to write; stdout by default.")
@state_option
def show(
    first: int, last: int | None, kinds: tuple[str, ...], actors: tuple[str, ...], out: IO[bytes], state: Path
) -> None:
    """Rows as JSON lines."""
    from app.facts import events
    from state.journal import export, journal_rows

    rows = journal_rows(_existing(state), first_seq=first, last_seq=last, kinds=kinds, actors=actors, events=events())
    export(rows, out)


@journal.command()
@click.argument("seq", type=int)
@state_option
def causes(seq: int, state: Path) -> None:
    """A row and what led to it, newest first, as JSON lines."""
    from app.facts import events
    from state.journal import causes as chain
    from state.journal import export

    export(chain(_existing(state), seq, events()), sys.stdout.buffer)


@journal.command("hash")
@state_option
@json_option
def hash_(state: Path, as_json: bool) -> None:
    """One hash over all order and fill rows: equal for two runs that traded the same, however they came there."""
    from app.facts import events
    from state.content import content_hash

    value = content_hash(_existing(state), events())
    click.echo(json.dumps({"content_hash": value}) if as_json else value)


@journal.command()
@click.option("--older-than", "days", default=90, show_default=True, help="Days since the run ended.")
@state_option
@json_option
def tidy(days: int, state: Path, as_json: bool) -> None:
    """Take runs that ended long ago out of the ledger's tables. The journal keeps them for ever."""
    from app.facts import events
    from state.journal import recover
    from state.ledger import Ledger

    folder, known = _existing(state), events()
    with Ledger(folder, known) as ledger:
        ledger.catch_up()
        count = ledger.forget_runs(recover(folder, known).last_at_ns, days)
    click.echo(json.dumps({"runs": count}) if as_json else f"{count} runs left the ledger")


def _existing(state: Path) -> Path:
    from engine.errors import NoJournalError

    folder = state / JOURNAL
    if not folder.is_dir():
        raise NoJournalError(f"{state} holds no journal: name the state folder of an engine with --state")
    return folder
