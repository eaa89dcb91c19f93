"""What would stop an update once it is begun, told beforehand, without reading data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from lakelet.errors import LakeletError
from lakelet.lake import TableName
from lakelet.pipelines.datasets.new_rows import refuse_stopped
from lakelet.pipelines.datasets.query import at_place
from lakelet.pipelines.datasets.streaming import flow_state
from lakelet.pipelines.definitions.dataset import Dataset, Flow
from lakelet.pipelines.foreign import refuse_foreign_commits
from lakelet.pipelines.losses import refuse_losses
from lakelet.pipelines.planning.decision import Decision
from lakelet.pipelines.planning.graph import Graph, reached
from lakelet.pipelines.planning.world import World

__all__ = ("update_stops",)


def update_stops(
    world: World,
    graph: Graph,
    decisions: Sequence[Decision],
    *,
    foreign: str = "stop",
    even_if_lost: bool = False,
) -> list[LakeletError]:
    """The errors an update would end with, as far as they show before it reads data.

    Args:
        world: what the update would see.
        graph: the datasets and what they read.
        decisions: what it would do with them.
        foreign: what would become of versions that another program committed.
        even_if_lost: whether a full refresh may lose what cannot be read again.
    """
    found: list[LakeletError] = []
    own = [p for p in world.publications.state.values() if p.pipeline == world.pipeline.name]
    for one in own if foreign == "stop" else ():
        if one.version >= 0 and world.lake.exists(one.table):
            with _kept(found):
                refuse_foreign_commits(world.lake, one, "the update")
    if not even_if_lost:
        with _kept(found):
            refuse_losses(world, graph, decisions)
    decided = {one.dataset.name: one for one in decisions}
    for decision in decisions:
        if not decision.runs:
            continue
        for dataset, flow in _flows(world, graph, decision.dataset):
            with _kept(found), at_place(flow, dataset.name):
                _find_files(world, graph, flow, anew=decision.how == "full")
        if decision.how == "new rows":
            for flow in decision.dataset.flows:
                with _kept(found), at_place(flow, decision.dataset.name):
                    _follow_streams(world, graph, decision.dataset, flow, decided)
    return found


@contextmanager
def _kept(found: list[LakeletError]) -> Iterator[None]:
    """Keep an error of the body and go on; one that is there already says no more."""
    try:
        yield
    except LakeletError as error:
        if error.message not in [one.message for one in found]:
            found.append(error)


def _flows(world: World, graph: Graph, dataset: Dataset) -> list[tuple[Dataset, Flow]]:
    """A dataset's flows, and those of the views it reads, which run with it."""
    views = [world.pipeline.datasets.get(n) for n in reached(graph, world.pipeline, dataset)]
    read = [dataset, *(view for view in views if view is not None and not view.stored)]
    return [(one, flow) for one in read for flow in one.flows]


def _find_files(world: World, graph: Graph, flow: Flow, *, anew: bool) -> None:
    """Look for the files that a flow cannot do without."""
    reads = graph.reads[flow.name]
    for call in (*reads.files, *(reads.new_files if anew else ())):
        world.files(call)


def _follow_streams(
    world: World,
    graph: Graph,
    dataset: Dataset,
    flow: Flow,
    decided: Mapping[TableName, Decision],
) -> None:
    reads = graph.reads[flow.name]
    position = flow_state(world.published(dataset.name), flow)
    if flow.once or position is None:
        return
    for name in reads.streams:
        source = decided.get(name)
        refuse_stopped(
            world, flow.name, name, position, reads.delivers,
            made=source is not None and source.runs,
            anew=source is not None and source.how == "full",
        )  # fmt: skip
