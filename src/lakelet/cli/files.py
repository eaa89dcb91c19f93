"""`lakelet files` and `rejected`: where a table's rows came from, and what was no row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from lakelet.cli.context import as_json, current_workspace, table_argument
from lakelet.cli.output import counted, number, print_json, print_table, when
from lakelet.cli.reading import interruptible, one_of, parse_given, reading_options

if TYPE_CHECKING:
    from lakelet.session.table import Table

__all__ = ("files", "rejected")


@click.command()
@table_argument
@as_json
def files(table: str, as_json: bool) -> None:
    """List the raw files that went into a table, newest first.

    \b
    lakelet files bronze.posts
    """
    workspace = current_workspace()
    found = workspace.table(table).files()
    if as_json:
        print_json(found)
        return
    if not found:
        click.echo(f"No file was loaded into {table}.")
        return
    print_table(
        ("file", "batch", "loaded", "kept", "rescued", "rejected", "version", "state"),
        [
            (f["file"], f["batch"], when(f["loaded_at"], workspace.time_zone), f["kept"],
             f["rescued"], f["rejected"], f["version"], _state(f))
            for f in found
        ],
    )  # fmt: skip


def _state(file: dict[str, Any]) -> str:
    if file["replaced_by"] is not None:
        return f"replaced by {file['replaced_by']}"
    return str(file["reason"] if file["state"] == "quarantined" else file["state"])


@click.command()
@table_argument
@click.option("--limit", type=int, default=50, show_default=True, help="How many rows.")
@click.option("--retry", is_flag=True, help="Try them again, with today's hints and options.")
@reading_options
@as_json
def rejected(
    table: str, limit: int, retry: bool, format_: str | None, hints: str,
    options: tuple[str, ...], evolve: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Show the rows that were not records: file, line, reason, raw text.

    With --retry they are read from their files once more, as they were loaded but for the options
    given; those that are records now become rows of the table.

    \b
    lakelet rejected bronze.posts
    lakelet rejected bronze.posts --retry --option encoding=latin-1
    lakelet rejected bronze.prices --retry --option "quote='" --hints "price DECIMAL(18,2)"
    """
    handle = current_workspace().table(table)
    given = parse_given(format_, options)
    if retry:
        _retry(handle, hints, given, one_of(evolve, "evolve"), as_json=as_json)
        return
    if hints or given or evolve:
        raise click.UsageError("--format, --hints, --option and --evolve go with --retry.")
    found = handle.rejected(limit=limit)
    if as_json:
        print_json(found)
        return
    if not found:
        click.echo(f"Nothing in the files of {handle.name} is rejected.")
        return
    print_table(
        ("file", "line", "reason", "record"),
        [(r["file"], r["line"], r["reason"], r["record"]) for r in found],
    )
    if len(found) == limit:
        click.echo(f"… the first {number(limit)}; all are in the table {handle.name}__rejected.")


def _retry(
    table: Table, hints: str, options: dict[str, object], evolve: str | None, *, as_json: bool
) -> None:
    with interruptible() as stop:
        report = table.retry_rejected(hints=hints, options=options, evolve=evolve, stop=stop)
    if as_json:
        print_json(
            {
                "table": report.table, "tried": report.tried, "kept": report.kept,
                "rescued": report.rescued, "rejected": report.rejected, "gone": report.gone,
                "new_columns": {c.name: c.type.sql for c in report.new_columns},
                "version": report.version,
            }
        )  # fmt: skip
        return
    made = "nothing changed" if report.version is None else f"version {report.version}"
    click.echo(
        f"{report.table} ({made}): of {counted(report.tried, 'rejected row')} tried again, "
        f"{number(report.kept)} {'is a row' if report.kept == 1 else 'are rows'} now and "
        f"{number(report.rejected)} {'stays' if report.rejected == 1 else 'stay'} rejected."
    )
    for column in report.new_columns:
        click.echo(f"  new column {column.name} {column.type.sql}")
    for name, rows in report.gone.items():
        click.echo(f"{name} is not what was loaded any more; its {counted(rows, 'row')} stay.")
    if report.gone:
        click.echo("  lakelet load … --on-changed replace   loads files that were mended")
    if report.rejected:
        click.echo(f"  lakelet rejected {report.table}   shows what is no record, and why")
