"""A streaming table: every flow takes what is new to it, once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

from lakelet.engines.bucket_files import plan_table
from lakelet.engines.connection import close_engine
from lakelet.engines.engine import Attached
from lakelet.engines.routes import open_snapshot
from lakelet.errors import PipelineError
from lakelet.lake.publications import Published
from lakelet.lake.staging import Staged, discard
from lakelet.lake.storage import join
from lakelet.lake.table import columns_of
from lakelet.lake.types import Column
from lakelet.loading.connection import loading_connection
from lakelet.loading.ledger import TRANSACTION, Entry, Ledger
from lakelet.pipelines.datasets.cdc_apply import apply_changes
from lakelet.pipelines.datasets.cdc_incoming import Incoming, open_incoming
from lakelet.pipelines.datasets.check import Checked
from lakelet.pipelines.datasets.file_flow import (
    FilesTaken,
    entries_state,
    new_files,
    published_batch,
    take_files,
)
from lakelet.pipelines.datasets.materialized import inputs_of, rejected_result
from lakelet.pipelines.datasets.new_rows import new_rows
from lakelet.pipelines.datasets.python_rows import stage_function
from lakelet.pipelines.datasets.query import at_place, bind_query
from lakelet.pipelines.datasets.rows import Rows, rows_of_columns
from lakelet.pipelines.datasets.sources import WorldSources
from lakelet.pipelines.datasets.staging import Outcome, stage_query
from lakelet.pipelines.definitions.cdc_rules import ADDED_ONLY
from lakelet.pipelines.definitions.dataset import Dataset, Flow
from lakelet.pipelines.definitions.statements import same_text
from lakelet.pipelines.definitions.streams import mark_streams
from lakelet.pipelines.planning.fingerprints import text_of
from lakelet.pipelines.planning.graph import FlowReads, Graph
from lakelet.pipelines.planning.world import World
from lakelet.pipelines.publishing.decided import DECIDED
from lakelet.pipelines.publishing.result import Mode, Result

__all__ = ("StreamOutcome", "flow_state", "refuse_other_source", "stage_streaming")

_TRUNCATED = "truncated"
"""Where a publication says the sequence of the last change that deleted every key."""


@dataclass(frozen=True)
class StreamOutcome(Outcome):
    """What the flows of a streaming table gave.

    Attributes:
        entries: by batch, the ledger's entries for the files taken.
        files: files taken.
        passed: back-fill commits that streams passed over.
    """

    entries: dict[int, tuple[Entry, ...]] = field(default_factory=dict)
    files: int = 0
    passed: int = 0


def flow_state(published: Published | None, flow: Flow) -> Mapping[str, Any] | None:
    """Where a flow stood when its table was last published; None before its first rows."""
    if published is None:
        return None
    found = published.inputs.get(f"flow {flow.name}")
    return found if isinstance(found, dict) else None


def refuse_other_source(flow: Flow, reads: FlowReads, state: Mapping[str, Any]) -> None:
    """Refuse to go on from a position in another kind of source than the flow reads now.

    Args:
        flow: the flow.
        reads: what it reads now.
        state: where it stood when its table was last published.

    Raises:
        PipelineError: names the ways on.
    """
    taken = "files" if "columns" in state else "once" if "once" in state else "rows"
    now = "once" if flow.once else "files" if reads.new_files else "rows"
    if now in (taken, "once"):
        return
    said = {"files": "took new files", "once": "ran once", "rows": "took rows of a table"}
    raise PipelineError(
        f"the flow {flow.name} {said[taken]} until now, and reads something else now; nothing was "
        "published.",
        hint="`lakelet update … --full-refresh` takes everything anew, from the new source alone; "
        "a flow of another name (CREATE FLOW … AS INSERT INTO … BY NAME) takes it besides what is "
        "there.",
    )


@dataclass
class _Table:
    """A streaming table on its way: what its flows have staged so far."""

    columns: list[Column]
    staged: list[Staged] = field(default_factory=list)
    rejected: list[Staged] = field(default_factory=list)
    checked: Checked = field(default_factory=Checked)
    batch: int = 0
    entries: dict[int, tuple[Entry, ...]] = field(default_factory=dict)
    files: int = 0
    passed: int = 0
    inputs: dict[str, Any] = field(default_factory=dict)
    incoming: Incoming | None = None


def stage_streaming(
    world: World,
    graph: Graph,
    dataset: Dataset,
    definition: str,
    update: int,
    most: int,
    *,
    anew: bool = False,
) -> tuple[list[Result], StreamOutcome]:
    """Take what is new to each flow, and stage it.

    Args:
        world: what the update sees.
        graph: what the flows read.
        dataset: the streaming table.
        definition: its fingerprint.
        update: the update's number.
        most: bytes a query may hold.
        anew: whether everything is taken again and the table made anew.

    Raises:
        LakeletError: with file and line; nothing of the table will be published.
    """
    published = world.published(dataset.name)
    before = None if anew else published
    text = text_of(world.lake.workspace, world.pipeline, graph, dataset)
    if before is not None:
        # The log keeps its folders: files in others would make the table one that nobody reads.
        folders = tuple(world.snapshot(dataset.name).metadata().partition_columns)
        dataset = replace(dataset, partition_by=folders)
    known = () if before is None else columns_of(world.snapshot(dataset.name))
    table = _Table(list(known or dataset.columns or ()))
    table.batch = published_batch(world, dataset.name)
    table.inputs = dict(before.inputs) if before is not None else {}
    if before is None and dataset.cdc is None and world.published(dataset.name.changes):
        table.inputs[ADDED_ONLY] = True
    companions: list[Result] = []
    change = None
    with (
        open_incoming(world.lake.workspace, dataset, most) as table.incoming,
        closing(loading_connection(world.lake.workspace)) as connection,
    ):
        ledger = Ledger(world.lake, connection)
        for flow in dataset.flows:
            with at_place(flow, dataset.name):
                _take(world, graph, dataset, flow, table, ledger, before, update, most)
        if table.incoming is not None:
            with at_place(dataset.flows[0], dataset.name):
                change, companions = apply_changes(
                    world, table.incoming, table.columns, update, table.inputs.get(_TRUNCATED),
                    anew=anew,
                )  # fmt: skip
                table.staged += change.staged
                if change.truncation is not None:
                    table.inputs[_TRUNCATED] = change.truncation
    plain = inputs_of(world, graph, dataset)
    mode: Mode = "replace" if anew else "append"
    result = Result(
        dataset.name, "streaming table", mode if change is None else change.mode(anew=anew),
        tuple(table.columns), tuple(table.staged), renew=anew and published is not None,
        removed=() if anew or change is None else change.removed,
        transactions=((TRANSACTION, table.batch),) if table.batch else (),
        definition=definition, text=text, inputs={**plain, **table.inputs},
        partition_by=dataset.partition_by, comment=dataset.comment,
        properties=dataset.properties, rows=table.checked.kept if change is None else change.rows,
    )  # fmt: skip
    outcome = StreamOutcome(
        tuple(table.staged), tuple(table.columns), table.checked, tuple(table.rejected),
        entries=table.entries, files=table.files, passed=table.passed,
    )  # fmt: skip
    rejected = rejected_result(world, dataset, outcome, mode)
    return [result, *rejected, *companions], outcome


def _take(
    world: World, graph: Graph, dataset: Dataset, flow: Flow, table: _Table, ledger: Ledger,
    before: Published | None, update: int, most: int,
) -> None:  # fmt: skip
    reads = graph.reads[flow.name]
    state = flow_state(before, flow)
    if flow.once and state is not None:
        return
    if reads.new_files:
        (call,) = reads.new_files
        files, _ = new_files(world, ledger, dataset.name, call, flow.name)
        if before is None:
            files = world.files(call)
        if not files:
            return
        table.batch += 1
        columns = None if state is None else _file_columns(flow, table, state)
        taken = take_files(
            world, ledger, dataset.name, flow.name, call, files, table.batch, columns,
            dataset.partition_by,
        )  # fmt: skip
        table.entries[table.batch] = taken.entries
        table.files += len(taken.entries)
        table.rejected += taken.rejected
        table.inputs[f"flow {flow.name}"] = entries_state(taken)
        if _is_plain(dataset, flow):
            _merge(dataset, table, taken.columns)
            table.staged += taken.staged
            rows = sum(one.rows for one in taken.staged)
            table.checked.rows += rows
            table.checked.kept += rows
            return
        _query(
            world, dataset, flow, table, update, most, new_files=_staged_rows(world, dataset, taken)
        )
        place = world.lake.place(dataset.name)
        for one in taken.staged:
            discard(place.location, place.storage, one.folder)
    elif reads.streams:
        (name,) = reads.streams
        found = new_rows(world, flow.name, name, state, reads.delivers)
        table.passed += found.passed
        table.inputs[f"flow {flow.name}"] = {"table": str(name), **found.state}
        if found.rows is not None:
            _query(world, dataset, flow, table, update, most, new={str(name): found.rows})
    else:
        table.inputs[f"flow {flow.name}"] = {"once": True}
        _query(world, dataset, flow, table, update, most)


def _file_columns(flow: Flow, table: _Table, state: Mapping[str, Any]) -> list[Column]:
    """The columns in which a flow reads its files: those so far, and those a person decided on.

    Only a query that takes all columns brings the latter to the table; from another they would be
    gone, and are better rescued once more.
    """
    columns = [Column.from_delta(column) for column in state["columns"]]
    if flow.query is None or not same_text(mark_streams(flow.query)).startswith("select * "):
        return columns
    known = {column.name.lower() for column in columns}
    decided = set(table.inputs.get(DECIDED, ()))
    made = [c for c in table.columns if c.name in decided and c.name.lower() not in known]
    return [*made, *columns]


def _is_plain(dataset: Dataset, flow: Flow) -> bool:
    """Whether the files' rows are the table's as they are, unchecked."""
    if flow.query is None:
        return False
    start = same_text(mark_streams(flow.query))
    return (
        flow.cdc is None
        and not dataset.expectations
        and dataset.columns is None
        and start.startswith("select * from read_files (")
        and start.endswith("=> true )")
    )


def _staged_rows(world: World, dataset: Dataset, taken: FilesTaken) -> Rows:
    place = world.lake.place(dataset.name)
    options = place.storage.options or None
    routes = [
        plan_table(place, open_snapshot(join(place.location, one.folder), storage_options=options))
        for one in taken.staged
    ]
    empty = rows_of_columns(taken.columns)
    return Rows.of(*empty.routes, *routes)


def _query(
    world: World, dataset: Dataset, flow: Flow, table: _Table, update: int, most: int,
    new: Mapping[str, Attached] | None = None, new_files: Rows | None = None,
) -> None:  # fmt: skip
    if flow.query is None:
        known = tuple(table.columns)
        outcome = stage_function(
            world, dataset, flow, update, most, new=new, new_files=new_files, known=known
        )
    else:
        sources = WorldSources(
            world, flow.query, new, new_files,
            warn=lambda text: world.tell("output", text, dataset.name),
        )  # fmt: skip
        bound = bind_query(world.lake.workspace, flow.query, sources, most=most)
        try:
            if table.incoming is not None and flow.cdc is not None:
                outcome = table.incoming.take(world.lake, flow.cdc, bound, sources, update)
            else:
                outcome = stage_query(world.lake, dataset, bound, sources, update)
        finally:
            close_engine(bound.connection)
    _merge(dataset, table, outcome.columns)
    table.staged += outcome.staged
    table.rejected += outcome.rejected
    table.checked.rows += outcome.checked.rows
    table.checked.kept += outcome.checked.kept
    table.checked.dropped += outcome.checked.dropped
    for name, count in outcome.checked.broken.items():
        table.checked.broken[name] = table.checked.broken.get(name, 0) + count


def _merge(dataset: Dataset, table: _Table, columns: Sequence[Column]) -> None:
    """The table's columns with those that rows bring besides.

    Raises:
        PipelineError: a column's type is another than the table's.
    """
    known = {column.name.lower(): index for index, column in enumerate(table.columns)}
    for column in columns:
        index = known.get(column.name.lower())
        if index is None:
            table.columns.append(replace(column, nullable=True) if known else column)
        elif table.columns[index].type != column.type:
            if column.type.sql.startswith(("STRUCT", "ARRAY", "MAP")) and _grew(
                table.columns[index], column
            ):
                table.columns[index] = replace(table.columns[index], type=column.type)
                continue
            raise PipelineError(
                f"{column.name} is {table.columns[index].type.sql} in {dataset.name} and "
                f"{column.type.sql} in the new rows; nothing was published.",
                hint=f"cast it in the query, or take everything anew: lakelet update … "
                f"--full-refresh {dataset.name}.",
            )


def _grew(old: Column, new: Column) -> bool:
    """Whether a nested type only has fields more."""
    return all(part in new.type.sql for part in old.type.sql.strip(">").split(", "))
