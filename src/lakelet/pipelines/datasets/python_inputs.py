"""What a dataset's function reads, handed over to its process as text.

Where DuckDB reads a table's pinned files by itself, the text of that SELECT is all the process
needs; it reads what the function asks for, and nothing sooner. Other rows (of a bucket, with
deleted positions, of a view) are written to a Parquet file in the scratch folder first.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from lakelet.engines.connection import open_connection
from lakelet.engines.dialect import TableFunctionCall, TableReference
from lakelet.engines.engine import Attached, attach_view, duckdb_errors
from lakelet.errors import PipelineError
from lakelet.lake import TableName
from lakelet.lake.names import literal
from lakelet.pipelines.datasets.rows import Rows
from lakelet.pipelines.datasets.sources import WorldSources, view_rows
from lakelet.pipelines.definitions.dataset import Dataset, Flow
from lakelet.pipelines.definitions.streams import streamed
from lakelet.pipelines.planning.graph import resolve
from lakelet.pipelines.planning.world import World
from lakelet.pipelines.python.relation import unknown_name
from lakelet.workspace import WorkspaceFolder
from lakelet.workspace.processes import is_alive

__all__ = ("DeclaredSources", "Spooled", "inputs_of_flow", "sources_of", "spool", "spool_query")


@dataclass(frozen=True)
class Spooled:
    """Rows in a scratch file.

    Attributes:
        path: the file.
    """

    path: Path

    def select(self) -> str:
        """A SELECT of them."""
        return f"SELECT * FROM read_parquet({literal(str(self.path))})"

    def attach(self, connection: duckdb.DuckDBPyConnection, view: str) -> None:
        """Make them a view."""
        connection.execute(f"CREATE OR REPLACE VIEW {view} AS {self.select()}")

    def remove(self) -> None:
        """Remove the file; nobody reads it any more."""
        self.path.unlink(missing_ok=True)  # house: scratch space of this process


def spool(workspace: WorkspaceFolder, rows: Attached, most: int) -> Spooled:
    """Write rows to a scratch file, a part of them in memory at a time."""
    connection = open_connection(workspace, most=most)
    try:
        with duckdb_errors():
            attach_view(connection, '"input"', rows)
            return spool_query(workspace, connection, 'SELECT * FROM "input"')
    finally:
        connection.close()


def spool_query(
    workspace: WorkspaceFolder, connection: duckdb.DuckDBPyConnection, select: str
) -> Spooled:
    """Write the rows of a query to a scratch file."""
    workspace.temp.mkdir(parents=True, exist_ok=True)  # house: scratch space of this process
    _sweep(workspace)
    found = Spooled(workspace.temp / f"rows-{os.getpid()}-{uuid.uuid4()}.parquet")
    try:
        with duckdb_errors():
            path = literal(str(found.path))
            connection.execute(f"COPY ({select}) TO {path} (FORMAT parquet)")
    except BaseException:
        found.remove()
        raise
    return found


def _sweep(workspace: WorkspaceFolder) -> None:
    """Remove scratch files of processes that were killed."""
    for path in workspace.temp.glob("rows-*-*.parquet"):
        owner = path.name.split("-")[1]
        if owner.isdigit() and not is_alive(int(owner)):
            Spooled(path).remove()


@dataclass
class DeclaredSources:
    """Sources of a query that a function returned: what the function says it reads.

    Attributes:
        rows: by the name the function has for it.
        tables: the tables' names.
        streams: names of what delivers new rows only.
    """

    rows: dict[str, Attached] = field(default_factory=dict)
    tables: dict[str, TableName] = field(default_factory=dict)
    streams: tuple[str, ...] = ()

    def table(self, parts: tuple[str, ...], reference: TableReference) -> Attached:
        """The rows of a table.

        Raises:
            PipelineError: the function does not say that it reads it.
        """
        stream = streamed(parts)
        parts = stream or parts
        for name, table in self.tables.items():
            if [part.lower() for part in parts] in ([name.lower()], [table.schema, table.table]):
                if stream is not None and name not in self.streams:
                    raise PipelineError(
                        f"STREAM {name}: the function reads all of it.",
                        hint=f'stream=["{name}"] in the decorator makes it deliver new rows only.',
                    )
                return self.rows[name]
        known = {(name,): None for name in self.tables}
        raise unknown_name(parts, known | {(t.schema, t.table): None for t in self.tables.values()})

    def call(self, call: TableFunctionCall) -> Attached:
        """Nothing: an update must know what is read before the function runs.

        Raises:
            PipelineError: always.
        """
        raise PipelineError(
            f"{call.name} cannot be read by a function's query.",
            hint="a dataset in SQL reads files; the function reads that dataset.",
        )


def sources_of(
    world: World,
    flow: Flow,
    new: Mapping[str, Attached] | None = None,
    new_files: Rows | None = None,
) -> DeclaredSources:
    """What a flow's function reads.

    Args:
        world: what the update sees.
        flow: the flow.
        new: rows that streams deliver, by the table's full name.
        new_files: rows that a view's STREAM read_files delivers.
    """
    found = DeclaredSources(streams=flow.streams)
    for name, table in flow.reads.items():
        full = resolve(world.pipeline, world.lake, table.split("."))
        found.tables[name] = full
        dataset: Dataset | None = world.pipeline.datasets.get(full)
        if dataset is not None and not dataset.stored:
            streams = (new, new_files) if name in flow.streams else (None, None)
            found.rows[name] = view_rows(WorldSources(world, "", *streams), dataset)
        elif name in flow.streams and new is not None:
            found.rows[name] = new[str(full)]
        else:
            found.rows[name] = world.rows(full)
    return found


@contextmanager
def inputs_of_flow(
    world: World, sources: DeclaredSources, most: int
) -> Iterator[list[dict[str, Any]]]:
    """Inputs as the process is told of them; scratch files are removed afterwards."""
    spooled: list[Spooled] = []
    inputs: list[dict[str, Any]] = []
    try:
        for name, rows in sources.rows.items():
            select = getattr(rows, "select", lambda: None)()
            if select is None:
                spooled.append(spool(world.lake.workspace, rows, most))
                select = spooled[-1].select()
            table = sources.tables[name]
            inputs.append(
                {
                    "name": name, "table": [table.schema, table.table], "select": select,
                    "stream": name in sources.streams,
                }
            )  # fmt: skip
        yield inputs
    finally:
        for one in spooled:
            one.remove()
