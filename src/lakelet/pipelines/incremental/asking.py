"""Asking a view's query, or a question made of it, on the connection of one refresh."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from lakelet.engines.dialect import Edit
from lakelet.engines.engine import Attached
from lakelet.lake import TableName
from lakelet.lake.names import quote
from lakelet.lake.types import Column
from lakelet.pipelines.datasets.query import BoundQuery, bind_query, result_columns
from lakelet.pipelines.definitions.dataset import Dataset
from lakelet.pipelines.incremental.estimate import recompute_cost
from lakelet.pipelines.incremental.shape import Shape
from lakelet.pipelines.incremental.sources import ChangedSources, Held
from lakelet.pipelines.planning.world import World

__all__ = ("WORK", "Asking", "FellThroughError", "Limits")

WORK = '"lakelet work"'
"""The schema of a refresh's own tables on its connection, beside the views of what is read."""


class FellThroughError(Exception):
    """What was found on the way makes a refresh from changes wrong or dear; all is computed.

    Its text goes on after "since it".
    """


@dataclass(frozen=True, slots=True)
class Limits:
    """What a second look at a view's inputs may cost.

    Attributes:
        total: rows of the inputs.
        view: rows of the view.
        most: CPU seconds.
    """

    total: int
    view: int
    most: float

    def refuse_dearer(self, affected: int, what: str) -> None:
        """Fall through where computing some groups anew costs more.

        Args:
            affected: how many.
            what: what is done with them, for people.

        Raises:
            FellThroughError: it does.
        """
        if recompute_cost(self.total, affected, self.view) > self.most:
            raise FellThroughError(f"{what} {affected:,} of {self.view:,} anew, which is dearer")


@dataclass
class Asking:
    """One refresh's connection, and what is asked on it.

    Attributes:
        world: what the update sees.
        dataset: the view.
        query: its SQL.
        shape: the shape of it.
        engine: the connection.
        columns: the view's columns, as it has them.
    """

    world: World
    dataset: Dataset
    query: str
    shape: Shape
    engine: duckdb.DuckDBPyConnection
    columns: tuple[Column, ...]

    @property
    def names(self) -> list[str]:
        """The view's columns, quoted."""
        return [quote(column.name) for column in self.columns]

    def bind(
        self,
        rows: Mapping[TableName, Attached] | None,
        edit: Edit | None = None,
        affected: Held | None = None,
    ) -> BoundQuery:
        """The query, or what an edit makes of it, over some rows or over whole tables."""
        sources = ChangedSources(self.world, self.query, rows, affected)
        return bind_query(
            self.world.lake.workspace, self.query, sources, connection=self.engine, edit=edit
        )

    def select(
        self,
        rows: Mapping[TableName, Attached] | None,
        edit: Edit | None = None,
        affected: Held | None = None,
    ) -> str:
        """A SELECT of the view's columns, for the connection as it is now.

        Raises:
            FellThroughError: the query gives other columns than the view has.
        """
        columns, select = result_columns(self.dataset, self.bind(rows, edit, affected))
        if [(c.name, c.type) for c in columns] != [(c.name, c.type) for c in self.columns]:
            raise FellThroughError("gives other columns than before")
        return select

    def count(self, table: str) -> int:
        """Rows of a table, or of a SELECT in parentheses."""
        ((found,),) = self.engine.execute(f"SELECT count(*) FROM {table}").fetchall()
        return int(found)
