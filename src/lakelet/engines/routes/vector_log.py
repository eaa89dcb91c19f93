"""Deletion vectors read from the log by Lakelet itself, where delta-rs declines to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import duckdb

from lakelet.engines.routes.bitmaps import (
    DamagedVectorError,
    decode_positions,
    decode_z85,
    stored_vector,
)
from lakelet.engines.routes.duckdb_types import glob_literal
from lakelet.engines.routes.log_files import log_segment

__all__ = ("deleted_positions",)

_VECTOR = (
    'STRUCT(storageType VARCHAR, pathOrInlineDv VARCHAR, "offset" INTEGER, '
    "sizeInBytes INTEGER, cardinality BIGINT)"
)
# A checkpoint written without vectors lacks their fields; asked for by schema they are NULL.
_CHECKPOINT = (
    'SELECT "add".path, to_json("add".deletionVector), sidecar.path FROM read_parquet(?, '
    f"schema=MAP {{'add': {{name: 'add', type: 'STRUCT(path VARCHAR, deletionVector {_VECTOR})', "
    "default_value: NULL}, 'sidecar': {name: 'sidecar', type: 'STRUCT(path VARCHAR)', "
    'default_value: NULL}}) WHERE "add".path IS NOT NULL OR sidecar.path IS NOT NULL'
)
_LARGEST_LINE = 1 << 30
_COMMIT = (
    "SELECT json ->> '$.add.path', json -> '$.add.deletionVector', json ->> '$.sidecar.path' "
    f"FROM read_ndjson_objects(?, maximum_object_size={_LARGEST_LINE}) "
    "WHERE json_exists(json, '$.add') OR json_exists(json, '$.sidecar')"
)


@dataclass(frozen=True, slots=True)
class _Added:
    path: str
    vector: Mapping[str, Any] | None


def deleted_positions(
    root: str,
    version: int,
    paths: Iterable[str],
    connection: duckdb.DuckDBPyConnection,
) -> dict[str, list[int]]:
    """The deleted positions of each active file that has a deletion vector.

    Which files are active is known from delta-rs; of each, the newest add action carries its
    vector ("Action Reconciliation").

    Args:
        root: the table's folder as DuckDB opens it, ending in a slash.
        version: the snapshot's version.
        paths: the active files' paths as the log spells them.
        connection: reads the log and the vector files.

    Raises:
        DamagedVectorError: a vector's bytes contradict its checksum or descriptor, or the log
            does not hold an active file.
    """
    missing = set(paths)
    found: dict[str, list[int]] = {}
    for added in _newest_first(root, version, connection):
        if added.path not in missing:
            continue
        missing.discard(added.path)
        if added.vector is not None:
            found[added.path] = _decode(root, added.vector, connection)
    if missing:
        raise DamagedVectorError(f"the log does not hold the active file {min(missing)!r}")
    return found


def _newest_first(
    root: str, version: int, connection: duckdb.DuckDBPyConnection
) -> Iterator[_Added]:
    segment = log_segment(root, version, connection)
    for commit in reversed(segment.commits):
        yield from _actions(commit, root, connection)
    for part in segment.checkpoint:
        yield from _actions(part, root, connection)


def _actions(path: str, root: str, connection: duckdb.DuckDBPyConnection) -> Iterator[_Added]:
    query = _COMMIT if path.endswith(".json") else _CHECKPOINT
    for added, vector, sidecar in connection.execute(query, [[glob_literal(path)]]).fetchall():
        if sidecar is not None:
            place = sidecar if "/" in sidecar else f"{root}_delta_log/_sidecars/{unquote(sidecar)}"
            yield from _actions(place, root, connection)
        elif added is not None:
            yield _Added(added, json.loads(vector) if vector else None)


def _decode(
    root: str, vector: Mapping[str, Any], connection: duckdb.DuckDBPyConnection
) -> list[int]:
    kind, text, size = vector["storageType"], vector["pathOrInlineDv"], vector["sizeInBytes"]
    if kind == "i":
        data = decode_z85(text)[:size]
    else:
        if kind == "u":
            name = UUID(bytes=decode_z85(text[-20:]))
            prefix = f"{text[:-20]}/" if len(text) > 20 else ""
            place = f"{root}{prefix}deletion_vector_{name}.bin"
        elif kind == "p":
            place = unquote(text.removeprefix("file://"))
        else:
            raise DamagedVectorError(f"a deletion vector is stored in an unknown way, {kind!r}")
        data = stored_vector(_bytes_of(place, connection), vector.get("offset") or 0, size)
    return decode_positions(data, vector["cardinality"])


def _bytes_of(place: str, connection: duckdb.DuckDBPyConnection) -> bytes:
    try:
        row = connection.execute(
            "SELECT content FROM read_blob(?)", [glob_literal(place)]
        ).fetchone()
    except duckdb.Error as error:
        raise DamagedVectorError(f"the vector file {place} cannot be read") from error
    if row is None:
        raise DamagedVectorError(f"the vector file {place} is missing")
    return bytes(row[0])
