"""`lakelet history`, `diff` and `restore`: a table through time."""

from __future__ import annotations

from typing import Any

import click

from lakelet.cli.context import as_json, current_workspace, table_argument
from lakelet.cli.output import counted, number, print_json, print_table, when

__all__ = ("diff", "history", "restore")

_SAMPLE = 10


@click.command()
@table_argument
@click.option(
    "--limit", type=click.IntRange(1), default=50, show_default=True, help="How many commits."
)
@as_json
def history(table: str, limit: int, as_json: bool) -> None:
    """List a table's versions, the newest first.

    \b
    lakelet history bronze.posts
    lakelet history bronze.posts --limit 5
    """
    workspace = current_workspace()
    commits = workspace.table(table).history(limit=limit)
    if as_json:
        print_json(
            [
                {"version": c.version, "time": c.time, "operation": c.operation, "rows": c.rows,
                 "parameters": c.parameters}
                for c in commits
            ]
        )  # fmt: skip
        return
    print_table(
        ("version", "time", "operation", "rows added", "detail"),
        [
            (c.version, when(c.time, workspace.time_zone), c.operation,
             "" if c.rows is None else number(c.rows), c.detail)
            for c in commits
        ],
    )  # fmt: skip


@click.command()
@table_argument
@click.argument("v1", type=int)
@click.argument("v2", type=int)
@as_json
def diff(table: str, v1: int, v2: int, as_json: bool) -> None:
    """Say which rows and columns differ between two versions.

    \b
    lakelet diff bronze.posts 3 7
    """
    found = current_workspace().table(table).diff(v1, v2)
    if as_json:
        print_json(found.as_dict())
        return
    for change in found.columns:
        click.echo(f"column {change}")
    click.echo(f"{counted(found.added, 'row')} added, {number(found.removed)} removed.")
    _sample("added", found.added_names, found.added_rows(limit=_SAMPLE), found.added)
    _sample("removed", found.removed_names, found.removed_rows(limit=_SAMPLE), found.removed)
    if max(found.added, found.removed) > _SAMPLE:
        click.echo("\n--json gives them all.")


def _sample(title: str, names: list[str], rows: list[tuple[Any, ...]], count: int) -> None:
    if not rows:
        return
    click.echo(f"\n{title}:")
    print_table(names, rows)
    if count > len(rows):
        click.echo(f"… {number(count - len(rows))} more")


@click.command()
@table_argument
@click.option("--to", required=True, metavar="VERSION|TIMESTAMP", help="What it shall equal again.")
def restore(table: str, to: str) -> None:
    """Make a table equal an earlier version; the versions since stay in its history.

    \b
    lakelet restore bronze.posts --to 3
    lakelet restore bronze.posts --to 2026-11-01T12:00
    """
    handle = current_workspace().table(table)
    undone = handle.restore(int(to) if to.isdecimal() else to)
    click.echo(f"{handle.name} is as it was at {to}; that is version {handle.version}.")
    if undone:
        click.echo(f"{counted(undone, 'file counts', 'files count')} as not loaded again.")
