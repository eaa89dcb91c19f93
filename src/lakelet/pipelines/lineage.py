"""Lineage: which tables and columns a dataset comes from, read from its SQL.

Found when a dataset's definition is new or changed, and kept in `system.lineage` with the update.
Columns are followed by sqlglot through subqueries, joins and views; where it cannot tell, the
tables are still known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from lakelet.errors import LakeletError, SchemaError, nearest
from lakelet.lake import TableName
from lakelet.lake.table import columns_of
from lakelet.pipelines.definitions.dataset import Dataset
from lakelet.pipelines.definitions.streams import mark_streams, streamed
from lakelet.pipelines.edges import Edge
from lakelet.pipelines.planning.graph import Graph, reached, resolve
from lakelet.pipelines.planning.world import World

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ("edges_of", "follow", "refuse_unknown_column")


def edges_of(world: World, graph: Graph, dataset: Dataset) -> list[Edge]:
    """Everything a dataset comes from, tables first."""
    name = str(dataset.name)
    tables = [one for one in reached(graph, world.pipeline, dataset) if _is_stored(world, one)]
    views = [one for one in world.pipeline.datasets.values() if not one.stored]
    read = set(reached(graph, world.pipeline, dataset))
    sources = list(map(str, tables))
    for one in (dataset, *(view for view in views if view.name in read)):
        for flow in one.flows:
            reads = graph.reads[flow.name]
            sources += [f"files: {call.positional[0]}" for call in (*reads.files, *reads.new_files)]
            sources += [f"delta.`{path}`" for path in reads.paths]
    edges = [Edge(name, None, source, None) for source in dict.fromkeys(sources)]
    for flow in dataset.flows:
        if flow.query is not None and flow.cdc is None:
            edges += _columns(world, dataset, flow.query)
    return list(dict.fromkeys(edges))


def _is_stored(world: World, name: TableName) -> bool:
    dataset = world.pipeline.datasets.get(name)
    return dataset is None or dataset.stored


def _columns(world: World, dataset: Dataset, query: str) -> Iterator[Edge]:
    from sqlglot.errors import SqlglotError

    try:
        yield from _followed(world, dataset, query)
    except (SqlglotError, LakeletError, KeyError, RecursionError):
        # What sqlglot cannot follow is known by its tables.
        return


def _followed(world: World, dataset: Dataset, query: str) -> Iterator[Edge]:
    from sqlglot.lineage import lineage

    tree, known = _expanded(world, query, {})
    nodes = lineage(None, tree, dict(known), dialect="databricks")
    for column, node in nodes.items():
        for leaf in node.walk():
            table = leaf.source
            if not leaf.downstream and type(table).__name__ == "Table":
                source = _named(table)
                if source is None:
                    continue
                yield Edge(str(dataset.name), column, source, leaf.name.split(".")[-1])


def _named(table: Any) -> str | None:
    """What a leaf of a query's tree reads, as lineage names it; None for what is made up."""
    if table.name:
        return f"{table.db}.{table.name}"
    path = next(iter(table.this.expressions or [None]), None)
    is_files = str(table.this.name).lower() == "read_files" and type(path).__name__ == "Literal"
    return f"files: {path.name}" if is_files and path is not None else None


def _expanded(
    world: World, query: str, known: dict[str, dict[str, dict[str, str]]]
) -> tuple[exp.Expr, Mapping[str, Any]]:
    """A query with full table names and its views put in, and the columns of its tables."""
    import sqlglot
    from sqlglot import exp

    tree = sqlglot.parse_one(mark_streams(query), dialect="databricks")
    for table in list(tree.find_all(exp.Table)):
        if type(table.this).__name__ != "Identifier":
            continue
        parts = tuple(part.name for part in table.parts)
        if len(parts) == 1 and _is_common(tree, parts[0]):
            continue
        name = resolve(world.pipeline, world.lake, tuple(streamed(parts) or parts))
        view = world.pipeline.datasets.get(name)
        if view is not None and not view.stored and view.flows[0].query is not None:
            inner, _ = _expanded(world, view.flows[0].query, known)
            table.replace(inner.subquery(table.alias_or_name))  # type: ignore[attr-defined]
            continue
        columns = _columns_known(world, name)
        known.setdefault(name.schema, {})[name.table] = dict.fromkeys(columns, "STRING")
        table.replace(
            exp.alias_(exp.table_(name.table, db=name.schema), table.alias_or_name, table=True)
        )
    return tree, known


def _is_common(tree: exp.Expr, name: str) -> bool:
    from sqlglot import exp

    return any(cte.alias.lower() == name.lower() for cte in tree.find_all(exp.CTE))


def _columns_known(world: World, name: TableName) -> list[str]:
    result = world.results.get(name)
    columns = result.columns if result is not None else columns_of(world.snapshot(name))
    return [column.name for column in columns]


def follow(
    edges: Sequence[Edge], start: str, direction: Literal["upstream", "downstream"]
) -> list[tuple[int, Edge]]:
    """The edges that lead on from a table, or from ``table.column``, each with its depth.

    Args:
        edges: all there are.
        start: ``schema.table`` or ``schema.table.column``.
        direction: towards what it comes from, or towards what comes from it.
    """
    parts = start.lower().split(".")
    first = (".".join(parts[:2]), parts[2] if len(parts) > 2 else None)
    found: list[tuple[int, Edge]] = []
    seen: set[tuple[str, str | None]] = set()

    def visit(table: str, column: str | None, depth: int) -> None:
        if (table, column) in seen:
            return
        seen.add((table, column))
        for edge in _leading(edges, table, column, direction):
            found.append((depth, edge))
            if direction == "upstream":
                visit(edge.source, edge.source_column, depth + 1)
            else:
                visit(edge.target, edge.target_column, depth + 1)

    visit(*first, 0)
    return found


def refuse_unknown_column(name: str, columns: Sequence[str]) -> None:
    """Refuse a name ``schema.table.column`` whose column the table does not have.

    Raises:
        SchemaError: with the nearest one.
    """
    table, column = ".".join(name.split(".")[:2]), ".".join(name.split(".")[2:])
    if column and column.lower() not in [one.lower() for one in columns]:
        close = nearest(column, columns)
        raise SchemaError(
            f"{table} has no column {column}.",
            hint=f"did you mean {close}?" if close else f"it has {', '.join(columns)}.",
        )


def _leading(
    edges: Iterable[Edge], table: str, column: str | None, direction: str
) -> Iterator[Edge]:
    for edge in edges:
        end = (
            (edge.target, edge.target_column)
            if direction == "upstream"
            else (edge.source, edge.source_column)
        )
        if end[0].lower() == table and (end[1] or "").lower() == (column or "").lower():
            yield edge
