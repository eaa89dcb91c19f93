"""Checking a pipeline without reading data: every query is bound over empty tables.

DuckDB's binder finds unknown columns and types that do not fit. What a query gives is known from
it, so each dataset is checked over the columns of those it reads. Where columns come to light only
when files are read, what depends on them is left for the update.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from lakelet.engines.change_feed import FEED_COLUMNS
from lakelet.engines.connection import open_connection
from lakelet.engines.dialect import TableFunctionCall, TableReference
from lakelet.engines.engine import Attached
from lakelet.lake import TableName
from lakelet.lake.table import columns_of
from lakelet.lake.type_text import parse_columns
from lakelet.lake.types import Column
from lakelet.loading.options import parse_options
from lakelet.loading.shape import service_columns
from lakelet.pipelines.datasets.cdc_incoming import described
from lakelet.pipelines.datasets.query import (
    BoundQuery,
    at_place,
    bind_query,
    condition_sql,
    result_columns,
)
from lakelet.pipelines.datasets.rows import rows_of_columns
from lakelet.pipelines.datasets.streaming import flow_state
from lakelet.pipelines.definitions.dataset import Dataset, Flow
from lakelet.pipelines.definitions.streams import delivery, streamed
from lakelet.pipelines.incremental.choice import refuse_whole
from lakelet.pipelines.planning.graph import Graph, resolve
from lakelet.pipelines.planning.world import World, call_options

__all__ = ("check_pipeline",)


class _UnknownError(Exception):
    """Columns that only reading would tell."""


def check_pipeline(world: World, graph: Graph) -> dict[TableName, tuple[Column, ...] | None]:
    """The columns of every dataset; None where only reading would tell.

    Raises:
        SqlError, PipelineError: with file and line, what is wrong.
    """
    known: dict[TableName, tuple[Column, ...] | None] = {}
    for dataset in graph.order:
        known[dataset.name] = dataset.columns
        for flow in dataset.flows:
            columns = _check_flow(world, dataset, flow, known)
            if known[dataset.name] is None:
                known[dataset.name] = columns
    return known


def _check_flow(
    world: World,
    dataset: Dataset,
    flow: Flow,
    known: dict[TableName, tuple[Column, ...] | None],
) -> tuple[Column, ...] | None:
    sources = _Empty(world, dataset, flow, known)
    if flow.query is None:
        _check_declared(world, dataset, flow, sources)
        return None
    with at_place(flow, dataset.name):
        try:
            bound = bind_query(world.lake.workspace, flow.query, sources)
            try:
                if flow.cdc is not None:
                    for one in dataset.expectations:
                        condition_sql(bound, one.condition, sources)
                    return described(dataset, flow.cdc, bound, sources)[0]
                for one in dataset.expectations:
                    condition_sql(bound, one.condition, sources)
                refuse_whole(world, dataset)
                return result_columns(dataset, bound)[0]
            finally:
                bound.connection.close()
        except _UnknownError:
            return None


def _check_declared(world: World, dataset: Dataset, flow: Flow, sources: _Empty) -> None:
    """Check a function's expectations over its declared columns: only running tells others."""
    if dataset.columns is None or not dataset.expectations:
        return
    connection = open_connection(world.lake.workspace)
    try:
        with at_place(flow, dataset.name), suppress(_UnknownError):
            rows_of_columns(dataset.columns).attach(connection, '"declared"')
            bound = BoundQuery(connection, 'SELECT * FROM "declared"', dataset.columns, "function")
            for one in dataset.expectations:
                condition_sql(bound, one.condition, sources)
    finally:
        connection.close()


class _Empty:
    """Sources without rows."""

    def __init__(
        self,
        world: World,
        dataset: Dataset,
        flow: Flow,
        known: dict[TableName, tuple[Column, ...] | None],
    ) -> None:
        self.world = world
        self.dataset = dataset
        self.flow = flow
        self.known = known

    def table(self, parts: tuple[str, ...], reference: TableReference) -> Attached:
        """A table's columns, without rows."""
        if parts[0] == "delta" and len(parts) == 2:
            return self.world.path_rows(parts[1])
        name = resolve(self.world.pipeline, self.world.lake, streamed(parts) or parts)
        if name in self.world.pipeline.datasets:
            columns = self.known[name]
            if columns is None:
                raise _UnknownError
        else:
            columns = columns_of(self.world.snapshot(name))
        feed = streamed(parts) is not None and delivery(parts) == "feed"
        return rows_of_columns([*columns, *(FEED_COLUMNS if feed else ())])

    def call(self, call: TableFunctionCall) -> Attached:
        """The columns of files, as far as they are known without reading."""
        options = {key.lower(): value for key, value in call_options(call).items()}
        declared: Sequence[Column] = parse_columns(str(options.get("schema") or ""))
        # What is said wrongly is known without a look at the files.
        parse_columns(str(options.get("schemahints") or ""))
        parse_options({k: v for k, v in options.items() if k not in ("schema", "schemahints")})
        state = flow_state(self.world.published(self.dataset.name), self.flow)
        if not declared and state is not None and "columns" in state:
            # Published ones, and new files may bring more.
            declared = tuple(map(Column.from_delta, state["columns"]))
            return rows_of_columns([replace(c, nullable=True) for c in declared])
        if not declared:
            raise _UnknownError
        return rows_of_columns([*declared, *service_columns()])
