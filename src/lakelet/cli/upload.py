"""`lakelet upload`: files of this machine into a volume, as the page *Files* brings them."""

from __future__ import annotations

from pathlib import Path

import click

from lakelet.cli.bar import bar_of_bytes
from lakelet.cli.context import as_json, current_workspace
from lakelet.cli.output import print_json

__all__ = ("upload",)


@click.command()
@click.argument("files", metavar="FILE…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--to", "folder", default="files:", show_default=True, metavar="VOLUME:FOLDER",
    help="The volume, or a folder in it.",
)  # fmt: skip
@as_json
def upload(files: tuple[Path, ...], folder: str, as_json: bool) -> None:
    """Copy files into a volume, as the page *Files* does with what is dropped on it.

    Nothing is written over: where another file has the name, the new one gets a number. What was
    cut off goes on. Copying them there by other means does as well; loads find them either way.

    \b
    lakelet upload ~/Downloads/posts.jsonl
    lakelet upload 2026/*.csv --to raw:prices
    """
    workspace = current_workspace()
    placed = []
    for file in files:
        with bar_of_bytes(workspace, enabled=not as_json) as progress:
            placed.append(workspace.upload(file, folder, progress=progress))
        if not as_json:
            click.echo(placed[-1])
    if as_json:
        print_json([{"path": path} for path in placed])
