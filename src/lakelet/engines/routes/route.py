"""A route: how one pinned snapshot is read exactly, and the DuckDB view that does it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

import duckdb

from lakelet.lake.names import quote

__all__ = ("Kind", "Route", "Source")

Kind = Literal["empty", "files", "mapped", "vectors", "scan"]


class Source(Protocol):
    """Where a route's rows come from."""

    def relation(self, connection: duckdb.DuckDBPyConnection, label: str) -> str:
        """A SELECT giving exactly the route's columns.

        What the SELECT needs beside the files (a registered stream, a temporary table) is made
        on ``connection`` under names derived from ``label``, so that attaching again replaces it.
        """

    def select(self) -> str | None:
        """The SELECT alone, or None where something must be made on a connection first."""


@dataclass(frozen=True, slots=True)
class Route:
    """The exact way to one snapshot's rows.

    Attributes:
        kind: ``empty`` (no file), ``files`` (DuckDB reads the snapshot's Parquet files),
            ``mapped`` (the same through the table's column mapping), ``vectors`` (the same less
            the deleted positions) or ``scan`` (delta-rs reads, DuckDB queries its stream).
        reason: one sentence for a person: why this route.
        columns: name and DuckDB type text of each column, in the table's order.
    """

    kind: Kind
    reason: str
    columns: tuple[tuple[str, str], ...]
    source: Source = field(repr=False, compare=False)

    def select(self) -> str | None:
        """A SELECT of the rows for any connection; None where the view must be attached to one."""
        return self.source.select()

    def attach(self, connection: duckdb.DuckDBPyConnection, view: str) -> None:
        """Create or replace ``view`` on a connection; it reads the pinned snapshot for good.

        The view serves this connection only: streams and deleted positions are temporary and a
        cursor of the connection does not see them.

        Args:
            connection: where the view is made; nothing outside it changes.
            view: the view's name as quoted SQL text, with its schema where wanted.
        """
        select = self.source.relation(connection, view)
        connection.execute(f"CREATE OR REPLACE VIEW {view} AS {select}")


@dataclass(frozen=True, slots=True)
class EmptySource:
    """A table without a single file: no rows, the right columns."""

    columns: tuple[tuple[str, str], ...]

    def relation(self, connection: duckdb.DuckDBPyConnection, label: str) -> str:
        """A SELECT of typed NULLs that yields no row."""
        return self.select()

    def select(self) -> str:
        """The same; nothing is made on a connection."""
        typed = (f"CAST(NULL AS {kind}) AS {quote(name)}" for name, kind in self.columns)
        return f"SELECT {', '.join(typed)} WHERE false"
