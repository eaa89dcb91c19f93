"""`lakelet health` and `maintain`: how tables stand, and one safe clean-up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from lakelet.cli.context import as_json, current_workspace, optional_table_argument
from lakelet.cli.output import print_json, print_table, when
from lakelet.cli.unreadable import Unreadable
from lakelet.workspace.quantities import counted, format_bytes

if TYPE_CHECKING:
    from lakelet.lake.foreseen import Foreseen
    from lakelet.lake.health import Health
    from lakelet.lake.maintenance import Maintained
    from lakelet.session import Workspace

__all__ = ("health", "maintain")


def _as_dict(health: Health) -> dict[str, object]:
    return {
        "table": health.table, "files": health.files, "bytes": health.bytes,
        "small_files": health.small, "expired_files": health.expired,
        "expired_bytes": health.expired_bytes, "stray_files": health.stray,
        "stray_bytes": health.stray_bytes, "pinned_files": health.pinned,
        "pinned_bytes": health.pinned_bytes, "pinned_runs": health.runs, "advice": health.advice,
        "older_versions": [
            {"version": v.version, "time": v.time, "files": v.files, "bytes": v.bytes}
            for v in health.kept
        ],
    }  # fmt: skip


@click.command()
@optional_table_argument
@as_json
def health(table: str | None, as_json: bool) -> None:
    """Show small files, space by version, what pins cost, and files that belong to no version.

    \b
    lakelet health                   every table
    lakelet health bronze.posts
    """
    from lakelet.lake import TableName
    from lakelet.lake.health import examine_table

    workspace = current_workspace()
    unreadable = Unreadable()

    def examine(name: str) -> Health:
        return examine_table(workspace.lake.table(TableName.parse(name)))

    behind = workspace.refresh_runs()
    if behind:
        click.echo(f"What is said of pins may be old: {behind}.", err=True)
    if table is not None:
        found = [examine(table)]
    else:
        found = list(unreadable.skip(workspace.tables(), examine))
    if as_json:
        print_json([*map(_as_dict, found), *unreadable.as_dicts("table")])
    elif found:
        _show_health(workspace, found, table)
    elif not unreadable.errors:
        click.echo("No tables yet.")
    unreadable.end()


def _show_health(workspace: Workspace, found: Sequence[Health], table: str | None) -> None:
    print_table(
        ("table", "files", "size", "small", "older versions", "pinned", "stray", "advice"),
        [
            (h.table, h.files, format_bytes(h.bytes), h.small,
             format_bytes(sum(v.bytes for v in h.kept)),
             format_bytes(h.pinned_bytes) if h.runs else "", h.stray, h.advice or "all is well")
            for h in found
        ],
    )  # fmt: skip
    if table is not None and found[0].kept:
        click.echo("\nSpace that only older versions need, by the version that let go of it:")
        print_table(
            ("version", "time", "files", "size"),
            [(v.version, when(v.time, workspace.time_zone), v.files, format_bytes(v.bytes))
             for v in found[0].kept],
        )  # fmt: skip
    pins = sum(h.pinned_bytes for h in found)
    if pins:
        click.echo(
            f"\n{format_bytes(pins)} are older than the retention and stay because runs are pinned "
            "to them; `lakelet maintain --even-pinned` removes them."
        )
    for one in workspace.foreign():
        if table is None or one["table"] == table.lower():
            click.echo(
                f"{one['table']}: version {one['version']} ({one['operation']}) was committed by "
                f"another program and is not shown; `lakelet update {one['pipeline']} --adopt` "
                "shows it, `--discard` undoes it."
            )
    keep = workspace.folder.settings.lake.retention
    if any(h.advice for h in found):
        click.echo(f"`lakelet maintain` cleans up; versions of the last {keep} stay.")


@click.command()
@optional_table_argument
@click.option("--even-pinned", is_flag=True, help="Remove old versions that runs read, too.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and change nothing.")
@as_json
def maintain(table: str | None, even_pinned: bool, dry_run: bool, as_json: bool) -> None:
    """Merge small files and remove what only versions past the retention needed.

    Nothing that a version younger than [lake] retention needs is touched, and no version that a
    run is pinned to, unless --even-pinned is given.

    \b
    lakelet maintain                 every table
    lakelet maintain bronze.posts --dry-run
    """
    workspace = current_workspace()
    unreadable = Unreadable()
    if dry_run:
        _foresee(workspace, table, unreadable, even_pinned=even_pinned, as_json=as_json)
        return

    def tidy(name: str) -> Maintained:
        return workspace.table(name).maintain(even_pinned=even_pinned)

    names = workspace.tables() if table is None else ()
    done = list(unreadable.skip(names, tidy)) if table is None else [tidy(table)]
    if as_json:
        print_json(
            [*({"table": m.table, "merged": m.merged, "removed": m.removed,
                "before": _as_dict(m.before), "after": _as_dict(m.after)} for m in done),
             *unreadable.as_dicts("table")]
        )  # fmt: skip
    else:
        _show_maintained(done)
    unreadable.end()


def _foresee(
    workspace: Workspace, table: str | None, unreadable: Unreadable, *, even_pinned: bool,
    as_json: bool,
) -> None:  # fmt: skip
    def look(name: str) -> Foreseen:
        return workspace.table(name).foresee_maintenance(even_pinned=even_pinned)

    names = workspace.tables() if table is None else ()
    found = list(unreadable.skip(names, look)) if table is None else [look(table)]
    if as_json:
        print_json([*map(asdict, found), *unreadable.as_dicts("table")])
    for one in () if as_json else found:
        click.echo(
            f"{one.table}: {counted(one.small, 'small file')} would be merged, "
            f"{counted(one.removed, 'file')} ({format_bytes(one.removed_bytes)}) removed"
            + (f"; unreadable then: {_versions(one)}" if one.versions else "")
            + (
                f"; {counted(one.pinned, 'file')} ({format_bytes(one.pinned_bytes)}) stay for runs."
                if one.pinned
                else "."
            )
        )
    if not as_json:
        click.echo("Nothing was changed.")
    unreadable.end()


def _versions(one: Foreseen) -> str:
    ranges = [
        str(first) if first == last else f"{first} to {last}" for first, last in one.version_ranges
    ]
    return f"{'version' if len(one.versions) == 1 else 'versions'} {', '.join(ranges)}"


def _show_maintained(done: Sequence[Maintained]) -> None:
    for one in done:
        freed = one.before.bytes + sum(v.bytes for v in one.before.kept) + one.before.stray_bytes
        freed -= one.after.bytes + sum(v.bytes for v in one.after.kept) + one.after.stray_bytes
        click.echo(
            f"{one.table}: {counted(one.merged, 'small file')} merged, "
            f"{counted(one.removed, 'file')} removed"
            + (f", {format_bytes(freed)} freed" if freed > 0 else "")
            + (f"; {counted(one.after.pinned, 'file')} stay for runs." if one.after.pinned else ".")
        )
