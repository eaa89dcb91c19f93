"""What a dataset is made by, as one digest: equal when a reformatted text means the same."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lakelet.pipelines.definitions.dataset import Dataset, Pipeline, fingerprint
from lakelet.pipelines.definitions.statements import same_text
from lakelet.pipelines.planning.graph import Graph
from lakelet.workspace import WorkspaceFolder

__all__ = ("fingerprint_of", "text_of", "what_changed")

_MEANING = 1
"""Raised when the same text comes to mean something else."""
_ZONE = "time zone"
_LINE = re.compile(
    r"\[((?:expectation|view|property) [^\]]*|AUTO CDC|columns|partitioning|comment|time zone)\]"
    r" (.*)"
)


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


def text_of(workspace: WorkspaceFolder, pipeline: Pipeline, graph: Graph, dataset: Dataset) -> str:
    """What a dataset is made by, for people, and for telling what changed.

    Its query or function first, then a line ``[what] …`` for everything else in its fingerprint.
    """
    zone = _line(_ZONE, workspace.settings.time_zone)
    return "\n".join([*_said(pipeline, graph, dataset), zone])


def _said(pipeline: Pipeline, graph: Graph, dataset: Dataset) -> Iterator[str]:
    for flow in dataset.flows:
        yield flow.query.strip() if flow.query is not None else flow.code
    for one in dataset.expectations:
        yield _line(f"expectation {one.name}", f"{one.condition} ({one.action})")
    for flow in dataset.flows:
        if flow.cdc is not None:
            yield _line("AUTO CDC", repr(flow.cdc))
    for name in graph.inputs(dataset):
        view = pipeline.datasets.get(name)
        if view is not None and not view.stored:
            yield _line(f"view {name}", " ".join(_said(pipeline, graph, view)))
    if dataset.columns is not None:
        yield _line("columns", ", ".join(f"{c.name} {c.type.sql}" for c in dataset.columns))
    if dataset.partition_by:
        yield _line("partitioning", ", ".join(dataset.partition_by))
    if dataset.comment is not None:
        yield _line("comment", dataset.comment)
    for key, value in sorted(dataset.properties.items()):
        yield _line(f"property {key}", value)


def _line(what: str, said: str) -> str:
    return f"[{what}] {' '.join(said.split())}"


def what_changed(before: str, now: str, *, made_by: str = "query") -> str:
    """What differs between two texts of `text_of`, in words.

    Args:
        before: the published one.
        now: the one that counts.
        made_by: what to call its first part, ``query`` or ``function``.
    """
    (first_before, rest_before), (first_now, rest_now) = _parts(before), _parts(now)
    same = first_before == first_now or (
        made_by == "query" and same_text(first_before) == same_text(first_now)
    )
    changed = [] if same else [made_by]
    if _ZONE in rest_before:  # texts were shorter once
        labels = dict.fromkeys((*rest_before, *rest_now))
        changed += [one for one in labels if rest_before.get(one) != rest_now.get(one)]
    return " and ".join(changed) or made_by


def _parts(text: str) -> tuple[str, dict[str, str]]:
    first: list[str] = []
    rest: dict[str, str] = {}
    for line in text.splitlines():
        found = _LINE.fullmatch(line)
        if found is None:
            first.append(line)
        else:
            rest[found[1]] = rest.get(found[1], "") + found[2]
    return "\n".join(first), rest
