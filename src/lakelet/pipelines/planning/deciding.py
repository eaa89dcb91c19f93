"""Deciding what an update does with each dataset, and saying why."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from typing import Any

from lakelet.lake import TableName
from lakelet.lake.publications import Published
from lakelet.loading.connection import loading_connection
from lakelet.loading.ledger import Ledger
from lakelet.pipelines.datasets.cdc_apply import refuse_other_shape
from lakelet.pipelines.datasets.file_flow import new_files
from lakelet.pipelines.datasets.materialized import inputs_of
from lakelet.pipelines.datasets.query import at_place
from lakelet.pipelines.datasets.streaming import flow_state, refuse_other_source
from lakelet.pipelines.definitions.dataset import Dataset, Flow
from lakelet.pipelines.incremental.choice import choose, refuse_strict, shape_to_refresh
from lakelet.pipelines.incremental.shape import Whole
from lakelet.pipelines.planning.decision import Decision, How
from lakelet.pipelines.planning.fingerprints import fingerprint_of, text_of, what_changed
from lakelet.pipelines.planning.graph import Graph
from lakelet.pipelines.planning.tidying import is_only_tidied
from lakelet.pipelines.planning.world import World

__all__ = ("decide_all",)


def decide_all(
    world: World,
    graph: Graph,
    *,
    only: Collection[TableName] | None = None,
    refresh: Collection[TableName] = (),
) -> list[Decision]:
    """A decision for every dataset, in the graph's order.

    Args:
        world: what the update sees.
        graph: the datasets and what they read.
        only: the datasets that may run; all without one.
        refresh: datasets that are made anew whatever changed.
    """
    decided: dict[TableName, Decision] = {}
    for dataset in graph.order:
        decided[dataset.name] = _decide(world, graph, dataset, decided, only, refresh)
    return list(decided.values())


def _decide(
    world: World,
    graph: Graph,
    dataset: Dataset,
    decided: Mapping[TableName, Decision],
    only: Collection[TableName] | None,
    refresh: Collection[TableName],
) -> Decision:
    if not dataset.stored:
        return Decision(dataset, "view", "computed where it is read")
    if only is not None and dataset.name not in only:
        return Decision(dataset, "skip", "not among the datasets asked for")
    published = world.published(dataset.name)
    if dataset.name in refresh:
        return Decision(dataset, "full", "forced", {"forced": True})
    if published is None:
        return Decision(dataset, "full", "first update", {"first": True})
    if published.kind != dataset.kind:
        # What one kind holds is no start for the other: a view's rows would be taken once more.
        _, diff = _difference(world, graph, dataset, published)
        reason = f"it was a {published.kind} and is a {dataset.kind} now: made anew"
        return Decision(dataset, "full", reason, {"was": published.kind, "diff": diff})
    if dataset.kind == "streaming table":
        return _decide_streaming(world, graph, dataset, published, decided)
    definition = fingerprint_of(world.lake.workspace, world.pipeline, graph, dataset)
    if definition != published.definition:
        what, diff = _difference(world, graph, dataset, published)
        return Decision(dataset, "full", f"{what} changed", {"diff": diff})
    moved = _moved(world, graph, dataset, published, decided)
    if moved:
        how, details = _full_or_incremental(world, graph, dataset, published, decided)
        return Decision(dataset, how, moved[0], {"moved": moved, **details})
    return Decision(dataset, "skip", "nothing changed")


def _full_or_incremental(
    world: World,
    graph: Graph,
    dataset: Dataset,
    published: Published,
    decided: Mapping[TableName, Decision],
) -> tuple[How, dict[str, str]]:
    """How a view whose inputs moved is brought up to date, and what that rests on."""
    with at_place(dataset.flows[0], dataset.name):
        shape = shape_to_refresh(world, dataset)
        if isinstance(shape, Whole):
            return "full", {"note": f"it is computed whole, since it {shape.reason}"}
        tables = _tables(world, graph, dataset)
        running = [name for name in tables if name in decided and decided[name].runs]
        other = next((name for name in running if _other_table(world, published, name)), None)
        if running and other is None:
            return "incremental", {
                "note": "it goes by what changed, if that is cheaper once it is known"
            }
        choice = (
            choose(world, dataset, published)
            if other is None
            else Whole(f"reads {other}, which is another table than before")
        )
        if isinstance(choice, Whole):
            refuse_strict(dataset, choice)
    if isinstance(choice, Whole):
        return "full", {"note": f"it is computed whole, since it {choice.reason}"}
    if choice.incremental:
        return "incremental", {"note": f"it goes by what changed: {choice.estimate}"}
    if choice.depends_on_keys:
        few = choice.estimate_for(1).incremental
        return "incremental", {
            "note": "it goes by what changed, if that has few keys, which a look at them tells: "
            f"from {few:.2f} CPU-s; else {choice.estimate}"
        }
    return "full", {"note": f"it is computed whole, since that is cheaper: {choice.estimate}"}


def _moved(
    world: World,
    graph: Graph,
    dataset: Dataset,
    published: Published,
    decided: Mapping[TableName, Decision],
) -> list[str]:
    """What is not as it was when a materialized view was published, in sentences."""
    tables = dict.fromkeys(_tables(world, graph, dataset))
    changing = [name for name in tables if name in decided and decided[name].runs]
    found = [
        f"input {name} {_other_table(world, published, name) or 'changes in this update'}"
        for name in changing
    ]
    # One that this update makes need not be there yet.
    now = inputs_of(world, graph, dataset, changing)
    for read, state in now.items():
        before = published.inputs.get(read)
        if before != state and not _is_tidied(world, graph, dataset, read, before, state):
            found.append(_sentence(read, before, state))
    return found


def _is_tidied(
    world: World, graph: Graph, dataset: Dataset, read: str, before: Any, now: Any
) -> bool:
    """Whether what a view reads as ``read`` is a table whose files were only put together."""
    names = {str(name): name for name in _tables(world, graph, dataset)}
    return read in names and is_only_tidied(world.lake.table(names[read]), before, now)


def _other_table(world: World, published: Published, name: TableName) -> str:
    """Whether a name that this update makes a table of meant none, or another, before; or ''."""
    if str(name) not in published.inputs:
        return "was not read before"
    return "" if world.published(name) is not None else "is replaced by a dataset"


def _tables(world: World, graph: Graph, dataset: Dataset) -> list[TableName]:
    """The tables a dataset reads, views seen through."""
    found = []
    for name in graph.inputs(dataset):
        view = world.pipeline.datasets.get(name)
        if view is not None and not view.stored:
            found += _tables(world, graph, view)
        else:
            found.append(name)
    return found


def _sentence(name: str, before: Any, now: Any) -> str:
    if not isinstance(before, dict) or not isinstance(now, dict):
        return f"input {name} was not read before"
    if "files" in now:
        return f"the files of {name} changed"
    if before.get("id") != now.get("id"):
        return f"input {name} was replaced by another table"
    return f"input {name} moved from version {before['version']} to {now['version']}"


def _decide_streaming(
    world: World,
    graph: Graph,
    dataset: Dataset,
    published: Published,
    decided: Mapping[TableName, Decision],
) -> Decision:
    with at_place(dataset.flows[0], dataset.name):
        refuse_other_shape(world, dataset)
    reasons: list[str] = []
    details: dict[str, Any] = {}
    for flow in dataset.flows:
        reasons += _flow_reasons(world, graph, dataset, flow, published, decided, details)
    definition = fingerprint_of(world.lake.workspace, world.pipeline, graph, dataset)
    if definition != published.definition:
        what, _ = _difference(world, graph, dataset, published)
        details["note"] = f"its {what} changed: that applies to new rows only"
        if "partitioning" in what:
            details["note"] += "; it stays partitioned as it is until a full refresh"
    if not reasons:
        return Decision(dataset, "skip", "nothing new", details)
    return Decision(dataset, "new rows", reasons[0], {**details, "reasons": reasons})


def _flow_reasons(
    world: World,
    graph: Graph,
    dataset: Dataset,
    flow: Flow,
    published: Published,
    decided: Mapping[TableName, Decision],
    details: dict[str, Any],
) -> list[str]:
    reads = graph.reads[flow.name]
    state = flow_state(published, flow)
    if state is not None:
        with at_place(flow, dataset.name):
            refuse_other_source(flow, reads, state)
    if flow.once:
        return [] if state is not None else [f"flow {flow.name} runs for the first time"]
    found = []
    for call in reads.new_files:
        connection = loading_connection(world.lake.workspace)
        try:
            ledger = Ledger(world.lake, connection)
            new, changed = new_files(world, ledger, dataset.name, call, flow.name)
        finally:
            connection.close()
        if new:
            found.append(f"new files ({len(new)})")
        if changed:
            details["changed"] = [file.name for file in changed]
    for name in reads.streams:
        if name in decided and decided[name].runs:
            found.append(f"input {name} changes in this update")
        elif state is None:
            found.append(f"flow {flow.name} runs for the first time")
        else:
            now = world.state(name)
            position = {"id": state["id"], "version": state["version"]}
            table = world.lake.table(name)
            if position != now and not is_only_tidied(table, position, now):
                found.append(_sentence(str(name), state, now))
    return found


def _difference(
    world: World, graph: Graph, dataset: Dataset, published: Published
) -> tuple[str, str]:
    """What of a dataset is not as it was published: in words, and line by line."""
    text = text_of(world.lake.workspace, world.pipeline, graph, dataset)
    made_by = "function" if dataset.flows[0].query is None else "query"
    return what_changed(published.text, text, made_by=made_by), _diff(published.text, text)


def _diff(before: str, now: str) -> str:
    lines = difflib.unified_diff(before.splitlines(), now.splitlines(), lineterm="", n=1)
    return "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@")))
