"""A snapshot's data files: where each is, what it holds in partition columns, what is deleted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

import duckdb
from deltalake import DeltaTable
from deltalake.schema import PrimitiveType

from lakelet.engines.routes.columns import Column
from lakelet.engines.routes.unproven import NotProvenError
from lakelet.errors import UnsupportedTableError
from lakelet.lake.names import quote

__all__ = ("DataFile", "list_files", "partition_texts", "table_root")

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")


@dataclass(frozen=True, slots=True)
class DataFile:
    """One Parquet file of a snapshot.

    Attributes:
        path: its path as the log spells it.
        uri: its place as DuckDB opens it: a local path, or the bucket's URL; nothing escaped.
        size: bytes, from the log.
        modified: milliseconds since 1970, from the log; with uri and size it names one content.
    """

    path: str
    uri: str
    size: int
    modified: int


def list_files(table: DeltaTable) -> tuple[DataFile, ...]:
    """Every file of the snapshot, in the log's order.

    Places are built from the add actions here, since ``file_uris()`` joins absolute paths to the
    table's root and leaves a root's own escapes in place. (Delta Transaction Log Protocol, "Add
    File": a path is a relative or absolute URI, percent-encoded once.)

    Raises:
        NotProvenError: a path is not plainly one place.
        UnsupportedTableError: one file is added twice.
    """
    adds = table.get_add_actions()
    root = table_root(table.table_uri)
    files = tuple(
        DataFile(path, _place(root, path), size, modified)
        for path, size, modified in zip(
            adds["path"].to_pylist(),
            adds["size_bytes"].to_pylist(),
            adds["modification_time"].to_pylist(),
            strict=True,
        )
    )
    if len({file.uri for file in files}) < len(files):
        # delta-rs' scan mixes the two up, so there is no other route to send this to.
        raise UnsupportedTableError(
            f"{table.table_uri} at version {table.version()}: its log adds one file twice without "
            "removing it; nothing was read.",
            hint="restore an older version, with the engine that wrote it.",
        )
    return files


def table_root(table_uri: str) -> str:
    """The table's folder, unescaped and ending in a slash, as DuckDB opens it."""
    local = table_uri.startswith("file://")
    root = unquote(table_uri.removeprefix("file://")) if local else unquote(table_uri)
    return root.rstrip("/") + "/"


def _place(root: str, path: str) -> str:
    if "?" in path or "#" in path:
        raise NotProvenError(f"the path {path!r} holds an unescaped ? or #")
    if not path.startswith("/") and not _SCHEME.match(path):
        return root + unquote(path)
    if path.startswith("file:"):
        return unquote(re.sub(r"^file:(//)?(?=/)", "", path))
    return unquote(path)


def partition_texts(
    table: DeltaTable, columns: Sequence[Column], connection: duckdb.DuckDBPyConnection
) -> dict[str, list[str | None]]:
    """For each partition column, each file's value as text that DuckDB casts back exactly.

    delta-rs has parsed the values by the column's type, and taken the empty text for NULL, as
    the protocol says for every type ("Partition Value Serialization").

    Args:
        table: the snapshot.
        columns: all its columns.
        connection: a cursor of its own: its zone is set to UTC.
    """
    wanted = [column for column in columns if column.partition]
    if not wanted:
        return {}
    adds = table.get_add_actions()
    connection.execute("SET SESSION TimeZone = 'UTC'")
    name = "lakelet add actions"
    connection.register(name, adds)
    try:
        texts = ", ".join(_text_of(column) for column in wanted)
        rows = connection.execute(f"SELECT {texts} FROM {quote(name)}").fetchall()
    finally:
        connection.unregister(name)
    values: list[list[str | None]] = [list(part) for part in zip(*rows, strict=True)]
    return {column.name: part for column, part in zip(wanted, values, strict=True)}


def _text_of(column: Column) -> str:
    value = f"partition.{quote(column.name)}"
    if column.delta_type == PrimitiveType("binary"):
        # delta-rs writes bytes as \\u00XX and forgets to undo it when reading; other writers put
        # the bytes themselves into the text.
        escaped = f"regexp_full_match(decode({value}), '(\\\\u00[0-9A-Fa-f]{{2}})+')"
        value = (
            f"CASE WHEN {escaped} THEN unhex(replace(decode({value}), '\\u00', '')) "
            f"ELSE {value} END"
        )
    return f"CAST({value} AS VARCHAR)"
