"""`lakelet tables`, `show` and `attach`: what is in the lake."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from lakelet.cli.context import as_json, current_workspace, table_argument
from lakelet.cli.output import counted, number, print_json, print_table, when
from lakelet.cli.unreadable import Unreadable

if TYPE_CHECKING:
    from lakelet.session import Workspace

__all__ = ("attach", "show", "tables")


@click.command()
@click.option("--dropped", is_flag=True, help="Those that were dropped and can be brought back.")
@as_json
def tables(dropped: bool, as_json: bool) -> None:
    """List the tables of the lake.

    \b
    lakelet tables
    lakelet tables --dropped
    lakelet sql "UNDROP TABLE bronze.posts"        brings one back
    """
    workspace = current_workspace()
    if dropped:
        _dropped(workspace, as_json=as_json)
        return
    unreadable = Unreadable()
    found = list(unreadable.skip(workspace.tables(), lambda name: workspace.table(name).summary()))
    if as_json:
        print_json([*found, *unreadable.as_dicts("name")])
    elif found:
        print_table(
            ("table", "rows", "version", "size", "changed"),
            [
                (
                    s["name"],
                    s["rows"],
                    s["version"],
                    s["size"],
                    when(s["changed"], workspace.time_zone),
                )
                for s in found
            ],
        )
    elif not unreadable.errors:
        click.echo("No tables yet. lakelet load files/posts --into bronze.posts makes one.")
    unreadable.end()


def _dropped(workspace: Workspace, *, as_json: bool) -> None:
    found = workspace.dropped()
    if as_json:
        print_json([asdict(one) for one in found])
    elif found:
        print_table(
            ("table", "dropped", "by"),
            [
                (one.name, "" if one.time is None else when(one.time, workspace.time_zone),
                 one.user or "")
                for one in found
            ],
        )  # fmt: skip
    else:
        click.echo("No table was dropped.")


@click.command()
@table_argument
@as_json
def show(table: str, as_json: bool) -> None:
    """Show a table: columns, rows, size, how it is read and why.

    \b
    lakelet show bronze.posts
    """
    from lakelet.session.views import describe_view

    workspace = current_workspace()
    view = describe_view(workspace, table)
    facts = view or workspace.table(table).describe()
    if as_json:
        print_json(facts)
        return
    if view is None:
        _facts(facts, workspace.time_zone)
    else:
        click.echo(click.style(facts["name"], bold=True) + f"\n{facts['comment']}")
    click.echo()
    # Those the loader fills come last, also before columns that were added later.
    columns = sorted(facts["columns"], key=lambda c: c["name"] in ("_rescued_data", "_metadata"))
    print_table(
        ("column", "type", "null", "comment"),
        [(c["name"], c["type"], "" if c["nullable"] else "NOT NULL", c["comment"] or "")
         for c in columns],
    )  # fmt: skip
    if facts.get("constraints"):
        click.echo()
        print_table(("constraint", "condition"), list(facts["constraints"].items()))


def _facts(facts: dict[str, Any], zone: str) -> None:
    click.echo(click.style(facts["name"], bold=True))
    if facts["comment"]:
        click.echo(facts["comment"])
    lines = [
        ("rows", number(facts["rows"])),
        ("size", f"{facts['size']} in {counted(facts['files'], 'file')}"),
        ("version", f"{facts['version']}, {when(facts['changed'], zone)}"),
        ("partitioned by", ", ".join(facts["partition_by"])),
        ("location", facts["location"]),
        ("pipeline", facts["pipeline"] or ""),
        ("tags", ", ".join(f"{k}={v}" if v else k for k, v in sorted(facts["tags"].items()))),
        ("read by", f"{facts['route']}: {facts['route_reason']}"),
    ]
    for label, text in lines:
        if text:
            click.echo(f"  {label:<15} {text}")


@click.command()
@click.argument("path", metavar="PATH")
@click.option("--name", required=True, metavar="SCHEMA.TABLE", help="The name it gets here.")
def attach(path: str, name: str) -> None:
    """Adopt a Delta table anywhere, in place, without copying.

    \b
    lakelet attach ../old/lake/posts --name archive.posts
    """
    from pathlib import Path

    from lakelet.lake import TableName
    from lakelet.lake.volumes import resolve_path

    workspace = current_workspace()
    place = resolve_path(workspace.folder, path, base=Path.cwd())
    workspace.lake.attach(TableName.parse(name), place)
    facts = workspace.table(name).describe()
    click.echo(
        f"{facts['name']} is the table in {facts['location']}: {counted(facts['rows'], 'row')}."
    )
    click.echo("It stays where it is; DROP TABLE only forgets the name.")
