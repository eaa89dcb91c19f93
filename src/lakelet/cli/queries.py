"""`lakelet queries`: SQL that is kept in the folder ``queries``."""

from __future__ import annotations

import sys

import click

from lakelet.cli.context import as_json, current_workspace
from lakelet.cli.output import print_json, print_table, when

__all__ = ("queries",)


@click.command()
@click.argument("letters", required=False, default="")
@click.option("--show", metavar="NAME", help="Print one, as it is kept.")
@click.option("--save", nargs=2, metavar="NAME SQL", help="Keep one; - reads the SQL from stdin.")
@click.option("--over", is_flag=True, help="With --save: also over one of that name.")
@click.option("--rename", nargs=2, metavar="OLD NEW", help="Give one another name.")
@click.option("--delete", metavar="NAME", help="Remove one; its file is gone then.")
@as_json
def queries(
    letters: str, show: str | None, save: tuple[str, str] | None, over: bool,
    rename: tuple[str, str] | None, delete: str | None, as_json: bool,
) -> None:  # fmt: skip
    """List the queries that are kept, or those that hold some letters; keep, rename, remove one.

    Each is a file of the folder `queries`, which the SQL page opens and saves too.

    \b
    lakelet queries
    lakelet queries --save top-posts "SELECT * FROM bronze.posts ORDER BY score DESC"
    lakelet sql "$(lakelet queries --show top-posts)"
    lakelet queries --rename top-posts best-posts
    """
    if sum(one is not None for one in (show, save, rename, delete)) > 1:
        raise click.UsageError("one of --show, --save, --rename and --delete at a time.")
    if over and save is None:
        raise click.UsageError("--over goes with --save.")
    workspace = current_workspace()
    if show is not None:
        click.echo(workspace.saved_query(show).text, nl=False)
    elif save is not None:
        name, text = save
        workspace.save_query(name, sys.stdin.read() if text == "-" else text, over=over)
        click.echo(f"Kept as queries/{name}.sql.")
    elif rename is not None:
        workspace.rename_query(*rename)
        click.echo(f"queries/{rename[0]}.sql is now queries/{rename[1]}.sql.")
    elif delete is not None:
        workspace.delete_query(delete)
        click.echo(f"queries/{delete}.sql is gone.")
    else:
        found = workspace.saved_queries(letters)
        if as_json:
            print_json([{"name": q.name, "text": q.text, "changed": q.changed} for q in found])
        elif found:
            print_table(
                ("query", "changed", "begins"),
                [(q.name, when(q.changed, workspace.time_zone), q.text.strip().split("\n")[0][:80])
                 for q in found],
            )  # fmt: skip
        else:
            what = f"No query holds {letters!r}." if letters else "No query is kept."
            click.echo(f'{what} `lakelet queries --save NAME "SELECT …"` keeps one.')
