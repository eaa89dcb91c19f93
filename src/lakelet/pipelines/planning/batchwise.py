"""Whether a query over a stream gives the same, whatever batches its rows come in.

A streaming table takes each new row once and adds what its query makes of it. So nothing over the
stream may depend on more than one of its rows, and nothing else may come again with every batch
(Apache Spark, "Structured Streaming", lists the same among its unsupported operations; what it
computes with state and watermarks is a materialized view here).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from lakelet.engines.dialect.parsing import parse_query, prepare
from lakelet.pipelines.definitions.streams import STREAM_OPTION, mark_streams, streamed
from lakelet.pipelines.incremental.functions import is_aggregate

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ("not_batchwise",)

_Common = Mapping[str, tuple["exp.Expr", "_Common"]]
_CLAUSES = {
    "group": "GROUP BY", "having": "HAVING", "distinct": "DISTINCT", "limit": "LIMIT",
    "offset": "OFFSET", "qualify": "QUALIFY", "windows": "WINDOW",
}  # fmt: skip
_QUERIES = ("Select", "Union", "Except", "Intersect")


class _DependsError(Exception):
    pass


def not_batchwise(query: str) -> str:
    """What of a query depends on more than one row of its stream, in words; '' where nothing does.

    Raises:
        SqlError: the query cannot be read.
    """
    marked = mark_streams(query)
    if marked == query:
        return ""
    try:
        _query(parse_query(prepare(marked)), {})
    except _DependsError as found:
        return str(found)
    return ""


def _query(tree: exp.Expr, common: _Common) -> bool:
    """Whether a query's rows are those of a stream."""
    kind = type(tree).__name__
    clause = tree.args.get("with_")
    for one in clause.expressions if clause is not None else ():
        common = {**common, one.alias.lower(): (one.this, common)}
    if kind == "Subquery":
        new = _query(tree.this, common)
        _refuse_pivots(tree, new=new)
    elif kind == "Select":
        return _select(tree, common)
    elif kind in _QUERIES:
        new = _union(tree, common)
    else:
        return False
    if new and (tree.args.get("limit") or tree.args.get("offset")):
        raise _DependsError("LIMIT")
    return new


def _union(tree: exp.Expr, common: _Common) -> bool:
    sides = [_query(side, common) for side in (tree.this, tree.expression)]
    if any(sides) and (type(tree).__name__ != "Union" or tree.args.get("distinct")):
        raise _DependsError(type(tree).__name__.upper())
    if any(sides) and not all(sides):
        # What is no stream would be added again with each batch.
        raise _DependsError("UNION ALL with what is not read by STREAM")
    return any(sides)


def _select(tree: exp.Expr, common: _Common) -> bool:
    clause = tree.args.get("from_")
    new = clause is not None and _joined(clause.this, tree.args.get("joins") or [], common)
    inside = {"from_", "joins", "with_"}
    clauses = [value for name, value in tree.args.items() if name not in inside]
    for part in _expressions(clauses):
        if type(part).__name__ in _QUERIES and _query(part, common):
            raise _DependsError("a subquery in an expression that reads STREAM")
    if new:
        _refuse_clauses(tree)
    return new


def _joined(first: exp.Expr, joins: list[exp.Expr], common: _Common) -> bool:
    new = _source(first, common)
    for join in (*(first.args.get("joins") or []), *joins):
        right = _source(join.this, common)
        side, kind = str(join.args.get("side") or ""), str(join.args.get("kind") or "")
        kept_left = side in ("LEFT", "FULL") or kind in ("SEMI", "ANTI")
        kept_right = side in ("RIGHT", "FULL")
        if (kept_left and right and not new) or (kept_right and new and not right):
            # A row without a partner in one batch may find one in the next.
            raise _DependsError("an outer join that keeps rows of what is not read by STREAM")
        new = new or right
    return new


def _source(node: exp.Expr, common: _Common) -> bool:
    kind = type(node).__name__
    if kind == "Subquery":
        return _query(node, common)
    if kind != "Table":
        return any(_query(part, common) for part in node.walk() if type(part).__name__ in _QUERIES)
    if type(node.this).__name__ == "Identifier":
        parts = tuple(part.name for part in node.parts)  # type: ignore[attr-defined]
        if len(parts) == 1 and parts[0].lower() in common:
            new = _query(*common[parts[0].lower()])
        else:
            new = streamed(parts) is not None
    else:
        new = any(
            type(part).__name__ == "Kwarg" and part.this.name == STREAM_OPTION
            for part in node.this.walk()
        )
    _refuse_pivots(node, new=new)
    return new


def _refuse_pivots(node: exp.Expr, *, new: bool) -> None:
    if new and any(not one.args.get("unpivot") for one in node.args.get("pivots") or []):
        raise _DependsError("PIVOT")


def _refuse_clauses(tree: exp.Expr) -> None:
    for clause, words in _CLAUSES.items():
        if tree.args.get(clause):
            raise _DependsError(words)
    for part in _expressions([tree.expressions, tree.args.get("order")]):
        if type(part).__name__ == "Window":
            raise _DependsError("a window (OVER)")
        if type(part).__name__ == "Anonymous" and is_aggregate(part.name.lower()):
            raise _DependsError(f"{part.name.lower()}()")


def _expressions(values: list[object]) -> Iterator[exp.Expr]:
    """Every part of some clauses; what is inside a subquery belongs to that."""
    for value in values:
        if isinstance(value, list):
            yield from _expressions(value)
        elif hasattr(value, "walk"):
            yield from value.walk(prune=lambda part: type(part).__name__ in _QUERIES)
