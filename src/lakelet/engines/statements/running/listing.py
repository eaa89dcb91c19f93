"""Running DESCRIBE and SHOW: what is known of tables without reading their rows."""

from __future__ import annotations

import datetime as dt
import fnmatch
import json
from collections.abc import Sequence
from typing import Any

from lakelet.engines.dialect import TableReference
from lakelet.engines.duckdb_types import from_duckdb
from lakelet.engines.rewrite.target import GENERATED
from lakelet.engines.statements.running.context import Answer, Context
from lakelet.engines.statements.syntax.listing import Describe, ShowOf, ShowTables
from lakelet.errors import SqlError, TableNotFoundError, nearest
from lakelet.lake import LakeTable, TableName
from lakelet.lake.history import Commit
from lakelet.lake.names import SYSTEM_SCHEMA
from lakelet.lake.table import columns_of
from lakelet.lake.tags import TAGS, tags_of

__all__ = ("run_describe", "run_show")

_TEXT = "VARCHAR"
_MAP = "MAP(VARCHAR, VARCHAR)"
_DESCRIBED = (("col_name", _TEXT), ("data_type", _TEXT), ("comment", _TEXT))


def run_describe(context: Context, statement: Describe) -> Answer:
    """Columns, details or history of a table.

    Raises:
        TableNotFoundError: there is none of that name.
    """
    view = _view(context, statement.table)
    if view is not None:
        if statement.what in ("history", "detail"):
            raise SqlError(
                f"{statement.table} is a view over the metadata store; it has no "
                f"{statement.what.upper()}.",
                hint=f"DESCRIBE {statement.table} lists its columns.",
            )
        rows = [(name, from_duckdb(kind).sql, None) for name, kind in view]
        return Answer(_DESCRIBED, rows)
    table = context.lake.table(statement.table)
    if statement.what == "history":
        return _history(table, statement.limit)
    if statement.what == "detail":
        return _detail(table)
    return _columns(table, extended=statement.what == "extended")


def _view(context: Context, name: TableName) -> Sequence[tuple[str, str]] | None:
    """Names and DuckDB types of a view's columns, of those that the session adds to the tables."""
    if name.schema != SYSTEM_SCHEMA or context.lake.state(name) == "there":
        return None
    pinned = context.lent.pin(TableReference((name.schema, name.table), None, None, ""))
    found: Sequence[tuple[str, str]] | None = getattr(pinned, "typed", None)
    return found


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _history(table: LakeTable, limit: int | None) -> Answer:
    def row(commit: Commit) -> tuple[Any, ...]:
        parameters = {name: _text(value) for name, value in commit.parameters.items()}
        return (commit.version, commit.time, commit.operation, parameters, commit.rows)

    columns = (
        ("version", "BIGINT"), ("timestamp", "TIMESTAMPTZ"), ("operation", _TEXT),
        ("operationParameters", _MAP), ("numOutputRows", "BIGINT"),
    )  # fmt: skip
    return Answer(columns, [row(commit) for commit in table.history(limit=limit)])


def _detail(table: LakeTable) -> Answer:
    snapshot = table.open()
    metadata, protocol = snapshot.metadata(), snapshot.protocol()
    sizes = snapshot.get_add_actions().column("size_bytes").to_pylist()
    made = dt.datetime.fromtimestamp((metadata.created_time or 0) / 1000, dt.UTC)
    last = table.history(limit=1)
    columns = (
        ("format", _TEXT), ("id", _TEXT), ("name", _TEXT), ("description", _TEXT),
        ("location", _TEXT), ("createdAt", "TIMESTAMPTZ"), ("lastModified", "TIMESTAMPTZ"),
        ("partitionColumns", "VARCHAR[]"), ("numFiles", "BIGINT"), ("sizeInBytes", "BIGINT"),
        ("properties", _MAP), ("minReaderVersion", "INTEGER"), ("minWriterVersion", "INTEGER"),
    )  # fmt: skip
    row = (
        "delta", str(metadata.id), str(table.name), metadata.description or None, table.location,
        made, last[0].time if last else None, list(metadata.partition_columns), len(sizes),
        sum(sizes), dict(metadata.configuration), protocol.min_reader_version,
        protocol.min_writer_version,
    )  # fmt: skip
    return Answer(columns, [row])


def _columns(table: LakeTable, *, extended: bool) -> Answer:
    snapshot = table.open()
    metadata = snapshot.metadata()
    rows: list[tuple[Any, ...]] = [
        (column.name, column.type.sql, column.comment or None) for column in columns_of(snapshot)
    ]
    if metadata.partition_columns:
        kinds = {name: kind for name, kind, _ in rows}
        rows.append(("# Partition Information", "", ""))
        rows += [(name, kinds[name], None) for name in metadata.partition_columns]
    if extended:
        rows.append(("# Detailed Table Information", "", ""))
        rows += [
            ("Name", str(table.name), ""),
            ("Provider", "delta", ""),
            ("Location", table.location, ""),
            ("Comment", metadata.description or "", ""),
            ("Version", str(snapshot.version()), ""),
        ]
        rows += [
            (f"Not null {column.name}", "true", "")
            for column in columns_of(snapshot)
            if not column.nullable
        ]
        rows += [
            (f"Generated {column.name}", str(dict(column.metadata)[GENERATED]), "")
            for column in columns_of(snapshot)
            if GENERATED in dict(column.metadata)
        ]
        rows += [
            (f"Tag {name}", value, "")
            for name, value in sorted(tags_of(metadata.configuration).items())
        ]
        rows += [
            (name, value, "")
            for name, value in sorted(metadata.configuration.items())
            if name != TAGS
        ]
    return Answer(_DESCRIBED, rows)


def run_show(context: Context, statement: ShowTables | ShowOf) -> Answer:
    """Names of schemas, tables or columns, or a table's properties.

    Raises:
        TableNotFoundError: a table or schema that is not there.
    """
    if isinstance(statement, ShowOf):
        return _show_of(context, statement)
    schemas = context.lake.schemas()
    if statement.what == "schemas":
        rows = [(name,) for name in schemas if _like(name, statement.pattern)]
        return Answer((("databaseName", _TEXT),), rows)
    if statement.schema is not None and statement.schema not in schemas:
        close = nearest(statement.schema, schemas)
        raise TableNotFoundError(
            f"there is no schema {statement.schema}.",
            hint=f"did you mean {close}?" if close else "SHOW SCHEMAS lists what is there.",
        )
    found = [
        (name.schema, name.table, False)
        for name in context.lake.names()
        if statement.schema in (None, name.schema) and _like(name.table, statement.pattern)
    ]
    columns = (("database", _TEXT), ("tableName", _TEXT), ("isTemporary", "BOOLEAN"))
    return Answer(columns, found)


def _like(name: str, pattern: str | None) -> bool:
    """Databricks' pattern of SHOW: ``*`` is anything, ``|`` separates alternatives, no case."""
    if pattern is None:
        return True
    safe = pattern.lower().replace("[", "[[]").replace("?", "[?]")
    return any(fnmatch.fnmatchcase(name.lower(), one) for one in safe.split("|"))


def _show_of(context: Context, statement: ShowOf) -> Answer:
    view = _view(context, statement.table) if statement.what == "columns" else None
    if view is not None:
        return Answer((("col_name", _TEXT),), [(name,) for name, _ in view])
    table = context.lake.table(statement.table)
    if statement.what == "columns":
        return Answer((("col_name", _TEXT),), [(column.name,) for column in table.columns()])
    properties = sorted(table.open().metadata().configuration.items())
    rows = [
        (name, value)
        for name, value in properties
        if statement.key is None or name.lower() == statement.key.lower()
    ]
    return Answer((("key", _TEXT), ("value", _TEXT)), rows)
