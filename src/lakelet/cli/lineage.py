"""`lakelet lineage`: what a table or column comes from, and what comes from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from lakelet.cli.context import as_json, current_workspace
from lakelet.cli.output import print_json

if TYPE_CHECKING:
    from lakelet.session import Workspace

__all__ = ("lineage",)


@click.command()
@click.argument("name", metavar="TABLE[.COLUMN]")
@click.option(
    "--upstream", "direction", flag_value="upstream", default=True, help="What it is from."
)
@click.option("--downstream", "direction", flag_value="downstream", help="What is from it.")
@as_json
def lineage(name: str, direction: str, as_json: bool) -> None:
    """Show what a table, or one of its columns, comes from.

    Pipelines are followed, and statements that make tables from others.

    \b
    lakelet lineage gold.claims
    lakelet lineage gold.claims.score
    lakelet lineage bronze.posts --downstream
    """
    workspace = current_workspace()
    found = workspace.lineage(name, direction)  # type: ignore[arg-type]
    if as_json:
        print_json(found)
        return
    if not found and name.count(".") > 1 and direction == "upstream":
        table = name.rpartition(".")[0]
        found = workspace.lineage(table, direction)  # type: ignore[arg-type]
        if found:
            click.echo(f"{name} comes from no single column that could be followed.")
            name = table
    if not found:
        click.echo(f"{name}: {_nothing(workspace, name, direction)}")
        return
    click.echo(name)
    end = "source" if direction == "upstream" else "target"
    for edge, before in zip(found, _branches([edge["depth"] for edge in found]), strict=True):
        column = edge[f"{end}_column"]
        click.echo(before + edge[end] + (f".{column}" if column else ""))


def _nothing(workspace: Workspace, name: str, direction: str) -> str:
    """Why nothing is told of a table, or of one of its columns."""
    if direction == "downstream":
        return "no pipeline and no statement says what comes from it."
    table = ".".join(name.split(".")[:2])
    pipeline = workspace.table(table).describe()["pipeline"]
    if pipeline is None:
        return "no pipeline and no statement says what it comes from."
    return f"pipeline {pipeline} makes it, and names no table that it reads for it."


def _branches(depths: Sequence[int]) -> list[str]:
    """What stands before each line of a tree, from the depths of its lines."""
    more: dict[int, bool] = {}
    found: list[str] = []
    # From the end: whether a line of the same depth follows under the same parent.
    for depth in reversed(depths):
        trunk = "".join("│  " if more.get(level) else "   " for level in range(depth))
        found.append(trunk + ("├─ " if more.get(depth) else "└─ "))
        more = {level: more.get(level, False) for level in range(depth)} | {depth: True}
    return found[::-1]
