"""Rows that deletion vectors take away, as file and position."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

import duckdb
from deltalake import DeltaTable

from lakelet.engines.routes.duckdb_types import quote_name, quote_text
from lakelet.engines.routes.unproven import NotProvenError

__all__ = ("Deletions", "read_deletions")


@dataclass(frozen=True, slots=True)
class Deletions:
    """The deletion vectors of a snapshot.

    Attributes:
        vectors: an Arrow table of ``filepath`` and ``selection_vector``, one bool a row, False
            where the row is deleted.
        uris: for each ``filepath`` the uri DuckDB reads the file by.
    """

    vectors: object
    uris: tuple[tuple[str, str], ...]

    def materialize(self, connection: duckdb.DuckDBPyConnection, label: str) -> str:
        """Make the temporary table of deleted positions; gives its name as SQL text."""
        source = quote_name(f"lakelet vectors of {label}")
        name = f"temp.main.{quote_name(f'lakelet deletions of {label}')}"
        pairs = ", ".join(f"({quote_text(path)}, {quote_text(uri)})" for path, uri in self.uris)
        connection.register(f"lakelet vectors of {label}", self.vectors)
        try:
            connection.execute(
                f"CREATE OR REPLACE TEMP TABLE {name[len('temp.main.') :]} AS "
                f"SELECT uri AS file, place - 1 AS position FROM ("
                f"  SELECT filepath, unnest(selection_vector) AS kept, "
                f"    generate_subscripts(selection_vector, 1) AS place FROM {source}"
                f") JOIN (VALUES {pairs}) AS places(path, uri) ON filepath = path WHERE NOT kept"
            )
        finally:
            connection.unregister(f"lakelet vectors of {label}")
        return name


def read_deletions(table: DeltaTable, uris: frozenset[str]) -> Deletions | None:
    """The snapshot's deletion vectors, or None where no file has one.

    ``DeltaTable.count()`` and ``get_add_actions()`` do not know them; this is asked for every
    table, so that no vector goes unnoticed.

    Raises:
        NotProvenError: a vector's file is not one of the snapshot's files.
    """
    vectors = table.deletion_vectors().read_all()
    if vectors.num_rows == 0:
        return None
    pairs = []
    for path in vectors["filepath"].to_pylist():
        uri = unquote(path.removeprefix("file://"))
        if uri not in uris:
            raise NotProvenError(f"a deletion vector belongs to an unknown file {uri!r}")
        pairs.append((path, uri))
    return Deletions(vectors, tuple(pairs))
