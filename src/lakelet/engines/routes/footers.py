"""What each Parquet file's footer says it holds, read once a process and remembered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import duckdb

from lakelet.engines.failures import said_by_duckdb
from lakelet.engines.routes.data_files import DataFile
from lakelet.engines.routes.duckdb_types import glob_literal
from lakelet.errors import StorageError

__all__ = ("StoredColumn", "StoredSchema", "stored_schemas")


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """A top-level column of a Parquet file.

    Attributes:
        name: its name in the file.
        sql_type: the type DuckDB reads it as when nobody says otherwise.
        field_id: its field id, or None.
        inner_ids: names and field ids of what is nested in it, depth first.
    """

    name: str
    sql_type: str
    field_id: int | None
    inner_ids: tuple[tuple[str, int | None], ...] = ()


StoredSchema = tuple[StoredColumn, ...]

_REMEMBERED: dict[DataFile, StoredSchema] = {}
# A file of a Delta table never changes under its name, size and time; the bound only keeps a
# process that reads very many tables small.
_MOST_REMEMBERED = 200_000

# One row a distinct schema, not one a file: thousands of files usually share one.
_SCHEMAS = """
SELECT columns, list(file_name) FROM (
    SELECT file_name,
        list((name, coalesce(num_children, 0), duckdb_type, field_id) ORDER BY column_id) AS columns
    FROM parquet_schema(?) GROUP BY file_name
) GROUP BY columns
"""


def stored_schemas(
    table: str, files: Sequence[DataFile], connection: duckdb.DuckDBPyConnection
) -> list[tuple[StoredSchema, list[DataFile]]]:
    """The distinct schemas among ``files``, each with its files in the order given.

    Args:
        table: what an error calls the table.
        files: the files to look into; those seen before are not read again.
        connection: what reads them.

    Raises:
        StorageError: a file is missing or is not a Parquet file.
    """
    unknown = [file for file in files if file not in _REMEMBERED]
    if unknown:
        if len(_REMEMBERED) + len(unknown) > _MOST_REMEMBERED:
            _REMEMBERED.clear()
            unknown = list(files)
        _REMEMBERED.update(_read(table, unknown, connection))
    groups: dict[StoredSchema, list[DataFile]] = {}
    for file in files:
        groups.setdefault(_REMEMBERED[file], []).append(file)
    return list(groups.items())


def _read(
    table: str, files: Sequence[DataFile], connection: duckdb.DuckDBPyConnection
) -> Iterator[tuple[DataFile, StoredSchema]]:
    places = [glob_literal(file.uri) for file in files]
    try:
        rows = connection.execute(_SCHEMAS, [places]).fetchall()
    except duckdb.Error as error:
        raise _unreadable(table, said_by_duckdb(error).splitlines()[0]) from error
    by_uri = {file.uri: file for file in files}
    for elements, names in rows:
        schema = tuple(_top_level(elements))
        for name in names:
            yield by_uri.pop(name), schema
    if by_uri:
        raise _unreadable(table, f"{next(iter(by_uri))} has no footer")


def _unreadable(table: str, what: str) -> StorageError:
    return StorageError(
        f"{table}: a data file of this version is missing or damaged ({what}); nothing was read.",
        hint="a removed file comes back only from a copy; another version may not need it.",
    )


def _top_level(elements: list[tuple[str, int, str, int | None]]) -> Iterable[StoredColumn]:
    """The root's children out of Parquet's depth-first list of schema elements."""
    position = 1
    while position < len(elements):
        end = _subtree_end(elements, position)
        name, _, sql_type, field_id = elements[position]
        inner = tuple((e[0], e[3]) for e in elements[position + 1 : end])
        yield StoredColumn(name, sql_type, field_id, inner)
        position = end


def _subtree_end(elements: list[tuple[str, int, str, int | None]], start: int) -> int:
    pending, position = 1, start
    while pending:
        pending += elements[position][1] - 1
        position += 1
    return position
