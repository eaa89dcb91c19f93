"""Deciding how a pinned snapshot is read: the fastest route that is provably exact."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from lakelet.engines.routes.columns import Column, column_mapping, read_columns
from lakelet.engines.routes.data_files import (
    DataFile,
    list_files,
    partition_texts,
    table_root,
)
from lakelet.engines.routes.deletions import Deletions, read_deletions
from lakelet.engines.routes.file_source import FileGroup, FilesSource
from lakelet.engines.routes.footers import stored_schemas
from lakelet.engines.routes.hive_folders import folders_agree
from lakelet.engines.routes.proof import Reading, prove
from lakelet.engines.routes.route import EmptySource, Kind, Route
from lakelet.engines.routes.scan_source import ScanSource
from lakelet.engines.routes.unproven import NotProvenError
from lakelet.errors import UnsupportedTableError
from lakelet.lake.small_engine import small_engine

__all__ = ("plan_route",)


def plan_route(table: DeltaTable, connection: duckdb.DuckDBPyConnection | None = None) -> Route:
    """How the pinned snapshot of ``table`` is read exactly.

    Looks at the log and, once a process, at the footer of each data file; reads no rows. A route
    belongs to its snapshot, not to the connection, and can be kept and attached any number of
    times.

    Args:
        table: a snapshot from ``open_snapshot``.
        connection: what reads the footers. A bucket needs one that knows its file system; it is
            left as it is.

    Raises:
        UnsupportedTableError: no route reads the snapshot exactly.
        StorageError: a data file of the snapshot is missing or damaged.
    """
    columns = read_columns(table)
    typed = tuple((column.name, column.sql_type) for column in columns)
    cursor = small_engine() if connection is None else connection.cursor()
    try:
        files = list_files(table)
        if not files:
            return Route("empty", "the table has no files.", typed, EmptySource(typed))
        deletions = read_deletions(table, files, cursor)
        source = _files_source(table, columns, files, deletions, cursor)
    except NotProvenError as doubt:
        reason = f"delta-rs reads it, since {doubt}."
        return Route("scan", reason, typed, ScanSource.of(table, columns, str(doubt)))
    except DeltaError as error:
        raise UnsupportedTableError(
            f"{_named(table)} cannot be read: delta-rs says: {str(error).splitlines()[0]}; "
            "nothing was read.",
            hint="read an older version, or mend the table with the engine that wrote it.",
        ) from error
    finally:
        cursor.close()
    kind, reason = _described(column_mapping(table), deletions)
    return Route(kind, reason, typed, source)


def _described(mapping: str, deletions: Deletions | None) -> tuple[Kind, str]:
    if deletions is not None:
        count = len(deletions.uris)
        return "vectors", f"DuckDB reads its files less the rows deleted in {count} of them."
    if mapping != "none":
        return "mapped", f"DuckDB reads its files, with columns mapped by {mapping}."
    return "files", "a plain table: DuckDB reads its Parquet files directly."


def _files_source(
    table: DeltaTable,
    columns: tuple[Column, ...],
    files: Sequence[DataFile],
    deletions: Deletions | None,
    cursor: duckdb.DuckDBPyConnection,
) -> FilesSource:
    texts = partition_texts(table, columns, cursor)
    uris = [file.uri for file in files]
    values = {name: dict(zip(uris, parts, strict=True)) for name, parts in texts.items()}
    partitions = [column for column in columns if column.partition]
    hive = bool(partitions) and folders_agree(table_root(table.table_uri), partitions, values, uris)
    gone = deletions.uris if deletions else frozenset[str]()
    groups = _groups(_named(table), columns, files, gone, cursor)
    return FilesSource(columns, groups, values, hive, deletions)


def _named(table: DeltaTable) -> str:
    return f"{table.table_uri} at version {table.version()}"


def _groups(
    table: str,
    columns: tuple[Column, ...],
    files: Sequence[DataFile],
    deleted: frozenset[str],
    cursor: duckdb.DuckDBPyConnection,
) -> tuple[FileGroup, ...]:
    """The files by how they are read: nearly always one group."""
    stored = [column for column in columns if not column.partition]
    partitions = {column.name.lower() for column in columns if column.partition}
    grouped: dict[tuple[frozenset[str], bool], list[str]] = {}
    changed: set[tuple[frozenset[str], bool]] = set()
    for schema, alike in stored_schemas(table, files, cursor):
        readings = prove(stored, schema)
        clocks = frozenset(n for n, reading in readings.items() if reading is Reading.UTC_CLOCK)
        unchanged = set(readings.values()) <= {Reading.UNCHANGED} and not any(
            one.name.lower() in partitions for one in schema
        )
        for file in alike:
            key = (clocks, file.uri in deleted)
            grouped.setdefault(key, []).append(file.uri)
            if not unchanged:
                changed.add(key)
    return tuple(
        FileGroup(tuple(uris), key[0], key not in changed, key[1]) for key, uris in grouped.items()
    )
