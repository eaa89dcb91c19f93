"""What a streaming table that is made anew could not read again."""

from __future__ import annotations

from collections.abc import Sequence

from lakelet.errors import LoadError, PipelineError
from lakelet.loading.connection import loading_connection
from lakelet.loading.ledger import Ledger
from lakelet.pipelines.datasets.file_flow import published_batch
from lakelet.pipelines.definitions.dataset import Dataset
from lakelet.pipelines.planning.decision import Decision
from lakelet.pipelines.planning.graph import Graph
from lakelet.pipelines.planning.world import World
from lakelet.workspace.quantities import counted

__all__ = ("lost_files", "refuse_losses")

_SHOWN = 5


def lost_files(world: World, graph: Graph, dataset: Dataset) -> list[str]:
    """Files a streaming table has taken that are not where its flows look any more."""
    reads = [graph.reads[flow.name] for flow in dataset.flows]
    # A materialized view in the place of a streaming table reads the files as a whole.
    calls = [call for one in reads for call in (*one.new_files, *one.files)]
    if not calls or world.published(dataset.name) is None:
        return []
    there: set[str] = set()
    for call in calls:
        try:
            there |= {file.name for file in world.files(call)}
        except LoadError:  # none are left
            continue
    connection = loading_connection(world.lake.workspace)
    try:
        known = Ledger(world.lake, connection).tags(
            dataset.name, published_batch(world, dataset.name)
        )
    finally:
        connection.close()
    return sorted(name for name, tag in known.items() if tag is not None and name not in there)


def refuse_losses(world: World, graph: Graph, decisions: Sequence[Decision]) -> None:
    """Refuse a full refresh that would lose rows.

    Raises:
        PipelineError: with the files that cannot be read again.
    """
    for decision in decisions:
        forced = decision.details.get("forced") and decision.dataset.kind == "streaming table"
        if not forced and decision.details.get("was") != "streaming table":
            continue
        lost = lost_files(world, graph, decision.dataset)
        if lost:
            more = f" and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
            raise PipelineError(
                f"{decision.dataset.name} was made from {counted(len(lost), 'file')} that "
                f"{'is' if len(lost) == 1 else 'are'} not there any more: "
                f"{', '.join(lost[:_SHOWN])}{more}; making it anew would lose their rows; "
                "nothing was done.",
                hint="put them back, or say --even-if-lost.",
            )
