"""The tables: the tree of the lake, catalog, schema, table, columns, each opened when asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Annotated

from fastapi import Query

from lakelet.errors import LakeletError
from lakelet.lake import TableName
from lakelet.lake.names import SYSTEM_SCHEMA
from lakelet.web.answer import At, Open, add_page
from lakelet.web.failure import RequestError
from lakelet.web.room import Room

__all__ = ("router",)

router = Room(["tables"])
_OPENED = 60
"""Tables up to which all schemas stand open."""
_PAGE = 40
"""Tables of a schema that are opened at once: a millisecond or two each."""


@dataclass(frozen=True)
class SchemaTables:
    """A schema and its tables.

    Attributes:
        schema: its name.
        tables: the names of its tables, companion tables left out.
        open: whether its tables are shown without being asked for.
    """

    schema: str
    tables: list[str]
    open: bool


@dataclass(frozen=True)
class TableTree:
    """The tables of the lake by schema.

    Attributes:
        schemas: those with a table that fits.
        count: how many tables fit.
        find: the letters that names must hold.
    """

    schemas: list[SchemaTables]
    count: int
    find: str


def table_tree(
    workspace: Open,
    find: Annotated[str, Query(description="Letters the names must hold.")] = "",
) -> TableTree:
    """The tables of the lake, by schema."""
    wanted = find.strip().lower()
    names = [name for name in workspace.tables() if not name.is_companion and wanted in str(name)]
    few = len(names) <= _OPENED
    schemas = [
        SchemaTables(
            schema,
            [name.table for name in tables],
            (few or bool(wanted)) and (schema != SYSTEM_SCHEMA or bool(wanted)),
        )
        for schema, tables in groupby(names, key=lambda name: name.schema)
    ]
    schemas.sort(key=lambda one: (one.schema == SYSTEM_SCHEMA, one.schema))
    return TableTree(schemas, len(names), find.strip())


@dataclass(frozen=True)
class TableRow:
    """A table in the list of its schema.

    Attributes:
        name: ``schema.table``.
        version: the version people see.
        changed: when it came to be.
        columns: how many columns it has.
        pipeline: the pipeline that makes it.
        comment: what it is, if someone said so.
        error: why it cannot be read.
    """

    name: str
    version: int | None = None
    changed: datetime | None = None
    columns: int | None = None
    pipeline: str | None = None
    comment: str | None = None
    error: str | None = None


@dataclass(frozen=True)
class SchemaPage:
    """Some tables of a schema.

    Attributes:
        schema: its name.
        tables: the tables.
        following: the number of the first table after these, if there is one.
    """

    schema: str
    tables: list[TableRow]
    following: int | None


def schema_tables(
    workspace: Open,
    schema: str,
    first: Annotated[int, Query(ge=0, description="The number of the first table.")] = 0,
    at: At = None,
) -> SchemaPage:
    """The tables of a schema, forty at a time, with what their logs say."""
    names = [n for n in workspace.tables() if n.schema == schema.lower() and not n.is_companion]
    if not names:
        raise RequestError.not_found(f"there is no schema {schema.lower()[:200]} with a table.")
    shown = names[first : first + _PAGE]
    following = first + _PAGE if first + _PAGE < len(names) else None
    return SchemaPage(schema.lower(), [_row(workspace, name, at) for name in shown], following)


def _row(workspace: Open, name: TableName, at: str | None) -> TableRow:
    try:
        table = workspace.table(name)
        said = (table if at is None else table.at(at)).brief()
        return TableRow(**{key: said[key] for key in said if key != "id"})
    except LakeletError as error:
        return TableRow(str(name), error=error.message)


add_page(router, "/tables", "tables.html", table_tree)
add_page(router, "/tables/{schema}", "schema.html", schema_tables)
add_page(router, "/parts/tables/{schema}", "schema_rows.html", schema_tables, twin=False)
