"""What a failed update has staged, kept for the next one.

A result is kept with a digest of all it depends on: the definition, the inputs, the version it
builds on. The next update takes it over where the digest is still the same, and begins with the
step that failed; what nobody can go on with is removed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lakelet.errors import LoadError
from lakelet.lake import Lake, LakeTable, TableName
from lakelet.lake.staging import STAGED_PREFIX, discard
from lakelet.lake.storage import join
from lakelet.loading.connection import loading_connection
from lakelet.loading.ledger import Entry, Ledger
from lakelet.pipelines.datasets.file_flow import new_files, published_batch
from lakelet.pipelines.datasets.materialized import inputs_of
from lakelet.pipelines.definitions.dataset import Dataset, fingerprint
from lakelet.pipelines.planning.decision import Decision
from lakelet.pipelines.planning.graph import Graph
from lakelet.pipelines.planning.world import World
from lakelet.pipelines.publishing.result import Result
from lakelet.workspace.store import open_store

__all__ = ("Kept", "digest_of", "forget_kept", "keep_result", "kept_result", "remove_leftovers")

_UPDATE = STAGED_PREFIX + "update-"
_LOAD = STAGED_PREFIX + "load-"


@dataclass(frozen=True)
class Kept:
    """What was staged for a dataset.

    Attributes:
        results: for its table, and for those beside it.
        counts: what passed: rows, kept, dropped, rejected, and broken by expectation.
        entries: by batch, the ledger's entries.
    """

    results: tuple[Result, ...]
    counts: Mapping[str, Any]
    entries: Mapping[int, tuple[Entry, ...]]


def digest_of(
    world: World, graph: Graph, decision: Decision, definition: str, inputs: Mapping[TableName, str]
) -> str:
    """A digest of all that a dataset's result depends on.

    Args:
        world: what the update sees.
        graph: the datasets and what they read.
        decision: what is done with the dataset.
        definition: the dataset's fingerprint.
        inputs: digests of the results this update has staged.
    """
    dataset = decision.dataset
    published = world.published(dataset.name)
    state = inputs_of(world, graph, dataset)
    for name in list(state):
        if isinstance(state[name], dict) and state[name] == {"update": True}:
            state[name] = inputs.get(TableName.parse(name), "")
    return fingerprint(
        definition,
        decision.how,
        None if published is None else (published.update, published.version),
        sorted(state.items()),
        _files(world, graph, dataset),
    )


def _files(world: World, graph: Graph, dataset: Dataset) -> list[tuple[str, int, str]]:
    calls = [(c, flow.name) for flow in dataset.flows for c in graph.reads[flow.name].new_files]
    if not calls:
        return []
    connection = loading_connection(world.lake.workspace)
    try:
        ledger = Ledger(world.lake, connection)
        found = [new_files(world, ledger, dataset.name, *one)[0] for one in calls]
    finally:
        connection.close()
    return [(f.name, f.entry.size, str(f.entry.etag)) for files in found for f in files]


def keep_result(lake: Lake, pipeline: str, dataset: TableName, digest: str, kept: Kept) -> None:
    """Remember what was staged, until it is published."""
    raw = {
        "results": [result.to_json() for result in kept.results],
        "counts": kept.counts,
        "entries": {
            str(number): [(e.found.name, e.kept, e.rescued, e.rejected, e.state, e.reason, e.flow)
                          for e in entries]
            for number, entries in kept.entries.items()
        },
    }  # fmt: skip
    with open_store(lake.workspace) as store:
        store.execute(
            "INSERT OR REPLACE INTO staged VALUES (?, ?, ?, ?)",
            (pipeline, str(dataset), digest, json.dumps(raw)),
        )


def kept_result(world: World, graph: Graph, dataset: Dataset, digest: str) -> Kept | None:
    """What an earlier update has staged for a dataset, if it can be gone on with."""
    with open_store(world.lake.workspace) as store:
        row = store.execute(
            "SELECT result FROM staged WHERE pipeline = ? AND dataset = ? AND digest = ?",
            (world.pipeline.name, str(dataset.name), digest),
        ).fetchone()
    if row is None:
        return None
    raw = json.loads(row["result"])
    results = tuple(map(Result.from_json, raw["results"]))
    for result in results:
        place = world.lake.place(result.table)
        there = set(place.storage.folders(place.location))
        if any(one.folder not in there for one in result.staged):
            return None
    entries = _entries(world, graph, dataset, raw["entries"])
    return None if entries is None else Kept(results, raw["counts"], entries)


def _entries(
    world: World, graph: Graph, dataset: Dataset, raw: Mapping[str, Sequence[Any]]
) -> dict[int, tuple[Entry, ...]] | None:
    if not raw:
        return {}
    calls = [call for flow in dataset.flows for call in graph.reads[flow.name].new_files]
    try:
        found = {file.name: file for call in calls for file in world.files(call)}
    except LoadError:
        return None
    if any(one[0] not in found for entries in raw.values() for one in entries):
        return None
    return {
        int(number): tuple(Entry(found[name], *rest) for name, *rest in entries)
        for number, entries in raw.items()
    }


def forget_kept(lake: Lake, pipeline: str) -> None:
    """Forget what was kept: it is published, or nobody can go on with it."""
    with open_store(lake.workspace) as store:
        store.execute("DELETE FROM staged WHERE pipeline = ?", (pipeline,))


def remove_leftovers(world: World) -> None:
    """Remove scratch folders beside the pipeline's tables that nobody will go on with.

    Called after a publication. What a commit has adopted has no log of its own any more; where that
    could not be removed, the table's own log tells.
    """
    for dataset in world.pipeline.datasets.values():
        if not dataset.stored:
            continue
        for name in (dataset.name, *dataset.companions):
            table = world.lake.place(name)
            for folder in table.storage.folders(table.location):
                if _is_ours(world, dataset, folder) and not _is_adopted(table, folder):
                    discard(table.location, table.storage, folder)


def _is_ours(world: World, dataset: Dataset, folder: str) -> bool:
    if folder.startswith(_LOAD):
        number = folder.removeprefix(_LOAD).split("-")[0]
        return number.isdecimal() and int(number) > published_batch(world, dataset.name)
    return folder.startswith(_UPDATE)


def _is_adopted(table: LakeTable, folder: str) -> bool:
    """Whether some version of the table has files in a scratch folder."""
    if "_delta_log" not in table.storage.folders(join(table.location, folder)):
        return True
    for entry in table.storage.files(join(table.location, "_delta_log")):
        if entry.path.endswith(".json"):
            with table.storage.open(entry.path) as log:
                if folder.encode() in log.read():
                    return True
    return False
