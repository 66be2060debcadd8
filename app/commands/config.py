"""`hedgerow config`: check, show, schema."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.options import json_option, program_option, set_option, settings_option

if TYPE_CHECKING:
    from config.errors import Problem


@click.group()
def config() -> None:
    """Check and show settings, instruments and programs."""


@config.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--program", default=None, help="Check the settings together with this program.")
@settings_option
@set_option
@json_option
def check(
    file: Path | None, program: str | None, settings: Path | None, overrides: tuple[str, ...], as_json: bool
) -> None:
    """Every problem of a file, or of the settings with a program: file, line, key, what is wrong, what to do.

    Without FILE and --program the settings and all shipped programs are checked. Status 1 when there is a problem.
    """
    import msgspec

    from config.loader import PROGRAMS
    from config.show import check as problems_of

    if file is not None or program is not None:
        problems = problems_of(file or settings, program=program, environment=os.environ, overrides=overrides)
        problems = problems or _of_own_sleeves(program or file, file if program else settings, overrides)
    else:
        problems = problems_of(settings, environment=os.environ, overrides=overrides)
        for shipped in sorted(PROGRAMS.glob("*.yaml")):
            found = problems_of(settings, program=shipped.stem, environment=os.environ, overrides=overrides)
            problems += [problem for problem in found if problem not in problems]
    if as_json:
        click.echo(msgspec.json.encode([msgspec.to_builtins(problem) for problem in problems]))
    else:
        for problem in problems:
            click.echo(str(problem))
        click.echo(f"{len(problems)} problems" if problems else "no problems")
    if problems:
        sys.exit(1)


def _of_own_sleeves(program: str | Path | None, settings: Path | None, overrides: tuple[str, ...]) -> list[Problem]:
    """What is wrong with the classes that a program's custom sleeves name; nothing for files that are no program."""
    from app.own_sleeves import problems_of
    from config.loader import load
    from config.yaml_source import read_file

    if isinstance(program, Path):
        tree = read_file(program, [])
        if tree is None or "sleeves" not in tree.value:
            return []
    if program is None:
        return []
    return problems_of(load(program, settings=settings, environment=os.environ, overrides=overrides))


@config.command()
@click.option("--effective", is_flag=True, help="Every value with who said it: default, file and line, environment.")
@program_option("paper")
@settings_option
@set_option
@json_option
def show(effective: bool, program: str, settings: Path | None, overrides: tuple[str, ...], as_json: bool) -> None:
    """The merged configuration as the engine will use it, secrets masked, with its hash."""
    from config.show import effective as merged

    found = merged(program, settings=settings, environment=os.environ, overrides=overrides)
    if as_json:
        document = {"values": found.values, "sha256": found.sha256}
        click.echo(json.dumps({**document, "sources": found.sources} if effective else document, default=str))
        return
    if effective:
        for key, source in found.sources.items():
            click.echo(f"{key} = {_value(found.values, key)}    ({source})")
    else:
        import io

        from ruamel.yaml import YAML

        text = io.StringIO()
        YAML(typ="safe", pure=True).dump(json.loads(json.dumps(found.values, default=str)), text)
        click.echo(text.getvalue(), nl=False)
    click.echo(f"sha256 {found.sha256}")


@config.command()
@click.argument("kind", type=click.Choice(["settings", "program", "instruments"]), default="settings")
def schema(kind: str) -> None:
    """JSON Schema of a kind of file, for editors."""
    from config.show import json_schema

    click.echo(json.dumps(json_schema(kind), indent=2))


def _value(values: object, key: str) -> object:
    node = values
    for part in key.replace("[", ".").replace("]", "").split("."):
        if isinstance(node, dict):
            node = node.get(part)
        elif isinstance(node, (list, tuple)):
            node = node[int(part)]
    return node
