"""`lakelet init`: a new workspace."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ("init",)


@click.command()
@click.argument("directory", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
def init(directory: Path) -> None:
    """Make a workspace: a commented lakelet.toml, files/ and pipelines/.

    What is there already is left as it is.

    \b
    lakelet init                make the current folder a workspace
    lakelet init my-research    make a new one
    """
    from lakelet.workspace import init_workspace

    workspace, made = init_workspace(directory)
    if not made:
        click.echo(f"{workspace.root} is a workspace already; nothing was changed.")
        return
    click.echo(f"A workspace is in {workspace.root}:")
    for path in made:
        shown = path.relative_to(workspace.root)
        if ".lakelet" not in shown.parts:
            click.echo(f"  {shown}{'/' if path.is_dir() else ''}")
    click.echo("\nPut raw files into files/, then: lakelet load files --into bronze.posts")
