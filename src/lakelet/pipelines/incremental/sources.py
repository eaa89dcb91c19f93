"""Where the rows of a query come from while it is asked about changes only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from lakelet.engines.dialect import TableReference
from lakelet.engines.engine import Attached
from lakelet.lake import TableName
from lakelet.pipelines.datasets.sources import WorldSources
from lakelet.pipelines.incremental.edits import AFFECTED
from lakelet.pipelines.planning.world import World

__all__ = ("ChangedSources", "Held")


@dataclass(frozen=True)
class Held:
    """Rows that the connection holds already.

    Attributes:
        typed: names and DuckDB types of the columns.
        sql: a SELECT of them.
    """

    typed: tuple[tuple[str, str], ...]
    sql: str

    def attach(self, connection: duckdb.DuckDBPyConnection, view: str) -> None:
        """Make them a view."""
        connection.execute(f"CREATE OR REPLACE VIEW {view} AS {self.sql}")


class ChangedSources(WorldSources):
    """Some rows in the place of each table, or all of them and the affected keys beside.

    Attributes:
        rows: by table, the rows that stand for it; whole tables where it is None.
        affected: the affected keys.
    """

    def __init__(
        self,
        world: World,
        text: str,
        rows: Mapping[TableName, Attached] | None = None,
        affected: Held | None = None,
    ) -> None:
        super().__init__(world, text)
        self.rows = rows
        self.affected = affected

    def within(self, text: str) -> ChangedSources:
        """The same sources for the query of a view that is read."""
        return ChangedSources(self.world, text, self.rows, self.affected)

    def table(self, parts: tuple[str, ...], reference: TableReference) -> Attached:
        """The rows of a table, or the affected keys."""
        if parts == AFFECTED and self.affected is not None:
            return self.affected
        return super().table(parts, reference)

    def stored(self, name: TableName) -> Attached:
        """The rows that stand for a table of the lake."""
        return super().stored(name) if self.rows is None else self.rows[name]
