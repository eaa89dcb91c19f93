"""Which dataset reads what, and the order that follows from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lakelet.engines.dialect import TableFunctionCall, TableReference
from lakelet.engines.dialect.translation import without_catalog
from lakelet.errors import PipelineError, nearest
from lakelet.lake import Lake, TableName
from lakelet.lake.publications import Publications
from lakelet.pipelines.datasets.query import at_place
from lakelet.pipelines.definitions.cdc_rules import is_made_by_changes
from lakelet.pipelines.definitions.dataset import Dataset, Flow, Pipeline
from lakelet.pipelines.definitions.streams import (
    STREAM_OPTION,
    Delivery,
    delivery,
    streamed,
)
from lakelet.pipelines.planning.query_names import QueryNames

__all__ = ("FlowReads", "Graph", "build_graph", "reached", "resolve")


@dataclass(frozen=True, slots=True)
class FlowReads:
    """What one flow reads.

    Attributes:
        tables: whole tables, datasets of the pipeline or others.
        streams: tables of which only new rows are read.
        paths: Delta tables read by their place.
        files: calls of read_files that read everything there is.
        new_files: calls of read_files that read what is new.
        delivers: what the stream of a table delivers.
    """

    tables: tuple[TableName, ...] = ()
    streams: tuple[TableName, ...] = ()
    paths: tuple[str, ...] = ()
    files: tuple[TableFunctionCall, ...] = ()
    new_files: tuple[TableFunctionCall, ...] = ()
    delivers: Delivery = "new"


@dataclass(frozen=True)
class Graph:
    """A pipeline's datasets in an order in which each comes after what it reads.

    Attributes:
        order: the datasets.
        reads: by flow name, what it reads.
    """

    order: tuple[Dataset, ...]
    reads: Mapping[str, FlowReads] = field(default_factory=dict)

    def inputs(self, dataset: Dataset) -> tuple[TableName, ...]:
        """Every table a dataset reads, each once."""
        found: dict[TableName, None] = {}
        for flow in dataset.flows:
            reads = self.reads[flow.name]
            found.update(dict.fromkeys((*reads.streams, *reads.tables)))
        return tuple(found)


def resolve(pipeline: Pipeline, lake: Lake, parts: Sequence[str]) -> TableName:
    """The table a name in a query means.

    It is looked for among the pipeline's datasets, then in its schema, then as ``schema.table``.

    Raises:
        PipelineError: nothing of that name, with the nearest.
    """
    parts = without_catalog(tuple(parts))
    dataset = pipeline.find(parts)
    if dataset is not None:
        return dataset.name
    name = TableName.of(pipeline.schema, parts[0]) if len(parts) == 1 else None
    if len(parts) == 2:
        name = TableName.of(*parts)
    if name is not None and (lake.exists(name) or name.is_companion):
        return name
    shown = ".".join(parts)
    known = [str(d.name) for d in pipeline.datasets.values()] + [str(n) for n in lake.names()]
    short = [d.name.table for d in pipeline.datasets.values()]
    close = nearest(shown, known) or nearest(shown, short)
    raise PipelineError(
        f"there is no table {shown}, neither in the pipeline nor in the lake.",
        hint=f"did you mean {close}?" if close else "`lakelet tables` lists what is there.",
        word=parts[-1],
    )


def build_graph(pipeline: Pipeline, lake: Lake) -> Graph:
    """Read every flow's query and put the datasets in order.

    Raises:
        SqlError, PipelineError: with file and line: a query that cannot be read, an unknown table,
            a stream from a materialized view, a circle.
    """
    reads: dict[str, FlowReads] = {}
    edges: dict[TableName, set[TableName]] = {}
    queries = QueryNames(lake.workspace, pipeline)
    for dataset in pipeline.datasets.values():
        edges[dataset.name] = set()
        for flow in dataset.flows:
            with at_place(flow, dataset.name):
                reads[flow.name] = found = flow_reads(queries, lake, dataset, flow)
                _refuse(pipeline, lake, dataset, flow, found)
            own = {*found.tables, *found.streams} & set(pipeline.datasets)
            edges[dataset.name] |= own - ({dataset.name} if flow.once else set())
    queries.keep()
    return Graph(tuple(_ordered(pipeline, edges)), reads)


def reached(graph: Graph, pipeline: Pipeline, dataset: Dataset) -> list[TableName]:
    """Everything a dataset reads, views and what these read among it."""
    found = []
    for name in graph.inputs(dataset):
        found.append(name)
        view = pipeline.datasets.get(name)
        if view is not None and not view.stored:
            found += reached(graph, pipeline, view)
    return found


def flow_reads(
    queries: QueryNames, lake: Lake, dataset: Dataset, flow: Flow, within: Sequence[TableName] = ()
) -> FlowReads:
    """What a flow's query or function reads; ``within`` are the views it is being read for."""
    pipeline = queries.pipeline
    if flow.query is None:
        return _function_reads(queries, lake, flow)
    translation = queries.of(flow.query)
    if translation.depends and (within or (dataset.kind == "streaming table" and not flow.once)):
        raise _depends(dataset, translation.depends)
    tables_, streams_, paths = [], [], []
    views: list[FlowReads] = []
    delivers: Delivery = "new"
    for reference in translation.tables:
        new = streamed(reference.parts)
        if new is not None:
            name = resolve(pipeline, lake, new)
            view = pipeline.datasets.get(name)
            if view is not None and not view.stored:
                views.append(_new_in(queries, lake, view, within))
                tables_.append(name)
            else:
                streams_.append(name)
                delivers = delivery(reference.parts)
        elif _is_path(reference):
            paths.append(reference.parts[1])
        else:
            name = resolve(pipeline, lake, reference.parts)
            _refuse_unstreamed(queries, name)
            tables_.append(name)
    calls = [call for call in translation.calls if call.name == "read_files"]
    fresh = tuple(call for call in calls if dict(call.named).get(STREAM_OPTION))
    for one in views:
        streams_ += one.streams
        fresh += one.new_files
        delivers = one.delivers
    return FlowReads(
        tuple(tables_), tuple(streams_), tuple(paths),
        tuple(call for call in calls if call not in fresh), fresh, delivers,
    )  # fmt: skip


def _refuse_unstreamed(queries: QueryNames, name: TableName) -> None:
    """Refuse to read a view of new rows as if they were all there are."""
    view = queries.pipeline.datasets.get(name)
    query = None if view is None or view.stored else view.flows[0].query
    if query is None:
        return
    found = queries.of(query)
    calls = any(dict(call.named).get(STREAM_OPTION) for call in found.calls)
    if calls or any(streamed(reference.parts) for reference in found.tables):
        raise PipelineError(
            f"the temporary view {name} reads with STREAM, and is read here without.",
            hint=f"a streaming table reads it as STREAM({name.table}); for everything else let a "
            "streaming table keep the rows, and read that.",
        )


def _depends(dataset: Dataset, what: str) -> PipelineError:
    of = f" in the view {dataset.name}" if dataset.kind == "temporary view" else ""
    return PipelineError(
        f"{what} over STREAM{of} would be computed for each batch of new rows alone: a streaming "
        "table takes each row once, and does not look at it again.",
        hint="let the streaming table keep the rows, and compute this in a MATERIALIZED VIEW that "
        "reads it without STREAM.",
    )


def _new_in(
    queries: QueryNames, lake: Lake, view: Dataset, within: Sequence[TableName]
) -> FlowReads:
    """What is new in a view is what is new in the stream that it reads."""
    if view.name in within:
        raise PipelineError(f"the view {view.name} reads itself in a circle, by STREAM.")
    return flow_reads(queries, lake, view, view.flows[0], (*within, view.name))


def _function_reads(queries: QueryNames, lake: Lake, flow: Flow) -> FlowReads:
    tables, streams = [], []
    fresh: tuple[TableFunctionCall, ...] = ()
    delivers = flow.delivers
    for parameter, text in flow.reads.items():
        name = resolve(queries.pipeline, lake, text.split("."))
        view = queries.pipeline.datasets.get(name)
        if parameter not in flow.streams:
            _refuse_unstreamed(queries, name)
            tables.append(name)
        elif view is None or view.stored:
            streams.append(name)
        elif delivers != "new":
            raise PipelineError(
                f"{name} is a temporary view; what its stream delivers stands in its own query.",
                hint=f'give stream=["{parameter}"], and write WITH (…) behind STREAM in the view.',
            )
        else:
            found = _new_in(queries, lake, view, ())
            tables.append(name)
            streams += found.streams
            fresh += found.new_files
            delivers = found.delivers
    return FlowReads(tuple(tables), tuple(streams), new_files=fresh, delivers=delivers)


def _is_path(reference: TableReference) -> bool:
    return reference.parts[0] == "delta" and len(reference.parts) == 2


def _refuse(pipeline: Pipeline, lake: Lake, dataset: Dataset, flow: Flow, reads: FlowReads) -> None:
    for name in reads.streams:
        kind, by_changes = _made_as(pipeline, lake, name)
        if kind == "materialized view":
            raise PipelineError(
                f"STREAM {name} reads new rows only, and a materialized view is replaced, not "
                "added to.",
                hint="read it without STREAM, from a materialized view.",
            )
        if by_changes and reads.delivers == "new":
            raise PipelineError(
                f"STREAM {name} reads new rows only, and the rows of {name} are changed by AUTO "
                "CDC.",
                hint="read it without STREAM, from a materialized view; WITH (readChangeFeed) "
                "behind STREAM reads its changes, WITH (SKIPCHANGECOMMITS) only what is added.",
            )
    streams = bool(reads.streams or reads.new_files)
    if dataset.kind == "materialized view" and streams:
        raise PipelineError(
            "a materialized view always equals its query, so it cannot read with STREAM.",
            hint="CREATE OR REFRESH STREAMING TABLE takes each new row once.",
        )
    if dataset.kind == "streaming table" and not streams and not flow.once:
        raise PipelineError(
            f"the flow {flow.name} of a streaming table reads nothing with STREAM.",
            hint="write FROM STREAM …, or make it a MATERIALIZED VIEW.",
        )
    if len(reads.streams) + len(reads.new_files) > 1:
        raise PipelineError(
            f"the flow {flow.name} reads several things with STREAM.",
            hint="one flow for each: CREATE FLOW … AS INSERT INTO … BY NAME.",
        )


def _made_as(pipeline: Pipeline, lake: Lake, name: TableName) -> tuple[str, bool]:
    """What kind of dataset a table is, here or in another pipeline, and if AUTO CDC changes it."""
    source = pipeline.datasets.get(name)
    if source is not None:
        return source.kind, source.cdc is not None
    publications = Publications(lake)
    published = publications.of(name)
    return "" if published is None else published.kind, is_made_by_changes(publications, name)


def _ordered(pipeline: Pipeline, edges: Mapping[TableName, set[TableName]]) -> list[Dataset]:
    order: list[Dataset] = []
    done: set[TableName] = set()
    path: list[TableName] = []

    def visit(name: TableName) -> None:
        if name in done:
            return
        if name in path:
            circle = [*path[path.index(name) :], name]
            places = ", ".join(f"{one} ({pipeline.datasets[one].place})" for one in circle[:-1])
            raise PipelineError(
                f"the datasets read one another in a circle: {' → '.join(map(str, circle))}.",
                hint=f"let one of them read something else: {places}.",
            )
        path.append(name)
        for source in sorted(edges[name], key=str):
            visit(source)
        path.pop()
        done.add(name)
        order.append(pipeline.datasets[name])

    for name in pipeline.datasets:
        visit(name)
    return order
