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
        more: a SELECT of rows that belong to the table and are kept elsewhere; '' for none.
        version: the version it is, where that is known.
        name: the table's name, for notices.
        location: where it is, for notices.
    """

    route: Route
    condition: str = ""
    more: str = ""
    version: int | None = None
    name: str = ""
    location: str = ""

    @property
    def columns(self) -> list[str]:
        """Its columns, the loader's own two last wherever later columns were added."""
        names = [name for name, _ in self.route.columns]
        last = [name for name in SERVICE_COLUMNS if name in names]
        return [name for name in names if name not in last] + last

    @property
    def typed(self) -> list[tuple[str, str]]:
        """Names and DuckDB types of its columns, in the order of `columns`."""
        kinds = dict(self.route.columns)
        return [(name, kinds[name]) for name in self.columns]

    @property
    def _as_it_is(self) -> bool:
        return [name for name, _ in self.route.columns] == self.columns and not (
            self.condition or self.more
        )

    def _shown(self, source: str) -> str:
        where = f" WHERE {self.condition}" if self.condition else ""
        also = f" UNION ALL BY NAME {self.more}" if self.more else ""
        return f"SELECT {', '.join(map(quote, self.columns))} FROM {source}{where}{also}"

    def select(self) -> str | None:
        """A SELECT of its rows for any connection, or None where there is none."""
        select = self.route.select()
        return select if select is None or self._as_it_is else self._shown(f"({select})")

    def attach(self, connection: duckdb.DuckDBPyConnection, view: str) -> None:
        """Create the view on a connection."""
        if self._as_it_is:
            self.route.attach(connection, view)
            return
        inner = quote("lakelet " + view.replace('"', ""))
        self.route.attach(connection, inner)
        connection.execute(f"CREATE OR REPLACE VIEW {view} AS {self._shown(inner)}")
