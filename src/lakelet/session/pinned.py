"""A table pinned for one statement: the exact route, and what is shown of it."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from lakelet.engines.routes import Route
from lakelet.lake.names import quote

__all__ = ("SERVICE_COLUMNS", "PinnedTable")

SERVICE_COLUMNS = ("_rescued_data", "_metadata")


@dataclass(frozen=True)
class PinnedTable:
    """One version of a table, as a statement sees it.

    Attributes:
        route: how its rows are read.
        condition: rows that count, as SQL; '' for all.
    """

    route: Route
    condition: str = ""

    @property
    def columns(self) -> list[str]:
        """Its columns, the loader's own two last wherever later columns were added."""
        names = [name for name, _ in self.route.columns]
        last = [name for name in SERVICE_COLUMNS if name in names]
        return [name for name in names if name not in last] + last

    def attach(self, connection: duckdb.DuckDBPyConnection, view: str) -> None:
        """Create the view on a connection."""
        names = [name for name, _ in self.route.columns]
        if names == self.columns and not self.condition:
            self.route.attach(connection, view)
            return
        inner = quote("lakelet " + view.replace('"', ""))
        self.route.attach(connection, inner)
        where = f" WHERE {self.condition}" if self.condition else ""
        columns = ", ".join(map(quote, self.columns))
        connection.execute(f"CREATE OR REPLACE VIEW {view} AS SELECT {columns} FROM {inner}{where}")
