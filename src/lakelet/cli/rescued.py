"""`lakelet rescued`: surprising fields, and what to do about them."""

from __future__ import annotations

import click

from lakelet.cli.context import as_json, current_workspace, table_argument
from lakelet.cli.output import counted, number, print_json, print_table
from lakelet.session.table import Table
from lakelet.workspace.quantities import format_bytes

__all__ = ("rescued",)


@click.command()
@table_argument
@click.argument("kind", metavar="[TYPE]", required=False)
@click.option("--promote", metavar="FIELD", help="Make a column of it [of TYPE], back-filled.")
@click.option("--widen", nargs=2, metavar="COLUMN TYPE", help="Give a column a wider type.")
@click.option("--map", "map_", nargs=2, metavar="FIELD COLUMN", help="Let it fill a column.")
@click.option("--ignore", metavar="FIELD", help="Ask no more about it; its values stay.")
@click.option("--dry-run", is_flag=True, help="Say what a decision would do, and change nothing.")
@as_json
def rescued(
    table: str, kind: str | None, promote: str | None, widen: tuple[str, str] | None,
    map_: tuple[str, str] | None, ignore: str | None, dry_run: bool, as_json: bool,
) -> None:  # fmt: skip
    """Show values that fit no column, by field; or decide about a field.

    A decision adds or widens the column and back-fills it from what was rescued.

    \b
    lakelet rescued bronze.posts
    lakelet rescued bronze.posts --promote tags "ARRAY<STRING>"
    lakelet rescued bronze.posts --widen score DOUBLE --dry-run
    lakelet rescued bronze.posts --map Author author
    lakelet rescued bronze.posts --ignore debug
    """
    if sum(given is not None for given in (promote, widen, map_, ignore)) > 1:
        raise click.UsageError("one decision at a time.")
    if kind is not None and promote is None:
        raise click.UsageError(f"{kind!r}: a TYPE belongs to --promote FIELD.")
    handle = current_workspace().table(table)
    if dry_run:
        _propose(handle, promote, kind, widen, map_)
        return
    if promote is not None:
        decision = handle.promote(promote, kind)
    elif widen is not None:
        decision = handle.widen(*widen)
    elif map_ is not None:
        decision = handle.map_field(*map_)
    elif ignore is not None:
        count = handle.ignore(ignore)
        click.echo(f"{ignore} is ignored; {counted(count, 'value')} left in _rescued_data.")
        return
    else:
        _list(handle, as_json=as_json)
        return
    click.echo(
        f"{decision.column} {decision.type}: {counted(decision.filled, 'value')} moved there, "
        f"{number(decision.left)} still do not fit. That is version {decision.version}."
    )


def _propose(
    handle: Table, promote: str | None, kind: str | None, widen: tuple[str, str] | None,
    map_: tuple[str, str] | None,
) -> None:  # fmt: skip
    if promote is not None:
        would = handle.propose("promote", promote, kind=kind)
    elif widen is not None:
        would = handle.propose("widen", widen[0], column=widen[0], kind=widen[1])
    elif map_ is not None:
        would = handle.propose("map", map_[0], column=map_[1])
    else:
        raise click.UsageError("--dry-run goes with --promote, --widen or --map.")
    of = "" if would.looked_at == would.rows else " looked at"
    click.echo(
        f"{would.column} {would.type} would take {number(would.fits)} of "
        f"{counted(would.looked_at, 'value')}{of}; {counted(would.files, 'data file')} "
        f"({format_bytes(would.bytes)}) would be written anew. Nothing was changed."
    )


def _list(handle: Table, *, as_json: bool) -> None:
    fields = handle.rescued()
    if as_json:
        print_json(
            [
                {"field": f.path, "rows": f.count, "samples": list(f.samples),
                 "column": f.column, "ignored": f.ignored}
                for f in fields
            ]
        )  # fmt: skip
        return
    shown = [f for f in fields if not f.ignored]
    if not shown:
        click.echo(f"Every value of {handle.name} is in its column.")
    else:
        print_table(
            ("field", "rows", "samples", "column"),
            [(f.path, f.count, "  ".join(f.samples), f.column or "") for f in shown],
        )
        click.echo(
            "--promote FIELD, --widen COLUMN TYPE, --map FIELD COLUMN or --ignore FIELD decides."
        )
    if hidden := len(fields) - len(shown):
        click.echo(f"{hidden} ignored.")
