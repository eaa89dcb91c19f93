"""`lakelet history`, `diff` and `restore`: a table through time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from lakelet.cli.context import as_json, current_workspace, table_argument
from lakelet.cli.output import counted, number, print_json, print_table, when

if TYPE_CHECKING:
    from lakelet.session.diff import Diff
    from lakelet.session.pairing import Pairing
    from lakelet.session.restoring import WouldRestore

__all__ = ("diff", "history", "restore")

_SAMPLE = 10
_FILES = 5


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
@click.option(
    "--key", multiple=True, metavar="COLUMN", help="A column that says which rows are the same."
)
@as_json
def diff(table: str, v1: int, v2: int, key: tuple[str, ...], as_json: bool) -> None:
    """Say which rows and columns differ between two versions.

    With --key a row that both have with other values is told as one that changed.

    \b
    lakelet diff bronze.posts 3 7
    lakelet diff bronze.posts 3 7 --key id
    """
    found = current_workspace().table(table).diff(v1, v2)
    pairs = found.paired(key) if key else None
    if as_json:
        print_json(found.as_dict() if pairs is None else _paired_dict(found, pairs))
        return
    told = pairs or found
    for change in found.columns:
        click.echo(f"column {change}")
    changed = "" if pairs is None else f"{counted(pairs.changed, 'row')} changed, "
    added = number(told.added) if pairs else counted(told.added, "row")
    click.echo(f"{changed}{added} added, {number(told.removed)} removed.")
    if pairs is not None:
        _changed(pairs)
    _sample("added", found.added_names, told.added_rows(limit=_SAMPLE), told.added)
    _sample("removed", found.removed_names, told.removed_rows(limit=_SAMPLE), told.removed)
    if max(told.added, told.removed, pairs.changed if pairs else 0) > _SAMPLE:
        click.echo("\n--json gives them all.")


def _paired_dict(found: Diff, pairs: Pairing) -> dict[str, Any]:
    def rows(names: list[str], values: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
        return [dict(zip(names, row, strict=True)) for row in values]

    return {
        "columns": found.columns,
        "key": pairs.key,
        "changed": [
            {
                "before": dict(zip(pairs.names, row.before, strict=True)),
                "after": dict(zip(pairs.names, row.after, strict=True)),
            }
            for row in pairs.changed_rows()
        ],
        "added": rows(found.added_names, pairs.added_rows()),
        "removed": rows(found.removed_names, pairs.removed_rows()),
    }


def _changed(pairs: Pairing) -> None:
    """Rows that changed: of each the cells that differ as ``before -> after``."""
    rows = [
        tuple(
            f"{_said(old)} -> {_said(new)}" if changed else new
            for old, new, changed in zip(row.before, row.after, row.changed, strict=True)
        )
        for row in pairs.changed_rows(limit=_SAMPLE)
    ]
    _sample("changed", pairs.names, rows, pairs.changed)


def _said(value: Any) -> str:
    return "NULL" if value is None else str(value)


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
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
def restore(table: str, to: str, dry_run: bool) -> None:
    """Make a table equal an earlier version; the versions since stay in its history.

    \b
    lakelet restore bronze.posts --to 3
    lakelet restore bronze.posts --to 2026-11-01T12:00 --dry-run
    """
    handle = current_workspace().table(table)
    if dry_run:
        _show_would(handle.name, handle.would_restore(int(to) if to.isdecimal() else to))
        return
    undone = handle.restore(int(to) if to.isdecimal() else to)
    click.echo(f"{handle.name} is as it was at {to}; that is version {handle.version}.")
    if undone:
        click.echo(f"{counted(undone, 'file counts', 'files count')} as not loaded again.")


def _show_would(name: str, found: WouldRestore) -> None:
    click.echo(
        f"{name} would be as it was at version {found.to}: {counted(found.gone, 'row')} would go, "
        f"{counted(found.back, 'row')} would come back. Nothing was changed."
    )
    for one in found.columns:
        click.echo(f"  column {one}")
    for one in found.words:
        click.echo(f"  {one}")
    for fields, what in ((found.asked, "asked about again"), (found.ignored, "ignored again")):
        if fields:
            click.echo(f"  {counted(len(fields), 'rescued field')} would be {what}: "
                       + ", ".join(fields))  # fmt: skip
    if found.files:
        more = ", …" if len(found.files) > _FILES else ""
        click.echo(f"  {counted(len(found.files), 'raw file')} would count as not loaded: "
                   + ", ".join(found.files[:_FILES]) + more)  # fmt: skip
