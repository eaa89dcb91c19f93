"""A materialized view: computed as a whole, or refreshed from what changed in its inputs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from lakelet.engines.connection import close_engine
from lakelet.lake import TableName
from lakelet.lake.publications import Published
from lakelet.lake.staging import Staged
from lakelet.lake.table import columns_of
from lakelet.loading.rejects import REJECTED_COLUMNS
from lakelet.pipelines.datasets.python_rows import stage_function
from lakelet.pipelines.datasets.query import at_place, bind_query
from lakelet.pipelines.datasets.sources import WorldSources
from lakelet.pipelines.datasets.staging import Outcome, stage_query
from lakelet.pipelines.definitions.dataset import Dataset, Flow
from lakelet.pipelines.incremental.choice import refuse_strict
from lakelet.pipelines.incremental.refresh import Refreshed, refresh
from lakelet.pipelines.planning.decision import How
from lakelet.pipelines.planning.fingerprints import text_of
from lakelet.pipelines.planning.graph import Graph
from lakelet.pipelines.planning.world import World
from lakelet.pipelines.publishing.result import Result

__all__ = ("Staging", "inputs_of", "rejected_result", "stage_materialized")


@dataclass(frozen=True)
class Staging:
    """What was staged for a materialized view, and how.

    Attributes:
        results: for its table, and for the one of its rejected rows.
        outcome: what passed.
        how: ``full`` or ``incremental``.
        why: what the choice between them rested on; '' where there was none.
        moved: rows read because they changed, where it went by these.
        total: rows of the inputs.
    """

    results: list[Result]
    outcome: Outcome
    how: How
    why: str = ""
    moved: int | None = None
    total: int | None = None


def stage_materialized(
    world: World,
    graph: Graph,
    dataset: Dataset,
    definition: str,
    update: int,
    most: int,
    *,
    incremental: bool = False,
) -> Staging:
    """Compute a materialized view and stage it.

    Args:
        world: what the update sees.
        graph: the datasets and what they read.
        dataset: the view.
        definition: its fingerprint.
        update: the update's number.
        most: bytes the computation may hold.
        incremental: whether it may go by what changed in its inputs, which is tried first.

    Raises:
        LakeletError: with file and line; nothing of the dataset will be published.
    """
    (flow,) = dataset.flows
    inputs = inputs_of(world, graph, dataset)
    text = text_of(world.lake.workspace, world.pipeline, graph, dataset)
    published, why = world.published(dataset.name), ""
    with at_place(flow, dataset.name):
        if incremental and published is not None:
            found = refresh(world, dataset, published, update, most)
            if isinstance(found, Refreshed):
                made = _refreshed(world, dataset, definition, text, inputs, found)
                estimate = found.estimate
                return replace(
                    made, why=f"it goes by what changed: {estimate}",
                    moved=estimate.moved, total=estimate.total,
                )  # fmt: skip
            why = f"it is computed whole, since it {found.reason}"
            refuse_strict(dataset, found)
        outcome = _whole(world, dataset, flow, update, most)
    result = Result(
        dataset.name, "materialized view", "replace", outcome.columns, outcome.staged,
        definition=definition, text=text, inputs=inputs,
        partition_by=dataset.partition_by, comment=dataset.comment,
        properties=dataset.properties, rows=outcome.checked.kept,
    )  # fmt: skip
    rejected = rejected_result(world, dataset, outcome, "replace")
    return Staging([result, *rejected], outcome, "full", why)


def _whole(world: World, dataset: Dataset, flow: Flow, update: int, most: int) -> Outcome:
    if flow.query is None:
        known = columns_of(world.snapshot(dataset.name)) if world.published(dataset.name) else ()
        return stage_function(world, dataset, flow, update, most, known=known)
    sources = WorldSources(
        world, flow.query, warn=lambda text: world.tell("output", text, dataset.name)
    )
    bound = bind_query(world.lake.workspace, flow.query, sources, most=most)
    try:
        return stage_query(world.lake, dataset, bound, sources, update)
    finally:
        close_engine(bound.connection)


def _refreshed(
    world: World,
    dataset: Dataset,
    definition: str,
    text: str,
    inputs: dict[str, object],
    found: Refreshed,
) -> Staging:
    outcome, removed = found.swapped.outcome, found.swapped.removed
    result = Result(
        dataset.name, "materialized view", "files" if removed else "append", outcome.columns,
        outcome.staged, removed=removed, definition=definition, text=text,
        inputs=inputs, partition_by=dataset.partition_by, comment=dataset.comment,
        properties=dataset.properties, rows=outcome.checked.kept,
    )  # fmt: skip
    rejected = rejected_result(world, dataset, outcome, "append")
    return Staging([result, *rejected], outcome, "incremental")


def inputs_of(
    world: World, graph: Graph, dataset: Dataset, without: Collection[TableName] = ()
) -> dict[str, object]:
    """What a dataset reads, as far as it tells one state of it from another; views seen through.

    Args:
        world: what the update sees.
        graph: the datasets and what they read.
        dataset: the dataset.
        without: tables not to be looked at, as they may not be there yet.
    """
    found: dict[str, object] = {}
    for flow in dataset.flows:
        reads = graph.reads[flow.name]
        for name in (*reads.tables, *reads.streams):
            view = world.pipeline.datasets.get(name)
            if view is not None and not view.stored:
                found |= inputs_of(world, graph, view, without)
            elif name not in without:
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
