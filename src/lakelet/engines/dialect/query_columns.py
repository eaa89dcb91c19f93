"""The columns a query gives, and the names it uses up: what queries around it know of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakelet.engines.dialect.generators import is_generator
from lakelet.engines.dialect.kinds import kind_of
from lakelet.engines.dialect.naming import output_name
from lakelet.engines.dialect.numeric_types import common_type
from lakelet.errors import SqlError

if TYPE_CHECKING:
    from sqlglot import exp

    from lakelet.engines.dialect.renderer import Renderer
    from lakelet.engines.dialect.scopes import Columns

__all__ = (
    "columns_of",
    "columns_of_both",
    "own_names",
    "query_of",
    "refuse_own_names",
    "row_types",
)


def query_of(node: exp.Expr) -> exp.Expr:
    """The query inside any parentheses."""
    while type(node).__name__ == "Subquery":
        node = node.this
    return node


def own_names(node: exp.Expr) -> frozenset[str]:
    """Names a SELECT gives to values, other than a column's own name."""
    names = set()
    for item in node.expressions:
        kind, inner = type(item).__name__, item.this
        if kind == "Dot":
            names.add(item.expression.name.lower())
        elif kind == "Aliases":
            names |= {name.name.lower() for name in item.expressions}
        elif kind == "Alias" and not (
            type(inner).__name__ == "Column" and inner.name.lower() == item.alias.lower()
        ):
            names.add(item.alias.lower())
    return frozenset(names)


def refuse_own_names(r: Renderer, node: exp.Expr) -> None:
    """Refuse a name in WHERE that only the SELECT itself gives (page "Name resolution").

    DuckDB would take it. It stays where any source's columns are not known, or where a query
    around this one may have a column of that name.

    Raises:
        SqlError: there is such a name.
    """
    where = node.args.get("where")
    around = [scope for scope in r.scopes if not scope.opaque]
    if where is None or any(columns is None for scope in around for _, columns in scope.sources):
        return
    given = own_names(node)
    known = {name for scope in around for _, columns in scope.sources for name in columns or ()}
    queries = {"Select", "Union", "Except", "Intersect", "Lambda"}
    for found in where.walk(prune=lambda inner: type(inner).__name__ in queries):
        if type(found).__name__ != "Column" or found.args.get("table"):
            continue
        name = found.name.lower()
        if name in given - known and found.name not in r.locals:
            raise SqlError(
                f"[UNRESOLVED_COLUMN] WHERE knows no column {found.name}: it is a name that the "
                "SELECT gives, after the rows are chosen.",
                hint="write out what it stands for, or ask in a query around this one: "
                f"SELECT * FROM (…) WHERE {found.name} = ….",
            )


def columns_of(r: Renderer, node: exp.Expr) -> Columns | None:
    """The columns a SELECT gives, with the types that are known; None where a * is not known."""
    found: list[tuple[str, str | None]] = []
    for item in node.expressions:
        kind = type(item).__name__
        star = kind == "Star" or (kind == "Column" and type(item.this).__name__ == "Star")
        if star:
            written = item if kind == "Star" else item.this
            source = item.args.get("table") if kind == "Column" else None
            columns = r.scopes[-1].star(source.name.lower() if source else None)
            if columns is None:
                return None
            left_out = {column.name.lower() for column in written.args.get("except_") or []}
            found += [column for column in columns if column[0] not in left_out]
        elif is_generator(item):
            return None
        elif kind == "Alias":
            found.append((item.alias.lower(), r.type_of(item.this)))
        else:
            name = output_name(r, item) or item.name
            found.append((name.lower(), r.type_of(item)))
    return found


def columns_of_both(r: Renderer, node: exp.Expr) -> Columns | None:
    """The columns of a set operation; a type is known where both sides have it."""
    left, right = (r.columns_given(query_of(side)) for side in (node.this, node.expression))
    if left is None or right is None or len(left) != len(right):
        return None
    return [
        (name, kind if kind == other else None)
        for (name, kind), (_, other) in zip(left, right, strict=True)
    ]


def row_types(r: Renderer, node: exp.Expr) -> list[str | None]:
    """The type of each column of VALUES."""
    rows = [row.expressions if type(row).__name__ == "Tuple" else [row] for row in node.expressions]
    kinds = []
    for column in zip(*rows, strict=False):
        given = [r.type_of(item) for item in column if kind_of(r, item) != "null"]
        kinds.append(common_type(given) if given else None)
    return kinds
