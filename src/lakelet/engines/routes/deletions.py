"""Rows that deletion vectors take away, as file and position."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import unquote

import duckdb
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from lakelet.engines.routes.bitmaps import DamagedVectorError
from lakelet.engines.routes.data_files import DataFile, table_root
from lakelet.engines.routes.unproven import NotProvenError
from lakelet.engines.routes.vector_log import deleted_positions
from lakelet.errors import UnsupportedTableError
from lakelet.lake.names import literal, quote

__all__ = ("Deletions", "read_deletions")


class Deletions(Protocol):
    """The deleted positions of a snapshot."""

    @property
    def uris(self) -> frozenset[str]:
        """The files that have deleted rows."""

    def fill(self, connection: duckdb.DuckDBPyConnection, table: str) -> None:
        """Create ``table`` (quoted) as a temporary table of ``file`` and ``position``."""


@dataclass(frozen=True, slots=True)
class MaskedRows:
    """Deletion vectors as delta-rs gives them.

    Attributes:
        vectors: an Arrow table of ``filepath`` and ``selection_vector``, one bool a row, False
            where the row is deleted.
        places: for each ``filepath`` the uri DuckDB reads the file by.
    """

    vectors: object
    places: Mapping[str, str]

    @property
    def uris(self) -> frozenset[str]:
        """The files that have deleted rows."""
        return frozenset(self.places.values())

    def fill(self, connection: duckdb.DuckDBPyConnection, table: str) -> None:
        """Unfold the masks into positions."""
        source = "lakelet deletion masks"
        pairs = ", ".join(f"({literal(path)}, {literal(uri)})" for path, uri in self.places.items())
        connection.register(source, self.vectors)
        try:
            connection.execute(
                f"CREATE OR REPLACE TEMP TABLE {table} AS "
                "SELECT uri AS file, place - 1 AS position FROM ("
                "  SELECT filepath, unnest(selection_vector) AS kept, "
                f"   generate_subscripts(selection_vector, 1) AS place FROM {quote(source)}"
                f") JOIN (VALUES {pairs}) AS places(path, uri) ON filepath = path WHERE NOT kept"
            )
        finally:
            connection.unregister(source)


@dataclass(frozen=True, slots=True)
class DecodedRows:
    """Deletion vectors decoded by Lakelet: the deleted positions by uri."""

    positions: Mapping[str, Sequence[int]]

    @property
    def uris(self) -> frozenset[str]:
        """The files that have deleted rows."""
        return frozenset(self.positions)

    def fill(self, connection: duckdb.DuckDBPyConnection, table: str) -> None:
        """Write the positions."""
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} (file VARCHAR, position BIGINT)")
        for uri, places in self.positions.items():
            connection.execute(
                f"INSERT INTO {table} SELECT ?, unnest(?::BIGINT[])", [uri, list(places)]
            )


def read_deletions(
    table: DeltaTable, files: Sequence[DataFile], connection: duckdb.DuckDBPyConnection
) -> Deletions | None:
    """The snapshot's deletion vectors, or None where no file has one.

    ``DeltaTable.count()`` and ``get_add_actions()`` do not know them; this is asked for every
    table, so that no vector goes unnoticed. Where delta-rs declines to give them (widened types,
    a vector beside no row count), they are decoded here.

    Raises:
        NotProvenError: a vector's file is not one of the snapshot's files.
        UnsupportedTableError: a vector is damaged.
    """
    try:
        vectors = table.deletion_vectors().read_all()
    except DeltaError:
        return _decoded(table, files, connection)
    if vectors.num_rows == 0:
        return None
    known = {file.uri for file in files}
    places = {}
    for path in vectors["filepath"].to_pylist():
        places[path] = unquote(path.removeprefix("file://"))
        if places[path] not in known:
            raise NotProvenError(f"a deletion vector belongs to an unknown file {path!r}")
    return MaskedRows(vectors, places)


def _decoded(
    table: DeltaTable, files: Sequence[DataFile], connection: duckdb.DuckDBPyConnection
) -> Deletions | None:
    if "deletionVectors" not in (table.protocol().reader_features or ()):
        return None
    uris = {file.path: file.uri for file in files}
    root = table_root(table.table_uri)
    try:
        found = deleted_positions(root, table.version(), uris, connection)
    except (DamagedVectorError, duckdb.Error) as error:
        raise UnsupportedTableError(
            f"{table.table_uri} at version {table.version()}: its deletion vectors cannot be "
            f"read: {str(error).splitlines()[0]}; nothing was read.",
            hint="bring the damaged file back from a copy.",
        ) from error
    if not found:
        return None
    return DecodedRows({uris[path]: positions for path, positions in found.items()})
