"""Where the rows of a dataset's query come from, as one update sees the lake."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import duckdb

from lakelet.engines.dialect import TableFunctionCall, TableReference, translate_query
from lakelet.engines.engine import Attached, attach_view
from lakelet.errors import PipelineError
from lakelet.lake import TableName
from lakelet.loading.read_files import read_files
from lakelet.pipelines.datasets.rows import Rows
from lakelet.pipelines.definitions.dataset import Dataset
from lakelet.pipelines.definitions.streams import STREAM_OPTION, mark_streams, streamed
from lakelet.pipelines.planning.graph import resolve
from lakelet.pipelines.planning.world import World, call_options

__all__ = ("WorldSources", "view_rows")


class WorldSources:
    """Sources of a query: tables as the update sees them, and what streams deliver.

    Attributes:
        world: what the update sees.
        text: the query.
        new: rows that STREAM delivers, by the table's full name.
        new_files: rows that STREAM read_files delivers, by the call's view.
        warn: told what of the files is not among the rows.
    """

    def __init__(
        self,
        world: World,
        text: str,
        new: Mapping[str, Attached] | None = None,
        new_files: Rows | None = None,
        warn: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self.world = world
        self.text = text
        self.new = new or {}
        self.new_files = new_files
        self.warn = warn

    def within(self, text: str) -> WorldSources:
        """The same sources for the query of a view that is read."""
        return WorldSources(self.world, text, self.new, self.new_files, self.warn)

    def table(self, parts: tuple[str, ...], reference: TableReference) -> Attached:
        """The rows of a table, or those of it that are new."""
        world = self.world
        new = streamed(parts)
        if new is not None:
            read = resolve(world.pipeline, world.lake, new)
            view = world.pipeline.datasets.get(read)
            if view is not None and not view.stored:
                return _View(self, view)
            return self.new[str(read)]
        if reference.version is not None or reference.timestamp is not None:
            raise PipelineError(
                "a dataset reads its inputs as they are; VERSION AS OF and TIMESTAMP AS OF are "
                "refused.",
                hint="`lakelet sql` with --at reads the past.",
            )
        if parts[0] == "delta" and len(parts) == 2:
            return world.path_rows(parts[1])
        name = resolve(world.pipeline, world.lake, parts)
        dataset = world.pipeline.datasets.get(name)
        if dataset is not None and not dataset.stored:
            return view_rows(self, dataset)
        return self.stored(name)

    def stored(self, name: TableName) -> Attached:
        """The rows of a table of the lake."""
        return self.world.rows(name)

    def call(self, call: TableFunctionCall) -> Attached:
        """The rows of read_files."""
        options: dict[str, Any] = dict(call.named)
        if options.get(STREAM_OPTION):
            assert self.new_files is not None
            return self.new_files
        root = self.world.lake.workspace.root
        return read_files(
            self.world.lake, str(call.positional[0]), dict(call_options(call)), base=root,
            metadata=call.metadata, warn=self.warn,
        )  # fmt: skip


def view_rows(sources: WorldSources, dataset: Dataset) -> Attached:
    """The rows of a temporary view."""
    if dataset.flows[0].query is not None:
        return _View(sources, dataset)
    # Imported here: what runs a function asks this module for the function's inputs.
    from lakelet.pipelines.datasets.python_view import python_view

    return python_view(sources.world, dataset)


class _View:
    """A temporary view, bound where it is read."""

    def __init__(self, sources: WorldSources, dataset: Dataset) -> None:
        self.sources = sources
        self.dataset = dataset

    def attach(self, connection: duckdb.DuckDBPyConnection, view: str) -> None:
        """Make the view on a connection, and what it reads."""
        (flow,) = self.dataset.flows
        assert flow.query is not None
        inner = self.sources.within(flow.query)
        translation = translate_query(mark_streams(flow.query))
        for macro in translation.macros:
            connection.execute(macro)
        for reference in translation.tables:
            attach_view(connection, reference.view, inner.table(reference.parts, reference))
        for called in translation.calls:
            attach_view(connection, called.view, inner.call(called))
        connection.execute(f"CREATE OR REPLACE VIEW {view} AS {translation.sql}")
