"""What a dataset is made by, as one digest: equal when a reformatted text means the same."""

from __future__ import annotations

from lakelet.pipelines.definitions.dataset import Dataset, Pipeline, fingerprint
from lakelet.pipelines.definitions.statements import same_text
from lakelet.pipelines.planning.graph import Graph
from lakelet.workspace import WorkspaceFolder

__all__ = ("fingerprint_of", "text_of")

_MEANING = 1
"""Raised when the same text comes to mean something else."""


def fingerprint_of(
    workspace: WorkspaceFolder, pipeline: Pipeline, graph: Graph, dataset: Dataset
) -> str:
    """A digest of all that a dataset's rows depend on besides its inputs' rows."""
    flows = [
        (
            flow.name if len(dataset.flows) > 1 else "",
            same_text(flow.query)
            if flow.query is not None
            else (flow.code, sorted(flow.reads.items())),
            repr(flow.cdc),
        )
        for flow in dataset.flows
    ]
    views = [
        fingerprint_of(workspace, pipeline, graph, pipeline.datasets[name])
        for name in graph.inputs(dataset)
        if name in pipeline.datasets and not pipeline.datasets[name].stored
    ]
    expectations = [(e.name, same_text(e.condition), e.action) for e in dataset.expectations]
    declared = [c.delta for c in dataset.columns] if dataset.columns is not None else None
    return fingerprint(
        _MEANING, dataset.kind, flows, views, expectations, declared, dataset.partition_by,
        dataset.comment, sorted(dataset.properties.items()), workspace.settings.time_zone,
    )  # fmt: skip


def text_of(dataset: Dataset) -> str:
    """What a dataset is made by, for people, and for telling what changed."""
    parts = [flow.query if flow.query is not None else flow.code for flow in dataset.flows]
    checks = [f"EXPECT {one.name}: {one.condition} ({one.action})" for one in dataset.expectations]
    return "\n".join([*parts, *checks])
