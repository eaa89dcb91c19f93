"""What stands above every tab of a table, and which table and version an address means."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Query

from lakelet.lake import TableName
from lakelet.session.table import Table
from lakelet.web.answer import At, Open

__all__ = ("Head", "Pinned", "TableHead")


@dataclass(frozen=True)
class Head:
    """What stands above every tab of a table.

    Attributes:
        name: ``schema.table``.
        schema: the schema.
        table: the table.
        comment: what it is, if someone said so.
        version: the version shown.
        changed: when it came to be.
        rows: how many rows it has.
        bytes: its size.
        files: how many files.
        pipeline: the pipeline that makes it.
        columns: name, type, whether it may be NULL, comment.
        partition_by: columns whose values are folders.
        constraints: checks by name.
        tags: tags with their values, '' for one that has none.
        route: how its rows are read.
        route_reason: why in that way.
        location: where it lies, from the workspace where it lies in it.
    """

    name: str
    schema: str
    table: str
    comment: str | None
    version: int
    changed: datetime | None
    rows: int
    bytes: int
    files: int
    pipeline: str | None
    columns: list[dict[str, Any]]
    partition_by: list[str]
    constraints: dict[str, str]
    tags: dict[str, str]
    route: str
    route_reason: str
    location: str


Numbered = Annotated[int | None, Query(description="A version; as people see it without it.")]


def pinned(
    workspace: Open, schema: str, table: str, at: At = None, version: Numbered = None
) -> Table:
    """The table of an address, at its version or at the page's moment."""
    found = workspace.table(TableName.of(schema, table))
    if version is not None:
        return found.at(version=version)
    return found if at is None else found.at(at)


Pinned = Annotated[Table, Depends(pinned)]


def head_of(table: Pinned, workspace: Open) -> Head:
    """What stands above the tabs."""
    said = table.describe()
    told = {key: said[key] for key in said if key in Head.__dataclass_fields__}
    told["location"] = said["location"].removeprefix(f"{workspace.folder.root}/")
    return Head(schema=table.qualified.schema, table=table.qualified.table, **told)


TableHead = Annotated[Head, Depends(head_of)]
