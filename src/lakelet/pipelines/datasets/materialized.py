"""A materialized view, computed as a whole."""

from __future__ import annotations

from lakelet.lake.publications import Published
from lakelet.lake.staging import Staged
from lakelet.lake.table import columns_of
from lakelet.loading.rejects import REJECTED_COLUMNS
from lakelet.pipelines.datasets.python_rows import stage_function
from lakelet.pipelines.datasets.query import at_place, bind_query
from lakelet.pipelines.datasets.sources import WorldSources
from lakelet.pipelines.datasets.staging import Outcome, stage_query
from lakelet.pipelines.definitions.dataset import Dataset
from lakelet.pipelines.planning.fingerprints import text_of
from lakelet.pipelines.planning.graph import Graph
from lakelet.pipelines.planning.world import World
from lakelet.pipelines.publishing.result import Result

__all__ = ("inputs_of", "rejected_result", "stage_materialized")


def stage_materialized(
    world: World, graph: Graph, dataset: Dataset, definition: str, update: int, most: int
) -> tuple[list[Result], Outcome]:
    """Compute a materialized view and stage all of it.

    Raises:
        LakeletError: with file and line; nothing of the dataset will be published.
    """
    (flow,) = dataset.flows
    inputs = inputs_of(world, graph, dataset)
    with at_place(flow.place, dataset.name):
        if flow.query is None:
            known = (
                columns_of(world.snapshot(dataset.name)) if world.published(dataset.name) else ()
            )
            outcome = stage_function(world, dataset, flow, update, most, known=known)
        else:
            sources = WorldSources(world, flow.query)
            bound = bind_query(world.lake.workspace, flow.query, sources, most=most)
            try:
                outcome = stage_query(world.lake, dataset, bound, sources, update)
            finally:
                bound.connection.close()
    result = Result(
        dataset.name, "materialized view", "replace", outcome.columns, outcome.staged,
        definition=definition, text=text_of(dataset), inputs=inputs,
        partition_by=dataset.partition_by, comment=dataset.comment,
        properties=dataset.properties, rows=outcome.checked.kept,
    )  # fmt: skip
    return [result, *rejected_result(world, dataset, outcome, "replace")], outcome


def inputs_of(world: World, graph: Graph, dataset: Dataset) -> dict[str, object]:
    """What a dataset reads, as far as it tells one state of it from another; views seen through."""
    found: dict[str, object] = {}
    for flow in dataset.flows:
        reads = graph.reads[flow.name]
        for name in (*reads.tables, *reads.streams):
            view = world.pipeline.datasets.get(name)
            if view is not None and not view.stored:
                found |= inputs_of(world, graph, view)
            else:
                found[str(name)] = world.state(name)
        for path in reads.paths:
            found[f"delta.`{path}`"] = world.path_state(path)
        for call in reads.files:
            found[f"read_files({call.positional[0]!r})"] = world.files_state(call)
    return found


def rejected_result(
    world: World, dataset: Dataset, outcome: Outcome, mode: str, more: tuple[Staged, ...] = ()
) -> list[Result]:
    """The result for the companion table of rejected rows, where there is anything to say."""
    name = dataset.name.rejected
    before: Published | None = world.published(name)
    drops = any(one.action == "drop" for one in dataset.expectations)
    staged = (*outcome.rejected, *more)
    if not (staged or (mode == "replace" and (drops or before is not None))):
        return []
    return [
        Result(
            name,
            "rejected rows",
            "replace" if mode == "replace" else "append",
            REJECTED_COLUMNS,
            staged,
            comment=f"rows that did not become rows of {dataset.name}",
            rows=sum(one.rows for one in staged),
        )
    ]
