"""`lakelet inbox`: what of all raw files waits for a person's decision."""

from __future__ import annotations

from dataclasses import asdict

import click

from lakelet.cli.context import as_json, current_workspace
from lakelet.cli.output import print_json, print_table

__all__ = ("inbox",)


@click.command()
@as_json
def inbox(as_json: bool) -> None:
    """Show the fields of all tables that fit no column and wait for a decision.

    \b
    lakelet inbox
    lakelet rescued bronze.posts --promote tags    decides about one
    """
    found = current_workspace().inbox()
    if as_json:
        print_json([asdict(one) for one in found])
        return
    if not found:
        click.echo("Every value is in a column, or decided about.")
        return
    print_table(
        ("table", "field", "rows", "samples", "last in"),
        [
            (one.table, field.path, field.count, "  ".join(field.samples), field.file)
            for one in found
            for field in one.fields
        ],
    )
    click.echo("`lakelet rescued TABLE` decides.")
