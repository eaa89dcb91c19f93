"""`lakelet files` and `rejected`: where a table's rows came from, and what was no row."""

from __future__ import annotations

import click

from lakelet.cli.context import as_json, current_workspace, table_argument
from lakelet.cli.output import number, print_json, print_table, when

__all__ = ("files", "rejected")


@click.command()
@table_argument
@as_json
def files(table: str, as_json: bool) -> None:
    """List the raw files that went into a table, newest first."""
    workspace = current_workspace()
    found = workspace.table(table).files()
    if as_json:
        print_json(found)
        return
    if not found:
        click.echo(f"No file was loaded into {table}.")
        return
    print_table(
        ("file", "loaded", "kept", "rescued", "rejected", "version", "state"),
        [
            (f["file"], when(f["loaded_at"], workspace.time_zone), f["kept"], f["rescued"],
             f["rejected"], f["version"], f["reason"] or f["state"])
            for f in found
        ],
    )  # fmt: skip


@click.command()
@table_argument
@click.option("--limit", type=int, default=50, show_default=True, help="How many rows.")
@as_json
def rejected(table: str, limit: int, as_json: bool) -> None:
    """Show the rows that were not records: file, line, reason, raw text."""
    workspace = current_workspace()
    handle = workspace.table(table)
    found = handle.rejected(limit=limit)
    if as_json:
        print_json(found)
        return
    if not found:
        click.echo(f"Nothing in the files of {handle.name} was rejected.")
        return
    print_table(
        ("file", "line", "reason", "record"),
        [(r["file"], r["line"], r["reason"], r["record"]) for r in found],
    )
    if len(found) == limit:
        click.echo(f"… the first {number(limit)}; all are in the table {handle.name}__rejected.")
