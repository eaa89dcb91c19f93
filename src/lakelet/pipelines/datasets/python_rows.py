"""The rows of a dataset's function: called once, in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from lakelet.engines.connection import close_engine, engine_settings, open_connection
from lakelet.engines.duckdb_types import from_duckdb
from lakelet.engines.engine import Attached, duckdb_errors
from lakelet.errors import LakeletError, PipelineError
from lakelet.lake.types import Column
from lakelet.pipelines.datasets.check import ExpectationFailedError
from lakelet.pipelines.datasets.python_inputs import (
    DeclaredSources,
    inputs_of_flow,
    sources_of,
)
from lakelet.pipelines.datasets.query import BoundQuery, Sources, bind_query
from lakelet.pipelines.datasets.rows import Rows
from lakelet.pipelines.datasets.staging import Outcome, stage_query
from lakelet.pipelines.definitions.dataset import Dataset, Flow
from lakelet.pipelines.definitions.folder import PIPELINES_FOLDER
from lakelet.pipelines.planning.world import World
from lakelet.pipelines.python.process import Child
from lakelet.workspace.resources import claim

__all__ = ("run_function", "stage_function")

T = TypeVar("T")
_LEAST = 256 << 20


def stage_function(
    world: World,
    dataset: Dataset,
    flow: Flow,
    update: int,
    most: int,
    *,
    new: Mapping[str, Attached] | None = None,
    new_files: Rows | None = None,
    known: Sequence[Column] | None = None,
) -> Outcome:
    """Call a function and stage its rows: checked and written as they come.

    Args:
        world: what the update sees.
        dataset: the dataset.
        flow: the flow whose function it is.
        update: the update's number.
        most: bytes the step may hold.
        new: rows that streams deliver, by the table's full name.
        new_files: rows that a view's STREAM read_files delivers.
        known: the columns to give where the function gives no row and declares none.

    Raises:
        PipelineError: it failed, took too long or too much, or gave what does not fit.
    """
    return run_function(
        world, dataset, flow, most,
        lambda bound, sources: stage_query(world.lake, dataset, bound, sources, update),
        new=new, new_files=new_files, known=known,
    )  # fmt: skip


def run_function(
    world: World,
    dataset: Dataset,
    flow: Flow,
    most: int,
    use: Callable[[BoundQuery, Sources], T],
    *,
    new: Mapping[str, Attached] | None = None,
    new_files: Rows | None = None,
    known: Sequence[Column] | None = None,
) -> T:
    """Call a function and use its rows, once.

    Args: as for `stage_function`; ``use`` takes the rows as a query that can run once.

    Raises:
        PipelineError: as for `stage_function`; what ``use`` made of the rows counts for nothing.
    """
    workspace = world.lake.workspace
    most = max(_LEAST, most // 2)
    sources = sources_of(world, flow, new, new_files)
    with (
        inputs_of_flow(world, sources, most) as inputs,
        _child(world, dataset, flow, most, inputs, known) as child,
    ):
        answer = child.answer()
        if "rows" in answer:
            return _of_stream(world, child, most, sources, use)
        child.answer()
        child.close()
        bound = bind_query(workspace, answer["sql"], sources, most=most)
        try:
            return use(bound, sources)
        finally:
            close_engine(bound.connection)


@contextmanager
def _child(
    world: World, dataset: Dataset, flow: Flow, most: int, inputs: Sequence[Mapping[str, Any]],
    known: Sequence[Column] | None,
) -> Iterator[Child]:  # fmt: skip
    workspace = world.lake.workspace
    declared = dataset.columns
    order = {
        "do": "run", "what": str(dataset.name), "root": str(workspace.root),
        "folder": str(workspace.root / PIPELINES_FOLDER / world.pipeline.name),
        "module": flow.module, "flow": flow.name, "schema": world.pipeline.schema,
        "inputs": list(inputs), "zone": workspace.settings.time_zone,
        "columns": None if declared is None else [column.delta for column in declared],
        "known": [column.delta for column in known] if known else None,
        "engine": engine_settings(workspace, most),
    }  # fmt: skip
    child = Child(
        workspace.root, order, timeout=flow.timeout, memory=claim(workspace).memory,
        said=lambda text: world.tell("output", text, dataset.name),
    )  # fmt: skip
    try:
        yield child
    finally:
        child.close()


def _of_stream(
    world: World,
    child: Child,
    most: int,
    sources: DeclaredSources,
    use: Callable[[BoundQuery, Sources], T],
) -> T:
    from arro3.io import read_ipc_stream

    connection = open_connection(world.lake.workspace, most=most)
    try:
        try:
            with duckdb_errors():
                connection.register("lakelet rows", read_ipc_stream(child.rows))
                relation = connection.sql('SELECT * FROM "lakelet rows"')
            given = zip(relation.columns, relation.types, strict=True)
            columns = tuple(Column(str(name), from_duckdb(str(kind))) for name, kind in given)
            bound = BoundQuery(connection, 'SELECT * FROM "lakelet rows"', columns, "function")
            found = use(bound, sources)
        except (LakeletError, ValueError, OSError) as error:
            raise _cause(child, error) from None
    finally:
        close_engine(connection)
    # Only now is it known that the rows that came were all of them.
    child.answer()
    return found


def _cause(child: Child, error: Exception) -> Exception:
    """Why rows could not be used: for what the function did, rather than for what came of it."""
    if not isinstance(error, ExpectationFailedError) and child.ended():
        try:
            child.answer()
        except LakeletError as cause:
            return cause
    if isinstance(error, LakeletError):
        return error
    return PipelineError(f"its rows cannot be read: {error}")
