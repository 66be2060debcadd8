"""The command line. Every command is imported when it is called, so that `hedgerow halt` starts at once."""

from __future__ import annotations

import importlib
import sys

import click

COMMANDS: dict[str, str] = {
    "demo": "app.commands.demo:demo",
    "run": "app.commands.run:run",
    "replay": "app.commands.run:replay",
    "plan": "app.commands.run:plan",
    "prove": "app.commands.prove:prove",
    "status": "app.commands.query:status",
    "orders": "app.commands.query:orders",
    "positions": "app.commands.query:positions",
    "explain": "app.commands.query:explain",
    "report": "app.commands.query:report",
    "halt": "app.commands.operate:halt",
    "reduce-only": "app.commands.operate:reduce_only",
    "resume": "app.commands.operate:resume",
    "release": "app.commands.operate:release",
    "absent": "app.commands.operate:absent",
    "adjust": "app.commands.adjust:adjust",
    "stop": "app.commands.operate:stop",
    "guardian": "app.commands.guardian:guardian",
    "journal": "app.commands.journal:journal",
    "gateway": "app.commands.gateway:gateway",
    "doctor": "app.commands.doctor:doctor",
    "data": "app.commands.data:data",
    "config": "app.commands.config:config",
}

EXIT_STATUSES = """\b
Exit statuses: 0 done; 1 a check found something; 2 bad input or configuration;
3 no engine runs there; 4 the engine halted or stopped itself; 70 a defect.
"""


class Lazy(click.Group):
    """A group whose commands live in modules that are imported when one of them is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(f"there is no command {args[0]!r}{_nearest(args[0])}; `hedgerow --help` lists them")
        return super().resolve_command(ctx, args)


def _nearest(word: str) -> str:
    import difflib

    near = difflib.get_close_matches(word, COMMANDS, n=1)
    return f"; did you mean {near[0]!r}" if near else ""


@click.command(cls=Lazy, epilog=EXIT_STATUSES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="hedgerow", prog_name="hedgerow")
def hedgerow() -> None:
    """A live trading engine: supervised actors, an order law, a journal written before the world is touched.

    Begin with `hedgerow demo`. Everything runs on paper unless the configuration says `mode: live`.
    """


def main() -> None:
    """Entry point: every expected error is one sentence on stderr, what to do next, and a non-zero status."""
    try:
        status = hedgerow.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except click.Abort:
        sys.exit(130)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()  # `| head` closed the pipe: not an error
        sys.exit(0)
    except Exception as error:
        sys.exit(_explained(error))
    sys.exit(status if isinstance(status, int) else 0)


def _explained(error: Exception) -> int:
    """Print an expected error and return its status; anything without a `code` is a defect and keeps its traceback."""
    code = getattr(error, "code", None)
    if not isinstance(code, str):
        raise error
    click.echo(f"hedgerow: {error}", err=True)
    advice = getattr(error, "next", "")
    if advice:
        click.echo(f"  {advice}", err=True)
    return {"NOT_RUNNING": 3, "HALTED": 4}.get(code, 2)
