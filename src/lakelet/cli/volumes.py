"""`lakelet volumes`: folders and buckets with raw files."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from lakelet.cli.context import as_json, current_workspace
from lakelet.cli.output import number, print_json, print_table, when

__all__ = ("volumes",)

_SHOWN = 200


@click.command()
@click.argument("path", metavar="[NAME[/PATH]]", required=False)
@as_json
def volumes(path: str | None, as_json: bool) -> None:
    """List the volumes, or the files of one.

    \b
    lakelet volumes
    lakelet volumes raw/posts
    """
    from lakelet.lake.volumes import volumes as known

    workspace = current_workspace()
    if path is None:
        found = known(workspace.folder)
        if as_json:
            print_json([{"name": name, "location": place} for name, place in found.items()])
        else:
            print_table(("volume", "location"), list(found.items()))
        return
    _list(path, as_json=as_json)


def _list(path: str, *, as_json: bool) -> None:
    from lakelet.lake.storage import storage_for
    from lakelet.lake.volumes import refuse_links_out, resolve_path

    workspace = current_workspace()
    name, _, inside = path.replace(":", "/", 1).partition("/")
    place = resolve_path(workspace.folder, f"{name}:{inside}", base=Path.cwd())
    entries = list(storage_for(workspace.folder, place).files(place))
    refuse_links_out(workspace.folder, f"{name}:{inside}", (entry.path for entry in entries))
    rows = [
        (e.path.removeprefix(place).lstrip("/") or e.path.rsplit("/", 1)[-1], e.size,
         dt.datetime.fromtimestamp(e.modified / 1e6, dt.UTC))
        for e in entries
    ]  # fmt: skip
    if as_json:
        print_json([{"path": p, "size": size, "modified": m} for p, size, m in rows])
        return
    print_table(
        ("path", "bytes", "modified"),
        [(p, size, when(m, workspace.time_zone)) for p, size, m in rows[:_SHOWN]],
    )
    if len(rows) > _SHOWN:
        click.echo(f"… the first {_SHOWN} of {number(len(rows))} files.")
