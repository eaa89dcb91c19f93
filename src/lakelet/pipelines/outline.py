"""What a pipeline declares, for a look at it: its datasets, what each reads, and their code."""

from __future__ import annotations

from dataclasses import dataclass

from lakelet.lake import Lake

__all__ = ("Outline", "OutlineStep", "outline")


@dataclass(frozen=True)
class OutlineStep:
    """A dataset of a pipeline.

    Attributes:
        name: ``schema.table``.
        kind: ``streaming table``, ``materialized view`` or ``temporary view``.
        comment: what is said about it.
        inputs: the tables it reads.
        files: the folders of files it reads.
        file: where it is declared, from the workspace.
        line: the line there.
        expectations: what its rows must be like: name, condition, what happens otherwise.
    """

    name: str
    kind: str
    comment: str | None
    inputs: list[str]
    files: list[str]
    file: str
    line: int
    expectations: list[tuple[str, str, str]]


@dataclass(frozen=True)
class Outline:
    """A pipeline.

    Attributes:
        name: its folder's name.
        schema: where its datasets belong unless they say otherwise.
        steps: its datasets, each after what it reads.
    """

    name: str
    schema: str
    steps: list[OutlineStep]


def outline(lake: Lake, name: str) -> Outline:
    """Read what a pipeline declares; nothing is run but its files' own declarations.

    Raises:
        SqlError, PipelineError: what is wrong, with file and line.
    """
    from lakelet.pipelines.definitions.folder import read_pipeline
    from lakelet.pipelines.planning.graph import build_graph

    pipeline = read_pipeline(lake.workspace, name)
    graph = build_graph(pipeline, lake)
    steps = []
    for dataset in graph.order:
        reads = [graph.reads[flow.name] for flow in dataset.flows]
        calls = [call for one in reads for call in (*one.files, *one.new_files)]
        steps.append(
            OutlineStep(
                str(dataset.name),
                dataset.kind,
                dataset.comment,
                [str(one) for one in graph.inputs(dataset)],
                list(dict.fromkeys(str(c.positional[0]) for c in calls if c.positional)),
                dataset.place.file,
                dataset.place.line,
                [(e.name, e.condition, e.action) for e in dataset.expectations],
            )
        )
    return Outline(pipeline.name, pipeline.schema, steps)
