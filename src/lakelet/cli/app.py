"""The command line as a whole: its commands, found when they are asked for, and its errors.

Exit codes: 0 done, 1 what was asked failed, 2 the command line does not say what it must.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path

import click

from lakelet.errors import LakeletError
from lakelet.interrupts import on_ctrl_c
from lakelet.workspace.folder import COMMAND

__all__ = ("cli", "main")

_INTERRUPTED = 130
"""The exit code of a command that Ctrl-C ended, as shells have it: 128 and the signal."""

# Where each command lives; only the one that runs is imported, so that each starts quickly.
COMMANDS = {
    "ask": "ask",
    "attach": "tables",
    "chat": "chat",
    "compare": "compare",
    "diff": "versions",
    "doctor": "doctor",
    "files": "files",
    "gateway": "gateway",
    "health": "upkeep",
    "history": "versions",
    "inbox": "inbox",
    "init": "init",
    "jobs": "jobs",
    "lineage": "lineage",
    "load": "load",
    "maintain": "upkeep",
    "models": "models",
    "new": "pipelines",
    "plan": "pipelines",
    "queries": "queries",
    "registry": "registry",
    "rejected": "files",
    "rerun": "rerun",
    "rescued": "rescued",
    "restore": "versions",
    "show": "tables",
    "run": "run",
    "runs": "runs",
    "sql": "sql",
    "stop": "pipelines",
    "tables": "tables",
    "take-over": "pipelines",
    "up": "up",
    "update": "pipelines",
    "updates": "pipelines",
    "upload": "upload",
    "volumes": "volumes",
    "why": "pipelines",
}


class _Commands(click.Group):
    """Finds a command in the module that holds it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        found = getattr(import_module(f"lakelet.cli.{module}"), cmd_name.replace("-", "_"), None)
        return found if isinstance(found, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from lakelet.errors import nearest

        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            close = nearest(args[0], COMMANDS)
            hint = f" Did you mean `lakelet {close}`?" if close else ""
            raise click.UsageError(f"there is no command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--workspace",
    "workspace_dir",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The workspace; otherwise that of the current folder or its nearest parent.",
)
@click.version_option(package_name="lakelet", prog_name="lakelet")
@click.pass_context
def cli(ctx: click.Context, workspace_dir: Path | None) -> None:
    """Raw JSON and CSV as typed, versioned, queryable Delta tables, on one machine.

    \b
    lakelet init                                   make a workspace here
    lakelet load files/posts --into bronze.posts   raw files into a table, each once
    lakelet sql "SELECT count(*) FROM bronze.posts"
    """
    ctx.obj = workspace_dir


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and end the process with its exit code."""
    # Taken out of the environment: what this command starts is not what a page began.
    name = os.environ.pop(COMMAND, None)
    if name is None:
        sys.exit(_run(arguments))
    from lakelet.session.commands import note_end, run_as
    from lakelet.workspace import WorkspaceFolder

    run_as(name)
    code = _run(arguments)
    note_end(WorkspaceFolder(Path.cwd()), code)
    sys.exit(code)


def _run(arguments: list[str] | None) -> int:
    notes: list[str] = []
    with on_ctrl_c() as stopped:
        try:
            # A command that ends early by itself, as doctor does, gives its code here.
            code = cli.main(arguments, prog_name="lakelet", standalone_mode=False)
            return code if isinstance(code, int) else 0
        except click.exceptions.Exit as end:
            return end.exit_code
        except (click.Abort, KeyboardInterrupt) as error:
            notes = _notes(error)
        except Exception as error:
            # A query that was stopped says so in many ways; the reason is one.
            if not stopped():
                return _failed(error)
            notes = _notes(error)
    if sys.stderr.isatty():
        click.echo(err=True)  # behind the ^C that the terminal shows
    _say(" ".join(["Interrupted; what was committed before stays.", *notes]))
    return _INTERRUPTED


def _notes(error: BaseException | None) -> list[str]:
    """What was noted on an error on its way, or on one it was made from."""
    found: list[str] = []
    while error is not None:
        found += getattr(error, "__notes__", [])
        error = error.__cause__ or error.__context__
    return found


def _failed(error: Exception) -> int:
    if isinstance(error, click.ClickException):
        error.show()
        return 2
    if isinstance(error, LakeletError):
        _say(str(error))
        return 1
    if isinstance(error, BrokenPipeError):
        # Whoever reads has what they wanted (head, less); nobody is left to tell.
        sys.stderr.close()
        return 0
    raise error


def _say(message: str) -> None:
    from lakelet.workspace.secrets import redact

    first, newline, rest = redact(message).partition("\n")
    click.echo(click.style("Error: ", fg="red", bold=True) + first + newline + rest, err=True)
