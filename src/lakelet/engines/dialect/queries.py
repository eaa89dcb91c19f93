"""SELECT and its clauses, set operations, VALUES and WITH, for DuckDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakelet.engines.dialect.conditions import condition
from lakelet.engines.dialect.generators import generated_items, is_generator
from lakelet.engines.dialect.kinds import kind_of, kind_of_type
from lakelet.engines.dialect.naming import output_name
from lakelet.engines.dialect.query_columns import (
    columns_of,
    columns_of_both,
    own_names,
    query_of,
    refuse_own_names,
    row_types,
)
from lakelet.engines.dialect.renderer import Node, NodeRenderer, Renderer, refuse
from lakelet.engines.dialect.scopes import Scope
from lakelet.engines.dialect.sources import add_source
from lakelet.errors import SqlError
from lakelet.lake.names import quote

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ("QUERIES", "order_items")


def _with(r: Renderer, node: exp.Expr) -> str:
    """The WITH clause; each name is known to those after it, and to the query."""
    clause = node.args.get("with_")
    if clause is None:
        return ""
    if clause.args.get("recursive"):
        raise refuse("WITH RECURSIVE")
    pieces = []
    for common in clause.expressions:
        unknown = {k for k, v in common.args.items() if v} - {"this", "alias"}
        if unknown:
            raise refuse(f"{unknown.pop().upper()} in WITH")
        name = common.alias.lower()
        columns = common.args["alias"].args.get("columns") or []
        listed = f"({', '.join(quote(column.name) for column in columns)})" if columns else ""
        pieces.append(f"{quote(name)}{listed} AS ({r.sql(common.this)})")
        given = r.columns_given(common.this)
        if given is not None and columns:
            names = [column.name.lower() for column in columns] + [
                n for n, _ in given[len(columns) :]
            ]
            given = list(zip(names, (kind for _, kind in given), strict=False))
        r.common_names[-1][name] = given
    return f"WITH {', '.join(pieces)} "


def _scoped(render: NodeRenderer) -> NodeRenderer:
    """A query whose WITH names end where the query ends."""

    def scoped(r: Renderer, node: exp.Expr) -> str:
        r.common_names.append({})
        r.scopes.append(Scope(opaque=True))
        try:
            return _with(r, node) + render(r, node)
        finally:
            r.scopes.pop()
            r.common_names.pop()

    return scoped


def _item(r: Renderer, node: exp.Expr) -> str:
    kind = type(node).__name__
    if kind == "Alias":
        return f"{r.sql(node.this)} AS {quote(node.alias)}"
    text = r.sql(node)
    name = output_name(r, node)
    return f"{text} AS {quote(name)}" if name else text


def _items(r: Renderer, node: exp.Expr) -> str:
    generators = [item for item in node.expressions if is_generator(item)]
    if len(generators) > 1:
        raise SqlError(
            "[UNSUPPORTED_GENERATOR.MULTI_GENERATOR] a SELECT makes rows by one generator only.",
            hint="put each in a LATERAL VIEW of its own.",
        )
    return ", ".join(
        generated_items(r, item) if item in generators else _item(r, item)
        for item in node.expressions
    )


def _select(r: Renderer, node: exp.Expr) -> str:
    args = node.args
    outer_windows, r.windows = r.windows, {w.name.lower(): w for w in args.get("windows") or []}
    r.scopes.append(Scope(own_names(node)))
    try:
        distinct = args.get("distinct")
        if distinct is not None and distinct.args.get("on"):
            raise refuse("SELECT DISTINCT ON", hint="use row_number() with QUALIFY.")
        pieces = ["SELECT DISTINCT" if distinct else "SELECT"]
        source = "".join(
            [
                f" FROM {r.sql(args['from_'].this)}" if args.get("from_") else "",
                *(r.sql(join) for join in args.get("joins") or []),
                *(r.sql(lateral) for lateral in args.get("laterals") or []),
            ]
        )
        pieces.append(_items(r, node) + source)
        refuse_own_names(r, node)
        for clause in ("where", "having", "qualify"):
            if clause == "having" and args.get("group"):
                pieces.append(r.sql(args["group"]))
            if args.get(clause):
                pieces.append(f"{clause.upper()} {condition(r, args[clause].this, clause.upper())}")
        text = " ".join(pieces) + _tail(r, node)
        r.gives(node, columns_of(r, node))
        return text
    finally:
        r.scopes.pop()
        r.windows = outer_windows


def order_items(r: Renderer, order: exp.Expr) -> str:
    """ORDER BY items with NULLs placed as Databricks does (page "ORDER BY clause")."""
    return "ORDER BY " + ", ".join(_ordered(r, item) for item in order.expressions)


def _ordered(r: Renderer, item: exp.Expr) -> str:
    text = "ALL" if type(item.this).__name__ == "Var" else r.sql(item.this)
    direction = "DESC" if item.args.get("desc") else "ASC"
    nulls = "FIRST" if item.args.get("nulls_first") else "LAST"
    return f"{text} {direction} NULLS {nulls}"


def _tail(r: Renderer, node: exp.Expr) -> str:
    args, pieces = node.args, []
    if args.get("order"):
        pieces.append(order_items(r, args["order"]))
    limit = args.get("limit")
    if limit is not None and type(limit.expression).__name__ != "Var":
        pieces.append(f"LIMIT {_count(r, limit.expression, 'LIMIT')}")
    if args.get("offset"):
        pieces.append(f"OFFSET {_count(r, args['offset'].expression, 'OFFSET')}")
    return "".join(f" {piece}" for piece in pieces)


def _count(r: Renderer, node: exp.Expr, clause: str) -> str:
    kind = type(node).__name__
    if kind == "Placeholder" or (kind == "Literal" and node.name.isdigit()):
        return r.sql(node)
    raise SqlError(
        f"{clause} takes a whole number here.", hint=f"write it out, or bind it: {clause} :n."
    )


def _group(r: Renderer, node: exp.Expr) -> str:
    if node.args.get("all"):
        return "GROUP BY ALL"
    items = [r.sql(item) for item in node.expressions]
    for kind in ("grouping_sets", "cube", "rollup"):
        for wrapper in node.args.get(kind) or []:
            if wrapper.expressions:
                items.append(r.sql(wrapper))
            else:  # GROUP BY a, b WITH ROLLUP
                items = [f"{kind.upper()} ({', '.join(items)})"]
    return f"GROUP BY {', '.join(items)}"


def _grouping(name: str) -> NodeRenderer:
    def render(r: Renderer, node: exp.Expr) -> str:
        return f"{name} ({r.list(node.expressions)})"

    return render


def _set_operation(name: str) -> NodeRenderer:
    def render(r: Renderer, node: exp.Expr) -> str:
        every = "" if node.args.get("distinct") else " ALL"
        left, right = _side(r, node.this), _side(r, node.expression)
        _refuse_mixed(r, node)
        r.gives(node, columns_of_both(r, node))
        return f"{left} {name}{every} {right}" + _tail(r, node)

    return render


def _refuse_mixed(r: Renderer, node: exp.Expr) -> None:
    """Refuse text in one side's column where the other plainly has something else."""
    sides = [_kinds(r, query_of(side)) for side in (node.this, node.expression)]
    for one, other in zip(*sides, strict=False):
        if "string" in {one, other} and not {one, other} & {None, "null"} and one != other:
            raise SqlError(
                f"[INCOMPATIBLE_COLUMN_TYPE] a set operation has {one} on one side where the "
                f"other has {other}.",
                hint="cast both columns to one type.",
            )


def _kinds(r: Renderer, node: exp.Expr) -> list[str | None]:
    given = r.columns_given(node)
    if given is not None and all(kind for _, kind in given):
        return [kind_of_type(kind) for _, kind in given]
    if type(node).__name__ != "Select":
        return []
    items = [item.this if type(item).__name__ == "Alias" else item for item in node.expressions]
    starred = any("Star" in (type(item).__name__, type(item.this).__name__) for item in items)
    return [] if starred else [kind_of(r, item, typed=False) for item in items]


def _side(r: Renderer, node: exp.Expr) -> str:
    text = r.sql(node)
    return text if type(node).__name__ == "Subquery" else f"({text})"


def values_rows(r: Renderer, node: exp.Expr) -> str:
    """The rows of VALUES; a lone value is a row of one column."""
    rows = []
    for row in node.expressions:
        items = row.expressions if type(row).__name__ == "Tuple" else [row]
        rows.append(f"({r.list(items)})")
    return "VALUES " + ", ".join(rows)


def _values(r: Renderer, node: exp.Expr) -> str:
    first = node.expressions[0]
    width = len(first.expressions) if type(first).__name__ == "Tuple" else 1
    alias = node.args.get("alias")
    columns = (alias.args.get("columns") if alias else None) or []
    names = [column.name for column in columns] or [f"col{i + 1}" for i in range(width)]
    name = (alias.name if alias else "") or "values"
    listed = ", ".join(quote(name) for name in names)
    source = f"({values_rows(r, node)}) AS {quote(name)}({listed})"
    # Standing alone, VALUES is a query; in FROM it is a source.
    alone = node.parent is None or type(node.parent).__name__ not in {"From", "Join", "Lateral"}
    typed = [(name.lower(), kind) for name, kind in zip(names, row_types(r, node), strict=False)]
    if alone:
        r.gives(node, typed)
    elif len(r.scopes) > 1:
        r.scopes[-2].add(name, typed)
    return (f"SELECT * FROM {source}" if alone else source) + _tail(r, node)


def _subquery(r: Renderer, node: exp.Expr) -> str:
    inner = node.this
    alias = node.args.get("alias")
    if type(inner).__name__ == "Table":
        raise refuse("a join in parentheses", hint="write the join as (SELECT * FROM … JOIN …).")
    text = f"({r.sql(inner)})"
    if alias:
        columns = alias.args.get("columns") or []
        listed = f"({', '.join(quote(column.name) for column in columns)})" if columns else ""
        text += f" AS {quote(alias.name)}{listed}" if alias.name else ""
    r.gives(node, r.columns_given(inner))
    if not _is_value(node) and len(r.scopes) > 1 and type(node.parent).__name__ in {"From", "Join"}:
        outer = r.scopes.pop()
        add_source(r, node, "", r.columns_given(inner))
        r.scopes.append(outer)
    tail = _tail(r, node)
    return f"({text}{tail})" if tail and _is_value(node) else text + tail


def _is_value(node: exp.Expr) -> bool:
    return type(node.parent).__name__ not in {"From", "Join", "Union", "Except", "Intersect"}


_TAIL = frozenset({"order", "limit", "offset", "with_"})
QUERIES: dict[str, Node] = {
    "Select": Node(
        _scoped(_select),
        _TAIL
        | {"expressions", "from_", "joins", "laterals", "where", "group", "having", "qualify"}
        | {"distinct", "windows"},
    ),
    "Union": Node(_scoped(_set_operation("UNION")), _TAIL | {"this", "expression", "distinct"}),
    "Except": Node(_scoped(_set_operation("EXCEPT")), _TAIL | {"this", "expression", "distinct"}),
    "Intersect": Node(
        _scoped(_set_operation("INTERSECT")),
        _TAIL | {"this", "expression", "distinct"},
    ),
    "Values": Node(_scoped(_values), _TAIL | {"expressions", "alias"}),
    "Subquery": Node(_scoped(_subquery), _TAIL | {"this", "alias"}),
    "Group": Node(_group, frozenset({"expressions", "all", "grouping_sets", "cube", "rollup"})),
    "Rollup": Node(_grouping("ROLLUP"), frozenset({"expressions"})),
    "Cube": Node(_grouping("CUBE"), frozenset({"expressions"})),
    "GroupingSets": Node(_grouping("GROUPING SETS"), frozenset({"expressions"})),
}
