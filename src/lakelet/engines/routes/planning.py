"""Deciding how a pinned snapshot is read: the fastest route that is provably exact."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
from deltalake import DeltaTable

from lakelet.engines.routes.duckdb_types import quote_name, quote_text, to_duckdb_type
from lakelet.engines.routes.route import EmptySource, Route
from lakelet.engines.routes.scan_stream import ScanStream

__all__ = ("plan_route",)

_PLAIN_FEATURES = frozenset({"timestampNtz", "v2Checkpoint", "vacuumProtocolCheck"})


@dataclass(frozen=True, slots=True)
class ScanSource:
    """delta-rs reads the files; DuckDB sees its Arrow stream."""

    table: DeltaTable
    columns: tuple[tuple[str, str], ...]

    def relation(self, connection: duckdb.DuckDBPyConnection, label: str) -> str:
        """A SELECT over a registered stream that starts anew for each reference."""
        name = f"lakelet scan of {label}"
        connection.register(name, ScanStream(self.table))
        typed = (f"CAST({quote_name(n)} AS {t}) AS {quote_name(n)}" for n, t in self.columns)
        return f"SELECT {', '.join(typed)} FROM temp.main.{quote_name(name)}"


@dataclass(frozen=True, slots=True)
class FilesSource:
    """DuckDB reads the snapshot's Parquet files itself."""

    files: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]

    def relation(self, connection: duckdb.DuckDBPyConnection, label: str) -> str:
        """A SELECT over the files, each column by its name and the table's type."""
        schema = ", ".join(
            f"{quote_text(n)}: {{name: {quote_text(n)}, type: {quote_text(t)}, default_value: NULL}}"
            for n, t in self.columns
        )
        files = ", ".join(map(quote_text, self.files))
        return f"SELECT * FROM read_parquet([{files}], schema=MAP {{{schema}}})"


def plan_route(table: DeltaTable) -> Route:
    """How the pinned snapshot of ``table`` is read exactly.

    Raises:
        UnsupportedTableError: no route reads it exactly.
    """
    columns = tuple((f.name, to_duckdb_type(f.type)) for f in table.schema().fields)
    files = tuple(table.file_uris())
    if not files:
        return Route("empty", "the table has no files.", columns, EmptySource(columns))
    metadata = table.metadata()
    protocol = table.protocol()
    plain = (
        protocol.min_reader_version in (1, 3)
        and set(protocol.reader_features or ()) <= _PLAIN_FEATURES
        and not metadata.partition_columns
        and "delta.columnMapping.mode" not in metadata.configuration
    )
    if plain:
        reason = "a plain table: DuckDB reads its Parquet files directly."
        return Route("files", reason, columns, FilesSource(files, columns))
    reason = "delta-rs reads it, since the table uses features beyond plain files."
    return Route("scan", reason, columns, ScanSource(table, columns))
