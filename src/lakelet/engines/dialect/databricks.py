"""Databricks SQL to DuckDB SQL: the tables of nodes put together and run."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from lakelet.engines.dialect.arithmetic import ARITHMETIC
from lakelet.engines.dialect.calls import CALLS
from lakelet.engines.dialect.casts import CASTS
from lakelet.engines.dialect.conditions import CONDITIONS
from lakelet.engines.dialect.forms import FORMS
from lakelet.engines.dialect.lambdas import with_own_parameters
from lakelet.engines.dialect.literals import LITERALS
from lakelet.engines.dialect.macros import definitions
from lakelet.engines.dialect.parsing import Prepared, parse_expression, parse_query, prepare
from lakelet.engines.dialect.queries import QUERIES
from lakelet.engines.dialect.renderer import Node, Renderer
from lakelet.engines.dialect.scopes import known_columns
from lakelet.engines.dialect.sources import SOURCES
from lakelet.engines.dialect.translation import METADATA, Edit, TableColumns, Translation
from lakelet.engines.dialect.values import VALUES
from lakelet.errors import SqlError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlglot import exp

    from lakelet.engines.dialect.scopes import Columns
    from lakelet.engines.dialect.translation import TableReference

__all__ = ("expression", "nodes", "query")


@cache
def nodes() -> dict[str, Node]:
    """Every class of syntax node that can be translated."""
    return {
        **QUERIES, **SOURCES, **VALUES, **LITERALS, **ARITHMETIC, **CONDITIONS, **CASTS, **CALLS,
        **FORMS,
    }  # fmt: skip


def _translated(
    text: str,
    parse: Callable[[Prepared], exp.Expr],
    told: TableColumns | None = None,
    edit: Edit | None = None,
) -> Translation:
    prepared = prepare(text)
    tree = parse(prepared)
    if edit is not None:
        tree = edit(tree)
    renderer = Renderer(prepared, nodes())
    renderer.metadata = _names_metadata(tree)
    if told is not None:
        known: dict[str, Columns | None] = {}

        def columns(table: TableReference) -> Columns | None:
            if table.view not in known:
                found = told(table)
                known[table.view] = None if found is None else known_columns(found)
            return known[table.view]

        renderer.columns = columns
    try:
        sql = with_own_parameters(renderer.sql(tree))
    except RecursionError:
        raise SqlError(
            "the query is nested too deeply to translate.", hint="split it with WITH."
        ) from None
    return Translation(
        sql,
        tuple(renderer.tables.values()),
        tuple(renderer.calls),
        tuple(renderer.parameters) or ("?",) * prepared.markers,
        definitions(sql),
    )


def _names_metadata(tree: exp.Expr) -> bool:
    """Whether a column ``_metadata``, or a field of one, is named anywhere."""
    for node in tree.walk():
        kind = type(node).__name__
        if kind == "Star":
            parts = node.args.get("except_") or []
        elif kind == "Column":
            parts = [node.args.get(part) for part in ("catalog", "db", "table", "this")]
        else:
            continue
        if any(part is not None and part.name.lower() == METADATA for part in parts):
            return True
    return False


def query(text: str, columns: TableColumns | None = None, edit: Edit | None = None) -> Translation:
    """A Databricks query for DuckDB; ``columns`` tells those of a table, where it can."""
    return _translated(text, parse_query, columns, edit)


def expression(text: str) -> Translation:
    """A Databricks expression for DuckDB."""
    return _translated(text, parse_expression)
