"""What commands share: the workspace they work in, and their common options."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from lakelet.session import Workspace

__all__ = ("as_json", "current_workspace", "optional_table_argument", "table_argument", "words")

F = TypeVar("F", bound=Callable[..., Any])


def current_workspace() -> Workspace:
    """The workspace named by --workspace, or that of the current folder.

    Raises:
        WorkspaceNotFoundError: there is none.
    """
    from lakelet.session import open_workspace

    named = click.get_current_context().find_root().obj
    found = open_workspace(named or Path.cwd())
    found.source = "command line"
    return found


def as_json(command: F) -> F:
    """The option --json of every command that lists something."""
    return click.option("--json", "as_json", is_flag=True, help="JSON, for programs.")(command)


def _complete(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    from lakelet.errors import LakeletError
    from lakelet.session import open_workspace

    try:
        workspace = open_workspace(context.find_root().params.get("workspace_dir") or Path.cwd())
        return [str(name) for name in workspace.tables() if str(name).startswith(incomplete)]
    except LakeletError:
        return []


def words(*known: str) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """Completes an option's value from a few words."""
    return lambda _context, _parameter, begun: [one for one in known if one.startswith(begun)]


def table_argument(command: F) -> F:
    """The argument TABLE, completed by the shell from the tables there are."""
    return click.argument("table", metavar="TABLE", shell_complete=_complete)(command)


def optional_table_argument(command: F) -> F:
    """The argument [TABLE] of commands that speak of all tables without it."""
    return click.argument("table", metavar="[TABLE]", required=False, shell_complete=_complete)(
        command
    )
